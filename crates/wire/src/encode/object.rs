//! Answers about objects.

use http::Response;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH,
    CONTENT_RANGE, CONTENT_TYPE, EXPIRES, HeaderName, LAST_MODIFIED,
};
use strongroom_model::checksum::{Checksum, ChecksumScope};
use strongroom_model::lifecycle::ExpirationNotice;
use strongroom_model::lock::ObjectLock;
use strongroom_model::metadata::{ContentHeaders, ObjectKind, StorageClass};
use strongroom_model::outcome::object::{ObjectFacts, ObjectRead, ObjectWritten, PartRead, SymlinkRead};
use strongroom_model::setting::ObjectSetting;

use crate::decode::symlink;
use crate::decode::upload::scope_word;
use crate::dialect::{ChecksumField, ChecksumsShown, Dialect};
use crate::document::writer::Writer;
use crate::document::{acl, lock, tagging};
use crate::encode::amend::{next_position, sealed};
use crate::encode::answer::Answer;
use crate::encode::bucket::hides_class;
use crate::encode::echo::{self, Told};
use crate::encode::listing::kind_word;
use crate::encode::upload::spell_upload;
use crate::exchange::Payload;
use crate::signature::date;
use crate::text::bytes::base64;
use crate::text::percent;

/// `Content-MD5`, which `http` has no name for.
const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");

/// To PutObject.
pub(crate) fn written(answer: Answer<'_>, written: &ObjectWritten) -> Response<Payload> {
    described_write(answer, written).empty(200)
}

/// All that answers tell of an object that was written.
pub(crate) fn described_write<'a>(answer: Answer<'a>, written: &ObjectWritten) -> Answer<'a> {
    let answer = answer.etag(&written.etag).version(written.version);
    let answer = echo::object(answer, &written.encryption, Told::Write);
    let answer = checksums(digest(answer, written.md5), &written.checksums);
    expiring(class(answer, written.storage_class), written.expiration.as_ref())
}

/// Tells when the object will go, and by which rule.
pub(crate) fn expiring<'a>(answer: Answer<'a>, notice: Option<&ExpirationNotice>) -> Answer<'a> {
    let Some(ExpirationNotice { at, rule }) = notice else { return answer };
    let told = format!("expiry-date=\"{}\", rule-id=\"{}\"", date::rfc1123(*at), percent::encode_path(rule));
    answer.field("expiration", &told)
}

/// A document of an object version.
pub(crate) fn setting(setting: &ObjectSetting, dialect: &Dialect) -> Writer {
    match setting {
        ObjectSetting::Tagging(tags) => tagging::write(tags, dialect),
        ObjectSetting::Acl(document) => acl::write(document, dialect),
        ObjectSetting::Retention(retention) => lock::write_retention(*retention, dialect),
        ObjectSetting::LegalHold(held) => lock::write_legal_hold(*held, dialect),
    }
}

/// To GetObject.
pub(crate) fn read(answer: Answer<'_>, read: &ObjectRead) -> Response<Payload> {
    let (answer, status, length) = described(answer, read, Told::Read);
    answer.end(status, Payload::Object { length })
}

/// To HeadObject.
pub(crate) fn head(answer: Answer<'_>, read: &ObjectRead) -> Response<Payload> {
    let (answer, status, _) = described(answer, read, Told::Head);
    answer.end(status, Payload::Empty)
}

/// To GetObjectMeta: neither what the writer said nor how the object is sealed.
pub(crate) fn meta(answer: Answer<'_>, facts: &ObjectFacts) -> Response<Payload> {
    let answer = answer
        .etag(&facts.etag)
        .header(LAST_MODIFIED, &date::rfc1123(facts.last_modified))
        .header(CONTENT_LENGTH, &facts.size.to_string())
        .version(facts.version);
    checksums(answer, &facts.checksums).end(200, Payload::Empty)
}

/// To GetSymlink.
pub(crate) fn symlink(answer: Answer<'_>, link: &SymlinkRead) -> Response<Payload> {
    let facts = &link.facts;
    let answer = answer
        .etag(&facts.etag)
        .header(LAST_MODIFIED, &date::rfc1123(facts.last_modified))
        .version(facts.version)
        .field(symlink::TARGET, &percent::encode_path(link.target.as_str()));
    user_metadata(answer, facts).empty(200)
}

/// All that answers tell of an object, the status, and how many bytes follow or would follow.
fn described<'a>(answer: Answer<'a>, read: &ObjectRead, told: Told) -> (Answer<'a>, u16, u64) {
    let facts = &read.facts;
    let answer = answer
        .etag(&facts.etag)
        .header(LAST_MODIFIED, &date::rfc1123(facts.last_modified))
        .header(ACCEPT_RANGES, "bytes")
        .version(facts.version);
    let answer = content(answer, &read.overrides, &facts.metadata.content);
    let answer = user_metadata(answer, facts);
    let answer = echo::object(class(answer, facts.storage_class), &facts.encryption, told);
    let words = answer.dialect().resources;
    let shown = words.checksums_shown == ChecksumsShown::Always || (read.show_checksums && read.range.is_none());
    let answer = if shown { checksums(answer, &facts.checksums) } else { answer };
    let answer = match &read.part {
        Some(part) if !shown && read.show_checksums => checksum_values(counted(answer, part), &part.checksums),
        Some(part) => counted(answer, part),
        None => answer,
    };
    let answer = match (words.upload_of_object, facts.upload) {
        (Some(suffix), Some(upload)) if told == Told::Head => answer.field(suffix, &spell_upload(upload)),
        _ => answer,
    };
    let tagged = Some(facts.tag_count).filter(|count| *count > 0).map(|count| count.to_string());
    let answer = answer.optional_field("tagging-count", tagged.as_deref());
    let answer = expiring(kind(answer, facts), facts.expiration.as_ref());
    let answer = locked(answer, &facts.lock);
    match &read.range {
        None => {
            let answer = digest(answer, facts.md5).header(CONTENT_LENGTH, &facts.size.to_string());
            (answer, 200, facts.size)
        }
        Some(range) => {
            let length = range.end.saturating_sub(range.start);
            let told = format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), facts.size);
            let answer = answer.header(CONTENT_RANGE, &told).header(CONTENT_LENGTH, &length.to_string());
            (answer, 206, length)
        }
    }
}

/// How the object came to be; of one that was made by appending, every dialect tells where the next append begins.
fn kind<'a>(answer: Answer<'a>, facts: &ObjectFacts) -> Answer<'a> {
    let words = answer.dialect().resources;
    if facts.kind == ObjectKind::Appendable {
        let name = [words.append_prefix, "object-type"].concat();
        let answer = if words.shows_kind { sealed(answer, facts.sealed) } else { answer };
        return next_position(answer.named(&name, kind_word(facts.kind)), &facts.size.to_string());
    }
    if words.shows_kind { answer.field("object-type", kind_word(facts.kind)) } else { answer }
}

pub(crate) fn user_metadata<'a>(answer: Answer<'a>, facts: &ObjectFacts) -> Answer<'a> {
    facts.metadata.user.iter().fold(answer, |answer, (name, value)| answer.field(&["meta-", name].concat(), value))
}

/// What keeps the object from being destroyed, where the dialect has words for it.
fn locked<'a>(answer: Answer<'a>, kept: &ObjectLock) -> Answer<'a> {
    let words = &answer.dialect().settings.lock;
    let answer = match &kept.retention {
        None => answer,
        Some(retention) => {
            answer.field(words.mode, lock::mode_word(retention.mode)).field(words.until, &retention.until.to_string())
        }
    };
    match words.legal_hold {
        Some(suffix) if kept.legal_hold => answer.field(suffix, lock::hold_word(true)),
        _ => answer,
    }
}

/// Standard headers: those asked for in place of the stored ones, else those.
pub(crate) fn content<'a>(answer: Answer<'a>, asked: &ContentHeaders, stored: &ContentHeaders) -> Answer<'a> {
    fn choose<'h>(asked: &'h Option<String>, stored: &'h Option<String>) -> Option<&'h str> {
        asked.as_deref().or(stored.as_deref())
    }
    let kind =
        choose(&asked.content_type, &stored.content_type).unwrap_or(answer.dialect().format.default_content_type);
    answer
        .header(CONTENT_TYPE, kind)
        .optional(CACHE_CONTROL, choose(&asked.cache_control, &stored.cache_control))
        .optional(CONTENT_DISPOSITION, choose(&asked.content_disposition, &stored.content_disposition))
        .optional(CONTENT_ENCODING, choose(&asked.content_encoding, &stored.content_encoding))
        .optional(CONTENT_LANGUAGE, choose(&asked.content_language, &stored.content_language))
        .optional(EXPIRES, choose(&asked.expires, &stored.expires))
}

/// Tells how many parts the object of a part has.
fn counted<'a>(answer: Answer<'a>, part: &PartRead) -> Answer<'a> {
    let count = part.count.map(|count| count.to_string());
    answer.optional_field("mp-parts-count", count.as_deref())
}

/// Tells the MD5 of the bytes, where the dialect does.
pub(crate) fn digest(answer: Answer<'_>, md5: Option<[u8; 16]>) -> Answer<'_> {
    let shown = md5.filter(|_| answer.dialect().resources.shows_md5).map(|md5| base64(&md5));
    answer.optional(CONTENT_MD5, shown.as_deref())
}

pub(crate) fn class(answer: Answer<'_>, class: StorageClass) -> Answer<'_> {
    if hides_class(answer.dialect(), class) {
        return answer;
    }
    let word = answer.dialect().resources.class_word(class);
    answer.field("storage-class", word)
}

/// Tells the checksums that the dialect has fields for, and over what they are, where it asks for that.
pub(crate) fn checksums<'a>(answer: Answer<'a>, kept: &[Checksum]) -> Answer<'a> {
    let words = answer.dialect().resources;
    let told = kept.iter().find(|checksum| words.checksums.iter().any(|field| field.algorithm == checksum.algorithm));
    let kind = words.checksum_kind.zip(told).map(|(whole, told)| match told.parts {
        None => whole,
        Some(_) => scope_word(ChecksumScope::Composite),
    });
    checksum_values(answer, kept).optional_field("checksum-type", kind)
}

/// The same without over what they are.
pub(crate) fn checksum_values<'a>(answer: Answer<'a>, kept: &[Checksum]) -> Answer<'a> {
    let fields = answer.dialect().resources.checksums;
    fields.iter().fold(answer, |answer, field| {
        let found = kept.iter().find(|checksum| checksum.algorithm == field.algorithm);
        let value = found.map(|checksum| spell_checksum(field, checksum));
        answer.optional_field(field.name, value.as_deref())
    })
}

/// A checksum as the field spells it, with the number of parts that it is over.
pub(crate) fn spell_checksum(field: &ChecksumField, checksum: &Checksum) -> String {
    let value = field.spelling.show(&checksum.value);
    match checksum.parts {
        Some(parts) => format!("{value}-{parts}"),
        None => value,
    }
}
