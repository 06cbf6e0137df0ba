//! Tags of buckets and objects.

/// Tags: names that differ from each other, with a value each, in the order given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagSet(Vec<(String, String)>);

/// Why tags are no set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTags {
    /// More than so many.
    #[error("more than {0} tags")]
    TooMany(usize),
    /// A name twice.
    #[error("the tag {0:?} twice")]
    Twice(String),
    /// A name that is empty or too long.
    #[error("the tag name {0:?} is empty or too long")]
    Key(String),
    /// A value that is too long.
    #[error("the value of the tag {0:?} is too long")]
    Value(String),
}

/// How many tags a thing may have, and how long they may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TagLimits {
    /// How many.
    pub count: usize,
    /// Characters of a name.
    pub key: usize,
    /// Characters of a value.
    pub value: usize,
}

impl TagSet {
    /// The set of `tags`, if it keeps to `limits`.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn new(tags: Vec<(String, String)>, limits: TagLimits) -> Result<Self, InvalidTags> {
        if tags.len() > limits.count {
            return Err(InvalidTags::TooMany(limits.count));
        }
        for (place, (key, value)) in tags.iter().enumerate() {
            if key.is_empty() || key.chars().count() > limits.key {
                return Err(InvalidTags::Key(key.clone()));
            }
            if value.chars().count() > limits.value {
                return Err(InvalidTags::Value(key.clone()));
            }
            if tags[..place].iter().any(|(earlier, _)| earlier == key) {
                return Err(InvalidTags::Twice(key.clone()));
            }
        }
        Ok(Self(tags))
    }

    /// The set as it was kept. Limits may have been others when it was made, so they are not asked again.
    pub fn restored(tags: Vec<(String, String)>) -> Self {
        Self(tags)
    }

    /// The tags in the order given.
    pub fn as_slice(&self) -> &[(String, String)] {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A tag's value.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == key).map(|(_, value)| value.as_str())
    }

    /// The set without the tags of these names.
    #[must_use]
    pub fn without(&self, keys: &[String]) -> Self {
        Self(self.0.iter().filter(|(key, _)| !keys.contains(key)).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: TagLimits = TagLimits { count: 2, key: 3, value: 2 };

    fn set(tags: &[(&str, &str)]) -> Result<TagSet, InvalidTags> {
        TagSet::new(tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(), LIMITS)
    }

    #[test]
    fn a_set_keeps_to_its_limits() {
        assert_eq!(set(&[("a", ""), ("äöü", "xy")]).unwrap().get("äöü"), Some("xy"));
        assert_eq!(set(&[("a", ""), ("b", ""), ("c", "")]), Err(InvalidTags::TooMany(2)));
        assert_eq!(set(&[("a", "1"), ("a", "2")]), Err(InvalidTags::Twice("a".into())));
        assert_eq!(set(&[("", "1")]), Err(InvalidTags::Key(String::new())));
        assert_eq!(set(&[("abcd", "1")]), Err(InvalidTags::Key("abcd".into())));
        assert_eq!(set(&[("a", "123")]), Err(InvalidTags::Value("a".into())));
    }

    #[test]
    fn names_can_be_taken_out() {
        let all = set(&[("a", "1"), ("b", "2")]).unwrap();
        assert_eq!(all.without(&["a".into(), "x".into()]).as_slice(), [("b".to_owned(), "2".to_owned())]);
    }
}
