//! Requests that may be made once: what made them unlike all others is remembered for as long as they would be good.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use ring::digest::{SHA256, digest};
use strongroom_model::{
    failure::{Failure, FailureCode},
    name::AccessKeyId,
    time::Timestamp,
};

/// How long a nonce is remembered at least: a request is good for fifteen minutes before and after the moment it states.
const REMEMBERED_MS: i64 = 30 * 60 * 1000;

/// Nonces of half an hour at most: 145 requests a second, in some megabytes. Only who has signed rightly adds one.
const NONCES_MAX: usize = 1 << 18;

/// The nonces of this half hour and of the one before.
#[derive(Default)]
pub(crate) struct Nonces(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    since: i64,
    now: HashSet<Mark>,
    before: HashSet<Mark>,
}

/// Of an access key and its nonce, so that all take the same room.
type Mark = [u8; 16];

impl Nonces {
    /// Notes that `nonce` was used with `access_key`, which proved itself.
    ///
    /// # Errors
    /// `RequestRepeated`; `SlowDown` if there are too many to remember.
    pub(crate) fn spend(&self, access_key: &AccessKeyId, nonce: &str, now: Timestamp) -> Result<(), Failure> {
        let mark = mark(access_key, nonce);
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.turn(now.millis());
        if remembered.now.contains(&mark) || remembered.before.contains(&mark) {
            return Err(FailureCode::RequestRepeated.into());
        }
        if remembered.now.len() >= NONCES_MAX {
            return Err(FailureCode::SlowDown.into());
        }
        remembered.now.insert(mark);
        Ok(())
    }
}

impl Remembered {
    fn turn(&mut self, now: i64) {
        match (now - self.since).div_euclid(REMEMBERED_MS) {
            // A request may have looked at the clock before the one that turned, and a clock may be set back a little.
            -1 | 0 => return,
            1 => self.before = std::mem::take(&mut self.now),
            // Long ago; or the clock was set back by more than requests are good for.
            _ => (self.now, self.before) = Default::default(),
        }
        self.since = now;
    }
}

fn mark(access_key: &AccessKeyId, nonce: &str) -> Mark {
    let text = [access_key.as_str(), nonce].join("\n");
    digest(&SHA256, text.as_bytes()).as_ref()[..16].try_into().expect("a SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_good_once_for_as_long_as_its_request_could_be() {
        let (nonces, minute) = (Nonces::default(), 60 * 1000);
        let spend = |id: &str, nonce: &str, millis: i64| {
            let now = Timestamp::from_seconds(1_795_262_400).plus_millis(millis);
            nonces.spend(&AccessKeyId::parse(id).unwrap(), nonce, now).map_err(|failure| failure.code)
        };
        let repeated = Err(FailureCode::RequestRepeated);
        assert_eq!(spend("AK1", "a", 0), Ok(()));
        assert_eq!(spend("AK1", "a", 1), repeated);
        assert_eq!(spend("AK2", "a", 1), Ok(()), "another key's nonce is another");
        assert_eq!(spend("AK1", "b", 29 * minute), Ok(()));
        assert_eq!(spend("AK1", "a", 30 * minute), repeated);
        assert_eq!(spend("AK1", "b", 59 * minute), repeated);
        assert_eq!(spend("AK1", "a", 61 * minute), Ok(()), "its request is stale by now");
        assert_eq!(spend("AK1", "c", 61 * minute - 1), Ok(()), "this one looked at the clock a little earlier");
        assert_eq!(spend("AK1", "a", 61 * minute), repeated, "and nothing was forgotten for that");
    }
}
