//! Every operation there is, once, in its plainest form.

use strongroom_model::account::UserName;
use strongroom_model::acl::{AclDocument, AclWish};
use strongroom_model::condition::Conditions;
use strongroom_model::cors::{CorsMethod, CorsRules, CrossOrigin};
use strongroom_model::encryption::{BucketEncryption, DataAlgorithm, DefaultMethod, EncryptionContext, EncryptionWish};
use strongroom_model::etag::TagPromise;
use strongroom_model::grant::{GrantAction, GrantTerms, GranteeKind};
use strongroom_model::key::{KeyReference, KeySpec, KeyTags};
use strongroom_model::lifecycle::Lifecycle;
use strongroom_model::lock::BucketLock;
use strongroom_model::metadata::{CannedAcl, ContentHeaders, ObjectMetadata, StorageClass};
use strongroom_model::name::{BucketName, ObjectKey, PartNumber, UploadId, VersionId};
use strongroom_model::operation::admin::{Backup, StartScrub};
use strongroom_model::operation::amend::{SetMetadata, Unnamed, UpdateEncryption};
use strongroom_model::operation::append::{AppendObject, LaterEncryption, SealAppend};
use strongroom_model::operation::bucket::{
    CreateBucket, ListObjects, ListVersion, ListVersions, UsageReport, WormOperation,
};
use strongroom_model::operation::copy::{CopiedChecksums, CopyObject, MetadataFrom, OntoItself, Unchanged};
use strongroom_model::operation::key::{
    AliasBefore, CreateKey, GrantEnd, GrantsOf, ImportMaterial, ImportWrapping, KeyUse, ListGrants, ListKeys, Page,
    Purpose, RotationChange, Switch,
};
use strongroom_model::operation::object::{
    DeleteEntry, DeleteObject, DeleteObjects, ExpectedDigests, GetAttributes, GetObject, ObjectTarget, PutObject,
    PutObjectSetting, Unsatisfiable,
};
use strongroom_model::operation::service::ListBuckets;
use strongroom_model::operation::symlink::{Links, PutSymlink};
use strongroom_model::operation::upload::{
    CompleteUpload, InitiateUpload, ListParts, ListUploads, NamedParts, UploadHolders, UploadName, UploadOperation,
    WritePart,
};
use strongroom_model::operation::{
    AdminOperation, BucketOperation, KeyOperation, ObjectOperation, Operation, ServiceOperation,
};
use strongroom_model::policy::{PolicyDocument, PolicyLanguage};
use strongroom_model::public_access::PublicAccessBlock;
use strongroom_model::secret::Plaintext;
use strongroom_model::setting::{ObjectSetting, ObjectSettingsWish, Setting, SettingKind, Versioning};
use strongroom_model::tag::TagSet;

pub(crate) fn bucket() -> BucketName {
    BucketName::parse("bucket").expect("a valid name")
}

pub(crate) fn source_bucket() -> BucketName {
    BucketName::parse("source").expect("a valid name")
}

pub(crate) fn key() -> ObjectKey {
    ObjectKey::parse("key").expect("a valid key")
}

pub(crate) fn get() -> GetObject {
    GetObject {
        bucket: bucket(),
        key: key(),
        version: None,
        range: None,
        part: None,
        unsatisfiable: Unsatisfiable::Refused,
        conditions: Conditions::default(),
        customer_key: None,
        overrides: ContentHeaders::default(),
        show_checksums: false,
    }
}

pub(crate) fn put() -> PutObject {
    PutObject {
        bucket: bucket(),
        key: key(),
        metadata: ObjectMetadata::default(),
        storage_class: None,
        settings: ObjectSettingsWish::default(),
        encryption: EncryptionWish::Unspecified,
        conditions: Conditions::default(),
        expected: ExpectedDigests::default(),
        keep: Vec::new(),
        tag: TagPromise::PlainOnly,
    }
}

fn copy() -> CopyObject {
    CopyObject {
        source: GetObject { bucket: source_bucket(), ..get() },
        target: put(),
        metadata_from: MetadataFrom::Source,
        tags_from: MetadataFrom::Source,
        checksums: CopiedChecksums::OfSource { otherwise: None },
        onto_itself: OntoItself::Changes,
        unchanged: Unchanged::Failed,
        links: Links::Followed,
    }
}

pub(crate) fn list() -> ListObjects {
    ListObjects {
        bucket: bucket(),
        prefix: String::new(),
        delimiter: String::new(),
        after: String::new(),
        marker: None,
        start_after: None,
        continuation_token: None,
        max_keys: 1000,
        url_encoded: false,
        version: ListVersion::V1,
        fetch_owner: false,
    }
}

fn list_versions() -> ListVersions {
    ListVersions {
        bucket: bucket(),
        prefix: String::new(),
        delimiter: String::new(),
        key_marker: String::new(),
        version_marker: None,
        max_keys: 1000,
        url_encoded: false,
    }
}

fn delete(version: Option<VersionId>) -> DeleteObject {
    DeleteObject { bucket: bucket(), key: key(), version, conditions: Conditions::default(), bypass_governance: false }
}

fn rule() -> Setting {
    let default = BucketEncryption { method: DefaultMethod::Managed(DataAlgorithm::Aes256), bucket_key: false };
    Setting::Encryption(default.into())
}

fn create() -> CreateBucket {
    CreateBucket {
        bucket: bucket(),
        location: None,
        acl: AclWish::Unspecified(CannedAcl::Private),
        tags: TagSet::default(),
        storage_class: StorageClass::Standard,
        encryption: None,
        always_encrypted: false,
        lock: false,
    }
}

fn upload() -> UploadName {
    UploadName { bucket: bucket(), key: key(), id: UploadId([7; 16]) }
}

fn upload_operations() -> [UploadOperation; 6] {
    [
        UploadOperation::Initiate(InitiateUpload {
            bucket: bucket(),
            key: key(),
            metadata: ObjectMetadata::default(),
            storage_class: None,
            settings: ObjectSettingsWish::default(),
            encryption: EncryptionWish::Unspecified,
            conditions: Conditions::default(),
            checksum: None,
            url_encoded: false,
        }),
        UploadOperation::WritePart(WritePart {
            holders: UploadHolders::InitiatorAndOwner,
            upload: upload(),
            number: PartNumber::new(1).expect("a part's number"),
            customer_key: None,
            expected: ExpectedDigests::default(),
            keep: Vec::new(),
            tag: TagPromise::PlainOnly,
        }),
        UploadOperation::Complete(CompleteUpload {
            holders: UploadHolders::InitiatorAndOwner,
            upload: upload(),
            parts: NamedParts::All,
            least_part: 0,
            conditions: Conditions::default(),
            customer_key: None,
            size: None,
            expected: Vec::new(),
            scope: None,
            url_encoded: false,
        }),
        UploadOperation::Abort(upload()),
        UploadOperation::ListParts(ListParts { upload: upload(), after: 0, max_parts: 1000, url_encoded: false }),
        UploadOperation::List(ListUploads {
            bucket: bucket(),
            prefix: String::new(),
            delimiter: String::new(),
            key_marker: String::new(),
            upload_marker: None,
            max_uploads: 1000,
            url_encoded: false,
        }),
    ]
}

fn cross_origin() -> CrossOrigin {
    CrossOrigin { origin: "null".to_owned(), method: CorsMethod::Get, headers: Vec::new(), of_object: true }
}

fn acl() -> AclDocument {
    AclDocument { owner: None, list: AclWish::Canned(CannedAcl::Private) }
}

/// The policy that keeps a bucket's objects, every document of buckets that the list of operations has not by itself, and every one of
/// objects: read, replaced and removed.
fn every_document() -> Vec<Operation> {
    let mut all = Vec::from(worm_operations().map(Operation::Bucket));
    all.push(Operation::Bucket(BucketOperation::Usage(bucket(), UsageReport::StorageInfo)));
    all.push(Operation::Bucket(BucketOperation::CrossOrigin(bucket(), cross_origin())));
    for setting in [
        Setting::Tagging(TagSet::default()),
        Setting::Acl(acl()),
        Setting::StorageClass(StorageClass::Standard),
        Setting::Quota(None),
        Setting::Cors(CorsRules::default()),
        Setting::PublicAccessBlock(Some(PublicAccessBlock::ALL)),
        Setting::Lifecycle(Lifecycle::default()),
        Setting::ObjectLock(BucketLock::default()),
    ] {
        let kind = setting.kind();
        all.push(Operation::Bucket(BucketOperation::GetSetting(bucket(), kind)));
        all.push(Operation::Bucket(BucketOperation::PutSetting(bucket(), setting)));
        all.push(Operation::Bucket(BucketOperation::DeleteSetting(bucket(), kind)));
    }
    for setting in [
        ObjectSetting::Tagging(TagSet::default()),
        ObjectSetting::Acl(acl()),
        ObjectSetting::Retention(None),
        ObjectSetting::LegalHold(false),
    ] {
        let (kind, target) = (setting.kind(), ObjectTarget { bucket: bucket(), key: key(), version: None });
        let put = PutObjectSetting { target: target.clone(), setting, bypass_governance: false };
        all.push(Operation::Object(ObjectOperation::GetSetting(target.clone(), kind)));
        all.push(Operation::Object(ObjectOperation::PutSetting(put)));
        all.push(Operation::Object(ObjectOperation::DeleteSetting(target, kind)));
    }
    all
}

fn target(version: Option<VersionId>) -> ObjectTarget {
    ObjectTarget { bucket: bucket(), key: key(), version }
}

fn worm_operations() -> [BucketOperation; 5] {
    [
        WormOperation::Initiate { days: 1 },
        WormOperation::Abort,
        WormOperation::Complete { id: [1; 16] },
        WormOperation::Extend { id: [1; 16], days: 2 },
        WormOperation::Get,
    ]
    .map(|operation| BucketOperation::Worm(bucket(), operation))
}

fn amendments() -> [ObjectOperation; 7] {
    let append = AppendObject { put: put(), position: 0, later: LaterEncryption::Overlooked };
    let set = SetMetadata {
        bucket: bucket(),
        key: key(),
        version: None,
        metadata: ObjectMetadata::default(),
        storage_class: None,
        unnamed: Unnamed::Kept,
    };
    let update = UpdateEncryption {
        bucket: bucket(),
        key: key(),
        version: None,
        master_key: KeyReference::parse("key"),
        bucket_key: false,
    };
    [
        ObjectOperation::Append(Box::new(append)),
        ObjectOperation::SealAppend(SealAppend { bucket: bucket(), key: key(), position: 0 }),
        ObjectOperation::PutSymlink(PutSymlink { link: put(), target: key() }),
        ObjectOperation::GetSymlink(target(None)),
        ObjectOperation::GetSymlink(target(Some(VersionId::Null))),
        ObjectOperation::SetMetadata(set),
        ObjectOperation::UpdateEncryption(update),
    ]
}

pub(crate) fn every_operation() -> Vec<Operation> {
    let mut all = vec![
        Operation::Service(ServiceOperation::ListBuckets(ListBuckets::default())),
        Operation::Service(ServiceOperation::Probe),
    ];
    all.extend(
        [
            BucketOperation::Create(create()),
            BucketOperation::Delete(bucket()),
            BucketOperation::Head(bucket()),
            BucketOperation::Probe(bucket()),
            BucketOperation::Location(bucket()),
            BucketOperation::Info(bucket()),
            BucketOperation::ListObjects(list()),
            BucketOperation::ListVersions(list_versions()),
            BucketOperation::GetSetting(bucket(), SettingKind::Encryption),
            BucketOperation::PutSetting(bucket(), rule()),
            BucketOperation::DeleteSetting(bucket(), SettingKind::Encryption),
            BucketOperation::GetSetting(bucket(), SettingKind::Versioning),
            BucketOperation::PutSetting(bucket(), Setting::Versioning(Versioning::Enabled)),
            BucketOperation::GetSetting(bucket(), SettingKind::Policy),
            BucketOperation::PutSetting(bucket(), Setting::Policy(policy())),
            BucketOperation::DeleteSetting(bucket(), SettingKind::Policy),
            BucketOperation::PolicyStatus(bucket()),
            BucketOperation::RemoveTags(bucket(), vec!["k".to_owned()]),
        ]
        .map(Operation::Bucket),
    );
    all.extend(every_document());
    let entry = DeleteEntry { key: key(), version: None, conditions: Conditions::default(), bypass_governance: false };
    all.extend(
        [
            ObjectOperation::Put(put()),
            ObjectOperation::Copy(Box::new(copy())),
            ObjectOperation::Get(get()),
            ObjectOperation::Head(get()),
            ObjectOperation::Meta(get()),
            ObjectOperation::Attributes(GetAttributes { object: get(), wanted: Vec::new(), after: 0, max_parts: 1000 }),
            ObjectOperation::Get(GetObject { version: Some(VersionId::Null), ..get() }),
            ObjectOperation::Delete(delete(None)),
            ObjectOperation::Delete(delete(Some(VersionId::Null))),
            ObjectOperation::DeleteMany(DeleteObjects {
                bucket: bucket(),
                quiet: false,
                url_encoded: false,
                entries: vec![entry],
            }),
        ]
        .map(Operation::Object),
    );
    all.extend(amendments().map(Operation::Object));
    all.extend(upload_operations().map(Operation::Upload));
    all.extend(admin_operations().map(Operation::Admin));
    all.extend(every_key_operation().map(Operation::Key));
    all
}

fn admin_operations() -> [AdminOperation; 15] {
    let user = || UserName::parse("alice").expect("a valid name");
    [
        AdminOperation::CreateUser(user()),
        AdminOperation::ListUsers,
        AdminOperation::DeleteUser(user()),
        AdminOperation::ListBuckets,
        AdminOperation::DescribeObject { bucket: bucket(), key: key(), version: None },
        AdminOperation::ProveKeys,
        AdminOperation::StartScrub(StartScrub::default()),
        AdminOperation::DescribeScrub,
        AdminOperation::StopScrub,
        AdminOperation::StartLifecycle,
        AdminOperation::DescribeLifecycle,
        AdminOperation::StopLifecycle,
        AdminOperation::Backup(Backup::default()),
        AdminOperation::QueryAudit(Box::default()),
        AdminOperation::VerifyAudit,
    ]
}

fn terms() -> GrantTerms {
    GrantTerms {
        grantee: "g".to_owned(),
        grantee_kind: GranteeKind::User,
        retiring: None,
        actions: vec![GrantAction::Decrypt],
        name: None,
        constraint: None,
    }
}

fn import() -> ImportMaterial {
    ImportMaterial {
        key: KeyReference::parse("alias/a"),
        token: Vec::new(),
        wrapped: Vec::new(),
        expires: None,
        for_rotation: false,
        material: None,
    }
}

fn every_key_operation() -> [KeyOperation; 36] {
    let key = || KeyReference::parse("alias/a");
    let switch = || Switch::repeatable(key());
    let plaintext = || Plaintext::new(Default::default());
    let context = EncryptionContext::new;
    let data_key = |shown| KeyUse::GenerateDataKey { key: key(), length: 32, context: context(), shown };
    let decrypt = |purpose| KeyUse::Decrypt { key: None, ciphertext: Vec::new(), context: context(), purpose };
    let grants = |of| KeyOperation::ListGrants(ListGrants { of, id: None, grantee: None, page: Page::default() });
    let end = |by| KeyOperation::EndGrant { key: key(), grant: "g".to_owned(), by };
    let encrypt = |purpose| KeyUse::Encrypt { key: key(), plaintext: plaintext(), context: context(), purpose };
    [
        KeyOperation::Create(CreateKey::new(KeySpec::Sm4)),
        KeyOperation::Describe(key()),
        KeyOperation::List(ListKeys::default()),
        KeyOperation::UpdateDescription { key: key(), description: String::new() },
        KeyOperation::Enable(switch()),
        KeyOperation::Disable(switch()),
        KeyOperation::ScheduleDeletion { key: key(), days: 7 },
        KeyOperation::CancelDeletion(key()),
        KeyOperation::Protect { key: key(), reason: None },
        KeyOperation::PointAlias { alias: "a".to_owned(), key: key(), before: AliasBefore::Any },
        KeyOperation::Rename { key: key(), alias: "a".to_owned() },
        KeyOperation::RemoveAlias("a".to_owned()),
        KeyOperation::ListAliases { key: None, page: Page::default() },
        KeyOperation::Retag { key: key(), set: KeyTags::new(), unset: vec!["t".to_owned()] },
        KeyOperation::ListTags(key()),
        KeyOperation::SetRotation { key: key(), change: RotationChange::Off },
        KeyOperation::GetRotation(key()),
        KeyOperation::Rotate { key: key(), demands_max: None },
        KeyOperation::ListVersions { key: key(), page: Page::default() },
        KeyOperation::GetPolicy(key()),
        KeyOperation::PutPolicy { key: key(), policy: policy(), locks_out: false },
        KeyOperation::CreateGrant { key: key(), terms: terms() },
        grants(GrantsOf::Key(key())),
        end(GrantEnd::Revoke),
        end(GrantEnd::Retire),
        KeyOperation::GetImportParameters { key: key(), wrapping: ImportWrapping::RsaOaepSha256Of2048 },
        KeyOperation::ImportMaterial(import()),
        KeyOperation::DeleteMaterial { key: key(), material: None },
        KeyOperation::Use(data_key(true)),
        KeyOperation::Use(data_key(false)),
        KeyOperation::Use(encrypt(Purpose::Data)),
        KeyOperation::Use(decrypt(Purpose::Data)),
        KeyOperation::Use(decrypt(Purpose::DataKey { digest: None })),
        KeyOperation::Use(KeyUse::ReEncrypt {
            source: None,
            ciphertext: Vec::new(),
            source_context: context(),
            key: key(),
            context: context(),
        }),
        KeyOperation::Use(KeyUse::Random { length: 1 }),
        KeyOperation::GetQuotas,
    ]
}

fn policy() -> PolicyDocument {
    PolicyDocument { language: PolicyLanguage::Amazon, text: "{}".to_owned() }
}
