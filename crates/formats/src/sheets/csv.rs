//! Files as sources: the price sheets, reservation details and reservation transactions that portals and exports write.

use std::fs::File;

use super::members::{Row, SheetMember};
use super::{Reading, RowKind};
use crate::error::{InputError, RowFault};
use crate::header::{HEADER_LINE, normalised};
use crate::reader::syntax_error;
use crate::records::{Record, RecordError, RecordReader};
use crate::source::SourceReader;

/// Columns of cost exports: a file with any of them is one.
const OF_CHARGES: [&str; 4] = ["costinbillingcurrency", "consumedquantity", "chargetype", "pretaxcost"];
/// Columns without which a file is none of these.
const TELLING: [(RowKind, &[&str]); 3] = [
    (RowKind::Prices, &["unitprice", "unitofmeasure", "partnumber"]),
    (RowKind::Details, &["reservationid", "usedhours", "instanceid"]),
    (RowKind::Transactions, &["eventtype", "reservationorderid", "amount"]),
];

/// What each column of a file fills.
enum Target {
    Known(&'static SheetMember),
    Unknown(String),
}

/// Whether columns are those of such a file.
pub(crate) fn has_columns_of_sheets(names: &[String]) -> bool {
    kind_of(names).is_some()
}

/// Whether a text begins with the header of such a file.
pub(super) fn is_header(head: &[u8]) -> bool {
    let mut records = RecordReader::new(head);
    matches!(records.next_record(), Ok(Some(record)) if names(&record).is_some_and(|names| kind_of(&names).is_some()))
}

pub(super) fn read(source: &mut SourceReader<File>, reading: &mut Reading<'_>) -> Result<(), InputError> {
    let mut records = RecordReader::new(source);
    let mut header: Option<(RowKind, Vec<Target>)> = None;
    loop {
        match records.advance() {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(RecordError::Io(source)) => {
                let io = InputError::Io { file: reading.file.to_owned(), source };
                return Err(records.input_mut().take_failure().unwrap_or(io));
            }
            Err(error) => return Err(syntax_error(reading.file, error)),
        }
        let record = records.record();
        match &header {
            None => header = Some(targets(&record).map_err(|reason| refused(reading, reason))?),
            Some((kind, targets)) => {
                let row =
                    row(&record, targets).map_err(|fault| InputError::Row { file: reading.file.to_owned(), fault })?;
                reading.row(*kind, record.place, &row)?;
            }
        }
    }
}

fn refused(reading: &Reading<'_>, reason: String) -> InputError {
    InputError::Header { file: reading.file.to_owned(), line: HEADER_LINE, reason }
}

fn names(record: &Record<'_>) -> Option<Vec<String>> {
    let text = record.text()?;
    Some((0..record.len()).map(|index| record.cell(text, index).trim().to_owned()).collect())
}

fn kind_of(names: &[String]) -> Option<RowKind> {
    let names: Vec<String> = names.iter().map(|name| normalised(name)).collect();
    let has = |name: &&str| names.iter().any(|own| own == *name);
    if OF_CHARGES.iter().any(has) {
        return None;
    }
    TELLING.iter().find(|(_, needed)| needed.iter().all(has)).map(|(kind, _)| *kind)
}

fn targets(record: &Record<'_>) -> Result<(RowKind, Vec<Target>), String> {
    let names = names(record).ok_or("the header is not UTF-8 text; expected a CSV file in UTF-8")?;
    let kind = kind_of(&names).ok_or("the columns are none of a price sheet, reservation details or transactions")?;
    let mut targets: Vec<Target> = Vec::with_capacity(names.len());
    for name in names {
        let is = |member: &&SheetMember| {
            let own = normalised(&name);
            normalised(member.name) == own || (!member.column.is_empty() && normalised(member.column) == own)
        };
        let known = kind.members().iter().find(is);
        let is_taken = targets.iter().any(|target| match (target, known) {
            (Target::Known(taken), Some(known)) => taken.name == known.name,
            (Target::Unknown(taken), None) => *taken == name,
            _ => false,
        });
        if is_taken {
            return Err(format!("the column {name} is there twice"));
        }
        if name.starts_with('@') {
            return Err(format!("the column {name} begins like none of the original"));
        }
        targets.push(known.map_or(Target::Unknown(name), Target::Known));
    }
    Ok((kind, targets))
}

fn row(record: &Record<'_>, targets: &[Target]) -> Result<Row, RowFault> {
    let fault = |expected: String| RowFault { place: record.place, column: None, value: None, expected };
    let text = record.text().ok_or_else(|| fault("expected UTF-8 text".to_owned()))?;
    if record.len() != targets.len() {
        return Err(fault(format!("the row has {} cells, the header {}", record.len(), targets.len())));
    }
    let mut row = Row::default();
    for (index, target) in targets.iter().enumerate() {
        let cell = record.cell(text, index);
        let cell = cell.trim();
        if cell.is_empty() {
            continue;
        }
        match target {
            Target::Known(member) if member.is_number => row.push_number(member.name, cell),
            Target::Known(member) => row.push_text(member.name, cell),
            Target::Unknown(name) => row.push_text(name, cell),
        };
    }
    Ok(row)
}
