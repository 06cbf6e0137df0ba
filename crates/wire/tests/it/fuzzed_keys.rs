//! What must hold whatever request arrives at the key service. The fuzz target `keys` runs this over requests that it makes up,
//! the test at the end over those worth keeping.

use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Uri};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::{Region, RequestId};
use strongroom_model::secret::SecretKey;
use strongroom_model::time::Timestamp;
use strongroom_wire::key_service::{KEY_DIALECTS, KeyClaim, KeyDialect, KeyExchange, recognise};
use strongroom_wire::{Claim, Site};

/// The bytes are a request: `METHOD target`, a line for each header, an empty line, and the body. Answers whether any dialect
/// understood it as an operation.
pub(crate) fn request(data: &[u8]) -> bool {
    let Some((parts, document)) = parse(data) else { return false };
    let site = site();
    assert!(KEY_DIALECTS.iter().any(|dialect| dialect.name == recognise(&parts).name));
    let mut understood = false;
    for dialect in KEY_DIALECTS {
        match dialect.decode(&parts, document, &site) {
            Ok(intent) => {
                check_claim(&intent.claim);
                let again = dialect.decode(&parts, document, &site).expect("what is understood once is so twice");
                assert_eq!(again.call.name(), intent.call.name());
                match (&intent.asked, &again.asked) {
                    (Ok(one), Ok(two)) => {
                        assert_eq!(one.name(), two.name());
                        assert!(intent.call.route.is_built());
                        understood = true;
                    }
                    (Err(one), Err(two)) => {
                        assert_eq!(one.code, two.code);
                        check_failure(dialect, one, &site);
                    }
                    _ => panic!("a request is understood or not"),
                }
            }
            Err(failure) => check_failure(dialect, &failure, &site),
        }
    }
    understood
}

/// Nobody who did not sign is believed.
fn check_claim(claim: &KeyClaim) {
    if let KeyClaim::Access(Claim::Signed(signed)) = claim {
        let secret = SecretKey::new("a secret that has signed nothing".to_owned());
        assert!(signed.verify(&secret, Timestamp::from_seconds(1_795_307_487)).is_err());
    }
}

/// A failure is told in one well-formed document, and no fault is ours.
fn check_failure(dialect: &KeyDialect, failure: &Failure, site: &Site) {
    assert_ne!(failure.code, FailureCode::Internal, "a request is no fault of ours: {failure:?}");
    let exchange = KeyExchange { request_id: RequestId([7; 16]), account: None, site };
    let answer = dialect.encode_failure(None, failure, &exchange);
    assert!((400..500).contains(&answer.status().as_u16()), "{}: {failure:?}", answer.status());
    let document: serde_json::Value = serde_json::from_slice(answer.body()).expect("an answer is JSON");
    assert!(document.is_object());
}

fn parse(data: &[u8]) -> Option<(Parts, &[u8])> {
    let end = data.windows(2).position(|pair| pair == b"\n\n")?;
    let (head, document) = (std::str::from_utf8(&data[..end]).ok()?, &data[end + 2..]);
    let mut lines = head.lines();
    let (method, target) = lines.next()?.split_once(' ')?;
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.method = Method::from_bytes(method.as_bytes()).ok()?;
    parts.uri = target.parse::<Uri>().ok()?;
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        parts.headers.append(name, HeaderValue::from_str(value.trim()).ok()?);
    }
    Some((parts, document))
}

fn site() -> Site {
    Site {
        domains: vec!["localhost".to_owned()],
        region: Region::parse("us-east-1").expect("a region"),
        strict_region: false,
        s3_always_on: false,
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    #[test]
    fn requests() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/keys");
        let (mut understood, mut refused) = (0, 0);
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let input = fs::read(&path).unwrap();
            match std::panic::catch_unwind(|| super::request(&input)) {
                Ok(true) => understood += 1,
                Ok(false) => refused += 1,
                Err(_) => panic!("{} breaks a law of keys", path.display()),
            }
        }
        assert!(understood >= 30 && refused >= 10, "{understood} requests are understood, {refused} are not");
    }
}
