//! Reading one source into batches of staged charges, checking every row.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::Read;

use arrow::record_batch::RecordBatch;
use calendar::{BillingPeriod, Date, DateRange};
use ledger::{ChargeType, EnrollmentId, Field, FieldKind, PricingModel, Scope};
use money::{Currency, Total};

use crate::batch::{Cell, ChargeBatchBuilder};
use crate::cells;
use crate::error::{Excerpt, InputError, RowFault};
use crate::evidence::DatasetEvidence;
use crate::header::{FillIns, Header};
use crate::records::{Record, RecordError, RecordReader};
use crate::source::SourceReader;

/// Most distinct places of the hierarchy that one import learns; later ones are served all the same.
const PLACES_MAX: usize = 200_000;

/// How a source is to be read.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// What the file may lack.
    pub fill: FillIns,
    /// Days that every row must be dated in, when the source says so.
    pub days: Option<DateRange>,
    /// Position of the source in its import.
    pub source_index: i32,
}

/// A row that was put aside.
#[derive(Debug)]
pub struct Rejected<'a> {
    /// Path of the source as given.
    pub file: &'a str,
    /// Where and why.
    pub fault: &'a RowFault,
    /// The row's bytes as they came, without line end.
    pub raw: &'a [u8],
}

/// Takes rows that cannot be understood, when the caller chose to go on without them.
pub trait RejectSink {
    /// Keeps a rejected row.
    fn reject(&mut self, rejected: Rejected<'_>) -> std::io::Result<()>;
}

/// Where in the hierarchy a row belongs, as its cells say (DESIGN 4.6). Unknown parts are `None`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Department id.
    pub department_id: Option<String>,
    /// Department name.
    pub department_name: Option<String>,
    /// Enrollment account id.
    pub account_id: Option<String>,
    /// Enrollment account name.
    pub account_name: Option<String>,
    /// Account owner.
    pub account_owner: Option<String>,
    /// Subscription id as spelled.
    pub subscription_id: Option<String>,
    /// Subscription name.
    pub subscription_name: Option<String>,
}

const PLACE_FIELDS: [Field; 7] = [
    Field::InvoiceSectionId,
    Field::InvoiceSectionName,
    Field::AccountId,
    Field::AccountName,
    Field::AccountOwnerId,
    Field::SubscriptionId,
    Field::SubscriptionName,
];

/// Rows and exact cost of one billing period of a source.
#[derive(Debug, Clone)]
pub struct PeriodSummary {
    /// Number of rows.
    pub rows: u64,
    /// Exact sum of their cost.
    pub total: Total,
    /// Days on which rows are dated.
    pub days: BTreeSet<Date>,
}

/// What a source turned out to hold.
#[derive(Debug, Clone)]
pub struct ReadSummary {
    /// Path as given.
    pub file: String,
    /// The one enrollment of all rows; `None` when there was no row and no option.
    pub enrollment: Option<EnrollmentId>,
    /// The enrollment's name, if a row gave one.
    pub enrollment_name: Option<String>,
    /// The one currency of all rows; `None` when there was no row and no option.
    pub currency: Option<Currency>,
    /// What the rows prove about the dataset.
    pub evidence: DatasetEvidence,
    /// Rows and sums by billing period.
    pub periods: BTreeMap<BillingPeriod, PeriodSummary>,
    /// Names of the columns that no layout knows, in file order.
    pub unknown_columns: Vec<String>,
    /// The hierarchy that the rows name.
    pub places: HashSet<Place>,
    /// Rows put aside.
    pub rejected: u64,
    /// SHA-256 of the source's text, in lower-case hexadecimal.
    pub hash: String,
    /// Size of the source's text, in bytes.
    pub text_bytes: u64,
}

/// Reads one source from its header to its end.
pub struct ChargeReader<'s, R: Read> {
    records: RecordReader<SourceReader<R>>,
    header: Header,
    options: ReadOptions,
    rejects: Option<&'s mut dyn RejectSink>,
    builder: ChargeBatchBuilder,
    summary: ReadSummary,
    source_row: i64,
    last_place: Option<Place>,
}

/// A row's cells in field order, and what was computed of them.
struct Row<'t> {
    cells: Vec<Cell<'t>>,
    period: BillingPeriod,
}

impl<'s, R: Read> ChargeReader<'s, R> {
    /// Reads the header. With a `rejects` sink, rows that cannot be understood go there instead of failing the import.
    pub fn open(
        file: &str,
        source: SourceReader<R>,
        options: ReadOptions,
        rejects: Option<&'s mut dyn RejectSink>,
    ) -> Result<Self, InputError> {
        let mut records = RecordReader::new(source);
        let header = match records.next_record() {
            Ok(Some(record)) => Header::recognise(file, &record)?,
            Ok(None) => return Err(InputError::Empty { file: file.to_owned() }),
            Err(error) => return Err(stream_error(file, &mut records, error)),
        };
        let summary = ReadSummary {
            file: file.to_owned(),
            enrollment: options.fill.enrollment.clone(),
            enrollment_name: None,
            currency: options.fill.currency,
            evidence: DatasetEvidence::default(),
            periods: BTreeMap::new(),
            unknown_columns: header.unknown().iter().map(|(_, name)| name.clone()).collect(),
            places: HashSet::new(),
            rejected: 0,
            hash: String::new(),
            text_bytes: 0,
        };
        let builder = ChargeBatchBuilder::new();
        Ok(Self { records, header, options, rejects, builder, summary, source_row: 0, last_place: None })
    }

    /// The next batch of staged rows, or `None` at the end of the source.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>, InputError> {
        while !self.builder.is_full() {
            let record = match self.records.next_record() {
                Ok(Some(record)) => record,
                Ok(None) => break,
                Err(error) => return Err(stream_error(&self.summary.file, &mut self.records, error)),
            };
            self.source_row += 1;
            let mut reading = Reading { header: &self.header, options: &self.options, summary: &mut self.summary };
            match reading.row(&record) {
                Ok(row) => {
                    self.last_place = self.summary.learn(&row, self.last_place.take());
                    self.summary.count(&row)?;
                    append(
                        &mut self.builder,
                        &self.header,
                        &record,
                        &row,
                        (self.options.source_index, self.source_row),
                    );
                }
                Err(RowRefusal::File(error)) => return Err(error),
                Err(RowRefusal::Row(fault)) => match &mut self.rejects {
                    None => return Err(InputError::Row { file: self.summary.file.clone(), fault }),
                    Some(sink) => {
                        let rejected = Rejected { file: &self.summary.file, fault: &fault, raw: record.raw };
                        sink.reject(rejected).map_err(|source| InputError::Rejects { source })?;
                        self.summary.rejected += 1;
                    }
                },
            }
        }
        Ok((!self.builder.is_empty()).then(|| self.builder.finish()))
    }

    /// Bytes taken from the input so far, as stored; for progress.
    pub fn input_bytes(&self) -> u64 {
        self.records.input().input_bytes()
    }

    /// What the source held, once [`Self::next_batch`] gave `None`.
    pub fn finish(self) -> ReadSummary {
        let source = self.records.into_input();
        ReadSummary { hash: source.hash_hex(), text_bytes: source.text_bytes(), ..self.summary }
    }
}

fn stream_error<R: Read>(file: &str, records: &mut RecordReader<SourceReader<R>>, error: RecordError) -> InputError {
    match error {
        RecordError::Syntax(fault) => InputError::Syntax { file: file.to_owned(), fault },
        RecordError::Io(source) => {
            records.input_mut().take_failure().unwrap_or_else(|| InputError::Io { file: file.to_owned(), source })
        }
    }
}

enum RowRefusal {
    Row(RowFault),
    File(InputError),
}

/// What is needed to read one row.
struct Reading<'r> {
    header: &'r Header,
    options: &'r ReadOptions,
    summary: &'r mut ReadSummary,
}

impl Reading<'_> {
    fn row<'t>(&mut self, record: &Record<'t>) -> Result<Row<'t>, RowRefusal> {
        let Some(text) = record.text() else {
            let bad = (0..record.len()).find(|index| std::str::from_utf8(&record.bytes(*index)).is_err());
            let column = bad.and_then(|index| self.header.names().get(index).cloned());
            let value = bad.map(|index| Excerpt::of(&record.bytes(index)));
            let expected = "the cell is not valid UTF-8; expected a file in UTF-8".to_owned();
            return Err(RowRefusal::Row(RowFault { line: record.line, column, value, expected }));
        };
        if record.len() != self.header.width() {
            let side = if record.len() < self.header.width() { "short" } else { "long" };
            let expected =
                format!("the row is too {side}: it has {} cells, expected {}", record.len(), self.header.width());
            return Err(RowRefusal::Row(RowFault { line: record.line, column: None, value: None, expected }));
        }
        let mut cells = Vec::with_capacity(Field::ALL.len());
        for field in Field::ALL {
            cells.push(self.cell(*field, record, text)?);
        }
        let period = self.period(&cells, record.line)?;
        self.check_enrollment(&cells, record.line)?;
        self.check_currency(&cells, record.line)?;
        self.check_bounds(&cells, record.line)?;
        self.summary.observe(&cells, record.line);
        self.fill(&mut cells, period);
        Ok(Row { cells, period })
    }

    fn cell<'t>(&self, field: Field, record: &Record<'t>, text: &'t str) -> Result<Cell<'t>, RowRefusal> {
        let Some(index) = self.header.position(field) else { return Ok(Cell::Unknown) };
        let cell = record.cell(text, index);
        let required = matches!(field, Field::Date | Field::Quantity | Field::Cost);
        if cell.is_empty() {
            // Blank prices are unknown and stay so; blank quantity, cost or date make a row meaningless (D-08).
            return if required {
                Err(self.fault(field, record.line, "", "the cell is blank; expected a value"))
            } else {
                Ok(Cell::Unknown)
            };
        }
        let refuse = |expected: String| self.fault(field, record.line, &cell, &expected);
        match (field.kind(), &cell) {
            (FieldKind::Text, Cow::Borrowed(text)) => Ok(Cell::Text(Cow::Borrowed(text))),
            (FieldKind::Text, Cow::Owned(text)) => Ok(Cell::Text(Cow::Owned(text.clone()))),
            (FieldKind::Date, text) => cells::date(text).map(Cell::Date).map_err(refuse),
            (FieldKind::Boolean, text) => cells::boolean(text).map(Cell::Boolean).map_err(refuse),
            (FieldKind::Cost | FieldKind::Number, text) => cells::decimal(field, text)
                .map(|parsed| Cell::Decimal { parsed, spelling: cell.clone() })
                .map_err(refuse),
        }
    }

    fn fault(&self, field: Field, line: u64, value: &str, expected: &str) -> RowRefusal {
        let value = (!value.is_empty()).then(|| Excerpt::of(value.as_bytes()));
        let column = Some(self.header.spelling(field).to_owned());
        RowRefusal::Row(RowFault { line, column, value, expected: expected.to_owned() })
    }

    fn contradiction(&self, field: Field, line: u64, reason: String) -> RowRefusal {
        let file = self.summary.file.clone();
        let reason = format!("line {line}, column {}: {reason}", self.header.spelling(field));
        RowRefusal::File(InputError::Contradiction { file, reason, line: Some(line), column: Some(field.name()) })
    }

    fn missing(&self, fact: &'static str, option: &'static str) -> RowRefusal {
        RowRefusal::File(InputError::MissingFact { file: self.summary.file.clone(), fact, option })
    }

    /// The billing period is a fact of the row; it is derived from Date only where the source has none (DESIGN 4.4).
    fn period(&self, cells: &[Cell<'_>], line: u64) -> Result<BillingPeriod, RowRefusal> {
        let date_of = |field: Field| match &cells[field.index()] {
            Cell::Date(date) => Some(*date),
            _ => None,
        };
        let own = date_of(Field::BillingPeriodStartDate)
            .or_else(|| date_of(Field::BillingPeriodEndDate))
            .map(BillingPeriod::of);
        let stated = self.options.fill.period;
        match (own, stated) {
            (Some(own), Some(stated)) if own != stated => Err(self.contradiction(
                Field::BillingPeriodStartDate,
                line,
                format!("the row belongs to billing period {own}, but --period says {stated}"),
            )),
            (Some(period), _) | (None, Some(period)) => Ok(period),
            (None, None) => date_of(Field::Date)
                .map(BillingPeriod::of)
                .ok_or_else(|| self.missing("billing period", "--period YYYYMM")),
        }
    }

    fn check_enrollment(&self, cells: &[Cell<'_>], line: u64) -> Result<(), RowRefusal> {
        match (&cells[Field::BillingAccountId.index()], &self.summary.enrollment) {
            (Cell::Text(cell), Some(known)) if !known.matches(cell) => {
                let reason = format!(
                    "the row belongs to enrollment {cell}, but the file to {known}; expected rows of one enrollment"
                );
                Err(self.contradiction(Field::BillingAccountId, line, reason))
            }
            (Cell::Text(cell), None) if EnrollmentId::parse(cell).is_err() => {
                Err(self.fault(Field::BillingAccountId, line, cell, "expected an enrollment number such as 1234567"))
            }
            (Cell::Unknown, None) => Err(self.missing("enrollment", "--enrollment NUMBER")),
            _ => Ok(()),
        }
    }

    fn check_currency(&self, cells: &[Cell<'_>], line: u64) -> Result<(), RowRefusal> {
        let Cell::Text(cell) = &cells[Field::BillingCurrencyCode.index()] else {
            return match self.summary.currency {
                Some(_) => Ok(()),
                None => Err(self.missing("currency", "--currency CODE")),
            };
        };
        let Ok(currency) = cell.parse::<Currency>() else {
            return Err(self.fault(
                Field::BillingCurrencyCode,
                line,
                cell,
                "expected an ISO currency code such as USD",
            ));
        };
        match self.summary.currency {
            Some(known) if known != currency => {
                let reason =
                    format!("the row is in {currency}, but the file in {known}; an enrollment has one currency");
                Err(self.contradiction(Field::BillingCurrencyCode, line, reason))
            }
            _ => Ok(()),
        }
    }

    /// Rows must lie inside the scope and the days that the import replaces, else they would be lost or doubled by
    /// the next one.
    fn check_bounds(&self, cells: &[Cell<'_>], line: u64) -> Result<(), RowRefusal> {
        if let (Some(days), Cell::Date(date)) = (self.options.days, &cells[Field::Date.index()])
            && !days.contains(*date)
        {
            let reason = format!("the row is dated {date}, outside the days {days} that the import replaces");
            return Err(self.contradiction(Field::Date, line, reason));
        }
        let Some(scope) = &self.options.fill.scope else { return Ok(()) };
        let text_of = |field: Field| match &cells[field.index()] {
            Cell::Text(text) => Some(text.as_ref()),
            _ => None,
        };
        let outside = match scope {
            Scope::BillingAccount(_) => None,
            Scope::Department { id, .. } => outside(Field::InvoiceSectionId, text_of(Field::InvoiceSectionId), id),
            Scope::EnrollmentAccount { id, .. } => outside(Field::AccountId, text_of(Field::AccountId), id),
            Scope::Subscription(id) => {
                let id = id.to_string();
                outside(Field::SubscriptionId, Some(text_of(Field::SubscriptionId).unwrap_or_default()), &id)
            }
            Scope::ResourceGroup { subscription, name } => {
                let id = subscription.to_string();
                outside(Field::SubscriptionId, Some(text_of(Field::SubscriptionId).unwrap_or_default()), &id).or_else(
                    || outside(Field::ResourceGroup, Some(text_of(Field::ResourceGroup).unwrap_or_default()), name),
                )
            }
        };
        match outside {
            Some((field, cell)) => {
                let reason = format!("the row's {cell:?} lies outside the source scope {scope}");
                Err(self.contradiction(field, line, reason))
            }
            None => Ok(()),
        }
    }

    /// Fills the columns that the file's generation lacks with what the options and the row itself say (DESIGN 4.8).
    fn fill(&self, cells: &mut [Cell<'_>], period: BillingPeriod) {
        if let (false, Some(enrollment)) = (self.header.has(Field::BillingAccountId), &self.summary.enrollment) {
            cells[Field::BillingAccountId.index()] = Cell::Text(Cow::Owned(enrollment.to_string()));
        }
        if let (false, Some(currency)) = (self.header.has(Field::BillingCurrencyCode), self.summary.currency) {
            cells[Field::BillingCurrencyCode.index()] = Cell::Text(Cow::Owned(currency.to_string()));
        }
        if !self.header.has(Field::BillingPeriodStartDate) && !self.header.has(Field::BillingPeriodEndDate) {
            cells[Field::BillingPeriodStartDate.index()] = Cell::Date(period.first_day());
            cells[Field::BillingPeriodEndDate.index()] = Cell::Date(period.last_day());
        }
    }
}

fn outside<'c>(field: Field, cell: Option<&'c str>, expected: &str) -> Option<(Field, &'c str)> {
    cell.filter(|cell| !cell.eq_ignore_ascii_case(expected)).map(|cell| (field, cell))
}

impl ReadSummary {
    /// Takes the facts of an accepted row into account.
    fn observe(&mut self, cells: &[Cell<'_>], line: u64) {
        let text_of = |field: Field| match &cells[field.index()] {
            Cell::Text(text) => text.as_ref(),
            _ => "",
        };
        let cost_is_zero =
            matches!(&cells[Field::Cost.index()], Cell::Decimal { parsed, .. } if parsed.value.is_zero());
        let charge = ChargeType::read(text_of(Field::ChargeType));
        let pricing = PricingModel::read(text_of(Field::PricingModel));
        self.evidence.observe(line, charge, pricing, cost_is_zero);
        if self.enrollment.is_none() {
            self.enrollment = EnrollmentId::parse(text_of(Field::BillingAccountId)).ok();
        }
        if self.enrollment_name.is_none() {
            let name = text_of(Field::BillingAccountName);
            self.enrollment_name = (!name.is_empty()).then(|| name.to_owned());
        }
        if self.currency.is_none() {
            self.currency = text_of(Field::BillingCurrencyCode).parse().ok();
        }
    }

    /// Learns where the row belongs. Neighbouring rows mostly share the place, so the last one is compared first.
    fn learn(&mut self, row: &Row<'_>, last: Option<Place>) -> Option<Place> {
        let text_of = |field: Field| match &row.cells[field.index()] {
            Cell::Text(text) => Some(text.as_ref()),
            _ => None,
        };
        let parts = PLACE_FIELDS.map(text_of);
        if last.as_ref().is_some_and(|last| last.parts() == parts) {
            return last;
        }
        let [
            department_id,
            department_name,
            account_id,
            account_name,
            account_owner,
            subscription_id,
            subscription_name,
        ] = parts.map(|part| part.map(str::to_owned));
        let place = Place {
            department_id,
            department_name,
            account_id,
            account_name,
            account_owner,
            subscription_id,
            subscription_name,
        };
        if self.places.len() < PLACES_MAX {
            self.places.insert(place.clone());
        }
        Some(place)
    }

    fn count(&mut self, row: &Row<'_>) -> Result<(), InputError> {
        let period = self.periods.entry(row.period).or_insert_with(|| PeriodSummary {
            rows: 0,
            total: Total::default(),
            days: BTreeSet::new(),
        });
        period.rows += 1;
        if let Cell::Date(date) = &row.cells[Field::Date.index()] {
            period.days.insert(*date);
        }
        if let Cell::Decimal { parsed, .. } = &row.cells[Field::Cost.index()] {
            period.total.add(parsed.value).map_err(|error| InputError::Contradiction {
                file: self.file.clone(),
                reason: format!("the costs of {} cannot be added: {error}", row.period),
                line: None,
                column: Some(Field::Cost.name()),
            })?;
        }
        Ok(())
    }
}

impl Place {
    fn parts(&self) -> [Option<&str>; 7] {
        [
            self.department_id.as_deref(),
            self.department_name.as_deref(),
            self.account_id.as_deref(),
            self.account_name.as_deref(),
            self.account_owner.as_deref(),
            self.subscription_id.as_deref(),
            self.subscription_name.as_deref(),
        ]
    }
}

/// Appends an accepted row.
fn append(
    builder: &mut ChargeBatchBuilder,
    header: &Header,
    record: &Record<'_>,
    row: &Row<'_>,
    (source_index, source_row): (i32, i64),
) {
    builder.begin_row(row.period, source_index, source_row);
    for (field, cell) in Field::ALL.iter().zip(&row.cells) {
        builder.cell(*field, cell);
    }
    if !header.unknown().is_empty()
        && let Some(text) = record.text()
    {
        for (index, name) in header.unknown() {
            let cell = record.cell(text, *index);
            if !cell.is_empty() {
                builder.extra_cell(name, &cell);
            }
        }
    }
    builder.end_row();
}
