//! Operations of OBS beyond the shared ones.

use strongroom_model::operation::bucket::UsageReport;
use strongroom_model::setting::SettingKind;

use super::{Route, Verb, When};
use crate::decode;
use crate::dialect::ClassDocument;
use crate::target::Level;

/// The unsigned questions of the OBS clients.
pub(crate) const PROBES: &[Route] = &[
    Route::built(Verb::Head, Level::Service, When::Query("apiversion"), "Probe", decode::service::probe),
    Route::built(Verb::Head, Level::Bucket, When::Query("apiversion"), "ProbeBucket", decode::bucket::probe),
];

/// What OBS clients ask for in their own dialect and, by other signatures, in that of S3.
pub(crate) const ROWS: &[Route] = &[
    Route::built(Verb::Get, Level::Bucket, When::Query("quota"), "GetBucketQuota", |request| {
        decode::setting::get(request, SettingKind::Quota)
    }),
    Route::built(Verb::Put, Level::Bucket, When::Query("quota"), "PutBucketQuota", decode::setting::put_quota),
    Route::built(Verb::Get, Level::Bucket, When::Query("storageinfo"), "GetBucketStorageInfo", |request| {
        decode::setting::usage(request, UsageReport::StorageInfo)
    }),
    Route::built(Verb::Get, Level::Bucket, When::Query("storageClass"), "GetBucketStorageClass", |request| {
        decode::setting::get(request, SettingKind::StorageClass)
    }),
    Route::built(Verb::Put, Level::Bucket, When::Query("storageClass"), "PutBucketStorageClass", |request| {
        decode::setting::put_class(request, ClassDocument::Plain)
    }),
    Route::built(Verb::Get, Level::Bucket, When::Query("storagePolicy"), "GetBucketStorageClass", |request| {
        decode::setting::get(request, SettingKind::StorageClass)
    }),
    Route::built(Verb::Put, Level::Bucket, When::Query("storagePolicy"), "PutBucketStorageClass", |request| {
        decode::setting::put_class(request, ClassDocument::Policy)
    }),
    Route::not_built(Verb::Get, Level::Bucket, When::Query("bucketStatus"), "GetBucketStatus"),
    Route::not_built(Verb::Get, Level::Bucket, When::Query("notification"), "GetBucketNotification"),
    Route::not_built(Verb::Put, Level::Bucket, When::Query("notification"), "PutBucketNotification"),
    Route::not_built(Verb::Get, Level::Bucket, When::Query("customdomain"), "GetBucketCustomDomain"),
    Route::not_built(Verb::Put, Level::Bucket, When::Query("customdomain"), "PutBucketCustomDomain"),
    Route::not_built(Verb::Delete, Level::Bucket, When::Query("customdomain"), "DeleteBucketCustomDomain"),
    Route::built(Verb::Get, Level::Bucket, When::Query("object-lock"), "GetBucketObjectLock", decode::lock::get_bucket),
    Route::built(Verb::Put, Level::Bucket, When::Query("object-lock"), "PutBucketObjectLock", decode::lock::put_bucket),
    Route::not_built(Verb::Get, Level::Bucket, When::Query("directcoldaccess"), "GetBucketDirectColdAccess"),
    Route::not_built(Verb::Put, Level::Bucket, When::Query("directcoldaccess"), "PutBucketDirectColdAccess"),
    Route::not_built(Verb::Delete, Level::Bucket, When::Query("directcoldaccess"), "DeleteBucketDirectColdAccess"),
    Route::not_built(Verb::Get, Level::Bucket, When::Query("mirrorBackToSource"), "GetBucketMirrorBackToSource"),
    Route::not_built(Verb::Put, Level::Bucket, When::Query("mirrorBackToSource"), "PutBucketMirrorBackToSource"),
    Route::not_built(Verb::Delete, Level::Bucket, When::Query("mirrorBackToSource"), "DeleteBucketMirrorBackToSource"),
    Route::not_built(Verb::Get, Level::Bucket, When::Query("obscompresspolicy"), "GetBucketCompressPolicy"),
    Route::not_built(Verb::Put, Level::Bucket, When::Query("obscompresspolicy"), "PutBucketCompressPolicy"),
    Route::not_built(Verb::Delete, Level::Bucket, When::Query("obscompresspolicy"), "DeleteBucketCompressPolicy"),
    Route::not_built(Verb::Get, Level::Bucket, When::Query("disPolicy"), "GetBucketDisPolicy"),
    Route::not_built(Verb::Put, Level::Bucket, When::Query("disPolicy"), "PutBucketDisPolicy"),
    Route::not_built(Verb::Delete, Level::Bucket, When::Query("disPolicy"), "DeleteBucketDisPolicy"),
    Route::not_built(Verb::Get, Level::Bucket, When::Query("dispolicy"), "GetBucketDisPolicy"),
    Route::not_built(Verb::Put, Level::Bucket, When::Query("dispolicy"), "PutBucketDisPolicy"),
    Route::not_built(Verb::Delete, Level::Bucket, When::Query("dispolicy"), "DeleteBucketDisPolicy"),
    Route::not_built(
        Verb::Get,
        Level::Bucket,
        When::Query("obsworkflowtriggerpolicy"),
        "GetBucketWorkflowTriggerPolicy",
    ),
    Route::not_built(
        Verb::Put,
        Level::Bucket,
        When::Query("obsworkflowtriggerpolicy"),
        "PutBucketWorkflowTriggerPolicy",
    ),
    Route::not_built(
        Verb::Delete,
        Level::Bucket,
        When::Query("obsworkflowtriggerpolicy"),
        "DeleteBucketWorkflowTriggerPolicy",
    ),
    Route::not_built(Verb::Get, Level::Bucket, When::Query("obsbucketalias"), "GetBucketAlias"),
    Route::not_built(Verb::Put, Level::Bucket, When::Query("obsbucketalias"), "PutBucketAlias"),
    Route::not_built(Verb::Delete, Level::Bucket, When::Query("obsbucketalias"), "DeleteBucketAlias"),
    Route::not_built(Verb::Get, Level::Bucket, When::Query("obsalias"), "GetBucketAliasBinding"),
    Route::not_built(Verb::Put, Level::Bucket, When::Query("obsalias"), "PutBucketAliasBinding"),
    Route::not_built(Verb::Delete, Level::Bucket, When::Query("obsalias"), "DeleteBucketAliasBinding"),
    Route::not_built(Verb::Get, Level::Bucket, When::Query("fileinterface"), "GetBucketFileInterface"),
    Route::not_built(Verb::Put, Level::Bucket, When::Query("fileinterface"), "PutBucketFileInterface"),
    Route::not_built(Verb::Post, Level::Bucket, When::Query("deletebucket"), "ForceDeleteBucket"),
    Route::built(Verb::Put, Level::Object, When::Query("metadata"), "SetObjectMetadata", decode::amend::set_metadata),
    Route::built(Verb::Post, Level::Object, When::Query("append"), "AppendObject", decode::append::append_object),
    Route::not_built(Verb::Put, Level::Object, When::Query("modify"), "ModifyObject"),
    Route::not_built(Verb::Put, Level::Object, When::Query("truncate"), "TruncateObject"),
    Route::not_built(Verb::Post, Level::Object, When::Query("rename"), "RenameObject"),
    Route::not_built(Verb::Get, Level::Object, When::Query("x-image-process"), "ProcessImage"),
    Route::not_built(Verb::Get, Level::Object, When::Query("attname"), "GetObjectAsAttachment"),
    Route::not_built(Verb::Post, Level::Object, When::Query("select"), "SelectObjectContent"),
];
