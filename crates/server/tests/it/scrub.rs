//! `strongroom scrub` against a running server: nothing found in what is sound, and the damaged object named.

use std::process::Command;

use serde_json::Value;

use crate::{
    client::{Ask, make_bucket},
    process::{Server, Site},
};

fn strongroom(server: &Server, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command: Command = server.site.command(arguments);
    let output = command.env("STRONGROOM_ENDPOINT", format!("http://{}", server.admin)).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn put(server: &Server, target: &str, body: &[u8]) {
    let ask = Ask::s3("PUT", target).header("x-amz-server-side-encryption", "aws:kms");
    assert_eq!(ask.send(server.http, body).unwrap().status, 200);
}

#[test]
fn damage_is_named_and_not_repaired() {
    let server = Site::new().start();
    make_bucket(server.http, "bucket");
    put(&server, "/bucket/small", b"small");
    put(&server, "/bucket/large", &[7; 200_000]);
    let (code, text, error) = strongroom(&server, &["scrub", "--json"]);
    assert_eq!(code, Some(0), "{text}{error}");
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&report["state"], report["done"]["versions"].as_u64()), (&"finished".into(), Some(2)));
    assert_eq!((report["done"]["bytes"].as_u64(), report["blobs"].as_u64()), (Some(200_005), Some(1)));

    let blobs = server.site.blob_files();
    let [blob] = blobs.as_slice() else { panic!("{blobs:?}") };
    let mut bytes = std::fs::read(blob).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(blob, &bytes).unwrap();
    let (code, text, error) = strongroom(&server, &["scrub", "--rate", "50"]);
    assert_eq!(code, Some(1), "{text}{error}");
    assert!(text.contains("large") && text.contains("bytes") && !text.contains("small"), "{text}");
    assert!(error.contains("1 things are not as they were"), "{error}");
    assert_eq!(std::fs::read(blob).unwrap(), bytes, "it was not touched");
    let (code, text, _) = strongroom(&server, &["scrub", "status", "--json"]);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, report["findings"][0]["trouble"].as_str()), (Some(1), Some("bytes")));
    assert!(server.site.log().contains("the scrub has found damage"));
    assert_eq!(strongroom(&server, &["scrub", "stop"]).0, Some(0));
}
