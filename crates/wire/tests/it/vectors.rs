//! Every recorded signature verifies, and nothing near it does.
//!
//! `vectors/<dialect>/*.http` are heads as SDKs put them on the wire or as the vendors' documents print them, each with the
//! facts a server has besides: the time, the secret, how the bucket was understood, and the answer expected.

use std::collections::HashMap;
use std::path::Path;

use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Uri};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::secret::SecretKey;
use strongroom_model::time::Timestamp;
use strongroom_wire::claim::{Claim, Proof};
use strongroom_wire::signature::oss1::OSS1;
use strongroom_wire::signature::oss2::OSS2;
use strongroom_wire::signature::oss4::OSS4;
use strongroom_wire::signature::sdk::SDK;
use strongroom_wire::signature::v2::{AWS2, OBS};
use strongroom_wire::signature::v4::AWS4;
use strongroom_wire::signature::{Scheme, Target};

static KMS_SCHEMES: &[&Scheme] = &[&SDK];
static OBS_SCHEMES: &[&Scheme] = &[&OBS];
static OSS_SCHEMES: &[&Scheme] = &[&OSS1, &OSS2, &OSS4];
static S3_SCHEMES: &[&Scheme] = &[&AWS2, &AWS4];

/// A recorded head.
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) parts: Parts,
    pub(crate) facts: HashMap<String, String>,
    schemes: &'static [&'static Scheme],
}

impl Vector {
    pub(crate) fn read(dialect: &str, file: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(dialect).join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        let (comments, head): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.starts_with("# "));
        let facts = comments.iter().filter_map(|line| line[2..].split_once(": "));
        let facts = facts.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let (mut parts, ()) = http::Request::new(()).into_parts();
        let mut words = head[0].split(' ');
        parts.method = words.next().unwrap().parse().unwrap();
        parts.uri = words.next().unwrap().parse().unwrap();
        for line in head[1..].iter().filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(": ").unwrap();
            parts
                .headers
                .append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        Self { name: format!("{dialect}/{file}"), parts, facts, schemes: schemes(dialect) }
    }

    pub(crate) fn time(&self) -> Timestamp {
        let instant: jiff::Timestamp = self.facts["time"].parse().unwrap();
        Timestamp::from_millis(instant.as_millisecond())
    }

    pub(crate) fn secret(&self) -> SecretKey {
        SecretKey::new(self.facts["secret"].clone())
    }

    /// Verifies other parts in this vector's circumstances.
    pub(crate) fn verify(&self, parts: &Parts, secret: &SecretKey, now: Timestamp) -> Result<Proof, Failure> {
        let (bucket, place) = self.facts["bucket"].split_once(" in ").unwrap();
        let target = Target { bucket: Some(bucket), virtual_hosted: place == "host" };
        let claim = match self.facts.get("body") {
            Some(body) => Claim::read_with_document(parts, &target, self.schemes, None, body.as_bytes()),
            None => Claim::read(parts, &target, self.schemes, None),
        };
        match claim? {
            Claim::Signed(signed) => signed.verify(secret, now),
            Claim::Anonymous => Err(FailureCode::AnonymousDenied.into()),
        }
    }

    fn code(&self, parts: &Parts) -> Option<FailureCode> {
        self.verify(parts, &self.secret(), self.time()).err().map(|failure| failure.code)
    }

    fn by_url(&self) -> bool {
        !self.parts.headers.contains_key(AUTHORIZATION)
    }
}

fn schemes(dialect: &str) -> &'static [&'static Scheme] {
    match dialect {
        "kms" => KMS_SCHEMES,
        "obs" => OBS_SCHEMES,
        "oss" => OSS_SCHEMES,
        "s3" => S3_SCHEMES,
        _ => panic!("vectors of an unknown dialect"),
    }
}

fn all() -> Vec<Vector> {
    let mut vectors = Vec::new();
    for dialect in ["kms", "obs", "oss", "s3"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(dialect);
        let entries = std::fs::read_dir(folder).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.retain(|file| file.ends_with(".http"));
        files.sort();
        vectors.extend(files.iter().map(|file| Vector::read(dialect, file)));
    }
    vectors
}

fn right() -> impl Iterator<Item = Vector> {
    all().into_iter().filter(|vector| vector.facts["expect"] == "ok")
}

fn with_uri(parts: &Parts, change: impl Fn(&str, &str) -> String) -> Parts {
    let mut parts = parts.clone();
    let uri = change(parts.uri.path(), parts.uri.query().unwrap_or_default());
    parts.uri = uri.parse::<Uri>().unwrap();
    parts
}

#[test]
fn every_vector_is_answered_as_recorded() {
    let vectors = all();
    assert!(vectors.len() >= 118, "only {} vectors were found", vectors.len());
    let mut wrong = Vec::new();
    for vector in vectors {
        let answer = vector.verify(&vector.parts, &vector.secret(), vector.time());
        let answer = answer.map_or_else(|failure| format!("{:?}", failure.code), |_| "ok".to_owned());
        if answer != vector.facts["expect"] {
            wrong.push(format!("{}: {answer}", vector.name));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_mismatch_tells_what_should_have_been_signed() {
    let other = SecretKey::new("another".to_owned());
    let mut told = 0;
    for vector in right() {
        let failure = vector.verify(&vector.parts, &other, vector.time()).unwrap_err();
        assert_eq!(failure.code, FailureCode::SignatureDoesNotMatch, "{}", vector.name);
        let detail = |name| failure.details.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        assert!(detail("AccessKeyId").is_some() && detail("SignatureProvided").is_some(), "{}", vector.name);
        if let Some(expected) = vector.facts.get("string-to-sign") {
            assert_eq!(detail("StringToSign"), Some(expected.replace("\\n", "\n").as_str()), "{}", vector.name);
            told += 1;
        }
    }
    assert!(told >= 6);
}

#[test]
fn another_method_does_not_verify() {
    for vector in right() {
        let mut parts = vector.parts.clone();
        parts.method = if parts.method == Method::POST { Method::PUT } else { Method::POST };
        assert_eq!(vector.code(&parts), Some(FailureCode::SignatureDoesNotMatch), "{}", vector.name);
    }
}

#[test]
fn another_path_does_not_verify() {
    for vector in right() {
        let parts = with_uri(&vector.parts, |path, query| format!("{path}x?{query}"));
        assert_eq!(vector.code(&parts), Some(FailureCode::SignatureDoesNotMatch), "{}", vector.name);
    }
}

#[test]
fn another_query_does_not_verify() {
    for vector in right() {
        let more = with_uri(&vector.parts, |path, query| format!("{path}?{query}&torrent").replace("?&", "?"));
        let more = if vector.name.starts_with("oss") {
            with_uri(&vector.parts, |path, query| format!("{path}?{query}&symlink").replace("?&", "?"))
        } else {
            more
        };
        assert_eq!(vector.code(&more), Some(FailureCode::SignatureDoesNotMatch), "{}", vector.name);
    }
}

#[test]
fn a_field_put_into_a_signed_url_does_not_verify() {
    let urls: Vec<_> = right().filter(Vector::by_url).filter(|vector| !vector.name.starts_with("oss")).collect();
    assert!(urls.len() >= 6);
    for vector in urls {
        for field in ["x-amz-acl", "X-Amz-Acl", "x-obs-acl", "X-OBS-ACL"] {
            let obeyed = vector.name.starts_with("obs") == field.eq_ignore_ascii_case("x-obs-acl");
            for place in ["before", "after"] {
                let parts = with_uri(&vector.parts, |path, query| match place {
                    "before" => format!("{path}?{field}=public-read&{query}"),
                    _ => format!("{path}?{query}&{field}=public-read"),
                });
                let code = vector.code(&parts);
                let refused = code == Some(FailureCode::SignatureDoesNotMatch);
                assert!(refused || !obeyed, "{} with {field} {place}: {code:?}", vector.name);
            }
        }
    }
}

#[test]
fn no_parameter_turns_a_signed_url_into_another_operation() {
    for vector in right().filter(Vector::by_url) {
        for name in ["encryption", "retention", "lifecycle", "policy", "uploads"] {
            let parts = with_uri(&vector.parts, |path, query| format!("{path}?{name}&{query}"));
            assert_eq!(vector.code(&parts), Some(FailureCode::SignatureDoesNotMatch), "{} with {name}", vector.name);
        }
    }
}

#[test]
fn another_header_does_not_verify() {
    let ours =
        |name: &str| ["x-obs-", "x-amz-", "x-oss-", "content-type", "content-md5"].iter().any(|p| name.starts_with(p));
    let tokens_and_words = ["x-amz-content-sha256", "x-amz-date", "x-oss-content-sha256", "x-oss-date"];
    for vector in right() {
        let names = vector.parts.headers.keys().filter(|name| ours(name.as_str()));
        for name in names.filter(|name| !tokens_and_words.contains(&name.as_str())) {
            let mut parts = vector.parts.clone();
            let value = [parts.headers[name].as_bytes(), b"x"].concat();
            parts.headers.insert(name, HeaderValue::from_bytes(&value).unwrap());
            let signed = !vector.name.contains("/aws") || name.as_str().starts_with("x-amz-");
            let expected = signed.then_some(FailureCode::SignatureDoesNotMatch);
            assert_eq!(vector.code(&parts), expected, "{} with another {name}", vector.name);
        }
    }
}

#[test]
fn a_header_put_in_does_not_verify() {
    for vector in right() {
        let prefix = ["kms", "obs", "oss", "s3"].iter().zip(["x-sdk-", "x-obs-", "x-oss-", "x-amz-"]);
        let prefix = prefix.into_iter().find(|(dialect, _)| vector.name.starts_with(**dialect)).unwrap().1;
        let mut parts = vector.parts.clone();
        parts
            .headers
            .insert(HeaderName::try_from(format!("{prefix}acl")).unwrap(), HeaderValue::from_static("public-read"));
        let code = vector.code(&parts);
        let refused = [FailureCode::SignatureDoesNotMatch, FailureCode::AccessDenied];
        assert!(code.is_some_and(|code| refused.contains(&code)), "{}: {code:?}", vector.name);
    }
}

#[test]
fn another_body_does_not_verify() {
    for mut vector in right().filter(|vector| vector.facts.contains_key("body")) {
        let parts = vector.parts.clone();
        vector.facts.insert("body".to_owned(), "{}".to_owned());
        assert_eq!(vector.code(&parts), Some(FailureCode::SignatureDoesNotMatch), "{}", vector.name);
        vector.facts.remove("body");
        assert_eq!(vector.code(&parts), Some(FailureCode::MalformedAuthorization), "{}", vector.name);
    }
}

#[test]
fn another_signature_does_not_verify() {
    for vector in right().filter(|vector| !vector.by_url()) {
        let text = vector.parts.headers[AUTHORIZATION].to_str().unwrap();
        let place = text.rfind("Signature").map_or_else(|| text.rfind(':').unwrap() + 2, |at| at + 12);
        let flipped = if text.as_bytes()[place] == b'0' { "1" } else { "0" };
        let mut parts = vector.parts.clone();
        let changed = [&text[..place], flipped, &text[place + 1..]].concat();
        parts.headers.insert(AUTHORIZATION, HeaderValue::from_str(&changed).unwrap());
        assert_eq!(vector.code(&parts), Some(FailureCode::SignatureDoesNotMatch), "{}", vector.name);
        let cut = [&text[..place], &text[place + 1..]].concat();
        parts.headers.insert(AUTHORIZATION, HeaderValue::from_str(&cut).unwrap());
        assert_eq!(vector.code(&parts), Some(FailureCode::SignatureDoesNotMatch), "{} cut", vector.name);
    }
}

#[test]
fn another_time_does_not_verify() {
    const WEEK_AND_A_BIT: i64 = 8 * 24 * 60 * 60 * 1000;
    for vector in right() {
        let code = |millis| {
            let now = vector.time().plus_millis(millis);
            vector.verify(&vector.parts, &vector.secret(), now).err().map(|failure| failure.code)
        };
        if vector.by_url() {
            assert_eq!(code(WEEK_AND_A_BIT), Some(FailureCode::RequestExpired), "{}", vector.name);
        } else {
            assert_eq!(code(900_000), None, "{}", vector.name);
            assert_eq!(code(900_001), Some(FailureCode::RequestTimeTooSkewed), "{}", vector.name);
            assert_eq!(code(-900_001), Some(FailureCode::RequestTimeTooSkewed), "{}", vector.name);
        }
    }
}
