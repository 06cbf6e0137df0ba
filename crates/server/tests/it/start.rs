//! Starting, stopping, and starting where it must not.

use std::net::TcpListener;

use crate::process::{ACCESS_KEY, SECRET_KEY, Site};

fn error_line(site: &Site) -> (Option<i32>, String) {
    let output = site.fail_to_start();
    let text = String::from_utf8(output.stderr).unwrap();
    let line = text.lines().find(|line| line.starts_with("strongroom: ")).unwrap_or_default();
    assert!(!line.is_empty(), "no error line in {text:?}");
    (output.status.code(), line.to_owned())
}

#[test]
fn the_first_start_shows_the_root_access_key_once() {
    let site = Site::new().with("STRONGROOM_ROOT_ACCESS_KEY", "").with("STRONGROOM_ROOT_SECRET_KEY", "");
    let server = site.start();
    let greeting = server.greeting.clone();
    for part in ["us-east-1", "ca.pem", "obs.ObsClient(", "oss2.AuthV4(", "boto3.client(\"s3\""] {
        assert!(greeting.contains(part), "{part} is not in {greeting}");
    }
    assert!(greeting.contains(&format!("http       http://{}", server.http)), "{greeting}");
    let shown = |name: &str| {
        let line = greeting.lines().find_map(|line| line.strip_prefix(&format!("export STRONGROOM_ROOT_{name}_KEY=")));
        line.unwrap_or_else(|| panic!("no {name} in {greeting}")).to_owned()
    };
    let (id, secret) = (shown("ACCESS"), shown("SECRET"));
    assert!(id.len() >= 16 && secret.len() >= 32);
    server.stop();
    let again = site.start();
    assert_eq!(again.greeting.lines().count(), 1, "{}", again.greeting);
    again.stop();
    assert!(!site.log().contains(&secret), "the secret is in the log");
}

#[test]
fn the_root_access_key_can_be_chosen_and_is_not_repeated() {
    let site = Site::new();
    let server = site.start();
    assert!(!server.greeting.contains(ACCESS_KEY) && !server.greeting.contains(SECRET_KEY), "{}", server.greeting);
    crate::client::make_bucket(server.http, "bucket");
    server.stop();
}

#[test]
fn a_stopped_server_has_kept_everything_and_leaves_with_zero() {
    let site = Site::new();
    let server = site.start();
    crate::client::make_bucket(server.http, "bucket");
    server.interrupt();
    assert_eq!(server.wait().code(), Some(0));
    let server = site.start();
    assert_eq!(crate::client::keys(server.http, "bucket"), Vec::<String>::new());
}

#[test]
fn a_busy_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let site = Site::new().with("STRONGROOM__LISTEN__HTTPS", taken.local_addr().unwrap());
    let (code, line) = error_line(&site);
    assert_eq!(code, Some(4));
    assert!(line.contains(&format!("port {port} is busy")) && line.contains("listen.https"), "{line}");
    assert!(!site.data().exists(), "a start that fails leaves nothing behind");
}

#[test]
fn a_foreign_folder_is_left_alone() {
    let site = Site::new();
    std::fs::create_dir(site.data()).unwrap();
    std::fs::write(site.data().join("thesis.tex"), "do not touch").unwrap();
    let (code, line) = error_line(&site);
    assert_eq!(code, Some(4));
    assert!(line.contains("not empty and no data folder"), "{line}");
    assert_eq!(std::fs::read_dir(site.data()).unwrap().count(), 1);
}

#[test]
fn a_newer_folder_is_left_alone() {
    let site = Site::new();
    site.start().stop();
    std::fs::write(site.data().join("STRONGROOM"), "strongroom data folder, layout 99\n").unwrap();
    let (code, line) = error_line(&site);
    assert_eq!(code, Some(4));
    assert!(line.contains("layout 99") && line.contains("newer"), "{line}");
}

#[test]
fn a_wrong_or_missing_root_key_stops_the_start() {
    let (site, other) = (Site::new(), Site::new());
    let key = |site: &Site| site.data().join("keys/root.key");
    site.start().stop();
    other.start().stop();
    std::fs::copy(key(&other), key(&site)).unwrap();
    let (code, line) = error_line(&site);
    assert_eq!(code, Some(4));
    assert!(line.contains("root key") && line.contains("put back"), "{line}");
    std::fs::remove_file(key(&site)).unwrap();
    let (_, line) = error_line(&site);
    assert!(line.contains("root key") && line.contains("missing"), "{line}");
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let site = Site::new();
    let server = site.start();
    let (code, line) = error_line(&site);
    assert_eq!(code, Some(4), "{line}");
    server.stop();
}

#[test]
fn settings_that_make_no_sense_are_named() {
    for (name, value, expected) in [
        ("STRONGROOM__LISTEN__HTPT", "127.0.0.1:0", "htpt"),
        ("STRONGROOM__LISTEN__HTTP", "nowhere", "nowhere"),
        ("STRONGROOM__TRANSPORT__REQUIRE_TLS", "perhaps", "perhaps"),
        ("STRONGROOM__LOG__FILTER", "strongroom=loud", "log.filter"),
        ("STRONGROOM_ROOT_SECRET_KEY", "short", "STRONGROOM_ROOT_SECRET_KEY"),
    ] {
        let (code, line) = error_line(&Site::new().with(name, value));
        assert_eq!(code, Some(2), "{line}");
        assert!(line.contains(expected), "{line}");
    }
}
