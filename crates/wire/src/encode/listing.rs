//! Listings of objects, and the result of a batch deletion.

use std::borrow::Cow;

use strongroom_model::metadata::ObjectKind;
use strongroom_model::operation::bucket::{ListObjects, ListVersion};
use strongroom_model::outcome::bucket::{ListedObject, ListedObjects};
use strongroom_model::outcome::object::{DeletedEntry, ManyDeleted};

use crate::dialect::Dialect;
use crate::document::writer::Writer;
use crate::encode::answer::{spell_tag, spell_version};
use crate::encode::bucket::{iso_seconds, owner};
use crate::encode::failure;
use crate::exchange::Exchange;
use crate::text::bytes::token;
use crate::text::percent;

/// `ListBucketResult`, in both versions.
pub(crate) fn objects(listed: &ListedObjects, dialect: &Dialect) -> Writer {
    let (documents, request) = (&dialect.documents, &listed.request);
    let spell = |name| spelled(name, request.url_encoded);
    Writer::document(documents.declaration, "ListBucketResult", documents.namespace, |writer| {
        writer.leaf("Name", &request.bucket);
        writer.leaf("Prefix", spell(&request.prefix));
        position(writer, listed, spell);
        writer.leaf("MaxKeys", request.max_keys);
        writer.optional("Delimiter", Some(&request.delimiter).filter(|text| !text.is_empty()).map(|text| spell(text)));
        writer.optional("EncodingType", request.url_encoded.then_some("url"));
        writer.leaf("IsTruncated", listed.next.is_some());
        for object in &listed.objects {
            writer.element("Contents", |writer| content(writer, object, listed, dialect));
        }
        for prefix in &listed.common_prefixes {
            writer.element("CommonPrefixes", |writer| writer.leaf("Prefix", spell(prefix)));
        }
    })
}

/// `DeleteResult`.
pub(crate) fn many_deleted(many: &ManyDeleted, dialect: &Dialect, exchange: &Exchange<'_>) -> Writer {
    let documents = &dialect.documents;
    Writer::document(documents.declaration, "DeleteResult", documents.namespace, |writer| {
        writer.optional("EncodingType", many.url_encoded.then_some("url"));
        for entry in &many.results {
            deleted(writer, entry, many, dialect, exchange);
        }
    })
}

/// From where to where the page goes.
fn position<'l>(writer: &mut Writer, listed: &'l ListedObjects, spell: impl Fn(&'l str) -> Cow<'l, str>) {
    let request = &listed.request;
    match request.version {
        ListVersion::V1 => {
            writer.leaf("Marker", request.marker.as_deref().map(&spell).unwrap_or_default());
            writer.optional("NextMarker", listed.next.as_deref().map(&spell));
        }
        ListVersion::V2 => {
            writer.optional("StartAfter", request.start_after.as_deref().map(&spell));
            writer.optional("ContinuationToken", request.continuation_token.as_deref());
            writer.optional("NextContinuationToken", listed.next.as_deref().map(token));
            writer.leaf("KeyCount", listed.objects.len() + listed.common_prefixes.len());
        }
    }
}

fn content(writer: &mut Writer, object: &ListedObject, listed: &ListedObjects, dialect: &Dialect) {
    let style = &dialect.documents.listing;
    writer.leaf("Key", spelled(object.key.as_str(), listed.request.url_encoded));
    writer.leaf("LastModified", iso_seconds(object.last_modified));
    writer.leaf("ETag", spell_tag(dialect, &object.etag));
    if style.kind {
        writer.leaf("Type", kind_word(object.kind));
    }
    writer.leaf("Size", object.size);
    let owned = names_owners(&listed.request);
    if owned && !style.owner_last {
        owner(writer, listed.owner, dialect);
    }
    writer.leaf("StorageClass", dialect.resources.class_word(object.storage_class));
    if owned && style.owner_last {
        owner(writer, listed.owner, dialect);
    }
}

fn deleted(writer: &mut Writer, entry: &DeletedEntry, many: &ManyDeleted, dialect: &Dialect, exchange: &Exchange<'_>) {
    let name = |writer: &mut Writer| {
        writer.leaf("Key", spelled(entry.key.as_str(), many.url_encoded));
        writer.optional("VersionId", entry.version.map(spell_version));
    };
    match &entry.result {
        Ok(_) if many.quiet => {}
        Ok(marker) => writer.element("Deleted", |writer| {
            name(writer);
            writer.optional("DeleteMarker", marker.map(|_| true));
            writer.optional("DeleteMarkerVersionId", marker.map(spell_version));
        }),
        Err(cause) => writer.element("Error", |writer| {
            name(writer);
            let words = failure::Words::new(dialect, cause, exchange);
            writer.leaf("Code", words.row.name);
            writer.leaf("Message", words.message);
        }),
    }
}

fn names_owners(request: &ListObjects) -> bool {
    request.version == ListVersion::V1 || request.fetch_owner
}

/// A name, percent-encoded if that was asked for.
pub(crate) fn spelled(name: &str, url_encoded: bool) -> Cow<'_, str> {
    if url_encoded { percent::encode_path(name).into() } else { name.into() }
}

/// How an object came to be, in the words of OSS.
pub(crate) fn kind_word(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Normal => "Normal",
        ObjectKind::Appendable => "Appendable",
        ObjectKind::Multipart => "Multipart",
        ObjectKind::Symlink => "Symlink",
    }
}
