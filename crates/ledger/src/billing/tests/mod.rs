//! The engine on small enrollments, built by hand.

mod refusals;
mod worked;

use calendar::{BillingPeriod, Date, Term};
use money::{Decimal, Limits};

use super::*;
use crate::{
    AppliedAccount, AppliedDepartment, AppliedHierarchy, AppliedSubscription, BalanceAmount, Dataset, EnrollmentId,
    Field, Since, SubscriptionId,
};

const S1: &str = "11111111-1111-4111-8111-111111111111";
const S2: &str = "22222222-2222-4222-8222-222222222222";

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text.as_bytes(), Limits::TOTAL).unwrap().value
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn period(text: &str) -> BillingPeriod {
    text.parse().unwrap()
}

fn subscription(text: &str) -> SubscriptionId {
    SubscriptionId::parse(text).unwrap()
}

fn since(from: Option<&str>, id: &str) -> Since {
    Since { from: from.map(day), id: Some(id.to_owned()) }
}

/// An enrollment in the making: everything that a test states, billed month after month.
struct Sample {
    enrollment: NativeEnrollment,
    lines: Vec<PriceLine>,
    orders: Vec<Order>,
    usage: Vec<Usage>,
}

#[derive(Clone)]
struct Usage {
    line: UsageLine,
    day: Date,
    hour: Option<u8>,
    quantity: Decimal,
    received: Instant,
}

/// The bills of several months.
struct Bills(Vec<PeriodBill>);

impl Sample {
    /// Two subscriptions in one account of one department; a virtual machine at 0.10 an hour.
    fn new(start: &str) -> Self {
        let hierarchy = AppliedHierarchy {
            departments: ["D1", "D2"]
                .map(|id| AppliedDepartment { id: id.into(), name: None, cost_center: None })
                .into(),
            accounts: [("A1", "D1"), ("A2", "D2")]
                .map(|(id, department)| AppliedAccount {
                    id: id.into(),
                    name: None,
                    owner: None,
                    cost_center: None,
                    department: vec![since(None, department)],
                })
                .into(),
            subscriptions: [S1, S2]
                .map(|id| AppliedSubscription {
                    id: subscription(id),
                    name: None,
                    cost_center: None,
                    account: vec![since(None, "A1")],
                })
                .into(),
        };
        let enrollment = NativeEnrollment {
            number: EnrollmentId::parse("7654321").unwrap(),
            name: "Contoso".to_owned(),
            currency: "USD".parse().unwrap(),
            start: period(start),
            end: None,
            opening_balance: None,
            billing_frequency: BillingFrequency::Month,
            hierarchy,
        };
        Self { enrollment, lines: vec![price("vm", "1 Hour", "0.10")], orders: Vec::new(), usage: Vec::new() }
    }

    fn opening(mut self, amount: &str, expires: Option<&str>) -> Self {
        self.enrollment.opening_balance = Some(OpeningBalance { amount: decimal(amount), expires: expires.map(day) });
        self
    }

    fn price(mut self, line: PriceLine) -> Self {
        self.lines.retain(|own| own.meter_id != line.meter_id || own.price_type != line.price_type);
        self.lines.push(line);
        self
    }

    fn order(mut self, order: Order) -> Self {
        self.orders.push(order);
        self
    }

    /// Usage of a resource of the first subscription that arrives on its own day.
    fn uses(self, resource: &str, meter: &str, date: &str, quantity: &str) -> Self {
        let received = Instant::start_of(day(date));
        self.record(Usage {
            line: usage(S1, resource, meter),
            day: day(date),
            hour: None,
            quantity: decimal(quantity),
            received,
        })
    }

    fn record(mut self, usage: Usage) -> Self {
        self.usage.push(usage);
        self
    }

    fn posted(&self, period: BillingPeriod, as_of: Instant) -> UsageBook {
        let mut book = UsageBook::default();
        for usage in self.usage.iter().filter(|usage| usage.received <= as_of) {
            let (posted, date) = posting_period(usage.day, usage.received).unwrap();
            if posted != period {
                continue;
            }
            let is_late = BillingPeriod::of(usage.day) != period;
            let late = is_late.then_some((usage.day, usage.hour));
            let id = book.line(&UsageLine { late, ..usage.line.clone() });
            book.add(id, date, usage.hour.filter(|_| !is_late), usage.quantity).unwrap();
        }
        book
    }

    /// Bills every month up to the instant, each at its close at the latest.
    fn bills(&self, as_of: &str) -> Bills {
        let as_of = Instant::start_of(day(as_of));
        let sheet = PriceSheet::new(self.enrollment.currency, self.lines.clone()).unwrap();
        let prices = |order: &Reservation| order.price;
        let seen: Vec<Order> =
            self.orders.iter().filter(|order| Instant::start_of(order.date()) <= as_of).cloned().collect();
        check_orders(&self.enrollment, &seen, &prices).unwrap();
        let mut bills: Vec<PeriodBill> = Vec::new();
        let mut period = self.enrollment.start;
        while Instant::start_of(period.first_day()) <= as_of {
            let instant = as_of.min(close_of(period).unwrap());
            bills.push(
                bill(BillInput {
                    enrollment: &self.enrollment,
                    period,
                    prices: Some(&sheet),
                    orders: &seen,
                    usage: self.posted(period, instant),
                    previous: bills.last().map(|bill| &bill.book),
                    as_of: instant,
                })
                .unwrap(),
            );
            period = period.next().unwrap();
        }
        Bills(bills)
    }
}

impl Bills {
    fn of(&self, text: &str) -> &PeriodBill {
        self.0.iter().find(|bill| bill.period == period(text)).unwrap()
    }

    /// Rows as text: date, charge type, pricing model, quantity, effective price and cost.
    fn rows(&self, text: &str, dataset: Dataset) -> Vec<String> {
        let fields =
            [Field::Date, Field::ChargeType, Field::PricingModel, Field::Quantity, Field::EffectivePrice, Field::Cost];
        let line = |row: ChargeRow<'_>| fields.map(|field| shown(&row.value(field))).join(" ");
        let mut rows: Vec<String> = self.of(text).charges(dataset).map(line).collect();
        rows.sort();
        rows
    }

    fn total(&self, text: &str, dataset: Dataset) -> String {
        self.sum(text, dataset, |_| true)
    }

    fn sum(&self, text: &str, dataset: Dataset, fits: impl Fn(&ChargeRow<'_>) -> bool) -> String {
        let costs = self.of(text).charges(dataset).filter(fits).map(|row| row.cost());
        let sum = costs.fold(Decimal::ZERO, |sum, cost| sum.checked_add(cost).unwrap());
        sum.to_shortest_string()
    }

    fn balance(&self, text: &str, which: BalanceAmount) -> String {
        self.of(text).balance.amounts[&which].to_string()
    }

    fn adjustments(&self, text: &str) -> Vec<String> {
        let details = self.of(text).balance.adjustment_details.as_ref().unwrap();
        let line = |detail: &crate::BalanceDetail| {
            format!("{} {}", detail.name.as_deref().unwrap(), detail.value.as_ref().unwrap())
        };
        details.iter().map(line).collect()
    }
}

fn shown(value: &FieldValue<'_>) -> String {
    match value {
        FieldValue::Unknown => "-".to_owned(),
        FieldValue::Text(text) => text.to_string(),
        FieldValue::Date(date) => date.to_string(),
        FieldValue::Boolean(value) => value.to_string(),
        FieldValue::Number(number) => number.to_shortest_string(),
    }
}

fn text_of(row: &ChargeRow<'_>, field: Field) -> String {
    shown(&row.value(field))
}

fn price(meter: &str, unit: &str, unit_price: &str) -> PriceLine {
    PriceLine {
        meter_id: meter.to_owned(),
        part_number: "P-1".to_owned(),
        offer_id: String::new(),
        price_type: PriceType::Consumption,
        unit: UnitOfMeasure::parse(unit).unwrap(),
        unit_price: decimal(unit_price),
        market_price: None,
        included: Decimal::ZERO,
        tiers: Vec::new(),
        meter_name: None,
        meter_category: None,
        meter_sub_category: None,
        meter_region: None,
        product_name: None,
        service_family: None,
        is_marketplace: false,
        publisher_name: None,
        plan_name: None,
        credit_eligible: true,
    }
}

fn usage(subscription: &str, resource: &str, meter: &str) -> UsageLine {
    UsageLine {
        subscription_id: subscription.to_owned(),
        resource_id: resource.to_owned(),
        meter_id: meter.to_owned(),
        ..UsageLine::default()
    }
}

fn reservation(id: &str, date: &str, months: u16, price: &str) -> Reservation {
    Reservation {
        order_id: id.to_owned(),
        order_name: None,
        reservation_id: format!("{id}-r"),
        name: None,
        date: day(date),
        term: Term::new(months).unwrap(),
        units: 1,
        price: Some(decimal(price)),
        billing: BenefitBilling::Upfront,
        subscription: subscription(S1),
        scope: BenefitScope::Shared,
        meters: vec![ReservedMeter { meter_id: "vm".to_owned(), ratio: Decimal::from(1) }],
        part_number: None,
        product_name: None,
        location: None,
        credit_eligible: true,
    }
}

fn savings_plan(id: &str, date: &str, commitment: &str) -> SavingsPlan {
    SavingsPlan {
        order_id: id.to_owned(),
        order_name: None,
        plan_id: format!("{id}-p"),
        name: None,
        date: day(date),
        term: Term::ONE_YEAR,
        commitment: decimal(commitment),
        price: None,
        billing: BenefitBilling::Upfront,
        subscription: subscription(S1),
        scope: BenefitScope::Shared,
        part_number: None,
        product_name: None,
        credit_eligible: true,
    }
}

fn give_back(id: &str, order: &str, date: &str) -> Return {
    Return {
        id: id.to_owned(),
        order_id: order.to_owned(),
        date: day(date),
        units: None,
        refund: None,
        reason: ReturnReason::Return,
        replaced_by: Vec::new(),
    }
}

fn credit(id: &str, name: &str, date: &str, amount: &str, expires: Option<&str>) -> Order {
    Order::Credit(Credit {
        id: id.to_owned(),
        name: name.to_owned(),
        date: day(date),
        amount: decimal(amount),
        expires: expires.map(day),
    })
}

fn prepayment(id: &str, date: &str, amount: &str) -> Order {
    Order::Prepayment(Prepayment {
        id: id.to_owned(),
        name: "Prepayment".to_owned(),
        date: day(date),
        coverage_start: None,
        amount: decimal(amount),
        expires: None,
    })
}
