//! What an operator can set: one struct, filled from the built-in values, then a TOML file, then the environment, then
//! the few flags of the command line. docs/OPERATING.md lists every key.

mod audit;
mod endpoint;
mod environment;
mod scheme;
mod scrub;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use strongroom_model::name::Region;

pub(crate) use audit::Audit;
pub(crate) use endpoint::Endpoint;
pub(crate) use scheme::DefaultScheme;
pub(crate) use scrub::Scrub;

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// The data folder; made on first start.
    pub(crate) data: PathBuf,
    /// The server's region: where buckets are that ask for no location, and what generated clients sign for.
    pub(crate) region: String,
    /// Host names under which `bucket.<domain>` addresses a bucket.
    pub(crate) domains: Vec<String>,
    /// Whether locations and signing regions other than `region` are refused.
    pub(crate) strict_region: bool,
    /// Where to listen.
    pub(crate) listen: Listen,
    /// How objects are sealed that nobody said anything about.
    pub(crate) encryption: Encryption,
    /// What may travel over plain HTTP.
    pub(crate) transport: Transport,
    /// The certificate to show.
    pub(crate) tls: Tls,
    /// Bounds of this process.
    pub(crate) limits: Limits,
    /// When everything that is stored is looked at.
    pub(crate) scrub: Scrub,
    /// The trail of who used which key for what.
    pub(crate) audit: Audit,
    /// What the log says and how.
    pub(crate) log: Log,
    /// The catalog's engine; none is the embedded one inside the data folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kv: Option<strongroom_store::kv::Config>,
    /// The key service; none is the embedded one, its root key in a file of the data folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kms: Option<strongroom_store::kms::Config>,
    /// The blob store; none is the local one inside the data folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) blobs: Option<strongroom_store::blobs::Config>,
}

/// `[listen]`: an address and port each, or `off`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Listen {
    /// The three dialects over plain HTTP.
    pub(crate) http: Endpoint,
    /// The three dialects over TLS.
    pub(crate) https: Endpoint,
    /// Admin API, metrics, health.
    pub(crate) admin: Endpoint,
    /// The key service's three dialects, with or without TLS.
    pub(crate) kms: Endpoint,
}

/// `[encryption]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Encryption {
    /// What applies when neither the request nor the bucket says anything.
    pub(crate) default: DefaultScheme,
    /// The master key of `default = "kms"`, in any spelling; none is the account's default key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    /// Whether buckets made by a V4-signed S3 request start with the rule AES256, as on AWS.
    pub(crate) s3_always_on: bool,
}

/// `[transport]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Transport {
    /// When keys may not travel over plain HTTP.
    pub(crate) require_tls: RequireTls,
}

/// When a request that carries a key, or is answered with one, must come over TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RequireTls {
    /// Unless the peer is this host.
    #[default]
    Remote,
    /// Always.
    Always,
    /// Never: something in front ends TLS, or this is a laboratory.
    Never,
}

/// `[tls]`: both or neither; neither means the certificate made on first start.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Tls {
    /// PEM file with the server's certificate, followed by its chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<PathBuf>,
    /// PEM file with its private key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<PathBuf>,
}

/// `[limits]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    /// Connections open at once, over all listeners; one more waits until another ends.
    pub(crate) connections: usize,
    /// Seconds in which a connection must deliver a whole request head, idle time since its last answer included.
    pub(crate) head_seconds: u64,
    /// Seconds for which a client may neither send nor take a byte of a body.
    pub(crate) stall_seconds: u64,
    /// Seconds after which a copy, or the completion of an upload, is answered before it has ended, where the dialect knows of that.
    pub(crate) late_seconds: u64,
    /// Seconds that requests under way get to finish when the server stops.
    pub(crate) drain_seconds: u64,
}

/// `[log]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Log {
    /// Which lines: a level, or directives as `info,strongroom=debug`.
    pub(crate) filter: String,
    /// In which form.
    pub(crate) format: LogFormat,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON document a line.
    Json,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error(
        "cannot read the configuration file {path}: {source}; name an existing file with --config, or leave it out"
    )]
    Unreadable { path: PathBuf, source: std::io::Error },
    /// The file is no TOML.
    #[error("{path} is not TOML: {source}")]
    NotToml { path: PathBuf, source: Box<toml::de::Error> },
    /// A variable's name or value makes no sense.
    #[error("the environment variable {name} {problem}; its form is STRONGROOM__SECTION__FIELD=value")]
    Variable { name: String, problem: &'static str },
    /// A key is unknown or has a value of the wrong kind.
    #[error("configuration: {0}; docs/OPERATING.md lists the keys")]
    Schema(String),
    /// A value breaks a rule.
    #[error("configuration: {key} {problem}")]
    Value { key: &'static str, problem: &'static str },
}

impl Config {
    /// Reads `file`, if one is named, and `environment` over it, and `data` (the flag) over both.
    pub(crate) fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        data: Option<PathBuf>,
    ) -> Result<Self, ConfigError> {
        let text = match file {
            Some(path) => crate::files::read_text(path)
                .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?,
            None => String::new(),
        };
        let mut table: toml::Table = text.parse().map_err(|source| ConfigError::NotToml {
            path: file.unwrap_or(Path::new("the configuration")).to_owned(),
            source: Box::new(source),
        })?;
        environment::overlay(&mut table, environment)?;
        let mut config: Self =
            table.try_into().map_err(|error: toml::de::Error| ConfigError::Schema(one_line(error.message())))?;
        if let Some(data) = data {
            config.data = data;
        }
        config.check()?;
        Ok(config)
    }

    /// The region as a name; `load` has proved that it is one.
    pub(crate) fn region(&self) -> Region {
        Region::parse(&self.region).expect("a configuration exists only if its region is a region")
    }

    /// The effective configuration as TOML. It holds no secrets: those have types that cannot be written.
    pub(crate) fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string(self).map_err(|error| ConfigError::Schema(error.to_string()))
    }

    fn check(&self) -> Result<(), ConfigError> {
        let rules: [(&'static str, bool, &'static str); 7] = [
            ("region", Region::parse(&self.region).is_err(), "must be 1 to 64 letters, digits, hyphens or underscores"),
            ("domains", self.domains.iter().any(|domain| !is_host(domain)), "must be host names without port"),
            (
                "tls",
                self.tls.certificate.is_some() != self.tls.key.is_some(),
                "needs both certificate and key, or neither",
            ),
            ("audit.segment_mib", self.audit.segment_mib == 0, "must be at least 1"),
            ("limits.connections", self.limits.connections == 0, "must be at least 1"),
            ("limits", self.limits.head_seconds == 0 || self.limits.stall_seconds == 0, "must be at least one second"),
            (
                "encryption.key",
                self.encryption.key.is_some() && !self.encryption.default.takes_key(),
                "makes sense only with encryption.default = \"kms\" or \"kms:SM4\"",
            ),
        ];
        match rules.into_iter().find(|(_, broken, _)| *broken) {
            Some((key, _, problem)) => Err(ConfigError::Value { key, problem }),
            None => Ok(()),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("./strongroom-data"),
            region: "us-east-1".to_owned(),
            domains: vec!["localhost".to_owned()],
            strict_region: false,
            listen: Listen::default(),
            encryption: Encryption::default(),
            transport: Transport::default(),
            tls: Tls::default(),
            limits: Limits::default(),
            scrub: Scrub::default(),
            audit: Audit::default(),
            log: Log::default(),
            kv: None,
            kms: None,
            blobs: None,
        }
    }
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            http: Endpoint::local(9000),
            https: Endpoint::local(9443),
            admin: Endpoint::local(9002),
            kms: Endpoint::local(9001),
        }
    }
}

impl Default for Encryption {
    fn default() -> Self {
        Self { default: DefaultScheme::None, key: None, s3_always_on: true }
    }
}

impl Default for Transport {
    fn default() -> Self {
        Self { require_tls: RequireTls::Remote }
    }
}

impl Default for Limits {
    /// 4,096 connections hold at most 256 MiB of read buffers; a minute is what clients keep idle connections for, and
    /// half of one what a stalled body may hold a sealing buffer for. Ten seconds of silence no client takes for an end, and what
    /// fails in that time still has a status of its own.
    fn default() -> Self {
        Self { connections: 4096, head_seconds: 60, stall_seconds: 30, late_seconds: 10, drain_seconds: 30 }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: "info,fjall=warn,lsm_tree=warn".to_owned(), format: LogFormat::Text }
    }
}

/// A host name as it may stand in a `Host` header, in lower case, without port.
fn is_host(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.len() <= 253 && text.split('.').all(|label| !label.is_empty() && label.bytes().all(allowed))
}

fn one_line(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_environment(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::load(None, pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())), None)
    }

    fn from_file(text: &str, pairs: &[(&str, &str)], data: Option<&str>) -> Result<Config, ConfigError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let environment = pairs.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        Config::load(Some(file.path()), environment, data.map(PathBuf::from))
    }

    #[test]
    fn nothing_set_gives_the_documented_values() {
        let config = from_environment(&[]).unwrap();
        assert_eq!(config, Config::default());
        assert_eq!(config.listen.http.to_string(), "127.0.0.1:9000");
        assert_eq!(config.listen.https.to_string(), "127.0.0.1:9443");
        assert_eq!(config.listen.admin.to_string(), "127.0.0.1:9002");
        assert_eq!(
            (config.region.as_str(), config.domains.as_slice()),
            ("us-east-1", ["localhost".to_owned()].as_slice())
        );
        assert!(config.encryption.s3_always_on && !config.strict_region);
    }

    #[test]
    fn environment_beats_file_and_flag_beats_both() {
        let text = "data = '/from/file'\nregion = 'file-1'\n[listen]\nhttp = '127.0.0.1:1'\nadmin = '127.0.0.1:2'\n";
        let environment = [("STRONGROOM__DATA", "/from/environment"), ("STRONGROOM__LISTEN__HTTP", "[::1]:3")];
        let config = from_file(text, &environment, Some("/from/flag")).unwrap();
        assert_eq!(config.data, Path::new("/from/flag"));
        assert_eq!(config.listen.http.to_string(), "[::1]:3");
        assert_eq!(config.listen.admin.to_string(), "127.0.0.1:2");
        assert_eq!(config.region, "file-1");
    }

    #[test]
    fn what_is_unknown_or_makes_no_sense_is_refused_with_its_name() {
        for (text, named) in [
            ("dta = 'x'", "dta"),
            ("[listen]\nhtp = '127.0.0.1:1'", "htp"),
            ("[listen]\nhttp = 'nowhere'", "nowhere"),
            ("[encryption]\ndefault = 'rot13'", "rot13"),
            ("[encryption]\nkey = 'alias/a'", "encryption.key"),
            ("[transport]\nrequire_tls = 'maybe'", "maybe"),
            ("[tls]\nkey = 'k.pem'", "tls"),
            ("region = 'eu west'", "region"),
            ("domains = ['a:80']", "domains"),
            ("[limits]\nconnections = 0", "limits.connections"),
            ("= 3", "not TOML"),
        ] {
            let error = from_file(text, &[], None).unwrap_err().to_string();
            assert!(error.contains(named), "{text}: {error}");
        }
    }

    #[test]
    fn the_effective_configuration_reads_back_as_itself() {
        let text = "[encryption]\ndefault = 'kms:SM4'\nkey = 'alias/a'\n[listen]\nhttp = 'off'\n[tls]\ncertificate='c'\nkey='k'\n";
        let config = from_file(text, &[], None).unwrap();
        assert_eq!(from_file(&config.to_toml().unwrap(), &[], None).unwrap(), config);
    }
}
