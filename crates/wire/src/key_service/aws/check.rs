//! What AWS KMS checks of every field, and how it says so.

use strongroom_model::encryption::EncryptionContext;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::key::{KeyReference, KeyTags};
use strongroom_model::operation::key::Page;

use super::super::fields::{Fields, text_map};
use crate::text::bytes::{from_token, token};

/// Longest value that a complaint repeats in full.
const SHOWN_MAX: usize = 1024;

/// Longest name of a tag, in characters.
const TAG_NAME_MAX: usize = 128;

/// Longest value of a tag, in characters.
const TAG_VALUE_MAX: usize = 256;

/// Tags that a key may have.
const TAGS_MAX: usize = 50;

/// Something that may not be, in the service's own form.
pub(super) fn violation(value: Option<&str>, at: &str, constraint: &str) -> Failure {
    let value = value.map(|value| format!("Value '{}' ", value.chars().take(SHOWN_MAX).collect::<String>()));
    let value = value.unwrap_or_else(|| "Value ".to_owned());
    refused(format!(
        "1 validation error detected: {value}at '{at}' failed to satisfy constraint: Member must {constraint}"
    ))
}

/// Something that may not be, in words of its own.
pub(super) fn refused(message: impl Into<std::borrow::Cow<'static, str>>) -> Failure {
    Failure::new(FailureCode::InvalidArgument).with_message(message)
}

/// What is not built: another kind of key, or another use of one.
pub(super) fn unsupported() -> Failure {
    FailureCode::KeyKindUnsupported.into()
}

/// A field that must be there.
pub(super) fn required<T>(value: Option<T>, name: &str) -> Result<T, Failure> {
    value.ok_or_else(|| violation(None, &camel(name), "not be null"))
}

/// A key that must be named.
pub(super) fn key(fields: &Fields, name: &str) -> Result<KeyReference, Failure> {
    let text = required(fields.text(name)?, name)?;
    reference(text, name)
}

/// A key that may be named.
pub(super) fn optional_key(fields: &Fields, name: &str) -> Result<Option<KeyReference>, Failure> {
    fields.text(name)?.map(|text| reference(text, name)).transpose()
}

fn reference(text: &str, name: &str) -> Result<KeyReference, Failure> {
    let at = camel(name);
    length(text, 1, KeyReference::LENGTH_MAX, &at)?;
    Ok(KeyReference::parse(text))
}

/// Holds a text to its length.
pub(super) fn length(text: &str, least: usize, most: usize, at: &str) -> Result<(), Failure> {
    match text.chars().count() {
        count if count > most => Err(violation(Some(text), at, &format!("have length less than or equal to {most}"))),
        count if count < least => {
            Err(violation(Some(text), at, &format!("have length greater than or equal to {least}")))
        }
        _ => Ok(()),
    }
}

/// A number between two others.
pub(super) fn number(fields: &Fields, name: &str, least: i64, most: i64) -> Result<Option<u32>, Failure> {
    let Some(value) = fields.number(name)? else { return Ok(None) };
    let (shown, at) = (value.to_string(), camel(name));
    match u32::try_from(value) {
        _ if value > most => Err(violation(Some(&shown), &at, &format!("have value less than or equal to {most}"))),
        _ if value < least => {
            Err(violation(Some(&shown), &at, &format!("have value greater than or equal to {least}")))
        }
        Ok(value) => Ok(Some(value)),
        Err(_) => Err(violation(Some(&shown), &at, &format!("have value less than or equal to {most}"))),
    }
}

/// One of a set of words.
pub(super) fn word<T: Copy>(fields: &Fields, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Failure> {
    let Some(text) = fields.text(name)? else { return Ok(None) };
    match words.iter().find(|(word, _)| *word == text) {
        Some((_, meaning)) => Ok(Some(*meaning)),
        None => {
            let known = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
            Err(violation(Some(text), &camel(name), &format!("satisfy enum value set: [{known}]")))
        }
    }
}

/// Which part of a list.
pub(super) fn page(fields: &Fields, usual: usize, most: i64) -> Result<Page, Failure> {
    let limit = number(fields, "Limit", 1, most)?.map_or(usual, |limit| limit as usize);
    let offset = match fields.text("Marker")? {
        None => 0,
        Some(marker) => {
            let read = from_token(marker).and_then(|text| text.strip_prefix(MARK)?.parse().ok());
            read.ok_or_else(|| Failure::new(FailureCode::InvalidRequest).with_message("The marker is not valid."))?
        }
    };
    Ok(Page { offset, limit })
}

/// The marker of the part of a list that begins after `offset` entries.
pub(super) fn marker(offset: usize) -> String {
    token(&format!("{MARK}{offset}"))
}

const MARK: &str = "after:";

/// An encryption context.
pub(super) fn context(fields: &Fields, name: &str) -> Result<EncryptionContext, Failure> {
    fields.map(name)
}

/// The tags of a request.
pub(super) fn tags(fields: &Fields) -> Result<KeyTags, Failure> {
    let list = fields.list("Tags")?;
    let mut tags = KeyTags::new();
    for (tag, place) in list.iter().zip(1..) {
        let members = text_map(tag).ok_or(FailureCode::MalformedXml)?;
        let member = |name| members.get(name).map(String::as_str);
        let at = |name| format!("tags.{place}.member.{name}");
        let name = member("TagKey").ok_or_else(|| violation(None, &at("tagKey"), "not be null"))?;
        let value = member("TagValue").ok_or_else(|| violation(None, &at("tagValue"), "not be null"))?;
        length(name, 1, TAG_NAME_MAX, &at("tagKey"))?;
        length(value, 0, TAG_VALUE_MAX, &at("tagValue"))?;
        if name.to_ascii_lowercase().starts_with("aws:") {
            return Err(tag_refused("Tags beginning with aws: are reserved"));
        }
        if tags.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(tag_refused("Duplicate tag keys"));
        }
    }
    if tags.len() > TAGS_MAX {
        return Err(tag_refused("Too many tags"));
    }
    Ok(tags)
}

/// An alias that is to be given or taken away, without its prefix.
pub(super) fn alias(fields: &Fields) -> Result<String, Failure> {
    const PATTERN: &str = "satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$";
    let text = required(fields.text("AliasName")?, "AliasName")?;
    length(text, 1, 256, "aliasName")?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b":/_-".contains(&byte);
    if !text.bytes().all(allowed) {
        return Err(violation(Some(text), "aliasName", PATTERN));
    }
    match text.strip_prefix("alias/") {
        Some("") | None => Err(Failure::new(FailureCode::KeyNameInvalid)
            .with_message("Invalid identifier: an alias begins with alias/, and has a name after it.")),
        Some(name) if ["aws/", "acs/", "obs/"].iter().any(|vendor| name.starts_with(vendor)) => {
            Err(Failure::new(FailureCode::AccessDenied).with_message("Aliases that begin so are the service's own."))
        }
        Some(name) => Ok(name.to_owned()),
    }
}

/// Whether the request is only to be tried.
pub(super) fn is_dry_run(fields: &Fields) -> Result<bool, Failure> {
    Ok(fields.flag("DryRun")?.unwrap_or(false))
}

fn tag_refused(message: &'static str) -> Failure {
    Failure::new(FailureCode::KeyTagInvalid).with_message(message)
}

/// A field's name as complaints spell it.
fn camel(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}
