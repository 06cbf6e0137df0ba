//! Every operation of every dialect, by the route tables, asked by a user who may do everything with buckets and objects and
//! nothing with keys, where all is sealed under one.
//!
//! What each operation needs of a key is stated here, from the vendors' pages on SSE-KMS; an operation that is not stated fails
//! the test. The root user, who may use the key, asks the same of another bucket that was made alike: so a refusal is because
//! of the key, and what needs no key is answered as to who has it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use strongroom_wire::{
    DIALECTS, Dialect,
    route::{Route, Verb, rows},
    target::Level,
};

use crate::{
    administer::command,
    client::{Answer, Ask, make_bucket},
    every::{FORM, Made, Place, prefixed},
    process::{ACCESS_KEY, SECRET_KEY, Server, Site},
    unauthorized::OPEN,
};

/// What an operation needs of a master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Nothing: it is about buckets, names, metadata or rights, or takes away.
    Nothing,
    /// A new data key: `kms:GenerateDataKey`, `kms:dek:create`.
    Sealing,
    /// A data key opened: `kms:Decrypt`, `kms:dek:crypto` or `kms:dek:decrypt`.
    Opening,
    /// Either is missed first.
    Both,
}

use Need::{Both, Nothing, Opening, Sealing};

/// What each operation needs where the bucket's default, the object, the upload and the source of a copy are all under a key.
const NEEDS: &[(&str, Need)] = &[
    ("AbortBucketWorm", Nothing),
    ("AbortMultipartUpload", Nothing),
    // An append goes on under the data key that the object has.
    ("AppendObject", Opening),
    ("CompleteBucketWorm", Nothing),
    ("CompleteMultipartUpload", Opening),
    ("CopyObject", Both),
    ("CreateBucket", Nothing),
    ("CreateMultipartUpload", Sealing),
    ("DeleteBucket", Nothing),
    ("DeleteBucketCors", Nothing),
    ("DeleteBucketEncryption", Nothing),
    ("DeleteBucketInventory", Nothing),
    ("DeleteBucketLifecycle", Nothing),
    ("DeleteBucketPolicy", Nothing),
    ("DeleteBucketTagging", Nothing),
    ("DeleteObject", Nothing),
    ("DeleteObjectTagging", Nothing),
    ("DeleteObjects", Nothing),
    ("DeletePublicAccessBlock", Nothing),
    ("ExtendBucketWorm", Nothing),
    ("GetBucketAcl", Nothing),
    ("GetBucketCors", Nothing),
    ("GetBucketEncryption", Nothing),
    ("GetBucketInfo", Nothing),
    ("GetBucketInventory", Nothing),
    ("GetBucketLifecycle", Nothing),
    ("GetBucketLocation", Nothing),
    ("GetBucketObjectLock", Nothing),
    ("GetBucketPolicy", Nothing),
    ("GetBucketPolicyStatus", Nothing),
    ("GetBucketQuota", Nothing),
    ("GetBucketStat", Nothing),
    ("GetBucketStorageClass", Nothing),
    ("GetBucketStorageInfo", Nothing),
    ("GetBucketTagging", Nothing),
    ("GetBucketVersioning", Nothing),
    ("GetBucketWorm", Nothing),
    ("GetObject", Opening),
    ("GetObjectAcl", Nothing),
    // Of the tag alone; checksums are asked below.
    ("GetObjectAttributes", Nothing),
    ("GetObjectByPart", Opening),
    ("GetObjectLegalHold", Nothing),
    ("GetObjectMeta", Nothing),
    ("GetObjectRetention", Nothing),
    ("GetObjectTagging", Nothing),
    ("GetPublicAccessBlock", Nothing),
    ("GetSymlink", Nothing),
    ("HeadBucket", Nothing),
    ("HeadObject", Nothing),
    ("HeadObjectByPart", Nothing),
    ("InitiateBucketWorm", Nothing),
    ("ListBucketInventory", Nothing),
    ("ListBuckets", Nothing),
    ("ListMultipartUploads", Nothing),
    ("ListObjectVersions", Nothing),
    ("ListObjects", Nothing),
    ("ListObjectsV2", Nothing),
    ("ListParts", Nothing),
    ("PostObject", Sealing),
    ("PutBucketAcl", Nothing),
    ("PutBucketCors", Nothing),
    ("PutBucketEncryption", Nothing),
    ("PutBucketInventory", Nothing),
    ("PutBucketLifecycle", Nothing),
    ("PutBucketObjectLock", Nothing),
    ("PutBucketPolicy", Nothing),
    ("PutBucketQuota", Nothing),
    ("PutBucketStorageClass", Nothing),
    ("PutBucketTagging", Nothing),
    ("PutBucketVersioning", Nothing),
    ("PutObject", Sealing),
    ("PutObjectAcl", Nothing),
    ("PutObjectLegalHold", Nothing),
    ("PutObjectRetention", Nothing),
    ("PutObjectTagging", Nothing),
    ("PutPublicAccessBlock", Nothing),
    ("PutSymlink", Nothing),
    ("SealAppendObject", Nothing),
    ("SetObjectMetadata", Nothing),
    ("UpdateObjectEncryption", Opening),
    // A part goes under the data key that the upload has.
    ("UploadPart", Opening),
    ("UploadPartCopy", Opening),
];

/// What needs nothing and is refused where it is asked, with the key and without, in some dialect at least: there is no such document,
/// the bucket has no locks, or what is sent is none. That says less than what succeeds, so that nothing joins these unnoticed.
const FRUITLESS: &[&str] = &[
    "AbortBucketWorm",
    "CompleteBucketWorm",
    "DeleteBucketInventory",
    "ExtendBucketWorm",
    "GetBucketCors",
    "GetBucketInventory",
    "GetBucketLifecycle",
    "GetBucketObjectLock",
    "GetBucketPolicy",
    "GetBucketPolicyStatus",
    "GetBucketTagging",
    "GetBucketWorm",
    "GetObjectLegalHold",
    "GetObjectRetention",
    "GetObjectTagging",
    "GetPublicAccessBlock",
    "PutBucketObjectLock",
    "PutBucketPolicy",
    "PutObjectLegalHold",
    "PutObjectRetention",
];

/// What a user of that name may do: everything with buckets and objects.
pub(crate) const OBJECTS_ALONE: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;

#[test]
fn whoever_may_not_use_the_key_gets_nothing_that_needs_it() {
    let mut walk = Walk::begin();
    for dialect in DIALECTS {
        for route in rows(dialect).filter(|route| route.is_built() && !OPEN.contains(&route.name)) {
            let need = NEEDS.iter().find(|(name, _)| *name == route.name).map(|(_, need)| *need);
            let Some(need) = need else {
                walk.wrong.push(format!("{} {}: what does it need of a key?", dialect.name, route.name));
                continue;
            };
            let scene = Scene { dialect, kind: Kind::of(route), sealed: true };
            walk.step(
                &format!("{} {}", dialect.name, route.name),
                route.verb == Verb::Head,
                need,
                scene,
                |place, who| match route.name {
                    FORM => Made::form(dialect, place, Some(who)),
                    _ => Made::of(dialect, route, place),
                },
            );
        }
    }
    walk.end(FRUITLESS);
}

#[test]
fn the_key_is_needed_by_what_is_asked_not_by_how() {
    let mut walk = Walk::begin();
    for dialect in DIALECTS {
        for (what, row, kind, sealed, headers, need) in cases(dialect) {
            let route = rows(dialect).find(|route| route.name == row && route.is_built());
            let route = route.unwrap_or_else(|| panic!("{} has {row}", dialect.name));
            let scene = Scene { dialect, kind, sealed };
            walk.step(&format!("{} {what}", dialect.name), route.verb == Verb::Head, need, scene, |place, _| {
                let mut made = Made::of(dialect, route, place);
                // What is asked here stands in the place of what the row asks by itself.
                made.headers.retain(|(name, _)| !headers.iter().any(|(suffix, _)| *name == prefixed(dialect, suffix)));
                headers.iter().fold(made, |made, (suffix, value)| made.with(dialect, suffix, value))
            });
        }
    }
    walk.end(&[]);
}

/// What is asked, the row it is one of, on what, whether in a bucket whose default is the key, with which headers, and what that
/// needs.
type Row = (&'static str, &'static str, Kind, bool, Vec<(&'static str, &'static str)>, Need);

fn cases(dialect: &Dialect) -> Vec<Row> {
    let by_key = match dialect.name {
        "obs" => "kms",
        "oss" => "KMS",
        _ => "aws:kms",
    };
    let (sse, managed) = ("server-side-encryption", ("server-side-encryption", "AES256"));
    let mut rows = vec![
        ("put in the clear", "PutObject", Kind::Object, false, vec![], Nothing),
        ("put under a key by header", "PutObject", Kind::Object, false, vec![(sse, by_key)], Sealing),
        ("put under the service's own key", "PutObject", Kind::Object, true, vec![managed], Nothing),
        (
            "begin parts under a key by header",
            "CreateMultipartUpload",
            Kind::Object,
            false,
            vec![(sse, by_key)],
            Sealing,
        ),
        (
            "begin parts under the service's own key",
            "CreateMultipartUpload",
            Kind::Object,
            true,
            vec![managed],
            Nothing,
        ),
        ("copy from under the key", "CopyObject", Kind::Object, true, vec![managed], Opening),
        ("copy to under the key", "CopyObject", Kind::ClearSource, true, vec![], Sealing),
        ("copy in the clear", "CopyObject", Kind::ClearSource, false, vec![], Nothing),
        ("copy a part from under the key", "UploadPartCopy", Kind::ClearUpload, true, vec![], Opening),
        ("copy a part to under the key", "UploadPartCopy", Kind::UploadFromClear, true, vec![], Opening),
        ("a part in the clear", "UploadPart", Kind::ClearUpload, false, vec![], Nothing),
        ("complete in the clear", "CompleteMultipartUpload", Kind::ClearUpload, false, vec![], Nothing),
        ("get in the clear", "GetObject", Kind::ClearObject, true, vec![], Nothing),
    ];
    if dialect.name != "s3" {
        rows.push(("append anew", "AppendObject", Kind::Nothing, true, vec![], Sealing));
        rows.push(("append anew in the clear", "AppendObject", Kind::Nothing, false, vec![], Nothing));
    }
    if dialect.name == "oss" {
        rows.push(("get through a link", "GetObject", Kind::Link, true, vec![], Opening));
    }
    if dialect.name == "s3" {
        // Checksums are of the plaintext, and need the key as it does.
        rows.push((
            "head with checksums",
            "HeadObject",
            Kind::Object,
            true,
            vec![("checksum-mode", "ENABLED")],
            Opening,
        ));
        rows.push((
            "rewrap from the service's own key",
            "UpdateObjectEncryption",
            Kind::ClearObject,
            true,
            vec![],
            Sealing,
        ));
        let checksum = vec![("object-attributes", "Checksum")];
        rows.push(("checksums among attributes", "GetObjectAttributes", Kind::Object, true, checksum, Opening));
    }
    rows
}

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Nothing,
    /// An object, and another to copy.
    Object,
    /// An object in the clear.
    ClearObject,
    /// An object to copy that is in the clear.
    ClearSource,
    /// An object that grows.
    Appendable,
    /// A link to an object.
    Link,
    /// An upload of one part, and an object to copy.
    Upload,
    /// An upload in the clear.
    ClearUpload,
    /// An upload, and an object in the clear to copy.
    UploadFromClear,
}

impl Kind {
    fn of(route: &Route) -> Self {
        match route.name {
            "AppendObject" | "SealAppendObject" => Self::Appendable,
            "GetSymlink" => Self::Link,
            "AbortMultipartUpload" | "CompleteMultipartUpload" | "ListParts" | "UploadPart" | "UploadPartCopy" => {
                Self::Upload
            }
            _ if route.level == Level::Object => Self::Object,
            _ => Self::Nothing,
        }
    }

    /// Whether there is an object to copy, or to lead to.
    fn has_source(self) -> bool {
        !matches!(self, Self::Nothing | Self::ClearObject | Self::Appendable)
    }
}

/// A bucket and what is in it.
#[derive(Debug, Clone, Copy)]
struct Scene {
    dialect: &'static Dialect,
    kind: Kind,
    /// Whether the bucket's default is the key.
    sealed: bool,
}

/// One walk, and what it found wrong.
struct Walk {
    server: Server,
    /// Two master keys, by their names in the S3 dialect; objects are under the first.
    keys: [String; 2],
    user: (String, String),
    /// How many buckets were made.
    buckets: usize,
    /// What is expected of the audit trail, by bucket: the request, and what it needed.
    expected: BTreeMap<String, (String, Need)>,
    /// What was refused to both.
    fruitless: BTreeSet<String>,
    wrong: Vec<String>,
}

impl Walk {
    fn begin() -> Self {
        let server = Site::new().start();
        let keys = [(); 2].map(|()| {
            let made = command(&server, &["key", "create"]);
            let who = command(&server, &["account", "list"]);
            let account = who["accounts"][0].as_str().unwrap().to_owned();
            format!("arn:aws:kms:us-east-1:{account}:key/{}", made["id"].as_str().unwrap())
        });
        let made = command(&server, &["user", "create", "objects-alone"]);
        let user = ["access_key", "secret_key"].map(|name| made[name].as_str().unwrap().to_owned()).into();
        let policy = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(policy.path(), OBJECTS_ALONE).unwrap();
        command(&server, &["policy", "put", "objects", "--file", policy.path().to_str().unwrap()]);
        command(&server, &["policy", "attach", "objects", "user/objects-alone"]);
        Self {
            server,
            keys,
            user,
            buckets: 0,
            expected: BTreeMap::new(),
            fruitless: BTreeSet::new(),
            wrong: Vec::new(),
        }
    }

    /// Has the same asked by the root user and by the user without the key, each in a bucket of its own.
    fn step(
        &mut self,
        what: &str,
        is_head: bool,
        need: Need,
        scene: Scene,
        make: impl Fn(&Place, (&str, &str)) -> Made,
    ) {
        let (access_key, secret) = self.user.clone();
        let who = [(ACCESS_KEY, SECRET_KEY), (access_key.as_str(), secret.as_str())];
        let [by_owner, by_user] = who.map(|who| {
            let place = self.prepare(scene);
            let made = make(&place, who);
            let ask = if what.ends_with(FORM) { made.ask().unsigned() } else { made.ask().by(who.0, who.1) };
            (ask.send(self.server.http, made.body.as_bytes()).unwrap(), place.bucket)
        });
        let code = |answer: &Answer| if is_head { String::new() } else { answer.code() };
        let (owner, user) = (&by_owner.0, &by_user.0);
        let right = match need {
            Nothing => {
                owner.status == user.status && user.status != 403 && (user.status < 300 || code(owner) == code(user))
            }
            Sealing | Opening | Both => {
                owner.status < 300 && user.status == 403 && (is_head || code(user) == "AccessDenied")
            }
        };
        if !right {
            let (told, refused) = (owner.text(), user.text());
            self.wrong.push(format!("{what} needs {need:?}: {} {told} / {} {refused}", owner.status, user.status));
        }
        if need == Nothing && user.status >= 300 {
            let (_dialect, what) = what.split_once(' ').expect("a dialect, and what is asked of it");
            self.fruitless.insert(what.to_owned());
        }
        self.expected.insert(by_user.1, (what.to_owned(), need));
    }

    /// Makes a bucket and what is to be in it.
    fn prepare(&mut self, Scene { dialect, kind, sealed }: Scene) -> Place {
        self.buckets += 1;
        let mut place = Place::of(&format!("bucket-{}", self.buckets));
        place.source = "source".to_owned();
        place.master.clone_from(&self.keys[1]);
        make_bucket(self.server.http, &place.bucket);
        let default = |method: &str| {
            format!(
                "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>{method}\
                 </ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"
            )
        };
        let under_key =
            default(&format!("<SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>{}</KMSMasterKeyID>", self.keys[0]));
        let managed = default("<SSEAlgorithm>AES256</SSEAlgorithm>");
        let put = |suffix: &str, body: &str| self.done("PUT", &format!("/{}{suffix}", place.bucket), body);
        let mut now = None;
        let mut set_default = |sealed| {
            if now.replace(sealed) != Some(sealed) {
                put("?encryption", if sealed { &under_key } else { &managed });
            }
        };
        if kind.has_source() {
            set_default(!matches!(kind, Kind::ClearSource | Kind::UploadFromClear));
            put("/source", "source");
        }
        set_default(!matches!(kind, Kind::ClearObject | Kind::ClearUpload));
        match kind {
            Kind::Nothing => {}
            Kind::Object | Kind::ClearObject | Kind::ClearSource => drop(put("/key", "data")),
            Kind::Appendable => {
                let target = format!("/{}/key?append&position=0", place.bucket);
                let scheme = Made::form(dialect, &place, None).scheme;
                let first = Ask { scheme, ..Ask::s3("POST", &target) }.send(self.server.http, b"data").unwrap();
                assert_eq!(first.status, 200, "{}", first.text());
                place.position = 4;
            }
            Kind::Link => {
                let target = format!("/{}/key?symlink", place.bucket);
                let link = Ask::oss("PUT", &target).header("x-oss-symlink-target", "source");
                assert_eq!(link.send(self.server.http, b"").unwrap().status, 200);
            }
            Kind::Upload | Kind::ClearUpload | Kind::UploadFromClear => {
                let begun = self.done("POST", &format!("/{}/key?uploads", place.bucket), "").text();
                let id = begun.split_once("<UploadId>").and_then(|(_, rest)| rest.split_once("</UploadId>"));
                place.upload = id.unwrap().0.to_owned();
                let part = put(&format!("/key?partNumber=1&uploadId={}", place.upload), "part");
                place.etag = part.header("etag").unwrap().to_owned();
            }
        }
        set_default(sealed);
        place
    }

    fn done(&self, method: &str, target: &str, body: &str) -> Answer {
        let answer = Ask::s3(method, target).send(self.server.http, body.as_bytes()).unwrap();
        assert_eq!(answer.status, 200, "{method} {target}: {}", answer.text());
        answer
    }

    /// Holds the audit trail against what was asked, and all that was found. Of what needs nothing, all but `fruitless` is done.
    fn end(mut self, fruitless: &[&str]) {
        let query = ["audit", "query", "--principal", "user/objects-alone", "--outcome", "denied", "--limit", "10000"];
        let trail = command(&self.server, &query);
        let mut denied: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for record in trail["records"].as_array().unwrap().iter().map(|line| &line["record"]) {
            let text = |name: &str| record[name].as_str().unwrap_or_default();
            denied.entry(text("bucket")).or_default().push(text("action"));
            if record["key"] == Value::Null {
                self.wrong.push(format!("the audit trail names no key: {record}"));
            }
        }
        for (bucket, (what, need)) in &self.expected {
            let missing = denied.get(bucket.as_str()).map(Vec::as_slice).unwrap_or_default();
            let right = match need {
                Nothing => missing.is_empty(),
                Sealing => missing == ["GenerateDataKey"],
                Opening => missing == ["DecryptDataKey"],
                Both => matches!(missing, ["GenerateDataKey" | "DecryptDataKey"]),
            };
            if !right {
                self.wrong.push(format!("{what} needs {need:?}; denied by the audit trail: {missing:?}"));
            }
        }
        assert_eq!(self.fruitless, fruitless.iter().map(|what| (*what).to_owned()).collect());
        assert!(self.wrong.is_empty(), "{} of {}:\n{}", self.wrong.len(), self.expected.len(), self.wrong.join("\n"));
        self.server.stop();
    }
}
