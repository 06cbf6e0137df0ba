//! What ties a sealed thing to its place (FORMAT.md §7).

use std::collections::BTreeMap;

/// Version of the encodings below.
const BINDING_VERSION: u8 = 1;

/// The encodings begin with what they bind, so that one kind never passes for another.
const OBJECT_VERSION: u8 = 1;
const KEY_VERSION: u8 = 2;
const CLIENT_DATA: u8 = 3;
const BUCKET_KEY: u8 = 4;

/// The identity of an object version: AAD of its wrapped data key and of its manifest.
#[derive(Debug, Clone, Copy)]
pub struct Binding<'a> {
    /// The account that owns the bucket.
    pub account: &'a str,
    /// The bucket's permanent id, not its name.
    pub bucket: &'a str,
    /// The object's key.
    pub key: &'a str,
    /// The store's own id of this version, never used twice: not a client's word such as `null`.
    pub version: &'a str,
    /// The client's encryption context; a sorted map is its own canonical form.
    pub context: &'a BTreeMap<String, String>,
}

impl<'a> Binding<'a> {
    /// The place of a bucket key over this version's data key.
    #[must_use]
    pub fn bucket_key(&self) -> BucketBinding<'a> {
        BucketBinding { account: self.account, bucket: self.bucket, context: self.context }
    }

    /// The AAD. Two bindings have the same encoding only if they are equal.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![BINDING_VERSION, OBJECT_VERSION];
        for field in [self.account, self.bucket, self.key, self.version] {
            put32(&mut out, field);
        }
        put_context(&mut out, self.context);
        out
    }
}

/// The place of a bucket key: AAD of its wrap under a master key.
#[derive(Debug, Clone, Copy)]
pub struct BucketBinding<'a> {
    /// The account that owns the bucket.
    pub account: &'a str,
    /// The bucket's permanent id, not its name.
    pub bucket: &'a str,
    /// The client's encryption context, which all data keys under the bucket key share.
    pub context: &'a BTreeMap<String, String>,
}

impl BucketBinding<'_> {
    /// The AAD. Two bindings have the same encoding only if they are equal.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![BINDING_VERSION, BUCKET_KEY];
        put32(&mut out, self.account);
        put32(&mut out, self.bucket);
        put_context(&mut out, self.context);
        out
    }
}

/// The identity of a version of a master key, or of another key that is no data key: AAD of its wrap.
#[derive(Debug, Clone, Copy)]
pub struct KeyBinding<'a> {
    /// The account that owns the key; empty for the system's own.
    pub account: &'a str,
    /// The key's id.
    pub key_id: &'a str,
    /// Which version of the key.
    pub key_version: u32,
}

impl KeyBinding<'_> {
    /// The AAD. Two bindings have the same encoding only if they are equal.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![BINDING_VERSION, KEY_VERSION];
        put32(&mut out, self.account);
        put32(&mut out, self.key_id);
        out.extend_from_slice(&self.key_version.to_be_bytes());
        out
    }
}

/// What a client's data is bound to that a master key seals directly: AAD of a ciphertext (FORMAT.md §17).
#[derive(Debug, Clone, Copy)]
pub struct ClientBinding<'a> {
    /// The account that owns the key.
    pub account: &'a str,
    /// The key's id.
    pub key_id: &'a str,
    /// Which version of the key.
    pub key_version: u32,
    /// The client's encryption context; a sorted map is its own canonical form.
    pub context: &'a BTreeMap<String, String>,
}

impl ClientBinding<'_> {
    /// The AAD. Two bindings have the same encoding only if they are equal.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![BINDING_VERSION, CLIENT_DATA];
        put32(&mut out, self.account);
        put32(&mut out, self.key_id);
        out.extend_from_slice(&self.key_version.to_be_bytes());
        put_context(&mut out, self.context);
        out
    }
}

fn put_context(out: &mut Vec<u8>, context: &BTreeMap<String, String>) {
    out.extend_from_slice(&len32(context.len()));
    for (name, value) in context {
        put32(out, name);
        put32(out, value);
    }
}

fn put32(out: &mut Vec<u8>, field: &str) {
    out.extend_from_slice(&len32(field.len()));
    out.extend_from_slice(field.as_bytes());
}

fn len32(len: usize) -> [u8; 4] {
    u32::try_from(len).expect("no field of a request reaches 4 GiB").to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_of_section_7() {
        let context = BTreeMap::from([("b".into(), "2".into()), ("a".into(), "1".into())]);
        let binding = Binding { account: "me", bucket: "b1", key: "k", version: "", context: &context };
        let expected =
            "0101000000026d6500000002623100000001 6b 00000000 00000002 0000000161 0000000131 0000000162 0000000132";
        assert_eq!(hex::encode(binding.encode()), expected.replace(' ', ""));
        let key = KeyBinding { account: "me", key_id: "k", key_version: 7 };
        assert_eq!(hex::encode(key.encode()), "0102000000026d65000000016b00000007");
        let data = ClientBinding { account: "me", key_id: "k", key_version: 7, context: &context };
        let expected = "0103000000026d65000000016b00000007 00000002 0000000161 0000000131 0000000162 0000000132";
        assert_eq!(hex::encode(data.encode()), expected.replace(' ', ""));
        let expected = "0104000000026d65000000026231 00000002 0000000161 0000000131 0000000162 0000000132";
        assert_eq!(hex::encode(binding.bucket_key().encode()), expected.replace(' ', ""));
    }
}
