//! Which names a resource's filter knows (contract `consumption-api.md` section 3).
//!
//! A dialect is a table, so that another resource is another table and not another parser: what differs between
//! resources is the names, whether they need the prefix, and what they mean.

use ledger::Field;

/// The prefix of a name that lies in an envelope's `properties`.
const PREFIX: &str = "properties/";

/// The names that a resource's filter knows.
#[derive(Debug)]
pub struct Dialect {
    prefix: Prefix,
    /// Whether values may stand without quotes.
    pub(super) bare_values: bool,
    names: &'static [Name],
}

/// Whether the prefix `properties/` may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Prefix {
    Required,
    Optional,
}

/// A name that a filter may use, in its right form.
#[derive(Debug)]
pub(super) struct Name {
    pub(super) text: &'static str,
    pub(super) meaning: Meaning,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The first or last moment of the row's day.
    Moment(Edge),
    /// A bound of the days that are asked for, which `eq` names too.
    Bound(Edge),
    /// A text cell.
    Text(Field),
    /// The row's tags.
    Tags,
}

/// A moment of a row's day: a row of usage details covers its whole day (contract section 3, "Comparison semantics").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    /// `usageStart`: 00:00:00Z.
    Start,
    /// `usageEnd`: 23:59:59Z.
    End,
}

/// How a word names a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Naming {
    /// In the right form.
    Right(&'static Name),
    /// Without the prefix that this dialect needs.
    Unprefixed(&'static Name),
    /// Not at all.
    Unknown,
}

const fn name(text: &'static str, meaning: Meaning) -> Name {
    Name { text, meaning }
}

/// Every name that some version of usage details documents. All versions take all of them: where two versions name the
/// same cell differently, both names mean it.
static USAGE_DETAILS_NAMES: [Name; 11] = [
    name("properties/usageStart", Meaning::Moment(Edge::Start)),
    name("properties/usageEnd", Meaning::Moment(Edge::End)),
    name("properties/resourceGroup", Meaning::Text(Field::ResourceGroup)),
    name("properties/resourceName", Meaning::Text(Field::ResourceName)),
    name("properties/resourceId", Meaning::Text(Field::ResourceId)),
    name("properties/instanceName", Meaning::Text(Field::ResourceName)),
    name("properties/instanceId", Meaning::Text(Field::ResourceId)),
    name("properties/chargeType", Meaning::Text(Field::ChargeType)),
    name("properties/reservationId", Meaning::Text(Field::ReservationId)),
    name("properties/publisherType", Meaning::Text(Field::PublisherType)),
    name("tags", Meaning::Tags),
];

static USAGE_DETAILS: Dialect = Dialect { prefix: Prefix::Required, bare_values: false, names: &USAGE_DETAILS_NAMES };

/// 2017-04-24-preview documents `usageEnd` alone, without the prefix.
static USAGE_DETAILS_FIRST_PREVIEW: Dialect =
    Dialect { prefix: Prefix::Optional, bare_values: false, names: &USAGE_DETAILS_NAMES };

/// The last day of a billing period: a day alone, whose moment is its first.
static BILLING_PERIODS_NAMES: [Name; 1] = [name("properties/billingPeriodEndDate", Meaning::Moment(Edge::Start))];

/// Clients write `billingPeriodEndDate gt 2017-02-01`.
static BILLING_PERIODS: Dialect =
    Dialect { prefix: Prefix::Optional, bare_values: true, names: &BILLING_PERIODS_NAMES };

/// Summaries of charges are asked for with `usageStart eq '2018-04-01' and usageEnd eq '2018-05-30'`.
static CHARGES_NAMES: [Name; 2] = [
    name("properties/usageStart", Meaning::Bound(Edge::Start)),
    name("properties/usageEnd", Meaning::Bound(Edge::End)),
];

static CHARGES: Dialect = Dialect { prefix: Prefix::Optional, bare_values: false, names: &CHARGES_NAMES };

/// Reservation details and summaries are asked for with `properties/UsageDate ge 2018-01-01`, without quotes.
static RESERVATION_USE_NAMES: [Name; 1] = [name("properties/usageDate", Meaning::Moment(Edge::Start))];

static RESERVATION_USE: Dialect =
    Dialect { prefix: Prefix::Optional, bare_values: true, names: &RESERVATION_USE_NAMES };

/// Reservation transactions are asked for with `properties/eventDate ge 2020-05-20`, without quotes.
static RESERVATION_EVENTS_NAMES: [Name; 1] = [name("properties/eventDate", Meaning::Moment(Edge::Start))];

static RESERVATION_EVENTS: Dialect =
    Dialect { prefix: Prefix::Optional, bare_values: true, names: &RESERVATION_EVENTS_NAMES };

impl Dialect {
    /// The filter of usage details at an API version (contract sections 1 and 3). A version that is not known has the
    /// dialect of the newest; refusing it is not the filter's task.
    pub fn usage_details(api_version: &str) -> &'static Dialect {
        if api_version.eq_ignore_ascii_case("2017-04-24-preview") {
            &USAGE_DETAILS_FIRST_PREVIEW
        } else {
            &USAGE_DETAILS
        }
    }

    /// The filter of billing periods (contract section 7): its bounds of days are those of a period's last day.
    pub fn billing_periods() -> &'static Dialect {
        &BILLING_PERIODS
    }

    /// The filter of summaries of charges (contract section 7).
    pub fn charges() -> &'static Dialect {
        &CHARGES
    }

    /// The filter of reservation details and summaries (contract section 7).
    pub fn reservation_use() -> &'static Dialect {
        &RESERVATION_USE
    }

    /// The filter of reservation transactions (contract section 7).
    pub fn reservation_events() -> &'static Dialect {
        &RESERVATION_EVENTS
    }

    /// What a word names; names compare without case.
    pub(super) fn find(&'static self, word: &str) -> Naming {
        for name in self.names {
            if name.text.eq_ignore_ascii_case(word) {
                return Naming::Right(name);
            }
            let bare = name.text.strip_prefix(PREFIX);
            if bare.is_some_and(|bare| bare.eq_ignore_ascii_case(word)) {
                return match self.prefix {
                    Prefix::Required => Naming::Unprefixed(name),
                    Prefix::Optional => Naming::Right(name),
                };
            }
        }
        Naming::Unknown
    }

    /// The known names, for a message.
    pub(super) fn names(&self) -> String {
        let names: Vec<_> = self.names.iter().map(|name| name.text).collect();
        names.join(", ")
    }
}
