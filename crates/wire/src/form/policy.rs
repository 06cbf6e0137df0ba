//! The policy of a form: until when it is good, and what its fields may be.
//!
//! ```json
//! {"expiration": "2026-11-21T22:18:10.000Z",
//!  "conditions": [{"bucket": "b1"}, ["eq", "$acl", "private"], ["starts-with", "$key", "user/"],
//!                 ["in", "$content-type", ["image/png"]], ["content-length-range", 1, 1048576]]}
//! ```

use std::fmt;

use serde_json::{Map, Value};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::time::Timestamp;

use crate::signature::date;

/// Most conditions of a policy: one for each field, and as many again.
const CONDITIONS_MAX: usize = 400;

/// A policy, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Policy {
    /// Until when the form is good.
    pub(crate) expiration: Timestamp,
    /// The fewest bytes of the file.
    pub(crate) least: u64,
    /// The most bytes of the file.
    pub(crate) most: u64,
    conditions: Vec<Condition>,
}

/// What one field must be.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    test: Test,
    /// The field's name, in lower case.
    field: String,
    /// One value, but for the lists.
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Equal,
    StartsWith,
    /// OSS's.
    In,
    /// OSS's.
    NotIn,
}

impl Policy {
    /// Reads a policy's JSON.
    ///
    /// # Errors
    /// `InvalidPolicyDocument`.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, Failure> {
        let root = serde_json::from_slice(&without_escaped_dollars(json))
            .map_err(|cause| invalid("Invalid Policy: Invalid JSON.").caused_by(cause))?;
        let Value::Object(root) = root else { return Err(invalid("Invalid Policy: the document is no object.")) };
        if root.keys().any(|name| name != "expiration" && name != "conditions") {
            return Err(invalid("Invalid Policy: only expiration and conditions may stand in it."));
        }
        let expiration = root.get("expiration").ok_or_else(|| invalid("Invalid Policy: Policy missing expiration."))?;
        let expiration = expiration.as_str().and_then(date::read_extended);
        let expiration = expiration.ok_or_else(|| invalid("Invalid Policy: Invalid 'expiration' value."))?;
        let conditions = root.get("conditions").and_then(Value::as_array);
        let conditions = conditions.ok_or_else(|| invalid("Invalid Policy: Policy missing conditions."))?;
        if conditions.len() > CONDITIONS_MAX {
            return Err(invalid("Invalid Policy: too many conditions."));
        }
        let mut policy = Self { expiration, least: 0, most: u64::MAX, conditions: Vec::new() };
        for condition in conditions {
            policy.take(condition)?;
        }
        Ok(policy)
    }

    /// Holds a form against the conditions; `value` is what the field of a name, in lower case, says.
    ///
    /// # Errors
    /// `AccessDenied` with the condition that is not met.
    pub(crate) fn check<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> Result<(), Failure> {
        match self.conditions.iter().find(|condition| !condition.holds(value(&condition.field))) {
            Some(condition) => {
                Err(denied(format!("Invalid according to Policy: Policy Condition failed: {condition}")))
            }
            None => Ok(()),
        }
    }

    /// Whether a condition is about the field of that name, in lower case.
    pub(crate) fn covers(&self, field: &str) -> bool {
        self.conditions.iter().any(|condition| condition.field == field)
    }

    fn take(&mut self, condition: &Value) -> Result<(), Failure> {
        match condition {
            Value::Object(pairs) => self.conditions.push(simple(pairs)?),
            Value::Array(words) => match words.as_slice() {
                [Value::String(word), least, most] if word.eq_ignore_ascii_case("content-length-range") => {
                    self.least = self.least.max(size(least)?);
                    self.most = self.most.min(size(most)?);
                }
                [Value::String(word), Value::String(field), value] => {
                    self.conditions.push(Condition::parse(word, field, value)?);
                }
                _ => return Err(invalid("Invalid Policy: a condition has three parts.")),
            },
            _ => return Err(invalid("Invalid Policy: a condition is an object or a list.")),
        }
        Ok(())
    }
}

impl Condition {
    fn parse(word: &str, field: &str, value: &Value) -> Result<Self, Failure> {
        let tests = [("eq", Test::Equal), ("starts-with", Test::StartsWith), ("in", Test::In), ("not-in", Test::NotIn)];
        let test = tests.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(word));
        let (_, test) = test.ok_or_else(|| invalid("Invalid Policy: Unknown operation."))?;
        let field =
            field.strip_prefix('$').ok_or_else(|| invalid("Invalid Policy: a field's name begins with '$'."))?;
        let values = match (test, value) {
            (Test::Equal | Test::StartsWith, value) => vec![text(value)?],
            (Test::In | Test::NotIn, Value::Array(values)) => values.iter().map(text).collect::<Result<_, _>>()?,
            (Test::In | Test::NotIn, _) => return Err(invalid("Invalid Policy: a list of values is missing.")),
        };
        Ok(Self { test, field: field.to_ascii_lowercase(), values })
    }

    /// A field that is not there meets no condition, whatever would be met by an empty one.
    fn holds(&self, value: Option<&str>) -> bool {
        let Some(value) = value else { return false };
        let listed = || self.values.iter().any(|allowed| allowed == value);
        match self.test {
            Test::Equal | Test::In => listed(),
            Test::NotIn => !listed(),
            Test::StartsWith => self.values.iter().all(|start| self.begins(value, start)),
        }
    }

    /// Every one of several types has to begin so, as AWS documents it.
    fn begins(&self, value: &str, start: &str) -> bool {
        let several = self.field == "content-type" && value.contains(',');
        value.starts_with(start) && (!several || value.split(',').all(|one| one.trim_start().starts_with(start)))
    }
}

/// As AWS writes it into its answers, whichever way the policy did.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.test {
            Test::Equal => "eq",
            Test::StartsWith => "starts-with",
            Test::In => "in",
            Test::NotIn => "not-in",
        };
        let field = Value::from(format!("${}", self.field));
        let value = match self.test {
            Test::Equal | Test::StartsWith => self.values.first().map(String::as_str).into(),
            Test::In | Test::NotIn => Value::from(self.values.as_slice()),
        };
        write!(f, "[\"{word}\", {field}, {value}]")
    }
}

/// `{"field": "value"}`.
fn simple(pairs: &Map<String, Value>) -> Result<Condition, Failure> {
    let mut pairs = pairs.iter();
    match (pairs.next(), pairs.next()) {
        (Some((field, value)), None) => {
            Ok(Condition { test: Test::Equal, field: field.to_ascii_lowercase(), values: vec![text(value)?] })
        }
        _ => Err(invalid(
            "Invalid Policy: Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
        )),
    }
}

fn text(value: &Value) -> Result<String, Failure> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| invalid("Invalid Policy: Invalid Simple-Condition: value must be a string."))
}

/// A number of bytes; some clients write it as text.
fn size(value: &Value) -> Result<u64, Failure> {
    let size = value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
    size.ok_or_else(|| {
        invalid("Invalid Policy: Invalid content-length-range: it takes two numbers that are not negative.")
    })
}

/// AWS's documents escape a dollar sign in a value by a backslash, which JSON does not know.
fn without_escaped_dollars(json: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(json.len());
    let mut bytes = json.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, bytes.peek()) {
            (b'\\', Some(b'$')) => {}
            (b'\\', Some(&escaped)) => {
                kept.extend([byte, escaped]);
                bytes.next();
            }
            _ => kept.push(byte),
        }
    }
    kept
}

fn invalid(message: &'static str) -> Failure {
    Failure::new(FailureCode::InvalidPolicyDocument).with_message(message)
}

/// A form that its policy does not allow.
pub(crate) fn denied(message: String) -> Failure {
    Failure::new(FailureCode::AccessDenied).with_message(message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, proptest};

    use super::*;

    fn policy(conditions: &str) -> Result<Policy, FailureCode> {
        let text = format!("{{\"expiration\": \"2026-11-21T22:18:10.000Z\", \"conditions\": [{conditions}]}}");
        Policy::parse(text.as_bytes()).map_err(|failure| failure.code)
    }

    /// What the policy says of a form with this one field.
    fn said(conditions: &str, field: &str, value: &str) -> String {
        let result = policy(conditions).unwrap().check(|name| (name == field).then_some(value));
        result.map_or_else(|failure| failure.message.unwrap().into_owned(), |()| "met".to_owned())
    }

    #[test]
    fn conditions_are_met_or_named() {
        let failed = |condition: &str| format!("Invalid according to Policy: Policy Condition failed: {condition}");
        for (conditions, field, value, expected) in [
            ("", "key", "a", "met".to_owned()),
            (r#"{"key": "a"}"#, "key", "a", "met".to_owned()),
            (r#"{"kEy": "a"}"#, "key", "a", "met".to_owned()),
            (r#"{"key": "a"}"#, "key", "A", failed(r#"["eq", "$key", "a"]"#)),
            (r#"["EQ", "$Key", "a"]"#, "key", "ab", failed(r#"["eq", "$key", "a"]"#)),
            (r#"["StArTs-WiTh", "$KeY", "user/"]"#, "key", "user/é", "met".to_owned()),
            (r#"["starts-with", "$key", "user/"]"#, "key", "us", failed(r#"["starts-with", "$key", "user/"]"#)),
            (r#"["starts-with", "$key", ""]"#, "acl", "x", failed(r#"["starts-with", "$key", ""]"#)),
            (r#"["starts-with", "$key", "\$a"]"#, "key", "$ab", "met".to_owned()),
            (r#"["starts-with", "$key", "\\$a"]"#, "key", "\\$ab", "met".to_owned()),
            (r#"["starts-with", "$Content-Type", "image/"]"#, "content-type", "image/png, image/gif", "met".to_owned()),
            (
                r#"["starts-with", "$Content-Type", "image/"]"#,
                "content-type",
                "image/png,text/html",
                failed(r#"["starts-with", "$content-type", "image/"]"#),
            ),
            (r#"["in", "$content-type", ["a", "b"]]"#, "content-type", "b", "met".to_owned()),
            (r#"["in", "$acl", ["a", "b"]]"#, "acl", "c", failed(r#"["in", "$acl", ["a","b"]]"#)),
            (r#"["not-in", "$acl", ["a"]]"#, "acl", "b", "met".to_owned()),
            (r#"["not-in", "$acl", ["a"]]"#, "acl", "a", failed(r#"["not-in", "$acl", ["a"]]"#)),
            (r#"["not-in", "$acl", ["a"]]"#, "key", "a", failed(r#"["not-in", "$acl", ["a"]]"#)),
        ] {
            assert_eq!(said(conditions, field, value), expected, "{conditions} with {field}={value}");
        }
    }

    #[test]
    fn sizes_narrow_each_other() {
        let sizes = |conditions: &str| policy(conditions).map(|policy| (policy.least, policy.most));
        assert_eq!(sizes(""), Ok((0, u64::MAX)));
        assert_eq!(sizes(r#"["content-length-range", 1, 9], ["Content-Length-Range", "0", "7"]"#), Ok((1, 7)));
        for wrong in ["-1, 9", "0", "1.5, 2", "\"a\", 2", "0, 1, 2", "null, 1"] {
            let condition = format!("[\"content-length-range\", {wrong}]");
            assert_eq!(sizes(&condition), Err(FailureCode::InvalidPolicyDocument), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        let expiration = r#""expiration": "2026-11-21T22:18:10Z""#;
        for text in [
            "",
            "[]",
            "{",
            r#"{"conditions": []}"#,
            r#"{"expiration": "2026-11-21 22:18:10", "conditions": []}"#,
            r#"{"expiration": 1795295890, "conditions": []}"#,
            r#"{"EXPIRATION": "2026-11-21T22:18:10Z", "conditions": []}"#,
            &format!("{{{expiration}}}"),
            &format!("{{{expiration}, \"CONDITIONS\": []}}"),
            &format!("{{{expiration}, \"conditions\": {{}}}}"),
            &format!("{{{expiration}, \"conditions\": [], \"more\": 1}}"),
            &format!("{{{expiration}, \"conditions\": [{{}}]}}"),
            &format!("{{{expiration}, \"conditions\": [{{\"a\": \"b\", \"c\": \"d\"}}]}}"),
            &format!("{{{expiration}, \"conditions\": [{{\"a\": 1}}]}}"),
            &format!("{{{expiration}, \"conditions\": [\"a\"]}}"),
            &format!("{{{expiration}, \"conditions\": [[\"eq\", \"key\", \"a\"]]}}"),
            &format!("{{{expiration}, \"conditions\": [[\"is\", \"$key\", \"a\"]]}}"),
            &format!("{{{expiration}, \"conditions\": [[\"in\", \"$key\", \"a\"]]}}"),
            &format!("{{{expiration}, \"conditions\": [{}]}}", ["{\"a\": \"b\"}"; CONDITIONS_MAX + 1].join(",")),
        ] {
            let code = Policy::parse(text.as_bytes()).map_err(|failure| failure.code);
            assert_eq!(code, Err(FailureCode::InvalidPolicyDocument), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn every_text_can_be_demanded_and_nothing_else_meets_it(value in "\\PC{0,20}", other in "\\PC{0,20}") {
            let condition = Value::from(vec!["eq", "$key", &value]).to_string();
            assert_eq!(said(&condition, "key", &value), "met");
            assert_eq!(said(&condition, "key", &other) == "met", value == other);
            let start = Value::from(vec!["starts-with", "$key", &value]).to_string();
            assert_eq!(said(&start, "key", &format!("{value}{other}")), "met");
            assert_eq!(said(&start, "key", &other) == "met", other.starts_with(&value));
        }
    }
}
