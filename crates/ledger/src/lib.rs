//! The domain of enterprise billing, pure: identifiers, scopes, datasets, the fields of a charge and
//! the one question every API generation asks.
//!
//! Nothing here does I/O, knows HTTP, SQL or files, or computes with binary floating point.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod applied;
mod balance;
pub mod billing;
mod charge_type;
mod cost_sum;
mod dataset;
mod field;
mod filter;
mod generation;
mod held_days;
mod hierarchy;
mod holding;
pub mod identities;
mod ids;
mod place;
mod query;
pub mod reservations;
mod scope;
mod selection;
mod sheet;

pub use applied::{AppliedAccount, AppliedDepartment, AppliedHierarchy, AppliedSubscription, HierarchyError, Since};
pub use balance::{
    Amount, BalanceAmount, BalanceDetail, BalanceSummary, BalanceVerdict, BrokenIdentity, HeldRun, judge_balance,
};
pub use charge_type::{ChargeType, PricingModel};
pub use cost_sum::CostSum;
pub use dataset::{Dataset, UnknownDataset};
pub use field::{Field, FieldKind, UnknownField};
pub use filter::{ChargeFilter, Comparison, Condition, DayBounds};
pub use generation::{Generation, PublisherType, Visibility};
pub use held_days::{
    CalendarView, Charged, DayCountsView, DayState, DaySums, DayView, GapView, HeldCalendar, HeldMonth, HeldRange,
    HeldSource, HoldingView, MonthView, PeriodGap, RangeView, Series, SeriesFilter, SeriesView, SumView, calendars,
};
pub use hierarchy::{
    GENERATED_COUNT, GENERATED_FIRST, Hierarchy, IdOrigin, NameKind, NamedId, Node, is_generated_form, names_without_id,
};
pub use holding::{Coverage, Held, HeldAnswer, Holding, HoldingConflict, Publishers, RunTime, Unit, judge, source_key};
pub use ids::{EnrollmentId, IdError, SubscriptionId, segment_after};
pub use place::Place;
pub use query::{ChargeQuery, Window};
pub use scope::{Scope, ScopeError, Sharing};
pub use selection::{AccountName, Selection, Share, Tenure, UNASSIGNED, comparable};
pub use sheet::{Grain, SheetKind, SheetUnit, UnknownGrain};
