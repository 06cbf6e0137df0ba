//! Amazon S3, and what the OBS clients make of it when they fall back to it.

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
use crate::document::encryption::{read_configuration, write_flagged_configuration};
use crate::encode::OBS_API;
use crate::encode::bucket::{s3_buckets, s3_location};
use crate::route;
use crate::signature::{v2, v4};

/// Amazon S3.
pub static S3: Dialect = RECORD;

/// The record, to make others from.
pub const RECORD: Dialect = Dialect {
    name: "s3",
    header_prefix: "x-amz-",
    schemes: &[&v4::AWS4, &v2::AWS2],
    url_marks: &["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "AWSAccessKeyId"],
    is_probed: false,
    fields_in_query: true,
    vendor_domain: None,
    starts_encrypted: true,
    routes: &[route::s3::ROWS, route::obs::ROWS],
    failures: &[],
    unbuilt_fields: &[
        "website-redirect-location",
        "write-offset-bytes",
        "expected-bucket-owner",
        "fs-file-interface",
        "checksum-md5",
        "checksum-sha512",
        "checksum-xxhash3",
        "checksum-xxhash64",
        "checksum-xxhash128",
    ],
    encryption: EncryptionWords {
        method: "server-side-encryption",
        key: "server-side-encryption-aws-kms-key-id",
        data_algorithm: "server-side-data-encryption",
        context: Some("server-side-encryption-context"),
        bucket_key: Some("server-side-encryption-bucket-key-enabled"),
        project: Some("sse-kms-key-project-id"),
        managed: &[
            ("AES256", DataAlgorithm::Aes256),
            ("aws:AES256", DataAlgorithm::Aes256),
            ("obs", DataAlgorithm::Aes256),
            ("aws:obs", DataAlgorithm::Aes256),
        ],
        kms: &["aws:kms", "kms"],
        kms_twice: Some("aws:kms:dsse"),
        unbuilt: &["aws:fsx", "aws:backup"],
        ciphers: &[("AES256", DataAlgorithm::Aes256), ("SM4", DataAlgorithm::Sm4)],
        stray: Stray::Refused,
        refused_on_parts: true,
        cipher_of_parts: false,
        customer_key_of_completion: false,
        digest_missing_on_read: FailureCode::CustomerKeyWrong,
        copies_tell_cipher: false,
        kms_needs_tls: true,
        spell_key: |KeyName { id, account, region, .. }| format!("arn:aws:kms:{region}:{}:key/{id}", account.aws()),
        created: None,
    },
    resources: ResourceWords {
        object_acl: "acl",
        acls: &[
            ("private", CannedAcl::Private),
            ("public-read", CannedAcl::PublicRead),
            ("public-read-write", CannedAcl::PublicReadWrite),
            ("authenticated-read", CannedAcl::AuthenticatedRead),
            ("bucket-owner-read", CannedAcl::BucketOwnerRead),
            ("bucket-owner-full-control", CannedAcl::BucketOwnerFullControl),
            ("log-delivery-write", CannedAcl::LogDeliveryWrite),
        ],
        storage_classes: &[
            ("STANDARD", StorageClass::Standard),
            ("REDUCED_REDUNDANCY", StorageClass::ReducedRedundancy),
            ("STANDARD_IA", StorageClass::InfrequentAccess),
            ("ONEZONE_IA", StorageClass::OneZoneInfrequentAccess),
            ("INTELLIGENT_TIERING", StorageClass::IntelligentTiering),
            ("GLACIER", StorageClass::Archive),
            ("GLACIER_IR", StorageClass::InstantArchive),
            ("DEEP_ARCHIVE", StorageClass::DeepArchive),
            ("GLACIER", StorageClass::ColdArchive),
        ],
        bucket_class_headers: &["x-default-storage-class"],
        bucket_location: "bucket-region",
        checksums: &[
            base64_field(Sum::Crc32, "checksum-crc32", "ChecksumCRC32"),
            base64_field(Sum::Crc32c, "checksum-crc32c", "ChecksumCRC32C"),
            base64_field(Sum::Crc64Nvme, "checksum-crc64nvme", "ChecksumCRC64NVME"),
            base64_field(Sum::Sha1, "checksum-sha1", "ChecksumSHA1"),
            base64_field(Sum::Sha256, "checksum-sha256", "ChecksumSHA256"),
            ChecksumField {
                algorithm: Sum::Crc64Ecma,
                name: "checksum-crc64ecma",
                element: None,
                spelling: ChecksumSpelling::Decimal,
            },
        ],
        kept_checksum: Some(Sum::Crc64Nvme),
        checksums_shown: ChecksumsShown::OnDemand,
        checksum_kind: Some("FULL_OBJECT"),
        upload_holders: UploadHolders::InitiatorAndOwner,
        least_part: 5 * 1024 * 1024,
        complete_all: None,
        upload_of_object: None,
        tag: TagPromise::UnlessKeyed,
        shows_md5: false,
        forbid_overwrite: None,
        conditional_delete: true,
        unsatisfiable: Unsatisfiable::Refused,
        range_behavior: None,
        list_default: 1000,
        decodes_batch_keys: true,
        shows_kind: false,
        copy: CopyWords {
            onto_itself: OntoItself::Changes,
            unchanged: Unchanged::Failed,
            told_in_head: false,
            links: Links::Followed,
        },
        append_prefix: "x-obs-",
        later_encryption: LaterEncryption::Agrees,
    },
    form: FormWords {
        covered: true,
        exempt: &["awsaccesskeyid", "x-amz-signature"],
        acl: Some("acl"),
        tagging: Some("tagging"),
        content_type: None,
        unbuilt: &[],
        answer: &["Location", "Bucket", "Key", "ETag"],
    },
    settings: SettingWords {
        bucket_tags: TagLimits { count: 50, key: 128, value: 256 },
        object_tags: TagLimits { count: 10, key: 128, value: 256 },
        in_tag_key: in_tag,
        in_tag_value: in_tag,
        no_bucket_tags_fails: true,
        no_object_tags_fails: false,
        copied_tags: MetadataFrom::Source,
        creation_tags: None,
        bucket_tags_put: 204,
        object_acl_default: CannedAcl::Private,
        cors: CorsWords { rules: 100, max_age: None, tells_vary: false },
        public_access: PublicAccessDocument::Switches,
        class_document: ClassDocument::Policy,
        acl: AclStyle::Typed { account: AccountId::canonical_user, shown: AccountId::aws },
        grants: &[
            ("grant-full-control", Permission::FullControl, false),
            ("grant-read", Permission::Read, false),
            ("grant-write", Permission::Write, false),
            ("grant-read-acp", Permission::ReadAcl, false),
            ("grant-write-acp", Permission::WriteAcl, false),
        ],
        lifecycle: LifecycleWords {
            filters: true,
            strict: true,
            overlap: Overlap::Allowed,
            overlap_allowed: None,
            abort: "AbortIncompleteMultipartUpload",
            abort_days: "DaysAfterInitiation",
        },
        lock: LockWords {
            mode: "object-lock-mode",
            until: "object-lock-retain-until-date",
            legal_hold: Some("object-lock-legal-hold"),
            bypass: Some("bypass-governance-retention"),
            creation: Some("bucket-object-lock-enabled"),
            digested: true,
            modes: &[("GOVERNANCE", RetentionMode::Governance), ("COMPLIANCE", RetentionMode::Compliance)],
            in_millis: false,
            root: "ObjectLockConfiguration",
            enabled: "ObjectLockEnabled",
        },
        inventory: InventoryWords {
            form: ReportForm::Amazon,
            id: "id",
            list: "ListInventoryConfigurationsResult",
            wrapper: Some("S3BucketDestination"),
            bucket_prefix: "arn:aws:s3:::",
            managed: "SSE-S3",
        },
    },
    format: Format {
        server: "AmazonS3",
        request_id_digits: 16,
        has_second_id: true,
        upper_case_tags: false,
        default_content_type: "binary/octet-stream",
        always_shows_class: false,
        silent: Silent::Words,
        extras_first: true,
        access_key: "AWSAccessKeyId",
        names_resource: false,
        bucket_headers: &[("x-obs-version", OBS_API), ("x-amz-access-point-alias", "false")],
        unmet_write: FailureCode::PreconditionFailed,
    },
    documents: Documents {
        answers_late: true,
        declaration: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        namespace: Some("http://s3.amazonaws.com/doc/2006-03-01/"),
        buckets: s3_buckets,
        location: s3_location,
        read_encryption: read_configuration,
        write_encryption: write_flagged_configuration,
        policies: PolicyLanguage::Amazon,
        policy_put: 204,
        listing: ListingStyle {
            kind: false,
            owner_name: true,
            empty_delimiter: false,
            initiator: Some(initiator),
            owner_last: false,
            owner: AccountId::canonical_user,
            owner_shown: AccountId::aws,
        },
    },
};

/// Letters and digits of any script, blanks, and a few signs.
fn in_tag(character: char) -> bool {
    character.is_alphanumeric() || character.is_whitespace() || "_.:/=+-@".contains(character)
}

const fn base64_field(algorithm: Sum, name: &'static str, element: &'static str) -> ChecksumField {
    ChecksumField { algorithm, name, element: Some(element), spelling: ChecksumSpelling::Base64 }
}

/// A user's resource name; an account's canonical id.
fn initiator(principal: &Principal) -> String {
    match principal {
        Principal::User(account, name) => format!("arn:aws:iam::{}:user/{}", account.aws(), name.as_str()),
        Principal::Root(account) => account.canonical_user(),
        Principal::Anonymous => "anonymous".to_owned(),
    }
}
