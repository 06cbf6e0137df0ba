//! What a request's host and path name.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::header::HOST;
use http::request::Parts;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::{BucketName, InvalidName, ObjectKey};

use crate::exchange::Site;
use crate::text::percent;

/// What host and path name: nothing, a bucket, or an object. Names are decoded, and not yet known to be valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    bucket: Option<String>,
    key: Option<String>,
    virtual_hosted: bool,
}

/// At which level of the service a request acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The service as a whole.
    Service,
    /// One bucket.
    Bucket,
    /// One object.
    Object,
}

impl Target {
    /// All readings of the head, the likeliest first: one for most, two for a host that a vendor's client rewrote.
    ///
    /// `vendor_domain` is the domain that the dialect's clients write into the host whatever server they talk to.
    ///
    /// # Errors
    /// `InvalidUri` for a path that is not percent-encoded UTF-8.
    pub fn readings(parts: &Parts, site: &Site, vendor_domain: Option<&str>) -> Result<Vec<Self>, Failure> {
        Self::readings_of(host_of(parts), parts.uri.path(), site, vendor_domain)
    }

    /// All readings of a host as sent and a path as sent.
    ///
    /// # Errors
    /// As [`Target::readings`].
    pub(crate) fn readings_of(
        host: &str,
        path: &str,
        site: &Site,
        vendor_domain: Option<&str>,
    ) -> Result<Vec<Self>, Failure> {
        let host = host_name(host);
        if site.domains.contains(&host) {
            return Ok(vec![Self::in_path(path)?]);
        }
        // A domain may lie within another: the longest one is meant.
        let buckets = site.domains.iter().filter_map(|domain| bucket_before(&host, domain));
        if let Some(bucket) = buckets.min_by_key(|bucket| bucket.len()) {
            return Ok(vec![Self::in_host(bucket, path)?]);
        }
        let Some(rewritten) = vendor_domain.and_then(|domain| bucket_of_vendor(&host, domain)) else {
            return Ok(vec![Self::in_path(path)?]);
        };
        let other = Self::in_path(path)?;
        let ambiguous = other.bucket.as_deref() == Some(rewritten);
        let mut readings = vec![Self::in_host(rewritten, path)?];
        readings.extend(ambiguous.then_some(other));
        Ok(readings)
    }

    /// The bucket as the client spelled it.
    pub fn bucket(&self) -> Option<&str> {
        self.bucket.as_deref()
    }

    /// The object's key as the client spelled it, decoded.
    pub(crate) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Whether the bucket is named by the host.
    pub fn virtual_hosted(&self) -> bool {
        self.virtual_hosted
    }

    /// At which level the request acts.
    pub fn level(&self) -> Level {
        match (&self.bucket, &self.key) {
            (None, _) => Level::Service,
            (Some(_), None) => Level::Bucket,
            (Some(_), Some(_)) => Level::Object,
        }
    }

    /// The bucket's name.
    ///
    /// # Errors
    /// `InvalidBucketName`.
    pub fn bucket_name(&self) -> Result<BucketName, Failure> {
        let text = self.bucket.as_deref().unwrap_or_default();
        BucketName::parse(text).map_err(|cause| {
            Failure::new(FailureCode::InvalidBucketName).with_detail("BucketName", text).caused_by(cause)
        })
    }

    /// The object's key.
    ///
    /// # Errors
    /// `KeyTooLong`, `InvalidObjectKey`.
    pub fn object_key(&self) -> Result<ObjectKey, Failure> {
        parse_key(self.key.as_deref().unwrap_or_default())
    }

    /// The object of that key in the same bucket.
    pub(crate) fn with_key(&self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self.clone() }
    }

    fn in_host(bucket: &str, path: &str) -> Result<Self, Failure> {
        let key = path.strip_prefix('/').unwrap_or(path);
        Ok(Self { bucket: Some(bucket.to_owned()), key: decoded_key(key)?, virtual_hosted: true })
    }

    fn in_path(path: &str) -> Result<Self, Failure> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        if path.is_empty() {
            return Ok(Self { bucket: None, key: None, virtual_hosted: false });
        }
        Ok(Self { bucket: Some(percent::decode(bucket)?), key: decoded_key(key)?, virtual_hosted: false })
    }
}

/// Reads an object's key, wherever it stands.
///
/// # Errors
/// `KeyTooLong`, `InvalidObjectKey`.
pub(crate) fn parse_key(text: &str) -> Result<ObjectKey, Failure> {
    ObjectKey::parse(text).map_err(|cause| {
        let code = match cause {
            InvalidName::TooLong => FailureCode::KeyTooLong,
            InvalidName::TooShort | InvalidName::Malformed => FailureCode::InvalidObjectKey,
        };
        Failure::new(code).caused_by(cause)
    })
}

fn decoded_key(raw: &str) -> Result<Option<String>, Failure> {
    if raw.is_empty() { Ok(None) } else { percent::decode(raw).map(Some) }
}

/// The host as sent. Empty if there is none or it is no text.
fn host_of(parts: &Parts) -> &str {
    let header = parts.headers.get(HOST).and_then(|value| value.to_str().ok());
    header.or_else(|| parts.uri.authority().map(|authority| authority.as_str())).unwrap_or_default()
}

/// The host in lower case, without its port.
fn host_name(host: &str) -> String {
    let bare = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    bare.trim_end_matches('.').to_ascii_lowercase()
}

/// What stands before `.<domain>` in `host`.
fn bucket_before<'h>(host: &'h str, domain: &str) -> Option<&'h str> {
    let bucket = host.strip_suffix(domain)?.strip_suffix('.')?;
    (!bucket.is_empty() && !is_address(host)).then_some(bucket)
}

/// What stands before `.<region>.<domain>` in `host`: regions are one label.
fn bucket_of_vendor<'h>(host: &'h str, domain: &str) -> Option<&'h str> {
    let (bucket, _region) = bucket_before(host, domain)?.rsplit_once('.')?;
    (!bucket.is_empty()).then_some(bucket)
}

fn is_address(host: &str) -> bool {
    host.parse::<Ipv4Addr>().is_ok() || host.trim_matches(['[', ']']).parse::<Ipv6Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, any, proptest};
    use strongroom_model::name::Region;

    use super::*;
    use crate::signature::head::encoded;

    fn site() -> Site {
        let domains = vec!["localhost".to_owned(), "oss.example.com".to_owned()];
        Site { domains, region: Region::parse("us-east-1").unwrap(), strict_region: false, s3_always_on: true }
    }

    fn readings(host: &str, path: &str, vendor: Option<&str>) -> Vec<(Option<String>, Option<String>, bool)> {
        let (parts, ()) = http::Request::builder().uri(path).header(HOST, host).body(()).unwrap().into_parts();
        let readings = Target::readings(&parts, &site(), vendor).unwrap();
        readings.into_iter().map(|target| (target.bucket, target.key, target.virtual_hosted)).collect()
    }

    fn named(bucket: Option<&str>, key: Option<&str>, virtual_hosted: bool) -> (Option<String>, Option<String>, bool) {
        (bucket.map(str::to_owned), key.map(str::to_owned), virtual_hosted)
    }

    #[test]
    fn the_host_decides_where_the_bucket_is() {
        for (host, path, expected) in [
            ("localhost:9000", "/", named(None, None, false)),
            ("localhost:9000", "/b1", named(Some("b1"), None, false)),
            ("localhost", "/b1/", named(Some("b1"), None, false)),
            ("127.0.0.1:9000", "/b1/dir/a%20b", named(Some("b1"), Some("dir/a b"), false)),
            ("[::1]:9000", "/b1/k", named(Some("b1"), Some("k"), false)),
            ("elsewhere.org", "/b1/k", named(Some("b1"), Some("k"), false)),
            ("b1.localhost:9000", "/", named(Some("b1"), None, true)),
            ("B1.LOCALHOST", "/k/", named(Some("b1"), Some("k/"), true)),
            ("my.bucket.oss.example.com", "//k", named(Some("my.bucket"), Some("/k"), true)),
            ("oss.example.com", "/b1/a%2Fb%2fc", named(Some("b1"), Some("a/b/c"), false)),
            ("notlocalhost", "/b1", named(Some("b1"), None, false)),
        ] {
            assert_eq!(readings(host, path, None), [expected], "{host} {path}");
        }
    }

    #[test]
    fn a_rewritten_host_has_two_readings_where_the_path_repeats_the_bucket() {
        let host = "bkt.oss-cn-hangzhou.aliyuncs.com";
        let vendor = Some("aliyuncs.com");
        assert_eq!(readings(host, "/k", vendor), [named(Some("bkt"), Some("k"), true)]);
        let both = [named(Some("bkt"), Some("bkt/k"), true), named(Some("bkt"), Some("k"), false)];
        assert_eq!(readings(host, "/bkt/k", vendor), both);
        assert_eq!(readings("oss-cn-hangzhou.aliyuncs.com", "/", vendor), [named(None, None, false)]);
        assert_eq!(readings(host, "/b/k", None), [named(Some("b"), Some("k"), false)]);
    }

    #[test]
    fn a_domain_within_another_is_no_bucket_of_it() {
        let domains = vec!["example.com".to_owned(), "oss.example.com".to_owned()];
        let site = Site { domains, ..site() };
        let bucket = |host| Target::readings_of(host, "/k", &site, None).unwrap()[0].bucket.clone().unwrap();
        assert_eq!(bucket("b1.oss.example.com"), "b1");
        assert_eq!(bucket("b1.example.com"), "b1");
        assert_eq!(bucket("oss.example.com"), "k", "it is the service, not the bucket oss of the other domain");
    }

    #[test]
    fn a_path_that_is_not_utf8_is_refused() {
        let (parts, ()) = http::Request::builder().uri("/b1/%FF%FE").body(()).unwrap().into_parts();
        let refused = Target::readings(&parts, &site(), None).unwrap_err();
        assert_eq!(refused.code, FailureCode::InvalidUri);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn every_key_survives_its_encoding(key in "\\PC{1,40}", slashes in any::<bool>()) {
            let encoded = if slashes { encoded(key.as_bytes()) } else { percent::encode_path(&key) };
            let expected = named(Some("b1"), Some(&key), false);
            assert_eq!(readings("127.0.0.1", &format!("/b1/{encoded}"), None), [expected]);
        }
    }
}
