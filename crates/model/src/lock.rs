//! What keeps an object version from being destroyed: retention until a time, legal hold, and what a bucket says of both.

use crate::time::Timestamp;

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 3_600_000;

/// How strict a retention is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RetentionMode {
    /// Who has the right to bypass it may shorten it, and destroy what it keeps.
    Governance,
    /// Nobody may.
    Compliance,
}

/// A version is kept until a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// How strictly.
    pub mode: RetentionMode,
    /// Until when.
    pub until: Timestamp,
}

/// All that keeps one object version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ObjectLock {
    /// Kept until a time.
    pub retention: Option<Retention>,
    /// Kept until somebody says otherwise.
    pub legal_hold: bool,
}

/// What a write asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LockWish {
    /// The retention; none leaves it to the bucket.
    pub retention: Option<Retention>,
    /// Whether the version is held.
    pub legal_hold: bool,
}

/// A bucket whose versions can be locked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BucketLock {
    /// The retention of versions whose writers ask for none.
    pub default: Option<DefaultRetention>,
}

/// A retention that counts from when a version was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefaultRetention {
    /// How strict it is.
    pub mode: RetentionMode,
    /// For how long.
    pub period: RetentionPeriod,
}

/// How long a default retention is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetentionPeriod {
    /// Days.
    Days(u32),
    /// Years of 365 days.
    Years(u32),
}

/// A time-based policy on a whole bucket: every object is kept for so many days from when it was written (OSS).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worm {
    /// The policy's id.
    pub id: [u8; 16],
    /// Days that objects are kept.
    pub days: u32,
    /// When the policy was made.
    pub created: Timestamp,
    /// Whether it is locked: it can then be prolonged and nothing else.
    pub locked: bool,
}

impl ObjectLock {
    /// Whether the version may be destroyed at `now`. `bypass` overrides what may be overridden.
    pub fn permits_destruction(&self, now: Timestamp, bypass: bool) -> bool {
        let retained = self.retention.is_some_and(|retention| retention.holds(now, bypass));
        !retained && !self.legal_hold
    }

    /// Whether nothing keeps the version, now or ever.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl Retention {
    /// Whether it keeps its version at `now` from who does or does not `bypass` what may be bypassed.
    pub fn holds(&self, now: Timestamp, bypass: bool) -> bool {
        self.until > now && !(bypass && self.mode == RetentionMode::Governance)
    }

    /// Whether `next` may take this one's place at `now`: what holds may be made longer and stricter, and nothing else.
    pub fn permits(&self, next: Option<Retention>, now: Timestamp, bypass: bool) -> bool {
        let extends = next.is_some_and(|next| next.until >= self.until && next.mode >= self.mode);
        extends || !self.holds(now, bypass)
    }
}

impl RetentionPeriod {
    /// Whether it is one that a bucket may have: neither none nor beyond the greatest.
    pub fn is_valid(self) -> bool {
        match self {
            Self::Days(days) => (1..=Self::DAYS_MAX).contains(&days),
            Self::Years(years) => (1..=Self::YEARS_MAX).contains(&years),
        }
    }

    /// The greatest period in days: a hundred years, as S3 and OBS state it.
    pub const DAYS_MAX: u32 = 36_500;
    /// The same in years.
    pub const YEARS_MAX: u32 = 100;

    fn days(self) -> u32 {
        match self {
            Self::Days(days) => days,
            Self::Years(years) => years.saturating_mul(365),
        }
    }
}

impl BucketLock {
    /// The lock of a version that is written at `now`.
    pub fn of_write(&self, wish: LockWish, now: Timestamp) -> ObjectLock {
        let of_default = |default: DefaultRetention| Retention {
            mode: default.mode,
            until: now.plus_millis(i64::from(default.period.days()).saturating_mul(DAY_MS)),
        };
        let retention = wish.retention.or(self.default.map(of_default));
        ObjectLock { retention, legal_hold: wish.legal_hold }
    }
}

impl LockWish {
    /// Whether anything is asked for.
    pub fn is_asked(&self) -> bool {
        *self != Self::default()
    }
}

impl Worm {
    /// The greatest number of days: seventy years.
    pub const DAYS_MAX: u32 = 25_550;

    /// For how long a policy that is not locked lives, in milliseconds: a day.
    pub const UNLOCKED_MS: i64 = DAY_MS;

    /// Whether the policy is in force at `now`.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.locked || now < self.created.plus_millis(Self::UNLOCKED_MS)
    }

    /// Whether an object written at `written` may be destroyed at `now`.
    pub fn permits_destruction(&self, written: Timestamp, now: Timestamp) -> bool {
        !self.is_in_force(now) || now >= written.plus_millis(i64::from(self.days).saturating_mul(DAY_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_seconds(43_200);
    const LATER: Timestamp = Timestamp::from_seconds(50_000);

    fn kept(mode: RetentionMode, until: Timestamp) -> Retention {
        Retention { mode, until }
    }

    #[test]
    fn what_is_kept_is_not_destroyed() {
        let lock = |retention, legal_hold| ObjectLock { retention, legal_hold };
        let (compliance, governance) = (kept(RetentionMode::Compliance, LATER), kept(RetentionMode::Governance, LATER));
        for (lock, plain, bypassing) in [
            (lock(None, false), true, true),
            (lock(None, true), false, false),
            (lock(Some(compliance), false), false, false),
            (lock(Some(governance), false), false, true),
            (lock(Some(governance), true), false, false),
            (lock(Some(kept(RetentionMode::Compliance, NOON)), false), true, true),
        ] {
            assert_eq!(lock.permits_destruction(NOON, false), plain, "{lock:?}");
            assert_eq!(lock.permits_destruction(NOON, true), bypassing, "{lock:?}");
        }
    }

    #[test]
    fn a_retention_that_holds_is_only_made_longer_and_stricter() {
        use RetentionMode::{Compliance, Governance};
        let (early, late) = (Timestamp::from_seconds(45_000), Timestamp::from_seconds(60_000));
        for (now, next, bypass, expected) in [
            (kept(Compliance, LATER), Some(kept(Compliance, late)), false, true),
            (kept(Compliance, LATER), Some(kept(Compliance, early)), true, false),
            (kept(Compliance, LATER), Some(kept(Governance, late)), true, false),
            (kept(Compliance, LATER), None, true, false),
            (kept(Governance, LATER), Some(kept(Compliance, late)), false, true),
            (kept(Governance, LATER), Some(kept(Governance, early)), false, false),
            (kept(Governance, LATER), Some(kept(Governance, early)), true, true),
            (kept(Governance, LATER), None, true, true),
            (kept(Compliance, NOON), None, false, true),
        ] {
            assert_eq!(now.permits(next, NOON, bypass), expected, "{now:?} {next:?} {bypass}");
        }
    }

    #[test]
    fn a_bucket_gives_its_retention_to_whoever_asks_for_none() {
        let default = DefaultRetention { mode: RetentionMode::Compliance, period: RetentionPeriod::Days(2) };
        let bucket = BucketLock { default: Some(default) };
        let until = NOON.plus_millis(2 * DAY_MS);
        let given = bucket.of_write(LockWish::default(), NOON);
        assert_eq!(given.retention, Some(kept(RetentionMode::Compliance, until)));
        let own = Some(kept(RetentionMode::Governance, LATER));
        assert_eq!(bucket.of_write(LockWish { retention: own, legal_hold: true }, NOON).retention, own);
    }

    #[test]
    fn a_policy_that_is_not_locked_ends_after_a_day() {
        let worm = Worm { id: [0; 16], days: 3, created: NOON, locked: false };
        let day = |days: i64| NOON.plus_millis(days * DAY_MS);
        assert!(!worm.permits_destruction(NOON, NOON.plus_millis(DAY_MS - 1)));
        assert!(worm.permits_destruction(NOON, day(1)));
        let locked = Worm { locked: true, ..worm };
        assert!(!locked.permits_destruction(NOON, day(3).plus_millis(-1)));
        assert!(locked.permits_destruction(NOON, day(3)));
    }
}
