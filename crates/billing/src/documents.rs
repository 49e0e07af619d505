//! From paths to documents: recognised, read whole, and gathered by enrollment.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use calendar::BillingPeriod;
use formats::SourceReader;
use formats::native::{
    HEAD_BYTES, NativeError, NativeKind, PriceSheetFill, StatedEnrollment, StatedOrder, StatedOrders, StatedPriceSheet,
    UsageForm, read_enrollment, read_orders, read_price_sheet, recognise,
};
use ledger::EnrollmentId;
use money::Currency;

use crate::error::BillingError;

/// Deepest folder that is looked into, and most files of one command.
const DEPTH_MAX: usize = 12;
const FILES_MAX: usize = 10_000;
/// Longest document, in bytes of text.
const DOCUMENT_BYTES_MAX: u64 = 512 << 20;
/// Endings of files that are looked at in folders.
const ENDINGS: [&str; 5] = [".json", ".csv", ".ndjson", ".jsonl", ".parquet"];

/// What the paths of a command hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NativePaths {
    /// Enrollments, orders and price sheets.
    pub documents: Vec<PathBuf>,
    /// Usage.
    pub usage: Vec<PathBuf>,
}

/// Facts that documents may lack; they must not contradict them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DocumentFill {
    /// Whose price sheets they are.
    pub enrollment: Option<EnrollmentId>,
    /// The first billing period of price sheets.
    pub from: Option<BillingPeriod>,
    /// The last billing period of price sheets, inclusive.
    pub through: Option<BillingPeriod>,
}

/// Finds native input. Of folders, files of known endings are looked at, and others passed over.
///
/// # Errors
/// [`BillingError`] for a path that cannot be read, a file that is no native input and a folder without any.
pub fn native_paths(paths: &[PathBuf]) -> Result<NativePaths, BillingError> {
    let mut found = NativePaths::default();
    for path in paths {
        let mut files = Vec::new();
        walk(path, 0, &mut files)?;
        if files.is_empty() {
            return Err(BillingError::NothingThere { path: path.display().to_string() });
        }
        for file in files {
            match kind_of(&file)?.0 {
                NativeKind::Usage(_) => found.usage.push(file),
                _ => found.documents.push(file),
            }
        }
    }
    Ok(found)
}

fn walk(path: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), BillingError> {
    let failed = |source| BillingError::Path { path: path.display().to_string(), source };
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_ascii_lowercase();
        let known = ENDINGS.iter().any(|ending| name.strip_suffix(".gz").unwrap_or(&name).ends_with(ending));
        // What is named itself is looked at, whatever its name.
        if known || depth == 0 {
            found.push(path.to_owned());
        }
        return Ok(());
    }
    if depth > DEPTH_MAX || found.len() > FILES_MAX {
        return Err(failed(std::io::Error::other("it has too many files or levels to be a folder of native input")));
    }
    let mut entries: Vec<PathBuf> = std::fs::read_dir(path)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .map_err(failed)?;
    entries.sort();
    entries.iter().try_for_each(|entry| walk(entry, depth + 1, found))
}

/// What a file holds, and a reader of its text from the beginning on.
pub(crate) fn kind_of(path: &Path) -> Result<(NativeKind, SourceReader<File>), BillingError> {
    let shown = path.display().to_string();
    let failed = |source| BillingError::Path { path: shown.clone(), source };
    let open = || -> Result<SourceReader<File>, BillingError> {
        let file = File::open(path).map_err(failed)?;
        SourceReader::open(&shown, file).map_err(|error| NativeError::from(error).into())
    };
    let mut head = Vec::new();
    let mut reader = open()?;
    let read = reader.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head);
    read.map_err(|source| unreadable(&mut reader, &shown, source))?;
    // A day without usage is a file without records.
    let lower = shown.to_ascii_lowercase();
    let name = lower.strip_suffix(".gz").unwrap_or(&lower);
    if head.iter().all(u8::is_ascii_whitespace) && (name.ends_with(".ndjson") || name.ends_with(".jsonl")) {
        return Ok((NativeKind::Usage(UsageForm::Ndjson), open()?));
    }
    Ok((recognise(&shown, &head)?, open()?))
}

fn unreadable(reader: &mut SourceReader<File>, path: &str, source: std::io::Error) -> BillingError {
    match reader.take_failure() {
        Some(error) => NativeError::from(error).into(),
        None => BillingError::Path { path: path.to_owned(), source },
    }
}

/// What form a file of usage has.
pub(crate) fn usage_form(path: &Path) -> Result<UsageForm, BillingError> {
    match kind_of(path)?.0 {
        NativeKind::Usage(form) => Ok(form),
        _ => Err(BillingError::NotUsage { file: path.display().to_string() }),
    }
}

/// A document with the file that it stands in.
#[derive(Debug, Clone)]
pub(crate) struct InFile<T> {
    pub(crate) file: String,
    pub(crate) text: String,
    pub(crate) stated: T,
}

/// The documents of a command about one enrollment.
#[derive(Debug, Clone)]
pub(crate) struct Documents {
    pub(crate) number: EnrollmentId,
    pub(crate) enrollment: Option<InFile<StatedEnrollment>>,
    /// Each order with its file.
    pub(crate) orders: Vec<(String, StatedOrder)>,
    pub(crate) sheets: Vec<InFile<StatedPriceSheet>>,
}

impl Documents {
    /// A file among them, for messages about all.
    pub(crate) fn a_file(&self) -> &str {
        let enrollment = self.enrollment.as_ref().map(|one| &one.file);
        let others = self.orders.first().map(|(file, _)| file).or_else(|| self.sheets.first().map(|one| &one.file));
        enrollment.or(others).map_or("", String::as_str)
    }
}

/// A document as text.
struct Text {
    file: String,
    kind: NativeKind,
    text: String,
}

/// Reads documents and gathers them by enrollment. Blocking. `currency_of` says in what currency a known enrollment is.
pub(crate) fn read_documents(
    paths: &[PathBuf],
    fill: &DocumentFill,
    currency_of: &dyn Fn(&EnrollmentId) -> Result<Option<Currency>, BillingError>,
) -> Result<Vec<Documents>, BillingError> {
    let texts = paths.iter().map(|path| read_text(path)).collect::<Result<Vec<_>, _>>()?;
    let mut gathered: Vec<Documents> = Vec::new();
    let (enrollments, others): (Vec<Text>, Vec<Text>) =
        texts.into_iter().partition(|text| text.kind == NativeKind::Enrollment);
    for Text { file, text, .. } in enrollments {
        let stated = read_enrollment(&file, &text)?;
        let own = of(&mut gathered, &stated.enrollment.number);
        if let Some(first) = &own.enrollment {
            let what = format!("state enrollment {}", stated.enrollment.number);
            return Err(BillingError::Twice { first: first.file.clone(), second: file, what });
        }
        own.enrollment = Some(InFile { file, text, stated });
    }
    for Text { file, kind, text } in others {
        match kind {
            NativeKind::Orders => {
                let StatedOrders { enrollment, orders, .. } = orders_of(&gathered, &file, &text, currency_of)?;
                let own = of(&mut gathered, &enrollment);
                own.orders.extend(orders.into_iter().map(|order| (file.clone(), order)));
            }
            _ => {
                let (number, stated) = sheet_of(&gathered, &file, &text, fill, currency_of)?;
                of(&mut gathered, &number).sheets.push(InFile { file, text, stated });
            }
        }
    }
    Ok(gathered)
}

fn of<'a>(gathered: &'a mut Vec<Documents>, number: &EnrollmentId) -> &'a mut Documents {
    let known = gathered.iter().position(|documents| documents.number == *number);
    let index = known.unwrap_or_else(|| {
        let number = number.clone();
        gathered.push(Documents { number, enrollment: None, orders: Vec::new(), sheets: Vec::new() });
        gathered.len() - 1
    });
    &mut gathered[index]
}

type CurrencyOf<'a> = &'a dyn Fn(&EnrollmentId) -> Result<Option<Currency>, BillingError>;

/// The currency of an enrollment: what its document in the command says, else what is known.
fn currency(
    gathered: &[Documents],
    number: &EnrollmentId,
    currency_of: CurrencyOf<'_>,
) -> Result<Option<Currency>, BillingError> {
    let stated = gathered.iter().find(|documents| documents.number == *number).and_then(|one| one.enrollment.as_ref());
    match stated {
        Some(document) => Ok(Some(document.stated.enrollment.currency)),
        None => currency_of(number),
    }
}

fn orders_of(
    gathered: &[Documents],
    file: &str,
    text: &str,
    currency_of: CurrencyOf<'_>,
) -> Result<StatedOrders, BillingError> {
    // The document itself says whose it is, and that says how many digits its amounts may have.
    let stated = read_orders(file, text, None)?;
    let number = stated.enrollment;
    let known = currency(gathered, &number, currency_of)?;
    if let (Some(known), Some(given)) = (known, stated.currency)
        && known != given
    {
        return Err(BillingError::Currency { file: file.to_owned(), enrollment: number, known, given });
    }
    Ok(read_orders(file, text, known)?)
}

fn sheet_of(
    gathered: &[Documents],
    file: &str,
    text: &str,
    fill: &DocumentFill,
    currency_of: CurrencyOf<'_>,
) -> Result<(EnrollmentId, StatedPriceSheet), BillingError> {
    let mut filled =
        PriceSheetFill { enrollment: fill.enrollment.clone(), from: fill.from, through: fill.through, currency: None };
    // A first look: whose prices they are decides the currency of sheets that name none.
    let looked = read_price_sheet(file, text, &filled);
    let named = match &looked {
        Ok(stated) => stated.enrollment.clone(),
        Err(_) => fill.enrollment.clone(),
    };
    // The only enrollment of a command is meant by sheets that name none.
    let only = || match gathered {
        [only] => Some(only.number.clone()),
        _ => None,
    };
    let Some(number) = named.or_else(only) else {
        // A fault of the sheet itself is the better answer.
        looked?;
        return Err(BillingError::WhichEnrollment { file: file.to_owned() });
    };
    let known = currency(gathered, &number, currency_of)?;
    if let (Ok(stated), Some(known)) = (&looked, known)
        && stated.sheet.currency() != known
    {
        let given = stated.sheet.currency();
        return Err(BillingError::Currency { file: file.to_owned(), enrollment: number, known, given });
    }
    filled.currency = known;
    filled.enrollment = Some(number.clone());
    Ok((number, read_price_sheet(file, text, &filled)?))
}

fn read_text(path: &Path) -> Result<Text, BillingError> {
    let file = path.display().to_string();
    let (kind, mut reader) = kind_of(path)?;
    if matches!(kind, NativeKind::Usage(_)) {
        return Err(BillingError::IsUsage { file });
    }
    let mut bytes = Vec::new();
    let read = reader.by_ref().take(DOCUMENT_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|source| unreadable(&mut reader, &file, source))?;
    if bytes.len() as u64 > DOCUMENT_BYTES_MAX {
        let (what, count, max) = ("bytes", bytes.len() as u64, DOCUMENT_BYTES_MAX);
        return Err(NativeError::TooMuch { file, what, count, max }.into());
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        let reason = "it is not UTF-8 text; expected UTF-8".to_owned();
        NativeError::Syntax { file: file.clone(), line: Some(line as u64 + 1), reason }
    })?;
    Ok(Text { file, kind, text })
}
