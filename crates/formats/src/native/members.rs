//! Reading JSON objects member by member, from their text: no number passes through binary floating point.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::error::Fault;

/// Most members of an object that is read.
const MEMBERS_MAX: usize = 64;

/// The members of an object. They are taken one after the other; what is left is unknown.
#[derive(Debug)]
pub(crate) struct Members<'a> {
    members: Vec<(Cow<'a, str>, Option<&'a RawValue>)>,
    known: Vec<&'static str>,
}

/// A member's name, borrowed where nothing in it is escaped.
#[derive(Deserialize, PartialEq, Eq)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members: Vec<(Cow<'de, str>, Option<&'de RawValue>)> = Vec::new();
        while let Some(Name(name)) = map.next_key::<Name<'de>>()? {
            if members.iter().any(|(known, _)| *known == name) {
                return Err(serde::de::Error::custom(format_args!("member {name:?} is there twice")));
            }
            if members.len() == MEMBERS_MAX {
                return Err(serde::de::Error::custom(format_args!("there are more than {MEMBERS_MAX} members")));
            }
            members.push((name, map.next_value()?));
        }
        Ok(Members { members, known: Vec::new() })
    }
}

impl<'a> Members<'a> {
    /// Reads an object.
    pub(crate) fn parse(json: &'a str) -> Result<Self, Fault> {
        serde_json::from_str(json).map_err(|error| {
            let expected = format!("{}; expected a JSON object", message(&error));
            Fault::of("", json, expected)
        })
    }

    /// Takes a member's JSON text; absent and `null` are the same.
    pub(crate) fn raw(&mut self, name: &'static str) -> Option<&'a str> {
        self.known.push(name);
        let position = self.members.iter().position(|(known, _)| known == name)?;
        self.members.swap_remove(position).1.map(RawValue::get)
    }

    /// Takes a member with what reads its JSON text.
    pub(crate) fn read<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'a str) -> Result<T, String>,
    ) -> Result<Option<T>, Fault> {
        let Some(json) = self.raw(name) else { return Ok(None) };
        read(json).map(Some).map_err(|expected| Fault::of(name, unquoted(json), expected))
    }

    /// Takes a member that is text.
    pub(crate) fn text<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Fault> {
        self.read(name, |json| read(&string(json)?))
    }

    /// Takes a member that is a number, written as a JSON number or as text.
    pub(crate) fn number<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Fault> {
        self.read(name, |json| read(&number(json)?))
    }

    /// Takes a member that is `true` or `false`.
    pub(crate) fn switch(&mut self, name: &'static str) -> Result<Option<bool>, Fault> {
        self.read(name, |json| match json {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("expected true or false".to_owned()),
        })
    }

    /// Takes a member that is an array; the JSON texts of its items.
    pub(crate) fn array(&mut self, name: &'static str) -> Result<Option<Vec<&'a str>>, Fault> {
        self.read(name, |json| {
            let items: Vec<&'a RawValue> =
                serde_json::from_str(json).map_err(|_| "expected a JSON array".to_owned())?;
            Ok(items.into_iter().map(RawValue::get).collect())
        })
    }

    /// Takes a member that is an object, with what reads it; a fault inside of it gets its path.
    pub(crate) fn object<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(Members<'a>) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        let Some(json) = self.raw(name) else { return Ok(None) };
        Members::parse(json).and_then(read).map(Some).map_err(|fault| fault.within(name))
    }

    /// Refuses what nobody has taken.
    pub(crate) fn finish(mut self) -> Result<(), Fault> {
        match self.members.first() {
            None => Ok(()),
            Some((name, _)) => {
                self.known.sort_unstable();
                let expected = format!("unknown member; expected only {}", self.known.join(", "));
                let name: String = name.chars().filter(|letter| !letter.is_control()).take(60).collect();
                Err(Fault::plain(&name, expected))
            }
        }
    }
}

/// A member that must be there.
pub(crate) fn required<T>(name: &str, member: Option<T>) -> Result<T, Fault> {
    member.ok_or_else(|| Fault::plain(name, "the member is missing; expected a value"))
}

/// The text of a JSON string.
pub(crate) fn string(json: &str) -> Result<Cow<'_, str>, String> {
    let Name(text) = serde_json::from_str(json).map_err(|_| "expected a text in quotes".to_owned())?;
    Ok(text)
}

/// The text of a JSON number, or of a string that holds one.
pub(crate) fn number(json: &str) -> Result<Cow<'_, str>, String> {
    match json.as_bytes().first() {
        Some(b'"') => string(json),
        Some(b'-' | b'0'..=b'9') => Ok(Cow::Borrowed(json)),
        _ => Err("expected a number, or a number in quotes".to_owned()),
    }
}

/// An item of an array, with what reads it; a fault inside of it gets its path.
pub(crate) fn items<'a, T>(
    name: &str,
    items: Option<Vec<&'a str>>,
    mut read: impl FnMut(Members<'a>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut all = Vec::new();
    for (index, json) in items.unwrap_or_default().into_iter().enumerate() {
        let item = Members::parse(json).and_then(&mut read);
        all.push(item.map_err(|fault| fault.within(&format!("{name}[{index}]")))?);
    }
    Ok(all)
}

/// What serde says, without its place.
pub(crate) fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.find(" at line ").unwrap_or(text.len());
    let message = text[..end].to_owned();
    let control = message.contains("control character");
    if control { format!("{message} (write it as an escape such as \\n)") } else { message }
}

/// A JSON string without its quotes, for messages.
fn unquoted(json: &str) -> &str {
    json.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(json)
}

/// Whether a text is a JSON object, without members that are there twice.
pub(crate) fn check_object(json: &str, string_values: bool) -> Result<(), String> {
    let object: Object = serde_json::from_str(json).map_err(|error| {
        let what = if string_values { "a JSON object with texts as values" } else { "a JSON object" };
        format!("{}; expected {what}", message(&error))
    })?;
    if string_values && object.other_values {
        return Err("a value is no text; expected a JSON object with texts as values".to_owned());
    }
    Ok(())
}

struct Object {
    other_values: bool,
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut names = std::collections::BTreeSet::new();
        let mut other_values = false;
        while let Some(Name(name)) = map.next_key::<Name<'de>>()? {
            let value: &'de RawValue = map.next_value()?;
            other_values |= !value.get().starts_with('"');
            if let Some(twice) = names.replace(name) {
                return Err(serde::de::Error::custom(format_args!("member {twice:?} is there twice")));
            }
        }
        Ok(Object { other_values })
    }
}
