//! The documents of buckets and object versions as rows hold them.

use serde::{Deserialize, Serialize};
use strongroom_model::account::AccountId;
use strongroom_model::acl::{Acl, Grant, Grantee, Permission};
use strongroom_model::cors::{CorsMethod, CorsRule, CorsRules};
use strongroom_model::lock::{
    BucketLock, DefaultRetention, ObjectLock, Retention, RetentionMode, RetentionPeriod, Worm,
};
use strongroom_model::public_access::PublicAccessBlock;
use strongroom_model::setting::ObjectSettings;
use strongroom_model::tag::TagSet;
use strongroom_model::time::Timestamp;

use super::CatalogError;
use super::spelling::{CorsMethodRow, PermissionRow, RetentionModeRow, RetentionPeriodRow};

/// See [`ObjectSettings`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ObjectSettingsRow {
    tags: Vec<(String, String)>,
    acl: AclRow,
    retention: Option<RetentionRow>,
    legal_hold: bool,
}

/// A variant's place is its number on disk: the list grows at its end only.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum AclRow {
    Inherited,
    Granted(Vec<GrantRow>),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GrantRow {
    grantee: GranteeRow,
    #[serde(with = "PermissionRow")]
    permission: Permission,
    delivered: bool,
}

/// A variant's place is its number on disk: the list grows at its end only.
#[derive(Debug, Serialize, Deserialize)]
enum GranteeRow {
    Account(u64),
    Everyone,
    SignedIn,
    LogDelivery,
}

#[derive(Debug, Serialize, Deserialize)]
struct RetentionRow {
    #[serde(with = "RetentionModeRow")]
    mode: RetentionMode,
    until: i64,
}

/// See [`BucketLock`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BucketLockRow {
    default: Option<DefaultRetentionRow>,
}

#[derive(Debug, Serialize, Deserialize)]
struct DefaultRetentionRow {
    #[serde(with = "RetentionModeRow")]
    mode: RetentionMode,
    #[serde(with = "RetentionPeriodRow")]
    period: RetentionPeriod,
}

/// See [`CorsRules`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CorsRow {
    rules: Vec<CorsRuleRow>,
    always_varies: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct CorsRuleRow {
    id: Option<String>,
    origins: Vec<String>,
    methods: Vec<CorsMethodEntry>,
    headers: Vec<String>,
    exposed: Vec<String>,
    max_age: Option<u32>,
}

#[derive(Debug, Serialize, Deserialize)]
struct CorsMethodEntry(#[serde(with = "CorsMethodRow")] CorsMethod);

/// See [`PublicAccessBlock`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PublicAccessBlockRow {
    block_acls: bool,
    ignore_acls: bool,
    block_policy: bool,
    restrict_buckets: bool,
}

impl CorsRow {
    pub(super) fn new(rules: &CorsRules) -> Self {
        let row = |rule: &CorsRule| CorsRuleRow {
            id: rule.id.clone(),
            origins: rule.origins.clone(),
            methods: rule.methods.iter().copied().map(CorsMethodEntry).collect(),
            headers: rule.headers.clone(),
            exposed: rule.exposed.clone(),
            max_age: rule.max_age,
        };
        Self { rules: rules.rules.iter().map(row).collect(), always_varies: rules.always_varies }
    }

    pub(super) fn into_rules(self) -> CorsRules {
        let rule = |row: CorsRuleRow| CorsRule {
            id: row.id,
            origins: row.origins,
            methods: row.methods.into_iter().map(|CorsMethodEntry(method)| method).collect(),
            headers: row.headers,
            exposed: row.exposed,
            max_age: row.max_age,
        };
        CorsRules { rules: self.rules.into_iter().map(rule).collect(), always_varies: self.always_varies }
    }
}

impl PublicAccessBlockRow {
    pub(super) fn new(block: PublicAccessBlock) -> Self {
        let PublicAccessBlock { block_acls, ignore_acls, block_policy, restrict_buckets } = block;
        Self { block_acls, ignore_acls, block_policy, restrict_buckets }
    }

    pub(super) fn into_block(self) -> PublicAccessBlock {
        let Self { block_acls, ignore_acls, block_policy, restrict_buckets } = self;
        PublicAccessBlock { block_acls, ignore_acls, block_policy, restrict_buckets }
    }
}

/// See [`Worm`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WormRow {
    id: [u8; 16],
    days: u32,
    created: i64,
    locked: bool,
}

impl ObjectSettingsRow {
    pub(super) fn new(settings: &ObjectSettings) -> Self {
        Self {
            tags: settings.tags.as_slice().to_vec(),
            acl: AclRow::new(&settings.acl),
            retention: settings.lock.retention.map(|it| RetentionRow { mode: it.mode, until: it.until.millis() }),
            legal_hold: settings.lock.legal_hold,
        }
    }

    pub(super) fn into_settings(self) -> Result<ObjectSettings, CatalogError> {
        let retention = |it: RetentionRow| Retention { mode: it.mode, until: Timestamp::from_millis(it.until) };
        Ok(ObjectSettings {
            tags: TagSet::restored(self.tags),
            acl: self.acl.into_acl()?,
            lock: ObjectLock { retention: self.retention.map(retention), legal_hold: self.legal_hold },
        })
    }
}

impl BucketLockRow {
    pub(super) fn new(lock: &BucketLock) -> Self {
        let row = |it: DefaultRetention| DefaultRetentionRow { mode: it.mode, period: it.period };
        Self { default: lock.default.map(row) }
    }

    pub(super) fn into_lock(self) -> BucketLock {
        let default = |it: DefaultRetentionRow| DefaultRetention { mode: it.mode, period: it.period };
        BucketLock { default: self.default.map(default) }
    }
}

impl WormRow {
    pub(super) fn new(worm: &Worm) -> Self {
        Self { id: worm.id, days: worm.days, created: worm.created.millis(), locked: worm.locked }
    }

    pub(super) fn into_worm(self) -> Worm {
        Worm { id: self.id, days: self.days, created: Timestamp::from_millis(self.created), locked: self.locked }
    }
}

impl AclRow {
    pub(super) fn new(acl: &Acl) -> Self {
        match acl {
            Acl::Inherited => Self::Inherited,
            Acl::Granted(grants) => Self::Granted(grants.iter().map(GrantRow::new).collect()),
        }
    }

    pub(super) fn into_acl(self) -> Result<Acl, CatalogError> {
        match self {
            Self::Inherited => Ok(Acl::Inherited),
            Self::Granted(grants) => {
                let grants = grants.into_iter().map(GrantRow::into_grant).collect::<Result<_, _>>()?;
                Ok(Acl::Granted(grants))
            }
        }
    }
}

impl GrantRow {
    fn new(grant: &Grant) -> Self {
        let grantee = match grant.grantee {
            Grantee::Account(account) => GranteeRow::Account(account.number()),
            Grantee::Everyone => GranteeRow::Everyone,
            Grantee::SignedIn => GranteeRow::SignedIn,
            Grantee::LogDelivery => GranteeRow::LogDelivery,
        };
        Self { grantee, permission: grant.permission, delivered: grant.delivered }
    }

    fn into_grant(self) -> Result<Grant, CatalogError> {
        let grantee = match self.grantee {
            GranteeRow::Account(number) => {
                Grantee::Account(AccountId::new(number).ok_or(CatalogError::Inconsistent("a grantee's account"))?)
            }
            GranteeRow::Everyone => Grantee::Everyone,
            GranteeRow::SignedIn => Grantee::SignedIn,
            GranteeRow::LogDelivery => Grantee::LogDelivery,
        };
        Ok(Grant { grantee, permission: self.permission, delivered: self.delivered })
    }
}
