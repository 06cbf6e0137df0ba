//! Outcomes and failures to answers.

pub(crate) mod amend;
pub(crate) mod answer;
pub(crate) mod bucket;
pub(crate) mod copy;
pub(crate) mod echo;
pub(crate) mod failure;
pub(crate) mod form;
pub(crate) mod listing;
pub(crate) mod object;
pub(crate) mod upload;
pub(crate) mod versions;

use http::Response;
use http::header::CONTENT_TYPE;
use strongroom_model::failure::FailureCode;
use strongroom_model::operation::bucket::UsageReport;
use strongroom_model::outcome::{BucketOutcome, ObjectOutcome, Outcome};
use strongroom_model::setting::{ObjectSetting, Setting, SettingKind};

use crate::cors;
use crate::dialect::{Dialect, PublicAccessDocument};
use crate::document;
use crate::exchange::{Exchange, Payload};
use answer::Answer;

/// The version of OBS's interface that the OBS clients ask for and compare.
pub(crate) const OBS_API: &str = "3.0";

/// The answer to an operation that succeeded.
pub(crate) fn outcome(dialect: &Dialect, outcome: &Outcome, exchange: &Exchange<'_>) -> Response<Payload> {
    let answer = Answer::new(dialect, exchange);
    match outcome {
        Outcome::Probed => answer.field("api", OBS_API).empty(200),
        Outcome::Buckets(listed) => answer.document((dialect.documents.buckets)(listed, dialect, exchange.site)),
        Outcome::Bucket(outcome) => of_bucket(dialect, outcome, answer, exchange),
        Outcome::Object(outcome) => of_object(dialect, outcome, answer, exchange),
        Outcome::Upload(outcome) => upload::answer(answer, outcome, exchange),
        // The admin API has its own answers, in JSON; this dialect has no word for any of them.
        Outcome::Key(_) | Outcome::Admin(_) => answer.empty(204),
    }
}

/// The head of an answer whose document comes later.
pub(crate) fn late(dialect: &Dialect, exchange: &Exchange<'_>) -> Response<Payload> {
    Answer::new(dialect, exchange).header(CONTENT_TYPE, "application/xml").end(200, Payload::Empty)
}

fn of_bucket(
    dialect: &Dialect,
    outcome: &BucketOutcome,
    answer: Answer<'_>,
    exchange: &Exchange<'_>,
) -> Response<Payload> {
    match outcome {
        BucketOutcome::Created(facts) => bucket::created(answer, facts),
        BucketOutcome::Deleted | BucketOutcome::SettingDeleted => answer.empty(204),
        // AWS has no bucket without a rule, so that there a deletion puts the base rule back.
        BucketOutcome::SettingPut(_) if exchange.method == http::Method::DELETE => answer.empty(204),
        BucketOutcome::SettingPut(SettingKind::Policy) => answer.empty(dialect.documents.policy_put),
        BucketOutcome::SettingPut(SettingKind::Tagging) => answer.empty(dialect.settings.bucket_tags_put),
        BucketOutcome::SettingPut(
            SettingKind::Encryption
            | SettingKind::Versioning
            | SettingKind::Acl
            | SettingKind::StorageClass
            | SettingKind::Quota
            | SettingKind::Cors
            | SettingKind::PublicAccessBlock
            | SettingKind::Lifecycle
            | SettingKind::ObjectLock,
        )
        | BucketOutcome::WormChanged => answer.empty(200),
        BucketOutcome::WormInitiated(id) => answer.field("worm-id", &document::lock::worm_id(id)).empty(200),
        BucketOutcome::Worm(worm) => answer.document(document::lock::write_worm(worm, dialect)),
        BucketOutcome::Head(facts) => bucket::head(answer, facts),
        BucketOutcome::Location(facts) => answer.document((dialect.documents.location)(facts, dialect)),
        BucketOutcome::Info(facts) => answer.document(bucket::info(facts, dialect, exchange.site)),
        BucketOutcome::Objects(listed) => {
            let location = dialect.resources.bucket_location;
            answer.field(location, listed.location.as_str()).document(listing::objects(listed, dialect))
        }
        BucketOutcome::Versions(listed) => {
            let location = dialect.resources.bucket_location;
            answer.field(location, listed.location.as_str()).document(versions::versions(listed, dialect))
        }
        BucketOutcome::Setting(setting) => of_setting(dialect, setting, answer, exchange),
        BucketOutcome::Usage(usage, UsageReport::StorageInfo) => {
            answer.document(document::storage::write_info(usage, dialect))
        }
        BucketOutcome::Usage(usage, UsageReport::Stat) => {
            answer.document(document::storage::write_statistics(usage, dialect))
        }
        BucketOutcome::CrossOrigin(grant) => {
            let mut response = answer.empty(200);
            cors::allow(response.headers_mut(), grant, dialect);
            response
        }
        BucketOutcome::Inventory(inventory) => answer.document(document::inventory::write(inventory, dialect)),
        BucketOutcome::InventoryPut => answer.empty(200),
        BucketOutcome::Inventories(listed) => answer.document(document::inventory::write_list(listed, dialect)),
        BucketOutcome::PolicyStatus { is_public } => answer.document(bucket::policy_status(*is_public, dialect)),
    }
}

fn of_setting(dialect: &Dialect, setting: &Setting, answer: Answer<'_>, exchange: &Exchange<'_>) -> Response<Payload> {
    match setting {
        Setting::Tagging(tags) if tags.is_empty() && dialect.settings.no_bucket_tags_fails => {
            failure::answer(dialect, &FailureCode::NoTagSet.into(), exchange)
        }
        Setting::Encryption(rule) => answer.document((dialect.documents.write_encryption)(rule, dialect)),
        Setting::Versioning(versioning) => answer.document(document::versioning::write(*versioning, dialect)),
        Setting::Policy(policy) => answer.json(&policy.text),
        Setting::Tagging(tags) => answer.document(document::tagging::write(tags, dialect)),
        Setting::Acl(list) => answer.document(document::acl::write(list, dialect)),
        Setting::StorageClass(class) => answer.document(document::storage::write_class(*class, dialect)),
        Setting::Cors(rules) => answer.document(document::cors::write(rules, dialect)),
        Setting::PublicAccessBlock(None) if dialect.settings.public_access == PublicAccessDocument::Switches => {
            failure::answer(dialect, &FailureCode::NoPublicAccessBlock.into(), exchange)
        }
        Setting::PublicAccessBlock(block) => {
            answer.document(document::public_access::write(block.unwrap_or_default(), dialect))
        }
        Setting::Quota(quota) => answer.document(document::storage::write_quota(*quota, dialect)),
        Setting::Lifecycle(rules) => answer.document(document::lifecycle::write(rules, dialect)),
        Setting::ObjectLock(lock) => answer.document(document::lock::write_configuration(lock, dialect)),
    }
}

fn of_object(
    dialect: &Dialect,
    outcome: &ObjectOutcome,
    answer: Answer<'_>,
    exchange: &Exchange<'_>,
) -> Response<Payload> {
    match outcome {
        ObjectOutcome::Put(written) => match exchange.form {
            Some(reply) => form::written(answer, written, reply),
            None => object::written(answer, written),
        },
        ObjectOutcome::Copied(copied) => copy::copied(answer, copied),
        ObjectOutcome::Appended(appended) => amend::appended(answer, appended),
        ObjectOutcome::AppendSealed { version, at } => amend::sealed(answer.version(*version), Some(*at)).empty(200),
        ObjectOutcome::Symlink(link) => object::symlink(answer, link),
        ObjectOutcome::MetadataSet(facts) => amend::metadata_set(answer, facts),
        ObjectOutcome::EncryptionUpdated { version } => answer.version(*version).empty(200),
        ObjectOutcome::Read(read) => object::read(answer, read),
        ObjectOutcome::Head(read) => object::head(answer, read),
        ObjectOutcome::Meta(read) => object::meta(answer, &read.facts),
        ObjectOutcome::Attributes(told) => upload::attributes(answer, told),
        ObjectOutcome::Deleted { version, marker } => answer.version(version.or(*marker)).marked(*marker).empty(204),
        ObjectOutcome::ManyDeleted(many) => answer.document(listing::many_deleted(many, dialect, exchange)),
        ObjectOutcome::Setting { setting: ObjectSetting::Tagging(tags), .. }
            if tags.is_empty() && dialect.settings.no_object_tags_fails =>
        {
            failure::answer(dialect, &FailureCode::NoTagSet.into(), exchange)
        }
        ObjectOutcome::Setting { version, setting } => {
            answer.version(*version).document(object::setting(setting, dialect))
        }
        ObjectOutcome::SettingPut { version } => answer.version(*version).empty(200),
        ObjectOutcome::SettingDeleted { version } => answer.version(*version).empty(204),
    }
}
