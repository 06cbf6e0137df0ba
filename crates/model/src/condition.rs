//! Conditions under which a client wants its request done (RFC 9110 §13).

use crate::etag::ETag;
use crate::setting::Versioning;
use crate::time::Timestamp;

/// What `If-Match` or `If-None-Match` lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagList {
    /// `*`: whatever exists.
    Any,
    /// One or more tags as the client wrote them.
    Tags(Vec<String>),
}

impl TagList {
    /// Whether the list names `tag`.
    pub fn names(&self, tag: &ETag) -> bool {
        match self {
            Self::Any => true,
            Self::Tags(tags) => tags.iter().any(|text| tag.is_spelled(text)),
        }
    }
}

/// The four conditional headers of one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Do it only if the current tag is one of these.
    pub if_match: Option<TagList>,
    /// Do it only if the current tag is none of these.
    pub if_none_match: Option<TagList>,
    /// Do it only if changed after this time.
    pub if_modified_since: Option<Timestamp>,
    /// Do it only if not changed after this time.
    pub if_unmodified_since: Option<Timestamp>,
    /// A write's conditions do not count in a bucket that keeps versions or did so once (`x-oss-forbid-overwrite`): there
    /// nothing is lost by it.
    pub void_with_versions: bool,
}

/// What the conditions say of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They hold.
    Holds,
    /// A read need not be answered again: 304.
    NotModified,
    /// They do not hold: 412. Carries the header that failed.
    Failed(&'static str),
    /// They speak of an object that is to be written over, and there is none.
    Missing,
}

impl Conditions {
    /// Judges a read of an object, in the order of RFC 9110 §13.2.2. Times compare in whole seconds.
    pub fn judge_read(&self, tag: &ETag, modified: Timestamp) -> Verdict {
        match (&self.if_match, self.if_unmodified_since) {
            (Some(list), _) if !list.names(tag) => return Verdict::Failed("If-Match"),
            (None, Some(limit)) if modified.seconds() > limit.seconds() => {
                return Verdict::Failed("If-Unmodified-Since");
            }
            _ => {}
        }
        match (&self.if_none_match, self.if_modified_since) {
            (Some(list), _) if list.names(tag) => Verdict::NotModified,
            (None, Some(limit)) if modified.seconds() <= limit.seconds() => Verdict::NotModified,
            _ => Verdict::Holds,
        }
    }

    /// Judges a write over `current`, the object there now, if any, in a bucket of such versioning.
    pub fn judge_write(&self, current: Option<&ETag>, versioning: Versioning) -> Verdict {
        if self.void_with_versions && versioning != Versioning::Never {
            return Verdict::Holds;
        }
        let matches = self.if_match.as_ref().is_none_or(|list| current.is_some_and(|tag| list.names(tag)));
        let differs = self.if_none_match.as_ref().is_none_or(|list| !current.is_some_and(|tag| list.names(tag)));
        match (matches, differs) {
            (true, true) => Verdict::Holds,
            (false, _) if current.is_none() => Verdict::Missing,
            (false, _) => Verdict::Failed("If-Match"),
            (true, false) => Verdict::Failed("If-None-Match"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: ETag = ETag { digest: [1; 16], parts: None };
    const OTHER: ETag = ETag { digest: [2; 16], parts: None };
    const NOON: Timestamp = Timestamp::from_seconds(43_200);

    fn tags(tag: &ETag) -> Option<TagList> {
        Some(TagList::Tags(vec![tag.lower_hex()]))
    }

    #[test]
    fn tags_outrank_times() {
        let conditions = Conditions {
            if_match: tags(&TAG),
            if_unmodified_since: Some(Timestamp::from_seconds(0)),
            ..Default::default()
        };
        assert_eq!(conditions.judge_read(&TAG, NOON), Verdict::Holds);
        let conditions =
            Conditions { if_none_match: tags(&OTHER), if_modified_since: Some(NOON), ..Default::default() };
        assert_eq!(conditions.judge_read(&TAG, NOON), Verdict::Holds);
    }

    #[test]
    fn each_condition_has_its_answer() {
        let judge = |conditions: Conditions| conditions.judge_read(&TAG, NOON);
        assert_eq!(judge(Conditions { if_match: tags(&OTHER), ..Default::default() }), Verdict::Failed("If-Match"));
        assert_eq!(judge(Conditions { if_none_match: Some(TagList::Any), ..Default::default() }), Verdict::NotModified);
        assert_eq!(judge(Conditions { if_modified_since: Some(NOON), ..Default::default() }), Verdict::NotModified);
        let early = Some(Timestamp::from_seconds(1));
        assert_eq!(
            judge(Conditions { if_unmodified_since: early, ..Default::default() }),
            Verdict::Failed("If-Unmodified-Since")
        );
        assert_eq!(judge(Conditions { if_modified_since: early, ..Default::default() }), Verdict::Holds);
    }

    #[test]
    fn writes_can_insist_on_absence_and_presence() {
        let absent = Conditions { if_none_match: Some(TagList::Any), ..Default::default() };
        assert_eq!(absent.judge_write(None, Versioning::Never), Verdict::Holds);
        assert_eq!(absent.judge_write(Some(&TAG), Versioning::Never), Verdict::Failed("If-None-Match"));
        let present = Conditions { if_match: tags(&TAG), ..Default::default() };
        assert_eq!(present.judge_write(Some(&TAG), Versioning::Never), Verdict::Holds);
        assert_eq!(present.judge_write(None, Versioning::Never), Verdict::Missing);
    }

    #[test]
    fn what_protects_an_only_version_is_void_where_versions_are_kept() {
        let forbidden =
            Conditions { if_none_match: Some(TagList::Any), void_with_versions: true, ..Default::default() };
        assert_eq!(forbidden.judge_write(Some(&TAG), Versioning::Never), Verdict::Failed("If-None-Match"));
        assert_eq!(forbidden.judge_write(Some(&TAG), Versioning::Enabled), Verdict::Holds);
        assert_eq!(forbidden.judge_write(Some(&TAG), Versioning::Suspended), Verdict::Holds);
    }
}
