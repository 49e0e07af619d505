//! Absolute addresses of this server (DESIGN 4.11): `public_url`, else the host that the request named, with forwarded
//! headers from trusted proxies only. Handlers make no addresses themselves.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::arm::ApiError;
use crate::state::ApiSettings;

/// What a path cannot hold as it is; slashes stay.
const IN_PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@').remove(b':');
/// Longest host name with port; a DNS name has 253 characters.
const HOST_BYTES_MAX: usize = 260;

/// How the client reached a listener; an extension that each listener adds to its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Plain.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn read(text: &str) -> Option<Self> {
        [Self::Http, Self::Https].into_iter().find(|scheme| scheme.as_str().eq_ignore_ascii_case(text.trim()))
    }
}

/// Where clients reach this server, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    text: String,
    host: String,
}

/// A text that is no address of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an address for clients; expected one such as https://billing.example.com")]
pub struct PublicUrlError {
    /// The refused text, cut to a printable length.
    pub text: String,
}

impl PublicUrl {
    /// The host name or IP address in it, without brackets and port.
    pub fn host(&self) -> &str {
        &self.host
    }
}

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, PublicUrlError> {
        let refused = || PublicUrlError { text: text.chars().take(80).collect() };
        let (scheme, rest) = text.trim().split_once("://").ok_or_else(refused)?;
        let scheme = Scheme::read(scheme).ok_or_else(refused)?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        if !is_host(host) || !path.bytes().all(plain) {
            return Err(refused());
        }
        let text = format!("{}://{host}/{path}", scheme.as_str()).trim_end_matches('/').to_owned();
        Ok(Self { text, host: without_port(host).to_owned() })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The beginning of every absolute address in an answer.
#[derive(Debug, Clone)]
pub(crate) struct BaseUrl(String);

impl BaseUrl {
    /// The address under which the client asked.
    pub(crate) fn of(settings: &ApiSettings, parts: &Parts) -> Result<Self, ApiError> {
        if let Some(public) = &settings.public_url {
            return Ok(Self(public.to_string()));
        }
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        let trusted = peer.is_some_and(|peer| settings.trusted_proxies.trust(peer));
        let forwarded = |name| if trusted { first_of_list(&parts.headers, name) } else { None };
        let listener = parts.extensions.get::<Scheme>().copied().unwrap_or(Scheme::Http);
        let scheme = forwarded("x-forwarded-proto").and_then(Scheme::read).unwrap_or(listener);
        let host = match forwarded("x-forwarded-host") {
            Some(host) => Some(host),
            None => host_of_request(parts),
        };
        let host = host.filter(|host| is_host(host)).ok_or_else(|| {
            ApiError::BadRequest("The Host header is missing or is not the name of a host.".to_owned())
        })?;
        Ok(Self(format!("{}://{host}", scheme.as_str())))
    }

    /// The address of an operation of a scope, whose resource type is `kind`.
    pub(crate) fn operation(&self, scope: &str, kind: &str, id: &str, api_version: &str) -> String {
        let scope = utf8_percent_encode(scope, IN_PATH);
        format!("{}/{scope}/providers/{kind}/{id}?api-version={api_version}", self.0)
    }

    /// The address of a blob, given its signed link.
    pub(crate) fn blob(&self, link: &str) -> String {
        format!("{}/reports/{link}", self.0)
    }

    /// The server itself, without a slash at the end.
    pub(crate) fn server(&self) -> &str {
        &self.0
    }

    /// The server as the audience of tokens.
    pub(crate) fn audience(&self) -> String {
        format!("{}/", self.0)
    }

    /// The host name or IP address, without brackets and port.
    pub(crate) fn host(&self) -> &str {
        let host = self.0.split_once("://").map_or(self.0.as_str(), |(_, rest)| rest);
        without_port(host.split('/').next().unwrap_or(host))
    }

    /// Where clients of a tenant log in.
    pub(crate) fn tenant(&self, tenant: &str) -> String {
        format!("{}/{tenant}", self.0)
    }
}

fn host_of_request(parts: &Parts) -> Option<&str> {
    if let Some(authority) = parts.uri.authority() {
        return Some(authority.as_str());
    }
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        _ => None,
    }
}

/// The entry that the proxy nearest to the client made.
fn first_of_list<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let list = headers.get(name)?.to_str().ok()?;
    list.split(',').next().map(str::trim).filter(|entry| !entry.is_empty())
}

/// Whether a text is a host with an optional port, fit to stand in an address that we give out.
fn is_host(text: &str) -> bool {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (text, None),
    };
    let port_fits = port.is_none_or(|port| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    let name_fits = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
    };
    text.len() <= HOST_BYTES_MAX && port_fits && name_fits
}

fn without_port(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((address, _)) => address,
        None => host.split_once(':').map_or(host, |(name, _)| name),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;
    use crate::proxies::TrustedProxies;

    #[test]
    fn hosts_are_names_or_addresses_with_an_optional_port() {
        for host in ["localhost", "localhost:8443", "127.0.0.1:1", "[::1]", "[::1]:8443", "a-b_c.example."] {
            assert!(is_host(host), "{host:?}");
        }
        for host in
            ["", ":1", "a b", "a:b", "a:", "a:0", "a:70000", "user@a", "a/b", "::1", "[::1", "[x]", "a?b", "a\"b"]
        {
            assert!(!is_host(host), "{host:?}");
        }
    }

    #[test]
    fn a_public_url_is_read() {
        let url: PublicUrl = " HTTPS://Billing.Example.com:8443/ea/ ".parse().unwrap();
        assert_eq!(
            (url.to_string().as_str(), url.host()),
            ("https://Billing.Example.com:8443/ea", "Billing.Example.com")
        );
        assert_eq!("http://[::1]:80".parse::<PublicUrl>().unwrap().host(), "::1");
        for text in ["", "billing.example.com", "ftp://a", "https://", "https://a?b", "https://u@a", "https://a/b c"] {
            assert!(text.parse::<PublicUrl>().is_err(), "{text:?}");
        }
    }

    fn base(settings: &ApiSettings, headers: &[(&str, &str)]) -> Option<String> {
        let mut request = Request::builder().uri("/x").extension(Scheme::Https);
        request = request.extension(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 5000))));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        BaseUrl::of(settings, &parts).ok().map(|base| base.0)
    }

    #[test]
    fn forwarded_headers_count_from_trusted_proxies_only() {
        let forwarded = [("host", "inner:8443"), ("x-forwarded-host", "outer, x"), ("x-forwarded-proto", "http")];
        let mut settings = ApiSettings::default();
        assert_eq!(base(&settings, &forwarded).as_deref(), Some("https://inner:8443"));
        settings.trusted_proxies = TrustedProxies::new(vec!["10.0.0.0/24".parse().unwrap()]);
        assert_eq!(base(&settings, &forwarded).as_deref(), Some("http://outer"));
        assert_eq!(base(&settings, &forwarded[..1]).as_deref(), Some("https://inner:8443"));
        settings.public_url = Some("https://billing.example".parse().unwrap());
        assert_eq!(base(&settings, &forwarded).as_deref(), Some("https://billing.example"));
    }

    #[test]
    fn the_host_of_an_address_has_neither_port_nor_path() {
        for (text, host) in [
            ("https://box.example:8443", "box.example"),
            ("http://[::1]:80", "::1"),
            ("https://billing.example/ea/costs", "billing.example"),
        ] {
            assert_eq!(BaseUrl(text.to_owned()).host(), host);
        }
    }

    #[test]
    fn a_host_that_is_none_is_refused() {
        let settings = ApiSettings::default();
        for headers in [&[][..], &[("host", "a b")], &[("host", "a"), ("host", "b")], &[("host", "x@y")]] {
            assert_eq!(base(&settings, headers), None, "{headers:?}");
        }
    }
}
