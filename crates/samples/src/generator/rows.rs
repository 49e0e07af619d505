//! Writing rows: prepared text, a quantity, an exact cost.

use std::io::{self, Write};
use std::ops::RangeInclusive;

use super::decimal::{COST_SCALE_MAX, Decimal};
use super::layout::HEADER;
use super::meters::Usage;
use super::options::Entropy;
use super::rng::Random;
use super::templates::Template;
use super::total::CostTotal;

/// Bytes collected before they are written: large enough that calls do not count, small enough for the cache.
const BUFFER_BYTES: usize = 256 * 1024;

/// Fraction digits of a quantity (SEMANTICS 2.4).
const QUANTITY_SCALE: u8 = 8;

/// One row in so many, of meters that count small things, has a cost of 24 to 28 fraction digits.
const LONG_COST_ONE_IN: u64 = 64;
const LONG_COST_SCALE_MIN: u8 = 24;
/// Prices with more fraction digits leave no room for a long quantity below 28 digits; whole prices would need a hidden
/// rest of more digits than 64 bits hold.
const LONG_COST_PRICE_SCALES: RangeInclusive<u8> = 1..=8;
/// A quarter of the long costs end in so many zeros, as in `0.0000000072922557592391990000`.
const LONG_COST_ZEROS: u8 = 4;

/// With high entropy, rows in a hundred with text of their own.
const OWN_TEXT_PERCENT: u64 = 40;

/// A quantity and what it costs, as printed.
struct Rated {
    quantity: Decimal,
    cost: Decimal,
    form: CostForm,
}

/// How a cost is printed: computed ones in shortest form, imported ones with the digits they came with.
#[derive(Clone, Copy)]
enum CostForm {
    Shortest,
    AsHeld,
}

/// Writes the rows of a month and adds up their costs.
pub(super) struct RowWriter<'a> {
    random: Random,
    entropy: Entropy,
    buffer: Vec<u8>,
    out: &'a mut dyn Write,
    total: CostTotal,
}

impl<'a> RowWriter<'a> {
    /// A writer that draws quantities from the given numbers.
    pub(super) fn new(random: Random, entropy: Entropy, out: &'a mut dyn Write) -> Self {
        Self { random, entropy, buffer: Vec::with_capacity(BUFFER_BYTES), out, total: CostTotal::default() }
    }

    /// The numbers rows are drawn from.
    pub(super) fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// Writes byte order mark and header.
    pub(super) fn write_header(&mut self) -> io::Result<()> {
        self.out.write_all(HEADER.as_bytes())
    }

    /// Writes one row of the line.
    pub(super) fn write_row(&mut self, line: &Template, date: &str) -> io::Result<()> {
        let rated = rate(line, &mut self.random);
        self.total.add(rated.cost);

        let out = &mut self.buffer;
        out.extend_from_slice(&line.before_date);
        out.extend_from_slice(date.as_bytes());
        out.extend_from_slice(&line.date_to_quantity);
        rated.quantity.push_shortest(out);
        out.extend_from_slice(&line.price);
        match rated.form {
            CostForm::Shortest => rated.cost.push_shortest(out),
            CostForm::AsHeld => rated.cost.push_as_held(out),
        }
        out.extend_from_slice(&line.cost_to_tags);
        if self.entropy == Entropy::High && self.random.chance(OWN_TEXT_PERCENT, 100) {
            push_own_tags(&line.tags_text, &mut self.random, out);
            out.extend_from_slice(&line.tags_to_info);
            push_own_info(&mut self.random, out);
        } else {
            out.extend_from_slice(&line.tags);
            out.extend_from_slice(&line.tags_to_info);
            out.extend_from_slice(&line.info);
        }
        out.extend_from_slice(&line.after_info);

        if self.buffer.len() >= BUFFER_BYTES - BUFFER_BYTES / 16 {
            self.out.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }

    /// Writes what is left and tells the sum.
    pub(super) fn finish(self) -> io::Result<CostTotal> {
        self.out.write_all(&self.buffer)?;
        self.out.flush()?;
        Ok(self.total)
    }
}

fn rate(line: &Template, random: &mut Random) -> Rated {
    let price = line.effective_price;
    let has_long_costs =
        matches!(line.usage, Usage::Gigabytes | Usage::Operations) && LONG_COST_PRICE_SCALES.contains(&price.scale());
    if has_long_costs && random.chance(1, LONG_COST_ONE_IN) {
        return rate_long(price, random);
    }
    let quantity = quantity(line.usage, random);
    Rated { quantity, cost: quantity.times(price), form: CostForm::Shortest }
}

/// A tiny row as Azure prints it: the cost knows more digits of the quantity than the 8 that are shown. The hidden rest
/// is at most half a unit of the eighth decimal, so |quantity × price − cost| ≤ 5·10⁻⁹ × price (SEMANTICS 2.4).
fn rate_long(price: Decimal, random: &mut Random) -> Rated {
    let shown = Decimal::new(u128::from(random.below(1_000_000) + 1), QUANTITY_SCALE);
    let zeros = if random.chance(1, 4) { LONG_COST_ZEROS } else { 0 };
    let cost_scale = match zeros {
        0 => LONG_COST_SCALE_MIN + random.below(u64::from(COST_SCALE_MAX - LONG_COST_SCALE_MIN) + 1) as u8,
        _ => COST_SCALE_MAX,
    };
    let hidden_digits = cost_scale - zeros - price.scale() - QUANTITY_SCALE;
    let half_unit = 5 * 10_u64.pow(u32::from(hidden_digits) - 1);
    // From shown − half a unit up to, not including, shown + half a unit.
    let known_units =
        shown.padded(hidden_digits).units() - u128::from(half_unit) + u128::from(random.below(2 * half_unit));
    let known = Decimal::new(known_units, QUANTITY_SCALE + hidden_digits);
    Rated { quantity: shown, cost: known.times(price).padded(zeros), form: CostForm::AsHeld }
}

fn quantity(usage: Usage, random: &mut Random) -> Decimal {
    let drawn = |units: u64, scale: u8| Decimal::new(u128::from(units), scale);
    match usage {
        Usage::Hours if random.chance(3, 4) => drawn(24, 0),
        Usage::Hours => drawn(random.below(2_400_000_000) + 1, 8),
        Usage::InstanceHours => drawn(24 * (random.below(12) + 1), 0),
        Usage::MonthShare => drawn(3_225_806, 8).times(drawn(random.below(40) + 1, 0)),
        Usage::MonthHours => {
            drawn(1_389, 6).times(drawn(if random.chance(7, 8) { 24 } else { random.below(24) + 1 }, 0))
        }
        Usage::Gigabytes => drawn(skewed(10, random), 8),
        Usage::Operations => drawn(skewed(7, random), 4),
        Usage::Pieces => drawn(random.below(5) + 1, 0),
    }
}

/// A number from 1 on whose number of digits is drawn first, so that small ones are as frequent as large ones.
fn skewed(digits_max: u64, random: &mut Random) -> u64 {
    let digits = random.below(digits_max) + 1;
    random.below(10_u64.pow(digits as u32)) + 1
}

/// Appends a cell of the line's tags and two that change with every row.
fn push_own_tags(tags_text: &[u8], random: &mut Random, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(tags_text);
    if !tags_text.is_empty() {
        out.push(b',');
    }
    out.extend_from_slice(br#"""run-id"": """#);
    out.extend_from_slice(&random.guid());
    out.extend_from_slice(br#""",""build"": """#);
    Decimal::new(u128::from(random.below(100_000)), 0).push_shortest(out);
    out.extend_from_slice(br#"""""#);
}

/// Appends a cell of about 200 bytes of JSON with random ids.
fn push_own_info(random: &mut Random, out: &mut Vec<u8>) {
    out.extend_from_slice(br#""{""UsageType"":""ComputeHR"",""SourceEventId"":"""#);
    out.extend_from_slice(&random.guid());
    out.extend_from_slice(br#""",""CorrelationId"":"""#);
    out.extend_from_slice(&random.guid());
    out.extend_from_slice(br#""",""Processor_Version"":""BillingProcessorV2""}""#);
}
