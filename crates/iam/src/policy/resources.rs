//! What a statement is about doing something to.

use strongroom_model::account::AccountId;
use strongroom_model::action::Resource;
use strongroom_model::key::KeyTarget;

use super::fact::Facts;
use super::pattern::Pattern;

/// The resources that a statement is about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Resources {
    /// Whether it is about all but those below.
    pub(crate) negated: bool,
    /// Any of these.
    pub(crate) places: Vec<Place>,
}

/// A form of resources.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Place {
    /// Anything.
    Everything,
    /// Buckets as `bucket`, objects as `bucket/key`.
    Storage {
        /// Only buckets, only objects, or both.
        kind: Option<Kind>,
        /// Whose.
        owner: Owner,
        /// Of which form.
        form: Pattern,
    },
    /// Master keys as `key/<id>` or `alias/<name>`.
    Key {
        /// Whose.
        owner: Owner,
        /// Of which form.
        form: Pattern,
    },
    /// Identities as `user/<name>` and so on.
    Identity {
        /// Whose.
        owner: Owner,
        /// Of which form.
        form: Pattern,
    },
    /// Resources of services that are not here.
    Nothing,
}

/// A bucket or an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A bucket.
    Bucket,
    /// An object.
    Object,
}

/// Whose resources a form is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Anybody's.
    Any,
    /// One account's.
    Account(AccountId),
    /// Nobody's: an account that cannot exist here.
    Nobody,
}

/// One resource, as forms are held against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    sort: Sort,
    text: String,
    owner: Option<AccountId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Service,
    Storage(Kind),
    Key,
    Identity,
    Server,
}

impl Target {
    /// A resource that belongs to `owner`, if that is known.
    pub(crate) fn new(resource: &Resource, owner: Option<AccountId>) -> Self {
        let (sort, text) = match resource {
            Resource::Service => (Sort::Service, String::new()),
            Resource::Bucket(bucket) => (Sort::Storage(Kind::Bucket), bucket.as_str().to_owned()),
            Resource::Object(bucket, key) => (Sort::Storage(Kind::Object), format!("{bucket}/{key}")),
            Resource::Key(reference) => (
                Sort::Key,
                match &reference.target {
                    KeyTarget::Id(id) => format!("key/{id}"),
                    KeyTarget::Alias(alias) => format!("alias/{alias}"),
                    KeyTarget::Found(name) => format!("key/{}", name.id),
                },
            ),
            Resource::Keys => (Sort::Key, String::new()),
            Resource::Identity(path) => (Sort::Identity, path.clone()),
            Resource::Administration => (Sort::Server, String::new()),
        };
        Self { sort, text, owner }
    }
}

impl Resources {
    /// Whether the statement is about `target`; none if a variable stands for what is not known.
    pub(crate) fn contain(&self, target: &Target, facts: &Facts<'_>) -> Option<bool> {
        let mut unknown = false;
        for place in &self.places {
            match place.contains(target, facts) {
                Some(true) => return Some(!self.negated),
                Some(false) => {}
                None => unknown = true,
            }
        }
        if unknown { None } else { Some(self.negated) }
    }
}

impl Place {
    fn contains(&self, target: &Target, facts: &Facts<'_>) -> Option<bool> {
        let (owner, form) = match self {
            Self::Everything => return Some(true),
            Self::Nothing => return Some(false),
            Self::Storage { kind, owner, form } => match target.sort {
                Sort::Service => (owner, form),
                Sort::Storage(sort) if kind.is_none_or(|kind| kind == sort) => (owner, form),
                _ => return Some(false),
            },
            Self::Key { owner, form } if target.sort == Sort::Key => (owner, form),
            Self::Identity { owner, form } if target.sort == Sort::Identity => (owner, form),
            Self::Key { .. } | Self::Identity { .. } => return Some(false),
        };
        if owner.is(target.owner) { form.matches(&target.text, facts) } else { Some(false) }
    }
}

impl Owner {
    fn is(self, owner: Option<AccountId>) -> bool {
        match self {
            Self::Any => true,
            Self::Account(meant) => owner == Some(meant),
            Self::Nobody => false,
        }
    }
}
