//! One item of a page: from its members to cells.

use std::borrow::Cow;

use calendar::{BillingPeriod, Date};
use ledger::{Field, Publishers};
use serde_json::value::RawValue;

use super::json::{self, Member, Value};
use super::shape::{MARKETPLACE, Shape, foreign};
use crate::error::Excerpt;
use crate::extras;
use crate::records::{CELL_BYTES_MAX, RECORD_BYTES_MAX};
use crate::target::{CellReading, Slot, Target, last_segment};

/// The object in which Consumption items keep their facts.
pub(crate) const PROPERTIES: &str = "properties";
/// Its object of facts about the meter.
const METER_DETAILS: &str = "meterDetails";
/// The clock of a day's first and last second, after the fraction and the zone.
const DAY_STARTS: [&str; 2] = ["00:00:00", "00:00"];
const DAY_ENDS: [&str; 2] = ["23:59:59", "23:59"];
/// Digits of a billing period at the beginning of its name: `YYYYMM`.
const PERIOD_DIGITS: usize = 6;

/// A cell of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ItemCell<'j> {
    pub(crate) slot: Slot,
    /// Path of the member that it is from.
    pub(crate) path: String,
    pub(crate) text: Cow<'j, str>,
}

/// Why an item was not read.
#[derive(Debug)]
pub(crate) struct ItemFault {
    /// Path of the member at fault; `None` for the item itself.
    pub(crate) path: Option<String>,
    pub(crate) value: Option<Excerpt>,
    pub(crate) expected: String,
}

impl ItemFault {
    fn of(path: &str, value: &str, expected: impl Into<String>) -> Self {
        let value = (!value.is_empty()).then(|| Excerpt::of(value.as_bytes()));
        let path = (!path.is_empty()).then(|| path.to_owned());
        Self { path, value, expected: expected.into() }
    }
}

/// Reads an item. A blank cell is a member that is there and says nothing.
pub(crate) fn read_item(shape: Shape, item: &RawValue) -> Result<Vec<ItemCell<'_>>, ItemFault> {
    if item.get().len() > RECORD_BYTES_MAX {
        return Err(ItemFault::of("", item.get(), "the item is longer than 4 MiB"));
    }
    let members = json::members(item).map_err(|expected| ItemFault::of("", item.get(), expected))?;
    let mut reading = ItemReading { shape, cells: Vec::with_capacity(members.len() + 48) };
    match shape {
        Shape::EnterpriseReporting => {
            for member in &members {
                reading.take(&member.name, member.name.to_string(), member.value)?;
            }
        }
        Shape::MarketplaceCharges => reading.marketplace_charge(&members)?,
        Shape::ConsumptionUntil2019 | Shape::ConsumptionSince2019 | Shape::Marketplaces => {
            reading.consumption(&members)?;
        }
    }
    if shape.publishers() == Publishers::Marketplace {
        reading.push(Slot::Field(Field::PublisherType), "type", Cow::Borrowed(MARKETPLACE))?;
    }
    Ok(reading.cells)
}

struct ItemReading<'j> {
    shape: Shape,
    cells: Vec<ItemCell<'j>>,
}

impl<'j> ItemReading<'j> {
    fn consumption(&mut self, members: &[Member<'j>]) -> Result<(), ItemFault> {
        if let Some(expected) = foreign(members, Some(self.shape)) {
            return Err(ItemFault::of("", "", expected));
        }
        let mut id = None;
        for member in members {
            match member.name.as_ref() {
                "id" => id = Some(scalar("id", member.value)?),
                "type" | "kind" => {}
                "name" => {
                    let text = scalar("name", member.value)?;
                    self.push(Slot::Extra(extras::USAGE_DETAIL_NAME.to_owned()), "name", text)?;
                }
                PROPERTIES => self.properties(member.value)?,
                name => self.take(name, name.to_owned(), member.value)?,
            }
        }
        if self.has_usage_times() {
            self.subscription(id.as_deref())?;
        }
        Ok(())
    }

    /// Whether the day stands in `usageStart` and `usageEnd`, and the subscription perhaps in ids only.
    fn has_usage_times(&self) -> bool {
        matches!(self.shape, Shape::ConsumptionUntil2019 | Shape::Marketplaces)
    }

    fn marketplace_charge(&mut self, members: &[Member<'j>]) -> Result<(), ItemFault> {
        for member in members {
            match member.name.as_ref() {
                "id" => {
                    let id = scalar("id", member.value)?;
                    self.push(Slot::Extra(extras::CHARGE_ID.to_owned()), "id", id)?;
                }
                "usageStartDate" => {
                    let end = members.iter().find(|member| member.name == "usageEndDate").map(|end| end.value);
                    self.usage_times("usageStartDate", member.value, ("usageEndDate", end))?;
                }
                // Read together with the start.
                "usageEndDate" => {}
                name => self.take(name, name.to_owned(), member.value)?,
            }
        }
        Ok(())
    }

    fn properties(&mut self, properties: &'j RawValue) -> Result<(), ItemFault> {
        let members =
            json::members(properties).map_err(|expected| ItemFault::of(PROPERTIES, properties.get(), expected))?;
        for member in &members {
            let path = format!("{PROPERTIES}.{}", member.name);
            match member.name.as_ref() {
                METER_DETAILS if member.value.get() == "null" => {}
                METER_DETAILS => {
                    let details = json::members(member.value)
                        .map_err(|expected| ItemFault::of(&path, member.value.get(), expected))?;
                    for detail in &details {
                        let name = format!("{METER_DETAILS}.{}", detail.name);
                        self.take(&name, format!("{path}.{}", detail.name), detail.value)?;
                    }
                }
                "billingPeriodId" => self.billing_period(&path, member.value)?,
                "usageStart" if self.has_usage_times() => {
                    let end = members.iter().find(|member| member.name == "usageEnd").map(|end| end.value);
                    self.usage_times(&path, member.value, (&format!("{PROPERTIES}.usageEnd"), end))?;
                }
                // Read together with the start.
                "usageEnd" if self.has_usage_times() => {}
                name => self.take(name, path, member.value)?,
            }
        }
        Ok(())
    }

    /// The day of the usage. Begin and end are kept where they are not those of the day.
    fn usage_times(
        &mut self,
        path: &str,
        start: &'j RawValue,
        (end_path, end): (&str, Option<&'j RawValue>),
    ) -> Result<(), ItemFault> {
        let start = scalar(path, start)?;
        let day = day_of(&start);
        let is_day = day.is_some() && is_clock(&start, &DAY_STARTS);
        if !is_day && !start.is_empty() {
            self.push(Slot::Extra(extras::USAGE_START.to_owned()), path, start.clone())?;
        }
        if let Some(end) = end {
            let end = scalar(end_path, end)?;
            let end_day = day_of(&end);
            if !end.is_empty() && end_day.is_none() {
                return Err(ItemFault::of(end_path, &end, "expected a time in UTC such as 2018-02-01T23:59:59Z"));
            }
            if end_day.is_some() && !(end_day == day && is_clock(&end, &DAY_ENDS)) {
                self.push(Slot::Extra(extras::USAGE_END.to_owned()), end_path, end)?;
            }
        }
        self.push(Slot::Field(Field::Date), path, start)
    }

    /// The billing period is the first six digits of the last segment: `…/billingPeriods/20180201`.
    fn billing_period(&mut self, path: &str, id: &'j RawValue) -> Result<(), ItemFault> {
        let id = scalar(path, id)?;
        if id.is_empty() {
            return Ok(());
        }
        let name = last_segment(&id);
        let period = name.get(..PERIOD_DIGITS).and_then(|digits| BillingPeriod::parse(digits).ok());
        let Some(period) = period else {
            return Err(ItemFault::of(path, &id, "expected an id that ends in a billing period, YYYYMM"));
        };
        if name.len() != PERIOD_DIGITS {
            self.push(Slot::Extra(extras::BILLING_PERIOD_NAME.to_owned()), path, Cow::Owned(name.to_owned()))?;
        }
        for (field, day) in
            [(Field::BillingPeriodStartDate, period.first_day()), (Field::BillingPeriodEndDate, period.last_day())]
        {
            self.push(Slot::Field(field), path, Cow::Owned(day.to_string()))?;
        }
        Ok(())
    }

    /// The first versions say the subscription in ids only: in the item's own, else in the resource's.
    fn subscription(&mut self, id: Option<&str>) -> Result<(), ItemFault> {
        let filled =
            |slot: Field| self.cells.iter().find(|cell| cell.slot == Slot::Field(slot) && !cell.text.is_empty());
        if filled(Field::SubscriptionId).is_some() {
            return Ok(());
        }
        let resource = filled(Field::ResourceId).map(|cell| (cell.path.clone(), cell.text.clone()));
        let own = id.map(|id| ("id".to_owned(), Cow::Borrowed(id)));
        for (path, id) in own.into_iter().chain(resource) {
            if let Some(subscription) = subscription_in(&id) {
                return self.push(Slot::Field(Field::SubscriptionId), &path, Cow::Owned(subscription.to_owned()));
            }
        }
        Ok(())
    }

    fn take(&mut self, name: &str, path: String, value: &'j RawValue) -> Result<(), ItemFault> {
        let target = match self.shape {
            Shape::EnterpriseReporting | Shape::MarketplaceCharges => {
                Target::of_enterprise_reporting(&name.to_ascii_lowercase(), name)
            }
            Shape::ConsumptionUntil2019 | Shape::ConsumptionSince2019 | Shape::Marketplaces => {
                Target::of_consumption(name)
            }
        };
        // Tags and further facts are JSON themselves; so may be a member that nobody knows.
        let is_json = match &target.slot {
            Slot::Field(field) => matches!(field, Field::Tags | Field::AdditionalInfo),
            Slot::Extra(kept) => kept == name && target.reading == CellReading::AsIs,
        };
        let text = match json::value(value).map_err(|expected| ItemFault::of(&path, value.get(), expected))? {
            Value::Composite(text) if is_json => Cow::Borrowed(text),
            Value::Composite(text) => return Err(ItemFault::of(&path, text, NOT_SCALAR)),
            scalar => as_cell(scalar),
        };
        self.push(target.slot, &path, target.reading.apply(text))
    }

    fn push(&mut self, slot: Slot, path: &str, text: Cow<'j, str>) -> Result<(), ItemFault> {
        if text.len() > CELL_BYTES_MAX {
            return Err(ItemFault::of(path, &text, "the value is longer than 1 MiB"));
        }
        if path.is_empty() || path.ends_with('.') {
            return Err(ItemFault::of("", "", "a member has no name"));
        }
        if let Some(first) = self.cells.iter_mut().find(|cell| cell.slot == slot) {
            // Marketplace charges have it under two names.
            let is_said_again = slot == Slot::Field(Field::AdditionalInfo) && first.text == text;
            return if text.is_empty() || is_said_again {
                Ok(())
            } else if first.text.is_empty() {
                *first = ItemCell { slot, path: path.to_owned(), text };
                Ok(())
            } else {
                let expected = format!("{} and {path} mean the same; expected one of them", first.path);
                Err(ItemFault::of(path, &text, expected))
            };
        }
        self.cells.push(ItemCell { slot, path: path.to_owned(), text });
        Ok(())
    }
}

const NOT_SCALAR: &str = "expected a text, a number, true, false or null";

fn scalar<'j>(path: &str, value: &'j RawValue) -> Result<Cow<'j, str>, ItemFault> {
    match json::value(value).map_err(|expected| ItemFault::of(path, value.get(), expected))? {
        Value::Composite(text) => Err(ItemFault::of(path, text, NOT_SCALAR)),
        scalar => Ok(as_cell(scalar)),
    }
}

fn as_cell(value: Value<'_>) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::Text(text) => text,
        Value::Number(text) | Value::Composite(text) => Cow::Borrowed(text),
        Value::Boolean(true) => Cow::Borrowed("true"),
        Value::Boolean(false) => Cow::Borrowed("false"),
    }
}

fn day_of(time: &str) -> Option<Date> {
    Date::parse_any(time.as_bytes()).ok()
}

/// Whether a time, known to be one of UTC, has one of these clocks; zeros of a fraction do not count.
fn is_clock(time: &str, clocks: &[&str]) -> bool {
    let Some((_, clock)) = time.split_once('T') else { return *clocks == DAY_STARTS };
    let clock = clock.strip_suffix('Z').or_else(|| clock.strip_suffix("+00:00")).unwrap_or(clock);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    clocks.contains(&clock) && fraction.bytes().all(|digit| digit == b'0')
}

fn subscription_in(id: &str) -> Option<&str> {
    let mut segments = id.trim_start_matches('/').split('/');
    let is_subscription = segments.next()?.eq_ignore_ascii_case("subscriptions");
    segments.next().filter(|segment| is_subscription && !segment.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(shape: Shape, json: &str) -> Result<Vec<(Slot, String)>, ItemFault> {
        let item: Box<RawValue> = serde_json::from_str(json).unwrap();
        let cells = read_item(shape, &item)?;
        Ok(cells.into_iter().map(|cell| (cell.slot, cell.text.into_owned())).collect())
    }

    fn cell(shape: Shape, json: &str, slot: &Slot) -> Option<String> {
        cells(shape, json).unwrap().into_iter().find(|(own, _)| own == slot).map(|(_, text)| text)
    }

    fn extra(name: &str) -> Slot {
        Slot::Extra(name.to_owned())
    }

    const OLD: Shape = Shape::ConsumptionUntil2019;

    #[test]
    fn days_are_days_and_other_times_are_kept() {
        let kept = |start: &str, end: &str| {
            let json = format!(r#"{{"properties":{{"usageStart":"{start}","usageEnd":"{end}"}}}}"#);
            (
                cell(OLD, &json, &extra(extras::USAGE_START)).is_some(),
                cell(OLD, &json, &extra(extras::USAGE_END)).is_some(),
            )
        };
        assert_eq!(kept("2018-02-01T00:00:00.0000000Z", "2018-02-01T23:59:59.0000000Z"), (false, false));
        assert_eq!(kept("2018-02-01T00:00:00Z", "2018-02-01T23:59:59Z"), (false, false));
        assert_eq!(kept("2018-02-01", ""), (false, false));
        assert_eq!(kept("2018-02-01T13:00:00Z", "2018-02-01T23:59:59Z"), (true, false));
        assert_eq!(kept("2018-02-01T00:00:00Z", "2018-02-02T00:00:00Z"), (false, true));
        assert_eq!(kept("2018-02-01T00:00:00Z", "2018-02-02T23:59:59Z"), (false, true));
        assert_eq!(kept("2018-02-01T00:00:00Z", "2018-02-01T23:59:59.5Z"), (false, true));
        assert_eq!(kept("2018-02-01T00:00:00Z", "2018-02-01"), (false, true));
        let fault = cells(OLD, r#"{"properties":{"usageStart":"2018-02-01","usageEnd":"soon"}}"#).unwrap_err();
        assert_eq!(fault.path.as_deref(), Some("properties.usageEnd"));
    }

    #[test]
    fn the_billing_period_is_the_first_six_digits_of_its_id() {
        let of = |id: &str| {
            let json = format!(r#"{{"properties":{{"billingPeriodId":"{id}"}}}}"#);
            let start = cell(OLD, &json, &Slot::Field(Field::BillingPeriodStartDate)).unwrap();
            let end = cell(OLD, &json, &Slot::Field(Field::BillingPeriodEndDate)).unwrap();
            (start, end, cell(OLD, &json, &extra(extras::BILLING_PERIOD_NAME)))
        };
        let february = |name: Option<&str>| ("2018-02-01".into(), "2018-02-28".into(), name.map(str::to_owned));
        assert_eq!(
            of("subscriptions/x/providers/Microsoft.Billing/billingPeriods/20180201"),
            february(Some("20180201"))
        );
        assert_eq!(of("/x/billingPeriods/201802"), february(None));
        assert_eq!(of("201802-1"), february(Some("201802-1")));
        for bad in ["x/billingPeriods/soon", "201813", "20180", "\u{e9}\u{e9}\u{e9}\u{e9}"] {
            assert!(cells(OLD, &format!(r#"{{"properties":{{"billingPeriodId":"{bad}"}}}}"#)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_subscription_that_only_ids_name_is_found() {
        let of = |id: &str, more: &str| {
            let json = format!(r#"{{"id":"{id}","properties":{{{more}}}}}"#);
            cell(OLD, &json, &Slot::Field(Field::SubscriptionId))
        };
        assert_eq!(of("/subscriptions/a/providers/x", r#""subscriptionGuid":"b""#).as_deref(), Some("b"));
        assert_eq!(of("/subscriptions/a/providers/x", "").as_deref(), Some("a"));
        assert_eq!(of("/providers/x/1", r#""instanceId":"/Subscriptions/c/resourceGroups/d""#).as_deref(), Some("c"));
        assert_eq!(of("/providers/x/1", ""), None);
    }

    #[test]
    fn tags_and_further_facts_are_kept_as_json_or_text() {
        let tags = |json: &str| cell(OLD, &format!(r#"{{"tags":{json}}}"#), &Slot::Field(Field::Tags)).unwrap();
        assert_eq!(tags(r#"{ "a" : "b" }"#), r#"{ "a" : "b" }"#);
        assert_eq!((tags("[]").as_str(), tags("null").as_str()), ("[]", ""));
        let of_2017 = r#"{"properties":{"additionalProperties":{"a":1.50}}}"#;
        assert_eq!(cell(OLD, of_2017, &Slot::Field(Field::AdditionalInfo)).unwrap(), r#"{"a":1.50}"#);
        let later = r#"{"properties":{"additionalProperties":"{\"a\":1.50}"}}"#;
        assert_eq!(cell(OLD, later, &Slot::Field(Field::AdditionalInfo)).unwrap(), r#"{"a":1.50}"#);
        let reporting = r#"{"tags":"{  \"a\": \"b\"}"}"#;
        let tags = cell(Shape::EnterpriseReporting, reporting, &Slot::Field(Field::Tags));
        assert_eq!(tags.unwrap(), r#"{  "a": "b"}"#);
    }

    #[test]
    fn marketplace_charges_say_whose_they_are() {
        let consumption = r#"{"type":"Microsoft.Consumption/marketPlaces","properties":{"usageStart":"2018-01-28T00:00:00Z",
            "usageEnd":"2018-01-29T00:00:00Z","offerName":"o","orderNumber":"7","isRecurringCharge":true}}"#;
        let reporting = r#"{"id":"x","usageStartDate":"2018-01-28T00:00:00","usageEndDate":"2018-01-29T00:00:00",
            "offerName":"o","orderNumber":"7","isRecurringCharge":true,"extendedCost":1}"#;
        for (shape, json) in [(Shape::Marketplaces, consumption), (Shape::MarketplaceCharges, reporting)] {
            let of = |slot| cell(shape, json, &slot).unwrap_or_default();
            assert_eq!(of(Slot::Field(Field::PublisherType)), "Marketplace");
            assert!(of(Slot::Field(Field::Date)).starts_with("2018-01-28"));
            assert!(of(extra(extras::USAGE_END)).starts_with("2018-01-29"));
            assert_eq!(
                (of(extra(extras::OFFER_NAME)), of(Slot::Field(Field::ProductOrderId))),
                ("o".into(), "7".into())
            );
            assert_eq!(of(extra(extras::IS_RECURRING_CHARGE)), "True");
        }
        assert_eq!(cell(Shape::MarketplaceCharges, reporting, &extra(extras::CHARGE_ID)).unwrap(), "x");
    }

    #[test]
    fn members_that_nobody_knows_keep_their_name_and_json() {
        let json = r#"{"extra":true,"properties":{"new":[1.0],"meterDetails":{"more":1e3}}}"#;
        assert_eq!(cell(OLD, json, &extra("extra")).unwrap(), "true");
        assert_eq!(cell(OLD, json, &extra("new")).unwrap(), "[1.0]");
        assert_eq!(cell(OLD, json, &extra("meterDetails.more")).unwrap(), "1e3");
    }

    #[test]
    fn faults_name_the_member() {
        let cases = [
            (r#"{"properties":{"product":{"a":1}}}"#, Some("properties.product"), "expected a text"),
            (r#"{"properties":{"pretaxCost":1,"cost":2}}"#, Some("properties.cost"), "properties.pretaxCost and"),
            (r#"{"properties":{"a":1,"a":1}}"#, Some("properties"), "occurs twice"),
            (r#"{"properties":[]}"#, Some("properties"), "expected an object"),
            (r#"{"properties":{"meterDetails":"x"}}"#, Some("properties.meterDetails"), "expected an object"),
            (r#"{"kind":"modern"}"#, None, "Microsoft Customer Agreement"),
            (r#"{"type":"Microsoft.Consumption/budgets"}"#, None, "expected \"Microsoft.Consumption/usageDetails\""),
            (r#"{"":1}"#, None, "no name"),
            (r#"{"properties":{"":1}}"#, None, "no name"),
        ];
        for (json, path, expected) in cases {
            let fault = cells(OLD, json).unwrap_err();
            assert_eq!(fault.path.as_deref(), path, "{json}");
            assert!(fault.expected.contains(expected), "{json}: {}", fault.expected);
        }
        // The earliest preview has both, and nothing says which of them is the charge.
        let fault = cells(Shape::EnterpriseReporting, r#"{"cost":1,"extendedCost":2}"#).unwrap_err();
        assert!(fault.expected.contains("cost and extendedCost mean the same"), "{}", fault.expected);
    }
}
