//! Orders that cannot be true together, and those that are true in an unusual way.

use super::*;
use crate::Dataset::{ActualCost, AmortizedCost};

fn refusal(orders: &[Order]) -> String {
    let sample = Sample::new("202501");
    check_orders(&sample.enrollment, orders, &|order| order.price).unwrap_err().to_string()
}

fn bought(id: &str, date: &str, price: &str) -> Order {
    Order::Reservation(reservation(id, date, 12, price))
}

fn transfer(id: &str, order: &str, date: &str, direction: TransferDirection) -> Order {
    Order::Transfer(Transfer { id: id.into(), order_id: order.into(), date: day(date), direction })
}

#[test]
fn a_benefit_that_comes_from_another_enrollment_does_nothing_before() {
    let sample = Sample::new("202501")
        .order(bought("r1", "2025-01-05", "365.00"))
        .order(transfer("t1", "r1", "2025-02-10", TransferDirection::In))
        .uses("/vm1", "vm", "2025-01-20", "5")
        .uses("/vm1", "vm", "2025-02-20", "24");
    let bills = sample.bills("2025-03-05");
    assert_eq!(bills.rows("202501", ActualCost), ["2025-01-20 Usage OnDemand 5 0.1 0.5"]);
    assert_eq!(bills.total("202501", AmortizedCost), "0.5");
    // 19 days of 1.00 from the day of transfer on; the purchase stays with the source (SEMANTICS 1, rule 5).
    assert_eq!((bills.total("202502", AmortizedCost), bills.total("202502", ActualCost)), ("19".into(), "0".into()));
    let own = first_period_of(&sample.orders[0], &sample.enrollment, &sample.orders).unwrap();
    assert_eq!(own, period("202502"));
}

#[test]
fn what_belongs_to_another_enrollment_is_not_given_back_here() {
    let out = transfer("t1", "r1", "2025-03-01", TransferDirection::Out);
    let after = Order::Return(give_back("b1", "r1", "2025-04-10"));
    let said = refusal(&[bought("r1", "2025-01-05", "365.00"), out.clone(), after]);
    assert_eq!(said, "order b1, date: the reservation belongs to another enrollment on this day");
    let back = transfer("t2", "r1", "2025-05-01", TransferDirection::In);
    let said = refusal(&[bought("r1", "2025-01-05", "365.00"), out, back]);
    assert_eq!(said, "order t2, date: the benefit left before; it cannot come back");
}

#[test]
fn no_more_is_paid_back_than_was_paid() {
    let part = |id: &str, date: &str| {
        Order::Return(Return { units: Some(1), refund: Some(decimal("600")), ..give_back(id, "r1", date) })
    };
    let order = Order::Reservation(Reservation { units: 3, ..reservation("r1", "2025-01-05", 12, "1000.00") });
    let said = refusal(&[order, part("b1", "2025-02-01"), part("b2", "2025-03-01")]);
    assert_eq!(said, "order b2, refund: 600 is more than what was paid and not given back yet, 400.00");
}

#[test]
fn refunds_of_other_purchases_stay_within_what_was_charged() {
    let order = OtherPurchase {
        order_id: "m1".into(),
        order_name: None,
        date: day("2025-01-31"),
        quantity: Decimal::from(1),
        amount: decimal("10.00"),
        recurrence: Recurrence::Monthly,
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
    let refund = |id: &str, date: &str, amount: &str| {
        Order::Refund(OtherRefund {
            id: id.into(),
            order_id: "m1".into(),
            date: day(date),
            quantity: Decimal::from(1),
            amount: decimal(amount),
        })
    };
    // Three times until the end of March: 31 January, 28 February, 31 March.
    let fits = [Order::Purchase(order.clone()), refund("f1", "2025-03-31", "30.00")];
    assert!(check_orders(&Sample::new("202501").enrollment, &fits, &|order| order.price).is_ok());
    let said =
        refusal(&[Order::Purchase(order), refund("f1", "2025-02-27", "4.00"), refund("f2", "2025-03-30", "17.00")]);
    assert_eq!(said, "order f2, amount: 21.00 in all would be given back of 20.00 that was charged until then");
}

#[test]
fn prepayment_does_not_begin_in_a_period_that_its_day_finds_closed() {
    let order = |date: &str| {
        Order::Prepayment(Prepayment {
            id: "p1".into(),
            name: "Prepayment".into(),
            date: day(date),
            coverage_start: Some(day("2025-02-01")),
            amount: decimal("1000.00"),
            expires: None,
        })
    };
    let said = refusal(&[order("2025-03-05")]);
    let expected = "2025-02-01 lies in a period that closes before the order's own day, 2025-03-05";
    assert_eq!(said, format!("order p1, coverageStart: {expected}"));
    let bills = Sample::new("202501").order(order("2025-03-04")).bills("2025-03-05");
    assert_eq!(bills.balance("202502", BalanceAmount::NewPurchases), "1000.00");
}

#[test]
fn a_meter_and_an_order_of_one_id_are_two_invoice_lines() {
    let sample = Sample::new("202501")
        .price(price("vm", "1 Hour", "0.006"))
        .order(Order::Reservation(Reservation {
            meters: vec![ReservedMeter { meter_id: "other".into(), ratio: Decimal::from(1) }],
            ..reservation("vm", "2025-01-01", 12, "5.00")
        }))
        .uses("/vm1", "vm", "2025-01-02", "1");
    let lines: Vec<String> =
        sample.bills("2025-02-05").of("202501").invoice_lines.iter().map(|line| line.amount.to_string()).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines.contains(&"5.00".to_owned()) && lines.contains(&"0.00".to_owned()), "{lines:?}");
}
