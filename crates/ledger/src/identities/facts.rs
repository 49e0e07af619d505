//! What the rows of a billing period add up to: all that the identities need of them.

use std::collections::{BTreeMap, HashMap};

use calendar::{BillingPeriod, Date};
use money::{Decimal, MoneyError, Total};

use super::digest::{RowSet, key_of};
use super::outcome::{Difference, Differences};
use super::prices::PriceCheck;
use super::row::{CheckedRow, RowKind};
use super::statement::{KindSums, Kinds};
use crate::billing::ChargeClass;
use crate::{Dataset, comparable};

/// Takes the rows of a billing period and adds them up.
#[derive(Debug, Clone)]
pub struct PeriodCheck {
    facts: PeriodFacts,
    prices: [PriceCheck; 2],
    /// Index of a benefit by the digest of its order and its id.
    known: HashMap<u128, usize>,
}

/// What a billing period adds up to. Arrays have one entry for each dataset, in the order of [`Dataset::ALL`].
#[derive(Debug, Clone)]
pub struct PeriodFacts {
    pub(super) period: BillingPeriod,
    pub(super) totals: [Total; 2],
    pub(super) kinds: [Kinds; 2],
    /// Rows that both datasets should have, by day and kind.
    pub(super) shared: BTreeMap<(Date, RowKind), [SharedRows; 2]>,
    /// Covered usage of ActualCost that is not free.
    pub(super) priced_covered: Differences,
    /// Orders of benefits, by comparable order id.
    pub(super) orders: BTreeMap<String, OrderSums>,
    pub(super) benefits: Vec<BenefitDays>,
    /// Sums of invoice lines, by the digest of subscription and meter or order.
    pub(super) lines: HashMap<(ChargeClass, u128), Total>,
    /// Refunds of benefits by order; they belong to a line, or to no line (SEMANTICS 4.4).
    pub(super) refunds: BTreeMap<String, BTreeMap<(ChargeClass, u128), Total>>,
    pub(super) rounding: BTreeMap<ChargeClass, Total>,
    /// Rows of ActualCost that do not say whether the prepayment may pay them.
    pub(super) classless: u64,
    pub(super) wrong_prices: [Differences; 2],
    /// Rows for which I-1 cannot be told.
    pub(super) priceless: [u64; 2],
    pub(super) wrong_scopes: Differences,
}

/// Rows of one dataset that should be the same in the other.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SharedRows {
    pub(super) sums: KindSums,
    pub(super) rows: RowSet,
}

/// What an order of benefits was bought for and what it cost.
#[derive(Debug, Clone, Default)]
pub(super) struct OrderSums {
    /// The order id as spelled.
    pub(super) name: String,
    pub(super) purchases: Total,
    pub(super) has_purchase: bool,
    pub(super) refunds: Total,
    pub(super) has_refund: bool,
    /// Covered usage, unused and settlement rows of AmortizedCost.
    pub(super) amortized: Total,
    pub(super) settlement: Total,
    pub(super) amortized_rows: u64,
    pub(super) first_purchase: Option<Date>,
    pub(super) recurs: bool,
    pub(super) term_months: Option<u16>,
}

/// The days of one reservation or plan in AmortizedCost.
#[derive(Debug, Clone)]
pub(super) struct BenefitDays {
    /// Comparable order id.
    pub(super) order: String,
    /// The benefit as spelled.
    pub(super) name: String,
    pub(super) is_reservation: bool,
    pub(super) days: BTreeMap<Date, BenefitDay>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct BenefitDay {
    /// Covered and unused, without settlement.
    pub(super) cost: Total,
    /// Reservation-hours, covered and unused.
    pub(super) hours: Total,
    /// Covered rows that do not say how many hours one unit takes.
    pub(super) without_ratio: u64,
}

impl BenefitDay {
    /// Adds what another benefit of the same order did that day.
    pub(super) fn merge(&mut self, other: &Self) -> Result<(), MoneyError> {
        self.cost.merge(other.cost)?;
        self.hours.merge(other.hours)?;
        self.without_ratio += other.without_ratio;
        Ok(())
    }
}

impl PeriodCheck {
    /// Begins with the rows of a period.
    pub fn new(period: BillingPeriod) -> Self {
        let facts = PeriodFacts {
            period,
            totals: Default::default(),
            kinds: Default::default(),
            shared: BTreeMap::new(),
            priced_covered: Differences::default(),
            orders: BTreeMap::new(),
            benefits: Vec::new(),
            lines: HashMap::new(),
            refunds: BTreeMap::new(),
            rounding: BTreeMap::new(),
            classless: 0,
            wrong_prices: Default::default(),
            priceless: [0; 2],
            wrong_scopes: Differences::default(),
        };
        Self { facts, prices: Default::default(), known: HashMap::new() }
    }

    /// Takes a row of a dataset. The order of rows does not matter.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] where a sum exceeds 255 bits.
    pub fn add(&mut self, dataset: Dataset, row: &CheckedRow<'_>) -> Result<(), MoneyError> {
        let kind = row.kind();
        let index = index_of(dataset);
        self.prices[index].add(dataset, row, kind)?;
        self.facts.totals[index].add(row.cost)?;
        self.facts.kinds[index].entry(kind).or_default().add(row.cost)?;
        self.facts.add_shared(index, row, kind)?;
        self.facts.check_scopes(dataset, row, kind)?;
        if dataset == Dataset::ActualCost {
            self.facts.add_to_lines(row, kind)?;
        }
        self.add_benefit(dataset, row, kind)
    }

    /// Takes a row of a period before the one that is asked about: what its benefits cost is all that carries over.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] where a sum exceeds 255 bits.
    pub fn add_benefit_only(&mut self, dataset: Dataset, row: &CheckedRow<'_>) -> Result<(), MoneyError> {
        self.add_benefit(dataset, row, row.kind())
    }

    /// Ends with the rows.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] where a sum exceeds 255 bits.
    pub fn finish(mut self) -> Result<PeriodFacts, MoneyError> {
        for (index, prices) in self.prices.into_iter().enumerate() {
            (self.facts.wrong_prices[index], self.facts.priceless[index]) = prices.finish()?;
        }
        Ok(self.facts)
    }

    fn add_benefit(&mut self, dataset: Dataset, row: &CheckedRow<'_>, kind: RowKind) -> Result<(), MoneyError> {
        let amortized = dataset == Dataset::AmortizedCost && (kind.is_covered() || kind.is_unused());
        let transaction = dataset == Dataset::ActualCost && kind.is_benefit_transaction();
        if !amortized && !transaction {
            return Ok(());
        }
        let order = if row.order.is_empty() { row.benefit } else { row.order };
        if transaction {
            return self.facts.add_transaction(order, row, kind);
        }
        let key = key_of(&[order, row.benefit]);
        let index = *self.known.entry(key).or_insert(self.facts.benefits.len());
        if index == self.facts.benefits.len() {
            self.facts.benefits.push(BenefitDays {
                order: comparable(order),
                name: if row.benefit.is_empty() { order.to_owned() } else { row.benefit.to_owned() },
                is_reservation: is_of_reservation(row, kind),
                days: BTreeMap::new(),
            });
        }
        self.facts.add_amortized(index, order, row, kind)
    }
}

impl PeriodFacts {
    /// The period.
    pub fn period(&self) -> BillingPeriod {
        self.period
    }

    /// The sum of a dataset's costs.
    pub fn total(&self, dataset: Dataset) -> Decimal {
        self.totals[index_of(dataset)].value()
    }

    /// Sums of the kinds of row that a dataset has, in the order of [`RowKind::ALL`].
    pub fn kinds(&self, dataset: Dataset) -> impl Iterator<Item = (RowKind, KindSums)> + '_ {
        self.kinds[index_of(dataset)].iter().map(|(kind, sums)| (*kind, *sums))
    }

    /// Number of rows of a dataset.
    pub fn rows(&self, dataset: Dataset) -> u64 {
        self.kinds(dataset).map(|(_, sums)| sums.rows).sum()
    }

    /// The sum of the costs of some kinds of row.
    pub(super) fn sum_of(&self, dataset: Dataset, is: impl Fn(RowKind) -> bool) -> Result<Decimal, MoneyError> {
        let mut total = Total::ZERO;
        for (_, sums) in self.kinds(dataset).filter(|(kind, _)| is(*kind)) {
            total.merge(sums.cost)?;
        }
        Ok(total.value())
    }

    /// Orders whose refunds concern closed periods (SEMANTICS 4.4 case 2): nothing of them was bought in this one. A
    /// refund that nets its purchase has the billing period of the purchase, or of the last installment.
    pub(super) fn late_refunds(&self) -> impl Iterator<Item = (&String, &OrderSums)> {
        self.orders.iter().filter(|(_, sums)| sums.has_refund && !sums.has_purchase)
    }

    fn add_shared(&mut self, index: usize, row: &CheckedRow<'_>, kind: RowKind) -> Result<(), MoneyError> {
        if kind.is_covered() {
            let shared = &mut self.shared.entry((row.date, kind)).or_default()[index];
            shared.sums.add(Decimal::ZERO)?;
            shared.rows.add_unpriced(&row.digest);
            let is_free = row.cost.is_zero() && row.effective_price.is_none_or(|price| price.is_zero());
            if index == index_of(Dataset::ActualCost) && !is_free {
                let price = row.effective_price.map_or_else(|| "unknown".to_owned(), |p| p.to_shortest_string());
                self.priced_covered.push(Difference {
                    day: Some(row.date),
                    subject: format!("ActualCost {}", row.describe()),
                    by: Some(row.cost),
                    detail: format!("EffectivePrice {price} and Cost {} are not 0", row.cost.to_shortest_string()),
                })?;
            }
        } else if !row.pricing.is_benefit() && !kind.is_unused() {
            let shared = &mut self.shared.entry((row.date, kind)).or_default()[index];
            shared.sums.add(row.cost)?;
            shared.rows.add(&row.digest);
        }
        Ok(())
    }

    /// Each usage row is shown by the department and the account that it names, and by no other; all else by none.
    fn check_scopes(&mut self, dataset: Dataset, row: &CheckedRow<'_>, kind: RowKind) -> Result<(), MoneyError> {
        if !kind.is_usage() {
            return Ok(());
        }
        let scopes = row.scopes;
        let kinds = [
            ("departments", scopes.departments, scopes.names_department),
            ("accounts", scopes.accounts, scopes.names_account),
        ];
        for (what, found, named) in kinds {
            if found > 1 || (found == 0 && named) {
                let times = Decimal::from(found).checked_sub(Decimal::from(1u32))?;
                self.wrong_scopes.push(Difference {
                    day: Some(row.date),
                    subject: format!("{dataset} {}", row.describe()),
                    by: Some(row.cost.checked_mul(times)?),
                    detail: format!("{found} {what} show it; expected one"),
                })?;
            }
        }
        Ok(())
    }

    fn add_to_lines(&mut self, row: &CheckedRow<'_>, kind: RowKind) -> Result<(), MoneyError> {
        let Some(class) = class_of(row) else {
            self.classless += 1;
            return Ok(());
        };
        if kind == RowKind::Rounding {
            return self.rounding.entry(class).or_default().add(row.cost);
        }
        let item = if kind.is_usage() || row.order.is_empty() { row.meter } else { row.order };
        let key = (class, key_of(&[row.subscription, item]));
        if kind == RowKind::BenefitRefund {
            return self.refunds.entry(comparable(row.order)).or_default().entry(key).or_default().add(row.cost);
        }
        self.lines.entry(key).or_default().add(row.cost)
    }

    fn add_transaction(&mut self, order: &str, row: &CheckedRow<'_>, kind: RowKind) -> Result<(), MoneyError> {
        let sums = order_sums(&mut self.orders, order);
        sums.term_months = sums.term_months.or(row.term_months);
        if kind == RowKind::BenefitRefund {
            sums.has_refund = true;
            return sums.refunds.add(row.cost);
        }
        sums.has_purchase = true;
        sums.recurs |= row.recurs;
        let earlier = sums.first_purchase.is_none_or(|known| row.date < known);
        sums.first_purchase = if earlier { Some(row.date) } else { sums.first_purchase };
        sums.purchases.add(row.cost)
    }

    fn add_amortized(
        &mut self,
        index: usize,
        order: &str,
        row: &CheckedRow<'_>,
        kind: RowKind,
    ) -> Result<(), MoneyError> {
        let sums = order_sums(&mut self.orders, order);
        sums.amortized.add(row.cost)?;
        sums.amortized_rows += 1;
        sums.term_months = sums.term_months.or(row.term_months);
        if kind == RowKind::Settlement {
            return sums.settlement.add(row.cost);
        }
        let day = self.benefits[index].days.entry(row.date).or_default();
        day.cost.add(row.cost)?;
        match (kind, row.ratio) {
            (RowKind::CoveredByReservation, Some(ratio)) => day.hours.add(row.quantity.checked_mul(ratio)?),
            (RowKind::CoveredByReservation, None) => {
                day.without_ratio += 1;
                Ok(())
            }
            (RowKind::UnusedReservation, _) => day.hours.add(row.quantity),
            _ => Ok(()),
        }
    }
}

pub(super) fn index_of(dataset: Dataset) -> usize {
    match dataset {
        Dataset::ActualCost => 0,
        Dataset::AmortizedCost => 1,
    }
}

fn order_sums<'a>(orders: &'a mut BTreeMap<String, OrderSums>, order: &str) -> &'a mut OrderSums {
    let sums = orders.entry(comparable(order)).or_default();
    if sums.name.is_empty() {
        order.clone_into(&mut sums.name);
    }
    sums
}

fn is_of_reservation(row: &CheckedRow<'_>, kind: RowKind) -> bool {
    match kind {
        RowKind::Settlement => row.charge_type == crate::ChargeType::UnusedReservation,
        RowKind::CoveredByReservation | RowKind::UnusedReservation => true,
        _ => false,
    }
}

/// The class of a row; `None` where its source does not say whether the prepayment may pay it.
fn class_of(row: &CheckedRow<'_>) -> Option<ChargeClass> {
    Some(ChargeClass::of(row.credit_eligible?, row.publisher))
}
