//! Strict JSON, one level at a time: the members of an object as text, so that numbers keep their spelling.
//!
//! Nothing here recurses, so depth costs no stack; every object and list is bounded, and a member that occurs twice is
//! refused, because readers differ in which of the two counts.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Most members of an object; the widest known item has 72.
pub(crate) const MEMBERS_MAX: usize = 256;
/// Longest name of a member, in bytes; the longest known one has 30.
pub(crate) const NAME_BYTES_MAX: usize = 256;
/// Most items of a page. The original's have 1,000; joined answers of a month have more.
pub(crate) const ITEMS_MAX: usize = 1_000_000;
/// Deepest value that is kept as JSON text; `additionalInfo` is two levels deep.
pub(crate) const NESTING_MAX: usize = 32;

/// A member of an object.
#[derive(Debug, Clone)]
pub(crate) struct Member<'j> {
    pub(crate) name: Cow<'j, str>,
    pub(crate) value: &'j RawValue,
}

/// What the text of a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value<'j> {
    Null,
    Text(Cow<'j, str>),
    /// The number as it is spelled.
    Number(&'j str),
    Boolean(bool),
    /// An object or a list, as JSON text.
    Composite(&'j str),
}

/// Reads the members of an object. The error says what would be right.
pub(crate) fn members<'j>(json: &'j RawValue) -> Result<Vec<Member<'j>>, String> {
    if !json.get().starts_with('{') {
        return Err("expected an object".to_owned());
    }
    let object: Object<'j> = serde_json::from_str(json.get()).map_err(|error| reason(&error))?;
    if object.overflows {
        return Err(format!("the object has more than {MEMBERS_MAX} members"));
    }
    let mut names: Vec<&str> = object.members.iter().map(|member| member.name.as_ref()).collect();
    names.sort_unstable();
    if names.iter().any(|name| name.len() > NAME_BYTES_MAX) {
        return Err(format!("a member's name is longer than {NAME_BYTES_MAX} bytes"));
    }
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("the member {:?} occurs twice", pair[0])),
        None => Ok(object.members),
    }
}

/// Reads the items of a list. The error says what would be right.
pub(crate) fn items<'j>(json: &'j RawValue) -> Result<Vec<&'j RawValue>, String> {
    if !json.get().starts_with('[') {
        return Err("expected a list".to_owned());
    }
    let list: List<'j> = serde_json::from_str(json.get()).map_err(|error| reason(&error))?;
    if list.overflows {
        return Err(format!("the list has more than {ITEMS_MAX} items"));
    }
    Ok(list.items)
}

/// Reads one value. The error says what would be right.
pub(crate) fn value(json: &RawValue) -> Result<Value<'_>, String> {
    let text = json.get();
    match text.as_bytes().first() {
        Some(b'n') => Ok(Value::Null),
        Some(b't') => Ok(Value::Boolean(true)),
        Some(b'f') => Ok(Value::Boolean(false)),
        Some(b'"') => {
            let text: Text<'_> = serde_json::from_str(text)
                .map_err(|error| format!("the text is damaged ({}); expected Unicode text", reason(&error)))?;
            Ok(Value::Text(text.0))
        }
        Some(b'{' | b'[') if is_nested_deeper(text, NESTING_MAX) => {
            Err(format!("the value is nested deeper than {NESTING_MAX} levels"))
        }
        Some(b'{' | b'[') => Ok(Value::Composite(text)),
        _ => Ok(Value::Number(text)),
    }
}

/// What a JSON error says, without the position: that is of the piece that was read.
pub(crate) fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason).to_owned()
}

fn is_nested_deeper(json: &str, levels: usize) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > levels {
            return true;
        }
    }
    false
}

/// Text that is borrowed where it has no escapes.
struct Text<'j>(Cow<'j, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(TextVisitor)
    }
}

struct Object<'j> {
    members: Vec<Member<'j>>,
    overflows: bool,
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;

        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                    if members.len() == MEMBERS_MAX {
                        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                        return Ok(Object { members, overflows: true });
                    }
                    members.push(Member { name: name.0, value });
                }
                Ok(Object { members, overflows: false })
            }
        }

        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct List<'j> {
    items: Vec<&'j RawValue>,
    overflows: bool,
}

impl<'de> Deserialize<'de> for List<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor;

        impl<'de> Visitor<'de> for ListVisitor {
            type Value = List<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<List<'de>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element::<&'de RawValue>()? {
                    if items.len() == ITEMS_MAX {
                        while list.next_element::<IgnoredAny>()?.is_some() {}
                        return Ok(List { items, overflows: true });
                    }
                    items.push(item);
                }
                Ok(List { items, overflows: false })
            }
        }

        deserializer.deserialize_seq(ListVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn members_are_read_one_level_deep_with_their_spelling() {
        let json = raw(r#"{ "a\u0062" : 7.9493720367E-05, "c":{"d":[ 1 ]},"e":null,"f":"x\"y","g":true}"#);
        let members = members(&json).unwrap();
        let values: Vec<_> = members.iter().map(|m| (m.name.as_ref(), value(m.value).unwrap())).collect();
        assert_eq!(values[0], ("ab", Value::Number("7.9493720367E-05")));
        assert_eq!(values[1], ("c", Value::Composite(r#"{"d":[ 1 ]}"#)));
        assert_eq!(values[2], ("e", Value::Null));
        assert_eq!(values[3], ("f", Value::Text("x\"y".into())));
        assert_eq!(values[4], ("g", Value::Boolean(true)));
    }

    #[test]
    fn what_readers_could_take_differently_is_refused() {
        let many = (0..=MEMBERS_MAX).map(|n| format!("\"{n}\":0")).collect::<Vec<_>>().join(",");
        let cases = [
            (r#"{"a":1,"\u0061":2}"#.to_owned(), "\"a\" occurs twice"),
            ("[1]".to_owned(), "expected an object"),
            (format!("{{{many}}}"), "more than 256 members"),
            (format!("{{\"{}\":1}}", "x".repeat(NAME_BYTES_MAX + 1)), "longer than 256 bytes"),
        ];
        for (json, expected) in cases {
            let error = members(&raw(&json)).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        assert!(value(&raw(r#""\ud800""#)).unwrap_err().contains("damaged"));
        let brackets = |count: usize| format!("{}{}", "[".repeat(count), "]".repeat(count));
        assert!(value(&raw(&brackets(NESTING_MAX))).is_ok());
        assert!(value(&raw(&brackets(NESTING_MAX + 1))).unwrap_err().contains("deeper"));
        assert!(value(&raw(&format!("[{:?}]", brackets(100)))).is_ok(), "brackets in texts do not count");
        assert!(items(&raw("{}")).unwrap_err().contains("expected a list"));
    }
}
