//! Answers that come late: 200 at once, a declaration, and the document when there is one.

use crate::{
    client::{Answer, Ask, Connection, insert_header, make_bucket},
    process::{Server, Site},
};

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// The answer, whose body comes in chunks, and the first of them.
fn ask(server: &Server, ask: &Ask<'_>) -> (Answer, String) {
    let mut connection = Connection::open(server.http).unwrap();
    let (mut head, _) = ask.head(server.http);
    insert_header(&mut head, "content-length: 0\r\n");
    connection.send(&head).unwrap();
    let (answer, chunks) = connection.receive_chunks().unwrap();
    (answer, String::from_utf8(chunks[0].clone()).unwrap())
}

fn bench(site: &Site) -> Server {
    let server = site.start();
    make_bucket(server.http, "bucket");
    assert_eq!(Ask::s3("PUT", "/bucket/k").send(server.http, b"abc").unwrap().status, 200);
    server
}

#[test]
fn results_and_failures_follow_the_head() {
    let server = bench(&Site::new().with("STRONGROOM__LIMITS__LATE_SECONDS", 0));
    let (answer, first) = ask(&server, &Ask::s3("PUT", "/bucket/t").header("x-amz-copy-source", "/bucket/k"));
    let text = answer.text();
    assert_eq!((answer.status, first.as_str()), (200, DECLARATION));
    assert_eq!((answer.header("content-type"), answer.header("content-length")), (Some("application/xml"), None));
    assert!(
        text.starts_with(&format!("{DECLARATION}<CopyObjectResult")) && text.ends_with("</CopyObjectResult>"),
        "{text}"
    );
    assert_eq!(Ask::s3("GET", "/bucket/t").send(server.http, b"").unwrap().body, b"abc");
    let (failed, first) = ask(&server, &Ask::s3("PUT", "/bucket/t").header("x-amz-copy-source", "/bucket/none"));
    assert_eq!((failed.status, first.as_str(), failed.code().as_str()), (200, DECLARATION, "NoSuchKey"));
    // The dialects whose documents do not know of it.
    let oss = Ask::oss("PUT", "/bucket/t").header("x-oss-copy-source", "/bucket/none");
    assert_eq!(oss.send(server.http, b"").unwrap().status, 404);
    server.stop();
}

#[test]
fn pages_of_other_origins_may_read_what_comes_late() {
    let server = bench(&Site::new().with("STRONGROOM__LIMITS__LATE_SECONDS", 0));
    let rule = "<AllowedMethod>PUT</AllowedMethod><AllowedOrigin>https://page.example</AllowedOrigin>";
    let rules = format!("<CORSConfiguration><CORSRule>{rule}</CORSRule></CORSConfiguration>");
    assert_eq!(Ask::s3("PUT", "/bucket?cors").send(server.http, rules.as_bytes()).unwrap().status, 200);
    for (source, origin, allowed) in [
        ("/bucket/k", "https://page.example", Some("https://page.example")),
        ("/bucket/none", "https://page.example", Some("https://page.example")),
        ("/bucket/k", "https://other.example", None),
    ] {
        let copy = Ask::s3("PUT", "/bucket/t").header("x-amz-copy-source", source).header("origin", origin);
        let (answer, first) = ask(&server, &copy);
        assert_eq!((answer.status, first.as_str()), (200, DECLARATION));
        assert_eq!(answer.header("access-control-allow-origin"), allowed, "{source} for {origin}");
        assert!(answer.header("vary").is_some_and(|vary| vary.contains("Origin")), "{:?}", answer.headers);
    }
    server.stop();
}

#[test]
fn what_is_quick_has_its_own_status() {
    let server = bench(&Site::new());
    let copy = |source: &str| {
        let ask = Ask::s3("PUT", "/bucket/t").header("x-amz-copy-source", source);
        let answer = ask.send(server.http, b"").unwrap();
        (answer.status, answer.header("content-length").is_some())
    };
    assert_eq!(copy("/bucket/k"), (200, true));
    assert_eq!(copy("/bucket/none"), (404, true));
    server.stop();
}
