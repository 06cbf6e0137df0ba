//! Operations on customer master keys, asked through the key service's dialects and the admin API.

use std::ops::RangeInclusive;

use crate::action::{Action, KeyAction, Required, Resource};
use crate::grant::GrantTerms;
use crate::key::{KeyOrigin, KeyReference, KeySpec, KeyTags, MaterialId};
use crate::policy::PolicyDocument;
use crate::time::Timestamp;

pub use super::key_use::{KeyUse, Purpose};

/// The days that a deletion may be pending: the widest of the three services (Huawei: 7 to 1,096).
pub const PENDING_DAYS: RangeInclusive<u32> = 7..=1096;

/// The days between two automatic rotations: the widest of the three services (Alibaba from 7, AWS to 2,560).
pub const ROTATION_DAYS: RangeInclusive<u32> = 7..=2560;

/// An operation on customer master keys.
#[derive(Debug)]
pub enum KeyOperation {
    /// Make a key.
    Create(CreateKey),
    /// Describe one key.
    Describe(KeyReference),
    /// List the account's keys in the order of their creation.
    List(ListKeys),
    /// Replace a key's description.
    UpdateDescription {
        /// Which key.
        key: KeyReference,
        /// What its owner now writes of it.
        description: String,
    },
    /// Let a key seal and open.
    Enable(Switch),
    /// Stop a key from sealing and opening.
    Disable(Switch),
    /// Plan a key's destruction.
    ScheduleDeletion {
        /// Which key.
        key: KeyReference,
        /// Days until then: [`PENDING_DAYS`].
        days: u32,
    },
    /// Keep a key whose destruction was planned; it comes back disabled.
    CancelDeletion(KeyReference),
    /// Protect a key from deletion, or end that.
    Protect {
        /// Which key.
        key: KeyReference,
        /// Why it is protected; none ends it.
        reason: Option<String>,
    },
    /// Point an alias at a key.
    PointAlias {
        /// The alias, without `alias/`.
        alias: String,
        /// Which key.
        key: KeyReference,
        /// What there must be before.
        before: AliasBefore,
    },
    /// Give a key another alias in the place of the one that it shows first.
    Rename {
        /// Which key.
        key: KeyReference,
        /// The alias, without `alias/`.
        alias: String,
    },
    /// Remove an alias.
    RemoveAlias(String),
    /// List aliases, in the order of their names.
    ListAliases {
        /// Of one key; none is all that the account has.
        key: Option<KeyReference>,
        /// Which of them.
        page: Page,
    },
    /// Change a key's tags.
    Retag {
        /// Which key.
        key: KeyReference,
        /// Tags to be set, whether they are new or not.
        set: KeyTags,
        /// Names of tags to be removed, whether they are there or not.
        unset: Vec<String>,
    },
    /// See a key's tags.
    ListTags(KeyReference),
    /// Change how a key rotates by itself.
    SetRotation {
        /// Which key.
        key: KeyReference,
        /// The change.
        change: RotationChange,
    },
    /// See how a key rotates.
    GetRotation(KeyReference),
    /// Give a key a new version now; for imported material, the one that was brought for it.
    Rotate {
        /// Which key.
        key: KeyReference,
        /// How often that may be asked of one key in its life; none for no limit but that of versions.
        demands_max: Option<u32>,
    },
    /// List a key's versions, the first one first.
    ListVersions {
        /// Which key.
        key: KeyReference,
        /// Which of them.
        page: Page,
    },
    /// Read a key's policy.
    GetPolicy(KeyReference),
    /// Replace a key's policy.
    PutPolicy {
        /// Which key.
        key: KeyReference,
        /// The document, as its owner wrote it.
        policy: PolicyDocument,
        /// Whether it may keep the caller from ever replacing it again.
        locks_out: bool,
    },
    /// Let others use a key.
    CreateGrant {
        /// Which key.
        key: KeyReference,
        /// Who may do what.
        terms: GrantTerms,
    },
    /// List grants.
    ListGrants(ListGrants),
    /// End a grant.
    EndGrant {
        /// On which key.
        key: KeyReference,
        /// Its id.
        grant: String,
        /// In which role.
        by: GrantEnd,
    },
    /// Get what key material is wrapped with to be imported.
    GetImportParameters {
        /// Which key.
        key: KeyReference,
        /// How it will be wrapped.
        wrapping: ImportWrapping,
    },
    /// Import key material.
    ImportMaterial(ImportMaterial),
    /// Delete imported key material.
    DeleteMaterial {
        /// Which key.
        key: KeyReference,
        /// Which material; none is that of the version that seals now.
        material: Option<MaterialId>,
    },
    /// Seal or open something.
    Use(KeyUse),
    /// See how many keys there may be and are.
    GetQuotas,
}

/// Make a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateKey {
    /// Its cipher.
    pub spec: KeySpec,
    /// What its owner writes of it.
    pub description: String,
    /// A first alias, without `alias/`.
    pub alias: Option<String>,
    /// Where its material comes from.
    pub origin: KeyOrigin,
    /// Its first tags.
    pub tags: KeyTags,
    /// Its policy; none for the usual one.
    pub policy: Option<PolicyDocument>,
    /// Whether that may keep the caller from ever replacing it.
    pub locks_out: bool,
    /// The project that it is made in (Huawei); none, and the account's own id, are the default one.
    pub project: Option<String>,
    /// Days between two automatic rotations; none if it is not to rotate by itself.
    pub rotation_days: Option<u32>,
}

impl CreateKey {
    /// A key of that cipher, with nothing else said of it.
    pub fn new(spec: KeySpec) -> Self {
        Self {
            spec,
            description: String::new(),
            alias: None,
            origin: KeyOrigin::Service,
            tags: KeyTags::new(),
            policy: None,
            locks_out: false,
            project: None,
            rotation_days: None,
        }
    }
}

/// Which keys to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListKeys {
    /// Only those in this state.
    pub state: Option<StateFilter>,
    /// Only those of this cipher.
    pub spec: Option<KeySpec>,
    /// Which of them.
    pub page: Page,
}

/// A state of keys, its details left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateFilter {
    /// In use.
    Enabled,
    /// Stopped.
    Disabled,
    /// To be destroyed.
    PendingDeletion,
    /// Without material.
    PendingImport,
}

/// A part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// How many entries come before it.
    pub offset: usize,
    /// How many entries it may have.
    pub limit: usize,
}

/// All of it.
impl Default for Page {
    fn default() -> Self {
        Self { offset: 0, limit: usize::MAX }
    }
}

/// Turn a key on or off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switch {
    /// Which key.
    pub key: KeyReference,
    /// Whether it may be so already.
    pub repeatable: bool,
}

impl Switch {
    /// To turn `key`, whether it is so already or not.
    pub fn repeatable(key: KeyReference) -> Self {
        Self { key, repeatable: true }
    }
}

/// What must be true of an alias before it is pointed at a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AliasBefore {
    /// It points at nothing.
    Free,
    /// It points at some key.
    Taken,
    /// Either.
    Any,
}

/// A change of how a key rotates by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationChange {
    /// Rotate every so many days ([`ROTATION_DAYS`]); none is as it was.
    On(Option<u32>),
    /// Do not rotate by itself.
    Off,
    /// Rotate every so many days, if it rotates by itself at all.
    Interval(u32),
}

/// Which grants to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListGrants {
    /// Of which.
    pub of: GrantsOf,
    /// Only the one with this id.
    pub id: Option<String>,
    /// Only those that let this principal.
    pub grantee: Option<String>,
    /// Which of them.
    pub page: Page,
}

/// Whose grants to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantsOf {
    /// Those on a key.
    Key(KeyReference),
    /// Those that a principal may retire; none is the caller.
    Retirable(Option<String>),
}

/// In which role a grant is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantEnd {
    /// As the key's owner.
    Revoke,
    /// As who it serves.
    Retire,
}

/// How key material is wrapped for its import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportWrapping {
    /// RSAES-OAEP with SHA-256 (RFC 8017) under a 2,048-bit key.
    RsaOaepSha256Of2048,
    /// The same under a 3,072-bit key.
    RsaOaepSha256Of3072,
    /// The same under a 4,096-bit key.
    RsaOaepSha256Of4096,
}

/// Import key material.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportMaterial {
    /// Which key.
    pub key: KeyReference,
    /// The token that came with the wrapping key.
    pub token: Vec<u8>,
    /// The material, wrapped.
    pub wrapped: Vec<u8>,
    /// When it is to be deleted by itself.
    pub expires: Option<Timestamp>,
    /// Whether it is to seal after the next rotation, rather than be, or come back as, what the key has.
    pub for_rotation: bool,
    /// Which material it is said to be.
    pub material: Option<MaterialId>,
}

impl KeyOperation {
    /// The operation's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => "CreateKey",
            Self::Describe(_) => "DescribeKey",
            Self::List(_) => "ListKeys",
            Self::UpdateDescription { .. } => "UpdateKeyDescription",
            Self::Enable(_) => "EnableKey",
            Self::Disable(_) => "DisableKey",
            Self::ScheduleDeletion { .. } => "ScheduleKeyDeletion",
            Self::CancelDeletion(_) => "CancelKeyDeletion",
            Self::Protect { .. } => "ProtectKey",
            Self::PointAlias { .. } => "PointAlias",
            Self::Rename { .. } => "RenameKey",
            Self::RemoveAlias(_) => "RemoveAlias",
            Self::ListAliases { .. } => "ListAliases",
            Self::Retag { .. } => "RetagKey",
            Self::ListTags(_) => "ListKeyTags",
            Self::SetRotation { .. } => "SetKeyRotation",
            Self::GetRotation(_) => "GetKeyRotation",
            Self::Rotate { .. } => "RotateKey",
            Self::ListVersions { .. } => "ListKeyVersions",
            Self::GetPolicy(_) => "GetKeyPolicy",
            Self::PutPolicy { .. } => "PutKeyPolicy",
            Self::CreateGrant { .. } => "CreateGrant",
            Self::ListGrants(_) => "ListGrants",
            Self::EndGrant { .. } => "EndGrant",
            Self::GetImportParameters { .. } => "GetImportParameters",
            Self::ImportMaterial(_) => "ImportKeyMaterial",
            Self::DeleteMaterial { .. } => "DeleteKeyMaterial",
            Self::Use(operation) => operation.name(),
            Self::GetQuotas => "GetKeyQuotas",
        }
    }

    /// Whether it only looks.
    pub fn is_read(&self) -> bool {
        matches!(
            self,
            Self::Describe(_)
                | Self::List(_)
                | Self::ListAliases { .. }
                | Self::ListTags(_)
                | Self::GetRotation(_)
                | Self::ListVersions { .. }
                | Self::GetPolicy(_)
                | Self::ListGrants(_)
                | Self::GetImportParameters { .. }
                | Self::Use(_)
                | Self::GetQuotas
        )
    }

    /// The keys that it refers to, in the order of what it requires; what is done to an alias is about no key.
    pub fn references_mut(&mut self) -> Vec<&mut KeyReference> {
        match self {
            Self::Create(_) | Self::List(_) | Self::RemoveAlias(_) | Self::GetQuotas => Vec::new(),
            Self::ListAliases { key, .. } => key.iter_mut().collect(),
            Self::ListGrants(ListGrants { of: GrantsOf::Key(key), .. }) => vec![key],
            Self::ListGrants(_) => Vec::new(),
            Self::Use(operation) => operation.references_mut(),
            Self::Describe(key)
            | Self::CancelDeletion(key)
            | Self::ListTags(key)
            | Self::GetRotation(key)
            | Self::GetPolicy(key)
            | Self::Enable(Switch { key, .. })
            | Self::Disable(Switch { key, .. })
            | Self::UpdateDescription { key, .. }
            | Self::ScheduleDeletion { key, .. }
            | Self::Protect { key, .. }
            | Self::PointAlias { key, .. }
            | Self::Rename { key, .. }
            | Self::Retag { key, .. }
            | Self::SetRotation { key, .. }
            | Self::Rotate { key, .. }
            | Self::ListVersions { key, .. }
            | Self::PutPolicy { key, .. }
            | Self::CreateGrant { key, .. }
            | Self::EndGrant { key, .. }
            | Self::GetImportParameters { key, .. }
            | Self::ImportMaterial(ImportMaterial { key, .. })
            | Self::DeleteMaterial { key, .. } => vec![key],
        }
    }

    /// The keys that it refers to, as above.
    pub fn references(&self) -> Vec<KeyReference> {
        let is_alias = matches!(self, Self::RemoveAlias(_));
        let required = self.required().into_iter().filter(|_| !is_alias);
        let keys = required.filter_map(|required| match required.resource {
            Resource::Key(key) => Some(key),
            _ => None,
        });
        keys.collect()
    }

    /// The ciphertext that it opens without naming a key: it names one itself.
    pub fn unnamed_ciphertext(&self) -> Option<&[u8]> {
        match self {
            Self::Use(
                KeyUse::Decrypt { key: None, ciphertext, .. } | KeyUse::ReEncrypt { source: None, ciphertext, .. },
            ) => Some(ciphertext),
            _ => None,
        }
    }

    pub(super) fn required(&self) -> Vec<Required> {
        let on = |key: &KeyReference, action| vec![Required::new(Action::Key(action), Resource::Key(key.clone()))];
        let on_all = |action| vec![Required::new(Action::Key(action), Resource::Keys)];
        let on_some = |key: &Option<KeyReference>, action| match key {
            Some(key) => on(key, action),
            None => on_all(action),
        };
        match self {
            Self::Create(_) => on_all(KeyAction::Create),
            Self::List(_) => on_all(KeyAction::List),
            Self::RemoveAlias(alias) => {
                let bare = alias.strip_prefix("alias/").unwrap_or(alias);
                on(&KeyReference::parse(&format!("alias/{bare}")), KeyAction::DeleteAlias)
            }
            Self::GetQuotas => on_all(KeyAction::GetQuota),
            Self::ListAliases { key, .. } => on_some(key, KeyAction::ListAliases),
            Self::ListGrants(ListGrants { of: GrantsOf::Key(key), .. }) => on(key, KeyAction::ListGrants),
            Self::ListGrants(_) => on_all(KeyAction::ListGrants),
            Self::EndGrant { key, by: GrantEnd::Revoke, .. } => on(key, KeyAction::RevokeGrant),
            Self::EndGrant { key, by: GrantEnd::Retire, .. } => on(key, KeyAction::RetireGrant),
            Self::Use(operation) => operation.required(),
            Self::Retag { key, set, unset } => {
                let tag = (!set.is_empty() || unset.is_empty()).then_some(KeyAction::Tag);
                let untag = (!unset.is_empty()).then_some(KeyAction::Untag);
                [tag, untag].into_iter().flatten().flat_map(|action| on(key, action)).collect()
            }
            Self::PointAlias { key, .. } | Self::Rename { key, .. } => on(key, KeyAction::SetAlias),
            Self::SetRotation { key, change: RotationChange::Off } => on(key, KeyAction::DisableRotation),
            Self::SetRotation { key, .. } => on(key, KeyAction::EnableRotation),
            Self::Describe(key) => on(key, KeyAction::Describe),
            Self::UpdateDescription { key, .. } => on(key, KeyAction::UpdateDescription),
            Self::Enable(Switch { key, .. }) => on(key, KeyAction::Enable),
            Self::Disable(Switch { key, .. }) => on(key, KeyAction::Disable),
            Self::ScheduleDeletion { key, .. } => on(key, KeyAction::ScheduleDeletion),
            Self::CancelDeletion(key) => on(key, KeyAction::CancelDeletion),
            Self::Protect { key, .. } => on(key, KeyAction::Protect),
            Self::ListTags(key) => on(key, KeyAction::ListTags),
            Self::GetRotation(key) => on(key, KeyAction::GetRotation),
            Self::Rotate { key, .. } => on(key, KeyAction::Rotate),
            Self::ListVersions { key, .. } => on(key, KeyAction::ListVersions),
            Self::GetPolicy(key) => on(key, KeyAction::GetPolicy),
            Self::PutPolicy { key, .. } => on(key, KeyAction::PutPolicy),
            Self::CreateGrant { key, .. } => on(key, KeyAction::CreateGrant),
            Self::GetImportParameters { key, .. } => on(key, KeyAction::GetImportParameters),
            Self::ImportMaterial(ImportMaterial { key, .. }) => on(key, KeyAction::ImportMaterial),
            Self::DeleteMaterial { key, .. } => on(key, KeyAction::DeleteMaterial),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_has_one_name_to_be_decided_about() {
        let required = |text: &str| KeyOperation::RemoveAlias(text.to_owned()).required();
        let alias = Resource::Key(KeyReference::parse("alias/a"));
        assert_eq!(required("a"), [Required::new(Action::Key(KeyAction::DeleteAlias), alias)]);
        assert_eq!(required("alias/a"), required("a"));
    }
}
