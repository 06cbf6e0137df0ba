//! The admin listener and the commands that use it.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt as _,
};

use serde_json::Value;

use crate::{
    client::{Ask, Connection, make_bucket},
    process::{ACCESS_KEY, SECRET_KEY, Server, Site},
};

/// Sends a request with no claim of who asks, and one extra header line, and answers status and body.
pub(crate) fn plain(address: SocketAddr, method: &str, target: &str, header: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{method} {target} HTTP/1.1\r\nhost: {address}\r\n{header}connection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// Runs a command against the server and reads its JSON.
pub(crate) fn command(server: &Server, arguments: &[&str]) -> Value {
    let output = run(server, &[arguments, &["--json"]].concat());
    assert!(output.0 == Some(0), "{arguments:?}: {}", output.2);
    serde_json::from_str(&output.1).unwrap()
}

fn run(server: &Server, arguments: &[&str]) -> (Option<i32>, String, String) {
    let endpoint = format!("http://{}", server.admin);
    let output = server.site.command(arguments).env("STRONGROOM_ENDPOINT", endpoint).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn health_and_metrics_are_open_to_whoever_reaches_them() {
    let server = Site::new().start();
    assert_eq!(plain(server.admin, "GET", "/health/live", ""), (200, "live\n".to_owned()));
    assert_eq!(plain(server.admin, "GET", "/health/ready", ""), (200, "ready\n".to_owned()));
    make_bucket(server.http, "bucket");
    let (status, text) = plain(server.admin, "GET", "/metrics", "");
    assert_eq!(status, 200);
    let counted = r#"strongroom_requests_total{dialect="s3",operation="CreateBucket",status="200"} 1"#;
    for line in [counted, "\nstrongroom_key_service_calls_total ", "\nstrongroom_connections_open ", "# EOF"] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
}

#[test]
fn nobody_administers_without_proof() {
    let server = Site::new().start();
    let token = std::fs::read_to_string(server.site.data().join("admin.token")).unwrap();
    let mode = std::fs::metadata(server.site.data().join("admin.token")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(plain(server.admin, "GET", "/v1/keys", "").0, 401);
    let bearer = |token: &str| plain(server.admin, "GET", "/v1/keys", &format!("authorization: Bearer {token}\r\n"));
    assert_eq!(bearer(&token).0, 200);
    for wrong in ["", "0", &token[1..], &token.replace(&token[..4], "zzzz")] {
        let (status, text) = bearer(wrong);
        assert_eq!(status, 403, "{wrong}");
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["code"], "AccessDenied");
        assert!(document["message"].is_string() && document["request_id"].is_string(), "{text}");
    }
}

#[test]
fn a_signature_must_be_made_for_administration() {
    let server = Site::new().start();
    let for_objects = Ask::s3("GET", "/v1/keys").send(server.admin, b"").unwrap();
    assert_eq!(for_objects.status, 403, "{}", for_objects.text());
    let meant = Ask::s3("GET", "/v1/keys").header("x-amz-strongroom-admin", "v1");
    assert_eq!(meant.send(server.admin, b"").unwrap().status, 200);
    let unsigned = Ask::s3("POST", "/v1/users").header("x-amz-strongroom-admin", "v1");
    let answer = unsigned.send(server.admin, br#"{"name":"eve"}"#).unwrap();
    assert_eq!(answer.status, 403, "{}", answer.text());
    let mut connection = Connection::open(server.admin).unwrap();
    let (head, _) = meant.head(server.admin);
    let tampered = String::from_utf8(head).unwrap().replace("GET /v1/keys", "GET /v1/users");
    connection.send(tampered.as_bytes()).unwrap();
    let answer = connection.receive(false).unwrap();
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("SignatureDoesNotMatch"), "{}", answer.text());
}

#[test]
fn what_the_api_cannot_do_is_a_json_document() {
    let server = Site::new().start();
    let token = std::fs::read_to_string(server.site.data().join("admin.token")).unwrap();
    let authorization = format!("authorization: Bearer {token}\r\n");
    for (method, target, status) in [
        ("GET", "/nothing", 404),
        ("DELETE", "/v1/keys", 405),
        ("GET", "/v1/keys/none", 404),
        ("POST", "/v1/users", 400),
    ] {
        let (found, text) = plain(server.admin, method, target, &authorization);
        assert_eq!(found, status, "{method} {target}: {text}");
        assert!(serde_json::from_str::<Value>(&text).unwrap()["code"].is_string());
    }
}

#[test]
fn a_key_lives_by_commands() {
    let server = Site::new().start();
    let made = command(&server, &["key", "create", "--spec", "sm4", "--alias", "payroll", "--description", "wages"]);
    let id = made["id"].as_str().unwrap();
    assert_eq!((made["spec"].as_str(), made["state"].as_str()), (Some("SM4"), Some("enabled")));
    assert_eq!(command(&server, &["key", "describe", "alias/payroll"])["id"], made["id"]);
    assert_eq!(command(&server, &["key", "disable", id])["state"], "disabled");
    assert_eq!(command(&server, &["key", "enable", "alias/payroll"])["state"], "enabled");
    command(&server, &["key", "alias", "set", "team/blue", id]);
    assert_eq!(command(&server, &["key", "describe", "alias/team/blue"])["id"], made["id"]);
    command(&server, &["key", "alias", "remove", "team/blue"]);
    let planned = command(&server, &["key", "schedule-deletion", id, "--days", "7"]);
    assert_eq!(planned["state"], "pending-deletion");
    assert!(planned["deletion"].is_string());
    assert_eq!(command(&server, &["key", "cancel-deletion", id])["state"], "disabled");
    let listed = command(&server, &["key", "list"]);
    assert!(listed["keys"].as_array().unwrap().iter().any(|key| key["id"] == made["id"]));
    let (code, table, _) = run(&server, &["key", "list"]);
    assert_eq!(code, Some(0));
    assert!(table.contains("DESCRIPTION") && table.contains(id) && table.contains("wages"), "{table}");
}

#[test]
fn commands_say_what_went_wrong() {
    let server = Site::new().start();
    let (code, _, error) = run(&server, &["key", "describe", "alias/none"]);
    assert_eq!(code, Some(1), "{error}");
    assert!(error.starts_with("strongroom: ") && error.lines().count() == 1 && error.contains("request "), "{error}");
    assert_eq!(run(&server, &["key", "paint"]).0, Some(2));
    let site = server.site.clone();
    let admin = server.admin;
    server.stop();
    let output = site.command(&["key", "list", "--endpoint", &format!("http://{admin}")]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(error.contains("no server answers") && error.contains("strongroom serve"), "{error}");
}

#[test]
fn a_user_signs_with_its_own_key_until_deleted() {
    let server = Site::new().start();
    let made = command(&server, &["user", "create", "alice"]);
    let (id, secret) = (made["access_key"].as_str().unwrap(), made["secret_key"].as_str().unwrap());
    let as_alice = || {
        let mut list = server.site.command(&["user", "list", "--json", "--access-key", id]);
        list.env("STRONGROOM_SECRET_KEY", secret).env("STRONGROOM_ENDPOINT", format!("http://{}", server.admin));
        list.output().unwrap()
    };
    assert_eq!(as_alice().status.code(), Some(1), "a user may do nothing until a policy says so");
    command(&server, &["policy", "attach", "Administrator", "user/alice"]);
    let output = as_alice();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let users: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(users["users"][0]["name"], "alice");
    assert_eq!(users["users"][0]["access_keys"][0], id);
    command(&server, &["user", "delete", "alice"]);
    assert_eq!(as_alice().status.code(), Some(1));
    assert!(!server.site.log().contains(secret), "the secret is in the log");
}

#[test]
fn objects_are_described_without_their_keys() {
    let server = Site::new().start();
    make_bucket(server.http, "bucket");
    let put = Ask::s3("PUT", "/bucket/a%20b").header("x-amz-server-side-encryption", "aws:kms");
    assert_eq!(put.send(server.http, &[7; 200_000]).unwrap().status, 200);
    let described = command(&server, &["object", "describe", "bucket", "a b"]);
    assert_eq!((described["size"].as_u64(), described["chunks"].as_u64()), (Some(200_000), Some(4)));
    assert_eq!((described["suite"].as_str(), described["inline"].as_bool()), (Some("aes-256-gcm"), Some(false)));
    assert!(described["key_id"].is_string() && described["key_version"] == 1);
    let buckets = command(&server, &["bucket", "list"]);
    assert_eq!(buckets["buckets"][0]["name"], "bucket");
    assert_eq!(buckets["buckets"][0]["encryption"], "managed AES256");
}

#[test]
fn check_shows_the_configuration_and_proves_the_keys() {
    let site = Site::new();
    let output = site.command(&["check"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("no keys yet"), "{text}");
    assert!(!site.data().exists(), "the first start is still to come");
    let server = site.start();
    let by_server = site.clone().with("STRONGROOM__LISTEN__ADMIN", server.admin);
    let output = by_server.command(&["check", "--json"]).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["proved_by"], "the running server");
    assert_eq!(document["configuration"]["region"], "us-east-1");
    server.stop();
    let text = String::from_utf8(by_server.command(&["check"]).output().unwrap().stdout).unwrap();
    for part in ["region = \"us-east-1\"", "require_tls = \"remote\"", "came back the same", "opened for this"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(!text.contains(SECRET_KEY) && !text.contains(ACCESS_KEY), "{text}");
}

#[test]
fn file_environment_and_flag_count_in_that_order() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("strongroom.toml");
    let path = file.to_str().unwrap();
    std::fs::write(&file, "region = 'of-file'\ndata = '/of/file'\n[encryption]\ndefault = 'SM4'\n").unwrap();
    let site = Site::new().with("STRONGROOM__REGION", "of-environment");
    let check = |arguments: &[&str]| site.command(&[&["check", "--json"], arguments].concat()).output().unwrap();
    let flag = folder.path().join("of-flag");
    let output = check(&["--config", path, "--data", flag.to_str().unwrap()]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let configuration = &document["configuration"];
    assert_eq!(configuration["region"], "of-environment");
    assert_eq!(configuration["data"], flag.to_str().unwrap());
    assert_eq!(configuration["encryption"]["default"], "SM4");
    std::fs::write(&file, "[encryption]\nalways = true\n").unwrap();
    let refused = check(&["--config", path]);
    let error = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(error.contains("always") && error.lines().count() == 1, "{error}");
    assert_eq!(check(&["--config", "/no/such/file"]).status.code(), Some(2));
}
