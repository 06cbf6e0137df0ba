//! What a client may have signed.

use std::borrow::Cow;

use strongroom_model::failure::Failure;

use super::crypto::sha256_hex;

/// A string that a client may have signed. SDKs differ in corners, so there may be several to one request; the first is
/// mostly the one, so that none is hashed before it is tried.
#[derive(PartialEq, Eq)]
pub(crate) struct Candidate {
    /// What stands before the hash in the string to sign, in schemes that sign a hash.
    opening: Option<String>,
    /// The string to sign, or what it has a hash of.
    text: Vec<u8>,
}

impl Candidate {
    /// A string that is signed as it is.
    pub(crate) fn plain(string_to_sign: Vec<u8>) -> Self {
        Self { opening: None, text: string_to_sign }
    }

    /// `opening` and the hash of a canonical request.
    pub(crate) fn hashed(opening: String, canonical_request: Vec<u8>) -> Self {
        Self { opening: Some(opening), text: canonical_request }
    }

    /// The string to sign.
    pub(crate) fn string_to_sign(&self) -> Cow<'_, [u8]> {
        match &self.opening {
            None => Cow::Borrowed(&self.text),
            Some(opening) => Cow::Owned([opening.as_str(), &sha256_hex(&self.text)].concat().into_bytes()),
        }
    }

    /// Adds to `failure` what we would have signed, so that the client's author can find the difference.
    pub(crate) fn describe(&self, failure: Failure) -> Failure {
        let failure = failure.with_detail("StringToSign", shown(&self.string_to_sign()));
        match &self.opening {
            Some(_) => failure.with_detail("CanonicalRequest", shown(&self.text)),
            None => failure,
        }
    }
}

/// Keeps each candidate once, in order.
pub(crate) fn distinct(candidates: impl IntoIterator<Item = Candidate>) -> Vec<Candidate> {
    candidates.into_iter().fold(Vec::new(), |mut kept, candidate| {
        if !kept.contains(&candidate) {
            kept.push(candidate);
        }
        kept
    })
}

/// The text, with customers' keys and security tokens struck out: failures are logged.
fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<_> = text.split('\n').map(struck_out).collect();
    lines.join("\n")
}

/// A line of a header, or one with a query in it.
fn struck_out(line: &str) -> String {
    match line.split_once(':') {
        Some((name, _)) if is_secret(name) => format!("{name}:(not shown)"),
        _ => encoded_struck_out(&line.split_inclusive(['?', '&']).map(parameter_struck_out).collect::<String>()),
    }
}

/// A parameter, with the joint that follows it.
fn parameter_struck_out(piece: &str) -> Cow<'_, str> {
    match piece.split_once('=') {
        Some((name, _)) if is_secret(name) => {
            let joint = if piece.ends_with('&') { "&" } else { "" };
            Cow::Owned(format!("{name}=(not shown){joint}"))
        }
        _ => Cow::Borrowed(piece),
    }
}

/// The same of parameters that are encoded once more, as Alibaba's RPC requests sign them.
fn encoded_struck_out(line: &str) -> String {
    let shown = line.split("%26").map(|piece| match piece.split_once("%3D") {
        Some((name, _)) if is_secret(name.rsplit('&').next().unwrap_or(name)) => format!("{name}%3D(not shown)"),
        _ => piece.to_owned(),
    });
    shown.collect::<Vec<_>>().join("%26")
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let of_objects = name.ends_with("-customer-key") || name.ends_with("security-token");
    of_objects || name == "securitytoken" || name == "plaintext"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customers_key_is_not_shown() {
        let text = b"PUT\nx-obs-server-side-encryption-customer-key:MDEy\nx-obs-server-side-encryption-customer-key-md5:KYvw\n/b/k";
        let expected = "PUT\nx-obs-server-side-encryption-customer-key:(not shown)\nx-obs-server-side-encryption-customer-key-md5:KYvw\n/b/k";
        assert_eq!(shown(text), expected);
    }

    #[test]
    fn a_security_token_is_not_shown_in_a_header_or_a_url() {
        for (text, expected) in [
            ("x-amz-security-token:AbC=\nx-amz-date:D", "x-amz-security-token:(not shown)\nx-amz-date:D"),
            ("X-Amz-Security-Token=AbC%3D&X-Amz-Z=1", "X-Amz-Security-Token=(not shown)&X-Amz-Z=1"),
            ("/b/a:k?acl&security-token=AbC==", "/b/a:k?acl&security-token=(not shown)"),
            ("/b/k?x-obs-security-token=AbC", "/b/k?x-obs-security-token=(not shown)"),
            (
                "POST&%2F&AccessKeyId%3Da%26Plaintext%3DAbC%253D%26SecurityToken%3DAbC",
                "POST&%2F&AccessKeyId%3Da%26Plaintext%3D(not shown)%26SecurityToken%3D(not shown)",
            ),
            ("POST&%2F&Plaintext%3DAbC%26Version%3D1", "POST&%2F&Plaintext%3D(not shown)%26Version%3D1"),
        ] {
            assert_eq!(shown(text.as_bytes()), expected);
        }
    }
}
