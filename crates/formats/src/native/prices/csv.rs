//! Price sheets as CSV: own ones, with a line per tier, and EA price sheet downloads (version 2023-05-01).

use std::collections::HashMap;

use calendar::{BillingPeriod, Date};
use ledger::billing::{PriceLine, PriceType, Tier};
use ledger::{EnrollmentId, comparable};
use money::{Currency, Decimal};

use super::{LINES_MAX, PriceSheetFill, Read, line};
use crate::header::normalised;
use crate::native::document::Document;
use crate::native::enrollment;
use crate::native::error::{Fault, NativeError};
use crate::native::members::required;
use crate::native::table::Table;
use crate::native::usage::{checked_text, stated};
use crate::native::values;
use crate::records::Record;

/// A column: its own name, and what EA downloads call it.
struct Column(&'static str, &'static [&'static str]);

/// Every column that says something.
const COLUMNS: [Column; 25] = [
    Column("enrollment", &["EnrollmentNumber"]),
    Column("currency", &["CurrencyCode"]),
    Column("effectiveStartDate", &[]),
    Column("effectiveEndDate", &[]),
    Column("meterId", &[]),
    Column("partNumber", &[]),
    Column("offerId", &[]),
    Column("priceType", &[]),
    Column("termMonths", &[]),
    Column("term", &[]),
    Column("unitOfMeasure", &[]),
    Column("unitPrice", &[]),
    Column("marketPrice", &[]),
    Column("includedQuantity", &[]),
    Column("tierMinimumUnits", &[]),
    Column("meterName", &[]),
    Column("meterCategory", &[]),
    Column("meterSubCategory", &[]),
    Column("meterRegion", &[]),
    Column("productName", &["Product"]),
    Column("serviceFamily", &[]),
    Column("publisherType", &[]),
    Column("publisherName", &[]),
    Column("planName", &[]),
    Column("creditEligible", &[]),
];
/// Columns of downloads that no charge is made of.
const IGNORED: [&str; 4] = ["MeterType", "SkuID", "ProductID", "BasePrice"];

/// Whether price sheets have a column of this normalised name.
pub(crate) fn is_column(name: &str) -> bool {
    let is = |known: &str| normalised(known) == name;
    IGNORED.iter().any(|known| is(known))
        || COLUMNS.iter().any(|Column(own, others)| is(own) || others.iter().any(|other| is(other)))
}

pub(super) fn read(document: &Document<'_>) -> Result<Read, NativeError> {
    let mut table = Table::open(document.file, Box::new(document.text.as_bytes()))?;
    let mut positions = HashMap::new();
    for Column(own, others) in COLUMNS {
        let mut names = vec![own];
        names.extend(others);
        if let Some(position) = table.take(&names)? {
            positions.insert(own, position);
        }
    }
    for name in IGNORED {
        table.take(&[name])?;
    }
    table.finish_header()?;
    for name in ["meterId", "unitOfMeasure", "unitPrice"] {
        if !positions.contains_key(name) {
            return Err(table.missing(name));
        }
    }
    let mut sheet = Sheet::default();
    let width = table.width();
    let file = table.file().to_owned();
    let mut number = 0;
    while let Some(record) = table.next_record()? {
        number += 1;
        if number > LINES_MAX as u64 {
            let max = LINES_MAX as u64;
            return Err(NativeError::TooMuch { file, what: "price lines", count: number, max });
        }
        let row = Row { record: &record, width, positions: &positions };
        let line = record.place.line;
        sheet.add(&row, line).map_err(|(meter, fault)| NativeError::Field {
            file: file.clone(),
            line: Some(line),
            record: Some((number, meter)),
            fault: Box::new(fault),
        })?;
    }
    Ok(sheet.finish())
}

/// A row and where its columns stand.
struct Row<'r, 't> {
    record: &'r Record<'t>,
    width: usize,
    positions: &'r HashMap<&'static str, usize>,
}

impl Row<'_, '_> {
    fn get<T>(&self, name: &'static str, read: impl FnOnce(&str) -> Result<T, String>) -> Result<Option<T>, Fault> {
        let Some(text) = self.record.text() else { return Ok(None) };
        let Some(cell) = stated(self.record, text, self.positions.get(name).copied()) else { return Ok(None) };
        read(cell.trim()).map(Some).map_err(|expected| Fault::of(name, &cell, expected))
    }

    fn name(&self, name: &'static str) -> Result<Option<String>, Fault> {
        self.get(name, line::name)
    }

    fn price_line(&self) -> Result<PriceLine, Fault> {
        let stated = self.name("priceType")?;
        let months = self.get("termMonths", values::term_months)?;
        let term = self.get("term", line::iso_term)?;
        let price_type = line::price_type(stated.as_deref(), months, term)?;
        let is_marketplace = self.get("publisherType", values::publisher_type)?.unwrap_or(false);
        Ok(PriceLine {
            meter_id: required("meterId", self.get("meterId", line::meter)?)?,
            part_number: self.name("partNumber")?.unwrap_or_default(),
            offer_id: self.name("offerId")?.unwrap_or_default(),
            price_type,
            unit: required("unitOfMeasure", self.get("unitOfMeasure", values::unit)?)?,
            unit_price: required("unitPrice", self.get("unitPrice", values::price)?)?,
            market_price: self.get("marketPrice", values::price)?,
            included: self.get("includedQuantity", line::quantity)?.unwrap_or(Decimal::ZERO),
            tiers: Vec::new(),
            meter_name: self.name("meterName")?,
            meter_category: self.name("meterCategory")?,
            meter_sub_category: self.name("meterSubCategory")?,
            meter_region: self.name("meterRegion")?,
            product_name: self.name("productName")?,
            service_family: self.name("serviceFamily")?,
            is_marketplace,
            publisher_name: self.name("publisherName")?,
            plan_name: self.name("planName")?,
            credit_eligible: self.get("creditEligible", values::switch)?.unwrap_or(!is_marketplace),
        })
    }
}

/// What identifies a line: meter, part number and offer, comparable, and price type.
type Key = (String, String, String, PriceType);

/// A line with the tiers that rows of its key gave so far.
struct Tiered {
    line: PriceLine,
    tiers: Vec<Tier>,
    first_row: u64,
}

/// The sheet as far as it was read.
#[derive(Default)]
struct Sheet {
    facts: PriceSheetFill,
    lines: Vec<Tiered>,
    positions: HashMap<Key, usize>,
}

impl Sheet {
    /// Takes a row in. The error comes with the row's meter.
    fn add(&mut self, row: &Row<'_, '_>, line: u64) -> Result<(), (Option<String>, Fault)> {
        checked_text(row.record, row.width).map_err(|fault| (None, fault))?;
        let meter = row.get("meterId", line::meter).ok().flatten();
        self.take(row, line).map_err(|fault| (meter, fault))
    }

    fn take(&mut self, row: &Row<'_, '_>, line: u64) -> Result<(), Fault> {
        self.learn(row)?;
        let mut price = row.price_line()?;
        let from = row.get("tierMinimumUnits", line::quantity)?;
        let tier = Tier { from: from.unwrap_or(Decimal::ZERO), price: price.unit_price };
        let key = (
            comparable(&price.meter_id),
            comparable(&price.part_number),
            comparable(&price.offer_id),
            price.price_type,
        );
        let Some(position) = self.positions.get(&key) else {
            self.positions.insert(key, self.lines.len());
            self.lines.push(Tiered { line: price, tiers: vec![tier], first_row: line });
            return Ok(());
        };
        let known = &mut self.lines[*position];
        price.unit_price = known.line.unit_price;
        let same_facts = price == known.line;
        match known.tiers.iter().find(|other| other.from == tier.from) {
            // Downloads hold some rows twice; the same row says nothing new.
            Some(other) if same_facts && *other == tier => Ok(()),
            Some(_) => Err(Fault::plain(
                "meterId",
                format!(
                    "line {} prices the same meter, part number, offer and tier; expected one price",
                    known.first_row
                ),
            )),
            None if same_facts => {
                known.tiers.push(tier);
                Ok(())
            }
            None => Err(Fault::plain(
                "tierMinimumUnits",
                format!("another tier stands on line {}; expected the same facts but for the price", known.first_row),
            )),
        }
    }

    /// Facts of the sheet stand in every row and must be the same in all.
    fn learn(&mut self, row: &Row<'_, '_>) -> Result<(), Fault> {
        let month = |text: &str| {
            let date = Date::parse_any(text.as_bytes());
            date.map(BillingPeriod::of).map_err(|error| format!("{error}; expected a day such as 2025-01-31"))
        };
        let enrollment: Option<EnrollmentId> = row.get("enrollment", enrollment::number)?;
        let currency: Option<Currency> = row.get("currency", values::currency)?;
        let (from, through) = (row.get("effectiveStartDate", month)?, row.get("effectiveEndDate", month)?);
        learn("enrollment", &mut self.facts.enrollment, enrollment)?;
        learn("currency", &mut self.facts.currency, currency)?;
        learn("effectiveStartDate", &mut self.facts.from, from)?;
        learn("effectiveEndDate", &mut self.facts.through, through)
    }

    fn finish(self) -> Read {
        let lines = self.lines.into_iter().map(|Tiered { mut line, tiers, .. }| {
            if let Some(first) = tiers.iter().min_by_key(|tier| tier.from) {
                line.unit_price = first.price;
            }
            line::set_tiers(&mut line, tiers);
            line
        });
        Read { facts: self.facts, lines: lines.collect() }
    }
}

fn learn<T: PartialEq + ToString>(name: &str, known: &mut Option<T>, stated: Option<T>) -> Result<(), Fault> {
    let Some(stated) = stated else { return Ok(()) };
    match known {
        Some(known) if *known != stated => {
            let expected = format!("earlier lines say {}; expected one for the whole sheet", known.to_string());
            Err(Fault::of(name, &stated.to_string(), expected))
        }
        Some(_) => Ok(()),
        None => {
            *known = Some(stated);
            Ok(())
        }
    }
}
