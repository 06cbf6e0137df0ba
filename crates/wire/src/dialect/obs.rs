//! Huawei Cloud OBS.

use strongroom_model::account::{AccountId, Principal};
use strongroom_model::acl::Permission;
use strongroom_model::checksum::ChecksumAlgorithm as Sum;
use strongroom_model::encryption::DataAlgorithm;
use strongroom_model::etag::TagPromise;
use strongroom_model::failure::FailureCode;
use strongroom_model::inventory::ReportForm;
use strongroom_model::key::KeyName;
use strongroom_model::lock::RetentionMode;
use strongroom_model::metadata::{CannedAcl, StorageClass};
use strongroom_model::operation::append::LaterEncryption;
use strongroom_model::operation::copy::{MetadataFrom, OntoItself, Unchanged};
use strongroom_model::operation::object::Unsatisfiable;
use strongroom_model::operation::symlink::Links;
use strongroom_model::operation::upload::UploadHolders;
use strongroom_model::policy::PolicyLanguage;
use strongroom_model::tag::TagLimits;

use super::{
    AclStyle, ChecksumField, ChecksumSpelling, ChecksumsShown, ClassDocument, CopyWords, CorsWords, Dialect, Documents,
    EncryptionWords, FormWords, Format, InventoryWords, LifecycleWords, ListingStyle, LockWords, Overlap,
    PublicAccessDocument, ResourceWords, SettingWords, Silent, Stray,
};
use crate::document::encryption::{read_configuration, write_plain_configuration};
use crate::encode::OBS_API;
use crate::encode::bucket::{obs_buckets, obs_location};
use crate::error;
use crate::route;
use crate::signature::v2;

/// Huawei Cloud OBS.
pub static OBS: Dialect = RECORD;

/// The record, to make others from.
pub const RECORD: Dialect = Dialect {
    name: "obs",
    header_prefix: "x-obs-",
    schemes: &[&v2::OBS],
    url_marks: &["AccessKeyId"],
    is_probed: true,
    fields_in_query: true,
    vendor_domain: None,
    starts_encrypted: false,
    routes: &[route::obs::PROBES, route::obs::ROWS],
    failures: error::obs::ROWS,
    unbuilt_fields: &[
        "expires",
        "object-lock-legal-hold",
        "website-redirect-location",
        "callback",
        "fs-file-interface",
    ],
    encryption: EncryptionWords {
        method: "server-side-encryption",
        key: "server-side-encryption-kms-key-id",
        data_algorithm: "server-side-data-encryption",
        context: None,
        bucket_key: Some("server-side-encryption-bucket-key-enabled"),
        project: Some("sse-kms-key-project-id"),
        managed: &[
            ("AES256", DataAlgorithm::Aes256),
            ("obs", DataAlgorithm::Aes256),
            ("aws:AES256", DataAlgorithm::Aes256),
        ],
        kms: &["kms", "aws:kms"],
        kms_twice: None,
        unbuilt: &[],
        ciphers: &[("AES256", DataAlgorithm::Aes256), ("SM4", DataAlgorithm::Sm4)],
        stray: Stray::Refused,
        refused_on_parts: false,
        cipher_of_parts: false,
        customer_key_of_completion: true,
        digest_missing_on_read: FailureCode::CustomerKeyInvalid,
        copies_tell_cipher: false,
        kms_needs_tls: true,
        spell_key: |KeyName { id, account, region, .. }| format!("{region}:{}:key/{id}", account.obs_domain()),
        created: Some("obs"),
    },
    resources: ResourceWords {
        object_acl: "acl",
        acls: &[
            ("private", CannedAcl::Private),
            ("public-read", CannedAcl::PublicRead),
            ("public-read-write", CannedAcl::PublicReadWrite),
            ("public-read-delivered", CannedAcl::PublicReadDelivered),
            ("public-read-write-delivered", CannedAcl::PublicReadWriteDelivered),
            ("bucket-owner-full-control", CannedAcl::BucketOwnerFullControl),
        ],
        storage_classes: &[
            ("STANDARD", StorageClass::Standard),
            ("WARM", StorageClass::InfrequentAccess),
            ("COLD", StorageClass::Archive),
            ("DEEP_ARCHIVE", StorageClass::DeepArchive),
            ("INTELLIGENT_TIERING", StorageClass::IntelligentTiering),
            ("HIGH_PERFORMANCE", StorageClass::HighPerformance),
            ("STANDARD_IA", StorageClass::InfrequentAccess),
            ("GLACIER", StorageClass::Archive),
            ("WARM", StorageClass::OneZoneInfrequentAccess),
            ("WARM", StorageClass::InstantArchive),
            ("COLD", StorageClass::ColdArchive),
        ],
        bucket_class_headers: &["x-obs-storage-class", "x-default-storage-class"],
        bucket_location: "bucket-location",
        checksums: &[
            ChecksumField {
                algorithm: Sum::Crc64Ecma,
                name: "checksum-crc64ecma",
                element: None,
                spelling: ChecksumSpelling::Decimal,
            },
            ChecksumField {
                algorithm: Sum::Crc64Ecma,
                name: "hash-crc64ecma",
                element: None,
                spelling: ChecksumSpelling::Decimal,
            },
        ],
        kept_checksum: None,
        checksums_shown: ChecksumsShown::Always,
        checksum_kind: None,
        upload_holders: UploadHolders::Initiator,
        least_part: 100 * 1024,
        complete_all: None,
        upload_of_object: Some("uploadId"),
        tag: TagPromise::PlainOnly,
        shows_md5: false,
        forbid_overwrite: None,
        conditional_delete: false,
        unsatisfiable: Unsatisfiable::Refused,
        range_behavior: None,
        list_default: 1000,
        decodes_batch_keys: true,
        shows_kind: false,
        copy: CopyWords {
            onto_itself: OntoItself::ChangesAndStaysEncrypted,
            unchanged: Unchanged::Failed,
            told_in_head: false,
            links: Links::Followed,
        },
        append_prefix: "x-obs-",
        later_encryption: LaterEncryption::Agrees,
    },
    form: FormWords {
        covered: true,
        exempt: &["accesskeyid", "obsaccesskeyid", "token", "submit"],
        acl: Some("acl"),
        tagging: None,
        content_type: None,
        unbuilt: &[],
        answer: &["Location", "Bucket", "Key", "ETag"],
    },
    settings: SettingWords {
        bucket_tags: TagLimits { count: 20, key: 36, value: 43 },
        object_tags: TagLimits { count: 10, key: 128, value: 255 },
        in_tag_key: |character| !"=*<>\\,|/?!;".contains(character),
        in_tag_value: |character| !"=*<>\\,|?!;".contains(character),
        no_bucket_tags_fails: true,
        no_object_tags_fails: true,
        copied_tags: MetadataFrom::Request,
        creation_tags: None,
        bucket_tags_put: 204,
        object_acl_default: CannedAcl::Private,
        cors: CorsWords { rules: 100, max_age: Some(3000), tells_vary: false },
        public_access: PublicAccessDocument::Switches,
        class_document: ClassDocument::Plain,
        acl: AclStyle::Delivered { account: AccountId::obs_domain },
        grants: &[
            ("grant-full-control", Permission::FullControl, false),
            ("grant-read", Permission::Read, false),
            ("grant-write", Permission::Write, false),
            ("grant-read-acp", Permission::ReadAcl, false),
            ("grant-write-acp", Permission::WriteAcl, false),
            ("grant-read-delivered", Permission::Read, true),
            ("grant-full-control-delivered", Permission::FullControl, true),
        ],
        lifecycle: LifecycleWords {
            filters: true,
            strict: false,
            overlap: Overlap::Refused,
            overlap_allowed: None,
            abort: "AbortIncompleteMultipartUpload",
            abort_days: "DaysAfterInitiation",
        },
        lock: LockWords {
            mode: "object-lock-mode",
            until: "object-lock-retain-until-date",
            legal_hold: None,
            bypass: None,
            creation: Some("bucket-object-lock-enabled"),
            digested: false,
            modes: &[("COMPLIANCE", RetentionMode::Compliance)],
            in_millis: true,
            root: "ObjectLockConfiguration",
            enabled: "ObjectLockEnabled",
        },
        inventory: InventoryWords {
            form: ReportForm::Huawei,
            id: "id",
            list: "ListInventoryConfiguration",
            wrapper: None,
            bucket_prefix: "",
            managed: "SSE-OBS",
        },
    },
    format: Format {
        server: "OBS",
        request_id_digits: 32,
        has_second_id: true,
        upper_case_tags: false,
        default_content_type: "binary/octet-stream",
        always_shows_class: false,
        silent: Silent::Words,
        extras_first: false,
        access_key: "OBSAccessKeyId",
        names_resource: true,
        bucket_headers: &[("x-obs-version", OBS_API)],
        unmet_write: FailureCode::PreconditionFailed,
    },
    documents: Documents {
        answers_late: false,
        declaration: "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>",
        namespace: Some("http://obs.myhuaweicloud.com/doc/2015-06-30/"),
        buckets: obs_buckets,
        location: obs_location,
        read_encryption: read_configuration,
        write_encryption: write_plain_configuration,
        policies: PolicyLanguage::Huawei,
        policy_put: 204,
        listing: ListingStyle {
            kind: false,
            owner_name: false,
            empty_delimiter: false,
            initiator: Some(initiator),
            owner_last: false,
            owner: AccountId::obs_domain,
            owner_shown: AccountId::obs_domain,
        },
    },
};

fn initiator(principal: &Principal) -> String {
    match principal {
        Principal::User(account, name) => format!("domainID/{}:userID/{}", account.obs_domain(), name.as_str()),
        Principal::Root(account) => format!("domainID/{0}:userID/{0}", account.obs_domain()),
        Principal::Anonymous => "anonymous".to_owned(),
    }
}
