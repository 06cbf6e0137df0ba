//! `strongroom recover`: the catalog's folder is lost, the blobs and the ledger are there.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    administer::{command, plain},
    client::{Answer, Ask, make_bucket},
    process::{Server, Site},
};

/// The customer's key "0123…cdef0123…cdef" in base64, and its MD5 (computed with Python).
const CUSTOMER_KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const CUSTOMER_KEY_MD5: &str = "hRasmdxgYDKV3nvbahU1MA==";

fn sealed<'a>(ask: Ask<'a>, mode: &str) -> Ask<'a> {
    match mode {
        "plain" => ask,
        "customer" => ask
            .header("x-amz-server-side-encryption-customer-algorithm", "AES256")
            .header("x-amz-server-side-encryption-customer-key", CUSTOMER_KEY)
            .header("x-amz-server-side-encryption-customer-key-md5", CUSTOMER_KEY_MD5),
        "bucket key" => ask
            .header("x-amz-server-side-encryption", "aws:kms")
            .header("x-amz-server-side-encryption-bucket-key-enabled", "true"),
        mode => ask.header("x-amz-server-side-encryption", mode),
    }
}

fn sent(server: &Server, ask: &Ask<'_>, body: &[u8]) -> Answer {
    let answer = ask.send(server.http, body).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer
}

fn bytes(seed: usize, len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 31 + seed * 7 + at / 251) as u8).collect()
}

/// What a reader is told of an object, and its bytes.
fn read(server: &Server, key: &str, mode: &str) -> (Vec<(String, String)>, Vec<u8>) {
    let reading = if mode == "customer" { mode } else { "plain" };
    let target = format!("/bucket/{key}");
    let answer = sent(server, &sealed(Ask::s3("GET", &target), reading), b"");
    let told = answer.headers.into_iter().filter(|(name, _)| {
        ["etag", "content-type", "x-amz-meta-note", "last-modified", "x-amz-version-id"].contains(&name.as_str())
            || name.starts_with("x-amz-server-side-encryption")
    });
    (told.collect(), answer.body)
}

/// Uploads parts, and answers how they are completed: the target, and the document.
fn upload_parts(server: &Server, key: &str, mode: &str, parts: &[Vec<u8>]) -> (String, String) {
    let target = format!("/bucket/{key}?uploads");
    let begun = sent(server, &sealed(Ask::s3("POST", &target), mode), b"");
    let text = begun.text();
    let id = text.split_once("<UploadId>").unwrap().1.split_once("</UploadId>").unwrap().0.to_owned();
    let mut list = String::from("<CompleteMultipartUpload>");
    for (n, part) in parts.iter().enumerate() {
        let target = format!("/bucket/{key}?partNumber={}&uploadId={id}", n + 1);
        let part_mode = if mode == "customer" { mode } else { "plain" };
        let written = sent(server, &sealed(Ask::s3("PUT", &target), part_mode), part);
        let tag = written.header("etag").unwrap();
        list += &format!("<Part><PartNumber>{}</PartNumber><ETag>{tag}</ETag></Part>", n + 1);
    }
    list += "</CompleteMultipartUpload>";
    (format!("/bucket/{key}?uploadId={id}"), list)
}

fn upload(server: &Server, key: &str, mode: &str, parts: &[Vec<u8>]) {
    let (target, list) = upload_parts(server, key, mode, parts);
    sent(server, &Ask::s3("POST", &target), list.as_bytes());
}

fn recover(site: &Site) -> (Option<i32>, Value, String) {
    let output = site.command(&["recover", "--json"]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_default(), error)
}

#[test]
fn objects_in_blobs_come_back_with_all_that_was_told_of_them() {
    let server = Site::new().start();
    make_bucket(server.http, "bucket");
    let modes = ["plain", "AES256", "aws:kms", "bucket key", "customer"];
    let mut expected = Vec::new();
    for (n, mode) in modes.into_iter().enumerate() {
        let (whole, parted, small) = (format!("whole-{n}"), format!("parts-{n}"), format!("small-{n}"));
        for body in [bytes(90, 150_000), bytes(n, 150_000)] {
            let target = format!("/bucket/{whole}");
            let ask = Ask::s3("PUT", &target).header("content-type", "text/x-n").header("x-amz-meta-note", "n");
            sent(&server, &sealed(ask, mode), &body);
        }
        upload(&server, &parted, mode, &[bytes(n + 10, 5 << 20), bytes(n + 20, 70_000)]);
        sent(&server, &sealed(Ask::s3("PUT", &format!("/bucket/{small}")), mode), b"small");
        for key in [whole, parted] {
            expected.push((key.clone(), mode, read(&server, &key, mode)));
        }
    }
    for round in 0..3_u32 {
        let target = format!("/bucket/log?append&position={}", round * 100_000);
        sent(&server, &Ask::oss("POST", &target), &bytes(round as usize, 100_000));
    }
    expected.push(("log".to_owned(), "plain", read(&server, "log", "plain")));
    assert_eq!(expected.last().unwrap().2.1.len(), 300_000);
    let site = server.site.clone();
    server.stop();

    let (code, _, error) = recover(&site);
    assert!(code == Some(1) && error.contains("move it away"), "{error}");
    fs::rename(site.data().join("catalog"), site.data().join("../lost")).unwrap();
    let refused = String::from_utf8(site.fail_to_start().stderr).unwrap();
    assert!(refused.contains("strongroom recover"), "{refused}");
    let (code, found, error) = recover(&site);
    assert_eq!(code, Some(0), "{error}");
    assert_eq!((found["versions"].as_u64(), found["incomplete"].as_u64()), (Some(11), Some(0)), "{found}");
    assert_eq!(found["overwritten"].as_u64(), Some(5), "{found}");

    let server = site.start();
    for (key, mode, told) in expected {
        assert_eq!(read(&server, &key, mode), told, "{key}");
    }
    let small = Ask::s3("GET", "/bucket/small-0").send(server.http, b"").unwrap();
    assert_eq!(small.status, 404, "what was in the catalog alone is lost, and was said to be");
    sent(&server, &sealed(Ask::s3("PUT", "/bucket/whole-0"), "aws:kms"), b"it goes on");
    let scrub =
        site.command(&["scrub", "--json"]).env("STRONGROOM_ENDPOINT", format!("http://{}", server.admin)).output();
    let scrub = scrub.unwrap();
    assert_eq!(scrub.status.code(), Some(0), "{}", String::from_utf8_lossy(&scrub.stdout));
}

#[test]
fn versions_come_back_in_their_order() {
    let server = Site::new().start();
    make_bucket(server.http, "bucket");
    let on = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    sent(&server, &Ask::s3("PUT", "/bucket?versioning"), on.as_bytes());
    let mut versions = Vec::new();
    for n in 0..3 {
        let answer = sent(&server, &Ask::s3("PUT", "/bucket/key"), &bytes(n, 100_000 + n));
        versions.push(answer.header("x-amz-version-id").unwrap().to_owned());
        // Records tell versions apart by their time, which clients are told in seconds, and the store in milliseconds.
        std::thread::sleep(Duration::from_millis(20));
    }
    let site = server.site.clone();
    server.stop();
    fs::remove_dir_all(site.data().join("catalog")).unwrap();
    let lost = site.blob_files().into_iter().find(|path| fs::metadata(path).unwrap().len() > 100_000).unwrap();
    let (code, found, error) = recover(&site);
    assert_eq!(code, Some(0), "{error}");
    assert_eq!(found["versions"].as_u64(), Some(3), "{found}");
    let server = site.start();
    assert_eq!(read(&server, "key", "plain").1, bytes(2, 100_002));
    for (n, version) in versions.iter().enumerate() {
        let target = format!("/bucket/key?versionId={version}");
        assert_eq!(sent(&server, &Ask::s3("GET", &target), b"").body, bytes(n, 100_000 + n));
    }
    server.stop();

    fs::remove_dir_all(site.data().join("catalog")).unwrap();
    let mut damaged = fs::read(&lost).unwrap();
    let in_record = damaged.len() - 40;
    damaged[in_record] ^= 1;
    fs::write(&lost, damaged).unwrap();
    let (code, found, error) = recover(&site);
    assert_eq!(code, Some(0), "{error}");
    assert_eq!((found["versions"].as_u64(), found["unneeded_blobs"].as_u64()), (Some(2), Some(1)), "{found}");
    fs::remove_dir_all(site.data().join("catalog")).unwrap();
    fs::write(site.data().join("ledger/rows"), b"something else").unwrap();
    let (code, _, error) = recover(&site);
    assert!(code == Some(1) && error.contains("ledger"), "{error}");
}

/// Documents of a bucket, of every family of rows that a bucket has, and of its own row.
const SETTINGS: [(&str, &str); 7] = [
    ("versioning", "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>"),
    (
        "lifecycle",
        "<LifecycleConfiguration><Rule><ID>r</ID><Filter><Prefix>p</Prefix></Filter><Status>Enabled</Status>\
         <Expiration><Days>5</Days></Expiration></Rule></LifecycleConfiguration>",
    ),
    (
        "inventory&id=report",
        "<InventoryConfiguration><Id>report</Id><IsEnabled>true</IsEnabled><Destination><S3BucketDestination><Format>CSV</Format>\
         <Bucket>arn:aws:s3:::bucket</Bucket></S3BucketDestination></Destination><Schedule><Frequency>Daily</Frequency></Schedule>\
         <IncludedObjectVersions>All</IncludedObjectVersions></InventoryConfiguration>",
    ),
    (
        "cors",
        "<CORSConfiguration><CORSRule><AllowedOrigin>https://a.example</AllowedOrigin><AllowedMethod>GET</AllowedMethod>\
         </CORSRule></CORSConfiguration>",
    ),
    (
        "publicAccessBlock",
        "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>false</IgnorePublicAcls>\
         <BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>false</RestrictPublicBuckets>\
         </PublicAccessBlockConfiguration>",
    ),
    ("tagging", "<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>"),
    (
        "encryption",
        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm>\
         </ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>",
    ),
];

/// What is told of the bucket, of keys and of users.
fn told(server: &Server) -> Vec<String> {
    let settings =
        SETTINGS.iter().map(|(name, _)| sent(server, &Ask::s3("GET", &format!("/bucket?{name}")), b"").text());
    let commands = [&["key", "describe", "alias/a"][..], &["user", "list"], &["policy", "show", "Administrator"]];
    settings.chain(commands.map(|arguments| command(server, arguments).to_string())).collect()
}

#[test]
fn buckets_keys_and_users_are_as_they_were_when_the_server_died() {
    let mut server = Site::new().start();
    make_bucket(server.http, "bucket");
    for (name, document) in SETTINGS {
        let target = format!("/bucket?{name}");
        let answer = Ask::s3("PUT", &target).send(server.http, document.as_bytes()).unwrap();
        assert!(matches!(answer.status, 200 | 204), "{name}: {}", answer.text());
    }
    command(&server, &["key", "create", "--alias", "alias/a"]);
    command(&server, &["user", "create", "anna"]);
    let before = told(&server);
    server.kill();
    let site = server.site.clone();
    fs::remove_dir_all(site.data().join("catalog")).unwrap();
    let (code, _, error) = recover(&site);
    assert_eq!(code, Some(0), "{error}");
    assert_eq!(told(&site.start()), before);
}

#[test]
fn a_write_that_was_refused_leaves_what_it_was_refused_for() {
    let mut server = Site::new().start();
    make_bucket(server.http, "bucket");
    sent(&server, &Ask::s3("PUT", "/bucket/kept"), &bytes(1, 100_000));
    let policy =
        b"<InitiateWormConfiguration><RetentionPeriodInDays>1</RetentionPeriodInDays></InitiateWormConfiguration>";
    sent(&server, &Ask::oss("POST", "/bucket?worm"), policy);
    // So that the reaper does not take what was refused before the server dies.
    let site = server.site.clone();
    let backup = site.data().join("../backup");
    command(&server, &["backup", backup.to_str().unwrap(), "--keep-blobs", "10"]);
    let (target, list) = upload_parts(&server, "kept", "plain", &[bytes(2, 100_000)]);
    let refused = Ask::s3("POST", &target).send(server.http, list.as_bytes()).unwrap();
    assert_eq!(refused.status, 403, "{}", refused.text());
    server.kill();
    fs::remove_dir_all(site.data().join("catalog")).unwrap();
    let (code, found, error) = recover(&site);
    assert_eq!(code, Some(0), "{error}");
    let count = |name: &str| found[name].as_u64().unwrap();
    assert_eq!((count("versions"), count("refused"), count("overwritten")), (1, 1, 0), "{found}");
    assert_eq!(count("unneeded_blobs"), 2, "its part and its record are kept: {found}");
    let server = site.start();
    assert_eq!(read(&server, "kept", "plain").1, bytes(1, 100_000));
    let begun = Instant::now();
    while metric(&server, "strongroom_blobs_dead") != 2 {
        assert!(begun.elapsed() < Duration::from_secs(30), "the reaper looks at what is kept");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(metric(&server, "strongroom_blobs_reaped_total"), 0, "and leaves it");
}

fn metric(server: &Server, name: &str) -> u64 {
    let (_, text) = plain(server.admin, "GET", "/metrics", "");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}
