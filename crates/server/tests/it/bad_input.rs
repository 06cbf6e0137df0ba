//! Input that no honest client sends: a clear answer, or a closed connection, and nothing left behind.

use std::{net::Shutdown, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::{
    digest::{SHA256, digest},
    hmac,
};
use strongroom_wire::signature::{
    chunk::{ChunkDigest, ChunkSeed},
    payload::PayloadWord,
};

use crate::{
    client::{Answer, Ask, Connection, insert_header, keys, make_bucket},
    process::{ACCESS_KEY, SECRET_KEY, Server, Site},
};

/// Bytes that are stored in a blob, not in the catalog.
const LARGE: usize = 300_000;

/// A server with an empty bucket.
fn server_with_bucket() -> Server {
    let server = Site::new().start();
    make_bucket(server.http, "bucket");
    server
}

/// Holds that nothing came of what was sent: no object, and no blob once the reaper, which runs at each start, has run.
fn assert_nothing_left(server: Server) {
    assert_eq!(keys(server.http, "bucket"), Vec::<String>::new());
    let site = server.site.clone();
    server.stop();
    let server = site.start();
    let mut left = site.blob_files();
    for _ in 0..100 {
        if left.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
        left = site.blob_files();
    }
    assert!(left.iter().all(|path| path.components().any(|part| part.as_os_str() == "lock")), "{left:?} is left");
    assert_eq!(keys(server.http, "bucket"), Vec::<String>::new());
}

fn assert_refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", answer.text());
}

/// Sends a signed request as raw bytes after its head.
fn send_raw(server: &Server, ask: &Ask<'_>, lines: &[&str], body: &[u8]) -> Connection {
    let (mut head, _) = ask.head(server.http);
    lines.iter().for_each(|line| insert_header(&mut head, line));
    let mut connection = Connection::open(server.http).unwrap();
    connection.send(&[head.as_slice(), body].concat()).unwrap();
    connection
}

#[test]
fn heads_have_an_end() {
    let server = server_with_bucket();
    let long = Ask::s3("GET", "/bucket").header("x-amz-meta-long", "x".repeat(40_000));
    let answer = long.send(server.http, b"").unwrap();
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("<Code>"), "{}", answer.text());

    let mut endless = Connection::open(server.http).unwrap();
    let sent = endless.send(format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}", "y".repeat(1_000_000)).as_bytes());
    // The server may close while we still send.
    if sent.is_ok() {
        let answer = endless.receive(false);
        assert!(answer.is_err() || answer.unwrap().status == 431);
    }
    assert!(endless.is_closed());

    let many: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
    let mut crowded = Connection::open(server.http).unwrap();
    crowded.send(format!("GET / HTTP/1.1\r\nhost: x\r\n{many}\r\n").as_bytes()).unwrap();
    assert_eq!(crowded.receive(false).unwrap().status, 431);
    assert_nothing_left(server);
}

#[test]
fn what_is_no_http_is_no_request() {
    let server = server_with_bucket();
    for nonsense in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(),
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"PUT /bucket/k HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n",
    ] {
        let mut connection = Connection::open(server.http).unwrap();
        connection.send(nonsense).unwrap();
        if let Ok(answer) = connection.receive(false) {
            assert_eq!(answer.status, 400, "{nonsense:?}");
        }
        assert!(connection.is_closed(), "{nonsense:?}");
    }
    assert_nothing_left(server);
}

#[test]
fn a_body_that_ends_early_is_no_object() {
    let server = server_with_bucket();
    for sent in [0, 1, LARGE - 1] {
        let line = format!("content-length: {LARGE}\r\n");
        let mut connection = send_raw(&server, &Ask::s3("PUT", "/bucket/short"), &[&line], &vec![7; sent]);
        connection.stream().shutdown(Shutdown::Write).unwrap();
        if let Ok(answer) = connection.receive(false) {
            assert_refused(&answer, 400, "IncompleteBody");
        }
        assert!(connection.is_closed());
    }
    assert_nothing_left(server);
}

/// A form, signed by AWS V2, whose policy takes files of up to `most` bytes; the file begins at its end.
fn form(most: usize) -> Vec<u8> {
    let conditions = format!("[{{\"bucket\": \"bucket\"}}, {{\"key\": \"k\"}}, [\"content-length-range\", 1, {most}]]");
    let policy = format!("{{\"expiration\": \"2099-01-01T00:00:00Z\", \"conditions\": {conditions}}}");
    let policy = BASE64_STANDARD.encode(policy);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, SECRET_KEY.as_bytes());
    let signature = BASE64_STANDARD.encode(hmac::sign(&key, policy.as_bytes()));
    let fields = [("key", "k"), ("AWSAccessKeyId", ACCESS_KEY), ("policy", &policy), ("signature", &signature)];
    let mut form = String::new();
    for (name, value) in fields {
        form += &format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    (form + "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n").into_bytes()
}

fn post(server: &Server, length: usize, body: &[u8]) -> Connection {
    let kind = "content-type: multipart/form-data; boundary=b";
    let head = format!("POST /bucket HTTP/1.1\r\nhost: localhost\r\n{kind}\r\ncontent-length: {length}\r\n\r\n");
    let mut connection = Connection::open(server.http).unwrap();
    connection.send(&[head.as_bytes(), body].concat()).unwrap();
    connection
}

#[test]
fn a_form_that_does_not_end_as_it_should_is_no_object() {
    let server = server_with_bucket();
    let whole = |most, end: &[u8]| [form(most), vec![7; LARGE], end.to_vec()].concat();
    let cut = whole(LARGE, b"");
    for sent in [100, cut.len() - LARGE, cut.len()] {
        let mut connection = post(&server, cut.len() + 9, &cut[..sent]);
        connection.stream().shutdown(Shutdown::Write).unwrap();
        if let Ok(answer) = connection.receive(false) {
            assert_refused(&answer, 400, "IncompleteBody");
        }
        assert!(connection.is_closed());
    }
    for (body, code) in [
        (whole(LARGE, b""), "MalformedPOSTRequest"),
        (whole(2 * LARGE, b"\r\n--c--"), "MalformedPOSTRequest"),
        (whole(LARGE - 1, b"\r\n--b--"), "EntityTooLarge"),
        ([form(LARGE), b"\r\n--b--".to_vec()].concat(), "EntityTooSmall"),
        (whole(LARGE, &[&b"\r\n--b--"[..], &[b' '; 1_000_000]].concat()), "MaxPostPreDataLengthExceeded"),
    ] {
        assert_refused(&post(&server, body.len(), &body).receive(false).unwrap(), 400, code);
    }
    assert_nothing_left(server);
}

#[test]
fn a_form_that_ends_as_it_should_is_an_object() {
    let server = server_with_bucket();
    let body = [form(LARGE), vec![7; LARGE], b"\r\n--b--\r\n".to_vec()].concat();
    assert_eq!(post(&server, body.len(), &body).receive(false).unwrap().status, 204);
    assert_eq!(Ask::s3("GET", "/bucket/k").send(server.http, b"").unwrap().body, vec![7; LARGE]);
}

#[test]
fn a_body_that_goes_on_is_the_next_request() {
    let server = server_with_bucket();
    let ask = Ask::s3("PUT", "/bucket/declared");
    let mut connection = send_raw(&server, &ask, &["content-length: 4\r\n"], b"datasurplus of nonsense\r\n\r\n");
    assert_eq!(connection.receive(false).unwrap().status, 200);
    assert_eq!(connection.receive(false).unwrap().status, 400);
    assert!(connection.is_closed());
    assert_eq!(Ask::s3("GET", "/bucket/declared").send(server.http, b"").unwrap().body, b"data");
}

#[test]
fn a_body_must_have_the_digests_it_was_said_to_have() {
    let server = server_with_bucket();
    for length in [4, LARGE] {
        let body = vec![7; length];
        let other: [u8; 32] = digest(&SHA256, b"something else").as_ref().try_into().unwrap();
        let signed = Ask::s3("PUT", "/bucket/k").payload(PayloadWord::Sha256(other)).send(server.http, &body).unwrap();
        assert_refused(&signed, 400, "XAmzContentSHA256Mismatch");
        let md5 = Ask::s3("PUT", "/bucket/k").header("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==");
        assert_refused(&md5.send(server.http, &body).unwrap(), 400, "BadDigest");
        let crc = Ask::s3("PUT", "/bucket/k").header("x-amz-checksum-crc32", "AAAAAA==");
        assert_refused(&crc.send(server.http, &body).unwrap(), 400, "BadDigest");
    }
    assert_nothing_left(server);
}

/// A body in signed chunks; `spoil` may change the chunk of that index after it was signed.
fn signed_chunks(mut seed: ChunkSeed, chunks: &[&[u8]], spoil: Option<usize>) -> Vec<u8> {
    let mut body = Vec::new();
    for (index, chunk) in chunks.iter().copied().chain([b"".as_slice()]).enumerate() {
        let mut digest = ChunkDigest::new();
        digest.update(chunk);
        let signature = seed.sign_chunk(digest);
        let mut data = chunk.to_vec();
        if let Some(first) = data.first_mut().filter(|_| spoil == Some(index)) {
            *first ^= 1;
        }
        let signature =
            if spoil == Some(index) && chunk.is_empty() { signature.replace(['0', '1'], "2") } else { signature };
        body.extend_from_slice(format!("{:x};chunk-signature={signature}\r\n", chunk.len()).as_bytes());
        body.extend_from_slice(&data);
        body.extend_from_slice(b"\r\n");
    }
    body
}

fn put_chunks(server: &Server, decoded: usize, make: impl FnOnce(ChunkSeed) -> Vec<u8>) -> std::io::Result<Answer> {
    let ask = Ask::s3("PUT", "/bucket/chunks")
        .header("content-encoding", "aws-chunked")
        .header("x-amz-decoded-content-length", decoded)
        .payload(PayloadWord::SignedChunks { trailer: false });
    let (mut head, seed) = ask.head(server.http);
    let body = make(seed.unwrap());
    insert_header(&mut head, &format!("content-length: {}\r\n", body.len()));
    let mut connection = Connection::open(server.http)?;
    connection.send(&[head, body].concat())?;
    connection.receive(false)
}

#[test]
fn signed_chunks_are_believed_only_to_the_last_signature() {
    let server = server_with_bucket();
    let (first, second) = (vec![1; 65_536], vec![2; LARGE]);
    let chunks = [first.as_slice(), second.as_slice()];
    let decoded = first.len() + second.len();
    for spoil in 0..=chunks.len() {
        let answer = put_chunks(&server, decoded, |seed| signed_chunks(seed, &chunks, Some(spoil))).unwrap();
        assert_refused(&answer, 403, "SignatureDoesNotMatch");
    }
    let cut_off = |seed| {
        let mut body = signed_chunks(seed, &chunks, None);
        body.truncate(body.len() - 90);
        body
    };
    assert_refused(&put_chunks(&server, decoded, cut_off).unwrap(), 400, "IncompleteBody");
    for wrong in [decoded - 1, decoded + 1] {
        let answer = put_chunks(&server, wrong, |seed| signed_chunks(seed, &chunks, None)).unwrap();
        assert_refused(&answer, 400, "IncompleteBody");
    }
    for framing in
        ["", "zz\r\n", "5\r\nhello", "ffffffffffffffffff;chunk-signature=0\r\n", "5;chunk-signature=00\r\nhello\r\n"]
    {
        let answer = put_chunks(&server, 5, |_| framing.as_bytes().to_vec()).unwrap();
        assert!(matches!(answer.status, 400 | 403), "{framing:?}: {}", answer.text());
    }
    assert_eq!(keys(server.http, "bucket"), Vec::<String>::new());
    let whole = put_chunks(&server, decoded, |seed| signed_chunks(seed, &chunks, None)).unwrap();
    assert_eq!(whole.status, 200, "{}", whole.text());
    let read = Ask::s3("GET", "/bucket/chunks").send(server.http, b"").unwrap();
    assert_eq!(read.body, chunks.concat());
    assert_eq!(Ask::s3("DELETE", "/bucket/chunks").send(server.http, b"").unwrap().status, 204);
}

#[test]
fn documents_are_bounded_and_hold_no_bombs() {
    let server = server_with_bucket();
    let bomb = "<?xml version=\"1.0\"?><!DOCTYPE b [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">]>\
        <ServerSideEncryptionConfiguration>&b;</ServerSideEncryptionConfiguration>";
    let deep = "<a>".repeat(100_000);
    let large = format!("<ServerSideEncryptionConfiguration>{}", "<Rule></Rule>".repeat(800_000));
    assert!(large.len() > 10_000_000);
    for (document, codes) in [
        (bomb, ["MalformedXML", "MalformedXML"]),
        (&deep, ["MalformedXML", "MaxMessageLengthExceeded"]),
        (&large, ["MalformedXML", "MaxMessageLengthExceeded"]),
        ("", ["MissingRequestBodyError", "MalformedXML"]),
        ("\u{0}\u{1}", ["MalformedXML", "MalformedXML"]),
    ] {
        let answer = Ask::s3("PUT", "/bucket?encryption").send(server.http, document.as_bytes()).unwrap();
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(codes.contains(&answer.code().as_str()), "{}: {}", document.len(), answer.text());
    }
    assert_nothing_left(server);
}

#[test]
fn names_that_are_none_are_refused() {
    let server = server_with_bucket();
    let long = format!("/bucket/{}", "k".repeat(1025));
    let refused = [
        (long.as_str(), "KeyTooLongError"),
        ("/bucket/%ff%fe", "InvalidURI"),
        ("/bucket/a%00b", "InvalidArgument"),
        ("/bucket/a/../b", "InvalidArgument"),
        ("/bucket/%2e%2e/b", "InvalidArgument"),
    ];
    for (target, code) in refused {
        let answer = Ask::s3("PUT", target).send(server.http, b"data").unwrap();
        assert_refused(&answer, 400, code);
    }
    assert_nothing_left(server);
}

#[test]
fn absurd_ranges_do_no_harm() {
    let server = server_with_bucket();
    let body: Vec<u8> = (0..LARGE).map(|n| (n % 251) as u8).collect();
    assert_eq!(Ask::s3("PUT", "/bucket/k").send(server.http, &body).unwrap().status, 200);
    for (range, status, expected) in [
        ("bytes=0-18446744073709551615", 206, &body[..]),
        ("bytes=-18446744073709551615", 206, &body[..]),
        ("bytes=299999-300000", 206, &body[299_999..]),
        ("bytes=99999999999999999999999-", 200, &body[..]),
        ("bytes=5-2", 200, &body[..]),
        ("bytes=0-1,5-6", 200, &body[..]),
        ("lines=1-2", 200, &body[..]),
    ] {
        let answer = Ask::s3("GET", "/bucket/k").header("range", range).send(server.http, b"").unwrap();
        assert_eq!(answer.status, status, "{range}");
        assert!(answer.body == expected, "{range}: {} bytes", answer.body.len());
    }
    for range in ["bytes=300000-", "bytes=18446744073709551615-", "bytes=-0"] {
        let answer = Ask::s3("GET", "/bucket/k").header("range", range).send(server.http, b"").unwrap();
        assert_refused(&answer, 416, "InvalidRange");
    }
}

#[test]
fn an_unwanted_body_does_not_cost_the_answer() {
    let server = server_with_bucket();
    let body = vec![7; 8_000_000];
    let mut connection = Connection::open(server.http).unwrap();
    let answer = Ask::s3("PUT", "/absent-bucket/k").send_on(&mut connection, server.http, &body).unwrap();
    assert_refused(&answer, 404, "NoSuchBucket");
    let again = Ask::s3("GET", "/bucket?list-type=2").send_on(&mut connection, server.http, b"").unwrap();
    assert_eq!(again.status, 200, "the connection serves on");
}

#[test]
fn nobody_is_told_to_send_a_body_that_will_be_refused() {
    let server = server_with_bucket();
    let expect = |target: &str| {
        let ask = Ask::s3("PUT", target).header("expect", "100-continue");
        send_raw(&server, &ask, &["content-length: 4\r\n"], b"")
    };
    let mut wanted = expect("/bucket/k");
    let mut first = [0; 12];
    std::io::Read::read_exact(wanted.stream(), &mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 100");
    wanted.send(b"data").unwrap();
    std::io::Read::read_exact(wanted.stream(), &mut [0; b" Continue\r\n\r\n".len()]).unwrap();
    let answer = wanted.receive(false).unwrap();
    assert_eq!((answer.status, answer.header("connection")), (200, None));
    let again = Ask::s3("GET", "/bucket/k").send_on(&mut wanted, server.http, b"").unwrap();
    assert_eq!(again.body, b"data", "the connection serves on");

    let mut refused = expect("/absent-bucket/k");
    let answer = refused.receive(false).unwrap();
    assert_refused(&answer, 404, "NoSuchBucket");
    assert_eq!(answer.header("connection"), Some("close"), "whose body is not read, asks elsewhere");
    assert!(refused.is_closed());
}
