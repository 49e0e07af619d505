//! Price sheets as CSV and JSON, EA downloads among them.

use money::Currency;

use super::*;

fn read(text: &str) -> Result<StatedPriceSheet, String> {
    let fill = PriceSheetFill {
        from: Some("202501".parse().unwrap()),
        currency: Some(Currency::parse("USD").unwrap()),
        ..PriceSheetFill::default()
    };
    read_price_sheet("p", text, &fill).map_err(|error| error.to_string())
}

/// The header of EA downloads, and two of their rows. The second row is there twice, as in real ones.
const EA: &str = "\
EnrollmentNumber,MeterID,MeterName,MeterType,MeterCategory,MeterSubCategory,ServiceFamily,Product,SkuID,ProductID,MeterRegion,UnitOfMeasure,PartNumber,EffectiveStartDate,EffectiveEndDate,UnitPrice,BasePrice,MarketPrice,CurrencyCode,IncludedQuantity,OfferID,Term,PriceType
8611537,0000-m1,D2 v5,1 Compute Hour,Virtual Machines,Dv5 Series,Compute,VM D2 v5,SKU1,PRD1,EU West,10 Hours,AAA-1,2024-05-01T00:00:00.0000000Z,2024-05-31T00:00:00.0000000Z,0.960000000000000,1.2,1.2,EUR,0.000000000000000,MS-AZR-0017P,,Consumption
8611537,0000-m1,D2 v5,1 Compute Hour,Virtual Machines,Dv5 Series,Compute,VM D2 v5,SKU1,PRD1,EU West,1 Hour,AAA-2,05/01/2024,05/31/2024,6.1E-02,0.07,0.07,EUR,0,MS-AZR-0017P,P1Y,Savings Plan
8611537,0000-m1,D2 v5,1 Compute Hour,Virtual Machines,Dv5 Series,Compute,VM D2 v5,SKU1,PRD1,EU West,1 Hour,AAA-2,05/01/2024,05/31/2024,6.1E-02,0.07,0.07,EUR,0,MS-AZR-0017P,P1Y,Savings Plan
";

#[test]
fn ea_downloads_are_read_as_they_are() {
    assert_eq!(recognise("sheet.csv", EA.as_bytes()).unwrap(), NativeKind::PriceSheet);
    let stated = read_price_sheet("p", EA, &PriceSheetFill::default()).unwrap();
    assert_eq!(stated.enrollment.unwrap().as_str(), "8611537");
    assert_eq!((stated.from.to_string(), stated.through.unwrap().to_string()), ("202405".into(), "202405".into()));
    let sheet = format!("{:?}", stated.sheet);
    for part in [
        "Currency(EUR)",
        "Decimal(0.960000000000000)",
        "Decimal(0.061)",
        "SavingsPlan(Term { months: 12 })",
        "10 Hours",
    ] {
        assert!(sheet.contains(part), "{part}: {sheet}");
    }
    assert_eq!(sheet.matches("AAA-2").count(), 1, "{sheet}");
    let fill = PriceSheetFill { currency: Some(Currency::parse("USD").unwrap()), ..PriceSheetFill::default() };
    let error = read_price_sheet("p", EA, &fill).unwrap_err().to_string();
    assert_eq!(error, "p: currency: \"EUR\": the caller says USD; expected the same");
    let other = EA.replacen("05/01/2024", "06/01/2024", 1);
    let error = read_price_sheet("p", &other, &PriceSheetFill::default()).unwrap_err().to_string();
    assert!(error.contains("line 3: effectiveStartDate: \"202406\": earlier lines say 202405"), "{error}");
}

#[test]
fn wrong_csv_names_line_and_column() {
    let header = "meterId,unitOfMeasure,unitPrice,tierMinimumUnits,priceType,term\n";
    let table = [
        ("m,1 Hour,-1,,,", "p, record 1 (m), line 2: unitPrice: \"-1\": the price is negative; expected 0 or more"),
        ("m,1 Hour,NaN,,,", "unexpected character 'N'"),
        ("m,,1,,,", "unitOfMeasure: the member is missing"),
        ("m,0 Hours,1,,,", "unitOfMeasure: \"0 Hours\": expected a block and a unit"),
        ("m,1 Hour,1,,SavingsPlan,", "termMonths: the member is missing"),
        ("m,1 Hour,1,,Consumption,P1Y", "a price of type Consumption has no term"),
        ("m,1 Hour,1,,SavingsPlan,1 year", "term: \"1 year\": expected a term such as P1Y or P3Y"),
        ("m,1 Hour,1,,Gift,", "priceType: \"Gift\": expected Consumption, SavingsPlan or ReservedInstance"),
        ("m,1 Hour,1,,,\nM,1 Hour,2,,,", "record 2 (M), line 3: meterId: line 2 prices the same meter"),
        ("m,1 Hour,1,0,,\nm,1 Day,2,5,,", "tierMinimumUnits: another tier stands on line 2; expected the same facts"),
        ("m,1 Hour,1,5,,", "line 1, meter m: the first tier does not begin at 0"),
        ("m,1 Hour", "the row has 2 cells; expected 6"),
        ("m,\"1 Hour,1", "line 2: a quoted cell is not closed"),
    ];
    for (rows, expected) in table {
        let error = read(&format!("{header}{rows}\n")).unwrap_err();
        assert!(error.contains(expected), "{rows}: {error}");
    }
    assert!(
        read("meterId,unitPrice\nm,1\n")
            .unwrap_err()
            .contains("p, line 1: column unitOfMeasure: the column is missing")
    );
    assert!(read("meterId,unitOfMeasure,unitPrice,cost\n").unwrap_err().contains("column cost: unknown column"));
    assert!(
        read("meterId,Meter ID,unitOfMeasure,unitPrice\n")
            .unwrap_err()
            .contains("column Meter ID: the column is there twice")
    );
    assert!(read("").unwrap_err().contains("the file is empty; expected a header line"));
}

#[test]
fn wrong_json_names_line_and_member() {
    let sheet = |line: &str| format!("{{\"kind\":\"priceSheet\",\"lines\":[\n{line}]}}");
    let table = [
        (
            "{\"meterId\":\"m\",\"unitOfMeasure\":\"1 Hour\"}",
            "p, record 1 (m), line 2: unitPrice: the member is missing",
        ),
        ("{\"meterId\":\"m\",\"unitOfMeasure\":\"1 Hour\",\"unitPrice\":1,\"x\":1}", "x: unknown member"),
        (
            "{\"meterId\":\"m\",\"unitOfMeasure\":\"1 Hour\",\"unitPrice\":1,\"tiers\":[{\"from\":0,\"price\":1},{\"from\":-1,\"price\":1}]}",
            "tiers[1].from: \"-1\": expected 0 or more",
        ),
        (
            "{\"meterId\":\"m\",\"unitOfMeasure\":\"1 Hour\",\"unitPrice\":2,\"tiers\":[{\"from\":0,\"price\":1},{\"from\":5,\"price\":0}]}",
            "the unit price is not the price of the first tier",
        ),
        (
            "{\"meterId\":\"m\",\"unitOfMeasure\":\"1 Hour\",\"unitPrice\":1,\"priceType\":\"SavingsPlan\",\"termMonths\":12,\"term\":\"P3Y\"}",
            "term: termMonths says 12; expected the same or one of both",
        ),
    ];
    for (line, expected) in table {
        let error = read(&sheet(line)).unwrap_err();
        assert!(error.contains(expected), "{line}: {error}");
    }
    let bare = read_price_sheet("p", &sheet(""), &PriceSheetFill::default()).unwrap_err();
    assert_eq!(
        (bare.code(), bare.to_string().as_str()),
        ("MissingFact", "p does not say its first billing period; say it with --prices-from YYYYMM")
    );
    let ends = "{\"kind\":\"priceSheet\",\"from\":\"202502\",\"through\":\"202501\",\"currency\":\"USD\",\"lines\":[]}";
    let error = read_price_sheet("p", ends, &PriceSheetFill::default()).unwrap_err().to_string();
    assert_eq!(error, "p: through: the prices end before they begin; expected 202502 or a later period");
}
