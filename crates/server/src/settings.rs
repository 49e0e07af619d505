//! Settings: defaults, below a TOML file, below `LAZURITE_*` environment variables, below the command line.

use std::fmt::Display;
use std::net::{SocketAddr, ToSocketAddrs};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use access::IssuerSettings;
use api::{ApiSettings, Network, TrustedProxies};
use figment::Figment;
use figment::error::Kind;
use figment::providers::{Env, Format, Serialized, Toml};
use formats::Layout;
use reports::{ReportSettings, SegmentSettings};
use rustls::pki_types::ServerName;
use serde::{Deserialize, Deserializer, Serialize};

use crate::billing_clock::BillSwitch;
use crate::error::ServerError;
use crate::tls::TlsFiles;

/// Environment variables begin with it.
const ENVIRONMENT_PREFIX: &str = "LAZURITE_";
/// Variables with the prefix that are no settings: the program's commands read them.
const PROGRAM_VARIABLES: [&str; 6] = ["config", "crash_at", "log", "log_format", "key", "server"];
/// A worker keeps a core busy; nobody has more of them to spare.
const WORKERS_MAX: usize = 256;
/// Connections of a large office; the usual limit of open files is 1024 or more.
const CONNECTIONS_DEFAULT: usize = 1024;
/// Beyond any limit of open files.
const CONNECTIONS_MAX: usize = 1 << 20;
/// A renewed certificate is there weeks before the old one ends; a minute is for people who wait for it.
const TLS_LOOK: Duration = Duration::from_secs(60);
/// A signed link needs no other credential, so it does not live for ever: a week.
const LINK_LIFE_S_MAX: u64 = 7 * 24 * 60 * 60;

/// How long usage is waited for after a batch came in, before it is billed: a minute makes one run of many batches.
const BILL_AFTER_S_DEFAULT: u64 = 60;
/// A day; the refreshes bill in between anyway.
const BILL_AFTER_S_MAX: u64 = 24 * 60 * 60;
/// Some two million records as NDJSON. What is longer is sent in several batches.
const USAGE_BYTES_DEFAULT: u64 = 512 << 20;

/// How a store is served.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Data folder.
    pub data: PathBuf,
    /// Address for HTTP.
    pub listen: SocketAddr,
    /// Address for HTTPS.
    pub listen_tls: SocketAddr,
    /// Names of the server certificate beyond localhost and the host of the public URL.
    pub tls_names: Vec<String>,
    /// OpenID Connect issuers whose tokens are accepted.
    pub issuers: Vec<IssuerSettings>,
    /// The owner's certificate; `None` makes one from the store's own authority.
    pub tls_files: Option<TlsFiles>,
    /// How often the owner's certificate is looked at for changes.
    pub tls_look: Duration,
    /// Most connections at once, over both addresses.
    pub connections_max: usize,
    /// Whether `/metrics` is answered.
    pub metrics: bool,
    /// Whether the server bills native enrollments by itself.
    pub bill: BillSwitch,
    /// How long more usage is waited for before what came in is billed.
    pub bill_after: Duration,
    /// Longest batch of usage over HTTP, without compression, in bytes.
    pub usage_bytes_max: u64,
    /// How reports are made.
    pub reports: ReportSettings,
    /// How requests are answered.
    pub api: ApiSettings,
}

/// What the command line says; `None` leaves a setting to the environment, the file or its default. The names are those
/// of the TOML keys and, in upper case behind `LAZURITE_`, of the environment variables.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Overrides {
    /// Data folder; default `./lazurite-data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// Address for HTTP; default `127.0.0.1:8080`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,
    /// Address for HTTPS; default `127.0.0.1:8443`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen_tls: Option<String>,
    /// Where clients reach this server; default: the host that each request names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Addresses or ranges of reverse proxies whose forwarded headers are believed; default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_proxies: Option<Vec<String>>,
    /// Seconds in the `Retry-After` of a running report; default 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// Largest file of a report, in bytes; default 1 GiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob_bytes_max: Option<u64>,
    /// Seconds for which a link is good; default 3600.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_life: Option<u64>,
    /// Reports written at once; default 1. With 0 another process writes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<usize>,
    /// Threads that write a report; default one per core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report_threads: Option<NonZeroUsize>,
    /// Most bytes of finished report text that are kept for the next report; default 4 GiB, 0 keeps none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment_bytes_max: Option<u64>,
    /// Columns of reports that ask for none; default `ea_2024_08_01`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
    /// Whether the limits of the original apply; default false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emulate: Option<bool>,
    /// Whether a list without rows is a 204 where the original's version says so; default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_content: Option<bool>,
    /// Whether answers are compressed for clients that accept it; default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compress: Option<bool>,
    /// `system`, `latest-held` or `fixed INSTANT`; default `system`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<String>,
    /// Names of the server certificate beyond localhost and the host of the public URL; default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_names: Option<Vec<String>>,
    /// The owner's certificate chain, PEM, the server's own certificate first; default: the store's own authority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_certificate: Option<PathBuf>,
    /// The key of the owner's certificate, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_key: Option<PathBuf>,
    /// Most connections at once; default 1024.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections_max: Option<usize>,
    /// Whether `/metrics` is answered; default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<bool>,
    /// `auto`, `on` or `off`; default `auto`: native enrollments are billed if the clock is `system`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bill: Option<String>,
    /// Seconds that more usage is waited for before what came in is billed; default 60.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bill_after: Option<u64>,
    /// Longest batch of usage over HTTP, without compression, in bytes; default 512 MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage_bytes_max: Option<u64>,
}

/// All settings as text and numbers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    data: PathBuf,
    listen: String,
    listen_tls: String,
    public_url: Option<String>,
    #[serde(deserialize_with = "list")]
    trusted_proxies: Vec<String>,
    retry_after: u32,
    blob_bytes_max: u64,
    link_life: u64,
    workers: usize,
    report_threads: NonZeroUsize,
    segment_bytes_max: u64,
    layout: String,
    #[serde(deserialize_with = "figment::util::bool_from_str_or_int")]
    emulate: bool,
    #[serde(deserialize_with = "figment::util::bool_from_str_or_int")]
    no_content: bool,
    #[serde(deserialize_with = "figment::util::bool_from_str_or_int")]
    compress: bool,
    clock: String,
    #[serde(deserialize_with = "list")]
    tls_names: Vec<String>,
    issuers: Vec<IssuerSettings>,
    tls_certificate: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    connections_max: usize,
    #[serde(deserialize_with = "figment::util::bool_from_str_or_int")]
    metrics: bool,
    bill: String,
    bill_after: u64,
    usage_bytes_max: u64,
}

impl Default for Raw {
    fn default() -> Self {
        let (reports, api) = (ReportSettings::default(), ApiSettings::default());
        Self {
            data: "./lazurite-data".into(),
            listen: "127.0.0.1:8080".into(),
            listen_tls: "127.0.0.1:8443".into(),
            public_url: None,
            trusted_proxies: Vec::new(),
            retry_after: api.retry_after_s,
            blob_bytes_max: reports.blob_bytes_max,
            link_life: reports.link_life.as_secs(),
            workers: reports.workers,
            report_threads: reports.threads,
            segment_bytes_max: SegmentSettings::default().bytes_max,
            layout: api.default_layout.name().into(),
            emulate: api.emulate,
            no_content: api.no_content,
            compress: api.compress,
            clock: api.clock.to_string(),
            tls_names: Vec::new(),
            issuers: Vec::new(),
            tls_certificate: None,
            tls_key: None,
            connections_max: CONNECTIONS_DEFAULT,
            metrics: true,
            bill: BillSwitch::default().to_string(),
            bill_after: BILL_AFTER_S_DEFAULT,
            usage_bytes_max: USAGE_BYTES_DEFAULT,
        }
    }
}

/// A list, or its entries in one text with commas between them, as an environment variable has it.
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum List {
        Entries(Vec<String>),
        Text(String),
    }
    let entries = match List::deserialize(deserializer)? {
        List::Entries(entries) => entries,
        List::Text(text) => text.split(',').map(|entry| entry.trim().to_owned()).collect(),
    };
    Ok(entries.into_iter().filter(|entry| !entry.is_empty()).collect())
}

impl Settings {
    /// Reads the settings. Unknown keys of the file are refused by name. Unknown environment variables are only warned
    /// about: other commands and scripts use the prefix too.
    pub fn load(config: Option<&Path>, overrides: &Overrides) -> Result<Self, ServerError> {
        let mut figment = Figment::from(Serialized::defaults(Raw::default()));
        if let Some(path) = config {
            if !path.is_file() {
                return Err(wrong(format!("the configuration file {} is not there", path.display())));
            }
            figment = figment.merge(Toml::file_exact(path));
        }
        let known = Raw::KEYS;
        for (name, _) in Env::prefixed(ENVIRONMENT_PREFIX).iter() {
            if !known.contains(&name.as_str()) && !PROGRAM_VARIABLES.contains(&name.as_str()) {
                tracing::warn!(
                    "the environment variable {ENVIRONMENT_PREFIX}{} is no setting",
                    name.as_str().to_uppercase()
                );
            }
        }
        let figment =
            figment.merge(Env::prefixed(ENVIRONMENT_PREFIX).only(known)).merge(Serialized::defaults(overrides));
        figment.extract::<Raw>().map_err(explain)?.check()
    }
}

impl Raw {
    const KEYS: &[&str] = &[
        "data",
        "listen",
        "listen_tls",
        "public_url",
        "trusted_proxies",
        "retry_after",
        "blob_bytes_max",
        "link_life",
        "workers",
        "report_threads",
        "segment_bytes_max",
        "layout",
        "emulate",
        "no_content",
        "compress",
        "clock",
        "tls_names",
        "issuers",
        "tls_certificate",
        "tls_key",
        "connections_max",
        "metrics",
        "bill",
        "bill_after",
        "usage_bytes_max",
    ];

    fn check(self) -> Result<Settings, ServerError> {
        let proxies: Vec<Network> =
            self.trusted_proxies.iter().map(|entry| read("trusted_proxies", entry)).collect::<Result<_, _>>()?;
        if self.workers > WORKERS_MAX {
            return Err(wrong(format!("workers: {} is more than {WORKERS_MAX}", self.workers)));
        }
        if self.report_threads.get() > WORKERS_MAX {
            return Err(wrong(format!("report_threads: {} is more than {WORKERS_MAX}", self.report_threads)));
        }
        if self.blob_bytes_max == 0 {
            return Err(wrong("blob_bytes_max: a file cannot have 0 bytes".to_owned()));
        }
        if self.link_life == 0 || self.link_life > LINK_LIFE_S_MAX {
            return Err(wrong(format!("link_life: expected 1 to {LINK_LIFE_S_MAX} seconds, not {}", self.link_life)));
        }
        if let Some(name) = self.tls_names.iter().find(|name| !is_server_name(name)) {
            return Err(wrong(format!("tls_names: {name:?} is neither a host name nor an address")));
        }
        for issuer in &self.issuers {
            issuer.check().map_err(|error| wrong(format!("issuers: {error}")))?;
        }
        if self.connections_max == 0 || self.connections_max > CONNECTIONS_MAX {
            let reason = format!("connections_max: expected 1 to {CONNECTIONS_MAX}, not {}", self.connections_max);
            return Err(wrong(reason));
        }
        if self.bill_after > BILL_AFTER_S_MAX {
            return Err(wrong(format!(
                "bill_after: expected 0 to {BILL_AFTER_S_MAX} seconds, not {}",
                self.bill_after
            )));
        }
        if self.usage_bytes_max == 0 {
            return Err(wrong("usage_bytes_max: a batch cannot have 0 bytes".to_owned()));
        }
        let tls_files = match (self.tls_certificate, self.tls_key) {
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
            (None, None) => None,
            (Some(_), None) => return Err(wrong("tls_certificate needs tls_key, the file of its key".to_owned())),
            (None, Some(_)) => return Err(wrong("tls_key needs tls_certificate, the file of its chain".to_owned())),
        };
        Ok(Settings {
            data: self.data,
            listen: address("listen", &self.listen)?,
            listen_tls: address("listen_tls", &self.listen_tls)?,
            tls_names: self.tls_names,
            issuers: self.issuers,
            tls_files,
            tls_look: TLS_LOOK,
            connections_max: self.connections_max,
            metrics: self.metrics,
            bill: read("bill", &self.bill)?,
            bill_after: Duration::from_secs(self.bill_after),
            usage_bytes_max: self.usage_bytes_max,
            reports: ReportSettings {
                blob_bytes_max: self.blob_bytes_max,
                link_life: Duration::from_secs(self.link_life),
                workers: self.workers,
                threads: self.report_threads,
                segments: (self.segment_bytes_max > 0).then_some(SegmentSettings { bytes_max: self.segment_bytes_max }),
                ..ReportSettings::default()
            },
            api: ApiSettings {
                public_url: self.public_url.as_deref().map(|url| read("public_url", url)).transpose()?,
                trusted_proxies: TrustedProxies::new(proxies),
                retry_after_s: self.retry_after,
                default_layout: read::<Layout>("layout", &self.layout)?,
                emulate: self.emulate,
                no_content: self.no_content,
                compress: self.compress,
                clock: read("clock", &self.clock)?,
            },
        })
    }
}

fn wrong(reason: String) -> ServerError {
    ServerError::Setting { reason }
}

fn read<T: FromStr<Err: Display>>(key: &str, text: &str) -> Result<T, ServerError> {
    text.parse().map_err(|error| wrong(format!("{key}: {error}")))
}

/// Whether a certificate can name it.
fn is_server_name(name: &str) -> bool {
    ServerName::try_from(name.strip_prefix("*.").unwrap_or(name)).is_ok()
}

/// An address and a port, or a name that resolves to one, such as `localhost:8080`.
fn address(key: &str, text: &str) -> Result<SocketAddr, ServerError> {
    let found = text.to_socket_addrs().ok().and_then(|mut found| found.next());
    found.ok_or_else(|| wrong(format!("{key}: {text:?} is not an address with a port such as 127.0.0.1:8080")))
}

fn explain(error: figment::Error) -> ServerError {
    match &error.kind {
        Kind::UnknownField(key, _) => {
            let file = error.metadata.as_ref().and_then(|metadata| metadata.source.as_ref());
            let place = file.map(|file| format!(" in {file}")).unwrap_or_default();
            wrong(format!("the setting {key:?}{place} is unknown; known settings are {}", Raw::KEYS.join(", ")))
        }
        _ => wrong(format!("cannot read the settings: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn load(toml: &str, overrides: &Overrides) -> Result<Settings, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(toml.as_bytes()).unwrap();
        Settings::load(Some(file.path()), overrides).map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_line_wins_over_the_file_and_the_file_over_the_defaults() {
        let toml = r#"
            retry_after = 7
            link_life = 60
            clock = "fixed 2023-09-15T00:00:00Z"
            trusted_proxies = ["10.0.0.0/8"]
            tls_names = "box, 10.0.0.7"
        "#;
        let overrides = Overrides { retry_after: Some(0), emulate: Some(true), ..Overrides::default() };
        let settings = load(toml, &overrides).unwrap();
        assert_eq!(settings.api.retry_after_s, 0);
        assert!(settings.api.emulate);
        assert_eq!(settings.reports.link_life, Duration::from_secs(60));
        assert_eq!(settings.api.clock.to_string(), "fixed 2023-09-15T00:00:00Z");
        assert_eq!(settings.tls_names, ["box", "10.0.0.7"]);
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(settings.listen_tls.to_string(), "127.0.0.1:8443");
    }

    #[test]
    fn wrong_settings_are_named() {
        let cases = [
            ("lisen = \"1\"", "the setting \"lisen\" in "),
            ("[api]\nretry_after = 1", "\"api\""),
            ("listen = \"8080\"", "listen: "),
            ("layout = \"x\"", "layout: "),
            ("clock = \"x\"", "clock: "),
            ("public_url = \"example.com\"", "public_url: "),
            ("trusted_proxies = [\"x\"]", "trusted_proxies: "),
            ("retry_after = -1", "retry_after"),
            ("retry_after = \"x\"", "retry_after"),
            ("link_life = 0", "link_life: "),
            ("blob_bytes_max = 0", "blob_bytes_max: "),
            ("workers = 1000", "workers: "),
            ("tls_names = [\"a b\"]", "tls_names: "),
            ("tls_key = \"key.pem\"", "tls_key needs tls_certificate"),
            ("tls_certificate = \"chain.pem\"", "tls_certificate needs tls_key"),
            ("connections_max = 0", "connections_max: "),
            ("connections_max = 10000000", "connections_max: "),
            ("metrics = \"x\"", "metrics"),
            ("bill = \"sometimes\"", "bill: "),
            ("bill_after = 100000", "bill_after: "),
            ("usage_bytes_max = 0", "usage_bytes_max: "),
            ("tls_names = [\"*.example\", \"x/\"]", "\"x/\""),
            ("listen", "cannot read the settings"),
        ];
        for (toml, expected) in cases {
            let message = load(toml, &Overrides::default()).unwrap_err();
            assert!(message.contains(expected), "{toml}: {message}");
        }
        let missing = Settings::load(Some(Path::new("/nowhere.toml")), &Overrides::default());
        assert!(missing.unwrap_err().to_string().contains("/nowhere.toml"));
    }

    #[test]
    fn every_setting_has_its_key() {
        let keys = serde_json::to_value(Raw::default()).unwrap();
        let keys: Vec<&String> = keys.as_object().unwrap().keys().collect();
        assert_eq!(keys, Raw::KEYS);
    }
}
