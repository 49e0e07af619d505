//! The JSON of a balance summary: a resource of Azure Resource Manager (`{"id", "name", "properties": {…}}`), an object of
//! the Enterprise Reporting API, a list of either, or an ARM list (`{"value": […]}`).
//!
//! A member that is given twice is refused: of two amounts nobody knows which one is meant.

use std::collections::BTreeSet;

use ledger::{Amount, BalanceAmount, BalanceDetail};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Fault, Members, Place, StatedBalance, content_of, currency, id};
use crate::error::InputError;

/// The resource type of a balance summary.
const TYPE: &str = "Microsoft.Consumption/balances";
const A_BALANCE: &str = "expected a balance summary: a resource Microsoft.Consumption/balances, an object of the Enterprise \
                         Reporting API, or a list of them";

/// Reads a whole text.
pub(super) fn read(file: &str, text: &[u8]) -> Result<Vec<StatedBalance>, InputError> {
    let refused = |line: usize, character: usize, reason: String| InputError::Json {
        file: file.to_owned(),
        line: line as u64,
        character: character as u64,
        reason,
    };
    let text = std::str::from_utf8(text).map_err(|error| {
        let before = &text[..error.valid_up_to()];
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        let line = 1 + memchr::memchr_iter(b'\n', before).count();
        refused(line, 1 + before.len() - line_start, "the text is not UTF-8".to_owned())
    })?;
    let whole: &RawValue = serde_json::from_str(text)
        .map_err(|error: serde_json::Error| refused(error.line(), error.column(), error.to_string()))?;
    let mut found = Vec::new();
    for (path, item) in items(whole).map_err(|fault| fault.at(file, &Place::default()))? {
        let place = Place { line: Some(line_of(text, item)), path };
        found.push(summary(item, place.clone()).map_err(|fault| fault.at(file, &place))?);
    }
    Ok(found)
}

/// The line on which a part of a text begins.
fn line_of(text: &str, part: &RawValue) -> u64 {
    let offset = part.get().as_ptr().addr().saturating_sub(text.as_ptr().addr());
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    1 + memchr::memchr_iter(b'\n', before).count() as u64
}

/// The summaries of a text, each with its path.
fn items(whole: &RawValue) -> Result<Vec<(String, &RawValue)>, Fault> {
    let list = if is_list(whole) { Some(("", whole)) } else { None };
    let list = match list {
        Some(list) => Some(list),
        None => Object::of("", whole)?.get("value").filter(|value| is_list(value)).map(|value| ("value", value)),
    };
    let Some((name, list)) = list else { return Ok(vec![(String::new(), whole)]) };
    let list: Vec<&RawValue> = serde_json::from_str(list.get()).map_err(|_| Fault::new(name, "", A_BALANCE))?;
    Ok(list.into_iter().enumerate().map(|(at, item)| (format!("{name}[{at}]."), item)).collect())
}

fn is_list(value: &RawValue) -> bool {
    value.get().starts_with('[')
}

fn summary(item: &RawValue, place: Place) -> Result<StatedBalance, Fault> {
    let resource = Object::of("", item)?;
    let properties = resource.get("properties").map(|own| Object::of("properties.", own)).transpose()?;
    let own = properties.as_ref().unwrap_or(&resource);
    if let Some(kind) = resource.text("type")?
        && !kind.eq_ignore_ascii_case(TYPE)
    {
        return Err(Fault::new("type", &kind, A_BALANCE));
    }
    let members = members(&resource, own)?;
    if members.amounts.is_empty() {
        return Err(Fault::new("", item.get(), A_BALANCE));
    }
    let id = resource.text("id")?.unwrap_or_default();
    let (enrollment, of_id) = id::parts("id", &id)?;
    let stated = own.text_or_number("billingPeriodId")?.map(|text| id::period("billingPeriodId", &text)).transpose()?;
    if let (Some(of_id), Some(stated)) = (of_id, stated)
        && of_id != stated
    {
        let expected = format!("the id says {of_id}; expected the same billing period");
        return Err(Fault::new("billingPeriodId", &stated.to_string(), expected));
    }
    let mut codes = Vec::new();
    for name in ["currency", "currencyCode"] {
        codes.extend(own.text(name)?.map(|text| currency(name, &text)).transpose()?.flatten());
    }
    if codes.first() != codes.last() {
        return Err(Fault::new(
            "currencyCode",
            own.get("currencyCode").map_or("", RawValue::get),
            "expected the currency",
        ));
    }
    Ok(StatedBalance {
        enrollment,
        period: of_id.or(stated),
        currency: codes.first().copied(),
        content: content_of(item.get().as_bytes()),
        place,
        members,
    })
}

fn members(resource: &Object<'_>, own: &Object<'_>) -> Result<Members, Fault> {
    let mut members = Members {
        billing_frequency: own.text("billingFrequency")?,
        price_hidden: own.boolean("priceHidden")?,
        new_purchases_details: details(own, "newPurchasesDetails")?,
        adjustment_details: details(own, "adjustmentDetails")?,
        name: resource.text("name")?,
        ..Members::default()
    };
    for which in BalanceAmount::ALL {
        if let Some(amount) = own.number(which.name())? {
            members.amounts.insert(which, amount);
        }
    }
    Ok(members)
}

fn details(own: &Object<'_>, name: &str) -> Result<Option<Vec<BalanceDetail>>, Fault> {
    own.get(name).map(|list| read_details(&format!("{}{name}", own.path), list)).transpose()
}

/// A list of names and values.
pub(super) fn read_details(path: &str, list: &RawValue) -> Result<Vec<BalanceDetail>, Fault> {
    let expected = r#"expected a list such as [{"name": "Promo Credit", "value": 1.1}]"#;
    let list: Vec<&RawValue> = serde_json::from_str(list.get()).map_err(|_| Fault::new(path, list.get(), expected))?;
    let mut details = Vec::with_capacity(list.len());
    for (at, item) in list.into_iter().enumerate() {
        let item = Object::of(&format!("{path}[{at}]."), item)?;
        // Published samples have a blank name.
        details.push(BalanceDetail { name: item.read("name", "expected a text")?, value: item.number("value")? });
    }
    Ok(details)
}

/// The members of an object, none of them twice. Members that are null are not there.
struct Object<'a> {
    path: String,
    members: Vec<(String, &'a RawValue)>,
}

impl<'a> Object<'a> {
    fn of(path: &str, value: &'a RawValue) -> Result<Self, Fault> {
        let Entries(members) = serde_json::from_str(value.get()).map_err(|error: serde_json::Error| {
            let reason = if value.get().starts_with('{') { error.to_string() } else { A_BALANCE.to_owned() };
            Fault::new(path.trim_end_matches('.'), value.get(), reason)
        })?;
        Ok(Self { path: path.to_owned(), members })
    }

    fn get(&self, name: &str) -> Option<&'a RawValue> {
        let found = self.members.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
        found.filter(|value| value.get() != "null")
    }

    fn refused(&self, name: &str, value: &RawValue, expected: impl Into<String>) -> Fault {
        Fault::new(&format!("{}{name}", self.path), value.get(), expected)
    }

    fn read<T: Deserialize<'a>>(&self, name: &str, expected: &str) -> Result<Option<T>, Fault> {
        let Some(value) = self.get(name) else { return Ok(None) };
        serde_json::from_str(value.get()).map(Some).map_err(|_| self.refused(name, value, expected))
    }

    /// A text; a blank one is not there.
    fn text(&self, name: &str) -> Result<Option<String>, Fault> {
        Ok(self.read::<String>(name, "expected a text")?.filter(|text| !text.trim().is_empty()))
    }

    fn boolean(&self, name: &str) -> Result<Option<bool>, Fault> {
        self.read(name, "expected true or false")
    }

    fn text_or_number(&self, name: &str) -> Result<Option<String>, Fault> {
        match self.get(name) {
            Some(value) if is_number(value) => Ok(Some(value.get().to_owned())),
            _ => self.text(name),
        }
    }

    fn number(&self, name: &str) -> Result<Option<Amount>, Fault> {
        let Some(value) = self.get(name) else { return Ok(None) };
        if !is_number(value) {
            return Err(self.refused(name, value, "expected a number"));
        }
        Amount::parse(value.get()).map(Some).map_err(|error| self.refused(name, value, error.to_string()))
    }
}

fn is_number(value: &RawValue) -> bool {
    value.get().starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

/// The members of an object as they come.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let (mut members, mut names) = (Vec::new(), BTreeSet::new());
                while let Some((name, value)) = access.next_entry::<String, &'de RawValue>()? {
                    if !names.insert(name.clone()) {
                        let name: String = name.chars().take(80).collect();
                        return Err(A::Error::custom(format!("the member {name:?} is given twice")));
                    }
                    members.push((name, value));
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(MembersVisitor).map(Self)
    }
}
