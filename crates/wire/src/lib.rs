//! HTTP heads to operations and outcomes, one dialect a file; signatures.
//!
//! A request's head goes through [`recognise`] and [`Dialect::decode`](dialect::Dialect::decode), which yield an
//! [`Intent`]; an answer goes through [`Dialect::encode`](dialect::Dialect::encode) or
//! [`Dialect::encode_failure`](dialect::Dialect::encode_failure). Nothing here opens a socket, reads a clock or draws a
//! random number.

pub mod chunked;
pub mod claim;
pub mod cors;
mod decode;
pub mod dialect;
mod document;
mod encode;
pub mod error;
pub mod exchange;
pub mod form;
pub mod intent;
pub mod key_service;
mod query;
pub mod request;
pub mod route;
pub mod signature;
pub mod target;
mod text;

pub use claim::{Claim, PayloadProof, Proof, Signed};
pub use dialect::{DIALECTS, Dialect, recognise, recognise_form};
pub use exchange::{Exchange, Payload, Site};
pub use form::{Form, FormFile, FormReader, FormReply, FormStep};
pub use intent::{Asked, Draft, Framing, Intent, StreamPlan};
