//! That dialects are values: how they are recognised, what they route, and a fourth one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use strongroom_model::failure::FailureCode;
use strongroom_wire::dialect::{EncryptionWords, s3};
use strongroom_wire::error::FailureRow;
use strongroom_wire::route::{Decode, Route, Verb, When, rows};
use strongroom_wire::target::Level;
use strongroom_wire::{DIALECTS, Dialect, Payload, recognise};

use crate::exchange::{exchange, head, operation, operation_in, site};

#[test]
fn a_request_tells_its_dialect() {
    for (text, name) in [
        ("GET /", "s3"),
        ("GET /\nAuthorization: AWS AK:sig", "s3"),
        ("GET /\nAuthorization: AWS4-HMAC-SHA256 Credential=x", "s3"),
        ("GET /\nAuthorization: AWS AK:sig\nx-obs-date: now", "s3"),
        ("GET /b/k?AWSAccessKeyId=AK&Expires=1&Signature=s", "s3"),
        ("GET /b/k?X-Amz-Credential=c&x-obs-a=1", "s3"),
        ("GET /\nAuthorization: OBS AK:sig", "obs"),
        ("GET /b/k?AccessKeyId=AK&Expires=1&Signature=s&x-amz-foo=1", "obs"),
        ("HEAD /?apiversion", "obs"),
        ("GET /b/k\nx-obs-acl: private", "obs"),
        ("GET /b/k?x-obs-security-token=t", "obs"),
        ("GET /\nAuthorization: OSS AK:sig", "oss"),
        ("GET /\nAuthorization: OSS2 AccessKeyId:AK", "oss"),
        ("GET /\nAuthorization: OSS4-HMAC-SHA256 Credential=x", "oss"),
        ("GET /b/k?OSSAccessKeyId=AK&Expires=1&Signature=s", "oss"),
        ("GET /b/k?x-oss-signature-version=OSS4-HMAC-SHA256", "oss"),
        ("GET /b/k\nx-oss-date: now", "oss"),
        ("GET /b/k\nAuthorization: Basic xyz", "s3"),
        ("OPTIONS /b/k\nAccess-Control-Request-Headers: authorization, X-Obs-Date", "obs"),
        ("OPTIONS /b/k\nAccess-Control-Request-Headers: content-type,x-oss-date", "oss"),
        ("OPTIONS /b/k?OSSAccessKeyId=AK&Expires=1&Signature=s", "oss"),
        ("OPTIONS /b/k\nAccess-Control-Request-Headers: range", "s3"),
    ] {
        assert_eq!(recognise(&head(text)).name, name, "{text}");
    }
}

#[test]
fn every_request_of_a_catalogue_is_answered_as_built_or_not() {
    for dialect in DIALECTS {
        for row in rows(dialect) {
            // Of an empty body, for the documents that must come with it.
            let digest = "content-md5: 1B2M2Y8AsgTpgAmY7PhCfg==";
            let (query, field) = (sensible_query(row), header(row, dialect));
            let text = format!("{} {}{query}\n{digest}\n{field}", verb(row), path(row));
            let result = operation_in(dialect, &head(text.trim()), "").map(|operation| operation.name());
            match (row.decode, result) {
                (Decode::NotBuilt, Err(failure)) => assert_eq!(failure.code, FailureCode::NotImplemented, "{text}"),
                (Decode::NotBuilt, Ok(name)) => panic!("{text} is {name}, not {}", row.name),
                (Decode::Built(_), Ok(name)) => {
                    let meant = match row.name {
                        "ListObjectsV2" => "ListObjects",
                        "GetObjectByPart" => "GetObject",
                        "HeadObjectByPart" => "HeadObject",
                        same => same,
                    };
                    assert_eq!(name, meant, "{text}");
                }
                // Nothing is asked for; no length; no target; no name.
                (Decode::Built(_), Err(failure))
                    if [
                        "GetObjectAttributes",
                        "SealAppendObject",
                        "PutSymlink",
                        "GetBucketInventory",
                        "PutBucketInventory",
                        "DeleteBucketInventory",
                    ]
                    .contains(&row.name) =>
                {
                    assert_eq!(failure.code, FailureCode::InvalidArgument, "{text}");
                }
                // Without a body, the operations that need one are told by that they miss it.
                (Decode::Built(_), Err(failure)) => {
                    let lacking = [
                        FailureCode::MissingBody,
                        FailureCode::MissingContentLength,
                        FailureCode::NotMultipart,
                        FailureCode::PreflightIncomplete,
                    ];
                    assert!(lacking.contains(&failure.code), "{text}: {failure}");
                }
            }
        }
    }
}

#[test]
fn a_known_sub_resource_is_never_taken_for_the_plain_operation() {
    for (text, code) in [
        ("GET /b12/k?lifecycle", FailureCode::MethodNotAllowed),
        ("PUT /b12/k?encryption", FailureCode::MissingBody),
        ("DELETE /b12?location", FailureCode::MethodNotAllowed),
        ("PUT /b12/k?uploadId=u", FailureCode::MethodNotAllowed),
        ("POST /b12\ncontent-type: text/plain", FailureCode::NotMultipart),
        ("GET /b12?customdomain\nx-obs-date: now", FailureCode::NotImplemented),
        ("PATCH /b12", FailureCode::MethodNotAllowed),
        ("POST /", FailureCode::MethodNotAllowed),
    ] {
        assert_eq!(operation(text, "").unwrap_err().code, code, "{text}");
    }
    let ignored = operation("GET /b12/k?x-id=GetObject&whatever=1", "").unwrap();
    assert_eq!(ignored.name(), "GetObject");
}

#[test]
fn a_method_that_does_not_exist_is_told_the_others() {
    let failure = operation("DELETE /b12?location", "").unwrap_err();
    let (method, site) = (http::Method::DELETE, site());
    let answer = s3::S3.encode_failure(&failure, &exchange(&method, &site));
    assert_eq!(answer.status(), 405);
    assert_eq!(answer.headers()["allow"], "GET, OPTIONS");
}

/// A fourth dialect: one value, made of what it changes.
static TOY: Dialect = Dialect {
    name: "toy",
    header_prefix: "x-toy-",
    failures: &[FailureRow::new(FailureCode::NoSuchKey, 404, "Gone", "There is no {prefix}thing.")],
    routes: &[&[Route::not_built(Verb::Get, Level::Bucket, When::Query("bell"), "RingBell")]],
    encryption: EncryptionWords { kms: &["vault"], ..s3::RECORD.encryption },
    ..s3::RECORD
};

#[test]
fn a_fourth_dialect_is_one_value() {
    let parts = head("PUT /b12/k\ncontent-length: 1\nx-toy-server-side-encryption: vault\nx-toy-meta-a: b");
    let put = format!("{:?}", operation_in(&TOY, &parts, "").unwrap());
    assert!(put.contains("encryption: Kms(") && put.contains("user: [(\"a\", \"b\")]"), "{put}");
    let bell = operation_in(&TOY, &head("GET /b12?bell"), "").unwrap_err();
    assert_eq!(bell.code, FailureCode::NotImplemented);
    let (method, site) = (http::Method::GET, site());
    let answer = TOY.encode_failure(&FailureCode::NoSuchKey.into(), &exchange(&method, &site));
    assert_eq!(answer.headers()["x-toy-request-id"], "5C06A3B67B8B5A3D");
    let Payload::Document(document) = answer.into_body() else { panic!("a document") };
    let text = std::str::from_utf8(&document).unwrap();
    assert!(text.contains("<Code>Gone</Code><Message>There is no x-toy-thing.</Message>"), "{text}");
    let shared = TOY.encode_failure(&FailureCode::AccessDenied.into(), &exchange(&method, &site));
    assert_eq!(shared.status(), 403);
}

const BEGIN: &str = "<!-- operations: begin -->\n";
const END: &str = "<!-- operations: end -->";

/// `docs/DIALECTS.md` holds the table that the routes make; `STRONGROOM_UPDATE_DOCS=1` writes it there.
#[test]
fn the_documented_table_is_that_of_the_routes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/DIALECTS.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (documented, after) = rest.split_once(END).unwrap();
    let made = operations();
    if std::env::var_os("STRONGROOM_UPDATE_DOCS").is_some() {
        std::fs::write(&path, [before, BEGIN, &made, END, after].concat()).unwrap();
        return;
    }
    assert_eq!(documented, made, "run the test once with STRONGROOM_UPDATE_DOCS=1");
}

fn operations() -> String {
    let mut lines: BTreeMap<(Level, &str), (String, [&str; 3])> = BTreeMap::new();
    for (place, dialect) in DIALECTS.into_iter().enumerate() {
        for row in rows(dialect) {
            let request = format!("{} {}", verb(row), query(row).trim_start_matches('?'));
            let line = lines.entry((row.level, row.name)).or_insert((request, ["–"; 3]));
            line.1[place] = if row.is_built() { "built" } else { "501" };
        }
    }
    let names: Vec<_> = DIALECTS.iter().map(|dialect| dialect.name).collect();
    let mut table =
        format!("| level | operation | request | {} |\n| --- | --- | --- | --- | --- | --- |\n", names.join(" | "));
    for ((level, name), (request, states)) in lines {
        let request = request.trim();
        writeln!(table, "| {level:?} | {name} | `{request}` | {} |", states.join(" | ")).unwrap();
    }
    table
}

fn verb(row: &Route) -> String {
    format!("{:?}", row.verb).to_uppercase()
}

fn path(row: &Route) -> &'static str {
    match row.level {
        Level::Service => "/",
        Level::Bucket => "/b12",
        Level::Object => "/b12/k",
    }
}

fn query(row: &Route) -> String {
    match row.when {
        When::Query(name) => format!("?{name}"),
        When::QueryIs(name, value) => format!("?{name}={value}"),
        When::Queries(first, second) | When::QueriesAndHeader(first, second, _) => format!("?{first}=1&{second}=1"),
        When::Plain | When::Anything | When::Header(_) => String::new(),
    }
}

/// The same with values that parts and uploads may have.
fn sensible_query(row: &Route) -> String {
    let query = query(row).replace("uploadId=1", "uploadId");
    let id = "00112233445566778899AABBCCDDEEFF";
    let query = query.replace("uploadId", &format!("uploadId={id}"));
    let query =
        query.replace("wormId", &format!("wormId={id}")).replace("wormExtend", &format!("wormExtend&wormId={id}"));
    if query.ends_with("?partNumber") { format!("{query}=1") } else { query }
}

fn header(row: &Route, dialect: &Dialect) -> String {
    match row.when {
        When::Header(suffix) | When::QueriesAndHeader(_, _, suffix) => {
            format!("{}{suffix}: src/k", dialect.header_prefix)
        }
        _ => String::new(),
    }
}
