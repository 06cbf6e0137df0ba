//! How a form is answered: by a page of the sender's, by a document, or by nothing but a status.

use http::Uri;
use http::uri::Scheme;
use strongroom_model::name::BucketName;

use super::Form;
use crate::signature::head::{encoded, encoded_path};
use crate::target::Target;

/// How a form is answered when its object is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormReply {
    /// The bucket.
    pub(crate) bucket: BucketName,
    /// The object's key, with the file's name in its place.
    pub(crate) key: String,
    /// The object's URL.
    pub(crate) location: String,
    pub(crate) ending: Ending,
}

/// What the answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// 303 to this URL, which has no fragment.
    Redirect(String),
    /// 200 or 204 without a body, or 201 with a document.
    Status(u16),
}

impl FormReply {
    /// How `form` wants to be answered. A status or a URL that may not be is as good as none, as all three services have
    /// it.
    pub(crate) fn new(form: &Form, target: &Target, bucket: BucketName, key: String, origin: &Uri) -> Self {
        let folder = if target.virtual_hosted() { String::new() } else { format!("{}/", bucket.as_str()) };
        let origin = origin.to_string();
        let location = format!("{}/{folder}{}", origin.trim_end_matches('/'), encoded_path(key.as_bytes()));
        let page = form.field("success_action_redirect").or(form.field("redirect")).and_then(page);
        let status = match form.field("success_action_status") {
            Some("200") => 200,
            Some("201") => 201,
            _ => 204,
        };
        Self { bucket, key, location, ending: page.map_or(Ending::Status(status), Ending::Redirect) }
    }

    /// The page to go to, told what was written.
    pub(crate) fn told(&self, page: &str, tag: &str) -> String {
        let joint = if page.contains('?') { '&' } else { '?' };
        let (bucket, key, tag) = (self.bucket.as_str(), encoded(self.key.as_bytes()), encoded(tag.as_bytes()));
        format!("{page}{joint}bucket={bucket}&key={key}&etag={tag}")
    }
}

/// The URL of a page that a browser may be sent to.
fn page(text: &str) -> Option<String> {
    let uri: Uri = text.parse().ok()?;
    let is_page = uri.scheme() == Some(&Scheme::HTTP) || uri.scheme() == Some(&Scheme::HTTPS);
    is_page.then(|| uri.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_the_web_are_gone_to() {
        for (text, expected) in [
            ("http://example.com/done?a=b#top", Some("http://example.com/done?a=b")),
            ("https://example.com", Some("https://example.com/")),
            ("/done", None),
            ("example.com", None),
            ("javascript:alert(1)", None),
            ("ftp://example.com/", None),
            ("http://example.com/a b", None),
            ("http://example.com/\r\nset-cookie: a", None),
            ("", None),
        ] {
            assert_eq!(page(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_page_is_told_what_was_written() {
        let bucket = BucketName::parse("bucket").unwrap();
        let ending = Ending::Status(204);
        let reply = FormReply { bucket, key: "a b&c/é".to_owned(), location: String::new(), ending };
        let told = "bucket=bucket&key=a%20b%26c%2F%C3%A9&etag=%22ab%22";
        assert_eq!(reply.told("http://p/", "\"ab\""), format!("http://p/?{told}"));
        assert_eq!(reply.told("http://p/?q=1", "\"ab\""), format!("http://p/?q=1&{told}"));
    }
}
