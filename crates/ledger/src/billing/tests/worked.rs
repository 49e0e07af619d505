//! The worked examples of SEMANTICS section 7 on the engine itself; through files and APIs they are tested elsewhere.

use crate::BalanceAmount::{
    Adjustments, AzureMarketplaceServiceCharges, BeginningBalance, ChargesBilledSeparately, EndingBalance,
    NewPurchases, OverageRefund, ServiceOverage, TotalOverage, TotalUsage, Utilized,
};
use crate::Dataset::{ActualCost, AmortizedCost};

use super::*;

fn is_amortized(row: &ChargeRow<'_>) -> bool {
    ["Reservation", "SavingsPlan"].contains(&text_of(row, Field::PricingModel).as_str())
}

fn hourly(plan: &str, rate: &str) -> PriceLine {
    PriceLine { price_type: PriceType::SavingsPlan(Term::ONE_YEAR), ..price(plan, "1 Hour", rate) }
}

#[test]
fn e1_the_365_dollar_reservation() {
    let sample = Sample::new("202501")
        .order(Order::Reservation(reservation("r1", "2025-01-01", 12, "365.00")))
        .uses("/vm1", "vm", "2025-01-01", "12")
        .uses("/vm1", "vm", "2025-01-02", "24")
        .uses("/vm2", "vm", "2025-01-02", "10");
    let bills = sample.bills("2025-02-05");
    let actual = [
        "2025-01-01 Purchase Reservation 1 365 365",
        "2025-01-01 Usage Reservation 12 0 0",
        "2025-01-02 Usage OnDemand 10 0.1 1",
        "2025-01-02 Usage Reservation 24 0 0",
    ];
    assert_eq!(bills.rows("202501", ActualCost), actual);
    let amortized = bills.rows("202501", AmortizedCost);
    for expected in [
        "2025-01-01 Usage Reservation 12 0.041666666667 0.5",
        "2025-01-01 UnusedReservation Reservation 12 0.041666666667 0.5",
        "2025-01-02 Usage OnDemand 10 0.1 1",
        "2025-01-02 Usage Reservation 24 0.041666666667 1",
        "2025-01-02 UnusedReservation Reservation 0 0.041666666667 0",
        "2025-01-31 UnusedReservation Reservation 24 0.041666666667 1",
    ] {
        assert!(amortized.iter().any(|row| row == expected), "{expected}: {amortized:#?}");
    }
    assert_eq!(bills.sum("202501", AmortizedCost, is_amortized), "31");
    assert_eq!((bills.total("202501", ActualCost), bills.total("202501", AmortizedCost)), ("366".into(), "32".into()));
}

#[test]
fn e2_an_indivisible_price_and_partial_use() {
    let sample = Sample::new("202505").order(Order::Reservation(reservation("r1", "2025-05-26", 12, "1200.00"))).uses(
        "/vm1",
        "vm",
        "2025-05-26",
        "18",
    );
    let bills = sample.bills("2026-06-05");
    let may = bills.rows("202505", AmortizedCost);
    assert!(may.contains(&"2025-05-26 Usage Reservation 18 0.13698630137 2.465753424658".into()), "{may:#?}");
    assert!(
        may.iter()
            .any(|row| row.starts_with("2025-05-26 UnusedReservation Reservation 6 ")
                && row.ends_with(" 0.821917808219")),
        "{may:#?}"
    );
    let months = [
        ("202505", "19.72602739726"),
        ("202506", "98.630136986302"),
        ("202602", "92.054794520548"),
        ("202605", "82.191780821918"),
    ];
    for (month, expected) in months {
        assert_eq!(bills.total(month, AmortizedCost), expected, "{month}");
    }
    let all = bills.0.iter().flat_map(|bill| bill.charges(AmortizedCost)).map(|row| row.cost());
    assert_eq!(all.fold(Decimal::ZERO, |sum, cost| sum.checked_add(cost).unwrap()), decimal("1200"));
}

#[test]
fn e3_a_leap_year() {
    let sample = Sample::new("201910").order(Order::Reservation(reservation("r1", "2019-10-23", 12, "12016.00")));
    let bills = sample.bills("2020-11-05");
    let months = [
        ("201910", "295.475409836066"),
        ("201911", "984.918032786885"),
        ("202002", "952.087431693989"),
        ("202010", "722.273224043716"),
    ];
    for (month, expected) in months {
        assert_eq!(bills.total(month, AmortizedCost), expected, "{month}");
    }
}

#[test]
fn e4_three_years_billed_monthly() {
    let order = Reservation { billing: BenefitBilling::Monthly, ..reservation("r1", "2025-01-15", 36, "3600.00") };
    let bills = Sample::new("202501").order(Order::Reservation(order)).bills("2025-05-05");
    let months = [
        ("202501", "55.890410958904"),
        ("202502", "92.054794520548"),
        ("202503", "101.917808219178"),
        ("202504", "98.630136986302"),
    ];
    for (month, expected) in months {
        assert_eq!(
            bills.rows(month, ActualCost),
            [format!("{}-{}-15 Purchase Reservation 1 100 100", &month[..4], &month[4..])]
        );
        assert_eq!(
            bills.of(month).charges(ActualCost).map(|row| text_of(&row, Field::Frequency)).collect::<Vec<_>>(),
            ["Recurring"]
        );
        assert_eq!(bills.total(month, AmortizedCost), expected, "{month}");
    }
}

#[test]
fn e5_a_savings_plan_with_unused_commitment() {
    let plan = savings_plan("p1", "2025-07-01", "2.00");
    let sample = Sample::new("202507")
        .price(price("vm", "1 Hour", "1.00"))
        .price(hourly("vm", "0.80"))
        .order(Order::SavingsPlan(plan))
        .uses("/vm1", "vm", "2025-07-02", "30");
    let bills = sample.bills("2025-08-05");
    let actual = ["2025-07-01 Purchase SavingsPlan 1 17520 17520", "2025-07-02 Usage SavingsPlan 30 0 0"];
    assert_eq!(bills.rows("202507", ActualCost), actual);
    let amortized = bills.rows("202507", AmortizedCost);
    assert!(amortized.contains(&"2025-07-02 Usage SavingsPlan 30 0.8 24".into()), "{amortized:#?}");
    assert!(amortized.contains(&"2025-07-02 UnusedSavingsPlan SavingsPlan 12 2 24".into()), "{amortized:#?}");
    assert_eq!(
        (bills.total("202507", ActualCost), bills.total("202507", AmortizedCost)),
        ("17520".into(), "1488".into())
    );
}

#[test]
fn e6_a_refund_with_mixed_funding() {
    let sample = Sample::new("202502")
        .opening("500.00", None)
        .order(Order::Reservation(reservation("r1", "2025-02-10", 12, "730.00")))
        .order(Order::Return(give_back("t1", "r1", "2025-08-05")));
    let bills = sample.bills("2025-09-05");
    let february = |which| bills.balance("202502", which);
    assert_eq!([february(Utilized), february(ServiceOverage), february(EndingBalance)], ["500.00", "230.00", "0.00"]);
    assert_eq!(bills.rows("202508", ActualCost), ["2025-08-05 Refund Reservation -1 378 -378"]);
    let months = [
        ("202502", "38"),
        ("202503", "62"),
        ("202504", "60"),
        ("202505", "62"),
        ("202506", "60"),
        ("202507", "62"),
        ("202508", "8"),
    ];
    for (month, expected) in months {
        assert_eq!(bills.total(month, AmortizedCost), expected, "{month}");
    }
    let august = |which| bills.balance("202508", which);
    assert_eq!(
        [august(Adjustments), august(OverageRefund), august(Utilized), august(EndingBalance)],
        ["258.90", "119.10", "0.00", "258.90"]
    );
    assert_eq!(bills.adjustments("202508"), ["Return of Reservation Credit 258.90"]);
}

fn spends(start: &str, opening: &str, daily: &str, days: i32) -> Sample {
    let mut sample = Sample::new(start).opening(opening, None).price(price("vm", "1 Hour", "1.00"));
    for offset in 0..days {
        let date = period(start).first_day().add_days(offset).unwrap().to_string();
        sample = sample.uses("/vm1", "vm", &date, daily);
    }
    sample
}

#[test]
fn e7_prepayment_runs_out_within_the_month() {
    let sample = spends("202506", "1000.00", "80.00", 30);
    let seen = |as_of: &str| {
        let bills = sample.bills(as_of);
        [Utilized, ServiceOverage, EndingBalance, TotalOverage, TotalUsage].map(|which| bills.balance("202506", which))
    };
    assert_eq!(seen("2025-07-05"), ["1000.00", "1400.00", "0.00", "1400.00", "2400.00"]);
    assert_eq!(seen("2025-06-10")[..3], ["800.00", "0.00", "200.00"]);
    assert_eq!(seen("2025-06-13")[..3], ["1000.00", "40.00", "0.00"]);
}

#[test]
fn e8_four_classes() {
    let third_party =
        |meter: &str, eligible| PriceLine { is_marketplace: true, credit_eligible: eligible, ..price(meter, "1", "1") };
    let sample = Sample::new("202506")
        .opening("300.00", None)
        .price(price("vm", "1 Hour", "1"))
        .price(third_party("eligible", true))
        .price(third_party("offer", false))
        .price(PriceLine { credit_eligible: false, ..price("tool", "1", "1") })
        .uses("/a", "vm", "2025-06-01", "400.00")
        .uses("/b", "eligible", "2025-06-01", "80.00")
        .uses("/c", "offer", "2025-06-01", "55.25")
        .uses("/d", "tool", "2025-06-01", "120.10");
    let bills = sample.bills("2025-07-05");
    let seen =
        [Utilized, ServiceOverage, ChargesBilledSeparately, TotalOverage, TotalUsage, AzureMarketplaceServiceCharges]
            .map(|which| bills.balance("202506", which));
    assert_eq!(seen, ["300.00", "180.00", "120.10", "300.10", "600.10", "55.25"]);
    assert_eq!(bills.total("202506", ActualCost), "655.35");
}

#[test]
fn e9_credits() {
    for (charges, expected) in [("1.10", ["1.10", "0.00", "2.00"]), ("4.20", ["3.10", "1.10", "0.00"])] {
        let sample = spends("202506", "0", charges, 1)
            .order(prepayment("c0", "2025-06-01", "1.00"))
            .order(credit("c1", "Promo Credit", "2025-06-03", "1.10", None))
            .order(credit("c2", "SIE Credit", "2025-06-04", "1.00", None));
        let bills = sample.bills("2025-07-05");
        assert_eq!([Utilized, ServiceOverage, EndingBalance].map(|which| bills.balance("202506", which)), expected);
        assert_eq!([NewPurchases, Adjustments].map(|which| bills.balance("202506", which)), ["1.00", "2.10"]);
        assert_eq!(bills.adjustments("202506"), ["Promo Credit 1.10", "SIE Credit 1.00"]);
    }
}

#[test]
fn e10_included_quantity_and_tiers() {
    let tier = |from: &str, price: &str| Tier { from: decimal(from), price: decimal(price) };
    let line = PriceLine {
        included: decimal("5"),
        tiers: vec![tier("0", "0.20"), tier("50", "0.15")],
        ..price("fn", "10,000 s", "0.20")
    };
    let second = Usage {
        line: usage(S2, "/f2", "fn"),
        day: day("2025-06-02"),
        hour: None,
        quantity: decimal("350000"),
        received: Instant::start_of(day("2025-06-02")),
    };
    let sample = Sample::new("202506").price(line).uses("/f1", "fn", "2025-06-02", "450000").record(second);
    let bills = sample.bills("2025-07-05");
    let expected = [
        "2025-06-02 Usage OnDemand 35 0.16875 5.90625",
        "2025-06-02 Usage OnDemand 45 0.16875 7.59375",
        "2025-06-30 RoundingAdjustment - 1 -0.01 -0.01",
    ];
    assert_eq!(bills.rows("202506", ActualCost), expected);
    assert_eq!(bills.rows("202506", AmortizedCost), expected);
    let unit_prices: Vec<String> =
        bills.of("202506").charges(ActualCost).map(|row| text_of(&row, Field::UnitPrice)).collect();
    assert!(unit_prices.contains(&"0.2".to_owned()), "{unit_prices:?}");
}

#[test]
fn e11_units() {
    let in_hours = Usage {
        line: UsageLine { unit: Some("1 Hour".into()), ..usage(S1, "/b", "m100") },
        day: day("2025-06-01"),
        hour: None,
        quantity: decimal("24"),
        received: Instant::start_of(day("2025-06-01")),
    };
    let sample = Sample::new("202506")
        .price(price("m100", "100 Hours", "12.50"))
        .price(price("ops", "10K", "0.0005"))
        .price(price("gb", "1 GB/Month", "0.10"))
        .price(price("month", "1/Month", "122.88"))
        .uses("/a", "m100", "2025-06-01", "24")
        .record(in_hours)
        .uses("/c", "ops", "2025-06-01", "1351")
        .uses("/d", "gb", "2025-06-01", "24.80634996")
        .uses("/e", "month", "2025-06-01", "0.033336");
    let bills = sample.bills("2025-07-05");
    let seen: Vec<[String; 5]> = bills
        .of("202506")
        .charges(ActualCost)
        .filter(|row| text_of(row, Field::ChargeType) == "Usage")
        .map(|row| {
            [Field::ResourceId, Field::UnitOfMeasure, Field::Quantity, Field::UnitPrice, Field::Cost]
                .map(|field| text_of(&row, field))
        })
        .collect();
    let expected = [
        ["/a", "100 Hours", "0.24", "12.5", "3"],
        ["/b", "1 Hour", "24", "0.125", "3"],
        ["/c", "10K", "0.1351", "0.0005", "0.00006755"],
        ["/d", "1 GB/Month", "24.80634996", "0.1", "2.480634996"],
        ["/e", "1/Month", "0.033336", "122.88", "4.09632768"],
    ];
    assert_eq!(seen, expected.map(|row| row.map(str::to_owned)));
}

#[test]
fn e12_an_exchange() {
    let exchange = Return {
        reason: ReturnReason::Exchange,
        replaced_by: vec!["r2".into()],
        ..give_back("t1", "r1", "2025-03-02")
    };
    let sample = Sample::new("202501")
        .opening("3000.00", None)
        .order(Order::Reservation(reservation("r1", "2025-01-01", 12, "1095.00")))
        .order(Order::Return(exchange))
        .order(Order::Reservation(reservation("r2", "2025-03-02", 12, "1460.00")));
    let bills = sample.bills("2025-04-05");
    assert_eq!(
        bills.rows("202503", ActualCost),
        ["2025-03-02 Purchase Reservation 1 1460 1460", "2025-03-02 Refund Reservation -1 915 -915"]
    );
    assert_eq!(["202501", "202502", "202503"].map(|month| bills.total(month, AmortizedCost)), ["93", "84", "123"]);
    assert_eq!([Utilized, EndingBalance].map(|which| bills.balance("202501", which)), ["1095.00", "1905.00"]);
    let march = [Adjustments, Utilized, EndingBalance].map(|which| bills.balance("202503", which));
    assert_eq!(march, ["915.00", "1460.00", "1360.00"]);
    assert_eq!(bills.adjustments("202503"), ["Exchange adjustment for Azure reservation 915.00"]);
}

#[test]
fn e13_size_flexibility() {
    let meter = |id: &str, ratio: u32| ReservedMeter { meter_id: id.into(), ratio: Decimal::from(ratio) };
    let order =
        Reservation { meters: vec![meter("d2", 1), meter("d4", 2)], ..reservation("r1", "2025-01-01", 12, "876.00") };
    let sample = Sample::new("202501")
        .price(price("d2", "1 Hour", "0.20"))
        .price(price("d4", "1 Hour", "0.40"))
        .order(Order::Reservation(order))
        .uses("/vm4", "d4", "2025-01-04", "8")
        .uses("/vm2", "d2", "2025-01-04", "5");
    let bills = sample.bills("2025-02-05");
    let rows: Vec<String> =
        bills.rows("202501", AmortizedCost).into_iter().filter(|row| row.starts_with("2025-01-04")).collect();
    let expected = [
        "2025-01-04 UnusedReservation Reservation 3 0.1 0.3",
        "2025-01-04 Usage Reservation 5 0.1 0.5",
        "2025-01-04 Usage Reservation 8 0.2 1.6",
    ];
    assert_eq!(rows, expected);
    let info: Vec<String> = bills
        .of("202501")
        .charges(AmortizedCost)
        .filter(|row| text_of(row, Field::MeterId) == "d4")
        .map(|row| text_of(&row, Field::AdditionalInfo))
        .collect();
    let expected =
        r#"{"ReservationOrderId":"r1","ReservationId":"r1-r","ConsumptionMeter":"d4","RINormalizationRatio":2}"#;
    assert_eq!(info, [expected]);
}

#[test]
fn e14_the_rounding_line() {
    let second = Usage {
        line: usage(S2, "/b", "gb"),
        day: day("2025-06-01"),
        hour: None,
        quantity: decimal("0.1"),
        received: Instant::start_of(day("2025-06-01")),
    };
    let sample = Sample::new("202506")
        .price(price("gb", "1 GB", "0.087"))
        .price(price("ops", "10K", "0.0005"))
        .uses("/a", "gb", "2025-06-01", "141.9034581")
        .record(second)
        .uses("/c", "ops", "2025-06-01", "1351");
    let bills = sample.bills("2025-07-05");
    let amounts: Vec<String> = bills.of("202506").invoice_lines.iter().map(|line| line.amount.to_string()).collect();
    assert_eq!(amounts, ["12.34", "0.00", "0.00"]);
    assert_eq!(
        bills.sum("202506", ActualCost, |row| text_of(row, Field::ChargeType) == "RoundingAdjustment"),
        "-0.0143684047"
    );
    assert_eq!(
        (bills.balance("202506", TotalUsage), bills.total("202506", ActualCost)),
        ("12.34".into(), "12.34".into())
    );
}

#[test]
fn e15_published_figures() {
    let bought = |id: &str, date: &str, amount: &str| OtherPurchase {
        order_id: id.into(),
        order_name: None,
        date: day(date),
        quantity: Decimal::from(1),
        amount: decimal(amount),
        recurrence: Recurrence::Once,
        until: None,
        subscription: subscription(S1),
        resource_id: None,
        publisher: Publisher { is_marketplace: true, name: None },
        meter_id: None,
        part_number: None,
        product_name: None,
        plan_name: None,
        credit_eligible: false,
    };
    // 2012.61 comes back of a purchase that nothing was prepaid for: all of it beside the pool.
    let meters = vec![ReservedMeter { meter_id: "another".into(), ratio: Decimal::from(1) }];
    let other = Reservation { meters, ..reservation("r1", "2025-05-01", 12, "2012.61") };
    let returned = Return { refund: Some(decimal("2012.61")), ..give_back("t", "r1", "2025-07-20") };
    let sample = Sample::new("202505")
        .price(price("vm", "1 Hour", "1"))
        .order(Order::Reservation(other))
        .order(Order::Return(returned))
        .order(credit("c", "Prepayment", "2025-06-01", "3396469.19", None))
        .order(Order::Purchase(bought("m1", "2025-07-09", "609.82")))
        .uses("/vm", "vm", "2025-07-01", "474098.17");
    let bills = sample.bills("2025-08-05");
    let seen = [
        BeginningBalance,
        NewPurchases,
        Adjustments,
        Utilized,
        EndingBalance,
        TotalUsage,
        TotalOverage,
        AzureMarketplaceServiceCharges,
        OverageRefund,
    ]
    .map(|which| bills.balance("202507", which));
    let expected = ["3396469.19", "0.00", "0.00", "474098.17", "2922371.02", "474098.17", "0.00", "609.82", "2012.61"];
    assert_eq!(seen, expected);
}

#[test]
fn e16_a_move_in_mid_month() {
    let mut sample = spends("202506", "0", "6.00", 30);
    sample.enrollment.hierarchy.subscriptions[0].account = vec![since(None, "A1"), since(Some("2025-06-11"), "A2")];
    let bills = sample.bills("2025-07-05");
    let of = |id: &str| bills.sum("202506", ActualCost, |row| text_of(row, Field::InvoiceSectionId) == id);
    assert_eq!((of("D1"), of("D2"), bills.total("202506", ActualCost)), ("60".into(), "120".into(), "180".into()));
}

#[test]
fn e17_late_and_corrected_usage() {
    let arrives = |quantity: &str, arrival: &str| Usage {
        line: usage(S1, "/vm1", "vm"),
        day: day("2025-02-20"),
        hour: None,
        quantity: decimal(quantity),
        received: Instant::start_of(day(arrival)),
    };
    let sample = Sample::new("202502")
        .price(price("vm", "1 Hour", "2.00"))
        .record(arrives("10", "2025-03-04"))
        .record(arrives("10", "2025-03-06"))
        .record(arrives("-3", "2025-03-20"));
    let bills = sample.bills("2025-04-05");
    assert_eq!(bills.rows("202502", ActualCost), ["2025-02-20 Usage OnDemand 10 2 20"]);
    let march = ["2025-03-06 Usage OnDemand 10 2 20", "2025-03-20 Usage OnDemand -3 2 -6"];
    assert_eq!(bills.rows("202503", ActualCost), march);
    for row in bills.of("202503").charges(ActualCost) {
        let info = text_of(&row, Field::AdditionalInfo);
        assert!(info.contains(r#""ConsumptionBeginTime":"2025-02-20T00:00:00Z""#), "{info}");
    }
}

#[test]
fn e18_a_refund_before_the_cut_off() {
    let sample = Sample::new("202505")
        .order(Order::Reservation(reservation("r1", "2025-05-28", 12, "1200.00")))
        .order(Order::Return(give_back("t1", "r1", "2025-06-03")));
    let bills = sample.bills("2025-07-05");
    let actual = ["2025-05-28 Purchase Reservation 1 1200 1200", "2025-06-03 Refund Reservation -1 1180.27 -1180.27"];
    assert_eq!(bills.rows("202505", ActualCost), actual);
    assert_eq!(bills.balance("202505", ServiceOverage), "19.73");
    assert_eq!(
        ["202505", "202506"].map(|month| bills.total(month, AmortizedCost)),
        ["13.150684931507", "6.579315068493"]
    );
    let june = bills.rows("202506", AmortizedCost);
    assert!(june.contains(&"2025-06-03 UnusedReservation Reservation 0 0 0.00397260274".into()), "{june:#?}");
    assert_eq!(bills.rows("202506", ActualCost), Vec::<String>::new());
}

#[test]
fn e19_expiry() {
    let sample = spends("202510", "900.00", "650.00", 1)
        .opening("900.00", Some("2025-10-31"))
        .order(credit("c1", "Promo Credit", "2025-10-02", "200.00", Some("2026-03-31")))
        .uses("/vm1", "vm", "2025-11-03", "350.00");
    let bills = sample.bills("2025-12-05");
    let seen = |month| [Utilized, Adjustments, ServiceOverage, EndingBalance].map(|which| bills.balance(month, which));
    assert_eq!(seen("202510"), ["650.00", "-50.00", "0.00", "200.00"]);
    assert_eq!(seen("202511"), ["200.00", "0.00", "150.00", "0.00"]);
    assert_eq!(bills.adjustments("202510"), ["Promo Credit 200.00", "Prepayment Expiration -250.00"]);
}

#[test]
fn e20_debt() {
    let sample = spends("202506", "100.00", "40.00", 1)
        .order(credit("c1", "Correction", "2025-06-15", "-160.00", None))
        .order(prepayment("p1", "2025-07-01", "200.00"))
        .uses("/vm1", "vm", "2025-07-02", "50.00");
    let bills = sample.bills("2025-08-05");
    let seen = |month| [Utilized, ServiceOverage, EndingBalance].map(|which| bills.balance(month, which));
    assert_eq!(seen("202506"), ["0.00", "40.00", "-60.00"]);
    assert_eq!(seen("202507"), ["50.00", "0.00", "90.00"]);
}

/// E5 with a rate that does not divide the commitment: the split row takes all that is left (SEMANTICS 3.4 and 3.5).
#[test]
fn a_plan_that_is_used_up_has_nothing_unused() {
    let plan = SavingsPlan { commitment: decimal("1.00"), ..savings_plan("p1", "2025-07-01", "2.00") };
    let sample = Sample::new("202507")
        .price(price("vm", "1 Hour", "1.00"))
        .price(hourly("vm", "0.90"))
        .order(Order::SavingsPlan(plan))
        .uses("/vm1", "vm", "2025-07-02", "100")
        .uses("/vm2", "vm", "2025-07-02", "100");
    let rows: Vec<String> = sample
        .bills("2025-08-05")
        .rows("202507", AmortizedCost)
        .into_iter()
        .filter(|row| row.starts_with("2025-07-02"))
        .collect();
    let expected = [
        "2025-07-02 UnusedSavingsPlan SavingsPlan 0 1 0",
        "2025-07-02 Usage OnDemand 100 1 100",
        "2025-07-02 Usage OnDemand 73.333333333334 1 73.333333333334",
        "2025-07-02 Usage SavingsPlan 26.666666666666 0.9 24",
    ];
    assert_eq!(rows, expected);
}

/// A benefit of the next month does nothing in this one, even where this one is billed after its purchase.
#[test]
fn a_later_benefit_without_price_does_not_stop_an_earlier_period() {
    let later = Reservation { price: None, ..reservation("r1", "2025-02-02", 12, "1.00") };
    let mut sample = Sample::new("202501").uses("/vm1", "vm", "2025-01-02", "10");
    sample.orders.push(Order::Reservation(later));
    let sheet = PriceSheet::new(sample.enrollment.currency, sample.lines.clone()).unwrap();
    let billed = bill(BillInput {
        enrollment: &sample.enrollment,
        period: period("202501"),
        prices: Some(&sheet),
        orders: &sample.orders,
        usage: sample.posted(period("202501"), Instant::start_of(day("2025-02-04"))),
        previous: None,
        as_of: Instant::start_of(day("2025-02-04")),
    });
    assert_eq!(billed.unwrap().charges(ActualCost).count(), 1);
}
