//! Which certificate a client is shown: one for the very name that it asks for, if that is ours.
//!
//! A wildcard would do, but for `*.localhost`: OpenSSL, and with it every Python client, matches no wildcard directly
//! under a top-level name. So names below our domains get a certificate of their own when first asked for.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use rcgen::KeyPair;
use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::{TlsError, authority::Authority};

/// Most certificates kept. Signing one takes less than a handshake, so starting over now and then costs little.
const KEPT_MAX: usize = 1024;

/// Issues certificates of the local authority as clients ask.
pub(super) struct Resolver {
    authority: Authority,
    pair: KeyPair,
    domains: Vec<String>,
    /// For clients that name no host, as those that connect to an address.
    general: Arc<CertifiedKey>,
    kept: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl Resolver {
    /// A resolver for this host and `domains`, with a key of its own.
    pub(super) fn new(authority: Authority, domains: &[String]) -> Result<Self, TlsError> {
        let pair = KeyPair::generate()?;
        let mut names = vec!["127.0.0.1".to_owned(), "::1".to_owned(), "localhost".to_owned()];
        names.extend(domains.iter().filter(|domain| *domain != "localhost").cloned());
        let wildcards: Vec<_> = names[2..].iter().map(|name| format!("*.{name}")).collect();
        let domains = names[2..].to_vec();
        names.extend(wildcards);
        let general = Arc::new(authority.issue(names, &pair)?);
        Ok(Self { authority, pair, domains, general, kept: Mutex::default() })
    }

    fn for_name(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let below = |domain: &String| name.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.'));
        if self.domains.iter().any(|domain| domain == name) {
            return Some(Arc::clone(&self.general));
        }
        if !self.domains.iter().any(below) {
            return None;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(certificate) = kept.get(name) {
            return Some(Arc::clone(certificate));
        }
        let issued = Arc::new(self.authority.issue(vec![name.to_owned()], &self.pair).ok()?);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(name.to_owned(), Arc::clone(&issued));
        Some(issued)
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        match hello.server_name() {
            Some(name) => self.for_name(&name.to_ascii_lowercase()),
            None => Some(Arc::clone(&self.general)),
        }
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resolver({:?})", self.domains)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen::tls::authority;

    #[test]
    fn names_below_our_domains_get_their_own_certificate_and_others_none() {
        let folder = tempfile::tempdir().unwrap();
        let authority = authority::open_or_make(folder.path()).unwrap();
        let resolver = Resolver::new(authority, &["localhost".to_owned(), "obs.example".to_owned()]).unwrap();
        let bucket = resolver.for_name("my.bucket.obs.example").unwrap();
        assert!(Arc::ptr_eq(&bucket, &resolver.for_name("my.bucket.obs.example").unwrap()));
        assert!(!Arc::ptr_eq(&bucket, &resolver.for_name("bucket.localhost").unwrap()));
        assert!(Arc::ptr_eq(&resolver.general, &resolver.for_name("obs.example").unwrap()));
        for foreign in ["example", "notobs.example", "evil.org", "localhost.evil.org"] {
            assert!(resolver.for_name(foreign).is_none(), "{foreign}");
        }
    }
}
