//! Failures to a key-service dialect's words.

use strongroom_model::failure::{Failure, FailureCode};

use super::{Call, KeyDialect, KeyExchange};
use crate::error::{FailureRow, row};

/// The detail that says a failure's code.
pub(crate) const CODE: &str = "Code";

/// What a dialect says of a failure.
#[derive(Debug)]
pub struct Told {
    /// Its row of the table.
    pub row: &'static FailureRow,
    /// The dialect's code: the row's, or that of the detail `Code` where one kind of failure has many.
    pub code: String,
    /// Its words, with what they stand for.
    pub message: String,
}

impl Told {
    /// What `dialect` says of `failure`.
    pub(crate) fn new(
        dialect: &KeyDialect,
        call: Option<&Call>,
        failure: &Failure,
        exchange: &KeyExchange<'_>,
    ) -> Self {
        let code = failure.code;
        let own = call.map_or(&[][..], |call| call.route.failures);
        let rows = own.iter().chain(dialect.failures);
        let row = rows
            .into_iter()
            .find(|row| row.code == code)
            .unwrap_or_else(|| row(dialect.failures, FailureCode::Internal));
        let words = failure.message.as_deref().unwrap_or(row.message);
        let subject = failure.subject.as_ref().map(|subject| (dialect.spell)(subject, code, exchange));
        let filled = failure
            .details
            .iter()
            .fold(words.to_owned(), |words, (name, value)| words.replace(&format!("{{{name}}}"), value));
        let code = failure.details.iter().find(|(name, _)| *name == CODE).map(|(_, code)| code.clone());
        let code = code.unwrap_or_else(|| row.name.to_owned());
        Self { row, code, message: filled.replace("{subject}", subject.as_deref().unwrap_or("(unnamed)")) }
    }
}
