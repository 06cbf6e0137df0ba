//! Seals the catalog's values under the metadata key, in sessions (FORMAT.md §6.1).
//!
//! **A nonce never repeats under one key.** A writing session has a salt of 16 random bytes, drawn for it in this process, and so a
//! key of its own; inside it rows are numbered by a counter behind a lock, the number is the nonce, and the session is given
//! up before its counter, or the wear of its key, comes near a limit. A counter never survives its session: a process that
//! starts again, and any other node, draws a salt of its own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use strongroom_seal::{AES_256_GCM, KeyBytes, RowSession, SessionSalt};
use zeroize::Zeroizing;

use super::CatalogError;
use crate::surroundings::{Entropy, EntropyError};

/// Rows sealed in one session at most (FORMAT.md §6.1): a habit of GCM's users, far below the counter's 2^64.
const SESSION_ROWS: u64 = 1 << 32;

/// Cipher blocks under one session key at most (FORMAT.md §6.1, §14.1): 1 TiB.
const SESSION_BLOCKS: u64 = 1 << 36;

/// Sessions whose ciphers are kept for opening. Each start of a node makes one session, so this is a few years of
/// nightly restarts, in less than 1 MiB. A session beyond costs a derivation (2 µs), nothing else.
const KEPT_SESSIONS: usize = 1024;

/// Seals and opens values. Safe to share.
pub(crate) struct Sealer {
    key: KeyBytes,
    entropy: Entropy,
    writing: Mutex<Option<Writing>>,
    opening: RwLock<HashMap<SessionSalt, Arc<RowSession>>>,
}

/// The session that new rows are sealed in.
struct Writing {
    session: Arc<RowSession>,
    rows: u64,
    blocks: u64,
}

impl Sealer {
    /// Seals under the metadata key `key`, of 32 bytes.
    pub(crate) fn new(key: KeyBytes, entropy: Entropy) -> Self {
        Self { key, entropy, writing: Mutex::default(), opening: RwLock::default() }
    }

    /// The metadata key.
    pub(crate) fn key(&self) -> &KeyBytes {
        &self.key
    }

    /// The sealed form of `plain`, for the row at `place`.
    ///
    /// # Errors
    /// The failure of the source of randomness.
    pub(crate) fn seal(&self, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, EntropyError> {
        let (session, number) = self.take_number(blocks(place) + blocks(plain))?;
        Ok(session.seal(number, place, plain))
    }

    /// What was sealed for the row at `place`.
    ///
    /// # Errors
    /// [`CatalogError::Sealed`] if it was changed or moved, or is of another key or a newer format.
    pub(crate) fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CatalogError> {
        let session = self.session(RowSession::salt_of(sealed)?)?;
        Ok(session.open(place, sealed)?)
    }

    /// The session to seal in, and a number in it that nobody else gets.
    fn take_number(&self, blocks: u64) -> Result<(Arc<RowSession>, u64), EntropyError> {
        let mut writing = self.writing();
        let current = match writing.take() {
            Some(current) if current.has_room(blocks) => current,
            _ => Writing::begin(&self.key, &self.entropy)?,
        };
        let current = writing.insert(current);
        let number = current.rows;
        current.rows += 1;
        current.blocks += blocks;
        Ok((Arc::clone(&current.session), number))
    }

    /// The cipher of `salt`, derived if it is not at hand.
    fn session(&self, salt: SessionSalt) -> Result<Arc<RowSession>, strongroom_seal::Error> {
        let kept = self.opening.read().unwrap_or_else(PoisonError::into_inner).get(&salt).cloned();
        if let Some(session) = kept {
            return Ok(session);
        }
        let session = Arc::new(RowSession::new(&self.key, &AES_256_GCM, salt)?);
        let mut opening = self.opening.write().unwrap_or_else(PoisonError::into_inner);
        if opening.len() >= KEPT_SESSIONS {
            opening.clear();
        }
        opening.insert(salt, Arc::clone(&session));
        Ok(session)
    }

    /// A panic while it was locked left either no session or a whole one.
    fn writing(&self) -> MutexGuard<'_, Option<Writing>> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writing {
    fn begin(key: &KeyBytes, entropy: &Entropy) -> Result<Self, EntropyError> {
        let session = RowSession::new(key, &AES_256_GCM, entropy.array()?);
        let session = session.expect("the metadata key has the 32 bytes of AES-256, which is a keyed suite");
        Ok(Self { session: Arc::new(session), rows: 0, blocks: 0 })
    }

    fn has_room(&self, blocks: u64) -> bool {
        self.rows < SESSION_ROWS && self.blocks + blocks <= SESSION_BLOCKS
    }
}

/// Cipher blocks that `bytes` take, counted high.
fn blocks(bytes: &[u8]) -> u64 {
    (bytes.len() / 16 + 2) as u64
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashSet,
        sync::atomic::{AtomicU8, Ordering},
    };

    use super::*;

    /// Each draw is a new byte, repeated.
    fn sealer(key: u8) -> Sealer {
        let next = AtomicU8::new(0);
        let entropy = Entropy::new(move |bytes| {
            bytes.fill(next.fetch_add(1, Ordering::SeqCst));
            Ok(())
        });
        Sealer::new(KeyBytes::new(&[key; 32]).unwrap(), entropy)
    }

    /// Salt and number of a sealed row.
    fn nonce(sealed: &[u8]) -> Vec<u8> {
        sealed[2..26].to_vec()
    }

    #[test]
    fn a_value_opens_at_its_place_under_its_key_only() {
        let sealed = sealer(1).seal(b"here", b"value").unwrap();
        assert_eq!(sealer(1).open(b"here", &sealed).unwrap().as_slice(), b"value");
        assert!(sealer(1).open(b"there", &sealed).is_err());
        assert!(sealer(2).open(b"here", &sealed).is_err());
    }

    #[test]
    fn no_two_rows_share_salt_and_number_under_concurrency() {
        let sealer = sealer(1);
        let nonces = Mutex::new(HashSet::new());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        let sealed = sealer.seal(b"k", b"v").unwrap();
                        assert!(nonces.lock().unwrap().insert(nonce(&sealed)));
                    }
                });
            }
        });
        assert_eq!(nonces.into_inner().unwrap().len(), 2000);
    }

    #[test]
    fn a_worn_session_is_replaced_by_one_with_another_salt() {
        let sealer = sealer(1);
        let first = sealer.seal(b"k", b"v").unwrap();
        for wear in [|w: &mut Writing| w.rows = SESSION_ROWS, |w: &mut Writing| w.blocks = SESSION_BLOCKS] {
            wear(sealer.writing().as_mut().unwrap());
            let next = sealer.seal(b"k", b"v").unwrap();
            assert_ne!(next[2..18], first[2..18]);
            assert_eq!(next[18..26], [0; 8]);
            assert_eq!(sealer.open(b"k", &next).unwrap().as_slice(), b"v");
        }
        assert_eq!(sealer.open(b"k", &first).unwrap().as_slice(), b"v");
    }

    #[test]
    fn the_kept_sessions_are_bounded() {
        let sealer = sealer(1);
        for number in 0..=KEPT_SESSIONS as u128 {
            sealer.session(number.to_be_bytes()).unwrap();
        }
        assert!(sealer.opening.read().unwrap().len() <= KEPT_SESSIONS);
    }
}
