//! Conditional headers.

use strongroom_model::condition::{Conditions, TagList};
use strongroom_model::failure::{Failure, FailureCode};

use crate::request::Request;
use crate::signature::date;

/// The conditions of a read.
pub(crate) fn of_read(request: &Request<'_>) -> Result<Conditions, Failure> {
    // A date that cannot be read is as good as none (RFC 9110 §13.1.3).
    let date = |name| Ok::<_, Failure>(request.header(name)?.and_then(date::read));
    Ok(Conditions {
        if_match: tags(request, "if-match")?,
        if_none_match: tags(request, "if-none-match")?,
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
        if_match: tags(request, "if-match")?,
        if_none_match: tags(request, "if-none-match")?,
        ..Conditions::default()
    })
}

/// The conditions of a deletion.
///
/// # Errors
/// `NotImplemented` where the dialect has none: less than was asked for is never done.
pub(crate) fn of_delete(request: &Request<'_>) -> Result<Conditions, Failure> {
    let if_match = tags(request, "if-match")?;
    if if_match.is_some() && !request.dialect().resources.conditional_delete {
        return Err(Failure::new(FailureCode::NotImplemented).with_detail("Header", "If-Match"));
    }
    Ok(Conditions { if_match, ..Conditions::default() })
}

/// Reads a list of tags, or the star.
pub(crate) fn tag_list(text: &str) -> TagList {
    match text {
        "*" => TagList::Any,
        _ => TagList::Tags(text.split(',').map(|tag| tag.trim().to_owned()).collect()),
    }
}

fn tags(request: &Request<'_>, name: &str) -> Result<Option<TagList>, Failure> {
    Ok(request.header(name)?.map(tag_list))
}
