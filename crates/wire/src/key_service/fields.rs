//! The fields of a request to the key service, read one by one, each with its type.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use strongroom_model::failure::{Failure, FailureCode};
use zeroize::Zeroize as _;

use crate::text::bytes::from_base64;

/// The members of a request's document, or the parameters of its query and form as text.
pub struct Fields(Map<String, Value>);

impl Fields {
    /// Reads a JSON document, which must be one object. An empty document is an empty one.
    ///
    /// # Errors
    /// `MalformedXml`, whose name is older than the key service: the document is not well formed.
    pub(crate) fn from_json(document: &[u8]) -> Result<Self, Failure> {
        if document.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(Map::new()));
        }
        match serde_json::from_slice(document) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(_) => Err(FailureCode::MalformedXml.into()),
            Err(error) => Err(Failure::new(FailureCode::MalformedXml).caused_by(error)),
        }
    }

    /// Parameters as text; the first of a name counts.
    pub(crate) fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut members = Map::new();
        for (name, value) in pairs {
            members.entry(name).or_insert(Value::String(value));
        }
        Self(members)
    }

    /// The same with one more field, which the path said.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), Value::String(value.to_owned()));
        self
    }

    /// A field as it is; null is nothing.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text.
    ///
    /// # Errors
    /// `MalformedXml` for what is none.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, Failure> {
        self.value(name).map(|value| value.as_str().ok_or_else(|| mistyped(name))).transpose()
    }

    /// A whole number, as a number or as text.
    ///
    /// # Errors
    /// `MalformedXml` for what is none.
    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, Failure> {
        let read = |value: &Value| match value {
            Value::String(text) => text.parse().ok(),
            other => other.as_i64(),
        };
        self.value(name).map(|value| read(value).ok_or_else(|| mistyped(name))).transpose()
    }

    /// A number of seconds since 1970, perhaps with a fraction.
    ///
    /// # Errors
    /// `MalformedXml` for what is none.
    pub(crate) fn seconds(&self, name: &str) -> Result<Option<f64>, Failure> {
        self.value(name).map(|value| value.as_f64().ok_or_else(|| mistyped(name))).transpose()
    }

    /// Yes or no, as such or as text.
    ///
    /// # Errors
    /// `MalformedXml` for what is none.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Failure> {
        let read = |value: &Value| match value {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        };
        self.value(name).map(|value| read(value).ok_or_else(|| mistyped(name))).transpose()
    }

    /// Bytes in base64.
    ///
    /// # Errors
    /// `MalformedXml` for what is none.
    pub(crate) fn bytes(&self, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.text(name)?.map(|text| from_base64(text).ok_or_else(|| mistyped(name))).transpose()
    }

    /// A list.
    ///
    /// # Errors
    /// `MalformedXml` for what is none.
    pub(crate) fn list(&self, name: &str) -> Result<&[Value], Failure> {
        match self.value(name) {
            None => Ok(&[]),
            Some(value) => value.as_array().map(Vec::as_slice).ok_or_else(|| mistyped(name)),
        }
    }

    /// A list of texts.
    ///
    /// # Errors
    /// `MalformedXml` for what is none.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, Failure> {
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| mistyped(name));
        self.list(name)?.iter().map(text).collect()
    }

    /// A map from text to text.
    ///
    /// # Errors
    /// `MalformedXml` for what is none.
    pub(crate) fn map(&self, name: &str) -> Result<BTreeMap<String, String>, Failure> {
        match self.value(name) {
            None => Ok(BTreeMap::new()),
            Some(value) => text_map(value).ok_or_else(|| mistyped(name)),
        }
    }

    /// A map from text to text, as a JSON document in a text.
    ///
    /// # Errors
    /// `MalformedXml` for what is none.
    pub(crate) fn spelled_map(&self, name: &str) -> Result<BTreeMap<String, String>, Failure> {
        let Some(text) = self.text(name)? else { return Ok(BTreeMap::new()) };
        let read = |text: &str| serde_json::from_str::<Value>(text).ok().as_ref().and_then(text_map);
        read(text).ok_or_else(|| mistyped(name))
    }

    /// Fields within a field.
    ///
    /// # Errors
    /// `MalformedXml` for what is none.
    pub(crate) fn inner(&self, name: &str) -> Result<Option<Self>, Failure> {
        let read = |value: &Value| value.as_object().cloned().map(Self).ok_or_else(|| mistyped(name));
        self.value(name).map(read).transpose()
    }
}

/// A JSON map from text to text.
pub(crate) fn text_map(value: &Value) -> Option<BTreeMap<String, String>> {
    let member = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
    value.as_object()?.iter().map(member).collect()
}

/// Names alone: values may be data that a client has sealed.
impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Values may be data that a client has sealed.
impl Drop for Fields {
    fn drop(&mut self) {
        for (_, value) in self.0.iter_mut() {
            if let Value::String(text) = value {
                text.zeroize();
            }
        }
    }
}

fn mistyped(name: &str) -> Failure {
    Failure::new(FailureCode::MalformedXml).with_detail("Field", name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(document: &str) -> Fields {
        Fields::from_json(document.as_bytes()).unwrap()
    }

    #[test]
    fn every_type_is_read_and_every_other_refused() {
        let all = fields(r#"{"t":"x","n":7,"m":"8","f":true,"g":"False","b":"AQI=","l":["a"],"c":{"k":"v"},"z":null}"#);
        assert_eq!(all.text("t").unwrap(), Some("x"));
        assert_eq!((all.number("n").unwrap(), all.number("m").unwrap()), (Some(7), Some(8)));
        assert_eq!((all.flag("f").unwrap(), all.flag("g").unwrap()), (Some(true), Some(false)));
        assert_eq!(all.bytes("b").unwrap(), Some(vec![1, 2]));
        assert_eq!(all.texts("l").unwrap(), ["a"]);
        assert_eq!(all.map("c").unwrap(), BTreeMap::from([("k".to_owned(), "v".to_owned())]));
        assert!(all.text("z").unwrap().is_none() && all.text("absent").unwrap().is_none());
        assert!(all.text("n").is_err() && all.number("t").is_err() && all.flag("t").is_err());
        assert!(all.bytes("t").is_err() && all.list("t").is_err() && all.map("l").is_err());
        assert!(fields(r#"{"c":{"k":1},"l":[1]}"#).map("c").is_err());
        assert!(fields(r#"{"l":[1]}"#).texts("l").is_err());
    }

    #[test]
    fn a_document_is_one_object_or_nothing() {
        assert!(Fields::from_json(b" \n").unwrap().value("x").is_none());
        for bad in ["[]", "1", "{", "{}x", "\"x\""] {
            assert_eq!(Fields::from_json(bad.as_bytes()).unwrap_err().code, FailureCode::MalformedXml, "{bad}");
        }
    }

    #[test]
    fn what_was_sent_is_not_shown() {
        assert_eq!(format!("{:?}", fields(r#"{"Plaintext":"c2VjcmV0"}"#)), r#"{"Plaintext"}"#);
    }
}
