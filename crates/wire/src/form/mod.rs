//! Browser forms: `POST` of `multipart/form-data` to a bucket. The fields stand where other requests have their head, in
//! front of the file, which comes last; a policy among them says what the form's user may fill in, and is what is signed.
//!
//! A head that announces a form decodes to [`Asked::Form`](crate::intent::Asked::Form) with a [`FormReader`]; what that
//! reads is a [`Form`], which [`Dialect::decode_form`](crate::dialect::Dialect::decode_form) turns into the intent.

pub(crate) mod multipart;
pub(crate) mod part;
pub(crate) mod policy;
mod reader;
pub(crate) mod reply;

pub use reader::{FORM_BYTES_MAX, Form, FormFile, FormReader, FormStep};
pub use reply::FormReply;
