//! HTTPS by the local authority, and which requests must come over it.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::Arc,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};

use crate::{
    client::{Ask, make_bucket},
    process::{Server, Site},
};

/// Asks for the root of `host` over TLS, trusting `authority` alone.
fn ask(server: &Server, authority: &Path, host: &str) -> Result<String, std::io::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(server.https).unwrap());
    write!(stream, "GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

#[test]
fn the_local_authority_vouches_for_every_name_of_the_server_across_restarts() {
    let site = Site::new();
    let server = site.start();
    let authority = site.data().join("tls/ca.pem");
    let kept = std::fs::read_to_string(&authority).unwrap();
    let mode = std::fs::metadata(site.data().join("tls/ca.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for host in ["localhost", "bucket.localhost", "my.bucket.localhost", "127.0.0.1"] {
        let answer = ask(&server, &authority, host).unwrap();
        assert!(answer.starts_with("HTTP/1.1 403"), "{host}: {answer}");
    }
    assert!(ask(&server, &authority, "elsewhere.example").is_err());
    server.stop();
    let server = site.start();
    assert_eq!(std::fs::read_to_string(&authority).unwrap(), kept);
    assert!(ask(&server, &authority, "bucket.localhost").is_ok());
}

#[test]
fn a_certificate_of_the_operators_own_is_shown_instead() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["store.example".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("own.pem"), folder.path().join("own.key"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let site = Site::new()
        .with("STRONGROOM__TLS__CERTIFICATE", certificate.display())
        .with("STRONGROOM__TLS__KEY", key.display());
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = String::from_utf8(site.fail_to_start().stderr).unwrap();
    assert!(error.contains("own.key") && error.contains("chmod 600"), "{error}");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let server = site.start();
    assert!(ask(&server, &certificate, "store.example").is_ok());
    assert!(!site.data().join("tls").exists());
}

#[test]
fn customer_keys_may_be_kept_off_plain_http() {
    let put = |site: Site| {
        let server = site.start();
        make_bucket(server.http, "bucket");
        let answer = Ask::s3("PUT", "/bucket/k")
            .header("x-amz-server-side-encryption-customer-algorithm", "AES256")
            .header("x-amz-server-side-encryption-customer-key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
            .header("x-amz-server-side-encryption-customer-key-md5", "cLyPS3KoaSFGi/joRB3OUQ==")
            .send(server.http, b"data")
            .unwrap();
        (answer.status, answer.text())
    };
    assert_eq!(put(Site::new()).0, 200, "loopback is trusted by default");
    let (status, text) = put(Site::new().with("STRONGROOM__TRANSPORT__REQUIRE_TLS", "always"));
    assert_eq!(status, 400, "{text}");
}
