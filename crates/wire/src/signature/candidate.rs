//! What a client may have signed.

use strongroom_model::failure::Failure;

/// A string that a client may have signed. SDKs differ in corners, so there may be several to one request.
#[derive(PartialEq, Eq)]
pub(crate) struct Candidate {
    /// The string to sign.
    pub(crate) string_to_sign: Vec<u8>,
    /// What the string to sign has a hash of, in scoped schemes.
    pub(crate) canonical_request: Option<Vec<u8>>,
}

impl Candidate {
    /// A string that is signed as it is.
    pub(crate) fn plain(string_to_sign: Vec<u8>) -> Self {
        Self { string_to_sign, canonical_request: None }
    }

    /// Adds to `failure` what we would have signed, so that the client's author can find the difference.
    pub(crate) fn describe(&self, failure: Failure) -> Failure {
        let failure = failure.with_detail("StringToSign", shown(&self.string_to_sign));
        match &self.canonical_request {
            Some(request) => failure.with_detail("CanonicalRequest", shown(request)),
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

fn struck_out(line: &str) -> String {
    match line.split_once(':') {
        Some((name, _)) if name.ends_with("-customer-key") || name.ends_with("-security-token") => {
            format!("{name}:(not shown)")
        }
        _ => line.to_owned(),
    }
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
}
