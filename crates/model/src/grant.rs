//! Grants: what the owner of a master key lets others do with it.

use crate::action::KeyAction;
use crate::encryption::EncryptionContext;
use crate::key::KeyName;
use crate::time::Timestamp;

/// A grant that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its id: sixty-four lower-case hex digits.
    pub id: String,
    /// On which key.
    pub key: KeyName,
    /// Who granted it, as principals are shown.
    pub issuer: String,
    /// When.
    pub created: Timestamp,
    /// What it says.
    pub terms: GrantTerms,
}

/// What a grant says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantTerms {
    /// Who is let, in the spelling of whoever granted it.
    pub grantee: String,
    /// Whether that is a user or a whole account.
    pub grantee_kind: GranteeKind,
    /// Who else may end it.
    pub retiring: Option<String>,
    /// What the grantee may do; never empty.
    pub actions: Vec<GrantAction>,
    /// A name that makes asking for the same grant twice give one.
    pub name: Option<String>,
    /// With which encryption context only.
    pub constraint: Option<GrantConstraint>,
}

/// What a grantee's spelling is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GranteeKind {
    /// A user, or a principal in general.
    User,
    /// A whole account.
    Account,
}

/// The encryption context with which alone a grant holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantConstraint {
    /// Exactly this one.
    Equals(EncryptionContext),
    /// One that has all of this.
    Subset(EncryptionContext),
}

impl GrantConstraint {
    /// Whether a use with `context` is within it.
    pub fn admits(&self, context: &EncryptionContext) -> bool {
        match self {
            Self::Equals(only) => context == only,
            Self::Subset(least) => has_all(context, least),
        }
    }

    /// Whether `other` admits nothing that this does not.
    pub fn includes(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Equals(only)) => self.admits(only),
            (Self::Subset(least), Self::Subset(more)) => has_all(more, least),
            (Self::Equals(_), Self::Subset(_)) => false,
        }
    }
}

fn has_all(context: &EncryptionContext, least: &EncryptionContext) -> bool {
    least.iter().all(|(name, value)| context.get(name) == Some(value))
}

/// What can be granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GrantAction {
    /// See what is known of the key.
    Describe,
    /// Grant others what the grantee may do.
    CreateGrant,
    /// End the grant.
    RetireGrant,
    /// Have a data key made, and see it.
    GenerateDataKey,
    /// Have a data key made without seeing it.
    GenerateDataKeyWithoutPlaintext,
    /// Seal data.
    Encrypt,
    /// Open data.
    Decrypt,
    /// Seal a data key of one's own.
    EncryptDataKey,
    /// Open a data key.
    DecryptDataKey,
    /// Move a ciphertext away from the key.
    ReEncryptFrom,
    /// Move a ciphertext to the key.
    ReEncryptTo,
}

impl GrantAction {
    /// Whether it lets the grantee do `action`. Whoever may seal or open data may do so with data keys, which are data.
    pub fn lets(self, action: KeyAction) -> bool {
        match self {
            Self::Encrypt => matches!(action, KeyAction::Encrypt | KeyAction::EncryptDataKey),
            Self::Decrypt => matches!(action, KeyAction::Decrypt | KeyAction::DecryptDataKey),
            _ => self.action() == action,
        }
    }

    fn action(self) -> KeyAction {
        match self {
            Self::Describe => KeyAction::Describe,
            Self::CreateGrant => KeyAction::CreateGrant,
            Self::RetireGrant => KeyAction::RetireGrant,
            Self::GenerateDataKey => KeyAction::GenerateDataKey,
            Self::GenerateDataKeyWithoutPlaintext => KeyAction::GenerateDataKeyWithoutPlaintext,
            Self::Encrypt => KeyAction::Encrypt,
            Self::Decrypt => KeyAction::Decrypt,
            Self::EncryptDataKey => KeyAction::EncryptDataKey,
            Self::DecryptDataKey => KeyAction::DecryptDataKey,
            Self::ReEncryptFrom => KeyAction::ReEncryptFrom,
            Self::ReEncryptTo => KeyAction::ReEncryptTo,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(pairs: &[(&str, &str)]) -> EncryptionContext {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_constraint_admits_its_context_and_includes_narrower_ones() {
        let (one, both) = (context(&[("a", "1")]), context(&[("a", "1"), ("b", "2")]));
        let (equals, subset) = (GrantConstraint::Equals(one.clone()), GrantConstraint::Subset(one.clone()));
        assert!(equals.admits(&one) && subset.admits(&one));
        assert!(!equals.admits(&both) && subset.admits(&both));
        for wrong in [context(&[]), context(&[("a", "2")]), context(&[("b", "1")])] {
            assert!(!equals.admits(&wrong) && !subset.admits(&wrong), "{wrong:?}");
        }
        assert!(equals.includes(&equals) && !equals.includes(&subset));
        assert!(subset.includes(&equals) && subset.includes(&GrantConstraint::Subset(both.clone())));
        assert!(!GrantConstraint::Subset(both).includes(&subset));
    }
}
