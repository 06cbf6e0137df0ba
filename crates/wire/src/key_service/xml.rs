//! Answers in XML, of the same values as those in JSON: members are elements, and a list is as many elements of its name.

use bytes::Bytes;
use serde_json::Value;

use crate::document::writer::Writer;

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

/// The document of that root.
pub(super) fn document(root: &str, value: &Value) -> Bytes {
    Writer::document(DECLARATION, root, None, |writer| members(writer, value)).into_bytes()
}

fn members(writer: &mut Writer, value: &Value) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| member(writer, name, value)),
        Value::String(text) => writer.text(text),
        Value::Bool(truth) => writer.text(&truth.to_string()),
        Value::Number(number) => writer.text(&number.to_string()),
        // Lists have a name in all answers, and what is not there is left out.
        Value::Array(_) | Value::Null => {}
    }
}

fn member(writer: &mut Writer, name: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::Array(entries) => entries.iter().for_each(|entry| writer.element(name, |inner| members(inner, entry))),
        value => writer.element(name, |inner| members(inner, value)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_elements_and_lists_repeat_theirs() {
        let value = json!({ "Keys": { "Key": [{ "KeyId": "a" }, { "KeyId": "b&c" }] }, "TotalCount": 2, "No": null });
        let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><KMS><Keys><Key><KeyId>a</KeyId></Key>\
            <Key><KeyId>b&amp;c</KeyId></Key></Keys><TotalCount>2</TotalCount></KMS>";
        assert_eq!(document("KMS", &value), expected);
    }
}
