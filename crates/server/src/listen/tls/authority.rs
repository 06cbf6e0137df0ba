//! The local certificate authority: made on first start, kept in `<data>/tls`, for clients that are told to trust it.

use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::{
    crypto::ring::sign::any_supported_type,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject as _},
    sign::CertifiedKey,
};
use zeroize::Zeroizing;

use super::TlsError;
use crate::{clock, files};

/// The authority's certificate, for clients.
pub(super) const CERTIFICATE_FILE: &str = "ca.pem";

/// The authority's private key, for us alone.
const KEY_FILE: &str = "ca.key";

/// How long the authority is good for: as long as a data folder may last.
const AUTHORITY_YEARS: i32 = 20;

/// How long a server certificate is good for, in years. Clients of Apple refuse more than 825 days; every start makes new
/// ones, so this bounds how long a process may run.
const SERVER_YEARS: i32 = 2;

/// A certificate authority with its key.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

/// The authority of that folder; made if the folder has none.
pub(super) fn open_or_make(folder: &Path) -> Result<Authority, TlsError> {
    let (certificate, key) = (folder.join(CERTIFICATE_FILE), folder.join(KEY_FILE));
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::File { path, source }
    };
    if !files::exists(&certificate).map_err(failed(&certificate))? {
        files::make_private_folder(folder).map_err(failed(folder))?;
        let pair = KeyPair::generate()?;
        files::write_whole(&key, &Zeroizing::new(pair.serialize_pem()), files::Mode::Private).map_err(failed(&key))?;
        let pem = parameters(&pair).self_signed(&pair)?.pem();
        files::write_whole(&certificate, &pem, files::Mode::Public).map_err(failed(&certificate))?;
    }
    let pem = files::read_text(&certificate).map_err(failed(&certificate))?;
    let secret = Zeroizing::new(files::read_secret(&key).map_err(failed(&key))?);
    let pair = KeyPair::from_pem(&secret).map_err(|_| TlsError::Content { path: key, what: "private key" })?;
    let der = CertificateDer::from_pem_slice(pem.as_bytes())
        .map_err(|_| TlsError::Content { path: certificate, what: "certificate" })?;
    Ok(Authority { issuer: Issuer::new(parameters(&pair), pair), certificate: der })
}

impl Authority {
    /// A certificate for these host names and addresses, signed for the key `pair`.
    pub(super) fn issue(&self, names: Vec<String>, pair: &KeyPair) -> Result<CertifiedKey, TlsError> {
        let mut server = CertificateParams::new(names)?;
        server.distinguished_name = named("Strongroom");
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.use_authority_key_identifier_extension = true;
        set_validity(&mut server, SERVER_YEARS);
        let certificate = server.signed_by(pair, &self.issuer)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.serialize_der()));
        Ok(CertifiedKey::new(vec![certificate.der().clone(), self.certificate.clone()], any_supported_type(&key)?))
    }
}

/// The same for the same key at any time but for the dates, so that a restart can go on signing.
fn parameters(pair: &KeyPair) -> CertificateParams {
    let mut authority = CertificateParams::default();
    let identifier = authority.key_identifier(pair);
    let digits = hex::encode(&identifier[..identifier.len().min(4)]);
    authority.distinguished_name = named(&format!("Strongroom local authority {digits}"));
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut authority, AUTHORITY_YEARS);
    authority
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// From the first of yesterday's month, for clients whose clock is behind, to that many years on.
fn set_validity(certificate: &mut CertificateParams, years: i32) {
    const DAY_SECONDS: i64 = 24 * 60 * 60;
    let yesterday = jiff::Timestamp::from_second(clock::now().seconds() - DAY_SECONDS)
        .expect("the system's clock is within the years that dates can have")
        .to_zoned(jiff::tz::TimeZone::UTC);
    let (year, month) = (i32::from(yesterday.year()), yesterday.month().unsigned_abs());
    certificate.not_before = date_time_ymd(year, month, 1);
    certificate.not_after = date_time_ymd(year + years, month, 1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_of_a_folder_stays_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let first = open_or_make(folder.path()).unwrap();
        let second = open_or_make(folder.path()).unwrap();
        assert_eq!(first.certificate, second.certificate);
    }

    #[test]
    fn a_key_that_others_could_read_is_not_used() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        open_or_make(folder.path()).unwrap();
        let key = folder.path().join(KEY_FILE);
        assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(open_or_make(folder.path()), Err(TlsError::File { .. })));
    }
}
