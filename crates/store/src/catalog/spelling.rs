//! How the model's enumerations are written into rows. A variant's place in its list here is its number on disk: the
//! lists only ever grow at their end. The compiler refuses a list that has not all variants of the model.

use serde::{Deserialize, Serialize};
use strongroom_model::acl::Permission;
use strongroom_model::checksum::{ChecksumAlgorithm, ChecksumScope};
use strongroom_model::cors::CorsMethod;
use strongroom_model::encryption::DataAlgorithm;
use strongroom_model::lock::{RetentionMode, RetentionPeriod};
use strongroom_model::metadata::{ObjectKind, StorageClass};
use strongroom_model::policy::PolicyLanguage;
use strongroom_model::setting::Versioning;

#[derive(Serialize, Deserialize)]
#[serde(remote = "StorageClass")]
pub(super) enum StorageClassRow {
    Standard,
    ReducedRedundancy,
    InfrequentAccess,
    OneZoneInfrequentAccess,
    IntelligentTiering,
    HighPerformance,
    InstantArchive,
    Archive,
    ColdArchive,
    DeepArchive,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Permission")]
pub(super) enum PermissionRow {
    FullControl,
    Read,
    Write,
    ReadAcl,
    WriteAcl,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "CorsMethod")]
pub(super) enum CorsMethodRow {
    Get,
    Put,
    Post,
    Delete,
    Head,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "RetentionMode")]
pub(super) enum RetentionModeRow {
    Governance,
    Compliance,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "RetentionPeriod")]
pub(super) enum RetentionPeriodRow {
    Days(u32),
    Years(u32),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ObjectKind")]
pub(super) enum ObjectKindRow {
    Normal,
    Appendable,
    Multipart,
    Symlink,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "DataAlgorithm")]
pub(super) enum DataAlgorithmRow {
    Aes256,
    Sm4,
    Aes256Twice,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "PolicyLanguage")]
pub(super) enum PolicyLanguageRow {
    Huawei,
    Alibaba,
    Amazon,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ChecksumAlgorithm")]
pub(super) enum ChecksumAlgorithmRow {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Crc64Ecma,
    Sha1,
    Sha256,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Versioning")]
pub(super) enum VersioningRow {
    Never,
    Enabled,
    Suspended,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ChecksumScope")]
pub(super) enum ChecksumScopeRow {
    Whole,
    Composite,
}
