//! The address of the next page: that of the request itself, with the token in it. Clients re-encode it, so everything
//! that could be read in two ways is encoded.

use axum::http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Query;
use crate::address::BaseUrl;

/// Name of the parameter that holds the token.
pub(crate) const SKIP_TOKEN: &str = "$skiptoken";
/// What a parameter cannot hold as it is. The dollar sign stays: clients look for `$skiptoken`.
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'$');

/// The absolute address of the page that `token` leads to.
pub(crate) fn next_link(base: &BaseUrl, parts: &Parts, query: &Query, token: &str) -> String {
    let mut link = format!("{}{}", base.server(), parts.uri.path());
    let own = query.pairs().filter(|(name, _)| !name.eq_ignore_ascii_case(SKIP_TOKEN));
    for (index, (name, value)) in own.chain([(SKIP_TOKEN, token)]).enumerate() {
        link.push(if index == 0 { '?' } else { '&' });
        link.extend(utf8_percent_encode(name, IN_QUERY));
        link.push('=');
        link.extend(utf8_percent_encode(value, IN_QUERY));
    }
    link
}
