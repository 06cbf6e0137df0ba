//! Alibaba Cloud OSS.

use strongroom_model::account::AccountId;
use strongroom_model::checksum::ChecksumAlgorithm as Sum;
use strongroom_model::encryption::DataAlgorithm;
use strongroom_model::etag::TagPromise;
use strongroom_model::failure::FailureCode;
use strongroom_model::inventory::ReportForm;
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
use crate::document::encryption::{read_rule, write_rule};
use crate::encode::bucket::{oss_buckets, oss_location_document};
use crate::error;
use crate::route;
use crate::signature::{oss1, oss2, oss4};

/// Alibaba Cloud OSS.
pub static OSS: Dialect = RECORD;

/// The record, to make others from.
pub const RECORD: Dialect = Dialect {
    name: "oss",
    header_prefix: "x-oss-",
    schemes: &[&oss4::OSS4, &oss2::OSS2, &oss1::OSS1],
    url_marks: &["OSSAccessKeyId", "x-oss-signature-version", "x-oss-signature", "x-oss-credential"],
    is_probed: false,
    fields_in_query: false,
    vendor_domain: Some("aliyuncs.com"),
    starts_encrypted: false,
    routes: &[route::oss::ROWS],
    failures: error::oss::ROWS,
    unbuilt_fields: &["callback", "server-side-encryption-context"],
    encryption: EncryptionWords {
        method: "server-side-encryption",
        key: "server-side-encryption-key-id",
        data_algorithm: "server-side-data-encryption",
        context: None,
        bucket_key: None,
        project: None,
        managed: &[("AES256", DataAlgorithm::Aes256), ("SM4", DataAlgorithm::Sm4)],
        kms: &["KMS"],
        kms_twice: None,
        unbuilt: &[],
        ciphers: &[("SM4", DataAlgorithm::Sm4)],
        stray: Stray::Ignored,
        refused_on_parts: true,
        cipher_of_parts: true,
        customer_key_of_completion: false,
        digest_missing_on_read: FailureCode::CustomerKeyInvalid,
        copies_tell_cipher: true,
        kms_needs_tls: false,
        spell_key: |key| key.id.clone(),
        created: None,
    },
    resources: ResourceWords {
        object_acl: "object-acl",
        acls: &[
            ("private", CannedAcl::Private),
            ("public-read", CannedAcl::PublicRead),
            ("public-read-write", CannedAcl::PublicReadWrite),
            ("default", CannedAcl::Inherit),
        ],
        storage_classes: &[
            ("Standard", StorageClass::Standard),
            ("IA", StorageClass::InfrequentAccess),
            ("Archive", StorageClass::Archive),
            ("ColdArchive", StorageClass::ColdArchive),
            ("DeepColdArchive", StorageClass::DeepArchive),
            ("IA", StorageClass::OneZoneInfrequentAccess),
            ("IA", StorageClass::InstantArchive),
        ],
        bucket_class_headers: &["x-oss-storage-class"],
        bucket_location: "bucket-region",
        checksums: &[ChecksumField {
            algorithm: Sum::Crc64Ecma,
            name: "hash-crc64ecma",
            element: Some("HashCrc64ecma"),
            spelling: ChecksumSpelling::Decimal,
        }],
        kept_checksum: Some(Sum::Crc64Ecma),
        checksums_shown: ChecksumsShown::Always,
        checksum_kind: None,
        upload_holders: UploadHolders::InitiatorAndOwner,
        least_part: 100 * 1024,
        complete_all: Some("complete-all"),
        upload_of_object: None,
        tag: TagPromise::Always,
        shows_md5: true,
        forbid_overwrite: Some("forbid-overwrite"),
        conditional_delete: false,
        unsatisfiable: Unsatisfiable::Whole,
        range_behavior: Some("range-behavior"),
        list_default: 100,
        decodes_batch_keys: false,
        shows_kind: true,
        copy: CopyWords {
            onto_itself: OntoItself::Replaces,
            unchanged: Unchanged::NotModified,
            told_in_head: true,
            links: Links::Taken,
        },
        append_prefix: "x-oss-",
        later_encryption: LaterEncryption::Overlooked,
    },
    form: FormWords {
        covered: false,
        exempt: &[],
        acl: None,
        tagging: None,
        content_type: Some("x-oss-content-type"),
        unbuilt: &["callback"],
        answer: &["Bucket", "ETag", "Key", "Location"],
    },
    settings: SettingWords {
        bucket_tags: TagLimits { count: 20, key: 64, value: 128 },
        object_tags: TagLimits { count: 10, key: 128, value: 256 },
        in_tag_key: in_tag,
        in_tag_value: in_tag,
        no_bucket_tags_fails: false,
        no_object_tags_fails: false,
        copied_tags: MetadataFrom::Source,
        creation_tags: Some("bucket-tagging"),
        bucket_tags_put: 200,
        object_acl_default: CannedAcl::Inherit,
        cors: CorsWords { rules: 20, max_age: None, tells_vary: true },
        public_access: PublicAccessDocument::One,
        class_document: ClassDocument::Plain,
        acl: AclStyle::Canned,
        grants: &[],
        lifecycle: LifecycleWords {
            filters: false,
            strict: false,
            overlap: Overlap::RefusedOfOneAction,
            overlap_allowed: Some("allow-same-action-overlap"),
            abort: "AbortMultipartUpload",
            abort_days: "Days",
        },
        lock: LockWords {
            mode: "object-worm-mode",
            until: "object-worm-retain-until-date",
            legal_hold: Some("object-worm-legal-hold"),
            bypass: Some("bypass-governance-retention"),
            creation: None,
            digested: false,
            modes: &[("GOVERNANCE", RetentionMode::Governance), ("COMPLIANCE", RetentionMode::Compliance)],
            in_millis: false,
            root: "ObjectWormConfiguration",
            enabled: "ObjectWormEnabled",
        },
        inventory: InventoryWords {
            form: ReportForm::Alibaba,
            id: "inventoryId",
            list: "ListInventoryConfigurationsResult",
            wrapper: Some("OSSBucketDestination"),
            bucket_prefix: "acs:oss:::",
            managed: "SSE-OSS",
        },
    },
    format: Format {
        server: "AliyunOSS",
        request_id_digits: 24,
        has_second_id: false,
        upper_case_tags: true,
        default_content_type: "application/octet-stream",
        always_shows_class: true,
        silent: Silent::Document,
        extras_first: false,
        access_key: "OSSAccessKeyId",
        names_resource: false,
        bucket_headers: &[],
        unmet_write: FailureCode::AlreadyExists,
    },
    documents: Documents {
        answers_late: false,
        declaration: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        namespace: None,
        buckets: oss_buckets,
        location: oss_location_document,
        read_encryption: read_rule,
        write_encryption: write_rule,
        policies: PolicyLanguage::Alibaba,
        policy_put: 200,
        listing: ListingStyle {
            kind: true,
            owner_name: true,
            // oss2 insists on it.
            empty_delimiter: true,
            initiator: None,
            owner_last: true,
            owner: AccountId::oss_uid,
            owner_shown: AccountId::oss_uid,
        },
    },
};

/// Letters and digits of any script, blanks, and a few signs.
fn in_tag(character: char) -> bool {
    character.is_alphanumeric() || character.is_whitespace() || "_.:/=+-".contains(character)
}
