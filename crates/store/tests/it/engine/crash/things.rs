//! What is there or is not: documents of buckets and objects, identities, and what belongs to master keys. One request makes a
//! thing, and another takes it away, if anything can.

use std::collections::BTreeSet;

use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use strongroom_model::account::UserName;
use strongroom_model::acl::{AclDocument, AclWish, Grantee};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::grant::{GrantAction, GrantTerms, GranteeKind};
use strongroom_model::key::{KeyDescription, KeyOrigin, KeyReference, KeySpec, KeyState};
use strongroom_model::lifecycle::{Expiration, Lifecycle};
use strongroom_model::lock::{BucketLock, RetentionMode};
use strongroom_model::metadata::CannedAcl;
use strongroom_model::operation::append::SealAppend;
use strongroom_model::operation::bucket::WormOperation;
use strongroom_model::operation::identity::{Holder, IdentityOperation};
use strongroom_model::operation::key::{
    AliasBefore, CreateKey, GrantEnd, GrantsOf, ImportMaterial, ImportWrapping, KeyOperation, ListGrants, ListKeys,
    Page, RotationChange,
};
use strongroom_model::operation::{AdminOperation, BucketOperation, ObjectOperation, Operation};
use strongroom_model::outcome::identity::{AccessKeyFacts, IdentityOutcome};
use strongroom_model::outcome::key::KeyOutcome;
use strongroom_model::outcome::{AdminOutcome, BucketOutcome, ObjectOutcome, Outcome};
use strongroom_model::policy::{LocalName, PolicyDocument, PolicyLanguage};
use strongroom_model::setting::{ObjectSetting, ObjectSettingKind, Setting, SettingKind};
use strongroom_model::tag::TagSet;

use super::super::bench::{BUCKET, Bench, bucket_name, get, object_key};
use super::super::inventory::inventory;
use super::super::lifecycle::expiring;
use super::super::locks::target;
use super::world::World;

/// The object that has documents, the one that grows no more, the user, and the master key.
const OBJECT: &str = "a";
pub(super) const LOG: &str = "log";
const USER: &str = "alice";
const KEY: &str = "payroll";
/// The alias of the key whose material is brought.
const BROUGHT: &str = "brought";
/// The policy, the group and the inventory.
const NAME: &str = "readers";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Thing {
    BucketTags,
    /// A list that lets everyone read.
    BucketAcl,
    BucketPolicy,
    Rules,
    Inventory,
    /// A policy on the bucket `second`, not locked yet.
    Worm,
    /// That versions of the bucket can be locked.
    Locking,
    ObjectTags,
    ObjectAcl,
    Retention,
    Hold,
    SealedAppend,
    Account,
    Policy,
    Group,
    UsersPolicy,
    GroupsPolicy,
    Membership,
    /// A second one.
    AccessKey,
    /// That the first one is off.
    AccessKeyOff,
    Alias,
    KeyTags,
    KeyText,
    KeyPolicy,
    KeyRotation,
    /// The second one.
    KeyVersion,
    Protection,
    Grant,
    /// A key whose material is to be brought.
    BroughtKey,
    Material,
}

impl Thing {
    /// Whether there is everything that it belongs to.
    pub(super) fn has_place(self, world: &World) -> bool {
        let there = |thing| world.things.contains(&thing);
        let object = |key: &str| world.buckets.get(BUCKET).is_some_and(|bucket| bucket.object(key).is_some());
        match self {
            Self::BucketTags | Self::BucketAcl | Self::BucketPolicy | Self::Rules | Self::Inventory => {
                world.buckets.contains_key(BUCKET)
            }
            Self::Worm => world.buckets.contains_key("second"),
            Self::Locking => world.buckets.get(BUCKET).is_some_and(|bucket| bucket.keeps_versions()),
            Self::ObjectTags | Self::ObjectAcl => object(OBJECT),
            Self::Retention | Self::Hold => object(OBJECT) && there(Self::Locking),
            Self::SealedAppend => object(LOG),
            Self::Account | Self::Policy | Self::Group | Self::BroughtKey => true,
            Self::UsersPolicy => there(Self::Policy) && world.users.contains(USER),
            Self::GroupsPolicy => there(Self::Policy) && there(Self::Group),
            Self::Membership => there(Self::Group) && world.users.contains(USER),
            Self::AccessKey | Self::AccessKeyOff => world.users.contains(USER),
            Self::Alias
            | Self::KeyTags
            | Self::KeyText
            | Self::KeyPolicy
            | Self::KeyRotation
            | Self::KeyVersion
            | Self::Protection
            | Self::Grant => world.keys.contains_key(KEY),
            Self::Material => there(Self::BroughtKey),
        }
    }

    /// Whether a request to take it away is accepted where it is: nothing else needs it.
    pub(super) fn can_go(self, world: &World) -> bool {
        let there = |thing| world.things.contains(&thing);
        match self {
            Self::Policy => !there(Self::UsersPolicy) && !there(Self::GroupsPolicy),
            Self::Group => !there(Self::Membership),
            // Whether what is let go of is there is not asked.
            Self::UsersPolicy | Self::Membership => world.users.contains(USER),
            Self::GroupsPolicy => there(Self::Group),
            _ => self.has_place(world),
        }
    }

    /// Whether taking it away is answered alike where it is not there.
    pub(super) fn may_be_gone(self) -> bool {
        !matches!(
            self,
            Self::Inventory
                | Self::Worm
                | Self::Policy
                | Self::Group
                | Self::AccessKey
                | Self::Alias
                | Self::Grant
                | Self::Material
        )
    }
}

/// Makes the thing.
pub(super) async fn make(bench: &Bench, thing: Thing) -> Result<(), Failure> {
    match thing {
        Thing::BucketTags => bench.set(Setting::Tagging(tags())).await,
        Thing::BucketAcl => bench.set(Setting::Acl(acl(CannedAcl::PublicRead))).await,
        Thing::BucketPolicy => bench.set(Setting::Policy(bucket_policy())).await,
        Thing::Rules => bench.set(Setting::Lifecycle(rules())).await,
        Thing::Inventory => {
            bench.bucket(BucketOperation::PutInventory(bucket_name(BUCKET), Box::new(inventory(NAME)))).await.map(drop)
        }
        Thing::Worm => worm(bench, WormOperation::Initiate { days: 3 }).await.map(drop),
        Thing::Locking => bench.set(Setting::ObjectLock(BucketLock { default: None })).await,
        Thing::ObjectTags => put(bench, ObjectSetting::Tagging(tags())).await,
        Thing::ObjectAcl => put(bench, ObjectSetting::Acl(acl(CannedAcl::PublicRead))).await,
        Thing::Retention => put(bench, ObjectSetting::Retention(Some(bench.until(RetentionMode::Governance, 9)))).await,
        Thing::Hold => put(bench, ObjectSetting::LegalHold(true)).await,
        Thing::SealedAppend => seal_append(bench).await,
        Thing::Account => identity(bench, IdentityOperation::CreateAccount).await.map(drop),
        Thing::Policy => {
            let document = policy(r#"{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#);
            identity(bench, IdentityOperation::PutPolicy { name: name(), document }).await.map(drop)
        }
        Thing::Group => identity(bench, IdentityOperation::CreateGroup(name())).await.map(drop),
        Thing::UsersPolicy => attach(bench, Holder::User(user())).await,
        Thing::GroupsPolicy => attach(bench, Holder::Group(name())).await,
        Thing::Membership => {
            identity(bench, IdentityOperation::AddMember { group: name(), user: user() }).await.map(drop)
        }
        Thing::AccessKey => identity(bench, IdentityOperation::CreateAccessKey(user())).await.map(drop),
        Thing::AccessKeyOff => switch_access_key(bench, false).await,
        Thing::Alias => {
            let before = AliasBefore::Free;
            on_key(bench, KeyOperation::PointAlias { alias: "spare".into(), key: key(), before }).await
        }
        Thing::KeyTags => {
            let set = [("team".to_owned(), "pay".to_owned())].into();
            on_key(bench, KeyOperation::Retag { key: key(), set, unset: Vec::new() }).await
        }
        Thing::KeyText => {
            on_key(bench, KeyOperation::UpdateDescription { key: key(), description: "pays".into() }).await
        }
        Thing::KeyPolicy => {
            let text = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}]}"#;
            on_key(bench, KeyOperation::PutPolicy { key: key(), policy: policy(text), locks_out: true }).await
        }
        Thing::KeyRotation => rotate_by_itself(bench, RotationChange::On(Some(365))).await,
        Thing::KeyVersion => on_key(bench, KeyOperation::Rotate { key: key(), demands_max: None }).await,
        Thing::Protection => on_key(bench, KeyOperation::Protect { key: key(), reason: Some("it pays".into()) }).await,
        Thing::Grant => on_key(bench, KeyOperation::CreateGrant { key: key(), terms: terms(bench) }).await,
        Thing::BroughtKey => {
            let asked = CreateKey {
                alias: Some(BROUGHT.to_owned()),
                origin: KeyOrigin::External,
                ..CreateKey::new(KeySpec::Aes256)
            };
            on_key(bench, KeyOperation::Create(asked)).await
        }
        Thing::Material => bring(bench).await,
    }
}

/// Takes the thing away.
pub(super) async fn unmake(bench: &Bench, thing: Thing) -> Result<(), Failure> {
    match thing {
        Thing::BucketTags => unset(bench, SettingKind::Tagging).await,
        Thing::BucketAcl => bench.set(Setting::Acl(acl(CannedAcl::Private))).await,
        Thing::BucketPolicy => unset(bench, SettingKind::Policy).await,
        Thing::Rules => unset(bench, SettingKind::Lifecycle).await,
        Thing::Inventory => {
            bench.bucket(BucketOperation::DeleteInventory(bucket_name(BUCKET), inventory(NAME).id)).await.map(drop)
        }
        Thing::Worm => worm(bench, WormOperation::Abort).await.map(drop),
        Thing::ObjectTags => {
            let unset = ObjectOperation::DeleteSetting(target(OBJECT, None), ObjectSettingKind::Tagging);
            bench.run(Operation::Object(unset), None).await.map(drop)
        }
        Thing::ObjectAcl => put(bench, ObjectSetting::Acl(acl(CannedAcl::Private))).await,
        Thing::Retention => put(bench, ObjectSetting::Retention(None)).await,
        Thing::Hold => put(bench, ObjectSetting::LegalHold(false)).await,
        Thing::Policy => identity(bench, IdentityOperation::DeletePolicy(name())).await.map(drop),
        Thing::Group => identity(bench, IdentityOperation::DeleteGroup(name())).await.map(drop),
        Thing::UsersPolicy => detach(bench, Holder::User(user())).await,
        Thing::GroupsPolicy => detach(bench, Holder::Group(name())).await,
        Thing::Membership => {
            identity(bench, IdentityOperation::RemoveMember { group: name(), user: user() }).await.map(drop)
        }
        Thing::AccessKey => {
            let keys = access_keys(bench).await?;
            let id = keys.get(1).ok_or(FailureCode::InvalidArgument)?.id.clone();
            identity(bench, IdentityOperation::DeleteAccessKey { user: user(), id }).await.map(drop)
        }
        Thing::AccessKeyOff => switch_access_key(bench, true).await,
        Thing::Alias => on_key(bench, KeyOperation::RemoveAlias("spare".into())).await,
        Thing::KeyTags => {
            let unset = vec!["team".to_owned()];
            on_key(bench, KeyOperation::Retag { key: key(), set: Default::default(), unset }).await
        }
        Thing::KeyText => {
            on_key(bench, KeyOperation::UpdateDescription { key: key(), description: String::new() }).await
        }
        Thing::KeyRotation => rotate_by_itself(bench, RotationChange::Off).await,
        Thing::Protection => on_key(bench, KeyOperation::Protect { key: key(), reason: None }).await,
        Thing::Grant => {
            let grant = grants(bench).await?.pop().ok_or(FailureCode::GrantNotFound)?;
            on_key(bench, KeyOperation::EndGrant { key: key(), grant, by: GrantEnd::Revoke }).await
        }
        Thing::Material => on_key(bench, KeyOperation::DeleteMaterial { key: alias(BROUGHT), material: None }).await,
        Thing::Locking
        | Thing::SealedAppend
        | Thing::Account
        | Thing::KeyPolicy
        | Thing::KeyVersion
        | Thing::BroughtKey => panic!("{thing:?} stays"),
    }
}

/// All that are there.
pub(super) async fn seen(bench: &Bench) -> BTreeSet<Thing> {
    let of_all = [of_buckets(bench).await, of_objects(bench).await, of_identities(bench).await, of_keys(bench).await];
    of_all.into_iter().flatten().filter_map(|(thing, there)| there.then_some(thing)).collect()
}

async fn of_buckets(bench: &Bench) -> Vec<(Thing, bool)> {
    let setting = async |kind, none: &[FailureCode]| {
        let read = bench.bucket(BucketOperation::GetSetting(bucket_name(BUCKET), kind)).await;
        match found(read, &[&[FailureCode::NoSuchBucket], none].concat()) {
            Some(BucketOutcome::Setting(setting)) => Some(setting),
            Some(other) => panic!("{other:?}"),
            None => None,
        }
    };
    let read = bench.bucket(BucketOperation::GetInventory(bucket_name(BUCKET), inventory(NAME).id)).await;
    let inventory = found(read, &[FailureCode::NoSuchBucket, FailureCode::NoInventory]);
    let worm = found(worm(bench, WormOperation::Get).await, &[FailureCode::NoSuchBucket, FailureCode::NoWorm]);
    let acl = setting(SettingKind::Acl, &[]).await;
    let tags = setting(SettingKind::Tagging, &[FailureCode::NoTagSet]).await;
    vec![
        (Thing::BucketTags, matches!(tags, Some(Setting::Tagging(tags)) if !tags.is_empty())),
        (Thing::BucketAcl, matches!(acl, Some(Setting::Acl(acl)) if lets_everyone(&acl))),
        (Thing::BucketPolicy, setting(SettingKind::Policy, &[FailureCode::NoBucketPolicy]).await.is_some()),
        (Thing::Rules, setting(SettingKind::Lifecycle, &[FailureCode::NoLifecycle]).await.is_some()),
        (Thing::Inventory, inventory.is_some()),
        (Thing::Worm, worm.is_some()),
        (Thing::Locking, setting(SettingKind::ObjectLock, &[FailureCode::NoBucketLock]).await.is_some()),
    ]
}

async fn of_objects(bench: &Bench) -> Vec<(Thing, bool)> {
    let absent = [FailureCode::NoSuchBucket, FailureCode::NoSuchKey];
    let setting = async |kind| {
        let read = ObjectOperation::GetSetting(target(OBJECT, None), kind);
        match found(bench.run(Operation::Object(read), None).await, &absent).map(|reply| reply.outcome) {
            Some(Outcome::Object(ObjectOutcome::Setting { setting, .. })) => Some(setting),
            Some(other) => panic!("{other:?}"),
            None => None,
        }
    };
    let lock = found(bench.head(get(OBJECT)).await, &absent).map(|read| read.facts.lock).unwrap_or_default();
    let sealed = found(bench.head(get(LOG)).await, &absent).and_then(|read| read.facts.sealed);
    let (tags, acl) = (setting(ObjectSettingKind::Tagging).await, setting(ObjectSettingKind::Acl).await);
    vec![
        (Thing::ObjectTags, matches!(tags, Some(ObjectSetting::Tagging(tags)) if !tags.is_empty())),
        (Thing::ObjectAcl, matches!(acl, Some(ObjectSetting::Acl(acl)) if lets_everyone(&acl))),
        (Thing::Retention, lock.retention.is_some()),
        (Thing::Hold, lock.legal_hold),
        (Thing::SealedAppend, sealed.is_some()),
    ]
}

async fn of_identities(bench: &Bench) -> Vec<(Thing, bool)> {
    let IdentityOutcome::Accounts(accounts) = identity(bench, IdentityOperation::ListAccounts).await.unwrap() else {
        panic!("accounts were asked for")
    };
    let IdentityOutcome::Policies(policies) = identity(bench, IdentityOperation::ListPolicies).await.unwrap() else {
        panic!("policies were asked for")
    };
    let IdentityOutcome::Groups(groups) = identity(bench, IdentityOperation::ListGroups).await.unwrap() else {
        panic!("groups were asked for")
    };
    let AdminOutcome::Users(users) = bench.admin(AdminOperation::ListUsers).await.unwrap() else {
        panic!("users were asked for")
    };
    let keys = if users.is_empty() { Vec::new() } else { access_keys(bench).await.unwrap() };
    let holds = |names: &[String]| names.iter().any(|held| held == NAME);
    vec![
        (Thing::Account, accounts.len() > 1),
        (Thing::Policy, policies.iter().any(|policy| policy.name == name())),
        (Thing::Group, groups.iter().any(|group| group.name == name())),
        (Thing::UsersPolicy, users.iter().any(|user| holds(&user.policies))),
        (Thing::GroupsPolicy, groups.iter().any(|group| holds(&group.policies))),
        (Thing::Membership, users.iter().any(|user| holds(&user.groups))),
        (Thing::AccessKey, keys.len() > 1),
        (Thing::AccessKeyOff, keys.first().is_some_and(|key| !key.enabled)),
    ]
}

async fn of_keys(bench: &Bench) -> Vec<(Thing, bool)> {
    let brought = (Thing::BroughtKey, Thing::Material);
    let mut seen = Vec::new();
    for key in all_keys(bench).await {
        if key.origin == KeyOrigin::External {
            seen.extend([(brought.0, true), (brought.1, key.state == KeyState::Enabled)]);
            continue;
        }
        let reference = KeyReference::parse(&key.name.id);
        let read = bench.key(KeyOperation::GetPolicy(reference)).await.unwrap();
        let KeyOutcome::Policy(_, policy) = read else { panic!("a policy was asked for") };
        seen.extend([
            (Thing::Alias, key.aliases.len() > 1),
            (Thing::KeyTags, !key.tags.is_empty()),
            (Thing::KeyText, !key.description.is_empty()),
            (Thing::KeyPolicy, policy.is_some()),
            (Thing::KeyRotation, key.rotation.next.is_some()),
            (Thing::KeyVersion, key.version > 1),
            (Thing::Protection, key.protection.is_some()),
            (Thing::Grant, !grants(bench).await.unwrap().is_empty()),
        ]);
    }
    seen
}

/// All master keys but those that the service made for itself.
pub(super) async fn all_keys(bench: &Bench) -> Vec<KeyDescription> {
    let list = ListKeys { state: None, spec: None, page: Page::default() };
    let KeyOutcome::Keys(keys) = bench.key(KeyOperation::List(list)).await.unwrap() else { panic!("no keys") };
    keys.entries.into_iter().filter(|key| !key.name.is_default).collect()
}

/// What was read; none if it failed for one of these reasons.
fn found<T>(read: Result<T, Failure>, none: &[FailureCode]) -> Option<T> {
    match read {
        Ok(read) => Some(read),
        Err(failure) if none.contains(&failure.code) => None,
        Err(failure) => panic!("{failure:?}"),
    }
}

fn tags() -> TagSet {
    TagSet::restored(vec![("team".to_owned(), "pay".to_owned())])
}

fn acl(canned: CannedAcl) -> AclDocument {
    AclDocument { owner: None, list: AclWish::Canned(canned) }
}

fn lets_everyone(acl: &AclDocument) -> bool {
    matches!(&acl.list, AclWish::Granted(grants) if grants.iter().any(|grant| grant.grantee == Grantee::Everyone))
}

fn policy(text: &str) -> PolicyDocument {
    PolicyDocument { language: PolicyLanguage::Amazon, text: text.to_owned() }
}

fn bucket_policy() -> PolicyDocument {
    policy(
        r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}]}"#,
    )
}

/// Rules under which nothing of the script goes.
fn rules() -> Lifecycle {
    Lifecycle { rules: vec![expiring(NAME, "old/", Expiration::After(30))] }
}

fn name() -> LocalName {
    LocalName::parse(NAME).unwrap()
}

fn user() -> UserName {
    UserName::parse(USER).unwrap()
}

fn alias(text: &str) -> KeyReference {
    KeyReference::parse(&format!("alias/{text}"))
}

fn key() -> KeyReference {
    alias(KEY)
}

fn terms(bench: &Bench) -> GrantTerms {
    GrantTerms {
        grantee: format!("arn:aws:iam::{}:user/{USER}", bench.account.aws()),
        grantee_kind: GranteeKind::User,
        retiring: None,
        actions: vec![GrantAction::Decrypt],
        name: None,
        constraint: None,
    }
}

async fn unset(bench: &Bench, kind: SettingKind) -> Result<(), Failure> {
    bench.bucket(BucketOperation::DeleteSetting(bucket_name(BUCKET), kind)).await.map(drop)
}

async fn put(bench: &Bench, setting: ObjectSetting) -> Result<(), Failure> {
    bench.put_document(OBJECT, None, setting, true).await
}

async fn worm(bench: &Bench, operation: WormOperation) -> Result<BucketOutcome, Failure> {
    bench.bucket(BucketOperation::Worm(bucket_name("second"), operation)).await
}

async fn seal_append(bench: &Bench) -> Result<(), Failure> {
    let position = bench.head(get(LOG)).await?.facts.size;
    let seal = SealAppend { bucket: bucket_name(BUCKET), key: object_key(LOG), position };
    bench.run(Operation::Object(ObjectOperation::SealAppend(seal)), None).await.map(drop)
}

async fn identity(bench: &Bench, operation: IdentityOperation) -> Result<IdentityOutcome, Failure> {
    match bench.admin(AdminOperation::Identity(operation)).await? {
        AdminOutcome::Identity(outcome) => Ok(outcome),
        other => panic!("{other:?}"),
    }
}

async fn attach(bench: &Bench, holder: Holder) -> Result<(), Failure> {
    identity(bench, IdentityOperation::AttachPolicy { policy: name(), holder }).await.map(drop)
}

async fn detach(bench: &Bench, holder: Holder) -> Result<(), Failure> {
    identity(bench, IdentityOperation::DetachPolicy { policy: name(), holder }).await.map(drop)
}

async fn access_keys(bench: &Bench) -> Result<Vec<AccessKeyFacts>, Failure> {
    match identity(bench, IdentityOperation::ListAccessKeys(user())).await? {
        IdentityOutcome::AccessKeys(keys) => Ok(keys),
        other => panic!("{other:?}"),
    }
}

async fn switch_access_key(bench: &Bench, enabled: bool) -> Result<(), Failure> {
    let id = access_keys(bench).await?.remove(0).id;
    identity(bench, IdentityOperation::SetAccessKey { user: user(), id, enabled }).await.map(drop)
}

async fn on_key(bench: &Bench, operation: KeyOperation) -> Result<(), Failure> {
    bench.key(operation).await.map(drop)
}

async fn rotate_by_itself(bench: &Bench, change: RotationChange) -> Result<(), Failure> {
    on_key(bench, KeyOperation::SetRotation { key: key(), change }).await
}

/// The ids of the key's grants.
async fn grants(bench: &Bench) -> Result<Vec<String>, Failure> {
    let list = ListGrants { of: GrantsOf::Key(key()), id: None, grantee: None, page: Page::default() };
    match bench.key(KeyOperation::ListGrants(list)).await? {
        KeyOutcome::Grants(grants) => Ok(grants.entries.into_iter().map(|grant| grant.id).collect()),
        other => panic!("{other:?}"),
    }
}

/// Brings the material, as a customer does.
async fn bring(bench: &Bench) -> Result<(), Failure> {
    let wrapping = ImportWrapping::RsaOaepSha256Of2048;
    let asked = KeyOperation::GetImportParameters { key: alias(BROUGHT), wrapping };
    let KeyOutcome::ImportParameters(parameters) = bench.key(asked).await? else { panic!("parameters were asked for") };
    let public = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(&parameters.public_key).unwrap()).unwrap();
    let mut wrapped = vec![0; public.ciphertext_size()];
    public.encrypt(&OAEP_SHA256_MGF1SHA256, &[7; 32], &mut wrapped, None).unwrap();
    let import = ImportMaterial {
        key: alias(BROUGHT),
        token: parameters.token,
        wrapped,
        expires: None,
        for_rotation: false,
        material: None,
    };
    on_key(bench, KeyOperation::ImportMaterial(import)).await
}
