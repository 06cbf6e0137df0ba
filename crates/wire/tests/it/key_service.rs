//! That the key service's dialects are values: what they route, and that each has words for everything.

use std::fmt::Write as _;
use std::path::Path;

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::{Region, RequestId};
use strongroom_wire::Site;
use strongroom_wire::key_service::{ALIBABA, AWS, HUAWEI, KEY_DIALECTS, KeyDialect, KeyExchange, recognise};

use super::exchange::head;

/// Every failure that the key service can come to, from its head to its keys.
const FAILURES: [FailureCode; 60] = [
    FailureCode::InvalidArgument,
    FailureCode::InvalidRequest,
    FailureCode::InvalidUri,
    FailureCode::NotImplemented,
    FailureCode::MalformedXml,
    FailureCode::DocumentTooLarge,
    FailureCode::HeadTooLarge,
    FailureCode::IncompleteBody,
    FailureCode::RequestTimeout,
    FailureCode::ContentSha256Mismatch,
    FailureCode::AccessDenied,
    FailureCode::AnonymousDenied,
    FailureCode::InvalidAccessKeyId,
    FailureCode::SignatureDoesNotMatch,
    FailureCode::RequestTimeTooSkewed,
    FailureCode::RequestRepeated,
    FailureCode::RequestExpired,
    FailureCode::MissingDate,
    FailureCode::MalformedAuthorization,
    FailureCode::TwoAuthorizations,
    FailureCode::WrongSigningRegion,
    FailureCode::InvalidToken,
    FailureCode::TokenExpired,
    FailureCode::KmsNeedsTls,
    FailureCode::InvalidEncryptionContext,
    FailureCode::KeyNotFound,
    FailureCode::KeyMalformed,
    FailureCode::KeyOfOtherRegion,
    FailureCode::AliasNotFound,
    FailureCode::KeyDisabled,
    FailureCode::KeyPendingDeletion,
    FailureCode::KeyPendingImport,
    FailureCode::KeyStateConflict,
    FailureCode::KeyNameTaken,
    FailureCode::KeyNameInvalid,
    FailureCode::KeyDenied,
    FailureCode::KeyServiceManaged,
    FailureCode::KeyOriginUnsupported,
    FailureCode::KeyKindUnsupported,
    FailureCode::KeyProtected,
    FailureCode::KeyLimitExceeded,
    FailureCode::KeyRotationsExceeded,
    FailureCode::KeyVersionNotFound,
    FailureCode::KeyRotationOff,
    FailureCode::KeyTagInvalid,
    FailureCode::KeyPolicyMalformed,
    FailureCode::CiphertextInvalid,
    FailureCode::CiphertextOfOtherKey,
    FailureCode::DataKeyDigestMismatch,
    FailureCode::GrantNotFound,
    FailureCode::ImportTokenInvalid,
    FailureCode::ImportTokenExpired,
    FailureCode::KeyMaterialInvalid,
    FailureCode::KeyMaterialMismatch,
    FailureCode::KeyMaterialPending,
    FailureCode::KeyMaterialMissing,
    FailureCode::KeyServiceUnavailable,
    FailureCode::SlowDown,
    FailureCode::Damaged,
    FailureCode::Internal,
];

fn site() -> Site {
    let region = Region::parse("us-east-1").unwrap();
    Site { domains: Vec::new(), region, strict_region: false, s3_always_on: false }
}

#[test]
fn every_failure_has_words_in_every_dialect() {
    for dialect in KEY_DIALECTS {
        for code in FAILURES {
            let rows = dialect.failures.iter().filter(|row| row.code == code).count();
            assert_eq!(rows, 1, "{} has {rows} rows for {code:?}", dialect.name);
        }
    }
}

#[test]
fn a_request_is_claimed_by_what_only_one_vendor_sends() {
    let v4 = "authorization: AWS4-HMAC-SHA256 Credential=a";
    for (text, expected) in [
        (format!("POST /\nx-amz-target: TrentService.ListKeys\n{v4}"), &AWS),
        ("POST /\n".to_owned(), &AWS),
        ("GET /?Action=ListKeys&AccessKeyId=a".to_owned(), &ALIBABA),
        ("POST /\ncontent-type: application/x-www-form-urlencoded".to_owned(), &ALIBABA),
        ("POST /v1.0/p/kms/list-keys".to_owned(), &HUAWEI),
        ("GET /\nauthorization: SDK-HMAC-SHA256 Access=a".to_owned(), &HUAWEI),
        ("GET /\nx-auth-token: t".to_owned(), &HUAWEI),
    ] {
        assert_eq!(recognise(&head(&text)).name, expected.name, "{text}");
    }
}

#[test]
fn no_dialect_names_an_operation_twice() {
    for dialect in KEY_DIALECTS {
        for (place, route) in dialect.routes.iter().enumerate() {
            assert!(dialect.routes[..place].iter().all(|earlier| earlier.name != route.name), "{}", route.name);
        }
    }
}

/// The forms of the three errors, word for word.
#[test]
fn failures_have_the_form_of_their_vendor() {
    let told = |dialect: &KeyDialect, code: FailureCode| {
        let site = site();
        let exchange = KeyExchange { request_id: RequestId([0xab; 16]), account: None, site: &site };
        let answer = dialect.encode_failure(None, &Failure::new(code), &exchange);
        (answer.status().as_u16(), String::from_utf8(answer.body().to_vec()).unwrap())
    };
    assert_eq!(
        told(&AWS, FailureCode::CiphertextInvalid),
        (400, r#"{"__type":"InvalidCiphertextException"}"#.to_owned())
    );
    let tags = r#"{"__type":"TagException","message":"Too many tags"}"#;
    assert_eq!(told(&AWS, FailureCode::KeyTagInvalid), (400, tags.to_owned()));
    let missing = r#"{"error":{"error_code":"KMS.0207","error_msg":"The key does not exist."}}"#;
    assert_eq!(told(&HUAWEI, FailureCode::KeyNotFound), (404, missing.to_owned()));
    let disabled = concat!(
        r#"{"Code":"Rejected.Disabled","HostId":"kms","HttpStatus":409,"#,
        r#""Message":"The request was rejected because the key state is Disabled.","#,
        r#""RequestId":"ABABABAB-ABAB-ABAB-ABAB-ABABABABABAB"}"#
    );
    assert_eq!(told(&ALIBABA, FailureCode::KeyDisabled), (409, disabled.to_owned()));
}

const BEGIN: &str = "<!-- key operations: begin -->\n";
const END: &str = "<!-- key operations: end -->";

/// `docs/DIALECTS.md` holds the table that the routes make; `STRONGROOM_UPDATE_DOCS=1` writes it there.
#[test]
fn the_documented_table_is_that_of_the_routes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/DIALECTS.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (documented, after) = rest.split_once(END).unwrap();
    let mut made = "| face | operation | state |\n| --- | --- | --- |\n".to_owned();
    for dialect in KEY_DIALECTS {
        for route in dialect.routes {
            let state = if route.is_built() { "built" } else { "unsupported" };
            writeln!(made, "| {} | `{}` | {state} |", dialect.name, route.name).unwrap();
        }
    }
    if std::env::var_os("STRONGROOM_UPDATE_DOCS").is_some() {
        std::fs::write(&path, [before, BEGIN, &made, END, after].concat()).unwrap();
        return;
    }
    assert_eq!(documented, made, "run the test once with STRONGROOM_UPDATE_DOCS=1");
}
