//! What a scheme signs it verifies, and any single change of what is signed fails.

use http::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Uri};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::sample::{select, subsequence};
use strongroom_model::failure::FailureCode;
use strongroom_model::name::{AccessKeyId, Region};
use strongroom_model::secret::SecretKey;
use strongroom_model::time::Timestamp;
use strongroom_wire::claim::{Claim, PayloadProof};
use strongroom_wire::signature::oss1::OSS1;
use strongroom_wire::signature::oss2::OSS2;
use strongroom_wire::signature::oss4::OSS4;
use strongroom_wire::signature::payload::PayloadWord;
use strongroom_wire::signature::sdk::SDK;
use strongroom_wire::signature::sign::Signer;
use strongroom_wire::signature::v2::{AWS2, OBS};
use strongroom_wire::signature::v4::AWS4;
use strongroom_wire::signature::{Scheme, Target};

const NOW: Timestamp = Timestamp::from_seconds(1_795_295_890);
const LIFETIME: u32 = 900;

static SCHEMES: [&Scheme; 6] = [&OBS, &AWS2, &AWS4, &OSS1, &OSS2, &OSS4];

/// A request to be signed.
#[derive(Debug, Clone)]
struct Case {
    scheme: usize,
    method: Method,
    virtual_hosted: bool,
    key: String,
    parameters: Vec<(&'static str, String)>,
    metadata: String,
    secret: String,
    token: Option<String>,
}

/// One change of something that is signed.
#[derive(Debug, Clone, Copy)]
enum Change {
    Method,
    Path,
    ParameterAdded,
    ParameterChanged,
    Metadata,
    HeaderAdded,
    Token,
    Secret,
}

impl Case {
    fn prefix(&self) -> &'static str {
        ["x-obs-", "x-amz-", "x-amz-", "x-oss-", "x-oss-", "x-oss-"][self.scheme]
    }

    fn metadata_name(&self) -> HeaderName {
        HeaderName::try_from(format!("{}meta-a", self.prefix())).unwrap()
    }

    fn parts(&self) -> Parts {
        let encode = |text: &str| {
            text.bytes()
                .map(|byte| match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
                    _ => format!("%{byte:02X}"),
                })
                .collect::<String>()
        };
        let key: Vec<_> = self.key.split('/').map(encode).collect();
        let (host, bucket) = if self.virtual_hosted { ("bkt.localhost:9000", "") } else { ("127.0.0.1:9000", "/bkt") };
        let query: Vec<_> = self.parameters.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let uri = format!("{bucket}/{}?{}", key.join("/"), query.join("&"));
        let request = http::Request::builder().method(self.method.clone()).uri(uri).header(HOST, host);
        let request = request.header(self.metadata_name(), &self.metadata).header("content-type", "text/plain");
        request.body(()).unwrap().into_parts().0
    }

    fn target(&self) -> Target<'static> {
        Target { bucket: Some("bkt"), virtual_hosted: self.virtual_hosted }
    }

    fn signed(&self, by_url: bool) -> Parts {
        let mut parts = self.parts();
        let signer = Signer {
            access_key: &AccessKeyId::parse("AK").unwrap(),
            secret: &SecretKey::new(self.secret.clone()),
            token: self.token.as_deref(),
            region: &Region::parse("cn-north-4").unwrap(),
        };
        let scheme = SCHEMES[self.scheme];
        if by_url {
            scheme.presign(&mut parts, &self.target(), &signer, NOW, LIFETIME).unwrap();
        } else {
            scheme.sign(&mut parts, &self.target(), &signer, NOW, &PayloadWord::Unsigned).unwrap();
        }
        parts
    }

    fn verify(&self, parts: &Parts, secret: &str, now: Timestamp) -> Result<(), FailureCode> {
        let claim = Claim::read(parts, &self.target(), &SCHEMES[self.scheme..=self.scheme], None);
        let Claim::Signed(signed) = claim.map_err(|failure| failure.code)? else {
            return Err(FailureCode::AnonymousDenied);
        };
        assert_eq!(signed.access_key.as_str(), "AK");
        let proof = signed.verify(&SecretKey::new(secret.to_owned()), now).map_err(|failure| failure.code)?;
        assert!(matches!(proof.payload, PayloadProof::Unsigned));
        assert_eq!(signed.token, self.token);
        Ok(())
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let parameters =
        subsequence(vec!["versionId", "uploadId", "partNumber", "tagging", "acl", "response-expires"], 1..=6);
    let parameters = parameters.prop_flat_map(|names| {
        let values = proptest::collection::vec("[ -~é]{0,8}", names.len());
        values.prop_map(move |values| names.iter().copied().zip(values).collect())
    });
    let method = select(vec![Method::GET, Method::PUT, Method::HEAD, Method::DELETE]);
    let head = (0..SCHEMES.len(), method, any::<bool>(), "[^\0\r\n]{1,20}", parameters);
    let rest = ("[!-~]([ -~]{0,10}[!-~])?", "[ -~]{1,40}", prop_oneof![Just(None), "[!-~]{1,20}".prop_map(Some)]);
    (head, rest).prop_map(|((scheme, method, virtual_hosted, key, parameters), (metadata, secret, token))| Case {
        scheme,
        method,
        virtual_hosted,
        key,
        parameters,
        metadata,
        secret,
        token,
    })
}

fn changes() -> impl Strategy<Value = Change> {
    use Change::{HeaderAdded, Metadata, Method, ParameterAdded, ParameterChanged, Path, Secret, Token};
    select(vec![Method, Path, ParameterAdded, ParameterChanged, Metadata, HeaderAdded, Token, Secret])
}

/// Changes the request; answers the secret to verify with.
fn changed(case: &Case, change: Change, parts: &mut Parts) -> String {
    let uri = |text: String| text.parse::<Uri>().unwrap();
    let (path, query) = (parts.uri.path().to_owned(), parts.uri.query().unwrap().to_owned());
    match change {
        Change::Method => parts.method = Method::POST,
        Change::Path => parts.uri = uri(format!("{path}x?{query}")),
        Change::ParameterAdded => parts.uri = uri(format!("{path}?uploads&{query}")),
        Change::ParameterChanged => {
            let (first, rest) = query.split_once('&').unwrap_or((&query, ""));
            parts.uri = uri(format!("{path}?{first}x&{rest}"));
        }
        Change::Metadata => {
            let value = format!("{}x", case.metadata);
            parts.headers.insert(case.metadata_name(), HeaderValue::from_str(&value).unwrap());
        }
        Change::HeaderAdded | Change::Token => {
            let name = if matches!(change, Change::Token) { "security-token" } else { "acl" };
            let name = HeaderName::try_from(format!("{}{name}", case.prefix())).unwrap();
            parts.headers.insert(name, HeaderValue::from_static("public-read-write-and-long-enough"));
        }
        Change::Secret => return format!("{}x", case.secret),
    }
    case.secret.clone()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_signed_request_verifies_and_a_changed_one_does_not(case in cases(), change in changes(), by_url: bool) {
        let mut parts = case.signed(by_url);
        assert_eq!(parts.headers.contains_key(AUTHORIZATION), !by_url);
        assert_eq!(case.verify(&parts, &case.secret, NOW), Ok(()));
        let secret = changed(&case, change, &mut parts);
        let code = case.verify(&parts, &secret, NOW).unwrap_err();
        assert!([FailureCode::SignatureDoesNotMatch, FailureCode::AccessDenied].contains(&code), "{code:?}");
    }

    #[test]
    fn a_signed_url_lives_as_long_as_it_says(case in cases(), millis in 0..=i64::from(LIFETIME) * 1000) {
        let parts = case.signed(true);
        assert_eq!(case.verify(&parts, &case.secret, NOW.plus_millis(millis)), Ok(()));
        let late = NOW.plus_millis(i64::from(LIFETIME) * 1000 + 1 + millis);
        assert_eq!(case.verify(&parts, &case.secret, late), Err(FailureCode::RequestExpired));
    }
}

#[test]
fn a_region_that_is_not_the_one_demanded_is_refused() {
    let key = AccessKeyId::parse("AK").unwrap();
    let (secret, region) = (SecretKey::new("SK".to_owned()), Region::parse("cn-north-4").unwrap());
    let target = Target { bucket: Some("bkt"), virtual_hosted: false };
    for scheme in [&AWS4, &OSS4] {
        let request = http::Request::builder().uri("/bkt/k").header(HOST, "localhost").body(()).unwrap();
        let (mut parts, ()) = request.into_parts();
        let signer = Signer { access_key: &key, secret: &secret, token: None, region: &region };
        scheme.sign(&mut parts, &target, &signer, NOW, &PayloadWord::Unsigned).unwrap();
        assert!(Claim::read(&parts, &target, &[scheme], Some(&region)).is_ok());
        let other = Region::parse("us-east-1").unwrap();
        let failure = Claim::read(&parts, &target, &[scheme], Some(&other)).unwrap_err();
        assert_eq!(failure.code, FailureCode::WrongSigningRegion);
        assert_eq!(failure.details[0], ("Region", "us-east-1".to_owned()));
    }
}

#[test]
fn a_body_whose_hash_is_signed_is_proven_to_have_it() {
    let key = AccessKeyId::parse("AK").unwrap();
    let (secret, region) = (SecretKey::new("SK".to_owned()), Region::parse("cn-north-4").unwrap());
    let target = Target { bucket: Some("bkt"), virtual_hosted: false };
    for scheme in [&AWS4, &OSS4, &SDK] {
        let request = http::Request::builder().uri("/bkt/k").header(HOST, "localhost").body(()).unwrap();
        let (mut parts, ()) = request.into_parts();
        let signer = Signer { access_key: &key, secret: &secret, token: None, region: &region };
        scheme.sign(&mut parts, &target, &signer, NOW, &PayloadWord::Sha256([7; 32])).unwrap();
        let Claim::Signed(signed) = Claim::read(&parts, &target, &[scheme], None).unwrap() else {
            panic!("not signed")
        };
        let proof = signed.verify(&secret, NOW).unwrap();
        assert!(matches!(proof.payload, PayloadProof::Sha256(digest) if digest == [7; 32]));
    }
}

#[test]
fn the_newer_python_sdk_of_oss_names_its_token_otherwise_under_v1() {
    let request = http::Request::builder().uri("/bkt/k").header("security-token", "TOKEN");
    let request = request.header("date", "Sat, 21 Nov 2026 21:18:10 GMT").header(AUTHORIZATION, "OSS AK:x");
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let target = Target { bucket: Some("bkt"), virtual_hosted: false };
    let Claim::Signed(signed) = Claim::read(&parts, &target, &[&OSS1], None).unwrap() else { panic!("not signed") };
    assert_eq!(signed.token.as_deref(), Some("TOKEN"));
}
