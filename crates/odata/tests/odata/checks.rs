//! The promises of the crate as functions of any bytes. The fuzz targets include this file, and `corpus.rs` runs it on
//! what they found, on stable Rust.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use calendar::{BillingPeriod, Date, DateRange};
use hmac::{Hmac, KeyInit, Mac};
use ledger::{ChargeFilter, Comparison, Condition, DayBounds, Field, Window};
use odata::filter::parse;
use odata::{Dialect, Expansion, FilterError, Grouping, Ignored, OPTION_BYTES_MAX, OptionError, PageSize};
use odata::{PageToken, ParsedFilter, SECRET_BYTES, Strictness};
use sha2::Sha256;

/// The longest message. It repeats at most 40 characters of the request twice, each up to ten bytes when escaped, and
/// all known names.
const MESSAGE_BYTES_MAX: usize = 1200;

const SECRET: [u8; SECRET_BYTES] = [0x5a; SECRET_BYTES];

/// A filter's text ends in an answer or a fault with a place; both strictnesses agree; what is understood can be said
/// in another way and is understood the same.
pub(crate) fn filter(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let newest = Dialect::usage_details("2024-08-01");
    let first = Dialect::usage_details("2017-04-24-preview");
    let strict = check_both_strictnesses(&text, newest);
    let strict_of_first = check_both_strictnesses(&text, first);
    if let Ok(parsed) = &strict {
        assert_eq!(strict_of_first.as_ref(), Ok(parsed), "the first preview takes what the newest version takes");
    }
    if let Ok(parsed) = &strict_of_first {
        check_rewritten(&text, parsed, first);
    }
}

fn check_both_strictnesses(text: &str, dialect: &'static Dialect) -> Result<ParsedFilter, FilterError> {
    let strict = parse(text, dialect, Strictness::Strict);
    let lenient = parse(text, dialect, Strictness::AsOriginal).expect("nothing is an error as in the original");
    match &strict {
        Ok(parsed) => {
            assert_eq!(parsed.ignored, Ignored::Nothing);
            assert_eq!(&lenient, parsed);
            assert!(!parsed.filter.is_empty(), "every comparison leaves a trace");
        }
        Err(error) => {
            check_filter_error(text, error);
            match &lenient.ignored {
                Ignored::Nothing => panic!("strictly refused and not ignored"),
                Ignored::Clauses(faults) => {
                    assert_eq!(faults.first(), Some(error));
                    assert!(faults.is_sorted_by_key(|fault| fault.position));
                    faults.iter().skip(1).for_each(|fault| check_filter_error(text, fault));
                }
                Ignored::Everything(fault) => {
                    assert!(lenient.filter.is_empty());
                    if fault != error {
                        check_filter_error(text, fault);
                    }
                }
            }
        }
    }
    strict
}

fn check_filter_error(text: &str, error: &FilterError) {
    check_message(text, error.position, &error.to_string());
}

fn check_message(text: &str, position: usize, message: &str) {
    assert!((1..=text.chars().count() + 1).contains(&position), "position {position}");
    assert!(message.len() <= MESSAGE_BYTES_MAX, "message of {} bytes", message.len());
    assert!(!message.bytes().any(|byte| byte.is_ascii_control()), "{message:?}");
}

/// Other spellings of an understood filter mean the same.
fn check_rewritten(text: &str, parsed: &ParsedFilter, dialect: &'static Dialect) {
    let strict = |text: &str| {
        let fits = text.len() <= OPTION_BYTES_MAX;
        fits.then(|| parse(text, dialect, Strictness::Strict).expect("a rewritten filter is understood").filter)
    };
    let filter = &parsed.filter;
    for rewritten in [print(filter), format!("({text})"), format!(" ( {text} ) ")] {
        if let Some(again) = strict(&rewritten) {
            assert_eq!(&again, filter, "{rewritten}");
        }
    }
    if let Some(upper) = strict(&text.to_ascii_uppercase()) {
        assert_eq!((upper.days, upper.conditions.len()), (filter.days, filter.conditions.len()));
    }
}

/// The canonical text of a filter, no more comparisons than it was made of.
fn print(filter: &ChargeFilter) -> String {
    let mut clauses = Vec::new();
    match filter.days {
        DayBounds { first: Some(Date::MAX), last: Some(Date::MIN) } => {
            clauses.push("properties/usageEnd eq '2018-05-01T00:00:00Z'".to_owned());
        }
        DayBounds { first, last } if first == last && first.is_some() => {
            clauses.extend(first.map(|day| format!("properties/usageEnd eq '{day}'")));
        }
        DayBounds { first, last } => {
            clauses.extend(first.map(|day| format!("properties/usageEnd ge '{day}'")));
            clauses.extend(last.map(|day| format!("properties/usageStart le '{day}T00:00:00.0Z'")));
        }
    }
    clauses.extend(filter.conditions.iter().map(print_condition));
    clauses.join(" and ")
}

fn print_condition(condition: &Condition) -> String {
    let (name, operator, text) = match condition {
        Condition::Text { field, comparison, text } => (name_of(*field), operator_of(*comparison), text.clone()),
        Condition::Tag { key, value } => ("tags", "eq", format!("{key}:{value}")),
    };
    format!("{name} {operator} '{}'", text.replace('\'', "''"))
}

fn name_of(field: Field) -> &'static str {
    match field {
        Field::ResourceGroup => "properties/resourceGroup",
        Field::ResourceName => "properties/instanceName",
        Field::ResourceId => "properties/instanceId",
        Field::ChargeType => "properties/chargeType",
        Field::ReservationId => "properties/reservationId",
        Field::PublisherType => "properties/publisherType",
        other => panic!("{other:?} cannot be filtered by"),
    }
}

fn operator_of(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "eq",
        Comparison::Less => "lt",
        Comparison::LessOrEqual => "le",
        Comparison::Greater => "gt",
        Comparison::GreaterOrEqual => "ge",
    }
}

/// `$apply`, `$expand` and `$top` end in an answer or a fault with a place.
pub(crate) fn options(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let check = |error: OptionError| check_message(&text, error.position, &error.to_string());
    match Grouping::parse(&text) {
        Ok(grouping) => assert_eq!(Grouping::parse(&format!(" {} ", text.to_ascii_uppercase())), Ok(grouping)),
        Err(error) => check(error),
    }
    match Expansion::parse(&text) {
        Ok(expansion) => {
            assert!(expansion.meter_details || expansion.additional_info);
            assert_eq!(Expansion::parse(&text.to_ascii_uppercase()), Ok(expansion));
        }
        Err(error) => check(error),
    }
    match PageSize::parse(&text) {
        Ok(size) => {
            assert!((1..=1000).contains(&size.rows()));
            assert_eq!(PageSize::parse(&size.rows().to_string()), Ok(size));
        }
        Err(error) => check(error),
    }
}

/// A text that opens is the one that sealing gives; a sealed token opens; one other character and it does not.
pub(crate) fn page_token(bytes: &[u8]) {
    check_reads_only_its_own(&String::from_utf8_lossy(bytes));
    check_reads_only_its_own(&authenticated(bytes));
    let mut drawn = Draw { bytes };
    let token = PageToken {
        snapshot: u64::from_le_bytes(drawn.take()),
        window: drawn.window(),
        file: u32::from_le_bytes(drawn.take()),
        row: u64::from_le_bytes(drawn.take()),
        shares: drawn.take(),
        question: drawn.take(),
    };
    let text = token.seal(&SECRET);
    assert_eq!(PageToken::open(&text, &SECRET), Ok(token));
    assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
    let [place, replacement] = drawn.take();
    let mut altered = text.clone().into_bytes();
    let place = usize::from(place) % altered.len();
    let replacement = replacement % 128;
    if altered[place] != replacement {
        altered[place] = replacement;
        let altered = String::from_utf8(altered).expect("a token and the replacement are ASCII");
        assert!(PageToken::open(&altered, &SECRET).is_err(), "{altered} for {text}");
    }
}

fn check_reads_only_its_own(text: &str) {
    match PageToken::open(text, &SECRET) {
        Ok(token) => assert_eq!(token.seal(&SECRET), text),
        Err(error) => assert!(error.to_string().len() <= MESSAGE_BYTES_MAX),
    }
}

/// Any body behind which a right code stands: what is behind the code must be read as carefully as what is before it.
fn authenticated(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(&SECRET).expect("HMAC takes keys of any length");
    mac.update(b"lazurite skiptoken\n");
    mac.update(body);
    let code = mac.finalize().into_bytes();
    URL_SAFE_NO_PAD.encode([body, &code[..16]].concat())
}

/// Draws values from bytes; there are zeros where they end.
struct Draw<'a> {
    bytes: &'a [u8],
}

impl Draw<'_> {
    fn take<const SIZE: usize>(&mut self) -> [u8; SIZE] {
        let (head, rest) = self.bytes.split_at(SIZE.min(self.bytes.len()));
        self.bytes = rest;
        let mut taken = [0; SIZE];
        taken[..head.len()].copy_from_slice(head);
        taken
    }

    fn window(&mut self) -> Window {
        let [kind] = self.take();
        let [first, second] = [u32::from_le_bytes(self.take()), u32::from_le_bytes(self.take())];
        if kind % 2 == 0 {
            let (year, month) = (1900 + (first % 8100) as u16, 1 + (second % 12) as u8);
            return Window::Period(BillingPeriod::new(year, month).expect("the year and month are in range"));
        }
        let day_count = (Date::MAX.days() - Date::MIN.days() + 1) as u32;
        let day = |number: u32| Date::MIN.add_days((number % day_count) as i32).expect("the day is in range");
        let (one, other) = (day(first), day(second));
        Window::Dates(DateRange::inclusive(one.min(other), one.max(other)).expect("the days are in order"))
    }
}
