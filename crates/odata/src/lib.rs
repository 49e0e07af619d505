//! The query options of the Consumption API (contract `consumption-api.md` sections 2 and 3): `$filter`, `$apply`,
//! `$expand`, `$top` and `$skiptoken`, from their decoded text to types of the domain.
//!
//! Everything here is a pure function of a text whose percent signs and plus signs were decoded before. It promises to
//! end without panic for every text, in time that grows with the text's length at most, and to refuse texts beyond a
//! stated length. What is refused is named with the 1-based position of the character at fault. It knows no HTTP, no
//! store and no clock.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod apply;
mod expand;
pub mod filter;
mod option_error;
mod skip_token;
mod token;
mod top;

pub use apply::Grouping;
pub use expand::Expansion;
pub use filter::{Dialect, FilterError, FilterProblem, Ignored, ParsedFilter, Strictness};
pub use option_error::{OptionError, OptionProblem, QueryOption};
pub use skip_token::{PageToken, SECRET_BYTES, TOKEN_BYTES_MAX, TokenError};
pub use top::{PAGE_ROWS_MAX, PageSize};

/// The longest text of an option that is read, in bytes. The longest filter seen in public code has about 300; gateways
/// cut request lines at 8 to 16 KiB.
pub const OPTION_BYTES_MAX: usize = 8192;
