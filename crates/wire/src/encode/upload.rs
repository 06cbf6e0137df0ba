//! Answers about multipart uploads.

use http::Response;
use strongroom_model::checksum::{Checksum, ChecksumScope};
use strongroom_model::name::UploadId;
use strongroom_model::operation::object::ObjectAttribute;
use strongroom_model::operation::upload::UploadChecksum;
use strongroom_model::outcome::object::{ObjectAttributes, PartsPage};
use strongroom_model::outcome::upload::{
    ListedPart, ListedParts, ListedUpload, ListedUploads, PartWritten, UploadCompleted, UploadInitiated, UploadOutcome,
};

use crate::decode::upload::scope_word;
use crate::dialect::{ChecksumsShown, Dialect};
use crate::document::writer::Writer;
use crate::encode::answer::{Answer, spell_tag};
use crate::encode::bucket::iso_seconds;
use crate::encode::copy;
use crate::encode::echo::{self, Told};
use crate::encode::listing::spelled;
use crate::encode::object;
use crate::exchange::{Exchange, Payload};
use crate::signature::date;

/// The answer to an operation on an upload.
pub(crate) fn answer(answer: Answer<'_>, outcome: &UploadOutcome, exchange: &Exchange<'_>) -> Response<Payload> {
    let dialect = answer.dialect();
    match outcome {
        UploadOutcome::Initiated(initiated) => begun(answer, initiated),
        UploadOutcome::PartWritten(written) => part(answer, written),
        UploadOutcome::PartCopied(copied) => copy::part(answer, copied),
        UploadOutcome::Completed(completed) => made(answer, completed, exchange),
        UploadOutcome::Aborted => answer.empty(204),
        UploadOutcome::Parts(listed) => answer.document(parts(listed, dialect)),
        UploadOutcome::Uploads(listed) => answer.document(uploads(listed, dialect)),
    }
}

/// To GetObjectAttributes.
pub(crate) fn attributes(answer: Answer<'_>, told: &ObjectAttributes) -> Response<Payload> {
    let dialect = answer.dialect();
    let facts = &told.facts;
    let documents = &dialect.documents;
    let wants = |attribute| told.wanted.contains(&attribute);
    let document =
        Writer::document(documents.declaration, "GetObjectAttributesResponse", documents.namespace, |writer| {
            if wants(ObjectAttribute::Tag) {
                writer.leaf("ETag", facts.etag.lower_hex());
            }
            if wants(ObjectAttribute::Checksum) && !facts.checksums.is_empty() {
                writer.element("Checksum", |writer| checksums(writer, &facts.checksums, true, dialect));
            }
            if let Some(count) = told.count.filter(|_| wants(ObjectAttribute::Parts)) {
                writer.element("ObjectParts", |writer| object_parts(writer, count, told.parts.as_ref(), dialect));
            }
            if wants(ObjectAttribute::StorageClass) {
                writer.leaf("StorageClass", dialect.resources.class_word(facts.storage_class));
            }
            if wants(ObjectAttribute::Size) {
                writer.leaf("ObjectSize", facts.size);
            }
        });
    let modified = date::rfc1123(facts.last_modified);
    answer.version(facts.version).header(http::header::LAST_MODIFIED, &modified).document(document)
}

fn begun(answer: Answer<'_>, initiated: &UploadInitiated) -> Response<Payload> {
    let dialect = answer.dialect();
    let asked = initiated.checksum.filter(|checksum| checksum.asked && dialect.resources.checksum_kind.is_some());
    let answer = echo::object(answer, &initiated.encryption, Told::Beginning);
    let answer = match asked {
        Some(checksum) => answer
            .field("checksum-algorithm", &algorithm_word(checksum))
            .field("checksum-type", scope_word(checksum.scope)),
        None => answer,
    };
    let documents = &dialect.documents;
    let upload = &initiated.upload;
    let root = "InitiateMultipartUploadResult";
    answer.document(Writer::document(documents.declaration, root, documents.namespace, |writer| {
        writer.leaf("Bucket", &upload.bucket);
        writer.leaf("Key", spelled(upload.key.as_str(), initiated.url_encoded));
        writer.leaf("UploadId", spell_upload(upload.id));
        writer.optional("EncodingType", initiated.url_encoded.then_some("url"));
    }))
}

fn part(answer: Answer<'_>, written: &PartWritten) -> Response<Payload> {
    let answer = echo::object(answer.etag(&written.etag), &written.encryption, Told::Part);
    let answer = object::checksum_values(object::digest(answer, written.md5), &written.checksums);
    answer.empty(200)
}

fn made(answer: Answer<'_>, completed: &UploadCompleted, exchange: &Exchange<'_>) -> Response<Payload> {
    let dialect = answer.dialect();
    let in_headers = dialect.resources.checksums_shown == ChecksumsShown::Always;
    // The clients of OSS read the tag of a header, those of the others the document's.
    let answer = answer.etag(&completed.etag).version(completed.version);
    let answer = echo::object(answer, &completed.encryption, Told::Completion);
    let answer = object::expiring(answer, completed.expiration.as_ref());
    let answer = if in_headers { object::checksums(answer, &completed.checksums) } else { answer };
    let documents = &dialect.documents;
    let upload = &completed.upload;
    let root = "CompleteMultipartUploadResult";
    answer.document(Writer::document(documents.declaration, root, documents.namespace, |writer| {
        writer.leaf("Location", format!("http://{}{}", exchange.host, exchange.path));
        writer.leaf("Bucket", &upload.bucket);
        writer.leaf("Key", spelled(upload.key.as_str(), completed.url_encoded));
        writer.leaf("ETag", spell_tag(dialect, &completed.etag));
        if completed.checksum_asked && !in_headers {
            checksums(writer, &completed.checksums, true, dialect);
        }
        writer.optional("EncodingType", completed.url_encoded.then_some("url"));
    }))
}

/// `ListPartsResult`.
fn parts(listed: &ListedParts, dialect: &Dialect) -> Writer {
    let (documents, request) = (&dialect.documents, &listed.request);
    let last = listed.parts.last().map_or(request.after, |part| part.number.get());
    Writer::document(documents.declaration, "ListPartsResult", documents.namespace, |writer| {
        writer.leaf("Bucket", &request.upload.bucket);
        writer.leaf("Key", spelled(request.upload.key.as_str(), request.url_encoded));
        writer.leaf("UploadId", spell_upload(request.upload.id));
        if let Some(spell) = documents.listing.initiator {
            writer.element("Initiator", |writer| {
                writer.leaf("ID", spell(&listed.initiator));
                if documents.listing.owner_name {
                    writer.leaf("DisplayName", &listed.initiator);
                }
            });
            writer.element("Owner", |writer| writer.leaf("ID", (documents.listing.owner)(listed.owner)));
        }
        writer.leaf("StorageClass", dialect.resources.class_word(listed.storage_class));
        writer.leaf("PartNumberMarker", request.after);
        writer.leaf("NextPartNumberMarker", last);
        writer.leaf("MaxParts", request.max_parts);
        writer.optional("EncodingType", request.url_encoded.then_some("url"));
        writer.leaf("IsTruncated", listed.truncated);
        if let Some(checksum) = listed.checksum.filter(|_| dialect.resources.checksum_kind.is_some()) {
            writer.leaf("ChecksumAlgorithm", algorithm_word(checksum));
            writer.leaf("ChecksumType", scope_word(checksum.scope));
        }
        for part in &listed.parts {
            writer.element("Part", |writer| listed_part(writer, part, dialect));
        }
    })
}

fn listed_part(writer: &mut Writer, part: &ListedPart, dialect: &Dialect) {
    writer.leaf("PartNumber", part.number.get());
    writer.leaf("LastModified", iso_seconds(part.last_modified));
    writer.leaf("ETag", spell_tag(dialect, &part.etag));
    checksums(writer, &part.checksums, false, dialect);
    writer.leaf("Size", part.size);
}

/// `ListMultipartUploadsResult`. All names of a next page's beginning are there even if there is none, for clients insist.
fn uploads(listed: &ListedUploads, dialect: &Dialect) -> Writer {
    let (documents, request) = (&dialect.documents, &listed.request);
    let spell = |name| spelled(name, request.url_encoded);
    let next = listed.next.as_ref();
    Writer::document(documents.declaration, "ListMultipartUploadsResult", documents.namespace, |writer| {
        writer.leaf("Bucket", &request.bucket);
        writer.leaf("KeyMarker", spell(&request.key_marker));
        writer.leaf("UploadIdMarker", request.upload_marker.map(spell_upload).unwrap_or_default());
        writer.leaf("NextKeyMarker", next.map(|(key, _)| spell(key)).unwrap_or_default());
        writer.leaf("NextUploadIdMarker", next.and_then(|(_, id)| *id).map(spell_upload).unwrap_or_default());
        writer.optional("Delimiter", Some(&request.delimiter).filter(|text| !text.is_empty()).map(|text| spell(text)));
        writer.leaf("Prefix", spell(&request.prefix));
        writer.leaf("MaxUploads", request.max_uploads);
        writer.optional("EncodingType", request.url_encoded.then_some("url"));
        writer.leaf("IsTruncated", next.is_some());
        for upload in &listed.uploads {
            writer.element("Upload", |writer| listed_upload(writer, upload, listed, dialect));
        }
        for prefix in &listed.common_prefixes {
            writer.element("CommonPrefixes", |writer| writer.leaf("Prefix", spell(prefix)));
        }
    })
}

fn listed_upload(writer: &mut Writer, upload: &ListedUpload, listed: &ListedUploads, dialect: &Dialect) {
    let style = &dialect.documents.listing;
    writer.leaf("Key", spelled(upload.key.as_str(), listed.request.url_encoded));
    writer.leaf("UploadId", spell_upload(upload.id));
    if let Some(spell) = style.initiator {
        writer.element("Initiator", |writer| {
            writer.leaf("ID", spell(&upload.initiator));
            if style.owner_name {
                writer.leaf("DisplayName", &upload.initiator);
            }
        });
        writer.element("Owner", |writer| writer.leaf("ID", (style.owner)(listed.owner)));
    }
    writer.leaf("StorageClass", dialect.resources.class_word(upload.storage_class));
    writer.leaf("Initiated", iso_seconds(upload.initiated));
    if let Some(checksum) = upload.checksum.filter(|_| dialect.resources.checksum_kind.is_some()) {
        writer.leaf("ChecksumAlgorithm", algorithm_word(checksum));
        writer.leaf("ChecksumType", scope_word(checksum.scope));
    }
}

fn object_parts(writer: &mut Writer, count: u32, page: Option<&PartsPage>, dialect: &Dialect) {
    writer.leaf("PartsCount", count);
    let Some(page) = page else { return };
    writer.leaf("PartNumberMarker", page.after);
    writer.leaf("NextPartNumberMarker", page.parts.last().map_or(page.after, |part| part.number.get()));
    writer.leaf("MaxParts", page.max);
    writer.leaf("IsTruncated", page.truncated);
    for part in &page.parts {
        writer.element("Part", |writer| {
            writer.leaf("PartNumber", part.number.get());
            writer.leaf("Size", part.size);
            checksums(writer, &part.checksums, false, dialect);
        });
    }
}

/// The checksums that the dialect has elements for, and over what they are, where it asks for that.
/// Checksums in the elements that the dialect has for them.
pub(crate) fn checksums(writer: &mut Writer, kept: &[Checksum], with_type: bool, dialect: &Dialect) {
    for field in dialect.resources.checksums {
        let found = kept.iter().find(|checksum| checksum.algorithm == field.algorithm);
        if let (Some(name), Some(checksum)) = (field.element, found) {
            writer.leaf(name, object::spell_checksum(field, checksum));
            if with_type && dialect.resources.checksum_kind.is_some() {
                let scope = if checksum.parts.is_some() { ChecksumScope::Composite } else { ChecksumScope::Whole };
                writer.leaf("ChecksumType", scope_word(scope));
            }
        }
    }
}

fn algorithm_word(checksum: UploadChecksum) -> String {
    checksum.algorithm.name().to_ascii_uppercase()
}

/// An upload's id as clients see it.
pub(crate) fn spell_upload(id: UploadId) -> String {
    hex::encode_upper(id.0)
}
