//! Recognising a file by its header (DESIGN 4.8).
//!
//! Enterprise Reporting files have names of their own: those of the members of its JSON, which [`crate::target`] knows.
//!
//! Names are compared without case, blanks, `-` and `_`, under every name that a generation or a known third-party
//! tool gives a field. A column that nobody knows is kept as an unknown column, never dropped.

use std::borrow::Cow;

use calendar::BillingPeriod;
use ledger::{Dataset, EnrollmentId, Field, Grain, Scope};
use money::Currency;

use crate::error::InputError;
use crate::evidence::DatasetEvidence;
use crate::records::Record;
use crate::sheets;
use crate::target::{CellReading, Slot, Target};

/// Other names of fields: older generations, the portal, third-party writers.
const ALIASES: [(&str, Field); 22] = [
    ("departmentid", Field::InvoiceSectionId),
    ("departmentname", Field::InvoiceSectionName),
    ("invoicesection", Field::InvoiceSectionName),
    ("accountowneremail", Field::AccountOwnerId),
    ("subscriptionguid", Field::SubscriptionId),
    ("resourcegroupname", Field::ResourceGroup),
    ("instanceid", Field::ResourceId),
    ("instancename", Field::ResourceId),
    ("product", Field::ProductName),
    ("unit", Field::UnitOfMeasure),
    ("billingcurrency", Field::BillingCurrencyCode),
    ("currency", Field::BillingCurrencyCode),
    ("currencycode", Field::BillingCurrencyCode),
    ("usagedatetime", Field::Date),
    ("usagedate", Field::Date),
    ("usagequantity", Field::Quantity),
    ("consumedquantity", Field::Quantity),
    ("resourcerate", Field::EffectivePrice),
    ("rate", Field::EffectivePrice),
    ("cost", Field::Cost),
    ("pretaxcost", Field::Cost),
    ("extendedcost", Field::Cost),
];

/// Columns without which a row of any generation has no meaning.
const REQUIRED_ALWAYS: [Field; 5] = [Field::Date, Field::Quantity, Field::Cost, Field::SubscriptionId, Field::MeterId];
/// Columns that every generation after 2019 has; without them the rows that a subscription may not see, and the
/// dataset, cannot be told.
const REQUIRED_SINCE_2020: [Field; 2] = [Field::ChargeType, Field::PricingModel];

/// Columns that together tell a usage file of Enterprise Reporting, if there is no charge type.
const ENTERPRISE_REPORTING: [&str; 3] = ["consumedquantity", "resourcerate", "subscriptionguid"];
/// What to do about a header in another language that does not say the English names.
const LOCALISED: &str =
    "; a header in another language must say the English name of each column too, such as Datum (Date)";
/// What to do about a Parquet file of a price sheet or of reservations.
const OF_SHEETS: &str = "; these are the columns of a price sheet, or of reservation details or transactions, which are read as CSV and JSON alone";
/// A file with fewer columns of charges is none of them.
const COLUMNS_OF_CHARGES: usize = 5;
/// What to do about a file of something else.
const OF_NOTHING: &str = "; the columns are none of a cost export. `lazurite import --help` says what is read, and docs/IMPORT.md in \
                          which form: Marketplace charges and reservation summaries as JSON alone";
/// First line of the preface of Enterprise Reporting files.
const PREFACE: &str = "Usage Data Extract";
/// Where a file's header stands, as messages say it.
pub(crate) const HEADER_LINE: Option<u64> = Some(1);
/// Most lines of a preface.
pub(crate) const PREFACE_LINES_MAX: usize = 3;

/// Facts given by options where a generation lacks the column (DESIGN 4.8).
#[derive(Debug, Clone, Default)]
pub struct FillIns {
    /// `--enrollment`.
    pub enrollment: Option<EnrollmentId>,
    /// `--currency`.
    pub currency: Option<Currency>,
    /// `--dataset`.
    pub dataset: Option<Dataset>,
    /// `--period`.
    pub period: Option<BillingPeriod>,
    /// `--scope`, or the export folder's.
    pub scope: Option<Scope>,
    /// `--grain`.
    pub grain: Option<Grain>,
    /// `--marketplace`: an answer without items is of Marketplace charges, which it cannot say itself.
    pub marketplace: bool,
}

/// A recognised header.
#[derive(Debug, Clone)]
pub struct Header {
    /// Position in the file of each field, by [`Field::index`].
    positions: Vec<Option<usize>>,
    /// Positions of unknown columns and the names that they are kept under, in file order.
    unknown: Vec<(usize, String)>,
    /// All names as written.
    names: Vec<String>,
    /// How each column's cells are read; empty if all are taken as they are.
    readings: Vec<CellReading>,
    /// Whether a comma stands at the end of the line, and may stand at the end of each row.
    ends_with_comma: bool,
}

/// Which names a header uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vocabulary {
    /// Cost details, and the files of 2019 without charge types.
    CostDetails { since_2020: bool },
    /// Usage details of Enterprise Reporting.
    EnterpriseReporting,
}

impl Vocabulary {
    fn of(names: &[String]) -> Self {
        let count =
            |known: &[&str]| known.iter().filter(|known| names.iter().any(|name| normalised(name) == **known)).count();
        if count(&ENTERPRISE_REPORTING) == ENTERPRISE_REPORTING.len() && count(&["chargetype"]) == 0 {
            return Self::EnterpriseReporting;
        }
        Self::CostDetails { since_2020: count(&["usagedatetime", "pretaxcost", "subscriptionguid"]) < 2 }
    }

    fn target(self, name: &str) -> Target {
        let slot = match self {
            Self::EnterpriseReporting => return Target::of_enterprise_reporting(&normalised(name), name),
            Self::CostDetails { .. } => field_of(name).map_or_else(|| Slot::Extra(name.to_owned()), Slot::Field),
        };
        Target { slot, reading: CellReading::AsIs }
    }
}

impl Header {
    /// Reads the header record of `file` and checks that the required columns of its generation are there.
    pub fn recognise(file: &str, record: &Record<'_>) -> Result<Self, InputError> {
        Self::of_names(file, names_in(file, record)?, HEADER_LINE)
    }

    /// Checks that the required columns of a generation are among names, which stand in this line of `file`, if in any.
    pub(crate) fn of_names(file: &str, mut names: Vec<String>, line: Option<u64>) -> Result<Self, InputError> {
        let refuse = |reason: String| InputError::Header { file: file.to_owned(), line, reason };
        let mut english = english(&names).map_err(refuse)?;
        let vocabulary = Vocabulary::of(&english);
        // So the usage reports before Enterprise Reporting have it.
        let ends_with_comma =
            vocabulary == Vocabulary::EnterpriseReporting && names.last().is_some_and(String::is_empty);
        if ends_with_comma {
            names.pop();
            english.pop();
        }
        let mut positions = vec![None; Field::ALL.len()];
        let mut unknown: Vec<(usize, String)> = Vec::new();
        let mut readings = Vec::with_capacity(names.len());
        for (index, name) in english.iter().enumerate() {
            let target = vocabulary.target(name);
            readings.push(target.reading);
            match target.slot {
                Slot::Field(field) => {
                    if let Some(first) = positions[field.index()].replace(index) {
                        let (first, second) = (&names[first], &names[index]);
                        return Err(refuse(format!(
                            "columns {first} and {second} both mean {}; expected one of them",
                            field.name()
                        )));
                    }
                }
                Slot::Extra(_) if name.is_empty() => {
                    return Err(refuse(format!("column number {} has no name", index + 1)));
                }
                Slot::Extra(kept) if unknown.iter().any(|(_, known)| *known == kept) => {
                    return Err(refuse(format!("column {name} occurs twice")));
                }
                Slot::Extra(kept) => unknown.push((index, kept)),
            }
        }
        if vocabulary != Vocabulary::EnterpriseReporting {
            readings.clear();
        }
        let header = Self { positions, unknown, names, readings, ends_with_comma };
        header.check_required(file, line, vocabulary)?;
        Ok(header)
    }

    /// A header of columns whose cells are read already; `names` says them as the source does.
    pub(crate) fn of_slots(slots: Vec<(Slot, String)>) -> Self {
        let mut header = Self {
            positions: vec![None; Field::ALL.len()],
            unknown: Vec::new(),
            names: Vec::new(),
            readings: Vec::new(),
            ends_with_comma: false,
        };
        for (index, (slot, name)) in slots.into_iter().enumerate() {
            header.names.push(name);
            match slot {
                Slot::Field(field) => header.positions[field.index()] = Some(index),
                Slot::Extra(kept) => header.unknown.push((index, kept)),
            }
        }
        header
    }

    /// Whether a record is a line of the preface that stands above the header of Enterprise Reporting files.
    pub(crate) fn is_preface(record: &Record<'_>) -> bool {
        let Some(text) = record.text() else { return false };
        let first = record.cell(text, 0);
        let rest_is_blank = (1..record.len()).all(|index| record.cell(text, index).trim().is_empty());
        rest_is_blank && (first.trim().is_empty() || first.trim().eq_ignore_ascii_case(PREFACE))
    }

    fn check_required(&self, file: &str, line: Option<u64>, vocabulary: Vocabulary) -> Result<(), InputError> {
        let since_2020: &[Field] = match vocabulary {
            Vocabulary::CostDetails { since_2020: true } => &REQUIRED_SINCE_2020,
            Vocabulary::CostDetails { since_2020: false } | Vocabulary::EnterpriseReporting => &[],
        };
        let mut required = REQUIRED_ALWAYS.iter().chain(since_2020);
        match required.find(|field| !self.has(**field)) {
            None => Ok(()),
            Some(missing) => Err(InputError::MissingColumn {
                file: file.to_owned(),
                line,
                column: missing.name(),
                accepted: accepted_names(*missing),
                hint: self.hint(),
            }),
        }
    }

    /// What to do about columns that are none of charges. A text with those of sheets is told before it is read as charges,
    /// a Parquet file is not.
    fn hint(&self) -> &'static str {
        if sheets::has_columns_of_sheets(&self.names) {
            OF_SHEETS
        } else if !self.names.iter().all(|name| name.is_ascii()) {
            LOCALISED
        } else if self.positions.iter().flatten().count() < COLUMNS_OF_CHARGES {
            OF_NOTHING
        } else {
            ""
        }
    }

    /// Whether the file has a column for the field.
    pub fn has(&self, field: Field) -> bool {
        self.positions[field.index()].is_some()
    }

    /// Position of the field's column in the file.
    pub fn position(&self, field: Field) -> Option<usize> {
        self.positions[field.index()]
    }

    /// The field's name as the file spells it, else its official name.
    pub fn spelling(&self, field: Field) -> &str {
        self.position(field).map_or(field.name(), |index| &self.names[index])
    }

    /// A cell as its column is to be read, cut out of the record's `text`.
    pub(crate) fn cell<'t>(&self, record: &Record<'_>, text: &'t str, index: usize) -> Cow<'t, str> {
        let cell = record.cell(text, index);
        self.readings.get(index).map_or(CellReading::AsIs, |reading| *reading).apply(cell)
    }

    /// Whether the file is a usage file of Enterprise Reporting.
    pub(crate) fn is_enterprise_reporting(&self) -> bool {
        !self.readings.is_empty()
    }

    /// What the generation says about the dataset.
    pub(crate) fn evidence(&self) -> DatasetEvidence {
        if self.is_enterprise_reporting() {
            let fact = "is a usage file of Enterprise Reporting, which knows actual cost only";
            return DatasetEvidence::of_file(Dataset::ActualCost, fact);
        }
        DatasetEvidence::default()
    }

    /// Unknown columns: position and the name that it is kept under, in file order.
    pub fn unknown(&self) -> &[(usize, String)] {
        &self.unknown
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.names.len()
    }

    /// Whether a record has a cell for each column, and nothing behind them but what the header has there.
    pub(crate) fn fits(&self, record: &Record<'_>, text: &str) -> bool {
        let is_blank = |index: usize| record.cell(text, index).trim().is_empty();
        record.len() == self.width()
            || (self.ends_with_comma && record.len() == self.width() + 1 && is_blank(self.width()))
    }

    /// All names as written.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

/// The names in a header record.
pub(crate) fn names_in(file: &str, record: &Record<'_>) -> Result<Vec<String>, InputError> {
    let Some(text) = record.text() else {
        let reason = "the header is not UTF-8 text; expected a CSV file in UTF-8".to_owned();
        return Err(InputError::Header { file: file.to_owned(), line: HEADER_LINE, reason });
    };
    Ok((0..record.len()).map(|index| record.cell(text, index).trim().to_owned()).collect())
}

/// The names of columns in English: portals write those of other languages as `Menge (Quantity)`. A header of which only a
/// part is so is refused: what its names mean would be lost.
fn english(names: &[String]) -> Result<Vec<String>, String> {
    let translated = |name: &str| -> Option<String> {
        let (local, english) = name.strip_suffix(')')?.rsplit_once('(')?;
        (!local.trim().is_empty() && !english.trim().is_empty()).then(|| english.trim().to_owned())
    };
    let fields: Vec<Option<Field>> =
        names.iter().map(|name| translated(name).and_then(|english| field_of(&english))).collect();
    if REQUIRED_ALWAYS.iter().all(|required| fields.contains(&Some(*required))) {
        return Ok(names.iter().map(|name| translated(name).unwrap_or_else(|| name.clone())).collect());
    }
    // A column of one's own may end with a bracket too, as long as nothing known is in it.
    match names.iter().zip(&fields).find(|(name, field)| field.is_some() && field_of(name).is_none()) {
        Some((name, Some(field))) => Err(format!(
            "column {name} says {} in another language, but the header does not say all required names so; write all names \
             as Datum (Date), or all in English",
            field.name()
        )),
        _ => Ok(names.to_vec()),
    }
}

/// A column name as names are compared.
pub(crate) fn normalised(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, ' ' | '_' | '-')).map(|c| c.to_ascii_lowercase()).collect()
}

/// The field that a name means in files of Cost Details.
pub(crate) fn field_of(name: &str) -> Option<Field> {
    let name = normalised(name);
    let official = Field::ALL.iter().copied().find(|field| field.name().eq_ignore_ascii_case(&name));
    official.or_else(|| ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, field)| *field))
}

fn accepted_names(field: Field) -> String {
    let aliases = ALIASES.iter().filter(|(_, f)| *f == field).map(|(alias, _)| *alias);
    std::iter::once(field.name()).chain(aliases).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Layout;
    use crate::records::RecordReader;

    fn recognise(header: &str) -> Result<Header, InputError> {
        let mut reader = RecordReader::new(header.as_bytes());
        let record = reader.next_record().unwrap().unwrap();
        Header::recognise("f.csv", &record)
    }

    #[test]
    fn every_layout_is_recognised_column_by_column() {
        for layout in Layout::ALL {
            let names: Vec<&str> = layout.columns().iter().map(|(name, _)| *name).collect();
            for spelled in [names.join(","), names.join(",").to_lowercase(), names.join(",").to_uppercase()] {
                let header = recognise(&spelled).unwrap();
                for (index, (_, field)) in layout.columns().iter().enumerate() {
                    assert_eq!(header.position(*field), Some(index), "{layout} {field:?}");
                }
                assert!(header.unknown().is_empty());
            }
        }
    }

    #[test]
    fn a_missing_required_column_is_named_with_its_accepted_names() {
        let error = recognise("Date,Quantity,SubscriptionId,MeterId,ChargeType,PricingModel").unwrap_err().to_string();
        assert!(error.contains("CostInBillingCurrency is missing") && error.contains("pretaxcost"), "{error}");
        assert!(
            recognise("Date,Quantity,Cost,SubscriptionId,MeterId,PricingModel")
                .unwrap_err()
                .to_string()
                .contains("ChargeType")
        );
    }

    #[test]
    fn a_header_of_another_language_is_read_by_its_english_names() {
        for layout in Layout::ALL {
            let names: Vec<String> =
                layout.columns().iter().map(|(name, _)| format!("Ärgernis (a) ({name})")).collect();
            let header = recognise(&format!("{},Etwas (Something)", names.join(","))).unwrap();
            for (index, (_, field)) in layout.columns().iter().enumerate() {
                assert_eq!(header.position(*field), Some(index), "{layout} {field:?}");
                assert_eq!(header.spelling(*field), names[index]);
            }
            assert_eq!(header.unknown(), [(names.len(), "Something".to_owned())]);
        }
        // Brackets in a name of one's own mean nothing.
        let own =
            recognise("Date,Quantity,SubscriptionId,MeterId,ChargeType,PricingModel,Cost,Rabatt (Discount)").unwrap();
        assert_eq!(own.unknown(), [(7, "Rabatt (Discount)".to_owned())]);
        for partly in ["Menge (Quantity),Quantity", "Quantity,Produkt (ProductName)"] {
            let refused = recognise(&format!("Date,{partly},SubscriptionId,MeterId,ChargeType,PricingModel,Cost"));
            assert!(refused.unwrap_err().to_string().contains("in another language"), "{partly}");
        }
        let unknown = recognise("Datum,Menge,Abonnement,Verbrauchseinheit,Gebührenart,Kosten").unwrap_err().to_string();
        assert!(unknown.contains("Date is missing") && unknown.contains("Datum (Date)"), "{unknown}");
    }

    #[test]
    fn two_columns_for_one_field_and_nameless_or_repeated_columns_are_refused() {
        let base = "Date,Quantity,SubscriptionId,MeterId,ChargeType,PricingModel,Cost";
        for more in [",PreTaxCost", ",", ",x,x"] {
            assert!(recognise(&format!("{base}{more}")).is_err(), "{more}");
        }
        assert_eq!(recognise(&format!("{base},x,X")).unwrap().unknown().len(), 2);
    }
}
