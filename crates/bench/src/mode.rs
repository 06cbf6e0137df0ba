//! The ways of encrypting an object that a load can ask for, and how each dialect asks for them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::ValueEnum;
use http::request::Builder;
use md5::{Digest as _, Md5};
use ring::digest;

/// The dialects that a load can speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Speech {
    /// Huawei OBS, signed by its own scheme.
    Obs,
    /// Alibaba OSS, signed by V4.
    Oss,
    /// Amazon S3, signed by V4.
    S3,
}

/// A way of encrypting an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub enum Mode {
    /// Not at all.
    Plain,
    /// AES-256 under a key that the service manages.
    Managed,
    /// SM4 under a key that the service manages (OSS).
    ManagedSm4,
    /// SSE-KMS with AES-256.
    Kms,
    /// SSE-KMS with SM4 (OBS, OSS).
    KmsSm4,
    /// SSE-C with a fresh key for every object (OBS, S3).
    Customer,
}

impl Speech {
    /// The prefix of the dialect's own headers.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Obs => "x-obs-",
            Self::Oss => "x-oss-",
            Self::S3 => "x-amz-",
        }
    }

    /// The modes that the dialect can ask for in a request.
    pub fn modes(self) -> &'static [Mode] {
        match self {
            Self::Obs => &[Mode::Plain, Mode::Managed, Mode::Kms, Mode::KmsSm4, Mode::Customer],
            Self::Oss => &[Mode::Plain, Mode::Managed, Mode::ManagedSm4, Mode::Kms, Mode::KmsSm4],
            Self::S3 => &[Mode::Plain, Mode::Managed, Mode::Kms, Mode::Customer],
        }
    }
}

impl Mode {
    /// The mode's name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Managed => "managed AES-256",
            Self::ManagedSm4 => "managed SM4",
            Self::Kms => "SSE-KMS AES-256",
            Self::KmsSm4 => "SSE-KMS SM4",
            Self::Customer => "SSE-C",
        }
    }

    /// Adds the headers of a write to `request`. `object` names the object: its customer key follows from it.
    pub fn write_headers(self, speech: Speech, request: Builder, object: &str) -> Builder {
        let prefix = speech.prefix();
        let method = format!("{prefix}server-side-encryption");
        let cipher = format!("{prefix}server-side-data-encryption");
        let kms = match speech {
            Speech::Obs => "kms",
            Speech::Oss => "KMS",
            Speech::S3 => "aws:kms",
        };
        match self {
            Self::Plain => request,
            Self::Managed => request.header(method, "AES256"),
            Self::ManagedSm4 => request.header(method, "SM4"),
            Self::Kms => request.header(method, kms),
            Self::KmsSm4 => request.header(method, kms).header(cipher, "SM4"),
            Self::Customer => self.read_headers(speech, request, object),
        }
    }

    /// Adds the headers of a read to `request`.
    pub fn read_headers(self, speech: Speech, request: Builder, object: &str) -> Builder {
        self.key_headers(&format!("{}server-side-encryption-customer-", speech.prefix()), request, object)
    }

    /// Adds the headers by which a copy reads its source, the object named `source`, to `request`.
    pub fn source_headers(self, speech: Speech, request: Builder, source: &str) -> Builder {
        let prefix = format!("{}copy-source-server-side-encryption-customer-", speech.prefix());
        self.key_headers(&prefix, request, source)
    }

    /// Adds the header that names a master key, if the mode has one and `key` is given.
    pub fn master_key_header(self, speech: Speech, request: Builder, key: Option<&str>) -> Builder {
        let Some(key) = key.filter(|_| matches!(self, Self::Kms | Self::KmsSm4)) else { return request };
        let name = match speech {
            Speech::Obs => "x-obs-server-side-encryption-kms-key-id",
            Speech::Oss => "x-oss-server-side-encryption-key-id",
            Speech::S3 => "x-amz-server-side-encryption-aws-kms-key-id",
        };
        request.header(name, key)
    }

    fn key_headers(self, prefix: &str, request: Builder, object: &str) -> Builder {
        if self != Self::Customer {
            return request;
        }
        let key = digest::digest(&digest::SHA256, object.as_bytes());
        let name = |field: &str| format!("{prefix}{field}");
        request
            .header(name("algorithm"), "AES256")
            .header(name("key"), BASE64.encode(key.as_ref()))
            .header(name("key-MD5"), BASE64.encode(Md5::digest(key.as_ref())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(mode: Mode, speech: Speech) -> Vec<(String, String)> {
        let request =
            mode.write_headers(speech, http::Request::builder(), "o").body(()).expect("headers are well formed");
        let shown = request.headers().iter();
        shown.map(|(name, value)| (name.to_string(), value.to_str().expect("ASCII").to_owned())).collect()
    }

    #[test]
    fn each_dialect_asks_in_its_own_words() {
        let kms = |speech| headers(Mode::Kms, speech);
        let pair = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        assert_eq!(kms(Speech::Obs), pair("x-obs-server-side-encryption", "kms"));
        assert_eq!(kms(Speech::Oss), pair("x-oss-server-side-encryption", "KMS"));
        assert_eq!(kms(Speech::S3), pair("x-amz-server-side-encryption", "aws:kms"));
    }

    #[test]
    fn a_customer_key_differs_from_object_to_object() {
        let key = |object: &str| {
            let request =
                Mode::Customer.read_headers(Speech::S3, http::Request::builder(), object).body(()).expect("valid");
            request.headers()["x-amz-server-side-encryption-customer-key"].clone()
        };
        assert_eq!(key("a"), key("a"));
        assert_ne!(key("a"), key("b"));
    }
}
