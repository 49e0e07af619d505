//! The orders of a generated native enrollment: benefits and what becomes of them, money paid in advance, and other
//! purchases.

use serde_json::{Value, json};

use super::catalogue::{SERIES, Series};
use super::enrollment::{Hierarchy, day};
use super::lines::{group, series_of, subscription};
use super::options::{NativeError, NativeOptions};
use super::prices::reservation_price;
use crate::generator::rng::{Random, Stream};

/// Reservations of these numbers are given back: wholly, in part, twice in part, for others, for a savings plan.
const RETURNED: u32 = 1;
const RETURNED_IN_PART: u32 = 2;
const RETURNED_TWICE: u32 = 4;
const EXCHANGED: u32 = 5;
const TRADED_IN: u32 = 6;
/// One that is paid by the month is given back too, where there is one.
const MONTHLY_RETURNED: u32 = 7;

struct Orders<'a> {
    options: &'a NativeOptions,
    hierarchy: &'a Hierarchy,
    random: Random,
    /// How many units a reservation has about, so that half of the machines find one.
    units: u64,
    list: Vec<Value>,
}

pub(super) fn document(options: &NativeOptions, hierarchy: &Hierarchy) -> Result<Value, NativeError> {
    let machines = (0..options.lines).filter(|index| series_of(*index).is_some()).count() as u64;
    let mut orders = Orders {
        options,
        hierarchy,
        random: Random::new(options.seed, Stream::NativeOrders, 0),
        units: (machines / u64::from(options.reservations.max(1))).max(1),
        list: Vec::new(),
    };
    for number in 0..options.reservations {
        orders.reservation(number)?;
    }
    for number in 0..options.savings_plans {
        let commitment = machines.div_ceil(u64::from(options.savings_plans));
        orders.savings_plan(number, commitment)?;
    }
    if options.months > 1 {
        orders.returns()?;
    }
    orders.money()?;
    orders.purchases()?;
    let list = orders.list;
    Ok(json!({
        "kind": "orders",
        "enrollment": options.enrollment,
        "currency": options.currency.as_str(),
        "orders": list,
    }))
}

impl Orders<'_> {
    fn subscription(&mut self) -> String {
        self.random.pick(&self.hierarchy.subscriptions).clone()
    }

    /// Narrow and wide scopes in turn.
    fn scope(&mut self, number: u32) -> Value {
        let lines = self.options.lines;
        match number % 4 {
            0 => json!({"type": "Shared"}),
            1 => json!({"type": "Subscription", "subscriptionId": self.subscription()}),
            2 => {
                let line = self.random.below(lines);
                json!({
                    "type": "ResourceGroup",
                    "subscriptionId": subscription(self.hierarchy, line),
                    "resourceGroup": group(line).to_uppercase(),
                })
            }
            _ => {
                let listed: Vec<&String> = self.hierarchy.subscriptions.iter().step_by(2).collect();
                json!({"type": "ManagementGroup", "id": "platform", "subscriptionIds": listed})
            }
        }
    }

    fn reservation(&mut self, number: u32) -> Result<(), NativeError> {
        let series = &SERIES[number as usize % SERIES.len()];
        let term: u16 = if number % 3 == 2 { 36 } else { 12 };
        let monthly = number % 4 == 3;
        // At least five where parts are given back.
        let least = if [RETURNED_IN_PART, RETURNED_TWICE].contains(&number) { 5 } else { 1 };
        let units = least + self.random.below(self.units);
        let month = number % self.options.months.div_ceil(2);
        let mut order = self.reservation_members(number, series, term, units);
        order["type"] = json!("reservation");
        order["date"] = if number % 8 == 3 {
            // A day that shorter months lack, where the month has it.
            json!(self.options.month(month)?.last_day().to_string())
        } else {
            json!(day(self.options, month, 1 + (number * 5) % 14)?)
        };
        order["scope"] = self.scope(number);
        if monthly {
            order["billing"] = json!("Monthly");
        }
        if number.is_multiple_of(5) {
            // A price that no number of days divides; the others have that of the price sheet.
            order["price"] = json!(self.options.amount(1_000 * units + 37, 11));
        }
        if number % 7 == 3 {
            order["creditEligible"] = json!(false);
        }
        self.list.push(order);
        Ok(())
    }

    fn reservation_members(&mut self, number: u32, series: &Series, term: u16, units: u64) -> Value {
        let meters: Vec<Value> = series
            .sizes
            .iter()
            .map(|cores| json!({"meterId": series.meter(*cores), "ratio": (cores / 2).to_string()}))
            .collect();
        json!({
            "orderId": order_id("reservation", number),
            "orderName": format!("Reservation {number}"),
            "reservationId": format!("5e5e0000-0000-4000-8000-{number:012}"),
            "name": format!("{} {}", series.name, series.region),
            "termMonths": term,
            "units": units,
            "subscriptionId": self.subscription(),
            "meters": meters,
            "productName": format!("Reserved VM Instance, {}", series.name),
            "location": series.region,
        })
    }

    fn savings_plan(&mut self, number: u32, commitment: u64) -> Result<(), NativeError> {
        let term: u16 = if number.is_multiple_of(2) { 12 } else { 36 };
        // A few hundredths of the currency for each machine, and odd thousandths. The first one reaches usage for which
        // its rate is not worth it.
        let thousandths = 40 * commitment + self.random.below(20 * commitment + 1) + 1;
        let thousandths = if number == 0 { 3 * thousandths } else { thousandths };
        let mut order = json!({
            "type": "savingsPlan",
            "orderId": order_id("plan", number),
            "planId": format!("5a5a0000-0000-4000-8000-{number:012}"),
            "name": format!("Compute {number}"),
            "date": day(self.options, 0, 2 + number)?,
            "termMonths": term,
            "commitment": format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000),
            "subscriptionId": self.subscription(),
        });
        order["scope"] = self.scope(number);
        if number % 3 == 1 {
            order["billing"] = json!("Monthly");
        }
        // Commitment × hours may have more digits than the currency, so a price is stated, near it.
        let hours = 8_760 * u64::from(term) / 12;
        let hundredths = thousandths * hours / 10;
        order["price"] = json!(self.options.amount(hundredths / 100, hundredths));
        self.list.push(order);
        Ok(())
    }

    fn returns(&mut self) -> Result<(), NativeError> {
        let last = self.options.months - 1;
        let has = |number: u32| number < self.options.reservations;
        let month = |number: u32| number % self.options.months.div_ceil(2);
        let mut list = Vec::new();
        let mut add = |kind: &str, of: u32, date: String, more: Value| {
            let mut order = json!({
                "type": kind,
                "id": format!("{kind}-{of}-{date}"),
                "orderId": order_id("reservation", of),
                "date": date,
            });
            if let (Some(members), Value::Object(more)) = (order.as_object_mut(), more) {
                members.extend(more);
            }
            list.push(order);
        };
        if has(RETURNED) {
            // On the 3rd, when the month of purchase is still open.
            add("return", RETURNED, day(self.options, month(RETURNED) + 1, 3)?, json!({}));
        }
        if has(RETURNED_IN_PART) {
            add("return", RETURNED_IN_PART, day(self.options, last, 11)?, json!({"units": 2}));
        }
        if has(RETURNED_TWICE) {
            add("return", RETURNED_TWICE, day(self.options, last, 8)?, json!({"units": 1}));
            add("return", RETURNED_TWICE, day(self.options, last, 19)?, json!({"units": 2}));
        }
        if has(MONTHLY_RETURNED) {
            add("return", MONTHLY_RETURNED, day(self.options, last, 21)?, json!({}));
        }
        if has(EXCHANGED) {
            let mut bought = self.reservation_members(self.options.reservations, &SERIES[1], 36, 9);
            let price = reservation_price(self.options, &SERIES[1], 36);
            let whole: u64 = price.split('.').next().and_then(|whole| whole.parse().ok()).unwrap_or(0);
            // Far more than what is given back has left.
            bought["price"] = json!(self.options.amount(whole * (9 + 5 * self.units + 20), 3));
            bought["units"] = json!(9 + self.units);
            add("exchange", EXCHANGED, day(self.options, last, 14)?, json!({"purchases": [bought]}));
        }
        if has(TRADED_IN) {
            let plan = json!({
                "orderId": order_id("plan", self.options.savings_plans),
                "planId": format!("5a5a0000-0000-4000-8000-{:012}", self.options.savings_plans),
                "name": "Traded in",
                "termMonths": 36,
                "commitment": (1 + self.units).to_string(),
                "subscriptionId": self.hierarchy.subscriptions[0].clone(),
            });
            add("tradeIn", TRADED_IN, day(self.options, last, 16)?, json!({"purchase": plan}));
        }
        self.list.append(&mut list);
        Ok(())
    }

    fn money(&mut self) -> Result<(), NativeError> {
        let options = self.options;
        let expires = options.month(options.months / 2)?.last_day().to_string();
        self.list.push(json!({
            "type": "prepayment", "id": "prepayment-1", "date": day(options, 0, 1)?,
            "amount": options.amount(20_000, 0), "expires": expires,
        }));
        self.list.push(json!({
            "type": "prepayment", "id": "prepayment-2", "date": day(options, 0, 20)?, "name": "Top-up",
            "amount": options.amount(7_777, 77),
        }));
        self.list.push(json!({
            "type": "credit", "id": "credit-1", "name": "Promo Credit", "date": day(options, 0, 15)?,
            "amount": options.amount(250, 50), "expires": options.month(0)?.last_day().to_string(),
        }));
        self.list.push(json!({
            "type": "credit", "id": "debit-1", "name": "Credit Correction", "date": day(options, options.months - 1, 6)?,
            "amount": format!("-{}", options.amount(33, 33)),
        }));
        Ok(())
    }

    fn purchases(&mut self) -> Result<(), NativeError> {
        let options = self.options;
        let subscription = self.subscription();
        let purchase = |number: u32, date: String, amount: String| {
            json!({
                "type": "purchase", "orderId": order_id("purchase", number), "date": date, "amount": amount,
                "subscriptionId": subscription, "publisher": {"type": "Marketplace", "name": "Fabrikam"},
                "productName": format!("Offer {number}"), "planName": "Standard",
            })
        };
        let mut monthly = purchase(1, day(options, 0, 28)?, options.amount(99, 95));
        monthly["recurrence"] = json!("Monthly");
        let mut eligible = purchase(2, day(options, 0, 9)?, options.amount(1_200, 1));
        eligible["creditEligible"] = json!(true);
        eligible["quantity"] = json!("3");
        let mut own = purchase(3, day(options, 0, 10)?, options.amount(410, 0));
        own["publisher"] = json!({"type": "Azure"});
        own["creditEligible"] = json!(false);
        self.list.extend([monthly, eligible, own]);
        self.list.push(json!({
            "type": "refund", "id": "refund-1", "orderId": order_id("purchase", 2), "date": day(options, 0, 24)?,
            "amount": options.amount(400, 33),
        }));
        Ok(())
    }
}

fn order_id(kind: &str, number: u32) -> String {
    let digit = match kind {
        "reservation" => 1,
        "plan" => 2,
        _ => 3,
    };
    format!("0de4000{digit}-0000-4000-8000-{number:012}")
}
