//! The root key, which wraps the versions of the master keys and nothing else.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use strongroom_seal::{AES_256_GCM, Error, KeyBinding, KeyBytes, WrappedKey, fingerprint, unwrap, wrap};

use super::{KmsError, OpenError};
use crate::{
    catalog::Catalog,
    key_file::{self, Purpose},
    surroundings::Entropy,
};

/// Where the root key is, as an operator configures it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Config {
    /// In a file on this machine.
    File {
        /// The file; made along with the first catalog.
        path: PathBuf,
    },
}

/// The root key, opened.
pub(crate) struct Root {
    key: KeyBytes,
    entropy: Entropy,
    provider: String,
}

/// Opens the root key of `catalog`; a catalog that has none yet gets the one there is, or a new one.
pub(super) async fn open(config: &Config, catalog: &Catalog, entropy: &Entropy) -> Result<Root, OpenError> {
    let Config::File { path } = config;
    let provider = format!("file {}", path.display());
    let settled = catalog.root().await?;
    let key = match (key_file::read(path, Purpose::Root)?, settled) {
        (Some(key), _) => key,
        (None, None) => key_file::create(path, Purpose::Root, entropy)?,
        (None, Some(_)) => return Err(OpenError::RootMissing { provider }),
    };
    let ours = fingerprint(&key);
    let theirs = match settled {
        Some(theirs) => theirs,
        None => catalog.settle_root(ours).await?,
    };
    if theirs != ours {
        return Err(OpenError::WrongRoot { provider });
    }
    Ok(Root { key, entropy: entropy.clone(), provider })
}

/// The root key by itself; it must be there.
pub(super) fn open_alone(config: &Config, entropy: &Entropy) -> Result<Root, OpenError> {
    let Config::File { path } = config;
    let provider = format!("file {}", path.display());
    match key_file::read(path, Purpose::Root)? {
        Some(key) => Ok(Root { key, entropy: entropy.clone(), provider }),
        None => Err(OpenError::RootMissing { provider }),
    }
}

impl Root {
    /// Where the key is from, for people.
    pub(crate) fn provider(&self) -> &str {
        &self.provider
    }

    /// `key` wrapped for the version of a master key that `place` says (FORMAT.md §8).
    pub(crate) fn wrap(&self, place: &KeyBinding<'_>, key: &KeyBytes) -> Result<Vec<u8>, KmsError> {
        let wrapped = wrap(&self.key, &AES_256_GCM, &self.entropy.array()?, &place.encode(), key);
        Ok(wrapped.expect("a root key has the 32 bytes of AES-256, which is a keyed suite").encode())
    }

    /// The key that was wrapped for `place`; none, if it was under another root key.
    pub(crate) fn unwrap_if_ours(&self, place: &KeyBinding<'_>, wrapped: &[u8]) -> Result<Option<KeyBytes>, Error> {
        match unwrap(&self.key, &WrappedKey::decode(wrapped)?, &place.encode()) {
            Err(Error::WrongKey) => Ok(None),
            key => key.map(Some),
        }
    }

    /// The key that was wrapped for `place`.
    pub(crate) fn unwrap(&self, place: &KeyBinding<'_>, wrapped: &[u8]) -> Result<KeyBytes, KmsError> {
        let damaged = |error: Error| KmsError::Damaged(error.into());
        let wrapped = WrappedKey::decode(wrapped).map_err(damaged)?;
        unwrap(&self.key, &wrapped, &place.encode()).map_err(damaged)
    }
}
