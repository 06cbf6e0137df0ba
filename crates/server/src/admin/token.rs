//! The admin token: a secret in a file of the data folder. Who can read that file owns the data anyway.

use std::{
    io,
    path::{Path, PathBuf},
};

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{entropy, files};

/// The token's file inside the data folder.
const FILE: &str = "admin.token";

/// Length of the random token in bytes; the file has two hex digits for each.
const BYTES: usize = 32;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    /// The file cannot be read or written.
    #[error("cannot use the admin token {path}: {source}", path = path.display())]
    File { path: PathBuf, source: io::Error },
    /// The file holds something else.
    #[error("{path} holds no admin token; delete it, and the next start makes a new one", path = path.display())]
    Malformed { path: PathBuf },
    /// The system has no randomness.
    #[error("the system gives no random bytes: {0}")]
    Entropy(#[from] entropy::EntropyError),
}

/// The secret that lets a process on this host administer.
pub(crate) struct AdminToken(Zeroizing<String>);

impl AdminToken {
    /// Where the token of that data folder is.
    pub(crate) fn path(data: &Path) -> PathBuf {
        data.join(FILE)
    }

    /// Whether that data folder has a token: whether a server ever ran on it.
    pub(crate) fn exists(data: &Path) -> Result<bool, TokenError> {
        let path = Self::path(data);
        files::exists(&path).map_err(|source| TokenError::File { path, source })
    }

    /// Reads the token of that file; makes one if there is none.
    pub(crate) fn open_or_make(path: &Path) -> Result<Self, TokenError> {
        let failed = |source| TokenError::File { path: path.to_owned(), source };
        if !files::exists(path).map_err(failed)? {
            let mut bytes = Zeroizing::new([0; BYTES]);
            entropy::fill(&mut *bytes)?;
            let text = Zeroizing::new(hex::encode(*bytes));
            files::write_whole(path, &text, files::Mode::Private).map_err(failed)?;
        }
        Self::read(path)
    }

    /// Reads the token of that file.
    pub(crate) fn read(path: &Path) -> Result<Self, TokenError> {
        let failed = |source| TokenError::File { path: path.to_owned(), source };
        let text = Zeroizing::new(files::read_secret(path).map_err(failed)?);
        let token = text.trim();
        if token.len() != 2 * BYTES || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(TokenError::Malformed { path: path.to_owned() });
        }
        Ok(Self(Zeroizing::new(token.to_owned())))
    }

    /// Whether `presented` is the token; takes as long for a near miss as for a far one.
    pub(crate) fn is(&self, presented: &str) -> bool {
        self.0.as_bytes().ct_eq(presented.as_bytes()).into()
    }

    /// The token, for a client's `Authorization` header only.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_made_once_and_is_the_only_right_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = AdminToken::path(folder.path());
        let token = AdminToken::open_or_make(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(token.is(&text) && AdminToken::open_or_make(&path).unwrap().is(&text));
        for wrong in ["", &text[1..], &"0".repeat(64), &format!("{text}0")] {
            assert!(!token.is(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_file_with_something_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = AdminToken::path(folder.path());
        files::write_whole(&path, "", files::Mode::Private).unwrap();
        assert!(matches!(AdminToken::open_or_make(&path), Err(TokenError::Malformed { .. })));
    }
}
