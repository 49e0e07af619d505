//! Where in the hierarchy a row belongs, as its own cells say.

use serde::{Deserialize, Serialize};

use crate::Field;

/// What a row says about its department, account and subscription (DESIGN 4.6). Unknown parts are `None`; the texts are
/// those of the cells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// Department id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub department_id: Option<String>,
    /// Department name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub department_name: Option<String>,
    /// Enrollment account id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account_id: Option<String>,
    /// Enrollment account name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account_name: Option<String>,
    /// Account owner.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account_owner: Option<String>,
    /// Subscription id as spelled.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subscription_id: Option<String>,
    /// Subscription name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subscription_name: Option<String>,
}

impl Place {
    /// The fields that make a place, in the order of [`Place::parts`].
    pub const FIELDS: [Field; 7] = [
        Field::InvoiceSectionId,
        Field::InvoiceSectionName,
        Field::AccountId,
        Field::AccountName,
        Field::AccountOwnerId,
        Field::SubscriptionId,
        Field::SubscriptionName,
    ];

    /// The cells, in the order of [`Place::FIELDS`].
    pub fn parts(&self) -> [Option<&str>; 7] {
        [
            self.department_id.as_deref(),
            self.department_name.as_deref(),
            self.account_id.as_deref(),
            self.account_name.as_deref(),
            self.account_owner.as_deref(),
            self.subscription_id.as_deref(),
            self.subscription_name.as_deref(),
        ]
    }

    /// The place that these cells name; blank text stands for unknown.
    pub fn from_parts(parts: [Option<&str>; 7]) -> Self {
        let [
            department_id,
            department_name,
            account_id,
            account_name,
            account_owner,
            subscription_id,
            subscription_name,
        ] = parts.map(|part| part.filter(|part| !part.trim().is_empty()).map(str::to_owned));
        Self {
            department_id,
            department_name,
            account_id,
            account_name,
            account_owner,
            subscription_id,
            subscription_name,
        }
    }
}
