//! The members of rows: their names in the newest API, and what a row of each kind must say.

use ledger::{EnrollmentId, SheetKind};
use money::{Decimal, Limits};

use super::RowKind;
use crate::error::{Excerpt, RowFault, RowPlace};
use crate::json::{is_json_number, push_plain};

/// A member that rows may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SheetMember {
    /// Its name in JSON.
    pub name: &'static str,
    /// Its name in files; blank for one that no file has.
    pub column: &'static str,
    /// Whether it is a number.
    pub is_number: bool,
}

const fn text(name: &'static str, column: &'static str) -> SheetMember {
    SheetMember { name, column, is_number: false }
}

const fn number(name: &'static str, column: &'static str) -> SheetMember {
    SheetMember { name, column, is_number: true }
}

/// Prices, in the order of the file (version 2023-05-01), then what only answers have.
static PRICES: [SheetMember; 24] = [
    text("enrollmentNumber", "EnrollmentNumber"),
    text("meterId", "MeterID"),
    text("meterName", "MeterName"),
    text("meterType", "MeterType"),
    text("meterCategory", "MeterCategory"),
    text("meterSubCategory", "MeterSubCategory"),
    text("serviceFamily", "ServiceFamily"),
    text("product", "Product"),
    text("skuId", "SkuID"),
    text("productId", "ProductID"),
    text("meterRegion", "MeterRegion"),
    text("unitOfMeasure", "UnitOfMeasure"),
    text("partNumber", "PartNumber"),
    text("effectiveStartDate", "EffectiveStartDate"),
    text("effectiveEndDate", "EffectiveEndDate"),
    number("unitPrice", "UnitPrice"),
    number("basePrice", "BasePrice"),
    number("marketPrice", "MarketPrice"),
    text("currencyCode", "CurrencyCode"),
    number("includedQuantity", "IncludedQuantity"),
    text("offerId", "OfferID"),
    text("term", "Term"),
    text("priceType", "PriceType"),
    text("billingPeriodId", ""),
];

/// Reservation details, in the order of the file (version 2023-03-01).
static DETAILS: [SheetMember; 11] = [
    text("instanceFlexibilityGroup", "InstanceFlexibilityGroup"),
    text("instanceFlexibilityRatio", "InstanceFlexibilityRatio"),
    text("instanceId", "InstanceId"),
    text("kind", "Kind"),
    text("reservationOrderId", "ReservationOrderId"),
    text("reservationId", "ReservationId"),
    number("reservedHours", "ReservedHours"),
    text("skuName", "SkuName"),
    number("totalReservedQuantity", "TotalReservedQuantity"),
    text("usageDate", "UsageDate"),
    number("usedHours", "UsedHours"),
];

/// Reservation summaries; no file has them.
static SUMMARIES: [SheetMember; 15] = [
    text("reservationOrderId", ""),
    text("reservationId", ""),
    text("skuName", ""),
    text("kind", ""),
    number("reservedHours", ""),
    text("usageDate", ""),
    number("usedHours", ""),
    number("minUtilizationPercentage", ""),
    number("avgUtilizationPercentage", ""),
    number("maxUtilizationPercentage", ""),
    number("purchasedQuantity", ""),
    number("remainingQuantity", ""),
    number("totalReservedQuantity", ""),
    number("usedQuantity", ""),
    number("utilizedPercentage", ""),
];

/// Reservation transactions, in the order of the file (version 2023-05-01).
static TRANSACTIONS: [SheetMember; 23] = [
    text("accountName", "AccountName"),
    text("accountOwnerEmail", "AccountOwnerEmail"),
    number("amount", "Amount"),
    text("armSkuName", "ArmSkuName"),
    text("billingFrequency", "BillingFrequency"),
    number("billingMonth", "BillingMonth"),
    text("costCenter", "CostCenter"),
    text("currency", "Currency"),
    text("currentEnrollment", "CurrentEnrollmentId"),
    text("departmentName", "DepartmentName"),
    text("description", "Description"),
    text("eventDate", "EventDate"),
    text("eventType", "EventType"),
    number("monetaryCommitment", "MonetaryCommitment"),
    number("overage", "Overage"),
    text("purchasingSubscriptionGuid", "PurchasingSubscriptionGuid"),
    text("purchasingSubscriptionName", "PurchasingSubscriptionName"),
    text("purchasingEnrollment", "PurchasingEnrollment"),
    number("quantity", "Quantity"),
    text("region", "Region"),
    text("reservationOrderId", "ReservationOrderId"),
    text("reservationOrderName", "ReservationOrderName"),
    text("term", "Term"),
];

/// The members of a kind, those with a column in the order of its file.
pub fn sheet_columns(kind: SheetKind) -> &'static [SheetMember] {
    match kind {
        SheetKind::Prices => &PRICES,
        SheetKind::ReservationDetails => &DETAILS,
        SheetKind::DailySummaries | SheetKind::MonthlySummaries => &SUMMARIES,
        SheetKind::ReservationTransactions => &TRANSACTIONS,
    }
}

impl RowKind {
    pub(super) fn members(self) -> &'static [SheetMember] {
        match self {
            Self::Prices => &PRICES,
            Self::Details => &DETAILS,
            Self::Summaries => &SUMMARIES,
            Self::Transactions => &TRANSACTIONS,
        }
    }

    /// Without these a row has no meaning.
    pub(super) fn required(self) -> &'static [&'static str] {
        match self {
            Self::Prices => &["unitOfMeasure", "unitPrice"],
            Self::Details => &["reservationOrderId", "reservationId", "usageDate", "instanceId", "usedHours"],
            Self::Summaries => &["reservationOrderId", "reservationId", "usageDate", "reservedHours", "usedHours"],
            Self::Transactions => &["eventDate", "eventType", "reservationOrderId", "amount"],
        }
    }

    /// The kind of a row that has these members.
    pub(super) fn of(has: impl Fn(&str) -> bool) -> Option<Self> {
        if has("unitPrice") && has("unitOfMeasure") && !has("usedHours") {
            return Some(Self::Prices);
        }
        if has("usedHours") && has("instanceId") {
            return Some(Self::Details);
        }
        if has("usedHours") && has("reservedHours") {
            return Some(Self::Summaries);
        }
        (has("eventType") && has("amount") && has("reservationOrderId")).then_some(Self::Transactions)
    }

    /// The name under which a member is kept: that of the newest API, whatever the capitals.
    pub(super) fn known(self, name: &str) -> Option<&'static SheetMember> {
        self.members().iter().find(|member| member.name.eq_ignore_ascii_case(name))
    }
}

/// A row: names and JSON values, in the order of the source. A text that is blank and a value that is null are not known.
#[derive(Debug, Default)]
pub(super) struct Row {
    members: Vec<(String, String)>,
}

impl Row {
    /// Adds a member; `false` if it is there already.
    pub(super) fn push(&mut self, name: &str, json: &str) -> bool {
        if self.members.iter().any(|(known, _)| known == name) {
            return false;
        }
        self.members.push((name.to_owned(), json.to_owned()));
        true
    }

    /// Adds a text as a member.
    pub(super) fn push_text(&mut self, name: &str, text: &str) -> bool {
        self.push(name, &serde_json::Value::from(text).to_string())
    }

    /// Adds a number that a file spells, in the spelling of JSON. What is none stays a text, which the check refuses.
    pub(super) fn push_number(&mut self, name: &str, text: &str) -> bool {
        if is_json_number(text) {
            return self.push(name, text);
        }
        if Decimal::parse(text.as_bytes(), Limits::COST).is_err() {
            return self.push_text(name, text);
        }
        let mut plain = Vec::new();
        push_plain(text, &mut plain);
        self.push(name, &String::from_utf8_lossy(&plain))
    }

    /// A member as text: a JSON text without its quotes, a number as it is spelled; blank where it is not known.
    pub(super) fn text(&self, name: &str) -> String {
        match self.members.iter().find(|(known, _)| known == name) {
            None => String::new(),
            Some((_, json)) if json == "null" => String::new(),
            Some((_, json)) if json.starts_with('"') => serde_json::from_str(json).unwrap_or_default(),
            Some((_, json)) => json.clone(),
        }
    }

    /// The enrollment that the row names: in a column, or in an id. The error is a cell that is none.
    pub(super) fn enrollment(&self) -> Result<Option<EnrollmentId>, String> {
        let column = self.text("enrollmentNumber");
        if !column.is_empty() {
            return EnrollmentId::parse(&column).map(Some).map_err(|_| column);
        }
        Ok(["@id", "billingPeriodId"].into_iter().find_map(|id| self.enrollment_in(id)))
    }

    /// The enrollment that a path names.
    fn enrollment_in(&self, member: &str) -> Option<EnrollmentId> {
        let id = self.text(member);
        let mut segments = id.split('/');
        segments.find(|segment| {
            segment.eq_ignore_ascii_case("billingAccounts") || segment.eq_ignore_ascii_case("enrollments")
        })?;
        segments.next().and_then(|number| EnrollmentId::parse(number).ok())
    }

    /// Refuses a row that lacks what every row of its kind says, or says it in another form.
    pub(super) fn check(&self, kind: RowKind, place: RowPlace) -> Result<(), RowFault> {
        let fault = |name: &str, value: &str, expected: &str| RowFault {
            place,
            column: Some(name.to_owned()),
            value: (!value.is_empty()).then(|| Excerpt::of(value.as_bytes())),
            expected: expected.to_owned(),
        };
        for name in kind.required() {
            if self.text(name).is_empty() {
                return Err(fault(name, "", "expected a value"));
            }
        }
        for (name, json) in &self.members {
            let Some(member) = kind.known(name) else { continue };
            let is_text = json.starts_with('"') || json == "null";
            let is_number = || Decimal::parse(json.as_bytes(), Limits::COST).is_ok() || json == "null";
            match member.is_number {
                true if !is_number() => return Err(fault(name, json, "expected a number")),
                false if !is_text => return Err(fault(name, json, "expected a text")),
                _ => {}
            }
        }
        Ok(())
    }

    /// What no other row of its unit has.
    pub(super) fn key(&self, kind: SheetKind) -> String {
        let names: &[&str] = match kind {
            SheetKind::Prices => &[
                "meterId",
                "partNumber",
                "unitOfMeasure",
                "offerId",
                "priceType",
                "term",
                "currencyCode",
                "skuId",
                "productId",
            ],
            SheetKind::ReservationDetails => &["instanceId", "skuName"],
            SheetKind::DailySummaries | SheetKind::MonthlySummaries => &["skuName", "kind"],
            SheetKind::ReservationTransactions => return self.to_json(),
        };
        names.iter().map(|name| self.text(name).to_ascii_lowercase()).collect::<Vec<_>>().join("\n")
    }

    /// The row as one JSON object.
    pub(super) fn to_json(&self) -> String {
        let mut json = String::from("{");
        for (index, (name, value)) in self.members.iter().enumerate() {
            if index > 0 {
                json.push(',');
            }
            json.push_str(&serde_json::Value::from(name.as_str()).to_string());
            json.push(':');
            json.push_str(value);
        }
        json.push('}');
        json
    }
}
