//! Answers to copies.

use http::Response;
use strongroom_model::checksum::Checksum;
use strongroom_model::outcome::object::{ObjectCopied, ObjectWritten};

use crate::dialect::{ChecksumSpelling, Dialect};
use crate::document::writer::Writer;
use crate::encode::answer::{Answer, spell_tag, spell_version};
use crate::encode::bucket::iso_seconds;
use crate::encode::echo::{self, Told};
use crate::encode::object::checksums;
use crate::exchange::Payload;

/// To CopyObject.
pub(crate) fn copied(answer: Answer<'_>, copied: &ObjectCopied) -> Response<Payload> {
    let (dialect, written) = (answer.dialect(), &copied.written);
    let source = copied.source_version.map(spell_version);
    let answer = answer.version(written.version).optional_field("copy-source-version-id", source.as_deref());
    let answer = echo::object(answer, &written.encryption, Told::Copy);
    let answer = match dialect.resources.copy.told_in_head {
        true => checksums(answer.etag(&written.etag), &written.checksums),
        false => answer,
    };
    answer.document(result(written, dialect))
}

fn result(written: &ObjectWritten, dialect: &Dialect) -> Writer {
    let documents = &dialect.documents;
    Writer::document(documents.declaration, "CopyObjectResult", documents.namespace, |writer| {
        writer.leaf("LastModified", iso_seconds(written.last_modified));
        writer.leaf("ETag", spell_tag(dialect, &written.etag));
        checksum_elements(writer, &written.checksums, dialect);
    })
}

/// `ChecksumCRC32` and its like, and that they cover the whole object: the elements that S3 has for its fields.
pub(crate) fn checksum_elements(writer: &mut Writer, kept: &[Checksum], dialect: &Dialect) {
    let words = &dialect.resources;
    let mut any = false;
    for field in words.checksums.iter().filter(|field| field.spelling == ChecksumSpelling::Base64) {
        let found = kept.iter().find(|checksum| checksum.algorithm == field.algorithm);
        let name = field.name.strip_prefix("checksum-").map(str::to_ascii_uppercase);
        if let (Some(checksum), Some(name)) = (found, name) {
            writer.leaf(&["Checksum", &name].concat(), field.spelling.show(&checksum.value));
            any = true;
        }
    }
    writer.optional("ChecksumType", words.checksum_kind.filter(|_| any));
}
