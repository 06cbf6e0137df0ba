//! Every operation of every dialect as a request: by its row of the route table, with the least that can be read.

use base64::Engine as _;
use md5::{Digest as _, Md5};
use ring::hmac;
use strongroom_wire::{
    Dialect,
    route::{Route, Verb, When},
    signature::{Scheme, oss4::OSS4, v2::OBS, v4::AWS4},
    target::Level,
};

use crate::client::Ask;

/// The browser form's operation, whose fields say who signed it.
pub(crate) const FORM: &str = "PostObject";

/// What parts the fields of a form.
const BOUNDARY: &str = "parts";

/// What requests are about.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) bucket: String,
    /// The object that requests are about.
    pub(crate) key: String,
    /// The object that copies are made of, and links lead to.
    pub(crate) source: String,
    /// An upload of `key`, and the tag of its first part.
    pub(crate) upload: String,
    pub(crate) etag: String,
    /// Where appending goes on.
    pub(crate) position: usize,
    /// A master key's name in the S3 dialect.
    pub(crate) master: String,
}

impl Place {
    /// The object `key` of that bucket, an upload of it that there is not, and a master key that there is not.
    pub(crate) fn of(bucket: &str) -> Self {
        Self {
            bucket: bucket.to_owned(),
            key: "key".to_owned(),
            source: "key".to_owned(),
            upload: "0".repeat(32),
            etag: "0".repeat(32),
            position: 0,
            master: "arn:aws:kms:us-east-1:000000000001:key/k".to_owned(),
        }
    }

    fn object(&self) -> String {
        format!("/{}/{}", self.bucket, self.key)
    }
}

/// A request.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) scheme: &'static Scheme,
    /// A field that tells the dialect of a request that nobody signed.
    date: String,
}

impl Made {
    /// One of that row.
    pub(crate) fn of(dialect: &Dialect, route: &Route, place: &Place) -> Self {
        let path = match route.level {
            Level::Service => "/".to_owned(),
            Level::Bucket => format!("/{}", place.bucket),
            Level::Object => place.object(),
        };
        let (header, body) = (header(dialect, route, place), document(dialect, route, place));
        let header = header.map(|(suffix, value)| (prefixed(dialect, suffix), value));
        // Some documents must come with it.
        let digest = || ("content-md5".to_owned(), base64(&Md5::digest(&body)));
        Self {
            method: method(route.verb),
            target: format!("{path}{}", query(route, place)),
            headers: header.into_iter().chain((!body.is_empty()).then(digest)).collect(),
            body,
            scheme: scheme(dialect),
            date: prefixed(dialect, "date"),
        }
    }

    /// A browser form with an object, signed by an access key with its secret, or by nobody.
    pub(crate) fn form(dialect: &Dialect, place: &Place, signer: Option<(&str, &str)>) -> Self {
        let mut fields = vec![("key".to_owned(), place.key.clone())];
        match signer {
            None => fields.push((prefixed(dialect, "meta-of"), "nobody".to_owned())),
            Some((access_key, secret)) => {
                let conditions = format!(r#"[{{"bucket":"{}"}},{{"key":"{}"}}]"#, place.bucket, place.key);
                let policy = format!(r#"{{"expiration":"2099-01-01T00:00:00.000Z","conditions":{conditions}}}"#);
                let policy = base64(policy.as_bytes());
                let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
                let (id, signature) = match dialect.name {
                    "obs" => ("AccessKeyId", "signature"),
                    "oss" => ("OSSAccessKeyId", "Signature"),
                    _ => ("AWSAccessKeyId", "signature"),
                };
                let signed = base64(hmac::sign(&key, policy.as_bytes()).as_ref());
                let more = [(id, access_key.to_owned()), ("policy", policy), (signature, signed)];
                fields.extend(more.map(|(name, value)| (name.to_owned(), value)));
            }
        }
        let mut body = String::new();
        for (name, value) in fields {
            let disposition = format!("content-disposition: form-data; name=\"{name}\"");
            body.push_str(&format!("--{BOUNDARY}\r\n{disposition}\r\n\r\n{value}\r\n"));
        }
        let file = "content-disposition: form-data; name=\"file\"; filename=\"f\"";
        body.push_str(&format!("--{BOUNDARY}\r\n{file}\r\n\r\ndata\r\n--{BOUNDARY}--\r\n"));
        Self {
            method: "POST",
            target: format!("/{}", place.bucket),
            headers: vec![("content-type".to_owned(), format!("multipart/form-data; boundary={BOUNDARY}"))],
            body,
            scheme: scheme(dialect),
            date: prefixed(dialect, "date"),
        }
    }

    /// The same with one more header, named without its dialect's prefix.
    pub(crate) fn with(mut self, dialect: &Dialect, suffix: &str, value: &str) -> Self {
        self.headers.push((prefixed(dialect, suffix), value.to_owned()));
        self
    }

    /// To be signed by the root user, unless it is told otherwise.
    pub(crate) fn ask(&self) -> Ask<'_> {
        let ask = Ask { scheme: self.scheme, ..Ask::s3(self.method, &self.target) };
        self.headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value))
    }

    /// To be signed by nobody. A header tells the dialect.
    pub(crate) fn ask_unsigned(&self) -> Ask<'_> {
        self.ask().header(&self.date, "20261122T000000Z").unsigned()
    }
}

/// The name of a header with its dialect's prefix.
pub(crate) fn prefixed(dialect: &Dialect, suffix: &str) -> String {
    [dialect.header_prefix, suffix].concat()
}

/// The query that makes a request one of that row.
fn query(route: &Route, place: &Place) -> String {
    match route.when {
        When::Query("inventory") if route.verb != Verb::Get => format!("?inventory&{}", parameter("id", place)),
        When::Plain | When::Anything | When::Header(_) => String::new(),
        When::Query(name) => format!("?{}", parameter(name, place)),
        When::QueryIs(name, value) => format!("?{name}={value}"),
        When::Queries(first, second) | When::QueriesAndHeader(first, second, _) => {
            format!("?{}&{}", parameter(first, place), parameter(second, place))
        }
    }
}

/// A parameter with a value that can be read, where one is needed.
fn parameter(name: &str, place: &Place) -> String {
    match name {
        "uploadId" => format!("uploadId={}", place.upload),
        "partNumber" => "partNumber=1".to_owned(),
        "append" | "seal" => format!("{name}&position={}", place.position),
        "wormId" => format!("wormId={}", "0".repeat(32)),
        "wormExtend" => format!("wormExtend&wormId={}", "0".repeat(32)),
        // Each dialect looks at its own.
        "id" | "inventoryId" => "id=report&inventoryId=report".to_owned(),
        _ => name.to_owned(),
    }
}

/// The header that makes a request one of that row, or one that can be read, without its dialect's prefix.
fn header(dialect: &Dialect, route: &Route, place: &Place) -> Option<(&'static str, String)> {
    let fixed = match (route.when, route.name) {
        (When::Header(suffix) | When::QueriesAndHeader(_, _, suffix), _) => {
            return Some((suffix, format!("/{}/{}", place.bucket, place.source)));
        }
        (_, "PutObjectAcl") if dialect.name == "oss" => Some(("object-acl", "private")),
        (_, "PutBucketAcl" | "PutObjectAcl") => Some(("acl", "private")),
        (_, "PutSymlink") => return Some(("symlink-target", place.source.clone())),
        (_, "GetObjectAttributes") => Some(("object-attributes", "ETag")),
        _ => None,
    };
    fixed.map(|(suffix, value)| (suffix, value.to_owned()))
}

/// A document, or an object's data, where one is needed: the least that can be read.
fn document(dialect: &Dialect, route: &Route, place: &Place) -> String {
    let worm = "<RetentionPeriodInDays>1</RetentionPeriodInDays>";
    let tags = "<TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet>";
    let expiration = "<Status>Enabled</Status><Expiration><Days>1</Days></Expiration>";
    let key = format!("<KMSKeyArn>{}</KMSKeyArn>", place.master);
    let cors = "<AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin>";
    let inside = |root: &str, content: &str| format!("<{root}>{content}</{root}>");
    match route.name {
        "AppendObject" => "data".to_owned(),
        "CompleteMultipartUpload" => {
            let part = format!("<PartNumber>1</PartNumber><ETag>{}</ETag>", place.etag);
            inside("CompleteMultipartUpload", &inside("Part", &part))
        }
        "DeleteObjects" => inside("Delete", &inside("Object", &format!("<Key>{}</Key>", place.key))),
        "ExtendBucketWorm" => inside("ExtendWormConfiguration", worm),
        "InitiateBucketWorm" => inside("InitiateWormConfiguration", worm),
        "PutBucketCors" => inside("CORSConfiguration", &inside("CORSRule", cors)),
        "PutBucketEncryption" => encryption(dialect),
        "PutBucketInventory" => inventory(dialect, &place.bucket),
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
        "UpdateObjectEncryption" => inside("ObjectEncryption", &inside("SSE-KMS", &key)),
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

fn inventory(dialect: &Dialect, bucket: &str) -> String {
    let destination = match dialect.name {
        "oss" => format!(
            "<OSSBucketDestination><Format>CSV</Format><AccountId>1</AccountId><RoleArn>acs:ram::1:role/r</RoleArn>\
             <Bucket>acs:oss:::{bucket}</Bucket></OSSBucketDestination>"
        ),
        "s3" => format!(
            "<S3BucketDestination><Format>CSV</Format><Bucket>arn:aws:s3:::{bucket}</Bucket></S3BucketDestination>"
        ),
        _ => format!("<Format>CSV</Format><Bucket>{bucket}</Bucket>"),
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

fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
