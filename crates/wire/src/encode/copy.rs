//! Answers to copies.

use http::Response;
use strongroom_model::checksum::Checksum;
use strongroom_model::etag::ETag;
use strongroom_model::outcome::object::ObjectCopied;
use strongroom_model::outcome::upload::PartCopied;
use strongroom_model::time::Timestamp;

use crate::dialect::Dialect;
use crate::document::writer::Writer;
use crate::encode::answer::{Answer, spell_tag, spell_version};
use crate::encode::bucket::iso_seconds;
use crate::encode::echo::{self, Told};
use crate::encode::object::{checksum_values, checksums, expiring};
use crate::encode::upload;
use crate::exchange::Payload;

/// To CopyObject.
pub(crate) fn copied(answer: Answer<'_>, copied: &ObjectCopied) -> Response<Payload> {
    let (dialect, written) = (answer.dialect(), &copied.written);
    let source = copied.source_version.map(spell_version);
    let answer = answer.version(written.version).optional_field("copy-source-version-id", source.as_deref());
    let answer = echo::object(answer, &written.encryption, Told::Copy);
    let answer = expiring(answer, written.expiration.as_ref());
    let answer = match dialect.resources.copy.told_in_head {
        true => checksums(answer.etag(&written.etag), &written.checksums),
        false => answer,
    };
    answer.document(result(
        "CopyObjectResult",
        written.last_modified,
        &written.etag,
        (&written.checksums, true),
        dialect,
    ))
}

/// To UploadPartCopy.
pub(crate) fn part(answer: Answer<'_>, copied: &PartCopied) -> Response<Payload> {
    let (dialect, written) = (answer.dialect(), &copied.written);
    let source = copied.source_version.map(spell_version);
    let answer = answer.optional_field("copy-source-version-id", source.as_deref());
    let answer = echo::object(answer, &written.encryption, Told::Part);
    let answer = match dialect.resources.copy.told_in_head {
        true => checksum_values(answer.etag(&written.etag), &written.checksums),
        false => answer,
    };
    answer.document(result(
        "CopyPartResult",
        written.last_modified,
        &written.etag,
        (&written.checksums, false),
        dialect,
    ))
}

fn result(
    root: &str,
    last_modified: Timestamp,
    tag: &ETag,
    (kept, with_type): (&[Checksum], bool),
    dialect: &Dialect,
) -> Writer {
    let documents = &dialect.documents;
    Writer::document(documents.declaration, root, documents.namespace, |writer| {
        writer.leaf("LastModified", iso_seconds(last_modified));
        writer.leaf("ETag", spell_tag(dialect, tag));
        upload::checksums(writer, kept, with_type, dialect);
    })
}
