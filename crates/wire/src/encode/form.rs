//! Answers to forms.

use http::Response;
use http::header::LOCATION;
use strongroom_model::outcome::object::ObjectWritten;

use crate::document::writer::Writer;
use crate::encode::answer::{Answer, spell_tag};
use crate::encode::object::described_write;
use crate::exchange::Payload;
use crate::form::FormReply;
use crate::form::reply::Ending;

/// To PostObject.
pub(crate) fn written(answer: Answer<'_>, written: &ObjectWritten, reply: &FormReply) -> Response<Payload> {
    let dialect = answer.dialect();
    let tag = spell_tag(dialect, &written.etag);
    let answer = described_write(answer, written);
    match &reply.ending {
        Ending::Redirect(page) => answer.header(LOCATION, &reply.told(page, &tag)).empty(303),
        Ending::Status(201) => {
            let document = Writer::document(dialect.documents.declaration, "PostResponse", None, |writer| {
                for name in dialect.form.answer {
                    let text = match *name {
                        "Bucket" => reply.bucket.as_str(),
                        "Key" => &reply.key,
                        "Location" => &reply.location,
                        _ => &tag,
                    };
                    writer.leaf(name, text);
                }
            });
            answer.header(LOCATION, &reply.location).failed_document(201, document)
        }
        Ending::Status(status) => answer.header(LOCATION, &reply.location).empty(*status),
    }
}
