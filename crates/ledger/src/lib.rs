//! The domain of enterprise billing, pure: identifiers, scopes, datasets, the fields of a charge and
//! the one question every API generation asks.
//!
//! Nothing here does I/O, knows HTTP, SQL or files, or computes with binary floating point.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod charge_type;
mod dataset;
mod field;
mod holding;
mod ids;
mod query;
mod scope;

pub use charge_type::{ChargeType, PricingModel};
pub use dataset::{Dataset, UnknownDataset};
pub use field::{Field, FieldKind};
pub use holding::{Coverage, Held, Holding, HoldingConflict, RunTime, Unit, judge};
pub use ids::{EnrollmentId, IdError, SubscriptionId};
pub use query::{ChargeQuery, Visibility, Window};
pub use scope::{Scope, ScopeError};
