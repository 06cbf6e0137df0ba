//! The document of tags, and its short form in fields.

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::tag::{InvalidTags, TagLimits, TagSet};

use super::writer::Writer;
use super::{Element, reader};
use crate::dialect::Dialect;
use crate::text::percent;

/// Whose tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tagged {
    /// A bucket's.
    Bucket,
    /// An object's.
    Object,
}

/// Reads `Tagging`.
///
/// # Errors
/// `MalformedXml`, `TooManyTags`, `InvalidTag`, `InvalidBucketTag`.
pub(crate) fn read(document: &[u8], tagged: Tagged, dialect: &Dialect) -> Result<TagSet, Failure> {
    let root = reader::read(document, "Tagging")?;
    set(root.one("TagSet")?, tagged, dialect)
}

/// Reads the `Tag` elements of `parent`.
///
/// # Errors
/// As [`read`].
pub(crate) fn set(parent: &Element, tagged: Tagged, dialect: &Dialect) -> Result<TagSet, Failure> {
    let tags = parent.all("Tag").map(pair).collect::<Result<Vec<_>, _>>()?;
    checked(tags, tagged, dialect)
}

/// One `Tag`, of which nothing is checked.
pub(crate) fn pair(tag: &Element) -> Result<(String, String), Failure> {
    let value = tag.at_most_one("Value")?.map(Element::text).unwrap_or_default();
    Ok((tag.one("Key")?.text().to_owned(), value.to_owned()))
}

/// Reads the short form of a field: `k=v&k2=v2`, percent-encoded.
///
/// # Errors
/// `InvalidArgument` for what is not encoded so, `TooManyTags`, `InvalidTag`, `InvalidBucketTag`.
pub(crate) fn read_field(text: &str, tagged: Tagged, dialect: &Dialect) -> Result<TagSet, Failure> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((percent::decode_form(key)?, percent::decode_form(value)?))
    });
    let pairs = pairs.collect::<Result<Vec<_>, Failure>>().map_err(|cause| {
        Failure::new(FailureCode::InvalidArgument)
            .with_message("The tags of a field must be percent-encoded pairs of a name and a value.")
            .caused_by(cause)
    })?;
    checked(pairs, tagged, dialect)
}

/// Writes `Tagging`.
pub(crate) fn write(tags: &TagSet, dialect: &Dialect) -> Writer {
    let documents = &dialect.documents;
    Writer::document(documents.declaration, "Tagging", documents.namespace, |writer| {
        writer.element("TagSet", |writer| {
            for (key, value) in tags.as_slice() {
                writer.element("Tag", |writer| {
                    writer.leaf("Key", key);
                    writer.leaf("Value", value);
                });
            }
        });
    })
}

fn checked(tags: Vec<(String, String)>, tagged: Tagged, dialect: &Dialect) -> Result<TagSet, Failure> {
    let words = &dialect.settings;
    let limits = limits(tagged, dialect);
    let invalid = match tagged {
        Tagged::Bucket => FailureCode::InvalidBucketTag,
        Tagged::Object => FailureCode::InvalidTag,
    };
    for (key, value) in &tags {
        if !key.chars().all(words.in_tag_key) {
            return Err(Failure::new(invalid).with_message("The TagKey you have provided is invalid"));
        }
        if !value.chars().all(words.in_tag_value) {
            return Err(Failure::new(invalid).with_message("The TagValue you have provided is invalid"));
        }
    }
    TagSet::new(tags, limits).map_err(|cause| {
        let failure = match &cause {
            InvalidTags::TooMany(count) => Failure::new(FailureCode::TooManyTags).with_message(match tagged {
                Tagged::Bucket => format!("Bucket tag count cannot be greater than {count}"),
                Tagged::Object => format!("Object tags cannot be greater than {count}"),
            }),
            InvalidTags::Twice(_) => {
                Failure::new(invalid).with_message("Cannot provide multiple Tags with the same key")
            }
            InvalidTags::Key(_) => Failure::new(invalid).with_message("The TagKey you have provided is invalid"),
            InvalidTags::Value(_) => Failure::new(invalid).with_message("The TagValue you have provided is invalid"),
        };
        failure.caused_by(cause)
    })
}

fn limits(tagged: Tagged, dialect: &Dialect) -> TagLimits {
    match tagged {
        Tagged::Bucket => dialect.settings.bucket_tags,
        Tagged::Object => dialect.settings.object_tags,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, ProptestConfig, Strategy, prop, prop_oneof, proptest};

    use super::*;
    use crate::dialect::{DIALECTS, OBS, OSS, S3};

    fn field(text: &str, dialect: &Dialect) -> Result<Vec<(String, String)>, FailureCode> {
        let read = read_field(text, Tagged::Object, dialect);
        read.map(|tags| tags.as_slice().to_vec()).map_err(|failure| failure.code)
    }

    #[test]
    fn the_short_form_is_a_query() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(field("a=1&b+c=%C3%A9&d", &S3), Ok(vec![pair("a", "1"), pair("b c", "é"), pair("d", "")]));
        assert_eq!(field("a=1&a=2", &S3), Err(FailureCode::InvalidTag));
        assert_eq!(field("a=%C3%28", &S3), Err(FailureCode::InvalidArgument));
        assert_eq!(field("a=b%3Bc", &OBS), Err(FailureCode::InvalidTag));
        let eleven: Vec<_> = (0..11).map(|number| format!("k{number}=v")).collect();
        assert_eq!(field(&eleven.join("&"), &OSS), Err(FailureCode::TooManyTags));
        assert_eq!(field(&format!("{}=v", "k".repeat(129)), &S3), Err(FailureCode::InvalidTag));
    }

    #[test]
    fn documents_keep_to_the_limits_of_their_dialect() {
        let document = |count: usize| {
            let tag = |number| format!("<Tag><Key>k{number}</Key><Value>v</Value></Tag>");
            let tags: String = (0..count).map(tag).collect();
            format!("<Tagging><TagSet>{tags}</TagSet></Tagging>")
        };
        for (dialect, buckets) in [(&OBS, 20), (&OSS, 20), (&S3, 50)] {
            for (tagged, count) in [(Tagged::Bucket, buckets), (Tagged::Object, 10)] {
                assert_eq!(read(document(count).as_bytes(), tagged, dialect).unwrap().as_slice().len(), count);
                let refused = read(document(count + 1).as_bytes(), tagged, dialect).unwrap_err();
                assert_eq!(refused.code, FailureCode::TooManyTags);
            }
        }
        for text in ["<Tagging/>", "<Tagging><TagSet><Tag><Value>v</Value></Tag></TagSet></Tagging>", "<Tags/>"] {
            let refused = read(text.as_bytes(), Tagged::Bucket, &S3).unwrap_err();
            assert_eq!(refused.code, FailureCode::MalformedXml, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn what_is_written_is_read_again(
            tags in prop::collection::btree_map("[a-zA-Zé0-9 _.:-]{1,20}", "[a-zA-Z0-9é _.:-]{0,20}", 0..10),
            tagged in prop_oneof![Just(Tagged::Bucket), Just(Tagged::Object)],
            dialect in (0..DIALECTS.len()).prop_map(|place| DIALECTS[place]),
        ) {
            let tags = TagSet::restored(tags.into_iter().collect());
            assert_eq!(read(&write(&tags, dialect).into_bytes(), tagged, dialect).unwrap(), tags);
        }
    }
}
