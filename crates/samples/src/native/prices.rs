//! The price sheet of a generated native enrollment.

use serde_json::{Map, Value, json};

use super::catalogue::{METERS, Meter, Millionths, SERIES, Series};
use super::options::NativeOptions;

/// Hours of a year, of which a reservation costs 60 percent, and of three years, of which it costs 40.
const YEAR_HOURS: u64 = 8_760;

pub(super) fn document(options: &NativeOptions) -> Value {
    let mut lines = Vec::new();
    for series in SERIES {
        for cores in series.sizes {
            machine_lines(options, series, *cores, &mut lines);
        }
    }
    for meter in METERS {
        match meter.parts {
            None => lines.push(meter_line(meter, meter.price, None)),
            Some([first, second]) => {
                lines.push(meter_line(meter, meter.price, Some(first)));
                lines.push(meter_line(meter, meter.price / 10 * 11, Some(second)));
            }
        }
    }
    json!({
        "kind": "priceSheet",
        "enrollment": options.enrollment,
        "currency": options.currency.as_str(),
        "from": period(options),
        "lines": lines,
    })
}

/// The first month as `YYYYMM`.
pub(super) fn period(options: &NativeOptions) -> String {
    format!("{:04}{:02}", options.first_month.year(), options.first_month.month())
}

/// The price of one reservation unit (two cores) for the term, as an amount of the currency.
pub(super) fn reservation_price(options: &NativeOptions, series: &Series, term_months: u16) -> String {
    let hours = YEAR_HOURS * u64::from(term_months) / 12;
    let percent = if term_months > 12 { 40 } else { 60 };
    let hundredths = series.price * hours * percent / 1_000_000;
    options.amount(hundredths / 100, hundredths)
}

fn machine_lines(options: &NativeOptions, series: &Series, cores: u64, lines: &mut Vec<Value>) {
    let price = series.price * cores / 2;
    let meter = series.meter(cores);
    let named = |mut line: Map<String, Value>| {
        line.insert("meterName".to_owned(), json!(format!("{}{cores} v5", series.name)));
        line.insert("meterCategory".to_owned(), json!("Virtual Machines"));
        line.insert("serviceFamily".to_owned(), json!("Compute"));
        line.insert("meterRegion".to_owned(), json!(series.region));
        Value::Object(line)
    };
    let mut usage = base(&meter, "1 Hour", &millionths(price));
    usage.insert("marketPrice".to_owned(), json!(millionths(price / 9 * 10)));
    lines.push(named(usage));
    if let Some((one_year, three_years)) = series.plan_rates {
        for (term, thousandths) in [("P1Y", one_year), ("P3Y", three_years)] {
            let mut rate = base(&meter, "1 Hour", &millionths(price * thousandths / 1_000));
            rate.insert("priceType".to_owned(), json!("SavingsPlan"));
            rate.insert("term".to_owned(), json!(term));
            lines.push(named(rate));
        }
    }
    if cores == series.sizes[0] {
        for (term, months) in [("P1Y", 12), ("P3Y", 36)] {
            let mut unit = base(&meter, "1 Hour", &reservation_price(options, series, months));
            unit.insert("priceType".to_owned(), json!("ReservedInstance"));
            unit.insert("term".to_owned(), json!(term));
            lines.push(named(unit));
        }
    }
}

fn meter_line(meter: &Meter, price: Millionths, part: Option<&str>) -> Value {
    let mut line = base(meter.id, meter.unit, &millionths(price));
    line.insert("meterName".to_owned(), json!(meter.name));
    line.insert("meterCategory".to_owned(), json!(meter.category));
    if let Some(part) = part {
        line.insert("partNumber".to_owned(), json!(part));
    }
    if let Some(included) = meter.included {
        line.insert("includedQuantity".to_owned(), json!(included));
    }
    if !meter.tiers.is_empty() {
        let first = json!({"from": "0", "price": millionths(price)});
        let further = meter.tiers.iter().map(|(from, price)| json!({"from": from, "price": millionths(*price)}));
        line.insert("tiers".to_owned(), Value::Array(std::iter::once(first).chain(further).collect()));
    }
    if meter.marketplace {
        line.insert("publisherType".to_owned(), json!("Marketplace"));
        line.insert("publisherName".to_owned(), json!("Fabrikam"));
    }
    line.insert("creditEligible".to_owned(), json!(meter.eligible));
    Value::Object(line)
}

fn base(meter: &str, unit: &str, price: &str) -> Map<String, Value> {
    let members = [("meterId", meter), ("unitOfMeasure", unit), ("unitPrice", price)];
    members.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()
}

/// A number of millionths as decimal text without trailing zeros.
pub(super) fn millionths(value: u64) -> String {
    let text = format!("{}.{:06}", value / 1_000_000, value % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
