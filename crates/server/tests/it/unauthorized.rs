//! Every operation of every dialect, by the route tables, asked by those who may not: nobody is let in, and nobody learns more
//! than that. A new row is walked as soon as it is in its table.

use std::net::SocketAddr;

use strongroom_wire::{
    DIALECTS, Dialect,
    route::{Route, Verb, When, rows},
    signature::{Scheme, oss4::OSS4, v2::OBS, v4::AWS4},
    target::Level,
};

use crate::{
    administer::command,
    client::{Answer, Ask, make_bucket},
    process::Site,
};

/// What whoever comes may ask: which API there is, what a browser may send, and a form, whose fields say who signed it.
const OPEN: [&str; 4] = ["Probe", "ProbeBucket", "OptionsPreflight", "PostObject"];

/// What whoever does not sign by V4 is told to sign so, whatever there is and whoever it is.
const BY_V4_ALONE: &str = "UpdateObjectEncryption";

/// Who asks, and may not.
#[derive(Debug, Clone, Copy)]
enum Stranger {
    Unsigned,
    /// With the root user's access key, and not its secret.
    Guessing,
    /// A user to whom no policy is attached.
    WithoutRights,
}

#[test]
fn no_operation_lets_a_stranger_in() {
    let server = Site::new().start();
    make_bucket(server.http, "bucket");
    assert_eq!(Ask::s3("PUT", "/bucket/key").send(server.http, b"body").unwrap().status, 200);
    let user = command(&server, &["user", "create", "stranger"]);
    let user = (user["access_key"].as_str().unwrap(), user["secret_key"].as_str().unwrap());
    let (mut walked, mut wrong) = (0, Vec::new());
    for dialect in DIALECTS {
        for route in rows(dialect).filter(|route| route.is_built() && !OPEN.contains(&route.name)) {
            for stranger in [Stranger::Unsigned, Stranger::Guessing, Stranger::WithoutRights] {
                let answer = asked(server.http, dialect, route, stranger, user);
                walked += 1;
                if !is_refused(&answer, route, stranger) {
                    wrong.push(format!(
                        "{} {} {stranger:?}: {} {}",
                        dialect.name,
                        route.name,
                        answer.status,
                        answer.code()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {walked}:\n{}", wrong.len(), wrong.join("\n"));
    let answer = Ask::s3("GET", "/bucket/key").send(server.http, b"").unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "body"), "nothing was changed");
    server.stop();
}

/// Whether the answer is a refusal. Those to HEAD have no document.
fn is_refused(answer: &Answer, route: &Route, stranger: Stranger) -> bool {
    let expected = match stranger {
        Stranger::Unsigned if route.name == BY_V4_ALONE => (400, "InvalidRequest"),
        Stranger::Guessing => (403, "SignatureDoesNotMatch"),
        Stranger::Unsigned | Stranger::WithoutRights => (403, "AccessDenied"),
    };
    answer.status == expected.0 && (route.verb == Verb::Head || answer.code() == expected.1)
}

fn asked(address: SocketAddr, dialect: &Dialect, route: &Route, stranger: Stranger, user: (&str, &str)) -> Answer {
    let (method, prefix) = (method(route.verb), dialect.header_prefix);
    let place = match route.level {
        Level::Service => "/",
        Level::Bucket => "/bucket",
        Level::Object => "/bucket/key",
    };
    let (target, body) = (format!("{place}{}", query(route)), document(dialect, route));
    let named = header(dialect, route).map(|(suffix, value)| (format!("{prefix}{suffix}"), value));
    let mut ask = Ask { scheme: scheme(dialect), ..Ask::s3(method, &target) };
    if let Some((name, value)) = &named {
        ask = ask.header(name, value);
    }
    let date = format!("{prefix}date");
    let ask = match stranger {
        // The header tells the dialect.
        Stranger::Unsigned => ask.header(&date, "20261122T000000Z").unsigned(),
        Stranger::Guessing => ask.by(crate::process::ACCESS_KEY, "not the secret"),
        Stranger::WithoutRights => ask.by(user.0, user.1),
    };
    ask.send(address, body.as_bytes()).unwrap()
}

/// The query that makes a request one of that row.
fn query(route: &Route) -> String {
    match route.when {
        When::Query("inventory") if route.verb != Verb::Get => format!("?inventory&{}", parameter("id")),
        When::Plain | When::Anything | When::Header(_) => String::new(),
        When::Query(name) => format!("?{}", parameter(name)),
        When::QueryIs(name, value) => format!("?{name}={value}"),
        When::Queries(first, second) | When::QueriesAndHeader(first, second, _) => {
            format!("?{}&{}", parameter(first), parameter(second))
        }
    }
}

/// A parameter with a value that can be read, where one is needed.
fn parameter(name: &str) -> String {
    match name {
        "uploadId" => format!("uploadId={}", "0".repeat(32)),
        "partNumber" => "partNumber=1".to_owned(),
        "append" | "seal" => format!("{name}&position=0"),
        "wormId" => format!("wormId={}", "0".repeat(32)),
        "wormExtend" => format!("wormExtend&wormId={}", "0".repeat(32)),
        // Each dialect looks at its own.
        "id" | "inventoryId" => "id=report&inventoryId=report".to_owned(),
        _ => name.to_owned(),
    }
}

/// The header that makes a request one of that row, or one that can be read, without its dialect's prefix.
fn header(dialect: &Dialect, route: &Route) -> Option<(&'static str, &'static str)> {
    match (route.when, route.name) {
        (When::Header(suffix) | When::QueriesAndHeader(_, _, suffix), _) => Some((suffix, "/bucket/key")),
        (_, "PutObjectAcl") if dialect.name == "oss" => Some(("object-acl", "private")),
        (_, "PutBucketAcl" | "PutObjectAcl") => Some(("acl", "private")),
        (_, "PutSymlink") => Some(("symlink-target", "key")),
        (_, "GetObjectAttributes") => Some(("object-attributes", "ETag")),
        _ => None,
    }
}

/// A document, or an object's data, where one is needed: the least that can be read.
fn document(dialect: &Dialect, route: &Route) -> String {
    let worm = "<RetentionPeriodInDays>1</RetentionPeriodInDays>";
    let tags = "<TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet>";
    let expiration = "<Status>Enabled</Status><Expiration><Days>1</Days></Expiration>";
    let key = "<KMSKeyArn>arn:aws:kms:us-east-1:000000000001:key/k</KMSKeyArn>";
    let cors = "<AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin>";
    let inside = |root: &str, content: &str| format!("<{root}>{content}</{root}>");
    match route.name {
        "AppendObject" => "data".to_owned(),
        "CompleteMultipartUpload" => {
            let part = format!("<PartNumber>1</PartNumber><ETag>{}</ETag>", "0".repeat(32));
            inside("CompleteMultipartUpload", &inside("Part", &part))
        }
        "DeleteObjects" => inside("Delete", &inside("Object", "<Key>key</Key>")),
        "ExtendBucketWorm" => inside("ExtendWormConfiguration", worm),
        "InitiateBucketWorm" => inside("InitiateWormConfiguration", worm),
        "PutBucketCors" => inside("CORSConfiguration", &inside("CORSRule", cors)),
        "PutBucketEncryption" => encryption(dialect),
        "PutBucketInventory" => inventory(dialect),
        "PutBucketLifecycle" => {
            inside("LifecycleConfiguration", &inside("Rule", &format!("<Prefix>a</Prefix>{expiration}")))
        }
        "PutBucketObjectLock" if dialect.name == "oss" => inside("ObjectWormConfiguration", ""),
        "PutBucketObjectLock" => inside("ObjectLockConfiguration", ""),
        "PutBucketPolicy" => "{}".to_owned(),
        "PutBucketQuota" => inside("Quota", "<StorageQuota>1</StorageQuota>"),
        "PutBucketStorageClass" if route.when == When::Query("storagePolicy") => {
            inside("StoragePolicy", "<DefaultStorageClass>STANDARD</DefaultStorageClass>")
        }
        "PutBucketStorageClass" => inside("StorageClass", "STANDARD"),
        "PutBucketTagging" | "PutObjectTagging" => inside("Tagging", tags),
        "PutBucketVersioning" => inside("VersioningConfiguration", "<Status>Enabled</Status>"),
        "PutObjectLegalHold" => inside("LegalHold", "<Status>ON</Status>"),
        "PutObjectRetention" => retention(dialect),
        "PutPublicAccessBlock" => {
            inside("PublicAccessBlockConfiguration", "<BlockPublicAccess>true</BlockPublicAccess>")
        }
        "UpdateObjectEncryption" => inside("ObjectEncryption", &inside("SSE-KMS", key)),
        _ => String::new(),
    }
}

fn encryption(dialect: &Dialect) -> String {
    let default =
        "<ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault>";
    match dialect.name {
        "oss" => format!("<ServerSideEncryptionRule>{default}</ServerSideEncryptionRule>"),
        _ => format!("<ServerSideEncryptionConfiguration><Rule>{default}</Rule></ServerSideEncryptionConfiguration>"),
    }
}

fn inventory(dialect: &Dialect) -> String {
    let destination = match dialect.name {
        "oss" => {
            "<OSSBucketDestination><Format>CSV</Format><AccountId>1</AccountId><RoleArn>acs:ram::1:role/r</RoleArn>\
             <Bucket>acs:oss:::bucket</Bucket></OSSBucketDestination>"
        }
        "s3" => "<S3BucketDestination><Format>CSV</Format><Bucket>arn:aws:s3:::bucket</Bucket></S3BucketDestination>",
        _ => "<Format>CSV</Format><Bucket>bucket</Bucket>",
    };
    format!(
        "<InventoryConfiguration><Id>report</Id><IsEnabled>true</IsEnabled><Destination>{destination}</Destination>\
         <Schedule><Frequency>Daily</Frequency></Schedule><IncludedObjectVersions>All</IncludedObjectVersions>\
         </InventoryConfiguration>"
    )
}

fn retention(dialect: &Dialect) -> String {
    let until = if dialect.name == "obs" { "4070908800000" } else { "2099-01-01T00:00:00.000Z" };
    format!("<Retention><Mode>COMPLIANCE</Mode><RetainUntilDate>{until}</RetainUntilDate></Retention>")
}

fn method(verb: Verb) -> &'static str {
    match verb {
        Verb::Get => "GET",
        Verb::Head => "HEAD",
        Verb::Put => "PUT",
        Verb::Post => "POST",
        Verb::Delete => "DELETE",
        Verb::Options => "OPTIONS",
    }
}

fn scheme(dialect: &Dialect) -> &'static Scheme {
    match dialect.name {
        "obs" => &OBS,
        "oss" => &OSS4,
        _ => &AWS4,
    }
}
