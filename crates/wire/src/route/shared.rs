//! Operations that every dialect has, unless a row of its own says otherwise.

use strongroom_model::setting::{ObjectSettingKind, SettingKind};

use super::{Route, Verb, When};
use crate::decode;
use crate::target::Level;

/// The shared rows.
pub(crate) const ROWS: &[Route] = &[
    Route::built(Verb::Options, Level::Service, When::Anything, "OptionsPreflight", decode::cors::preflight),
    Route::built(Verb::Options, Level::Bucket, When::Anything, "OptionsPreflight", decode::cors::preflight),
    Route::built(Verb::Options, Level::Object, When::Anything, "OptionsPreflight", decode::cors::preflight),
    Route::built(Verb::Get, Level::Service, When::Plain, "ListBuckets", decode::service::list_buckets),
    Route::built(Verb::Get, Level::Bucket, When::Query("encryption"), "GetBucketEncryption", |request| {
        decode::setting::get(request, SettingKind::Encryption)
    }),
    Route::built(
        Verb::Put,
        Level::Bucket,
        When::Query("encryption"),
        "PutBucketEncryption",
        decode::setting::put_encryption,
    ),
    Route::built(
        Verb::Delete,
        Level::Bucket,
        When::Query("encryption"),
        "DeleteBucketEncryption",
        decode::setting::delete_encryption,
    ),
    Route::built(Verb::Get, Level::Bucket, When::Query("location"), "GetBucketLocation", decode::bucket::location),
    Route::built(Verb::Post, Level::Bucket, When::Query("delete"), "DeleteObjects", decode::batch::delete_objects),
    Route::built(Verb::Get, Level::Bucket, When::Query("acl"), "GetBucketAcl", |request| {
        decode::setting::get(request, SettingKind::Acl)
    }),
    Route::built(Verb::Put, Level::Bucket, When::Query("acl"), "PutBucketAcl", decode::setting::put_acl),
    Route::built(Verb::Get, Level::Bucket, When::Query("cors"), "GetBucketCors", |request| {
        decode::setting::get(request, SettingKind::Cors)
    }),
    Route::built(Verb::Put, Level::Bucket, When::Query("cors"), "PutBucketCors", decode::setting::put_cors),
    Route::built(Verb::Delete, Level::Bucket, When::Query("cors"), "DeleteBucketCors", |request| {
        decode::setting::delete(request, SettingKind::Cors)
    }),
    Route::built(Verb::Get, Level::Bucket, When::Query("policy"), "GetBucketPolicy", decode::setting::get_policy),
    Route::built(Verb::Put, Level::Bucket, When::Query("policy"), "PutBucketPolicy", decode::setting::put_policy),
    Route::built(
        Verb::Delete,
        Level::Bucket,
        When::Query("policy"),
        "DeleteBucketPolicy",
        decode::setting::delete_policy,
    ),
    Route::built(
        Verb::Get,
        Level::Bucket,
        When::Query("policyStatus"),
        "GetBucketPolicyStatus",
        decode::setting::policy_status,
    ),
    Route::built(Verb::Get, Level::Bucket, When::Query("publicAccessBlock"), "GetPublicAccessBlock", |request| {
        decode::setting::get(request, SettingKind::PublicAccessBlock)
    }),
    Route::built(
        Verb::Put,
        Level::Bucket,
        When::Query("publicAccessBlock"),
        "PutPublicAccessBlock",
        decode::setting::put_public_access_block,
    ),
    Route::built(Verb::Delete, Level::Bucket, When::Query("publicAccessBlock"), "DeletePublicAccessBlock", |request| {
        decode::setting::delete(request, SettingKind::PublicAccessBlock)
    }),
    Route::built(Verb::Get, Level::Bucket, When::Query("tagging"), "GetBucketTagging", |request| {
        decode::setting::get(request, SettingKind::Tagging)
    }),
    Route::built(Verb::Put, Level::Bucket, When::Query("tagging"), "PutBucketTagging", decode::setting::put_tagging),
    Route::built(
        Verb::Delete,
        Level::Bucket,
        When::Query("tagging"),
        "DeleteBucketTagging",
        decode::setting::delete_tagging,
    ),
    Route::built(Verb::Get, Level::Bucket, When::Query("lifecycle"), "GetBucketLifecycle", |request| {
        decode::setting::get(request, SettingKind::Lifecycle)
    }),
    Route::built(
        Verb::Put,
        Level::Bucket,
        When::Query("lifecycle"),
        "PutBucketLifecycle",
        decode::setting::put_lifecycle,
    ),
    Route::built(Verb::Delete, Level::Bucket, When::Query("lifecycle"), "DeleteBucketLifecycle", |request| {
        decode::setting::delete(request, SettingKind::Lifecycle)
    }),
    Route::not_built(Verb::Get, Level::Bucket, When::Query("logging"), "GetBucketLogging"),
    Route::not_built(Verb::Put, Level::Bucket, When::Query("logging"), "PutBucketLogging"),
    Route::not_built(Verb::Delete, Level::Bucket, When::Query("logging"), "DeleteBucketLogging"),
    Route::not_built(Verb::Get, Level::Bucket, When::Query("website"), "GetBucketWebsite"),
    Route::not_built(Verb::Put, Level::Bucket, When::Query("website"), "PutBucketWebsite"),
    Route::not_built(Verb::Delete, Level::Bucket, When::Query("website"), "DeleteBucketWebsite"),
    Route::built(Verb::Get, Level::Bucket, When::Query("versioning"), "GetBucketVersioning", |request| {
        decode::setting::get(request, SettingKind::Versioning)
    }),
    Route::built(
        Verb::Put,
        Level::Bucket,
        When::Query("versioning"),
        "PutBucketVersioning",
        decode::setting::put_versioning,
    ),
    Route::not_built(Verb::Get, Level::Bucket, When::Query("requestPayment"), "GetBucketRequestPayment"),
    Route::not_built(Verb::Put, Level::Bucket, When::Query("requestPayment"), "PutBucketRequestPayment"),
    Route::not_built(Verb::Get, Level::Bucket, When::Query("replication"), "GetBucketReplication"),
    Route::not_built(Verb::Put, Level::Bucket, When::Query("replication"), "PutBucketReplication"),
    Route::not_built(Verb::Delete, Level::Bucket, When::Query("replication"), "DeleteBucketReplication"),
    Route::built(
        Verb::Get,
        Level::Bucket,
        When::Queries("inventory", "id"),
        "GetBucketInventory",
        decode::inventory::get,
    ),
    Route::built(Verb::Get, Level::Bucket, When::Query("inventory"), "ListBucketInventory", decode::inventory::list),
    Route::built(Verb::Put, Level::Bucket, When::Query("inventory"), "PutBucketInventory", decode::inventory::put),
    Route::built(
        Verb::Delete,
        Level::Bucket,
        When::Query("inventory"),
        "DeleteBucketInventory",
        decode::inventory::delete,
    ),
    Route::built(
        Verb::Get,
        Level::Bucket,
        When::Query("versions"),
        "ListObjectVersions",
        decode::listing::list_versions,
    ),
    Route::built(
        Verb::Get,
        Level::Bucket,
        When::Query("uploads"),
        "ListMultipartUploads",
        decode::upload::list_uploads,
    ),
    Route::built(
        Verb::Get,
        Level::Bucket,
        When::QueryIs("list-type", "2"),
        "ListObjectsV2",
        decode::listing::list_objects,
    ),
    Route::built(Verb::Get, Level::Bucket, When::Plain, "ListObjects", decode::listing::list_objects),
    Route::built(Verb::Put, Level::Bucket, When::Plain, "CreateBucket", decode::bucket::create),
    Route::built(Verb::Head, Level::Bucket, When::Plain, "HeadBucket", decode::bucket::head),
    Route::built(Verb::Delete, Level::Bucket, When::Plain, "DeleteBucket", decode::bucket::delete),
    Route::built(Verb::Post, Level::Bucket, When::Plain, "PostObject", decode::form::post_object),
    Route::built(Verb::Get, Level::Object, When::Query("acl"), "GetObjectAcl", |request| {
        decode::object_setting::get(request, ObjectSettingKind::Acl)
    }),
    Route::built(Verb::Put, Level::Object, When::Query("acl"), "PutObjectAcl", decode::object_setting::put_acl),
    Route::built(Verb::Get, Level::Object, When::Query("tagging"), "GetObjectTagging", |request| {
        decode::object_setting::get(request, ObjectSettingKind::Tagging)
    }),
    Route::built(
        Verb::Put,
        Level::Object,
        When::Query("tagging"),
        "PutObjectTagging",
        decode::object_setting::put_tagging,
    ),
    Route::built(Verb::Delete, Level::Object, When::Query("tagging"), "DeleteObjectTagging", |request| {
        decode::object_setting::delete(request, ObjectSettingKind::Tagging)
    }),
    Route::built(Verb::Get, Level::Object, When::Query("retention"), "GetObjectRetention", |request| {
        decode::object_setting::get(request, ObjectSettingKind::Retention)
    }),
    Route::built(Verb::Put, Level::Object, When::Query("retention"), "PutObjectRetention", decode::lock::put_retention),
    Route::not_built(Verb::Post, Level::Object, When::Query("restore"), "RestoreObject"),
    Route::built(Verb::Post, Level::Object, When::Query("uploads"), "CreateMultipartUpload", decode::upload::initiate),
    Route::built(
        Verb::Put,
        Level::Object,
        When::QueriesAndHeader("partNumber", "uploadId", "copy-source"),
        "UploadPartCopy",
        decode::copy::copy_part,
    ),
    Route::built(
        Verb::Put,
        Level::Object,
        When::Queries("partNumber", "uploadId"),
        "UploadPart",
        decode::upload::write_part,
    ),
    Route::built(Verb::Get, Level::Object, When::Query("uploadId"), "ListParts", decode::upload::list_parts),
    Route::built(
        Verb::Post,
        Level::Object,
        When::Query("uploadId"),
        "CompleteMultipartUpload",
        decode::upload::complete,
    ),
    Route::built(Verb::Delete, Level::Object, When::Query("uploadId"), "AbortMultipartUpload", decode::upload::abort),
    Route::built(Verb::Get, Level::Object, When::Query("partNumber"), "GetObjectByPart", decode::object::get),
    Route::built(Verb::Head, Level::Object, When::Query("partNumber"), "HeadObjectByPart", decode::object::head),
    Route::built(Verb::Put, Level::Object, When::Header("copy-source"), "CopyObject", decode::copy::copy_object),
    Route::built(Verb::Put, Level::Object, When::Plain, "PutObject", decode::put::put_object),
    Route::built(Verb::Get, Level::Object, When::Plain, "GetObject", decode::object::get),
    Route::built(Verb::Head, Level::Object, When::Plain, "HeadObject", decode::object::head),
    Route::built(Verb::Delete, Level::Object, When::Plain, "DeleteObject", decode::object::delete),
];
