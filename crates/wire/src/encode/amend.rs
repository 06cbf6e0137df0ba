//! Answers to appends and to changes in place.

use http::Response;
use strongroom_model::outcome::object::{ObjectAppended, ObjectFacts};
use strongroom_model::time::Timestamp;

use crate::encode::answer::Answer;
use crate::encode::echo::{self, Told};
use crate::encode::object::{class, content, described_write, user_metadata};
use crate::exchange::Payload;
use crate::signature::date;

/// To AppendObject.
pub(crate) fn appended(answer: Answer<'_>, appended: &ObjectAppended) -> Response<Payload> {
    described_write(next_position(answer, &appended.position.to_string()), &appended.written).empty(200)
}

/// Tells since when nothing can be appended any more.
pub(crate) fn sealed(answer: Answer<'_>, at: Option<Timestamp>) -> Answer<'_> {
    let at = at.map(date::rfc1123);
    answer.optional_field("sealed-time", at.as_deref())
}

/// Tells where the next append begins.
pub(crate) fn next_position<'a>(answer: Answer<'a>, position: &str) -> Answer<'a> {
    let name = [answer.dialect().resources.append_prefix, "next-append-position"].concat();
    answer.named(&name, position)
}

/// To SetObjectMetadata: what the object has now.
pub(crate) fn metadata_set(answer: Answer<'_>, facts: &ObjectFacts) -> Response<Payload> {
    let answer = content(answer.version(facts.version), &Default::default(), &facts.metadata.content);
    let answer = user_metadata(answer, facts);
    echo::object(class(answer, facts.storage_class), &facts.encryption, Told::Head).empty(200)
}
