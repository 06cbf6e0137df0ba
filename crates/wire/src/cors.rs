//! What answers say to browsers about other origins.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HeaderName, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use strongroom_model::cors::{CorsGrant, CorsMethod, CrossOrigin};
use strongroom_model::operation::BucketOperation;

use crate::dialect::Dialect;
use crate::exchange::Site;
use crate::target::{Level, Target};

/// What the answers of a bucket with rules depend on.
const VARIES_BY: HeaderValue =
    HeaderValue::from_static("Origin, Access-Control-Request-Headers, Access-Control-Request-Method");

/// The question whether a page of another origin may read the answer to this request. None if no browser asks, or if the
/// request is itself a browser's question, which has an answer of its own.
pub fn question(parts: &Parts, dialect: &Dialect, site: &Site) -> Option<BucketOperation> {
    let origin = parts.headers.get(ORIGIN)?.to_str().ok()?.to_owned();
    let method = CorsMethod::parse(parts.method.as_str())?;
    let target = Target::readings(parts, site, dialect.vendor_domain).ok()?.into_iter().next()?;
    let of_object = target.level() == Level::Object;
    let asked = CrossOrigin { origin, method, headers: Vec::new(), of_object };
    Some(BucketOperation::CrossOrigin(target.bucket_name().ok()?, asked))
}

/// Tells a browser what it may let the page read.
pub fn allow(headers: &mut HeaderMap, grant: &CorsGrant, dialect: &Dialect) {
    let (rule, asked) = (&grant.rule, &grant.asked);
    let mut tell = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    tell(ACCESS_CONTROL_ALLOW_ORIGIN, if grant.any_origin { "*" } else { &asked.origin });
    let methods: Vec<&str> = rule.methods.iter().map(|method| method.name()).collect();
    tell(ACCESS_CONTROL_ALLOW_METHODS, &methods.join(", "));
    if !asked.headers.is_empty() {
        tell(ACCESS_CONTROL_ALLOW_HEADERS, &asked.headers.join(", "));
    }
    if !rule.exposed.is_empty() {
        tell(ACCESS_CONTROL_EXPOSE_HEADERS, &rule.exposed.join(", "));
    }
    if let Some(seconds) = rule.max_age.or(dialect.settings.cors.max_age) {
        tell(ACCESS_CONTROL_MAX_AGE, &seconds.to_string());
    }
    // Browsers refuse credentials where any origin is let in.
    if !grant.any_origin {
        tell(ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    vary(headers);
}

/// Tells caches that the answer depends on its request's origin; once, whoever says so.
pub fn vary(headers: &mut HeaderMap) {
    headers.insert(VARY, VARIES_BY);
}

#[cfg(test)]
mod tests {
    use strongroom_model::cors::CorsRule;

    use super::*;
    use crate::dialect::OSS;

    /// OSS says so of all answers about some buckets, and again of those that a rule fits.
    #[test]
    fn caches_are_told_once() {
        let asked = CrossOrigin {
            origin: "https://a.example".to_owned(),
            method: CorsMethod::Get,
            headers: Vec::new(),
            of_object: true,
        };
        let mut headers = HeaderMap::new();
        vary(&mut headers);
        allow(&mut headers, &CorsGrant { asked, any_origin: false, rule: CorsRule::default() }, &OSS);
        assert_eq!(headers.get_all(VARY).iter().collect::<Vec<_>>(), [&VARIES_BY]);
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "https://a.example");
    }
}
