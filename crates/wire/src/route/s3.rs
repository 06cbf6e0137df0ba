//! Operations of S3 beyond the shared ones.

use strongroom_model::setting::ObjectSettingKind;

use super::{Route, Verb, When};
use crate::decode;
use crate::target::Level;

/// The rows of S3.
pub(crate) const ROWS: &[Route] = &[
    Route::not_built(Verb::Get, Level::Bucket, When::Queries("analytics", "id"), "GetBucketAnalytics"),
    Route::not_built(Verb::Get, Level::Bucket, When::Query("analytics"), "ListBucketAnalytics"),
    Route::not_built(Verb::Put, Level::Bucket, When::Query("analytics"), "PutBucketAnalytics"),
    Route::not_built(Verb::Delete, Level::Bucket, When::Query("analytics"), "DeleteBucketAnalytics"),
    Route::not_built(
        Verb::Get,
        Level::Bucket,
        When::Queries("intelligent-tiering", "id"),
        "GetBucketIntelligentTiering",
    ),
    Route::not_built(Verb::Get, Level::Bucket, When::Query("intelligent-tiering"), "ListBucketIntelligentTiering"),
    Route::not_built(Verb::Put, Level::Bucket, When::Query("intelligent-tiering"), "PutBucketIntelligentTiering"),
    Route::not_built(Verb::Delete, Level::Bucket, When::Query("intelligent-tiering"), "DeleteBucketIntelligentTiering"),
    Route::not_built(Verb::Get, Level::Bucket, When::Queries("metrics", "id"), "GetBucketMetrics"),
    Route::not_built(Verb::Get, Level::Bucket, When::Query("metrics"), "ListBucketMetrics"),
    Route::not_built(Verb::Put, Level::Bucket, When::Query("metrics"), "PutBucketMetrics"),
    Route::not_built(Verb::Delete, Level::Bucket, When::Query("metrics"), "DeleteBucketMetrics"),
    Route::not_built(Verb::Get, Level::Bucket, When::Query("accelerate"), "GetBucketAccelerate"),
    Route::not_built(Verb::Put, Level::Bucket, When::Query("accelerate"), "PutBucketAccelerate"),
    Route::not_built(Verb::Get, Level::Bucket, When::Query("notification"), "GetBucketNotification"),
    Route::not_built(Verb::Put, Level::Bucket, When::Query("notification"), "PutBucketNotification"),
    Route::built(Verb::Get, Level::Bucket, When::Query("object-lock"), "GetBucketObjectLock", decode::lock::get_bucket),
    Route::built(Verb::Put, Level::Bucket, When::Query("object-lock"), "PutBucketObjectLock", decode::lock::put_bucket),
    Route::not_built(Verb::Get, Level::Bucket, When::Query("ownershipControls"), "GetBucketOwnershipControls"),
    Route::not_built(Verb::Put, Level::Bucket, When::Query("ownershipControls"), "PutBucketOwnershipControls"),
    Route::not_built(Verb::Delete, Level::Bucket, When::Query("ownershipControls"), "DeleteBucketOwnershipControls"),
    Route::not_built(Verb::Get, Level::Bucket, When::Query("abac"), "GetBucketAbac"),
    Route::not_built(Verb::Put, Level::Bucket, When::Query("abac"), "PutBucketAbac"),
    Route::not_built(
        Verb::Post,
        Level::Bucket,
        When::Query("metadataConfiguration"),
        "CreateBucketMetadataConfiguration",
    ),
    Route::not_built(Verb::Get, Level::Bucket, When::Query("metadataConfiguration"), "GetBucketMetadataConfiguration"),
    Route::not_built(
        Verb::Delete,
        Level::Bucket,
        When::Query("metadataConfiguration"),
        "DeleteBucketMetadataConfiguration",
    ),
    Route::not_built(Verb::Post, Level::Bucket, When::Query("metadataTable"), "CreateBucketMetadataTableConfiguration"),
    Route::not_built(Verb::Get, Level::Bucket, When::Query("metadataTable"), "GetBucketMetadataTableConfiguration"),
    Route::not_built(
        Verb::Delete,
        Level::Bucket,
        When::Query("metadataTable"),
        "DeleteBucketMetadataTableConfiguration",
    ),
    Route::not_built(
        Verb::Put,
        Level::Bucket,
        When::Query("metadataInventoryTable"),
        "UpdateBucketMetadataInventoryTable",
    ),
    Route::not_built(Verb::Put, Level::Bucket, When::Query("metadataJournalTable"), "UpdateBucketMetadataJournalTable"),
    Route::not_built(Verb::Get, Level::Bucket, When::Query("session"), "CreateSession"),
    Route::built(Verb::Get, Level::Object, When::Query("legal-hold"), "GetObjectLegalHold", |request| {
        decode::object_setting::get(request, ObjectSettingKind::LegalHold)
    }),
    Route::built(
        Verb::Put,
        Level::Object,
        When::Query("legal-hold"),
        "PutObjectLegalHold",
        decode::lock::put_legal_hold,
    ),
    Route::not_built(Verb::Get, Level::Object, When::Query("annotation"), "GetObjectAnnotation"),
    Route::not_built(Verb::Put, Level::Object, When::Query("annotation"), "PutObjectAnnotation"),
    Route::not_built(Verb::Delete, Level::Object, When::Query("annotation"), "DeleteObjectAnnotation"),
    Route::built(
        Verb::Get,
        Level::Object,
        When::Query("attributes"),
        "GetObjectAttributes",
        decode::object::attributes,
    ),
    Route::not_built(Verb::Get, Level::Object, When::Query("torrent"), "GetObjectTorrent"),
    Route::not_built(Verb::Post, Level::Object, When::Query("select"), "SelectObjectContent"),
    Route::not_built(Verb::Put, Level::Object, When::Query("renameObject"), "RenameObject"),
    Route::built(
        Verb::Put,
        Level::Object,
        When::Query("encryption"),
        "UpdateObjectEncryption",
        decode::amend::update_encryption,
    ),
];
