//! Conventions of Azure Resource Manager that every API generation shares (contract `arm-conventions.md`): paths and
//! query parameters without regard to case, api-versions, bearer credentials, common headers, error bodies.

mod body;
mod credential;
mod error;
mod etag;
mod headers;
mod next_link;
mod path;
mod period;
mod query;
mod version;

pub(crate) use body::{Format, drain, read_body};
pub(crate) use credential::{authenticate, parse_scope, permit, permit_prices, refused};
pub(crate) use error::{ApiError, ErrorShape, LoginError, excerpt};
pub(crate) use etag::{Tag, tagged, tagged_text};
pub(crate) use headers::{add_common_headers, json};
pub(crate) use next_link::{SKIP_TOKEN, next_link};
pub(crate) use path::segments;
pub(crate) use period::{billing_period, day, split_period};
pub(crate) use query::{Query, decode_parameter};
pub(crate) use version::{api_version, api_version_from};
