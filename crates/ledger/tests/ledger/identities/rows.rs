//! Rows, orders and balances written down by hand.

use calendar::{BillingPeriod, Date, Term};
use money::{Decimal, Limits, cumulative};

use ledger::billing::{
    BenefitBilling, BenefitScope, Order, Reservation, ReservedMeter, Return, ReturnReason, SavingsPlan,
};
use ledger::identities::*;
use ledger::{
    Amount, BalanceAmount, BalanceDetail, BalanceSummary, ChargeType, Dataset, Field, PricingModel, PublisherType,
    SubscriptionId,
};

pub(crate) const PLAIN: ScopesOfRow =
    ScopesOfRow { departments: 1, accounts: 1, names_department: true, names_account: true };

pub(crate) fn decimal(text: &str) -> Decimal {
    Decimal::parse(text.as_bytes(), Limits::COST).unwrap().value
}

pub(crate) fn date(text: &str) -> Date {
    text.parse().unwrap()
}

pub(crate) fn period(text: &str) -> BillingPeriod {
    BillingPeriod::parse(text).unwrap()
}

/// A row with texts of its own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) date: Date,
    pub(crate) charge_type: &'static str,
    pub(crate) pricing: &'static str,
    pub(crate) publisher: &'static str,
    pub(crate) eligible: bool,
    pub(crate) subscription: String,
    pub(crate) resource: String,
    pub(crate) meter: String,
    pub(crate) order: String,
    pub(crate) benefit: String,
    pub(crate) recurs: bool,
    pub(crate) term: u16,
    pub(crate) quantity: Decimal,
    pub(crate) unit_price: Decimal,
    pub(crate) price: Option<Decimal>,
    pub(crate) cost: Decimal,
    pub(crate) ratio: Option<Decimal>,
    pub(crate) tags: String,
    pub(crate) scopes: ScopesOfRow,
}

/// A usage row of subscription `s1`.
pub(crate) fn usage(day: &str, resource: &str, quantity: &str, price: &str, cost: &str) -> Row {
    Row {
        date: date(day),
        charge_type: "Usage",
        pricing: "OnDemand",
        publisher: "Azure",
        eligible: true,
        subscription: "s1".into(),
        resource: resource.into(),
        meter: "vm".into(),
        order: String::new(),
        benefit: String::new(),
        recurs: false,
        term: 0,
        quantity: decimal(quantity),
        unit_price: decimal(price),
        price: Some(decimal(price)),
        cost: decimal(cost),
        ratio: None,
        tags: String::new(),
        scopes: PLAIN,
    }
}

impl Row {
    /// Of a benefit: `r…` are reservations, all else savings plans.
    pub(crate) fn of(mut self, order: &str) -> Self {
        self.pricing = if order.starts_with('r') { "Reservation" } else { "SavingsPlan" };
        self.order = order.into();
        self.benefit = format!("{order}-1");
        self.ratio = (self.charge_type == "Usage" && order.starts_with('r')).then(|| Decimal::from(1u32));
        self
    }

    pub(crate) fn with(mut self, change: impl Fn(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The same usage as ActualCost has it.
    fn free(mut self) -> Self {
        (self.price, self.cost) = (Some(Decimal::ZERO), Decimal::ZERO);
        self
    }

    pub(crate) fn checked(&self) -> CheckedRow<'_> {
        let mut digest = RowDigest::default();
        let texts = [
            (Field::ChargeType, self.charge_type),
            (Field::PricingModel, self.pricing),
            (Field::PublisherType, self.publisher),
            (Field::SubscriptionId, &self.subscription),
            (Field::ResourceId, &self.resource),
            (Field::MeterId, &self.meter),
            (Field::ProductOrderId, &self.order),
            (Field::ReservationId, &self.benefit),
            (Field::Tags, &self.tags),
        ];
        texts.iter().filter_map(|(field, text)| CellDigest::of_text(*field, text)).for_each(|cell| digest.add(cell));
        let numbers = [
            (Field::Quantity, Some(self.quantity)),
            (Field::UnitPrice, Some(self.unit_price)),
            (Field::EffectivePrice, self.price),
            (Field::Cost, Some(self.cost)),
        ];
        for (field, number) in numbers {
            number.into_iter().for_each(|number| digest.add(CellDigest::of_number(field, number)));
        }
        digest.add(CellDigest::of_integer(Field::Date, self.date.days()));
        digest.add(CellDigest::of_integer(Field::IsAzureCreditEligible, self.eligible.into()));
        CheckedRow {
            date: self.date,
            charge_type: ChargeType::read(self.charge_type),
            pricing: PricingModel::read(self.pricing),
            is_spot: self.pricing == "Spot",
            publisher: PublisherType::read(self.publisher),
            credit_eligible: Some(self.eligible),
            subscription: &self.subscription,
            resource: &self.resource,
            meter: &self.meter,
            part_number: "",
            order: &self.order,
            benefit: &self.benefit,
            recurs: self.recurs,
            term_months: (self.term > 0).then_some(self.term),
            quantity: self.quantity,
            effective_price: self.price,
            cost: self.cost,
            ratio: self.ratio,
            digest,
            scopes: self.scopes,
        }
    }
}

fn nobody(day: &str, charge_type: &'static str, quantity: &str, price: &str, cost: &str) -> Row {
    usage(day, "", quantity, price, cost).with(|row| {
        row.charge_type = charge_type;
        row.subscription = String::new();
        row.meter = String::new();
        row.unit_price = Decimal::ZERO;
        row.scopes = ScopesOfRow::default();
    })
}

/// What a benefit leaves over on a day.
pub(crate) fn unused(day: &str, order: &str, quantity: &str, price: &str, cost: &str) -> Row {
    let charge_type = if order.starts_with('r') { "UnusedReservation" } else { "UnusedSavingsPlan" };
    nobody(day, charge_type, quantity, price, cost).of(order)
}

/// The purchase of a benefit of 12 months.
pub(crate) fn purchase(day: &str, order: &str, cost: &str) -> Row {
    usage(day, "", "1", cost, cost).of(order).with(|row| {
        row.charge_type = "Purchase";
        row.ratio = None;
        row.term = 12;
        row.scopes = ScopesOfRow::default();
    })
}

/// The refund of a benefit; the cost is not above 0.
pub(crate) fn refund(day: &str, order: &str, cost: &str) -> Row {
    purchase(day, order, cost).with(|row| {
        row.charge_type = "Refund";
        row.quantity = Decimal::from(-1);
        row.unit_price = row.cost.abs();
        row.price = Some(row.cost.abs());
    })
}

/// A rounding adjustment of eligible charges.
pub(crate) fn rounding(day: &str, cost: &str) -> Row {
    nobody(day, "RoundingAdjustment", "1", cost, cost).with(|row| row.pricing = "")
}

/// A month of both datasets.
#[derive(Debug, Clone)]
pub(crate) struct Month {
    pub(crate) period: BillingPeriod,
    pub(crate) actual: Vec<Row>,
    pub(crate) amortized: Vec<Row>,
    pub(crate) balance: Option<BalanceSummary>,
}

impl Month {
    pub(crate) fn new(name: &str) -> Self {
        Self { period: period(name), actual: Vec::new(), amortized: Vec::new(), balance: None }
    }

    /// Rows that are the same in both datasets.
    pub(crate) fn both(mut self, rows: &[Row]) -> Self {
        self.actual.extend(rows.iter().cloned());
        self.amortized.extend(rows.iter().cloned());
        self
    }

    /// Covered usage as AmortizedCost has it.
    pub(crate) fn covered(mut self, rows: &[Row]) -> Self {
        self.actual.extend(rows.iter().cloned().map(Row::free));
        self.amortized.extend(rows.iter().cloned());
        self
    }

    pub(crate) fn actual(mut self, rows: &[Row]) -> Self {
        self.actual.extend(rows.iter().cloned());
        self
    }

    pub(crate) fn amortized(mut self, rows: &[Row]) -> Self {
        self.amortized.extend(rows.iter().cloned());
        self
    }

    pub(crate) fn balance(mut self, balance: BalanceSummary) -> Self {
        self.balance = Some(balance);
        self
    }

    fn facts(&self) -> PeriodFacts {
        let mut check = PeriodCheck::new(self.period);
        self.actual.iter().for_each(|row| check.add(Dataset::ActualCost, &row.checked()).unwrap());
        self.amortized.iter().for_each(|row| check.add(Dataset::AmortizedCost, &row.checked()).unwrap());
        check.finish().unwrap()
    }
}

/// Months of a native enrollment that follow each other.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    pub(crate) months: Vec<Month>,
    pub(crate) orders: Vec<Order>,
    pub(crate) minor_digits: u8,
}

impl Story {
    pub(crate) fn of(months: Vec<Month>, orders: Vec<Order>) -> Self {
        Self { months, orders, minor_digits: 2 }
    }

    pub(crate) fn reports(&self) -> Vec<PeriodReport> {
        let terms = benefit_terms(&self.orders, &|_| None).unwrap();
        self.reports_with(Some(&terms))
    }

    /// The reports of the same rows as of a mirrored enrollment, whose orders nobody knows.
    pub(crate) fn mirrored(&self) -> Vec<PeriodReport> {
        self.reports_with(None)
    }

    fn reports_with(&self, terms: Option<&[BenefitTerms]>) -> Vec<PeriodReport> {
        let mut history = History::default();
        let mut reports = Vec::new();
        let mut previous: Option<&Month> = None;
        for month in &self.months {
            let context = PeriodContext {
                held: [true; 2],
                is_whole: true,
                is_native: terms.is_some(),
                minor_digits: Some(self.minor_digits),
                balance: month.balance.as_ref(),
                previous_balance: previous.and_then(|previous| previous.balance.as_ref()),
                terms,
                complete_through: None,
                knows_scopes: true,
            };
            reports.push(history.report(month.facts(), &context).unwrap());
            previous = Some(month);
        }
        reports
    }

    /// What fails, as `period identity by`, in order.
    pub(crate) fn failures(&self) -> Vec<String> {
        self.reports().iter().flat_map(failures).collect()
    }
}

pub(crate) fn failures(report: &PeriodReport) -> Vec<String> {
    report
        .failures()
        .map(|outcome| {
            let Verdict::Fails { by, .. } = &outcome.verdict else { unreachable!() };
            let by = by.map_or_else(|| "?".to_owned(), |by| by.to_shortest_string());
            format!("{} {} {by}", report.facts.period(), outcome.identity)
        })
        .collect()
}

/// Asserts that nothing fails, and that the named identities were really told in the last month.
pub(crate) fn assert_holds(story: &Story, told: &[Identity]) -> Vec<PeriodReport> {
    let reports = story.reports();
    for report in &reports {
        let failing: Vec<_> = report.failures().collect();
        assert!(failing.is_empty(), "{}: {failing:#?}", report.facts.period());
    }
    let last = reports.last().unwrap();
    for identity in told {
        assert_eq!(last.verdict(*identity), &Verdict::Holds, "{identity}");
    }
    reports
}

/// What a benefit's amortization costs in a month, by its report.
pub(crate) fn amortized(report: &PeriodReport, order: &str) -> String {
    let found = report.benefits.iter().find(|benefit| benefit.order == order).unwrap();
    found.amortized.to_shortest_string()
}

pub(crate) fn reservation(order: &str, day: &str, term: Term, price: &str) -> Reservation {
    Reservation {
        order_id: order.into(),
        order_name: None,
        reservation_id: format!("{order}-1"),
        name: None,
        date: date(day),
        term,
        units: 1,
        price: Some(decimal(price)),
        billing: BenefitBilling::Upfront,
        subscription: SubscriptionId::parse("00000000-0000-0000-0000-000000000001").unwrap(),
        scope: BenefitScope::Shared,
        meters: vec![ReservedMeter { meter_id: "vm".into(), ratio: Decimal::from(1u32) }],
        part_number: None,
        product_name: None,
        location: None,
        credit_eligible: true,
    }
}

pub(crate) fn plan(order: &str, day: &str, commitment: &str) -> Order {
    Order::SavingsPlan(SavingsPlan {
        order_id: order.into(),
        order_name: None,
        plan_id: format!("{order}-1"),
        name: None,
        date: date(day),
        term: Term::ONE_YEAR,
        commitment: decimal(commitment),
        price: None,
        billing: BenefitBilling::Upfront,
        subscription: SubscriptionId::parse("00000000-0000-0000-0000-000000000001").unwrap(),
        scope: BenefitScope::Shared,
        part_number: None,
        product_name: None,
        credit_eligible: true,
    })
}

pub(crate) fn giving_back(order: &str, day: &str, units: Option<u32>) -> Order {
    Order::Return(Return {
        id: format!("back-{order}"),
        order_id: order.into(),
        date: date(day),
        units,
        refund: None,
        reason: ReturnReason::Return,
        replaced_by: Vec::new(),
    })
}

/// Days of a reservation of one unit that nobody uses, from one day to another, both included; `parts` days in the term
/// that begins on `start`.
pub(crate) fn idle(order: &str, price: &str, start: &str, parts: u32, from: &str, to: &str) -> Vec<Row> {
    let amounts = cumulative(decimal(price), parts, 12).unwrap();
    let (start, from, to) = (date(start), date(from), date(to));
    (from.days()..=to.days())
        .map(|day| {
            let cost = amounts.part(u32::try_from(day - start.days() + 1).unwrap()).unwrap();
            let hour = money::half_even_quotient(cost, Decimal::from(24u32), 12).unwrap();
            unused("2025-01-01", order, "24", "0", "0").with(|row| {
                row.date = Date::from_days(day).unwrap();
                row.price = Some(hour);
                row.cost = cost;
            })
        })
        .collect()
}

/// A balance summary: amounts not named are 0, totals are computed. The lists are made of `details`: purchases first, a
/// `+` before the name, then adjustments.
pub(crate) fn balance(amounts: &[(BalanceAmount, &str)], details: &[(&str, &str)]) -> BalanceSummary {
    use BalanceAmount::{
        Adjustments, BeginningBalance, ChargesBilledSeparately, EndingBalance, NewPurchases, ServiceOverage,
        TotalOverage, TotalUsage, Utilized,
    };
    let (mut purchases, mut adjustments) = (Vec::new(), Vec::new());
    for (name, value) in details {
        let detail = |name: &str| BalanceDetail { name: Some(name.into()), value: Amount::parse(value).ok() };
        match name.strip_prefix('+') {
            Some(name) => purchases.push(detail(name)),
            None => adjustments.push(detail(name)),
        }
    }
    let sum = |details: &[BalanceDetail]| {
        let values = details.iter().map(|detail| detail.value.as_ref().unwrap().value());
        values.fold(Decimal::ZERO, |sum, value| sum.checked_add(value).unwrap())
    };
    let mut all: std::collections::BTreeMap<BalanceAmount, Decimal> =
        BalanceAmount::ALL.into_iter().map(|which| (which, Decimal::ZERO)).collect();
    all.insert(NewPurchases, sum(&purchases));
    all.insert(Adjustments, sum(&adjustments));
    for (which, text) in amounts {
        all.insert(*which, decimal(text));
    }
    let add = |left: Decimal, right: Decimal| left.checked_add(right).unwrap();
    let overage = add(all[&ServiceOverage], all[&ChargesBilledSeparately]);
    let ending = add(add(all[&BeginningBalance], all[&NewPurchases]), all[&Adjustments]);
    let computed = [
        (TotalOverage, overage),
        (TotalUsage, add(all[&Utilized], overage)),
        (EndingBalance, ending.checked_sub(all[&Utilized]).unwrap()),
    ];
    for (which, value) in computed {
        if !amounts.iter().any(|(stated, _)| *stated == which) {
            all.insert(which, value);
        }
    }
    BalanceSummary {
        currency: "USD".parse().unwrap(),
        amounts: all.into_iter().map(|(which, value)| (which, Amount::from(value))).collect(),
        billing_frequency: None,
        price_hidden: Some(false),
        new_purchases_details: Some(purchases),
        adjustment_details: Some(adjustments),
        name: None,
    }
}
