//! Rules by which objects, versions and uploads go when their time has come.

use crate::tag::TagSet;
use crate::time::Timestamp;

/// A day in milliseconds.
pub const DAY_MS: i64 = 24 * 3_600_000;

/// The rules of a bucket, in the order of their document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lifecycle {
    /// The rules; several may concern one object, and then the earliest counts.
    pub rules: Vec<LifecycleRule>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifecycleRule {
    /// Its name; empty in a document that gives none, until the rule is stored.
    pub id: String,
    /// Whether it is followed.
    pub enabled: bool,
    /// What it concerns.
    pub scope: RuleScope,
    /// When current versions go.
    pub expiration: Option<Expiration>,
    /// When noncurrent versions go.
    pub noncurrent: Option<NoncurrentExpiration>,
    /// When open uploads are aborted.
    pub uploads: Option<UploadExpiration>,
}

/// What a rule concerns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleScope {
    /// Keys that begin so.
    pub prefix: String,
    /// Objects that have all these tags.
    pub tags: Vec<(String, String)>,
    /// Objects of more bytes than this.
    pub larger_than: Option<u64>,
    /// Objects of fewer bytes than this.
    pub smaller_than: Option<u64>,
    /// And none of these.
    pub except: Vec<ScopeException>,
    /// Whether its writer put the prefix into a filter rather than beside the actions, where the dialect has both.
    pub filtered: bool,
}

/// What a rule leaves out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeException {
    /// Keys that begin so.
    pub prefix: String,
    /// And have this tag, if there is one.
    pub tag: Option<(String, String)>,
}

/// When a current version goes. In a bucket that keeps versions, it becomes noncurrent under a delete marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiration {
    /// At the first midnight (UTC) so many days after it was written.
    After(u32),
    /// At this time, whenever it was written, even later.
    On(Timestamp),
    /// At the first midnight (UTC) after it was written, if that was before this time.
    WrittenBefore(Timestamp),
    /// Never; but a delete marker goes that has no versions behind it any more.
    LoneMarkers,
}

/// When a noncurrent version goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoncurrentExpiration {
    /// At the first midnight (UTC) so many days after another version took its place.
    pub days: u32,
    /// If there are so many newer noncurrent versions.
    pub newer_kept: Option<u32>,
}

/// When an open upload is aborted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadExpiration {
    /// At the first midnight (UTC) so many days after it began.
    After(u32),
    /// At once, if it began before this time.
    BegunBefore(Timestamp),
}

/// What is told of an object that will go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpirationNotice {
    /// When.
    pub at: Timestamp,
    /// By which rule.
    pub rule: String,
}

/// A version of an object, as far as rules look at it.
#[derive(Debug, Clone, Copy)]
pub struct RuleSubject<'a> {
    /// Its key.
    pub key: &'a str,
    /// Its length in bytes.
    pub size: u64,
    /// Its tags; none if they were not looked at yet, and then every rule about tags may concern it.
    pub tags: Option<&'a TagSet>,
}

impl Lifecycle {
    /// The rules that a bucket may have, as all three services state it.
    pub const RULES_MAX: usize = 1000;

    /// When the current version goes that was written at `written`, and by which rule.
    pub fn expiration(&self, subject: RuleSubject<'_>, written: Timestamp) -> Option<ExpirationNotice> {
        let due = self.followed().filter(|rule| rule.scope.covers(subject)).filter_map(|rule| {
            let at = rule.expiration?.of_object(written)?;
            Some((at, rule))
        });
        let (at, rule) = due.min_by_key(|(at, _)| *at)?;
        Some(ExpirationNotice { at, rule: rule.id.clone() })
    }

    /// When the noncurrent version goes that is so since `since`, and before which there are `newer` noncurrent ones. A delete
    /// marker has no size and no tags: `object` is none.
    pub fn noncurrent_expiration(
        &self,
        key: &str,
        object: Option<RuleSubject<'_>>,
        since: Timestamp,
        newer: u32,
    ) -> Option<Timestamp> {
        let concerned = self.followed().filter(|rule| match object {
            Some(object) => rule.scope.covers(object),
            None => rule.scope.covers_name(key),
        });
        let due = concerned.filter_map(|rule| rule.noncurrent);
        due.filter(|due| due.newer_kept.is_none_or(|kept| newer >= kept))
            .map(|due| midnight_after(since, due.days))
            .min()
    }

    /// When a delete marker goes that was written at `written` and has no versions behind it.
    pub fn lone_marker_expiration(&self, key: &str, written: Timestamp) -> Option<Timestamp> {
        let concerned = self.followed().filter(|rule| rule.scope.covers_name(key));
        concerned.filter_map(|rule| rule.expiration?.of_lone_marker(written)).min()
    }

    /// When the upload under `key` is aborted that began at `begun`.
    pub fn upload_expiration(&self, key: &str, begun: Timestamp) -> Option<Timestamp> {
        let concerned = self.followed().filter(|rule| rule.scope.covers_name(key));
        let due = concerned.filter_map(|rule| match rule.uploads? {
            UploadExpiration::After(days) => Some(midnight_after(begun, days)),
            UploadExpiration::BegunBefore(limit) => (begun < limit).then_some(begun),
        });
        due.min()
    }

    /// Whether any rule that is followed looks at tags.
    pub fn looks_at_tags(&self) -> bool {
        self.followed().any(|rule| {
            !rule.scope.tags.is_empty() || rule.scope.except.iter().any(|exception| exception.tag.is_some())
        })
    }

    /// What the keys of all that the rules concern begin with; none if no rule is followed.
    pub fn common_prefix(&self) -> Option<&str> {
        let prefixes = self.followed().map(|rule| rule.scope.prefix.as_str());
        prefixes.reduce(|one, other| {
            let same = one.char_indices().zip(other.chars()).find(|((_, left), right)| left != right);
            let end = same.map_or(one.len().min(other.len()), |((at, _), _)| at);
            &one[..end]
        })
    }

    fn followed(&self) -> impl Iterator<Item = &LifecycleRule> {
        self.rules.iter().filter(|rule| rule.enabled)
    }
}

impl RuleScope {
    /// Whether it looks at keys alone.
    pub fn is_by_name(&self) -> bool {
        self.tags.is_empty() && self.larger_than.is_none() && self.smaller_than.is_none()
    }

    fn covers(&self, subject: RuleSubject<'_>) -> bool {
        let has = |key: &str, value: &str| subject.tags.is_none_or(|tags| tags.get(key) == Some(value));
        subject.key.starts_with(&self.prefix)
            && self.larger_than.is_none_or(|least| subject.size > least)
            && self.smaller_than.is_none_or(|most| subject.size < most)
            && self.tags.iter().all(|(key, value)| has(key, value))
            && !self.except.iter().any(|exception| exception.covers(subject))
    }

    fn covers_name(&self, key: &str) -> bool {
        let left_out = |exception: &ScopeException| exception.tag.is_none() && key.starts_with(&exception.prefix);
        self.is_by_name() && key.starts_with(&self.prefix) && !self.except.iter().any(left_out)
    }
}

impl ScopeException {
    fn covers(&self, subject: RuleSubject<'_>) -> bool {
        let tagged = match (&self.tag, subject.tags) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some((key, value)), Some(tags)) => tags.get(key) == Some(value.as_str()),
        };
        tagged && subject.key.starts_with(&self.prefix)
    }
}

impl Expiration {
    fn of_object(self, written: Timestamp) -> Option<Timestamp> {
        match self {
            Self::After(days) => Some(midnight_after(written, days)),
            Self::On(date) => Some(date),
            Self::WrittenBefore(limit) => (written < limit).then(|| midnight_after(written, 0)),
            Self::LoneMarkers => None,
        }
    }

    fn of_lone_marker(self, written: Timestamp) -> Option<Timestamp> {
        match self {
            Self::LoneMarkers => Some(written),
            other => other.of_object(written),
        }
    }
}

/// The first midnight (UTC) that comes after `days` days from `from`, as the services round: what happens at midnight
/// itself waits a whole day.
fn midnight_after(from: Timestamp, days: u32) -> Timestamp {
    let day = from.millis().div_euclid(DAY_MS).saturating_add(i64::from(days) + 1);
    Timestamp::from_millis(day.saturating_mul(DAY_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hours since 1970.
    fn at(hours: i64) -> Timestamp {
        Timestamp::from_millis(hours * 3_600_000)
    }

    fn rule(id: &str, prefix: &str) -> LifecycleRule {
        LifecycleRule {
            id: id.to_owned(),
            enabled: true,
            scope: RuleScope { prefix: prefix.to_owned(), ..RuleScope::default() },
            expiration: None,
            noncurrent: None,
            uploads: None,
        }
    }

    fn subject<'a>(key: &'a str, size: u64, tags: &'a TagSet) -> RuleSubject<'a> {
        RuleSubject { key, size, tags: Some(tags) }
    }

    /// The example of the S3 manual: written on 15 January at 10:30, three days, so it goes on the 19th at 00:00.
    #[test]
    fn days_end_at_the_next_midnight() {
        let january_15 = Timestamp::from_seconds(1_389_781_800);
        assert_eq!(january_15.to_string(), "2014-01-15T10:30:00.000Z");
        assert_eq!(midnight_after(january_15, 3).to_string(), "2014-01-19T00:00:00.000Z");
        assert_eq!(midnight_after(at(24), 1), at(72), "midnight waits a whole day");
        assert_eq!(midnight_after(Timestamp::from_millis(-1), 0), at(0));
    }

    #[test]
    fn the_earliest_rule_counts_and_one_that_is_off_does_not() {
        let none = TagSet::default();
        let days = |id: &str, prefix: &str, days| LifecycleRule {
            expiration: Some(Expiration::After(days)),
            ..rule(id, prefix)
        };
        let mut rules = Lifecycle { rules: vec![days("late", "", 9), days("early", "logs/", 2), days("off", "", 1)] };
        rules.rules[2].enabled = false;
        let notice = |key| rules.expiration(subject(key, 1, &none), at(1)).map(|notice| (notice.at, notice.rule));
        assert_eq!(notice("logs/a"), Some((at(3 * 24), "early".to_owned())));
        assert_eq!(notice("other"), Some((at(10 * 24), "late".to_owned())));
        assert_eq!(rules.common_prefix(), Some(""));
        rules.rules.remove(0);
        assert_eq!(rules.expiration(subject("other", 1, &none), at(1)), None);
        assert_eq!(rules.common_prefix(), Some("logs/"));
        rules.rules.push(days("also", "long/", 1));
        assert_eq!(rules.common_prefix(), Some("lo"));
        assert_eq!(Lifecycle::default().common_prefix(), None);
    }

    #[test]
    fn dates_hold_for_what_is_written_later_and_limits_do_not() {
        let none = TagSet::default();
        let with =
            |expiration| Lifecycle { rules: vec![LifecycleRule { expiration: Some(expiration), ..rule("r", "") }] };
        let of = |rules: &Lifecycle, written| rules.expiration(subject("k", 1, &none), written).map(|notice| notice.at);
        let on = with(Expiration::On(at(240)));
        assert_eq!((of(&on, at(1)), of(&on, at(999))), (Some(at(240)), Some(at(240))));
        let before = with(Expiration::WrittenBefore(at(240)));
        assert_eq!((of(&before, at(239)), of(&before, at(240))), (Some(at(240)), None));
        let lone = with(Expiration::LoneMarkers);
        assert_eq!((of(&lone, at(1)), lone.lone_marker_expiration("k", at(5))), (None, Some(at(5))));
        assert_eq!(on.lone_marker_expiration("k", at(5)), Some(at(240)));
    }

    #[test]
    fn scopes_look_at_names_sizes_and_tags() {
        let tagged = |pairs: &[(&str, &str)]| {
            TagSet::restored(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
        };
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let scope = RuleScope {
            prefix: "a/".to_owned(),
            tags: vec![pair("k", "v")],
            larger_than: Some(10),
            smaller_than: Some(20),
            except: vec![
                ScopeException { prefix: "a/keep/".to_owned(), tag: None },
                ScopeException { prefix: "a/".to_owned(), tag: Some(pair("hold", "yes")) },
            ],
            filtered: true,
        };
        let tags = tagged(&[("k", "v"), ("x", "y")]);
        assert!(scope.covers(subject("a/b", 11, &tags)));
        for (key, size) in [("b/a", 11), ("a/b", 10), ("a/b", 20), ("a/keep/b", 11)] {
            assert!(!scope.covers(subject(key, size, &tags)), "{key} {size}");
        }
        assert!(!scope.covers(subject("a/b", 11, &tagged(&[("k", "w")]))));
        assert!(!scope.covers(subject("a/b", 11, &tagged(&[("k", "v"), ("hold", "yes")]))));
        assert!(scope.covers(RuleSubject { key: "a/b", size: 11, tags: None }), "perhaps");
        assert!(!scope.covers_name("a/b"), "a marker has neither size nor tags");
    }

    #[test]
    fn noncurrent_versions_wait_for_their_days_and_their_number() {
        let noncurrent = Some(NoncurrentExpiration { days: 1, newer_kept: Some(2) });
        let rules = Lifecycle { rules: vec![LifecycleRule { noncurrent, ..rule("r", "a") }] };
        let none = TagSet::default();
        let due = |key, newer| rules.noncurrent_expiration(key, Some(subject(key, 1, &none)), at(1), newer);
        assert_eq!((due("a", 1), due("a", 2), due("b", 2)), (None, Some(at(48)), None));
        assert_eq!(rules.noncurrent_expiration("a", None, at(1), 5), Some(at(48)));
    }

    #[test]
    fn uploads_go_by_age_or_by_date() {
        let with = |uploads| Lifecycle { rules: vec![LifecycleRule { uploads: Some(uploads), ..rule("r", "a") }] };
        let after = with(UploadExpiration::After(7));
        assert_eq!((after.upload_expiration("a", at(1)), after.upload_expiration("b", at(1))), (Some(at(192)), None));
        let before = with(UploadExpiration::BegunBefore(at(5)));
        assert_eq!((before.upload_expiration("a", at(4)), before.upload_expiration("a", at(5))), (Some(at(4)), None));
    }
}
