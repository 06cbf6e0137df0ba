//! TLS: rustls with ring, an operator's certificate, or one of the local authority's.

mod authority;
mod resolver;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tokio_rustls::TlsAcceptor;

use crate::{config::Config, files};

/// Why TLS cannot be offered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// A file cannot be read or written.
    #[error("cannot use {path}: {source}; mend the file, or its rights", path = path.display())]
    File { path: PathBuf, source: io::Error },
    /// A file does not hold what it should.
    #[error("{path} holds no {what} in PEM form; put back the right file", path = path.display())]
    Content { path: PathBuf, what: &'static str },
    /// The certificate and the key do not go together, or are of a kind that rustls refuses.
    #[error("the certificate cannot be used: {0}; check that tls.certificate and tls.key belong together")]
    Unusable(#[from] rustls::Error),
    /// The local authority cannot sign.
    #[error("cannot make a certificate: {0}")]
    Issuing(#[from] rcgen::Error),
}

/// TLS, ready to accept.
pub(crate) struct Tls {
    /// Accepts handshakes.
    pub(crate) acceptor: TlsAcceptor,
    /// The certificate of the local authority, which clients need to trust us; none with an operator's certificate.
    pub(crate) authority: Option<PathBuf>,
}

/// Loads the configured certificate, or makes the local authority inside the data folder, if it is not there yet.
pub(crate) fn open(config: &Config) -> Result<Tls, TlsError> {
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth();
    let (mut server, authority) = match (&config.tls.certificate, &config.tls.key) {
        (Some(certificate), Some(key)) => (builder.with_single_cert(chain(certificate)?, private_key(key)?)?, None),
        _ => {
            let folder = config.data.join("tls");
            let authority = authority::open_or_make(&folder)?;
            let resolver = resolver::Resolver::new(authority, &config.domains)?;
            (builder.with_cert_resolver(Arc::new(resolver)), Some(folder.join(authority::CERTIFICATE_FILE)))
        }
    };
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Tls { acceptor: TlsAcceptor::from(Arc::new(server)), authority })
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = files::read_text(path).map_err(|source| TlsError::File { path: path.to_owned(), source })?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => Err(TlsError::Content { path: path.to_owned(), what: "certificate" }),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = files::read_secret(path).map_err(|source| TlsError::File { path: path.to_owned(), source })?;
    PrivateKeyDer::from_pem_slice(zeroize::Zeroizing::new(text).as_bytes())
        .map_err(|_| TlsError::Content { path: path.to_owned(), what: "private key" })
}
