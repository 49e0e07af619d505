//! Charges for usage: what benefits cover, with their day's money shared out, and the rest on demand (SEMANTICS 2.3, 3.1,
//! 3.4, 3.5).

use std::collections::{BTreeMap, BTreeSet};

use calendar::Date;
use money::{Decimal, MoneyError, ResidualTo, half_even_quotient, split};

use super::benefit::{ALLOCATION_DIGITS, HOURS_PER_DAY, Source};
use super::bill::{BillError, HeldBack, HeldBackReason};
use super::charge::{Charge, Kind, LineFacts, OwnPrice};
use super::coverage::{Coverage, CoverageError, Take, capacity};
use super::engine::{Item, Run, index};
use super::ownership::NOBODY;
use super::rating::{Blend, RatedLine};
use super::unit::trimmed;
use super::usage::{Cell, SortedUsage, UsageLine};
use crate::selection::comparable;

/// Priced usage of a period.
struct Priced {
    lines: Vec<UsageLine>,
    /// By line; `None` for lines that are held back.
    rated: Vec<Option<RatedLine>>,
    /// Usage of rated lines in blocks, in the order of line, day and hour.
    cells: Vec<Cell>,
    /// The place of each cell's charges.
    places: Vec<u32>,
    /// The line of the charges, by line of the usage.
    entered: Vec<u32>,
}

/// Rows with a blended price by index of the price: day, line of the usage, and position of the row.
type Blended = BTreeMap<usize, Vec<(Date, u32, u32)>>;

/// What a benefit's usage on a day comes to.
struct Share {
    day: Date,
    take: Take,
    /// Cost in AmortizedCost; `None` while the day is not over: the charge is not shown yet (D-43).
    cost: Option<Decimal>,
}

impl Run<'_> {
    /// Charges the usage, and gives what is held back.
    pub(super) fn usage(&mut self, usage: SortedUsage) -> Result<Vec<HeldBack>, BillError> {
        let failed = self.failed("the cost of usage");
        let mut held_back = HeldBackList::default();
        let priced = self.price(usage, &mut held_back).map_err(&failed)?;
        let shares = self.cover(&priced)?;
        let blended = self.usage_rows(&priced, shares).map_err(&failed)?;
        self.blend(&priced, blended).map_err(&failed)?;
        Ok(held_back.into_list())
    }

    fn failed(&self, what: &'static str) -> impl Fn(MoneyError) -> BillError + use<> {
        let period = self.clock.period;
        move |source| BillError::Money { period, what: what.to_owned(), source }
    }

    /// Finds the price of each line and the place of each cell.
    fn price(&mut self, usage: SortedUsage, held_back: &mut HeldBackList) -> Result<Priced, MoneyError> {
        let SortedUsage { lines, cells } = usage;
        let mut rated = Vec::with_capacity(lines.len());
        let mut reasons = Vec::with_capacity(lines.len());
        let mut entered = Vec::with_capacity(lines.len());
        for line in &lines {
            match RatedLine::of(line, self.sheet)? {
                Ok(priced) => {
                    let facts = priced.facts(line, self.sheet)?;
                    entered.push(self.enter(facts, Item::Meter(&line.meter_id)));
                    rated.push(Some(priced));
                    reasons.push(None);
                }
                Err(reason) => {
                    entered.push(0);
                    rated.push(None);
                    reasons.push(Some(reason));
                }
            }
        }
        let (mut kept, mut places) = (Vec::with_capacity(cells.len()), Vec::with_capacity(cells.len()));
        for cell in cells {
            let line = cell.line as usize;
            let place = rated[line].as_ref().and_then(|rated| self.ownership.place(rated.subscription, cell.day));
            match (&rated[line], place) {
                (Some(rated), Some(place)) => {
                    kept.push(Cell { quantity: rated.in_blocks(cell.quantity)?, ..cell });
                    places.push(place);
                }
                _ => held_back.add(reasons[line].unwrap_or(HeldBackReason::NoOwner), &lines[line], &cell)?,
            }
        }
        Ok(Priced { lines, rated, cells: kept, places, entered })
    }

    /// Applies the benefits day by day and shares the money of each day out; enters the unused rows.
    fn cover(&mut self, priced: &Priced) -> Result<Vec<Share>, BillError> {
        let failed = self.failed("what benefits cover");
        let coverage = Coverage::new(self.benefits, &priced.rated, self.sheet).map_err(&failed)?;
        let unused_lines: Vec<u32> = (0..self.benefits.len()).map(|benefit| self.enter_unused(benefit)).collect();
        let mut by_day: Vec<u32> = (0..index(priced.cells.len()))
            .filter(|cell| coverage.may_cover(priced.cells[*cell as usize].line))
            .collect();
        // Within a day they stay in the order of line and hour.
        by_day.sort_by_key(|cell| priced.cells[*cell as usize].day);
        let groups = priced.groups();
        let mut shares = Vec::new();
        let mut rest = &by_day[..];
        let mut cells: Vec<Cell> = Vec::new();
        for day in self.clock.period.days() {
            let count = rest.partition_point(|cell| priced.cells[*cell as usize].day <= day);
            cells.clear();
            cells.extend(rest[..count].iter().map(|cell| priced.cells[*cell as usize]));
            rest = &rest[count..];
            let takes = coverage.day(day, &cells).map_err(|error| match error {
                CoverageError::Money(error) => failed(error),
                CoverageError::Mixed(mixed) => BillError::MixedUsage {
                    benefit: self.benefits[mixed.benefit as usize].source.order_id().to_owned(),
                    day: mixed.day,
                    daily: priced.lines[mixed.daily_line as usize].meter_id.clone(),
                    hourly: priced.lines[mixed.hourly_line as usize].meter_id.clone(),
                },
            })?;
            if self.clock.is_complete(day) {
                self.share_day(day, &takes, &groups, &unused_lines, &mut shares).map_err(&failed)?;
            } else {
                shares.extend(takes.into_iter().map(|take| Share { day, take, cost: None }));
            }
        }
        shares.sort_by_key(|share| (share.take.line, share.day, share.take.benefit));
        Ok(shares)
    }

    /// Shares out the money of each benefit on a day that is over (SEMANTICS 3.4). `takes` are in the order of benefits.
    fn share_day(
        &mut self,
        day: Date,
        takes: &[Take],
        groups: &[u32],
        unused_lines: &[u32],
        shares: &mut Vec<Share>,
    ) -> Result<(), MoneyError> {
        let mut rest = takes;
        for (number, benefit) in self.benefits.iter().enumerate() {
            let count = rest.partition_point(|take| take.benefit <= index(number));
            let (own, later) = rest.split_at(count);
            rest = later;
            let Some(of_day) = benefit.on(day)? else { continue };
            let whole = capacity(benefit, of_day, false)?;
            // Weights of usage are summed per subscription, resource and meter first; lines are in that order.
            let mut sums: BTreeMap<u32, (Decimal, Vec<&Take>)> = BTreeMap::new();
            let mut unused = whole;
            for take in own {
                let (sum, members) = sums.entry(groups[take.line as usize]).or_default();
                *sum = sum.checked_add(take.weight)?;
                members.push(take);
                unused = unused.checked_sub(take.weight)?;
            }
            let mut weights: Vec<Decimal> = sums.values().map(|(sum, _)| *sum).collect();
            weights.push(unused);
            let costs = split(of_day.amount, &weights, ALLOCATION_DIGITS, ResidualTo::Unused(weights.len() - 1))?;
            for ((_, members), cost) in sums.into_values().zip(&costs) {
                let weights: Vec<Decimal> = members.iter().map(|take| take.weight).collect();
                let parts = split(*cost, &weights, ALLOCATION_DIGITS, ResidualTo::GreatestWeight)?;
                let members = members.into_iter().zip(parts);
                shares.extend(members.map(|(take, part)| Share { day, take: *take, cost: Some(trimmed(part)) }));
            }
            let cost = trimmed(costs.last().copied().unwrap_or_default());
            let (quantity, hours) = match benefit.source {
                Source::Reservation(_) => (unused, whole),
                Source::SavingsPlan(order) => {
                    let hours = half_even_quotient(unused, order.commitment, ALLOCATION_DIGITS)?;
                    (hours, Decimal::from(HOURS_PER_DAY))
                }
            };
            let effective = trimmed(half_even_quotient(of_day.amount, hours, ALLOCATION_DIGITS)?);
            self.benefit_row(
                Kind::Unused,
                number,
                (day, unused_lines[number], NOBODY),
                effective,
                (trimmed(quantity), cost),
            );
        }
        Ok(())
    }

    /// Enters a charge of a benefit as a whole.
    pub(super) fn benefit_row(
        &mut self,
        kind: Kind,
        benefit: usize,
        (day, line, place): (Date, u32, u32),
        effective: Decimal,
        (quantity, cost): (Decimal, Decimal),
    ) {
        let recurs = self.benefits[benefit].source.is_monthly();
        let own = self.own(OwnPrice { effective, amortized: cost, ratio: Decimal::ZERO, recurs });
        self.rows.push(Charge { kind, day, line, place, benefit: Some(index(benefit)), own, quantity, cost });
    }

    /// Enters the charges of usage: covered parts, and the rest. Gives the rows whose price is blended, by price.
    fn usage_rows(&mut self, priced: &Priced, shares: Vec<Share>) -> Result<Blended, MoneyError> {
        let mut shares = shares.into_iter().peekable();
        let mut blended = Blended::new();
        let mut position = 0;
        while position < priced.cells.len() {
            let Cell { line, day, .. } = priced.cells[position];
            let place = priced.places[position];
            let mut quantity = Decimal::ZERO;
            while let Some(cell) = priced.cells.get(position).filter(|cell| (cell.line, cell.day) == (line, day)) {
                quantity = quantity.checked_add(cell.quantity)?;
                position += 1;
            }
            let mut is_covered = false;
            while let Some(share) = shares.next_if(|share| (share.take.line, share.day) == (line, day)) {
                is_covered = true;
                quantity = quantity.checked_sub(share.take.quantity)?;
                self.covered_row(priced.entered[line as usize], place, &share)?;
            }
            if is_covered && quantity.is_zero() {
                continue;
            }
            let Some(rated) = &priced.rated[line as usize] else { continue };
            let is_blended = self.sheet.line(rated.price).is_blended();
            let cost = if is_blended { Decimal::ZERO } else { rated.cost(quantity)? };
            if is_blended {
                blended.entry(rated.price).or_default().push((day, line, index(self.rows.len())));
            }
            let line = priced.entered[line as usize];
            let row = Charge { kind: rated.kind, day, line, place, benefit: None, own: None, quantity, cost };
            self.rows.push(row);
        }
        Ok(blended)
    }

    fn covered_row(&mut self, line: u32, place: u32, share: &Share) -> Result<(), MoneyError> {
        let Some(amortized) = share.cost else { return Ok(()) };
        let Take { benefit, quantity, rate, .. } = share.take;
        let effective = trimmed(half_even_quotient(amortized, quantity, ALLOCATION_DIGITS)?);
        let own = self.own(OwnPrice { effective, amortized, ratio: rate, recurs: false });
        let (kind, benefit, cost) = (Kind::Covered, Some(benefit), Decimal::ZERO);
        self.rows.push(Charge { kind, day: share.day, line, place, benefit, own, quantity, cost });
        Ok(())
    }

    /// Shares out what meters with tiers or included quantity cost.
    fn blend(&mut self, priced: &Priced, blended: Blended) -> Result<(), MoneyError> {
        for (price, mut rows) in blended {
            let sheet = self.sheet.line(price);
            rows.sort_unstable();
            let mut quantities = Vec::with_capacity(rows.len());
            for (_, line, row) in &rows {
                let quantity = self.rows[*row as usize].quantity;
                let rated = priced.rated[*line as usize].as_ref();
                quantities.push(rated.map_or(Ok(quantity), |rated| rated.unit.convert(quantity, &sheet.unit))?);
            }
            let blend = Blend::of(sheet, &quantities)?;
            for ((_, _, row), cost) in rows.iter().zip(&blend.costs) {
                self.rows[*row as usize].cost = trimmed(*cost);
            }
            let lines: BTreeSet<u32> = rows.into_iter().map(|(_, line, _)| line).collect();
            for line in lines {
                if let Some(rated) = &priced.rated[line as usize] {
                    let effective = blend.effective_price(sheet, rated)?;
                    self.lines[priced.entered[line as usize] as usize].effective_price = Some(effective);
                }
            }
        }
        Ok(())
    }

    /// The line of what a benefit does not cover: it has no subscription and no resource, and may use the prepayment (D-13).
    pub(super) fn enter_unused(&mut self, benefit: usize) -> u32 {
        let facts = self.benefit_line(benefit);
        self.enter_beside(LineFacts { subscription_id: String::new(), credit_eligible: true, ..facts })
    }
}

impl Priced {
    /// A number for each line that is equal for lines of one subscription, resource and meter.
    fn groups(&self) -> Vec<u32> {
        let mut group = 0;
        let mut groups = Vec::with_capacity(self.lines.len());
        for (position, line) in self.lines.iter().enumerate() {
            let is_same = position > 0 && line.same_resource_and_meter(&self.lines[position - 1]);
            group += u32::from(!is_same);
            groups.push(group);
        }
        groups
    }
}

/// What is held back, by reason, meter and subscription.
#[derive(Default)]
struct HeldBackList {
    found: BTreeMap<(HeldBackReason, String, String), HeldBack>,
    /// Line and day of the cell before: cells of one row follow each other.
    last: Option<(u32, Date)>,
}

impl HeldBackList {
    fn add(&mut self, reason: HeldBackReason, line: &UsageLine, cell: &Cell) -> Result<(), MoneyError> {
        let key = (reason, comparable(&line.meter_id), comparable(&line.subscription_id));
        let held = self.found.entry(key).or_insert_with(|| HeldBack {
            reason,
            meter_id: line.meter_id.clone(),
            subscription_id: line.subscription_id.clone(),
            first_day: cell.day,
            last_day: cell.day,
            rows: 0,
            quantity: Decimal::ZERO,
        });
        held.first_day = held.first_day.min(cell.day);
        held.last_day = held.last_day.max(cell.day);
        held.quantity = held.quantity.checked_add(cell.quantity)?;
        held.rows += u64::from(self.last != Some((cell.line, cell.day)));
        self.last = Some((cell.line, cell.day));
        Ok(())
    }

    fn into_list(self) -> Vec<HeldBack> {
        self.found.into_values().collect()
    }
}
