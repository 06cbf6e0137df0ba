//! What is asked of a [`Kv`](super::Kv): batches of checks and writes, and ranges of keys.

use std::collections::HashSet;

use bytes::Bytes;

use super::{BATCH_BYTES, BATCH_OPERATIONS, KEY_BYTES, KvError, VALUE_BYTES};

/// What a key must be like for a batch to be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It has no value.
    Absent,
    /// It has a value, whichever.
    Present,
    /// It has the value that was read with this version.
    Version(u64),
}

impl Expected {
    /// Whether a key found with this version, or not at all, is as expected.
    pub(super) fn holds(self, found: Option<u64>) -> bool {
        match self {
            Self::Absent => found.is_none(),
            Self::Present => found.is_some(),
            Self::Version(version) => found == Some(version),
        }
    }
}

/// One condition of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The key looked at.
    pub key: Bytes,
    /// What it must be like.
    pub expected: Expected,
}

/// One value to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// The key, which need not exist yet.
    pub key: Bytes,
    /// Its value from now on.
    pub value: Bytes,
}

/// Checks and writes that happen together or not at all. A key may be checked and written in one batch; it may be
/// written (put or deleted) only once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// All must hold.
    pub checks: Vec<Check>,
    /// Values to write.
    pub puts: Vec<Put>,
    /// Keys to remove; one that has no value is no error.
    pub deletes: Vec<Bytes>,
}

impl Batch {
    /// An empty batch, to be built up with the methods below.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a condition.
    #[must_use]
    pub fn check(mut self, key: impl Into<Bytes>, expected: Expected) -> Self {
        self.checks.push(Check { key: key.into(), expected });
        self
    }

    /// Adds a value to write.
    #[must_use]
    pub fn put(mut self, key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        self.puts.push(Put { key: key.into(), value: value.into() });
        self
    }

    /// Adds a key to remove.
    #[must_use]
    pub fn delete(mut self, key: impl Into<Bytes>) -> Self {
        self.deletes.push(key.into());
        self
    }

    /// Refuses what no engine takes, so that all engines take the same.
    pub(super) fn validate(&self) -> Result<(), KvError> {
        let operations = self.checks.len() + self.puts.len() + self.deletes.len();
        limit("operations in a batch", operations, BATCH_OPERATIONS)?;
        self.checks.iter().try_for_each(|check| validate_key(&check.key))?;
        let mut written = HashSet::with_capacity(self.puts.len() + self.deletes.len());
        for key in self.puts.iter().map(|put| &put.key).chain(&self.deletes) {
            validate_key(key)?;
            if !written.insert(key) {
                return Err(KvError::DuplicateKey);
            }
        }
        self.puts.iter().try_for_each(|put| limit("bytes in a value", put.value.len(), VALUE_BYTES))?;
        limit("bytes in a batch", self.bytes(), BATCH_BYTES)
    }

    /// The bytes of all keys and values.
    pub(super) fn bytes(&self) -> usize {
        let checks: usize = self.checks.iter().map(|check| check.key.len()).sum();
        let puts: usize = self.puts.iter().map(|put| put.key.len() + put.value.len()).sum();
        let deletes: usize = self.deletes.iter().map(Bytes::len).sum();
        checks + puts + deletes
    }
}

/// A key of acceptable length; the empty key is one.
pub(super) fn validate_key(key: &[u8]) -> Result<(), KvError> {
    limit("bytes in a key", key.len(), KEY_BYTES)
}

fn limit(what: &'static str, amount: usize, limit: usize) -> Result<(), KvError> {
    if amount > limit { Err(KvError::TooLarge { what, amount, limit }) } else { Ok(()) }
}

/// A range of keys, and the direction in which to walk it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// The least key in it.
    pub start: Bytes,
    /// The least key after it that is not in it; none if it runs to the end of all keys. An end at or before the start
    /// makes the range empty.
    pub end: Option<Bytes>,
    /// From the greatest key down.
    pub reverse: bool,
}

impl KeyRange {
    /// From `start` up to, and without, `end`.
    pub fn between(start: impl Into<Bytes>, end: impl Into<Bytes>) -> Self {
        Self { start: start.into(), end: Some(end.into()), reverse: false }
    }

    /// From `start` to the end of all keys.
    pub fn from(start: impl Into<Bytes>) -> Self {
        Self { start: start.into(), end: None, reverse: false }
    }

    /// All keys that begin with `prefix`.
    pub fn prefix(prefix: impl Into<Bytes>) -> Self {
        let start = prefix.into();
        Self { end: after_prefix(&start), start, reverse: false }
    }

    /// The same keys, greatest first.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { reverse: true, ..self }
    }

    /// Whether no key can be in it.
    pub fn is_empty(&self) -> bool {
        self.end.as_ref().is_some_and(|end| *end <= self.start)
    }
}

/// The least key greater than all that begin with `prefix`; none if there is no such key.
pub fn after_prefix(prefix: &[u8]) -> Option<Bytes> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut after = prefix[..=last].to_vec();
    after[last] += 1;
    Some(after.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::*;

    #[test]
    fn the_key_after_a_prefix() {
        assert_eq!(after_prefix(b"ab").as_deref(), Some(&b"ac"[..]));
        assert_eq!(after_prefix(b"a\xff\xff").as_deref(), Some(&b"b"[..]));
        assert_eq!(after_prefix(b"\xff"), None);
        assert_eq!(after_prefix(b""), None);
    }

    proptest! {
        #[test]
        fn a_prefix_range_holds_what_begins_with_it(prefix: Vec<u8>, key: Vec<u8>, extended in any::<bool>()) {
            let key = if extended { [&prefix[..], &key].concat() } else { key };
            let range = KeyRange::prefix(prefix.clone());
            let within = range.start <= key && range.end.is_none_or(|end| key < end);
            assert_eq!(within, key.starts_with(&prefix));
        }
    }
}
