//! The languages of policies: how each vendor spells the neutral form. A language is a value, as a dialect is in `wire`.

mod alibaba;
mod amazon;
mod document;
mod huawei;
mod identities;
mod operators;
mod spelling;

use strongroom_model::action::Action;
use strongroom_model::name::BucketName;
use strongroom_model::policy::{PolicyDocument, PolicyLanguage};

use crate::policy::Policy;
use crate::policy::actions::{Actions, Service};
use crate::policy::fact::Fact;
use crate::policy::pattern::Reading;
use crate::policy::principals::Grantee;
use crate::policy::resources::Place;

/// Why a text is no policy. Shown to the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPolicy {
    /// Not JSON, or no object.
    #[error("Policies must be valid JSON and the first byte must be '{{'")]
    NotJson,
    /// Longer than a policy may be.
    #[error("Policies must not be longer than {0} bytes")]
    TooLong(usize),
    /// An element that no policy of its kind has, or whose value is not of its type.
    #[error("Unknown or malformed field {0}")]
    Field(String),
    /// An element that is needed.
    #[error("Missing required field {0}")]
    Missing(&'static str),
    /// A version that the language does not have.
    #[error("The policy must contain a valid version string")]
    Version,
    /// Somebody who cannot be.
    #[error("Invalid principal in policy")]
    Principal,
    /// An action that is not spelled as one.
    #[error("Policy has invalid action")]
    Action,
    /// A resource that is not spelled as one, or is not the bucket that the policy is for.
    #[error("Policy has invalid resource")]
    Resource,
    /// An operator that does not exist.
    #[error("Invalid Condition type : {0}")]
    Operator(String),
    /// A condition key that does not exist here. It is refused: a condition that cannot be evaluated protects nothing.
    #[error("Policy has an invalid condition key {0}")]
    Key(String),
    /// A value that the operator cannot compare with.
    #[error("Invalid value {0} in a condition")]
    Value(String),
    /// A variable that does not exist here.
    #[error("Unknown policy variable {0}")]
    Variable(String),
}

/// What a policy is attached to.
#[derive(Debug, Clone, Copy)]
pub enum Attached<'a> {
    /// A user, a group, an account, a session: it names no principals.
    Identity,
    /// A bucket: it names principals, and no other bucket's resources.
    Bucket(&'a BucketName),
    /// A master key: it names principals, and is about that key whatever it names.
    Key,
}

/// How a language spells things.
pub(crate) struct Words {
    /// The versions it has.
    versions: &'static [Version],
    /// Whether one must be given.
    version_needed: bool,
    /// What stands before the first colon of an action, and the names that follow.
    services: &'static [ServiceWords],
    /// Whether an action without a prefix is one of the first service.
    bare_actions: bool,
    /// Whether a policy of an identity may leave out its resources, which are all then.
    resources_optional: bool,
    /// Whether operators have their short names as well.
    short_operators: bool,
    /// The fact that a condition key names; none if it names nothing here.
    fact: fn(&str) -> Option<Fact>,
    /// Those whom one member of a principal names, by the member's kind.
    grantee: fn(kind: &str, text: &str) -> Option<Grantee>,
    /// The resources that a text names.
    place: fn(&str, Reading<'_>) -> Result<Place, InvalidPolicy>,
}

/// A version of a language.
struct Version {
    /// How it is given.
    word: &'static str,
    /// Whether texts may have variables.
    variables: bool,
}

/// The actions of a service.
struct ServiceWords {
    prefixes: &'static [&'static str],
    service: Service,
    names: &'static [(&'static str, &'static [Action])],
}

impl Policy {
    /// Understands a policy.
    ///
    /// # Errors
    /// What is wrong with it. Actions that do not exist here are no error: nobody can do them.
    pub fn parse(document: &PolicyDocument, attached: Attached<'_>) -> Result<Self, InvalidPolicy> {
        document::read(&document.text, words(document.language), attached)
    }
}

/// Understands a bucket's policy, and says in which language. Clients of Huawei's SDKs send theirs by Amazon's signatures
/// when they are given an IP address; so what is not in Amazon's language may be in Huawei's.
///
/// # Errors
/// What is wrong with it in its own language.
pub fn read_bucket_policy(
    document: PolicyDocument,
    bucket: &BucketName,
) -> Result<(PolicyDocument, Policy), InvalidPolicy> {
    match Policy::parse(&document, Attached::Bucket(bucket)) {
        Ok(policy) => Ok((document, policy)),
        Err(invalid) if document.language == PolicyLanguage::Amazon => {
            let other = PolicyDocument { language: PolicyLanguage::Huawei, ..document };
            let policy = Policy::parse(&other, Attached::Bucket(bucket)).map_err(|_| invalid)?;
            Ok((other, policy))
        }
        Err(invalid) => Err(invalid),
    }
}

/// The language that a text seems to be in, by its version.
pub fn guess_language(text: &str) -> PolicyLanguage {
    let document: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    match document.get("Version").and_then(serde_json::Value::as_str) {
        Some("1") => PolicyLanguage::Alibaba,
        Some(word) if word.starts_with("20") => PolicyLanguage::Amazon,
        _ => PolicyLanguage::Huawei,
    }
}

/// The actions that a text names, in any language: by the first that knows the prefix.
pub fn read_action(language: PolicyLanguage, text: &str) -> Option<Vec<Action>> {
    let mut actions = Actions::default();
    document::read_action(text, words(language), &mut actions).ok()?;
    (actions.services.is_empty() && !actions.single.is_empty()).then(|| actions.single.into_iter().collect())
}

fn words(language: PolicyLanguage) -> &'static Words {
    match language {
        PolicyLanguage::Huawei => &huawei::WORDS,
        PolicyLanguage::Alibaba => &alibaba::WORDS,
        PolicyLanguage::Amazon => &amazon::WORDS,
    }
}
