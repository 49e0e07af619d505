//! What the documentation shows is true: examples are what the schemas and the readers accept.

use ledger::billing::{BenefitScope, BillingFrequency, Order, PriceType, ReturnReason};
use serde_json::Value;

use super::*;

const ENROLLMENT: &str = include_str!("../../../../../docs/schemas/enrollment.schema.json");
const ORDERS: &str = include_str!("../../../../../docs/schemas/orders.schema.json");
const PRICE_SHEET: &str = include_str!("../../../../../docs/schemas/price-sheet.schema.json");
const USAGE: &str = include_str!("../../../../../docs/schemas/usage-record.schema.json");

fn is_valid(schema: &str, text: &str) -> bool {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let config = jsonschema_valid::Config::from_schema(&schema, None).unwrap();
    assert!(config.validate_schema().is_ok());
    let value: Value = serde_json::from_str(text).unwrap();
    config.validate(&value).is_ok()
}

fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

#[test]
fn the_enrollment_is_read_as_documented() {
    let text = example("enrollment");
    assert!(is_valid(ENROLLMENT, &text));
    assert!(!is_valid(ENROLLMENT, &changed(&text, "\"start\": \"202501\"", "\"start\": \"2025-01\"")));
    assert_eq!(recognise("x.json", text.as_bytes()).unwrap(), NativeKind::Enrollment);
    let StatedEnrollment { enrollment, policies } = read_enrollment("e.json", &text).unwrap();
    assert_eq!((enrollment.number.as_str(), enrollment.name.as_str()), ("7654321", "Contoso"));
    assert_eq!(
        (enrollment.start.to_string(), enrollment.end.unwrap().to_string()),
        ("202501".into(), "2027-12-31".into())
    );
    assert_eq!(enrollment.billing_frequency, BillingFrequency::Quarter);
    let opening = enrollment.opening_balance.unwrap();
    assert_eq!(
        (opening.amount.to_string(), opening.expires.unwrap().to_string()),
        ("500.00".into(), "2025-10-31".into())
    );
    let (da, ao, hidden) = (policies.da_view_charges, policies.ao_view_charges, policies.price_hidden);
    assert_eq!((da, ao, hidden), (Some(true), Some(true), None));
    let hierarchy = &enrollment.hierarchy;
    assert_eq!(hierarchy.departments[0].cost_center.as_deref(), Some("CC-100"));
    assert_eq!(hierarchy.accounts[0].department[1].id.as_deref(), Some("D2"));
    assert_eq!(hierarchy.subscriptions[1].account[1].from.unwrap().to_string(), "2025-03-15");
    let snake = changed(&text, "costCenter", "cost_center");
    assert_eq!(read_enrollment("e.json", &snake).unwrap().enrollment, enrollment);
}

#[test]
fn the_orders_are_read_as_documented_and_again_from_their_own_text() {
    let text = example("orders");
    assert!(is_valid(ORDERS, &text));
    assert!(!is_valid(ORDERS, &changed(&text, "\"units\": 2", "\"units\": -2")));
    assert_eq!(recognise("x.json", text.as_bytes()).unwrap(), NativeKind::Orders);
    let stated = read_orders("o.json", &text, None).unwrap();
    assert_eq!((stated.enrollment.as_str(), stated.currency.unwrap().as_str()), ("7654321", "USD"));
    let ids: Vec<&str> = stated.orders.iter().map(|order| order.id.as_str()).collect();
    let expected = ["R1", "S1", "R1-return", "R1-exchange", "R2-trade", "S1-out", "P1", "C1", "M1", "M1-refund"];
    assert_eq!(ids, expected);
    for order in &stated.orders {
        assert_eq!(read_order(&order.text, stated.currency).unwrap(), order.orders);
    }
    let Order::Reservation(first) = &stated.orders[0].orders[0] else { panic!() };
    assert_eq!((first.units, first.term.months(), first.price.unwrap().to_string()), (2, 12, "730.00".to_owned()));
    assert_eq!((first.meters[0].ratio.to_string(), first.meters[1].ratio.to_string()), ("1".into(), "2".into()));
    assert!(matches!(&first.scope, BenefitScope::ResourceGroup { resource_group, .. } if resource_group == "servers"));
    let [Order::Return(returned), Order::Reservation(bought)] = stated.orders[3].orders.as_slice() else { panic!() };
    assert_eq!((returned.reason, returned.replaced_by.as_slice()), (ReturnReason::Exchange, &["R2".to_owned()][..]));
    assert_eq!((bought.date, bought.price.unwrap().to_string()), (returned.date, "1460.00".to_owned()));
    let [Order::Return(traded), Order::SavingsPlan(plan)] = stated.orders[4].orders.as_slice() else { panic!() };
    assert_eq!((traded.reason, plan.order_id.as_str()), (ReturnReason::TradeIn, "S2"));
    let Order::Purchase(purchase) = &stated.orders[8].orders[0] else { panic!() };
    assert!(purchase.publisher.is_marketplace && !purchase.credit_eligible);
    let Order::Prepayment(prepayment) = &stated.orders[6].orders[0] else { panic!() };
    assert_eq!(prepayment.name, "Prepayment");
}

#[test]
fn the_price_sheet_is_read_as_documented() {
    let text = example("priceSheet");
    assert!(is_valid(PRICE_SHEET, &text));
    assert!(!is_valid(PRICE_SHEET, &changed(&text, "\"0.20\"", "\"-0.20\"")));
    assert_eq!(recognise("x.json", text.as_bytes()).unwrap(), NativeKind::PriceSheet);
    let stated = read_price_sheet("p.json", &text, &PriceSheetFill::default()).unwrap();
    assert_eq!((stated.from.to_string(), stated.through.unwrap().to_string()), ("202501".into(), "202512".into()));
    let sheet = format!("{:?}", stated.sheet);
    assert!(sheet.contains("SavingsPlan(Term { months: 36 })"), "{sheet}");
    let months = calendar::Term::new(12).unwrap();
    assert!(sheet.contains(&format!("{:?}", PriceType::ReservedInstance(months))), "{sheet}");
    let csv = example("priceSheet.csv");
    assert_eq!(recognise("x.csv", csv.as_bytes()).unwrap(), NativeKind::PriceSheet);
    let stated = read_price_sheet("p.csv", &csv, &PriceSheetFill::default()).unwrap();
    assert_eq!((stated.from.to_string(), stated.through), ("202501".to_owned(), None));
    assert!(format!("{:?}", stated.sheet).contains("Tier { from: Decimal(50), price: Decimal(0.15) }"));
}

#[test]
fn usage_is_read_as_documented() {
    let text = example("usage.ndjson");
    for line in text.lines() {
        assert!(is_valid(USAGE, line), "{line}");
        assert!(!is_valid(USAGE, &changed(line, "{", "{\"cost\":1,")), "{line}");
    }
    assert_eq!(recognise("x", text.as_bytes()).unwrap(), NativeKind::Usage(UsageForm::Ndjson));
    let read = records(UsageReader::ndjson("u", input(&text), UsageOrigin::File));
    let read: Vec<Read> = read.into_iter().map(Result::unwrap).collect();
    assert_eq!(read[0].line.tags.as_deref(), Some("{\"team\":\"research\"}"));
    assert_eq!(read[0].line.tags, read[2].line.tags);
    assert_eq!((read[1].hour, read[1].quantity.to_string()), (Some(13), "450000.5".to_owned()));
    assert!(read[1].received_at.is_some() && read[2].quantity.is_negative());
    let csv = example("usage.csv");
    assert_eq!(recognise("x", csv.as_bytes()).unwrap(), NativeKind::Usage(UsageForm::Csv));
    let rows = records(UsageReader::csv("u", input(&csv), UsageOrigin::File).unwrap());
    let first = rows[0].clone().unwrap();
    assert_eq!(
        (first.line.tags.clone(), first.line.resource_id.clone()),
        (read[0].line.tags.clone(), read[0].line.resource_id.clone())
    );
    assert_eq!(rows[1].clone().unwrap().line.resource_id, "");
}
