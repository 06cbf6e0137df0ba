//! Answers to appends and to changes in place.

use http::Response;
use strongroom_model::outcome::object::{ObjectAppended, ObjectFacts};

use crate::encode::answer::Answer;
use crate::encode::echo::{self, Told};
use crate::encode::object::{class, content, described_write};
use crate::exchange::Payload;

/// To AppendObject.
pub(crate) fn appended(answer: Answer<'_>, appended: &ObjectAppended) -> Response<Payload> {
    described_write(next_position(answer, &appended.position.to_string()), &appended.written).empty(200)
}

/// Tells where the next append begins.
pub(crate) fn next_position<'a>(answer: Answer<'a>, position: &str) -> Answer<'a> {
    let name = [answer.dialect().resources.append_prefix, "next-append-position"].concat();
    answer.named(&name, position)
}

/// To SetObjectMetadata: what the object has now.
pub(crate) fn metadata_set(answer: Answer<'_>, facts: &ObjectFacts) -> Response<Payload> {
    let answer = content(answer.version(facts.version), &Default::default(), &facts.metadata.content);
    let answer =
        facts.metadata.user.iter().fold(answer, |answer, (name, value)| answer.field(&["meta-", name].concat(), value));
    echo::object(class(answer, facts.storage_class), &facts.encryption, Told::Head).empty(200)
}
