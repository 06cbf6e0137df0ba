//! Failures to words: a shared table, and rows of a dialect's own before it.

pub(crate) mod obs;
pub(crate) mod oss;
pub(crate) mod shared;

use strongroom_model::failure::FailureCode;

/// How a dialect answers a kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailureRow {
    /// The kind.
    pub code: FailureCode,
    /// The answer's status.
    pub status: u16,
    /// The dialect's code.
    pub name: &'static str,
    /// The dialect's words. `{subject}` stands for what the failure is about, `{prefix}` for the prefix of header names.
    pub message: &'static str,
    /// The element of the document that names what the failure is about, if the words do not.
    pub subject: Option<&'static str>,
    /// The dialect's number for it (OSS `EC`).
    pub number: Option<&'static str>,
}

impl FailureRow {
    /// A row of a code, a status, a name and words.
    pub const fn new(code: FailureCode, status: u16, name: &'static str, message: &'static str) -> Self {
        Self { code, status, name, message, subject: None, number: None }
    }

    /// The same with an element that names what the failure is about.
    pub const fn naming(self, element: &'static str) -> Self {
        Self { subject: Some(element), ..self }
    }

    /// The same with a number.
    pub const fn numbered(self, number: &'static str) -> Self {
        Self { number: Some(number), ..self }
    }
}

/// The row of `own` for a code, else the shared one.
pub(crate) fn row(own: &'static [FailureRow], code: FailureCode) -> &'static FailureRow {
    let found = own.iter().chain(shared::ROWS).find(|row| row.code == code);
    found.unwrap_or(&shared::INTERNAL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::DIALECTS;

    #[test]
    fn every_failure_has_words_in_every_dialect() {
        for dialect in DIALECTS {
            for &code in FailureCode::ALL {
                let row = dialect.failure_row(code);
                assert_eq!(row.code, code, "{} has no row", dialect.name);
                assert!((300..600).contains(&row.status) && !row.name.is_empty() && !row.message.is_empty(), "{row:?}");
            }
        }
    }

    #[test]
    fn no_table_has_a_code_twice() {
        for table in [shared::ROWS, obs::ROWS, oss::ROWS] {
            for (place, row) in table.iter().enumerate() {
                assert!(table[..place].iter().all(|earlier| earlier.code != row.code), "{:?}", row.code);
            }
        }
    }
}
