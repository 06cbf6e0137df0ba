//! A request's query, decoded.

use std::collections::BTreeMap;

use strongroom_model::failure::{Failure, FailureCode};

use crate::text::percent;

/// The most parameters of a query. A signed URL may have every field of user metadata in its query, whose 8 KiB make a few
/// hundred; each parameter is held against every route and every list of what is signed.
const PARAMETERS_MAX: usize = 1000;

/// The parameters of a query in the order sent, decoded. `http::Uri` bounds the sum of their lengths to 64 KiB.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query as it stands in the request line.
    ///
    /// # Errors
    /// `InvalidUri` for what is not percent-encoded UTF-8, or more than [`PARAMETERS_MAX`].
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        if text.split('&').filter(|pair| !pair.is_empty()).count() > PARAMETERS_MAX {
            return Err(FailureCode::InvalidUri.into());
        }
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((percent::decode_form(name)?, percent::decode_form(value)?))
        });
        pairs.collect::<Result<_, Failure>>().map(Self)
    }

    /// Whether the parameter is there, with or without a value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(found, _)| found == name)
    }

    /// A parameter's value; the first counts, and an empty one is as good as none.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// The value of a parameter whose name may be in any letter case, as headers moved to the query are.
    pub(crate) fn value_of_any_case(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The first value of each name.
    pub(crate) fn firsts(&self) -> BTreeMap<&str, &str> {
        self.0.iter().rev().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// The names in the order sent.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_empty_ones_are_none() {
        let query = Query::parse("acl&prefix=a%20b+c&encryption=&prefix=z&X-Amz-Meta-A=1").unwrap();
        assert!(query.has("acl") && query.has("encryption") && !query.has("cors"));
        assert_eq!(query.value("prefix"), Some("a b c"));
        assert_eq!(query.value("encryption"), None);
        assert_eq!(query.value_of_any_case("x-amz-meta-a"), Some("1"));
        assert!(Query::parse("a=%FF").is_err());
    }
}
