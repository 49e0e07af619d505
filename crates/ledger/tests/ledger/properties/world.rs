//! Random enrollments: everything is made from small numbers, so that a failing one shrinks.

use calendar::{BillingPeriod, Date, Term};
use ledger::billing::*;
use ledger::{
    AppliedAccount, AppliedDepartment, AppliedHierarchy, AppliedSubscription, EnrollmentId, Since, SubscriptionId,
};
use money::{Currency, Decimal, Limits};
use proptest::prelude::*;

const FIRST: &str = "202501";
const MONTHS: u16 = 4;
const DAYS: u16 = 118;
const METERS: [&str; 6] = ["vm1", "vm2", "gb", "market", "separate", "free"];

/// A benefit, in small numbers.
#[derive(Debug, Clone)]
pub(crate) struct BenefitSeed {
    day: u16,
    is_plan: bool,
    price: u32,
    units: u8,
    term: u8,
    monthly: bool,
    scope: u8,
    eligible: bool,
    /// The day of its return, counted from its purchase; how many units; how.
    back: Option<(u16, u8, u8)>,
}

/// Usage, in small numbers.
#[derive(Debug, Clone)]
pub(crate) struct UsageSeed {
    day: u16,
    hour: u8,
    subscription: u8,
    meter: u8,
    resource: u8,
    quantity: i32,
    /// Days until it arrives.
    delay: u8,
    spot: bool,
}

/// Credits and purchases, in small numbers.
#[derive(Debug, Clone)]
pub(crate) struct OtherSeed {
    day: u16,
    kind: u8,
    amount: u32,
    expires: Option<u16>,
    flags: u8,
}

/// The days of the moves: all of them may lie within a period.
#[derive(Debug, Clone)]
struct Moves {
    /// Subscription 1 goes from account 1 to account 2.
    subscription: u16,
    /// Account 1 goes from department 7 to department 8.
    account: u16,
    /// Account 2, until then of no department, comes to department 8.
    joins: u16,
}

/// All of an enrollment, in small numbers.
#[derive(Debug, Clone)]
pub(crate) struct Seed {
    currency: u8,
    opening: i32,
    moves: Moves,
    pub(crate) day_of_asking: u8,
    benefits: Vec<BenefitSeed>,
    usage: Vec<UsageSeed>,
    others: Vec<OtherSeed>,
}

impl Seed {
    /// Any enrollment.
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        let back = proptest::option::of((0u16..70, 0u8..4, 0u8..8));
        let benefit =
            ((0..DAYS, any::<bool>(), 1u32..400_000, 1u8..4), (0u8..4, any::<bool>(), 0u8..6, any::<bool>(), back))
                .prop_map(|((day, is_plan, price, units), (term, monthly, scope, eligible, back))| BenefitSeed {
                    day,
                    is_plan,
                    price,
                    units,
                    term,
                    monthly,
                    scope,
                    eligible,
                    back,
                });
        let usage =
            (
                (0..DAYS, 0u8..24, 0u8..3, 0u8..6),
                (0u8..3, -40_000i32..900_000, prop_oneof![4 => Just(0u8), 1 => 0u8..60], prop::bool::weighted(0.1)),
            )
                .prop_map(|((day, hour, subscription, meter), (resource, quantity, delay, spot))| {
                    UsageSeed { day, hour, subscription, meter, resource, quantity, delay, spot }
                });
        let other = (0..DAYS, 0u8..5, 1u32..300_000, proptest::option::of(0u16..90), any::<u8>())
            .prop_map(|(day, kind, amount, expires, flags)| OtherSeed { day, kind, amount, expires, flags });
        (
            (0u8..3, -50_000i32..900_000, (0..DAYS, 0..DAYS, 0..DAYS), 0u8..30),
            proptest::collection::vec(benefit, 0..6),
            proptest::collection::vec(usage, 0..60),
            proptest::collection::vec(other, 0..8),
        )
            .prop_map(
                |((currency, opening, (subscription, account, joins), day_of_asking), benefits, usage, others)| Self {
                    currency,
                    opening,
                    moves: Moves { subscription, account, joins },
                    day_of_asking,
                    benefits,
                    usage,
                    others,
                },
            )
    }

    /// An enrollment with all kinds of charges.
    pub(crate) fn full() -> Self {
        let benefit = |day, is_plan, back| BenefitSeed {
            day,
            is_plan,
            price: 36_501,
            units: 2,
            term: 2,
            monthly: false,
            scope: 5,
            eligible: true,
            back,
        };
        let usage = |day, meter, spot| UsageSeed {
            day,
            hour: 3,
            // Each of them in turn: every third day has usage.
            subscription: u8::try_from(day / 3 % 3).unwrap(),
            meter,
            resource: 1,
            quantity: 123_456,
            delay: 0,
            spot,
        };
        let days = (0..30u16).flat_map(|day| (0..6).map(move |meter| (day * 3, meter)));
        Self {
            currency: 1,
            opening: 1_000,
            moves: Moves { subscription: 40, account: 20, joins: 60 },
            day_of_asking: 10,
            benefits: vec![benefit(1, false, None), benefit(2, true, None), benefit(3, false, Some((50, 0, 0)))],
            usage: days.map(|(day, meter)| usage(day, meter, meter == 0 && day % 2 == 0)).collect(),
            others: (0..5).map(|kind| OtherSeed { day: 5, kind, amount: 777, expires: None, flags: kind }).collect(),
        }
    }

    /// Account and department of a subscription on a day, by the moves alone; blank for none.
    pub(crate) fn owner(&self, subscription: &str, date: Date) -> [&'static str; 2] {
        let has_come = |moved: u16| date >= day(moved);
        let account = match subscription.chars().last() {
            Some('0') => "1",
            Some('1') if !has_come(self.moves.subscription) => "1",
            _ => "2",
        };
        let department = match account {
            "1" if !has_come(self.moves.account) => "7",
            "2" if !has_come(self.moves.joins) => "",
            _ => "8",
        };
        [account, department]
    }
}

/// A record of usage.
#[derive(Debug, Clone)]
struct Record {
    line: UsageLine,
    day: Date,
    hour: Option<u8>,
    quantity: Decimal,
    received: Instant,
}

/// An enrollment with all its input.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) enrollment: NativeEnrollment,
    pub(crate) prices: PriceSheet,
    pub(crate) orders: Vec<Order>,
    records: Vec<Record>,
}

fn first_day() -> Date {
    BillingPeriod::parse(FIRST).unwrap().first_day()
}

fn day(number: u16) -> Date {
    first_day().add_days(number.into()).unwrap()
}

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text.as_bytes(), Limits::COST).unwrap().value
}

fn subscription(number: u8) -> SubscriptionId {
    SubscriptionId::parse(&format!("00000000-0000-0000-0000-00000000000{number}")).unwrap()
}

impl World {
    pub(crate) fn of(seed: &Seed) -> Self {
        let currency = Currency::parse(["JPY", "USD", "KWD"][usize::from(seed.currency)]).unwrap();
        let minor = currency.minor_digits();
        let money = |units: i64| Decimal::from_i128(units.into(), minor).unwrap();
        let enrollment = NativeEnrollment {
            number: EnrollmentId::parse("100").unwrap(),
            name: "Trey".into(),
            currency,
            start: BillingPeriod::parse(FIRST).unwrap(),
            end: None,
            opening_balance: Some(OpeningBalance { amount: money(seed.opening.into()), expires: None }),
            billing_frequency: BillingFrequency::Month,
            hierarchy: hierarchy(&seed.moves),
        };
        let mut orders = Vec::new();
        for (number, benefit) in seed.benefits.iter().enumerate() {
            add_benefit(&mut orders, number, benefit, &money, minor);
        }
        for (number, other) in seed.others.iter().enumerate() {
            add_other(&mut orders, number, other, &money);
        }
        let records = seed.usage.iter().map(record).collect();
        Self { enrollment, prices: prices(currency), orders, records }
    }

    /// The periods that are billed, in order.
    pub(crate) fn periods(&self) -> Vec<BillingPeriod> {
        let mut periods = vec![self.enrollment.start];
        while periods.len() < usize::from(MONTHS) {
            periods.push(periods[periods.len() - 1].next().unwrap());
        }
        periods
    }

    /// The usage that is posted in a period and was received by an instant.
    pub(crate) fn usage_of(&self, period: BillingPeriod, as_of: Instant) -> UsageBook {
        let mut book = UsageBook::default();
        for record in self.records.iter().filter(|record| record.received <= as_of) {
            let (posted, date) = posting_period(record.day, record.received).unwrap();
            if posted != period {
                continue;
            }
            let is_late = date != record.day;
            let late = is_late.then_some((record.day, record.hour));
            let line = book.line(&UsageLine { late, ..record.line.clone() });
            book.add(line, date, record.hour.filter(|_| !is_late), record.quantity).unwrap();
        }
        book
    }

    /// The same with all input in another order.
    pub(crate) fn shuffled(&self, turn: u64) -> Self {
        let mut other = self.clone();
        shuffle(&mut other.records, turn);
        shuffle(&mut other.orders, turn.rotate_left(17));
        other
    }
}

/// Puts a list into an order that a number decides.
fn shuffle<T>(list: &mut [T], mut state: u64) {
    for last in (1..list.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        list.swap(last, usize::try_from(state >> 33).unwrap() % (last + 1));
    }
}

fn hierarchy(moves: &Moves) -> AppliedHierarchy {
    let since = |from: Option<Date>, id: &str| Since { from, id: Some(id.into()) };
    let account = |id: &str, department: Vec<Since>| AppliedAccount {
        id: id.into(),
        name: Some(format!("account {id}")),
        owner: Some(format!("{id}@example.org")),
        cost_center: None,
        department,
    };
    let owned = |number, account: Vec<Since>| AppliedSubscription {
        id: subscription(number),
        name: None,
        cost_center: None,
        account,
    };
    let department =
        |id: &str, name: &str| AppliedDepartment { id: id.into(), name: Some(name.into()), cost_center: None };
    AppliedHierarchy {
        departments: vec![department("7", "Retail"), department("8", "Online")],
        accounts: vec![
            account("1", vec![since(None, "7"), since(Some(day(moves.account)), "8")]),
            account("2", vec![since(Some(day(moves.joins)), "8")]),
        ],
        subscriptions: vec![
            owned(0, vec![since(None, "1")]),
            owned(1, vec![since(None, "1"), since(Some(day(moves.subscription)), "2")]),
            owned(2, vec![since(None, "2")]),
        ],
    }
}

fn price_line(meter: &str, price_type: PriceType, unit: &str, price: &str) -> PriceLine {
    PriceLine {
        meter_id: meter.into(),
        part_number: "P".into(),
        offer_id: String::new(),
        price_type,
        unit: UnitOfMeasure::parse(unit).unwrap(),
        unit_price: decimal(price),
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

fn prices(currency: Currency) -> PriceSheet {
    let usage = |meter, unit, price| price_line(meter, PriceType::Consumption, unit, price);
    let tier = |from: &str, price: &str| Tier { from: decimal(from), price: decimal(price) };
    let tiers = vec![tier("0", "0.137"), tier("50", "0.093"), tier("333.3", "0.0719")];
    let mut lines = vec![
        usage("vm1", "1 Hour", "0.1234"),
        usage("vm2", "10 Hours", "3.45"),
        PriceLine { included: decimal("5.5"), tiers, ..usage("gb", "10 GB", "0.137") },
        PriceLine { is_marketplace: true, credit_eligible: false, ..usage("market", "1 Hour", "1.5") },
        PriceLine { credit_eligible: false, ..usage("separate", "1 Hour", "0.777") },
        usage("free", "1 Hour", "0"),
    ];
    for term in terms() {
        lines.push(price_line("vm1", PriceType::SavingsPlan(term), "1 Hour", "0.1"));
        lines.push(price_line("vm2", PriceType::SavingsPlan(term), "10 Hours", "2.1"));
    }
    PriceSheet::new(currency, lines).unwrap()
}

fn terms() -> [Term; 4] {
    [Term::ONE_MONTH, Term::new(2).unwrap(), Term::ONE_YEAR, Term::THREE_YEARS]
}

fn scope(number: u8) -> BenefitScope {
    match number {
        0 => BenefitScope::ResourceGroup { subscription: subscription(1), resource_group: "g1".into() },
        1 => BenefitScope::Subscription(subscription(0)),
        2 => BenefitScope::ManagementGroup { id: "m".into(), subscriptions: vec![subscription(0), subscription(2)] },
        _ => BenefitScope::Shared,
    }
}

fn add_benefit(orders: &mut Vec<Order>, number: usize, seed: &BenefitSeed, money: &dyn Fn(i64) -> Decimal, minor: u8) {
    let order_id = format!("B{number}");
    let term = terms()[usize::from(seed.term)];
    let billing = if seed.monthly { BenefitBilling::Monthly } else { BenefitBilling::Upfront };
    if seed.is_plan {
        // A price of its own in minor units; the commitment has as many digits as the currency.
        let commitment = money(i64::from(seed.price % 300) + 1);
        let hours = Decimal::from(term.day_count(day(seed.day)).unwrap() * 24);
        let price = seed.eligible.then(|| commitment.checked_mul(hours).unwrap());
        orders.push(Order::SavingsPlan(SavingsPlan {
            order_id: order_id.clone(),
            order_name: None,
            plan_id: format!("plan-{number}"),
            name: None,
            date: day(seed.day),
            term,
            commitment,
            price,
            billing,
            subscription: subscription(1),
            scope: scope(seed.scope),
            part_number: None,
            product_name: None,
            credit_eligible: true,
        }));
        return;
    }
    let reservation = Reservation {
        order_id: order_id.clone(),
        order_name: None,
        reservation_id: format!("reservation-{number}"),
        name: None,
        date: day(seed.day),
        term,
        units: seed.units.into(),
        price: Some(money(i64::from(seed.price) * 10i64.pow(u32::from(minor).saturating_sub(2)))),
        billing,
        subscription: subscription(2),
        scope: scope(seed.scope),
        meters: vec![
            ReservedMeter { meter_id: "vm1".into(), ratio: decimal("1") },
            ReservedMeter { meter_id: "vm2".into(), ratio: decimal("0.7") },
        ],
        part_number: None,
        product_name: None,
        location: None,
        credit_eligible: seed.eligible,
    };
    if let Some((after, units, how)) = seed.back {
        let last = term.last_covered_day(reservation.date).unwrap();
        let date = reservation.date.add_days(after.into()).unwrap().min(last);
        let units = (!seed.monthly && units > 0 && units <= seed.units).then_some(u32::from(units));
        let reason = [ReturnReason::Return, ReturnReason::Exchange][usize::from(how & 1)];
        // A withheld fee: nothing is paid back.
        let refund = (how & 6 == 6).then_some(Decimal::ZERO);
        let mut replaced_by = Vec::new();
        if reason == ReturnReason::Exchange {
            let replacement = format!("B{number}-new");
            orders.push(Order::Reservation(Reservation {
                order_id: replacement.clone(),
                reservation_id: format!("reservation-{number}-new"),
                date,
                ..reservation.clone()
            }));
            replaced_by.push(replacement);
        }
        let id = format!("back-{number}");
        orders.push(Order::Return(Return { id, order_id, date, units, refund, reason, replaced_by }));
    }
    orders.push(Order::Reservation(reservation));
}

fn add_other(orders: &mut Vec<Order>, number: usize, seed: &OtherSeed, money: &dyn Fn(i64) -> Decimal) {
    let (id, date) = (format!("o{number}"), day(seed.day));
    let expires = seed.expires.map(|after| date.add_days(after.into()).unwrap());
    let amount = money(seed.amount.into());
    match seed.kind {
        0 => orders.push(Order::Prepayment(Prepayment {
            id,
            name: "Prepayment".into(),
            date,
            coverage_start: (seed.flags & 1 == 1).then_some(date),
            amount,
            expires: seed.expires.map(|after| date.add_days(i32::from(after) + 31).unwrap()),
        })),
        1 => orders.push(Order::Credit(Credit { id, name: "Promo Credit".into(), date, amount, expires })),
        2 => orders.push(Order::Credit(Credit {
            id,
            name: "Debit".into(),
            date,
            amount: amount.checked_neg().unwrap(),
            expires: None,
        })),
        _ => {
            let is_marketplace = seed.flags & 1 == 1;
            orders.push(Order::Purchase(OtherPurchase {
                order_id: id.clone(),
                order_name: None,
                date,
                quantity: Decimal::from(u32::from(seed.flags % 7) + 1),
                amount,
                recurrence: if seed.flags & 2 == 2 { Recurrence::Monthly } else { Recurrence::Once },
                until: expires,
                subscription: subscription(0),
                resource_id: None,
                publisher: Publisher { is_marketplace, name: None },
                meter_id: None,
                part_number: None,
                product_name: None,
                plan_name: None,
                credit_eligible: seed.flags & 4 == 4,
            }));
            if seed.kind == 4 {
                orders.push(Order::Refund(OtherRefund {
                    id: format!("{id}-back"),
                    order_id: id,
                    date,
                    quantity: Decimal::from(1u32),
                    amount,
                }));
            }
        }
    }
}

fn record(seed: &UsageSeed) -> Record {
    let own_day = day(seed.day);
    // Hourly and daily usage may not meet on a day (D-39).
    let hour = seed.day.is_multiple_of(3).then_some(seed.hour);
    let received = Instant(Instant::start_of(own_day.add_days(i32::from(seed.delay) + 1).unwrap()).0 + 3_600_000_000);
    let pricing = if seed.spot { UsagePricing::Spot } else { UsagePricing::OnDemand };
    let owner = subscription(seed.subscription);
    Record {
        line: UsageLine {
            subscription_id: owner.to_string(),
            resource_id: format!(
                "/subscriptions/{owner}/resourceGroups/g{}/providers/X/vm/{}",
                seed.resource % 2,
                seed.resource
            ),
            meter_id: METERS[usize::from(seed.meter)].into(),
            pricing,
            tags: (seed.quantity % 5 == 0).then(|| "{\"a\":\"b\"}".to_owned()),
            ..UsageLine::default()
        },
        day: own_day,
        hour,
        quantity: Decimal::from_i128(seed.quantity.into(), 4).unwrap(),
        received,
    }
}
