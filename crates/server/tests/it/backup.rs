//! `strongroom backup` of a server that is written to, and `strongroom restore` of it elsewhere.

use std::{
    path::Path,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::Value;

use crate::{
    client::{Ask, make_bucket},
    process::{Server, Site},
};

fn ran(mut command: Command) -> (Option<i32>, String, String) {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn back_up(server: &Server, file: &Path, flags: &[&str]) -> (Option<i32>, String, String) {
    let mut command = server.site.command(&[&["backup", file.to_str().unwrap(), "--json"], flags].concat());
    command.env("STRONGROOM_ENDPOINT", format!("http://{}", server.admin));
    ran(command)
}

/// A place for a restored store: its keys folder holds the root key of `from` and nothing else.
fn place_for(from: &Site) -> Site {
    let site = Site::new();
    std::fs::create_dir_all(site.data().join("keys")).unwrap();
    std::fs::copy(from.data().join("keys/root.key"), site.data().join("keys/root.key")).unwrap();
    site
}

fn restore(site: &Site, file: &Path) -> (Option<i32>, String, String) {
    ran(site.command(&["restore", file.to_str().unwrap(), "--json"]))
}

/// The objects that writers have been told of, and their bytes.
type Acknowledged = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

fn write_until(server: &Server, writer: usize, stop: Arc<AtomicBool>, acknowledged: Acknowledged) {
    for round in 0.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let target = format!("/bucket/w{writer}/{round}");
        let size = if round % 3 == 0 { 150_000 } else { 3_000 };
        let body: Vec<u8> = (0..size).map(|at| (at * 7 + round * 13 + writer) as u8).collect();
        let mode = ["AES256", "aws:kms"][round % 2];
        let answer = Ask::s3("PUT", &target).header("x-amz-server-side-encryption", mode).send(server.http, &body);
        assert_eq!(answer.unwrap().status, 200);
        acknowledged.lock().unwrap().push((target, body));
        // What is overwritten leaves blobs for the reaper.
        let overwritten =
            Ask::s3("PUT", &format!("/bucket/hot{writer}")).send(server.http, &vec![round as u8; 100_000]);
        assert_eq!(overwritten.unwrap().status, 200);
    }
}

#[test]
fn what_was_acknowledged_before_a_backup_reads_back_after_it() {
    let server = Site::new().start();
    make_bucket(server.http, "bucket");
    let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Acknowledged::default());
    let file = server.site.data().join("../backup");
    let before = std::thread::scope(|scope| {
        for writer in 0..3 {
            let (server, stop, acknowledged) = (&server, stop.clone(), acknowledged.clone());
            scope.spawn(move || write_until(server, writer, stop, acknowledged));
        }
        while acknowledged.lock().unwrap().len() < 30 {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let before = acknowledged.lock().unwrap().clone();
        let (code, text, error) = back_up(&server, &file, &["--with-blobs"]);
        stop.store(true, Ordering::SeqCst);
        assert_eq!(code, Some(0), "{text}{error}");
        let facts: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(facts["length"].as_u64(), Some(std::fs::metadata(&file).unwrap().len()));
        assert_eq!(facts["missing_blobs"].as_u64(), Some(0), "{text}");
        assert!(facts["blobs"].as_u64() >= Some(10), "{text}");
        before
    });
    let (code, _, error) = back_up(&server, &file, &[]);
    assert!(code == Some(2) && error.contains("cannot write"), "a backup is never overwritten: {error}");

    let site = place_for(&server.site);
    let (code, text, error) = restore(&site, &file);
    assert_eq!(code, Some(0), "{text}{error}");
    let (code, _, error) = restore(&site, &file);
    assert!(code == Some(1) && error.contains("is not empty"), "{error}");
    let restored = site.start();
    for (target, body) in before {
        let answer = Ask::s3("GET", &target).send(restored.http, b"").unwrap();
        assert!(answer.status == 200 && answer.body == body, "{target}: {}", answer.status);
    }
    let mut scrub = site.command(&["scrub", "--json"]);
    scrub.env("STRONGROOM_ENDPOINT", format!("http://{}", restored.admin));
    let (code, text, error) = ran(scrub);
    assert_eq!(code, Some(0), "{text}{error}");
}

#[test]
fn blobs_that_are_not_there_are_named() {
    let server = Site::new().start();
    make_bucket(server.http, "bucket");
    for (key, size) in [("small", 10), ("kept", 100_000), ("lost", 100_000)] {
        assert_eq!(Ask::s3("PUT", &format!("/bucket/{key}")).send(server.http, &vec![7; size]).unwrap().status, 200);
        if key == "kept" {
            copy(&server.site.data().join("blobs"), &server.site.data().join("../kept"));
        }
    }
    let file = server.site.data().join("../backup");
    let (code, text, error) = back_up(&server, &file, &["--keep-blobs", "60"]);
    assert_eq!(code, Some(0), "{text}{error}");

    let site = place_for(&server.site);
    copy(&server.site.data().join("../kept"), &site.data().join("blobs"));
    let (code, text, error) = restore(&site, &file);
    assert!(code == Some(1) && error.contains("1 blobs are missing"), "{text}{error}");
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["missing_blobs"][0]["object"], serde_json::json!({ "bucket": "bucket", "key": "lost" }));
    let restored = site.start();
    for (key, status) in [("small", 200), ("kept", 200), ("lost", 500)] {
        let answer = Ask::s3("GET", &format!("/bucket/{key}")).send(restored.http, b"").unwrap();
        assert_eq!(answer.status, status, "{key}");
    }
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-r").arg(from).arg(to).status().unwrap().success());
}
