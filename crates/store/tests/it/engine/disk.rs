//! What is found on the disk by someone who takes it away.

use std::{fs, path::Path, sync::atomic::Ordering};

use strongroom_model::operation::object::PutObject;

use super::bench::{Bench, CUSTOMER_KEY, METHODS, Method, noise, put};

const MARKER: &[u8] = b"the quick brown fox and the lazy dog, in every object";

const ZEROS: [u8; 4096] = [0; 4096];

/// All files below `folder` but the key files.
fn raw_bytes(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("keys") {
                bytes.extend(raw_bytes(&path));
            }
        } else {
            // Journals are mostly zeros, made in advance.
            let file = fs::read(&path).unwrap();
            bytes.extend(file.chunks(4096).filter(|block| **block != ZEROS[..block.len()]).flatten());
        }
    }
    bytes
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// Marker, then noise, then marker.
fn marked(size: usize) -> Vec<u8> {
    let filler = noise(size.saturating_sub(2 * MARKER.len()));
    [MARKER, &filler, MARKER].concat()
}

fn md5(bytes: &[u8]) -> [u8; 16] {
    use md5::Digest as _;
    md5::Md5::digest(bytes).into()
}

#[tokio::test]
async fn nothing_of_an_encrypted_object_is_on_the_disk() {
    for method in METHODS.into_iter().filter(|method| *method != Method::Plain) {
        for size in [0, 3000, 200_000] {
            let bytes = marked(size);
            let bench = Bench::disk().await;
            // The master key is made by the first write; it is a key as well.
            bench.drawn.watched.store(true, Ordering::SeqCst);
            let expected =
                strongroom_model::operation::object::ExpectedDigests { md5: Some(md5(&bytes)), checksums: Vec::new() };
            let asked = PutObject { encryption: method.wish(), expected, ..put("name") };
            bench.put_as(asked, &bytes).await.unwrap();
            assert!(bench.get("name", method).await.unwrap() == bytes);
            let keys = bench.drawn.keys.lock().unwrap().clone();
            assert!(!keys.is_empty(), "{method:?}: at least a data key was drawn");
            let Bench { engine, reaper, kv, blobs, folder, .. } = bench;
            drop((engine, reaper, kv, blobs));
            let raw = raw_bytes(folder.path());
            assert!(raw.len() > size);
            let what = format!("{method:?}, {size} bytes");
            assert!(!contains(&raw, &MARKER[..16]), "{what}: the marker");
            assert!(!contains(&raw, &md5(&bytes)), "{what}: the MD5 of the plaintext");
            assert!(!contains(&raw, hex::encode(md5(&bytes)).as_bytes()), "{what}: the MD5 in hex");
            for key in keys.iter().chain([&CUSTOMER_KEY.to_vec()]) {
                assert!(!contains(&raw, key), "{what}: a key");
                assert!(!contains(&raw, hex::encode(key).as_bytes()), "{what}: a key in hex");
            }
        }
    }
}

/// The control: the search above finds what is there.
#[tokio::test]
async fn a_large_plain_object_is_found_on_the_disk() {
    let bench = Bench::disk().await;
    bench.put("name", &marked(200_000), Method::Plain).await.unwrap();
    let raw = raw_bytes(bench.folder.path());
    assert!(contains(&raw, MARKER));
    assert!(contains(&raw, b"name"), "a blob says whose it is");
}
