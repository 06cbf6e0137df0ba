//! Clients that stop: each is waited for so long and no longer, and costs the others nothing.

use std::{
    io::Read as _,
    net::TcpStream,
    time::{Duration, Instant},
};

use crate::{
    client::{Ask, Connection, insert_header, keys, make_bucket},
    process::{Server, Site},
};

/// How long the server waits for a body: long enough for a test that has to share the machine.
const STALL: Duration = Duration::from_secs(3);

/// A server that does not wait long.
fn impatient() -> Server {
    let site = Site::new()
        .with("STRONGROOM__LIMITS__HEAD_SECONDS", 2)
        .with("STRONGROOM__LIMITS__STALL_SECONDS", STALL.as_secs());
    let server = site.start();
    make_bucket(server.http, "bucket");
    server
}

#[test]
fn a_client_that_stops_sending_its_body_is_told_so() {
    let server = impatient();
    let (mut head, _) = Ask::s3("PUT", "/bucket/k").head(server.http);
    insert_header(&mut head, "content-length: 1000\r\n");
    let mut connection = Connection::open(server.http).unwrap();
    connection.send(&[head.as_slice(), &[7; 500]].concat()).unwrap();
    let answer = connection.receive(false).unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (400, "RequestTimeout"));
    assert!(connection.is_closed());
    assert_eq!(keys(server.http, "bucket"), Vec::<String>::new());
}

#[test]
fn a_head_that_does_not_end_is_not_waited_for() {
    let server = impatient();
    let started = Instant::now();
    let mut connection = Connection::open(server.http).unwrap();
    connection.send(b"GET / HTTP/1.1\r\nhost: x\r\n").unwrap();
    assert!(connection.is_closed());
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn a_client_that_stops_reading_is_cut_off() {
    const LENGTH: usize = 64 * 1024 * 1024;
    let server = impatient();
    let put = Ask::s3("PUT", "/bucket/large").header("x-amz-server-side-encryption", "AES256");
    assert_eq!(put.send(server.http, &vec![7; LENGTH]).unwrap().status, 200);
    let (head, _) = Ask::s3("GET", "/bucket/large").head(server.http);
    let mut connection = Connection::open(server.http).unwrap();
    connection.send(&head).unwrap();
    std::thread::sleep(STALL * 3);
    let mut received = 0;
    let mut buffer = vec![0; 1 << 20];
    loop {
        match connection.stream().read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => received += count,
        }
    }
    assert!(received < LENGTH, "{received} bytes came after the pause");
}

#[test]
fn a_thousand_idle_connections_are_served_around_and_then_closed() {
    let server = impatient();
    let idle: Vec<TcpStream> = (0..1000).map(|_| TcpStream::connect(server.http).unwrap()).collect();
    let started = Instant::now();
    assert_eq!(keys(server.http, "bucket"), Vec::<String>::new());
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    for mut stream in idle {
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&rest));
    }
}

#[test]
fn connections_beyond_the_limit_wait_and_the_admin_listener_does_not() {
    let site = Site::new().with("STRONGROOM__LIMITS__CONNECTIONS", 2).with("STRONGROOM__LIMITS__HEAD_SECONDS", 5);
    let server = site.start();
    let held: Vec<TcpStream> = (0..2).map(|_| TcpStream::connect(server.http).unwrap()).collect();
    std::thread::sleep(Duration::from_millis(200));
    let live = Ask::s3("GET", "/health/live").send(server.admin, b"").unwrap();
    assert_eq!(live.status, 200);
    let started = Instant::now();
    make_bucket(server.http, "bucket");
    assert!(started.elapsed() > Duration::from_millis(500), "it did not wait for a place");
    drop(held);
}

#[test]
fn stopping_lets_a_request_under_way_finish() {
    let server = Site::new().start();
    make_bucket(server.http, "bucket");
    let (mut head, _) = Ask::s3("PUT", "/bucket/k").head(server.http);
    insert_header(&mut head, "content-length: 8\r\n");
    let mut connection = Connection::open(server.http).unwrap();
    connection.send(&[head.as_slice(), b"half"].concat()).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    server.interrupt();
    std::thread::sleep(Duration::from_millis(300));
    connection.send(b"half").unwrap();
    assert_eq!(connection.receive(false).unwrap().status, 200);
    let site = server.site.clone();
    assert_eq!(server.wait().code(), Some(0));
    let server = site.start();
    assert_eq!(Ask::s3("GET", "/bucket/k").send(server.http, b"").unwrap().body, b"halfhalf");
}

#[test]
fn stopping_does_not_wait_for_ever() {
    let site = Site::new().with("STRONGROOM__LIMITS__DRAIN_SECONDS", 1);
    let server = site.start();
    make_bucket(server.http, "bucket");
    let (mut head, _) = Ask::s3("PUT", "/bucket/k").head(server.http);
    insert_header(&mut head, "content-length: 8\r\n");
    let mut connection = Connection::open(server.http).unwrap();
    connection.send(&[head.as_slice(), b"half"].concat()).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let started = Instant::now();
    server.interrupt();
    assert_eq!(server.wait().code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}
