//! What a row of a FOCUS file is in the words of Cost Details.

use std::borrow::Cow;

use calendar::Date;
use ledger::Field;
use money::{Decimal, SCALE_MAX, half_even_product};

use super::columns::Fact;
use crate::batch::Cell;
use crate::cells::{self, CellFault};
use crate::error::{Excerpt, RowFault};
use crate::records::Record;

/// The provider whose charges these are.
const PROVIDER: &str = "Microsoft";
/// What is asked of rows of others.
const OTHER_PROVIDER: &str = "this is a charge of another provider; expected Microsoft. To leave out such rows, say \
                              --skip-other-providers";
/// Namespaces in the ids of benefits.
const RESERVATIONS: &str = "/microsoft.capacity/";
const SAVINGS_PLANS: &str = "/microsoft.billingbenefits/";
/// Characters of a date, before the time of day.
const DAY_CHARS: usize = 10;

/// A row, by the columns that it is judged by.
pub(super) struct FocusRow<'r, 't> {
    pub(super) record: &'r Record<'t>,
    pub(super) text: &'t str,
    pub(super) names: &'r [String],
    pub(super) positions: &'r [Option<usize>],
}

/// Which datasets a row is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Both: a charge that has nothing to do with a benefit.
    Plain,
    /// Both: usage that a benefit covers, which costs nothing where it is billed with its purchase.
    Covered,
    /// Amortized cost only: what nobody used of a benefit.
    Unused,
    /// Actual cost only: the purchase of a benefit, or its refund.
    Purchase,
}

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) kind: Kind,
    pub(super) charge_type: &'static str,
    pub(super) pricing_model: &'static str,
    /// Whether it is about a reservation.
    pub(super) is_reservation: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Benefit {
    Reservation,
    SavingsPlan,
}

impl<'t> FocusRow<'_, 't> {
    /// A cell; blank where the file has no such column.
    pub(super) fn cell(&self, fact: Fact) -> Cow<'t, str> {
        self.positions[fact as usize].map_or(Cow::Borrowed(""), |index| self.record.cell(self.text, index))
    }

    /// Whether the charge is one of Microsoft. Others are faults; the caller may leave them out instead.
    pub(super) fn is_of_microsoft(&self) -> Result<bool, RowFault> {
        let provider = self.cell(Fact::Provider);
        if provider.trim().is_empty() {
            return Err(self.blank(Fact::Provider));
        }
        Ok(provider.trim().eq_ignore_ascii_case(PROVIDER))
    }

    pub(super) fn other_provider(&self) -> RowFault {
        self.fault(Fact::Provider, OTHER_PROVIDER)
    }

    /// What the row is. Costs that its kind cannot have are refused: money would be lost with the dataset that it is not in.
    pub(super) fn meaning(&self) -> Result<Meaning, RowFault> {
        let meaning = self.told()?;
        let (billed, effective) = (self.cost(Fact::BilledCost)?, self.cost(Fact::EffectiveCost)?);
        match meaning.kind {
            Kind::Unused if !billed.is_zero() => {
                Err(self.fault(Fact::BilledCost, "an unused commitment is billed with its purchase; expected 0"))
            }
            Kind::Covered if !billed.is_zero() => Err(self.fault(
                Fact::BilledCost,
                "usage that a commitment covers is billed with the purchase of the commitment; expected 0",
            )),
            Kind::Purchase if !effective.is_zero() => Err(self.fault(
                Fact::EffectiveCost,
                "the cost of a commitment is effective where it is used; expected 0 on its purchase or refund",
            )),
            _ => Ok(meaning),
        }
    }

    fn told(&self) -> Result<Meaning, RowFault> {
        let benefit = self.benefit()?;
        let pricing = self.cell(Fact::PricingCategory);
        let is_committed = is(&pricing, "Committed");
        let status = self.cell(Fact::CommitmentStatus);
        let of_benefit = |kind, charge_type| match benefit {
            Some(Benefit::Reservation) => {
                Ok(Meaning { kind, charge_type, pricing_model: "Reservation", is_reservation: true })
            }
            Some(Benefit::SavingsPlan) => {
                Ok(Meaning { kind, charge_type, pricing_model: "SavingsPlan", is_reservation: false })
            }
            None => Err(self.fault(
                Fact::CommitmentType,
                "the row is of a commitment; expected Reservation or Savings Plan, or the id of one",
            )),
        };
        let plain = |charge_type| match is_committed {
            true => of_benefit(Kind::Plain, charge_type),
            false => {
                let pricing_model = [("Standard", "OnDemand"), ("Dynamic", "Spot")];
                let found = pricing_model.iter().find(|(name, _)| is(&pricing, name));
                let pricing_model = found.map_or("", |(_, model)| *model);
                Ok(Meaning { kind: Kind::Plain, charge_type, pricing_model, is_reservation: false })
            }
        };
        let category = self.cell(Fact::Category);
        if is(&category, "Usage") {
            return if is(&status, "Unused") {
                let is_plan = benefit == Some(Benefit::SavingsPlan);
                of_benefit(Kind::Unused, if is_plan { "UnusedSavingsPlan" } else { "UnusedReservation" })
            } else if is(&status, "Used") || is_committed {
                of_benefit(Kind::Covered, "Usage")
            } else if status.trim().is_empty() {
                plain("Usage")
            } else {
                Err(self.fault(Fact::CommitmentStatus, "expected Used, Unused or nothing"))
            };
        }
        if is(&category, "Purchase") {
            let charge_type = if is(&self.cell(Fact::Class), "Correction") { "Refund" } else { "Purchase" };
            return match benefit.is_some() || is_committed {
                true => of_benefit(Kind::Purchase, charge_type),
                false => plain(charge_type),
            };
        }
        for (name, charge_type) in [("Credit", "Credit"), ("Tax", "Tax"), ("Adjustment", "RoundingAdjustment")] {
            if is(&category, name) {
                return plain(charge_type);
            }
        }
        match category.trim().is_empty() {
            true => Err(self.blank(Fact::Category)),
            false => Err(self.fault(Fact::Category, "expected Usage, Purchase, Credit, Adjustment or Tax")),
        }
    }

    /// The benefit that a row names, by its type, else by its id.
    fn benefit(&self) -> Result<Option<Benefit>, RowFault> {
        let named = self.cell(Fact::CommitmentType);
        for (name, benefit) in [
            ("Reservation", Benefit::Reservation),
            ("Savings Plan", Benefit::SavingsPlan),
            ("SavingsPlan", Benefit::SavingsPlan),
        ] {
            if is(&named, name) {
                return Ok(Some(benefit));
            }
        }
        if !named.trim().is_empty() {
            return Err(self.fault(Fact::CommitmentType, "expected Reservation, Savings Plan or nothing"));
        }
        let id = self.cell(Fact::CommitmentId).to_ascii_lowercase();
        let by_id = [(RESERVATIONS, Benefit::Reservation), (SAVINGS_PLANS, Benefit::SavingsPlan)];
        Ok(by_id.iter().find(|(namespace, _)| id.contains(namespace)).map(|(_, benefit)| *benefit))
    }

    fn cost(&self, fact: Fact) -> Result<Decimal, RowFault> {
        match cells::read(Field::Cost, &self.cell(fact)) {
            Ok(Cell::Decimal { parsed, .. }) => Ok(parsed.value),
            Ok(_) | Err(CellFault::Blank) => Err(self.blank(fact)),
            Err(CellFault::Expected(expected)) => Err(self.fault(fact, &expected)),
        }
    }

    /// Refuses a price that is no number.
    pub(super) fn check_price(&self, fact: Fact) -> Result<(), RowFault> {
        match cells::read(Field::EffectivePrice, &self.cell(fact)) {
            Err(CellFault::Expected(expected)) => Err(self.fault(fact, &expected)),
            _ => Ok(()),
        }
    }

    /// The quantity in the unit that the row's price is of. Where that unit is a block of several, exports of different times
    /// tell blocks in different columns (until late 2024 as consumed, since then as priced): it is the quantity that makes
    /// the cost with the row's own price.
    pub(super) fn quantity(&self) -> Cow<'t, str> {
        let (consumed, priced) = (self.cell(Fact::Consumed), self.cell(Fact::Priced));
        if consumed.trim().is_empty() || self.costs_less_wrong(&priced, &consumed) { priced } else { consumed }
    }

    /// Whether one quantity comes nearer to the cost than another one; false where that cannot be told.
    fn costs_less_wrong(&self, first: &str, second: &str) -> bool {
        let number = |field: Field, text: &str| cells::decimal(field, text).ok().map(|parsed| parsed.value);
        let one = Decimal::from_i128(1, 0).ok();
        let block = number(Field::Quantity, &self.cell(Fact::BlockSize)).filter(|block| Some(*block) != one);
        let price = number(Field::EffectivePrice, &self.cell(Fact::EffectivePrice));
        let cost = number(Field::Cost, &self.cell(Fact::EffectiveCost));
        let (Some(_), Some(price), Some(cost)) = (block, price, cost) else { return false };
        let error_of = |text: &str| {
            let product = half_even_product(number(Field::Quantity, text)?, price, SCALE_MAX).ok()?;
            product.checked_sub(cost).ok().map(Decimal::abs)
        };
        matches!((error_of(first), error_of(second)), (Some(first), Some(second)) if first < second)
    }

    /// A date, without the time of day that FOCUS gives it.
    pub(super) fn day(&self, fact: Fact) -> Result<Cow<'t, str>, RowFault> {
        let cell = self.cell(fact);
        if cell.trim().is_empty() {
            return Ok(Cow::Borrowed(""));
        }
        // Tools that pass files on write a blank between day and time.
        let text = if cell.as_bytes().get(DAY_CHARS) == Some(&b' ') { cell.replacen(' ', "T", 1).into() } else { cell };
        match cells::date(&text) {
            Ok(day) => Ok(Cow::Owned(day.to_string())),
            Err(expected) => Err(self.fault(fact, &expected)),
        }
    }

    /// The day before a date: periods of FOCUS end where the next one begins.
    pub(super) fn day_before(&self, fact: Fact) -> Result<Cow<'t, str>, RowFault> {
        let day = self.day(fact)?;
        if day.is_empty() {
            return Ok(day);
        }
        let before = Date::parse_iso(&day).and_then(Date::previous);
        before.map(|day| Cow::Owned(day.to_string())).map_err(|error| self.fault(fact, &error.to_string()))
    }

    /// Whether a date says more than its day.
    pub(super) fn has_time(&self, fact: Fact) -> bool {
        let cell = self.cell(fact);
        let time = cell.as_bytes().get(DAY_CHARS..).unwrap_or_default();
        !time.iter().all(|byte| matches!(byte, b'T' | b' ' | b'0' | b':' | b'.' | b'Z' | b'+'))
    }

    fn blank(&self, fact: Fact) -> RowFault {
        let column = Some(self.name(fact));
        RowFault {
            place: self.record.place,
            column,
            value: None,
            expected: "the cell is blank; expected a value".into(),
        }
    }

    fn fault(&self, fact: Fact, expected: &str) -> RowFault {
        let value = self.cell(fact);
        let value = (!value.is_empty()).then(|| Excerpt::of(value.as_bytes()));
        RowFault { place: self.record.place, column: Some(self.name(fact)), value, expected: expected.to_owned() }
    }

    fn name(&self, fact: Fact) -> String {
        let own = self.positions[fact as usize].and_then(|index| self.names.get(index));
        own.map_or(fact.name(), String::as_str).to_owned()
    }
}

fn is(cell: &str, name: &str) -> bool {
    cell.trim().eq_ignore_ascii_case(name)
}

/// The reservation in the id of a benefit, or its order where the id ends with that, as it does on purchases.
pub(super) fn reservation_in(id: &str) -> Option<&str> {
    let after = |name: &str| {
        let mut segments = id.split('/');
        segments.find(|segment| segment.eq_ignore_ascii_case(name))?;
        segments.next().filter(|segment| !segment.is_empty())
    };
    after("reservations").or_else(|| after("reservationOrders"))
}
