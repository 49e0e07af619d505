//! Recorded pages of usage details and Marketplace charges as a source: answers of the Consumption and the Enterprise
//! Reporting API.
//!
//! A page is read whole, because its list can stand before or after what must be known to read it; so its size is
//! bounded. Its columns are the members that its items have, as a file's are those of its header, and each item becomes
//! a record of these columns. From there on a page is read like a file. Numbers never leave their text.

mod item;
pub(crate) mod json;
mod link;
mod shape;

use std::collections::HashMap;
use std::io::Read;
use std::ops::Range;

use ledger::Dataset;
use memchr::memchr_iter;
use serde_json::value::RawValue;

pub use self::link::{NextLink, Page};

use self::item::{ItemCell, ItemFault, PROPERTIES, read_item};
use self::json::Member;
use self::shape::{Shape, as_text, foreign};
use crate::error::{InputError, PageItem, PageList, RowFault, RowForm, RowPlace};
use crate::evidence::DatasetEvidence;
use crate::header::{FillIns, Header};
use crate::records::{CELL_BYTES_MAX, COLUMNS_MAX, Record, Span};
use crate::source::SourceReader;
use crate::target::Slot;

/// Largest page, in bytes of text: 40,000 wide items. The original's pages have 1,000.
const PAGE_BYTES_MAX: usize = 64 << 20;
const READ_BYTES: usize = 1 << 18;

/// Reads the items of one page as records.
#[derive(Debug)]
pub(crate) struct PageReader {
    text: String,
    /// Where the items stand in the text.
    items: Vec<Range<usize>>,
    list: PageList,
    shape: Shape,
    next_link: Option<NextLink>,
    columns: HashMap<Slot, usize>,
    next: usize,
    /// How far lines were counted, and the line there.
    counted: (usize, u64),
    cells: Vec<u8>,
    spans: Vec<Span>,
}

/// An item that could not be turned into a record.
pub(crate) struct BadItem<'a> {
    pub(crate) fault: RowFault,
    pub(crate) raw: &'a [u8],
}

/// Whether a text that begins so is read as a page. No header begins like JSON.
pub(crate) fn begins_like_json(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    matches!(head.trim_ascii_start().first(), Some(b'{' | b'['))
}

impl PageReader {
    /// Reads the page and finds its columns.
    pub(crate) fn open<R: Read>(
        file: &str,
        source: &mut SourceReader<R>,
        fill: &FillIns,
    ) -> Result<(Self, Header), InputError> {
        let text = read_text(file, source)?;
        let envelope = Envelope::read(file, &text)?;
        let shape = envelope.shape(file, fill)?;
        let ranges = envelope.items.iter().map(|item| range_in(&text, item)).collect();
        let (slots, fault) = columns(file, shape, &envelope.items)?;
        let (list, next_link) = (envelope.list, envelope.next_link);
        let columns: HashMap<Slot, usize> =
            slots.iter().enumerate().map(|(index, (slot, _))| (slot.clone(), index)).collect();
        let mut reader = Self {
            text,
            items: ranges,
            list,
            shape,
            next_link,
            columns,
            next: 0,
            counted: (0, 1),
            cells: Vec::new(),
            spans: Vec::new(),
        };
        if reader.items.is_empty() {
            return Ok((reader, Header::of_slots(slots)));
        }
        if let Some((_, missing)) =
            shape.required().iter().find(|(field, _)| !reader.columns.contains_key(&Slot::Field(*field)))
        {
            // What an item is refused for says more than what no other item has.
            return Err(match fault {
                Some((index, fault)) => InputError::Row { file: file.to_owned(), fault: reader.fault(index, fault) },
                None => InputError::NotUsageDetails {
                    file: file.to_owned(),
                    reason: format!(
                        "no item of {list} has the member {missing}; expected usage details as the API answers them without \
                         $apply, which makes sums"
                    ),
                },
            });
        }
        Ok((reader, Header::of_slots(slots)))
    }

    /// What the page says about its place in a walk.
    pub(crate) fn page(&self) -> Page {
        Page {
            next: self.next_link.clone(),
            list: self.list,
            has_metric: !self.shape.is_actual_cost(),
            publishers: self.shape.publishers(),
        }
    }

    /// What the page says about its dataset as a whole.
    pub(crate) fn evidence(&self) -> DatasetEvidence {
        match self.next_link.as_ref().and_then(NextLink::dataset) {
            _ if self.shape.is_actual_cost() => {
                DatasetEvidence::of_file(Dataset::ActualCost, "is an answer of an API that knows actual cost only")
            }
            Some(dataset) => DatasetEvidence::of_file(dataset, "names the metric in its nextLink"),
            None => DatasetEvidence::default(),
        }
    }

    /// The next item as a record, or `None` at the end of the page.
    pub(crate) fn next_record(&mut self) -> Option<Result<Record<'_>, BadItem<'_>>> {
        let index = self.next;
        let range = self.items.get(index)?.clone();
        self.next += 1;
        let filled = self.fill(range.clone());
        let place = self.place(index);
        let raw = self.text[range].as_bytes();
        Some(match filled {
            Ok(()) => Ok(Record { place, raw, cells: &self.cells, spans: &self.spans }),
            Err(fault) => Err(BadItem { fault: row_fault(place, fault), raw }),
        })
    }

    /// Puts the cells of an item into their columns.
    fn fill(&mut self, range: Range<usize>) -> Result<(), ItemFault> {
        let none = Span { start: 0, end: 0, doubled_quotes: false };
        self.cells.clear();
        self.spans.clear();
        self.spans.resize(self.columns.len(), none);
        let item: &RawValue = serde_json::from_str(&self.text[range]).map_err(|error| ItemFault {
            path: None,
            value: None,
            expected: json::reason(&error),
        })?;
        for cell in read_item(self.shape, item)? {
            let column = self.columns.get(&cell.slot).and_then(|column| self.spans.get_mut(*column));
            if let Some(span) = column {
                let start = self.cells.len();
                self.cells.extend_from_slice(cell.text.as_bytes());
                *span = Span { start, end: self.cells.len(), doubled_quotes: false };
            }
        }
        Ok(())
    }

    fn fault(&mut self, index: usize, fault: ItemFault) -> RowFault {
        row_fault(self.place(index), fault)
    }

    /// Where an item stands. Places are asked for in the order of items.
    fn place(&mut self, index: usize) -> RowPlace {
        let start = self.items.get(index).map_or(0, |range| range.start);
        let (from, line) = self.counted;
        if from < start {
            let lines = memchr_iter(b'\n', &self.text.as_bytes()[from..start]).count() as u64;
            self.counted = (start, line + lines);
        }
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        RowPlace { line: self.counted.1, form: RowForm::Item(PageItem { list: self.list, index }) }
    }
}

/// The outermost object of a page.
struct Envelope<'j> {
    list: PageList,
    items: Vec<&'j RawValue>,
    next_link: Option<NextLink>,
}

impl<'j> Envelope<'j> {
    fn read(file: &str, text: &'j str) -> Result<Self, InputError> {
        let refuse = |reason: String| InputError::NotUsageDetails { file: file.to_owned(), reason };
        // The whole text is checked to be JSON here, with positions that count from its beginning.
        let whole: &RawValue = serde_json::from_str(text).map_err(|error| InputError::Json {
            file: file.to_owned(),
            line: error.line() as u64,
            character: error.column() as u64,
            reason: json::reason(&error),
        })?;
        if whole.get().starts_with('[') {
            let items = json::items(whole).map_err(|expected| refuse(format!("the page: {expected}")))?;
            return Ok(Self { list: PageList::Whole, items, next_link: None });
        }
        if !whole.get().starts_with('{') {
            return Err(refuse(format!("the JSON is no object; {EXPECTED}")));
        }
        let members = json::members(whole).map_err(|expected| refuse(format!("the page: {expected}")))?;
        let find = |name: &str| members.iter().find(|member| member.name == name);
        let (list, member) = match (find(PageList::Value.name()), find(PageList::Data.name())) {
            (Some(value), None) => (PageList::Value, value),
            (None, Some(data)) => (PageList::Data, data),
            (Some(_), Some(_)) => return Err(refuse(format!("it has both value and data; {EXPECTED}"))),
            (None, None) => {
                return Err(refuse(match find("error") {
                    Some(error) => {
                        format!("it is the answer to a refused request ({}); {EXPECTED}", as_text(error.value))
                    }
                    None => format!("it has neither value nor data; {EXPECTED}"),
                }));
            }
        };
        let items = json::items(member.value).map_err(|expected| refuse(format!("{list}: {expected}")))?;
        let next_link = find("nextLink").map_or(Ok(None), next_link).map_err(refuse)?;
        Ok(Self { list, items, next_link })
    }

    /// The form of the page, told by its first item that says it.
    fn shape(&self, file: &str, fill: &FillIns) -> Result<Shape, InputError> {
        if self.list == PageList::Data {
            return Ok(Shape::EnterpriseReporting);
        }
        if self.list == PageList::Whole {
            let is_charge =
                |item: &&RawValue| json::members(item).is_ok_and(|members| Shape::is_marketplace_charge(&members));
            if self.items.iter().any(is_charge) || (self.items.is_empty() && fill.marketplace) {
                return Ok(Shape::MarketplaceCharges);
            }
            let reason = format!("no item of the list has usageStartDate and extendedCost; {EXPECTED}");
            return Err(InputError::NotUsageDetails { file: file.to_owned(), reason });
        }
        for (index, item) in self.items.iter().enumerate() {
            let Ok(members) = json::members(item) else { continue };
            if let Some(reason) = foreign(&members, None) {
                let reason = format!("{}[{index}]: {reason}", self.list);
                return Err(InputError::NotUsageDetails { file: file.to_owned(), reason });
            }
            let properties: Option<&Member<'_>> = members.iter().find(|member| member.name == PROPERTIES);
            let properties = properties.and_then(|member| json::members(member.value).ok());
            if let Some(shape) = properties.and_then(|properties| Shape::of_properties(&properties)) {
                return Ok(shape);
            }
        }
        if self.items.is_empty() {
            // Whatever it was asked for, it says nothing.
            return Ok(if fill.marketplace { Shape::Marketplaces } else { Shape::ConsumptionSince2019 });
        }
        Err(InputError::NotUsageDetails {
            file: file.to_owned(),
            reason: format!(
                "no item of {} has properties.usageStart or properties.date; expected usage details as the API answers them \
                 without $apply, which makes sums",
                self.list
            ),
        })
    }
}

const EXPECTED: &str = "expected a page of usage details (an object with a list named value for Consumption, data for \
                        Enterprise Reporting), Marketplace charges (such an object, or their list for Enterprise \
                        Reporting), a balance summary, a price sheet, or reservation details, summaries or transactions";

fn next_link(member: &Member<'_>) -> Result<Option<NextLink>, String> {
    match json::value(member.value).map_err(|expected| format!("nextLink: {expected}"))? {
        json::Value::Null => Ok(None),
        json::Value::Text(text) if text.len() > CELL_BYTES_MAX => Err("nextLink is longer than 1 MiB".to_owned()),
        json::Value::Text(text) if text.is_empty() => Ok(None),
        json::Value::Text(text) => Ok(Some(NextLink::new(text.into_owned()))),
        _ => Err("nextLink: expected a text or null".to_owned()),
    }
}

/// Columns with the path of the member that first filled each.
type Columns = Vec<(Slot, String)>;

/// The columns of all items, and the first item that cannot be read.
fn columns(file: &str, shape: Shape, items: &[&RawValue]) -> Result<(Columns, Option<(usize, ItemFault)>), InputError> {
    let mut known: HashMap<Slot, usize> = HashMap::new();
    let mut columns = Columns::new();
    let mut first_fault = None;
    for (index, item) in items.iter().enumerate() {
        let cells: Vec<ItemCell<'_>> = match read_item(shape, item) {
            Ok(cells) => cells,
            Err(fault) => {
                first_fault = first_fault.or(Some((index, fault)));
                continue;
            }
        };
        for cell in cells {
            if !known.contains_key(&cell.slot) {
                known.insert(cell.slot.clone(), columns.len());
                columns.push((cell.slot, cell.path));
            }
        }
        if columns.len() > COLUMNS_MAX {
            let reason = format!("its items have more than {COLUMNS_MAX} different members");
            return Err(InputError::NotUsageDetails { file: file.to_owned(), reason });
        }
    }
    Ok((columns, first_fault))
}

fn row_fault(place: RowPlace, fault: ItemFault) -> RowFault {
    RowFault { place, column: fault.path, value: fault.value, expected: fault.expected }
}

/// Where a value of the text stands in it.
fn range_in(text: &str, value: &RawValue) -> Range<usize> {
    let start = (value.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    start..start + value.get().len()
}

pub(crate) fn read_text<R: Read>(file: &str, source: &mut SourceReader<R>) -> Result<String, InputError> {
    let refuse = |reason: &str| InputError::NotUsageDetails { file: file.to_owned(), reason: reason.to_owned() };
    let mut bytes = Vec::new();
    loop {
        let length = bytes.len();
        bytes.resize(length + READ_BYTES, 0);
        let read = match source.read(&mut bytes[length..]) {
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {
                bytes.truncate(length);
                continue;
            }
            Err(source_error) => {
                let io = InputError::Io { file: file.to_owned(), source: source_error };
                return Err(source.take_failure().unwrap_or(io));
            }
        };
        bytes.truncate(length + read);
        if read == 0 {
            break;
        }
        if bytes.len() > PAGE_BYTES_MAX {
            return Err(refuse("the page is larger than 64 MiB; the original's have 1,000 items"));
        }
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        // A blank is no part of any value; positions stay those of the file.
        bytes[..3].fill(b' ');
    }
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        refuse(&format!("the text is not UTF-8 from byte {} on; expected a file in UTF-8", place + 1))
    })
}

#[cfg(test)]
mod tests;
