//! Conditional headers.

use strongroom_model::condition::{Conditions, TagList};
use strongroom_model::failure::{Failure, FailureCode};

use crate::request::Request;
use crate::signature::date;

/// The conditions of a read.
pub(crate) fn of_read(request: &Request<'_>) -> Result<Conditions, Failure> {
    of_fields(|name| request.header(name))
}

/// The four conditions, whatever the headers are called that hold them.
pub(crate) fn of_fields<'r>(
    field: impl Fn(&'static str) -> Result<Option<&'r str>, Failure>,
) -> Result<Conditions, Failure> {
    // A date that cannot be read is as good as none (RFC 9110 §13.1.3).
    let date = |name| Ok::<_, Failure>(field(name)?.and_then(date::read));
    Ok(Conditions {
        if_match: field("if-match")?.map(tag_list),
        if_none_match: field("if-none-match")?.map(tag_list),
        if_modified_since: date("if-modified-since")?,
        if_unmodified_since: date("if-unmodified-since")?,
        void_with_versions: false,
    })
}

/// The conditions of a write.
pub(crate) fn of_write(request: &Request<'_>) -> Result<Conditions, Failure> {
    if let Some(suffix) = request.dialect().resources.forbid_overwrite {
        let forbidden = request.field(suffix)?.is_some_and(|word| word.eq_ignore_ascii_case("true"));
        let if_none_match = forbidden.then_some(TagList::Any);
        return Ok(Conditions { if_none_match, void_with_versions: forbidden, ..Conditions::default() });
    }
    Ok(Conditions {
        if_match: request.header("if-match")?.map(tag_list),
        if_none_match: request.header("if-none-match")?.map(tag_list),
        ..Conditions::default()
    })
}

/// The conditions of a deletion.
///
/// # Errors
/// `NotImplemented` where the dialect has none: less than was asked for is never done.
pub(crate) fn of_delete(request: &Request<'_>) -> Result<Conditions, Failure> {
    let if_match = request.header("if-match")?.map(tag_list);
    if if_match.is_some() && !request.dialect().resources.conditional_delete {
        return Err(Failure::new(FailureCode::NotImplemented).with_detail("Header", "If-Match"));
    }
    Ok(Conditions { if_match, ..Conditions::default() })
}

/// Reads a list of tags, or the star. The OBS SDK for Python percent-encodes the quotes of a tag, as it does most of what
/// stands in a header.
pub(crate) fn tag_list(text: &str) -> TagList {
    match text {
        "*" => TagList::Any,
        _ => TagList::Tags(text.split(',').map(|tag| tag.trim().replace("%22", "\"")).collect()),
    }
}
