//! Answers about buckets.

use http::Response;
use http::header::LOCATION;
use strongroom_model::account::AccountId;
use strongroom_model::metadata::StorageClass;
use strongroom_model::outcome::bucket::{BucketFacts, ListedBuckets};
use strongroom_model::public_access::PublicAccessBlock;
use strongroom_model::time::Timestamp;

use crate::dialect::Dialect;
use crate::document::writer::Writer;
use crate::document::{encryption, versioning};
use crate::encode::answer::Answer;
use crate::encode::echo;
use crate::exchange::{Payload, Site};
use crate::text::bytes::token;

/// The region that AWS never names in a location.
const UNNAMED_REGION: &str = "us-east-1";

/// To CreateBucket.
pub(crate) fn created(answer: Answer<'_>, facts: &BucketFacts) -> Response<Payload> {
    let answer = answer.header(LOCATION, &format!("/{}", facts.name));
    echo::bucket(answer, facts.encryption.as_ref()).empty(200)
}

/// To HeadBucket.
pub(crate) fn head(answer: Answer<'_>, facts: &BucketFacts) -> Response<Payload> {
    let dialect = answer.dialect();
    let class = dialect.resources.class_word(facts.storage_class);
    let class_header = dialect.resources.bucket_class_headers.first().map(|name| (*name, class));
    let constant = dialect.format.bucket_headers.iter().copied();
    let answer = answer.field(dialect.resources.bucket_location, facts.location.as_str());
    constant.chain(class_header).fold(answer, |answer, (name, value)| answer.named(name, value)).empty(200)
}

/// `PolicyStatus`.
pub(crate) fn policy_status(is_public: bool, dialect: &Dialect) -> Writer {
    let documents = &dialect.documents;
    Writer::document(documents.declaration, "PolicyStatus", documents.namespace, |writer| {
        writer.leaf("IsPublic", is_public);
    })
}

/// `ListAllMyBucketsResult` of S3.
pub(crate) fn s3_buckets(listed: &ListedBuckets, dialect: &Dialect, _: &Site) -> Writer {
    buckets(listed, dialect, |writer| {
        writer.element("Buckets", |writer| {
            for bucket in &listed.buckets {
                writer.element("Bucket", |writer| {
                    writer.leaf("Name", &bucket.name);
                    writer.leaf("CreationDate", iso_seconds(bucket.created));
                    writer.leaf("BucketRegion", &bucket.location);
                });
            }
        });
        writer.optional("ContinuationToken", next_marker(listed).map(token));
        writer.optional("Prefix", Some(&listed.request.prefix).filter(|prefix| !prefix.is_empty()));
    })
}

/// `ListAllMyBucketsResult` of OBS.
pub(crate) fn obs_buckets(listed: &ListedBuckets, dialect: &Dialect, _: &Site) -> Writer {
    buckets(listed, dialect, |writer| {
        writer.element("Buckets", |writer| {
            for bucket in &listed.buckets {
                writer.element("Bucket", |writer| {
                    writer.leaf("Name", &bucket.name);
                    writer.leaf("CreationDate", iso_seconds(bucket.created));
                    writer.leaf("Location", &bucket.location);
                    writer.leaf("BucketType", "OBJECT");
                });
            }
        });
        if let Some(max_keys) = listed.request.max_keys {
            writer.leaf("Marker", &listed.request.marker);
            writer.optional("NextMarker", next_marker(listed));
            writer.leaf("IsTruncated", listed.truncated);
            writer.leaf("MaxKeys", max_keys);
        }
    })
}

/// `ListAllMyBucketsResult` of OSS, every element of which oss2 insists on.
pub(crate) fn oss_buckets(listed: &ListedBuckets, dialect: &Dialect, site: &Site) -> Writer {
    buckets(listed, dialect, |writer| {
        writer.leaf("Prefix", &listed.request.prefix);
        writer.leaf("Marker", &listed.request.marker);
        writer.optional("MaxKeys", listed.request.max_keys);
        writer.leaf("IsTruncated", listed.truncated);
        writer.optional("NextMarker", next_marker(listed));
        writer.element("Buckets", |writer| {
            for bucket in &listed.buckets {
                writer.element("Bucket", |writer| {
                    writer.leaf("Name", &bucket.name);
                    writer.leaf("Location", oss_location(bucket));
                    writer.leaf("CreationDate", iso_seconds(bucket.created));
                    endpoints(writer, site);
                    writer.leaf("StorageClass", dialect.resources.class_word(bucket.storage_class));
                    writer.leaf("Region", &bucket.location);
                });
            }
        });
    })
}

/// A location of S3. The OBS clients look for it one level deeper in this dialect, so both find it.
pub(crate) fn s3_location(facts: &BucketFacts, dialect: &Dialect) -> Writer {
    let documents = &dialect.documents;
    Writer::document(documents.declaration, "LocationConstraint", documents.namespace, |writer| {
        if facts.location.as_str() != UNNAMED_REGION {
            writer.text(facts.location.as_str());
        }
        writer.leaf("LocationConstraint", &facts.location);
    })
}

/// A location of OBS.
pub(crate) fn obs_location(facts: &BucketFacts, dialect: &Dialect) -> Writer {
    let documents = &dialect.documents;
    Writer::document(documents.declaration, "Location", documents.namespace, |writer| {
        writer.text(facts.location.as_str());
    })
}

/// A location of OSS.
pub(crate) fn oss_location_document(facts: &BucketFacts, dialect: &Dialect) -> Writer {
    let documents = &dialect.documents;
    Writer::document(documents.declaration, "LocationConstraint", documents.namespace, |writer| {
        writer.text(&oss_location(facts));
    })
}

/// `BucketInfo` of OSS.
pub(crate) fn info(facts: &BucketFacts, dialect: &Dialect, site: &Site) -> Writer {
    let documents = &dialect.documents;
    Writer::document(documents.declaration, "BucketInfo", documents.namespace, |writer| {
        writer.element("Bucket", |writer| {
            writer.leaf("AccessMonitor", "Disabled");
            writer.leaf("BlockPublicAccess", facts.public_access_block == Some(PublicAccessBlock::ALL));
            writer.leaf("Comment", "");
            writer.leaf("CreationDate", iso_seconds(facts.created));
            writer.leaf("CrossRegionReplication", "Disabled");
            writer.leaf("DataRedundancyType", "LRS");
            endpoints(writer, site);
            writer.leaf("Location", oss_location(facts));
            writer.leaf("Name", &facts.name);
            writer.leaf("StorageClass", dialect.resources.class_word(facts.storage_class));
            writer.leaf("TransferAcceleration", "Disabled");
            writer.optional("Versioning", versioning::word(facts.versioning));
            owner(writer, facts.owner, dialect);
            writer.element("AccessControlList", |writer| {
                writer.leaf("Grant", dialect.resources.acl_word(facts.acl.closest()))
            });
            writer.element("ServerSideEncryptionRule", |writer| match &facts.encryption {
                Some(rule) => encryption::rule(writer, rule, &dialect.encryption),
                None => writer.leaf("SSEAlgorithm", "None"),
            });
            writer.element("BucketPolicy", |writer| {
                writer.leaf("LogBucket", "");
                writer.leaf("LogPrefix", "");
            });
        });
    })
}

/// `Owner`, as the dialect's listings have it.
pub(crate) fn owner(writer: &mut Writer, account: AccountId, dialect: &Dialect) {
    let style = &dialect.documents.listing;
    writer.element("Owner", |writer| {
        writer.leaf("ID", (style.owner)(account));
        if style.owner_name {
            writer.leaf("DisplayName", (style.owner_shown)(account));
        }
    });
}

/// A time in ISO 8601, in whole seconds but with the milliseconds that all parsers expect and oss2 expects to be zero.
pub(crate) fn iso_seconds(when: Timestamp) -> Timestamp {
    Timestamp::from_seconds(when.seconds())
}

fn buckets(listed: &ListedBuckets, dialect: &Dialect, content: impl FnOnce(&mut Writer)) -> Writer {
    let documents = &dialect.documents;
    Writer::document(documents.declaration, "ListAllMyBucketsResult", documents.namespace, |writer| {
        owner(writer, listed.owner, dialect);
        content(writer);
    })
}

fn next_marker(listed: &ListedBuckets) -> Option<&str> {
    let last = listed.buckets.last().map(|bucket| bucket.name.as_str());
    last.filter(|_| listed.truncated)
}

fn oss_location(facts: &BucketFacts) -> String {
    format!("oss-{}", facts.location)
}

/// Where the service is reached, from outside and from inside: the same here.
fn endpoints(writer: &mut Writer, site: &Site) {
    let domain = site.domains.first().map(String::as_str).unwrap_or_default();
    writer.leaf("ExtranetEndpoint", domain);
    writer.leaf("IntranetEndpoint", domain);
}

/// Whether an answer leaves the storage class out.
pub(crate) fn hides_class(dialect: &Dialect, class: StorageClass) -> bool {
    class == StorageClass::Standard && !dialect.format.always_shows_class
}
