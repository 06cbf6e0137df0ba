//! What the owners of master keys do with them: each change is read, altered as [`lifecycle`] says, and committed.

use ring::digest::{SHA256, digest};
use strongroom_model::account::{AccountId, Principal};
use strongroom_model::failure::FailureCode;
use strongroom_model::key::{
    KeyDescription, KeyOrigin, KeyReference, KeyRotation, KeyState, KeyTags, KeyVersionFacts, MaterialId, VersionCause,
};
use strongroom_model::operation::KeyOperation;
use strongroom_model::operation::key::{CreateKey, ListKeys, PENDING_DAYS, RotationChange, StateFilter, Switch};
use strongroom_model::outcome::KeyOutcome;
use strongroom_model::outcome::key::{KeyQuotas, Listed};
use strongroom_model::time::Timestamp;

use super::{
    Embedded,
    lifecycle::{self, DAY_MS, Elapsed, Obstacle, Turn},
};
use crate::{
    catalog::{
        ATTEMPTS, CatalogError,
        keys::{Fingerprint, MasterKey, Role},
    },
    kms::{DESCRIPTION_BYTES, GRANTS_PER_KEY, KEYS_PER_ACCOUNT, KmsError, TAGS_PER_KEY, Tended, reference},
    kv::Commit,
};

/// Keys tended in one call at most; the next call goes on.
const TENDED_AT_ONCE: usize = 1000;

/// Longest name and longest value of a tag in bytes, as AWS allows; of characters of up to four bytes.
const TAG_BYTES: (usize, usize) = (4 * 128, 4 * 256);

impl Embedded {
    /// Does what the account's principal asks.
    pub(super) async fn dispatch(
        &self,
        principal: &Principal,
        account: AccountId,
        operation: KeyOperation,
    ) -> Result<KeyOutcome, KmsError> {
        let described = |key: KeyDescription| Ok(KeyOutcome::Key(key));
        match operation {
            KeyOperation::Use(operation) => self.use_key(account, operation).await,
            KeyOperation::Create(asked) => described(self.create(account, asked).await?),
            KeyOperation::Describe(key) | KeyOperation::ListTags(key) | KeyOperation::GetRotation(key) => {
                described(self.describe(account, &key).await?)
            }
            KeyOperation::List(list) => Ok(KeyOutcome::Keys(self.list(account, list).await?)),
            KeyOperation::ListVersions { key, page } => {
                let found = self.find(account, &key).await?.record;
                let versions = found.versions.iter().zip(1..).map(|(version, number)| KeyVersionFacts {
                    number,
                    created: version.created,
                    material: material_id(&version.fingerprint),
                    cause: version.cause,
                });
                Ok(KeyOutcome::Versions(self.name(&found), Listed::cut(versions.collect(), page)))
            }
            KeyOperation::GetPolicy(key) => {
                let found = self.find(account, &key).await?.record;
                Ok(KeyOutcome::Policy(self.name(&found), found.policy))
            }
            KeyOperation::GetQuotas => self.quotas(account).await,
            KeyOperation::PointAlias { alias, key, before } => {
                described(self.point(account, &alias, &key, before).await?)
            }
            KeyOperation::Rename { key, alias } => described(self.rename(account, &key, &alias).await?),
            KeyOperation::RemoveAlias(alias) => self.unpoint(account, &alias).await.map(|()| KeyOutcome::Done),
            KeyOperation::ListAliases { key, page } => self.list_aliases(account, key, page).await,
            KeyOperation::CreateGrant { key, terms } => self.create_grant(principal, account, &key, terms).await,
            KeyOperation::ListGrants(list) => self.list_grants(principal, account, list).await,
            KeyOperation::EndGrant { key, grant, .. } => self.end_grant(account, &key, &grant).await,
            KeyOperation::GetImportParameters { key, wrapping } => {
                self.import_parameters(account, &key, wrapping).await
            }
            KeyOperation::ImportMaterial(import) => described(self.import(account, import).await?),
            KeyOperation::DeleteMaterial { key, material } => {
                described(self.delete_material(account, &key, material).await?)
            }
            other => described(self.alter(account, other).await?),
        }
    }

    /// The operations that change nothing but the key's own record.
    async fn alter(&self, account: AccountId, operation: KeyOperation) -> Result<KeyDescription, KmsError> {
        let now = (self.clock)();
        match operation {
            KeyOperation::Enable(Switch { key, repeatable }) => {
                self.change(account, &key, |key| Ok(lifecycle::turn(key, Turn::On, repeatable)?)).await
            }
            KeyOperation::Disable(Switch { key, repeatable }) => {
                self.change(account, &key, |key| Ok(lifecycle::turn(key, Turn::Off, repeatable)?)).await
            }
            KeyOperation::ScheduleDeletion { key, days } => {
                let deletion = deletion_in(days, now)?;
                self.change(account, &key, |key| Ok(lifecycle::schedule(key, deletion)?)).await
            }
            KeyOperation::CancelDeletion(key) => self.change(account, &key, |key| Ok(lifecycle::call_off(key)?)).await,
            KeyOperation::Protect { key, reason } => {
                reason.as_deref().map_or(Ok(()), check_description)?;
                self.kept(account, &key, |key| key.protection.clone_from(&reason)).await
            }
            KeyOperation::UpdateDescription { key, description } => {
                check_description(&description)?;
                self.kept(account, &key, |key| key.description.clone_from(&description)).await
            }
            KeyOperation::PutPolicy { key, policy, .. } => {
                self.kept(account, &key, |key| key.policy = Some(policy.clone())).await
            }
            KeyOperation::Retag { key, set, unset } => self.change(account, &key, |key| retag(key, &set, &unset)).await,
            KeyOperation::SetRotation { key, change } => {
                self.change(account, &key, |key| Ok(lifecycle::set_rotation(key, change, now)?)).await
            }
            KeyOperation::Rotate { key, demands_max } => {
                self.change(account, &key, |key| self.rotate(key, demands_max)).await
            }
            other => Err(KmsError::Unavailable(format!("{} is not an alteration", other.name()).into())),
        }
    }

    /// What is said of a key.
    pub(super) fn description(&self, key: &MasterKey) -> KeyDescription {
        let current = key.versions.last();
        let rotations = key.versions.iter().filter(|version| version.cause != VersionCause::Creation);
        KeyDescription {
            name: self.name(key),
            description: key.description.clone(),
            aliases: key.aliases.iter().cloned().collect(),
            spec: key.spec,
            state: key.state,
            created: key.created,
            version: key.current(),
            origin: key.origin,
            material: current
                .filter(|version| version.wrapped.is_some())
                .map(|version| material_id(&version.fingerprint)),
            expires: current.and_then(|version| version.expires),
            rotation: KeyRotation {
                days: key.rotation_days,
                next: key.rotation_next,
                last: rotations.clone().next_back().map(|version| version.created),
                count: u32::try_from(rotations.count()).expect("versions are limited to far fewer than 2^32"),
            },
            tags: key.tags.clone(),
            protection: key.protection.clone(),
        }
    }

    async fn describe(&self, account: AccountId, key: &KeyReference) -> Result<KeyDescription, KmsError> {
        Ok(self.description(&self.find(account, key).await?.record))
    }

    async fn list(&self, account: AccountId, list: ListKeys) -> Result<Listed<KeyDescription>, KmsError> {
        let keys = self.catalog.master_keys_of(account, KEYS_PER_ACCOUNT).await?;
        let wanted = keys.iter().filter(|key| {
            list.state.is_none_or(|state| state == state_of(key.state)) && list.spec.is_none_or(|spec| spec == key.spec)
        });
        Ok(Listed::cut(wanted.map(|key| self.description(key)).collect(), list.page))
    }

    async fn quotas(&self, account: AccountId) -> Result<KeyOutcome, KmsError> {
        let keys = self.catalog.master_keys_of(account, KEYS_PER_ACCOUNT).await?;
        Ok(KeyOutcome::Quotas(KeyQuotas {
            keys_max: KEYS_PER_ACCOUNT,
            keys: keys.len(),
            custom: keys.iter().filter(|key| key.role == Role::Customer).count(),
            grants_per_key: GRANTS_PER_KEY,
        }))
    }

    async fn create(&self, account: AccountId, asked: CreateKey) -> Result<KeyDescription, KmsError> {
        check_description(&asked.description)?;
        let alias = asked.alias.as_deref().map(reference::alias).transpose()?;
        if self.catalog.count_master_keys(account, KEYS_PER_ACCOUNT).await? == KEYS_PER_ACCOUNT {
            return Err(KmsError::Failed(FailureCode::KeyLimitExceeded));
        }
        let mut key = self.fresh_key(account, Role::Customer, asked.spec, asked.origin)?;
        retag(&mut key, &asked.tags, &[]).map_err(|hindrance| self.hindered(&key, hindrance))?;
        key.description.clone_from(&asked.description);
        key.policy.clone_from(&asked.policy);
        key.project = asked.project.clone().filter(|project| *project != account.default_project());
        key.aliases.extend(alias.map(str::to_owned));
        if let Some(days) = asked.rotation_days {
            let now = key.created;
            lifecycle::set_rotation(&mut key, RotationChange::On(Some(days)), now)
                .map_err(|obstacle| self.obstructed(&key, obstacle))?;
        }
        match (self.catalog.insert_key(&key).await?, alias) {
            (Commit::Committed, _) => Ok(self.description(&key)),
            (Commit::Conflict, Some(alias)) => Err(KmsError::NameTaken(alias.to_owned())),
            (Commit::Conflict, None) => Err(CatalogError::Inconsistent("a fresh key's id exists already").into()),
        }
    }

    /// Changes a key that its owner manages by `alter`, in one checked commit.
    pub(super) async fn change(
        &self,
        account: AccountId,
        reference: &KeyReference,
        alter: impl Fn(&mut MasterKey) -> Result<(), Hindrance> + Send + Sync,
    ) -> Result<KeyDescription, KmsError> {
        let _forgetting = self.known.clear_at_last();
        for _ in 0..ATTEMPTS {
            let found = self.find(account, reference).await?;
            let mut new = found.record.clone();
            let altered = lifecycle::manageable(&new).map_err(Hindrance::from).and_then(|()| alter(&mut new));
            altered.map_err(|hindrance| self.hindered(&found.record, hindrance))?;
            if new == found.record || self.catalog.replace_key(&found, &new).await? == Commit::Committed {
                return Ok(self.description(&new));
            }
        }
        Err(CatalogError::Contended(ATTEMPTS).into())
    }

    /// Changes a key that is not about to be destroyed.
    async fn kept(
        &self,
        account: AccountId,
        reference: &KeyReference,
        alter: impl Fn(&mut MasterKey) + Send + Sync,
    ) -> Result<KeyDescription, KmsError> {
        let altered = |key: &mut MasterKey| {
            lifecycle::kept(key)?;
            alter(key);
            Ok(())
        };
        self.change(account, reference, altered).await
    }

    /// Rotates a key because somebody asks for it.
    fn rotate(&self, key: &mut MasterKey, demands_max: Option<u32>) -> Result<(), Hindrance> {
        lifecycle::demandable(key, demands_max)?;
        let version = match (key.origin, key.upcoming.take()) {
            (KeyOrigin::External, Some(upcoming)) => upcoming,
            _ => self.drawn_version(key, VersionCause::Demand)?,
        };
        Ok(lifecycle::add_version(key, version)?)
    }

    /// Does what was due by `now`. What changes meanwhile is left to the next call.
    pub(super) async fn do_due(&self, now: Timestamp) -> Result<Tended, KmsError> {
        let _forgetting = self.known.clear_at_last();
        let mut tended = Tended::default();
        for id in self.catalog.due_keys(now, TENDED_AT_ONCE).await? {
            let Some(found) = self.catalog.master_key(&id).await? else { continue };
            let mut new = found.record.clone();
            let (commit, list) = match lifecycle::elapsed(&found.record, now) {
                Elapsed::Nothing => continue,
                Elapsed::Doomed => (self.catalog.destroy_key(&found).await?, &mut tended.destroyed),
                Elapsed::Expired => {
                    lifecycle::expire(&mut new, now);
                    (self.catalog.replace_key(&found, &new).await?, &mut tended.expired)
                }
                Elapsed::Rotates => {
                    self.rotate_by_itself(&mut new, now)?;
                    (self.catalog.replace_key(&found, &new).await?, &mut tended.rotated)
                }
            };
            if commit == Commit::Committed {
                list.push(self.name(&found.record));
            }
        }
        Ok(tended)
    }

    /// A key that has as many versions as it may stays on its last one.
    fn rotate_by_itself(&self, key: &mut MasterKey, now: Timestamp) -> Result<(), KmsError> {
        let version = self.drawn_version(key, VersionCause::Interval)?;
        key.rotation_next = match lifecycle::add_version(key, version) {
            Ok(()) => lifecycle::next_rotation(key, now),
            Err(_) => None,
        };
        Ok(())
    }

    /// What a client is told whom `hindrance` of `key` stopped.
    pub(super) fn hindered(&self, key: &MasterKey, hindrance: Hindrance) -> KmsError {
        match hindrance {
            Hindrance::Obstacle(obstacle) => self.obstructed(key, obstacle),
            Hindrance::Error(error) => error,
        }
    }

    /// What a client is told whom `obstacle` of `key` stopped.
    pub(super) fn obstructed(&self, key: &MasterKey, obstacle: Obstacle) -> KmsError {
        let name = self.name(key);
        match obstacle {
            Obstacle::State(state) => KmsError::StateConflict { name, state },
            Obstacle::Is(FailureCode::KeyDisabled) => KmsError::Disabled(name),
            Obstacle::Is(FailureCode::KeyPendingDeletion) => KmsError::PendingDeletion(name),
            Obstacle::Is(FailureCode::KeyPendingImport) => KmsError::PendingImport(name),
            Obstacle::Is(code) => KmsError::Refused { name, code },
        }
    }
}

/// What may stop a change: the key, or anything else.
pub(super) enum Hindrance {
    Obstacle(Obstacle),
    Error(KmsError),
}

impl From<Obstacle> for Hindrance {
    fn from(obstacle: Obstacle) -> Self {
        Self::Obstacle(obstacle)
    }
}

impl From<KmsError> for Hindrance {
    fn from(error: KmsError) -> Self {
        Self::Error(error)
    }
}

/// The public name of material.
pub(super) fn material_id(fingerprint: &Fingerprint) -> MaterialId {
    let named = digest(&SHA256, &[&b"strongroom/material/"[..], fingerprint].concat());
    MaterialId(named.as_ref().try_into().expect("SHA-256 has 32 bytes"))
}

fn state_of(state: KeyState) -> StateFilter {
    match state {
        KeyState::Enabled => StateFilter::Enabled,
        KeyState::Disabled => StateFilter::Disabled,
        KeyState::PendingDeletion { .. } => StateFilter::PendingDeletion,
        KeyState::PendingImport => StateFilter::PendingImport,
    }
}

/// When a deletion asked for now is due.
fn deletion_in(days: u32, now: Timestamp) -> Result<Timestamp, KmsError> {
    if PENDING_DAYS.contains(&days) {
        return Ok(now.plus_millis(i64::from(days) * DAY_MS));
    }
    Err(KmsError::Invalid("a deletion may be pending for 7 to 1,096 days"))
}

fn check_description(description: &str) -> Result<(), KmsError> {
    if description.len() > DESCRIPTION_BYTES {
        return Err(KmsError::Invalid("a key's description, and why it is protected, may have 8,192 bytes each"));
    }
    Ok(())
}

fn retag(key: &mut MasterKey, set: &KeyTags, unset: &[String]) -> Result<(), Hindrance> {
    lifecycle::kept(key)?;
    key.tags.retain(|name, _| !unset.contains(name));
    key.tags.extend(set.clone());
    let fits = |(name, value): (&String, &String)| name.len() <= TAG_BYTES.0 && value.len() <= TAG_BYTES.1;
    if key.tags.len() > TAGS_PER_KEY || !key.tags.iter().all(fits) {
        return Err(Obstacle::Is(FailureCode::KeyTagInvalid).into());
    }
    Ok(())
}
