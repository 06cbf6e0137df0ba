//! Listings of versions.

use strongroom_model::outcome::bucket::{ListedObject, ListedVersion, ListedVersions, VersionContent};

use crate::dialect::Dialect;
use crate::document::writer::Writer;
use crate::encode::answer::{spell_tag, spell_version};
use crate::encode::bucket::{iso_seconds, owner};
use crate::encode::listing::{kind_word, spelled};

/// `ListVersionsResult`.
pub(crate) fn versions(listed: &ListedVersions, dialect: &Dialect) -> Writer {
    let (documents, request) = (&dialect.documents, &listed.request);
    let spell = |name| spelled(name, request.url_encoded);
    Writer::document(documents.declaration, "ListVersionsResult", documents.namespace, |writer| {
        writer.leaf("Name", &request.bucket);
        writer.leaf("Prefix", spell(&request.prefix));
        writer.leaf("KeyMarker", spell(&request.key_marker));
        writer.leaf("VersionIdMarker", request.version_marker.map(spell_version).unwrap_or_default());
        if let Some((key, version)) = &listed.next {
            writer.leaf("NextKeyMarker", spell(key));
            writer.leaf("NextVersionIdMarker", version.map(spell_version).unwrap_or_default());
        }
        writer.leaf("MaxKeys", request.max_keys);
        let named = !request.delimiter.is_empty() || documents.listing.empty_delimiter;
        writer.optional("Delimiter", named.then(|| spell(&request.delimiter)));
        writer.optional("EncodingType", request.url_encoded.then_some("url"));
        writer.leaf("IsTruncated", listed.next.is_some());
        for version in &listed.versions {
            entry(writer, version, listed, dialect);
        }
        for prefix in &listed.common_prefixes {
            writer.element("CommonPrefixes", |writer| writer.leaf("Prefix", spell(prefix)));
        }
    })
}

fn entry(writer: &mut Writer, version: &ListedVersion, listed: &ListedVersions, dialect: &Dialect) {
    let (name, key, last_modified, object) = match &version.content {
        VersionContent::Object(object) => ("Version", &object.key, object.last_modified, Some(object)),
        VersionContent::Marker { key, last_modified } => ("DeleteMarker", key, *last_modified, None),
    };
    writer.element(name, |writer| {
        writer.leaf("Key", spelled(key.as_str(), listed.request.url_encoded));
        writer.leaf("VersionId", spell_version(version.id));
        writer.leaf("IsLatest", version.is_latest);
        writer.leaf("LastModified", iso_seconds(last_modified));
        if let Some(object) = object {
            content(writer, object, dialect);
        }
        owner(writer, listed.owner, dialect);
    });
}

fn content(writer: &mut Writer, object: &ListedObject, dialect: &Dialect) {
    writer.leaf("ETag", spell_tag(dialect, &object.etag));
    if dialect.documents.listing.kind {
        writer.leaf("Type", kind_word(object.kind));
    }
    writer.leaf("Size", object.size);
    writer.leaf("StorageClass", dialect.resources.class_word(object.storage_class));
}
