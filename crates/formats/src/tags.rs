//! Tags: sources spell them as a JSON object, with or without its outer braces; the wire wants the object.

use std::borrow::Cow;

use memchr::{memchr, memmem};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Most digits in a row: readers of JSON take no longer numbers.
const DIGITS_MAX: usize = 1000;
/// The reader of JSON gives members of such names a meaning of their own, so a text with them is read as a whole.
const PRIVATE_NAMES: &str = "$serde_json::private";
/// Name under which a text that is no JSON object goes out whole.
const UNPARSED: &str = "lazurite-unparsed";

/// A tags cell as JSON for the wire: `null` for a blank one, an object or array as it came, the object of a cell without
/// outer braces. A text that is none of these is the one value of an object, so that it is neither lost nor breaks
/// the answer.
pub fn tags_json(cell: &str) -> Cow<'_, str> {
    let cell = cell.trim();
    if cell.is_empty() || cell == "null" {
        return Cow::Borrowed("null");
    }
    if cell.starts_with(['{', '[']) {
        if is_json(cell) {
            return Cow::Borrowed(cell);
        }
    } else {
        let object = format!("{{{cell}}}");
        if is_json(&object) {
            return Cow::Owned(object);
        }
    }
    Cow::Owned(serde_json::json!({ UNPARSED: cell }).to_string())
}

/// A tags cell as a text that holds JSON; `None` for a blank one.
pub(crate) fn tags_text(cell: &str) -> Option<Cow<'_, str>> {
    (!cell.trim().is_empty()).then(|| tags_json(cell))
}

/// Whether a tags cell has a tag. Keys compare without case, values exactly.
pub fn has_tag(cell: &str, key: &str, value: &str) -> bool {
    // Without an escape the texts of a cell stand in it as they are: most cells are told by that, and need no reading.
    let is_escaped = memchr(b'\\', cell.as_bytes()).is_some();
    if !is_escaped && memmem::find(cell.as_bytes(), value.as_bytes()).is_none() {
        return false;
    }
    let is_asked = |(own, told): &(String, Box<RawValue>)| {
        own.to_lowercase() == key.to_lowercase() && text_of(told).as_deref() == Some(value)
    };
    serde_json::from_str::<Pairs>(&tags_json(cell)).is_ok_and(|pairs| pairs.0.iter().any(is_asked))
}

/// The tags of a cell, keys and values as they are spelled. A value that is no text is its JSON; `null` is none.
pub fn tag_pairs(cell: &str) -> Vec<(String, Option<String>)> {
    let pairs = serde_json::from_str::<Pairs>(&tags_json(cell)).map(|pairs| pairs.0).unwrap_or_default();
    let value = |told: &RawValue| match told.get() {
        "null" => None,
        other => Some(text_of(told).unwrap_or_else(|| other.to_owned())),
    };
    pairs.into_iter().map(|(key, told)| (key, value(&told))).collect()
}

/// Whether every client can read a text as JSON: it is no deeper than readers go, has no half of a surrogate pair, and no
/// number longer than readers take.
pub(crate) fn is_json(text: &str) -> bool {
    let digits_max = text.as_bytes().split(|byte| !byte.is_ascii_digit()).map(<[u8]>::len).max().unwrap_or_default();
    if digits_max > DIGITS_MAX {
        return false;
    }
    if text.contains(PRIVATE_NAMES) {
        return serde_json::from_str::<serde_json::Value>(text).is_ok();
    }
    serde_json::from_str::<Readable>(text).is_ok()
}

/// Reads a text as `serde_json::Value` does, with the same refusals, and keeps nothing of it.
struct Readable;

impl<'de> Deserialize<'de> for Readable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ReadableVisitor;

        impl<'de> Visitor<'de> for ReadableVisitor {
            type Value = Readable;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Readable, E> {
                Ok(Readable)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Readable, E> {
                Ok(Readable)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Readable, E> {
                Ok(Readable)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Readable, E> {
                Ok(Readable)
            }

            // The parser hands numbers over in no other type. This one is thrown away: only whether it can be read counts, it
            // goes out with its own digits, and no amount is read here.
            fn visit_f64<E>(self, _: f64) -> Result<Readable, E> {
                Ok(Readable)
            }

            fn visit_str<E>(self, _: &str) -> Result<Readable, E> {
                Ok(Readable)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Readable, A::Error> {
                while elements.next_element::<Readable>()?.is_some() {}
                Ok(Readable)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Readable, A::Error> {
                while members.next_entry::<Readable, Readable>()?.is_some() {}
                Ok(Readable)
            }
        }

        deserializer.deserialize_any(ReadableVisitor)
    }
}

/// Tags by what they say, not by how a source spells them: pairs of texts without blanks between them.
pub fn tags_compact(cell: &str) -> String {
    let json = tags_json(cell);
    let Ok(pairs) = serde_json::from_str::<Pairs>(&json) else { return json.into_owned() };
    let texts: Option<Vec<(String, String)>> =
        pairs.0.into_iter().map(|(key, told)| text_of(&told).map(|value| (key, value))).collect();
    let Some(texts) = texts else { return json.into_owned() };
    let pair = |(key, value): &(String, String)| format!("{}:{}", serde_json::json!(key), serde_json::json!(value));
    format!("{{{}}}", texts.iter().map(pair).collect::<Vec<_>>().join(","))
}

/// The text that a value is; `None` for a value of another kind.
fn text_of(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

/// The members of an object, repeated names included.
struct Pairs(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;

        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of tags")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = members.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(PairsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_tags_becomes_json() {
        let cases = [
            ("", "null"),
            (" ", "null"),
            ("null", "null"),
            ("[]", "[]"),
            ("{}", "{}"),
            (r#"{"a":"b"}"#, r#"{"a":"b"}"#),
            (r#" { "a" : "b" } "#, r#"{ "a" : "b" }"#),
            (r#""a": "b","c": "d""#, r#"{"a": "b","c": "d"}"#),
            (r#"{"a":"#, r#"{"lazurite-unparsed":"{\"a\":"}"#),
            // Digits that no binary number holds.
            (
                r#"{"a":0.10000000000000000000000000000001,"b":1.50}"#,
                r#"{"a":0.10000000000000000000000000000001,"b":1.50}"#,
            ),
            (r#""a":9007199254740993.0"#, r#"{"a":9007199254740993.0}"#),
            ("a:b", r#"{"lazurite-unparsed":"a:b"}"#),
            (r#"{"a":"\ud800"}"#, r#"{"lazurite-unparsed":"{\"a\":\"\\ud800\"}"}"#),
            (r#""a":"b"}, {"x":"y""#, r#"{"lazurite-unparsed":"\"a\":\"b\"}, {\"x\":\"y\""}"#),
        ];
        for (cell, json) in cases {
            assert_eq!(tags_json(cell), json, "{cell:?}");
        }
    }

    #[test]
    fn what_breaks_readers_of_json_goes_out_as_a_text() {
        let deep = format!("{}1{}", "{\"a\":".repeat(2000), "}".repeat(2000));
        let long = format!("{{\"a\":{}}}", "1".repeat(5000));
        for cell in [deep, long] {
            assert!(tags_json(&cell).starts_with("{\"lazurite-unparsed\":\""));
        }
    }

    proptest::proptest! {
        /// The check that keeps nothing decides as reading a whole value does.
        #[test]
        fn a_text_is_json_exactly_when_a_value_can_be_read(
            text in "[-\\[\\]{}\",:0-9.eE truefalsn\\\\ud8]{0,24}",
            pieces in proptest::collection::vec(proptest::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"a\"", "\"\\ud800\"", "\"\\ud83d\\ude00\"", "1e999", "-0", "01", "null",
                "true", "1.5", " ", "\"$serde_json::private::RawValue\"", "\u{1}", "\"\\q\"",
            ]), 0..9),
        ) {
            for text in [text, pieces.concat()] {
                let read = serde_json::from_str::<serde_json::Value>(&text).is_ok();
                proptest::prop_assert_eq!(is_json(&text), read, "{}", text);
            }
        }
    }

    #[test]
    fn a_tag_is_found_however_its_value_is_escaped() {
        for (cell, value) in [
            (r#"{"a":"\u0070rod"}"#, "prod"),
            (r#""a": "x\"y""#, "x\"y"),
            (r#"{"a":"\/"}"#, "/"),
            (r#"{"a":"é"}"#, "é"),
            (r#"{"a":"\ud83d\ude00"}"#, "😀"),
            (r#"{"b":"x","a":""}"#, ""),
        ] {
            assert!(has_tag(cell, "a", value), "{cell}");
            assert!(!has_tag(cell, "a", "other"), "{cell}");
        }
        assert!(has_tag("not json", UNPARSED, "not json"));
        assert!(has_tag("\"quoted\" and\nmore", UNPARSED, "\"quoted\" and\nmore"));
    }

    #[test]
    fn tags_that_say_the_same_are_the_same_however_they_are_spelled() {
        for cell in [r#"{"a":"1","b":"2"}"#, r#""a": "1", "b": "2""#, r#" { "a" : "1" , "b":"2" } "#] {
            assert_eq!(tags_compact(cell), r#"{"a":"1","b":"2"}"#);
        }
        assert_eq!((tags_compact(""), tags_compact(r#"{"n": 1.10}"#)), ("null".into(), r#"{"n": 1.10}"#.into()));
    }

    #[test]
    fn the_tags_of_a_cell_are_told_as_they_are_spelled() {
        let of = |cell| {
            let pairs = tag_pairs(cell).into_iter();
            pairs.map(|(key, value)| format!("{key}={}", value.as_deref().unwrap_or("-"))).collect::<Vec<_>>().join(";")
        };
        for (cell, expected) in [
            ("", ""),
            ("[]", ""),
            ("[1]", ""),
            ("{}", ""),
            (r#""Env": "prod","env": "","x": null"#, "Env=prod;env=;x=-"),
            (r#"{"a":"\u0062","n":1.10,"l":[ 1 ],"a":"c"}"#, "a=b;n=1.10;l=[ 1 ];a=c"),
            ("a:b", "lazurite-unparsed=a:b"),
        ] {
            assert_eq!(of(cell), expected, "{cell}");
        }
    }

    #[test]
    fn a_tag_is_found_by_its_key_without_case_and_its_value() {
        let cell = r#""Env": "prod","cost-center": "a:b","n": 1"#;
        assert!(has_tag(cell, "env", "prod") && has_tag(cell, "COST-CENTER", "a:b"));
        assert!(!has_tag(cell, "env", "Prod") && !has_tag(cell, "n", "1") && !has_tag(cell, "x", ""));
        assert!(!has_tag("", "a", "b") && !has_tag("[]", "a", "b") && !has_tag("nonsense", "a", "b"));
        assert!(has_tag(r#"{"a":"1","a":"2"}"#, "a", "1") && has_tag(r#"{"a":"1","a":"2"}"#, "a", "2"));
    }
}
