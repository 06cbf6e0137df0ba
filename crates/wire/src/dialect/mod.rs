//! Dialects as values: one record a file, of which every word on the wire is data.

pub mod obs;
pub mod oss;
pub mod s3;
mod setting_words;
mod words;

use http::header::{ACCESS_CONTROL_REQUEST_HEADERS, AUTHORIZATION};
use http::request::Parts;
use http::{Method, Response, Uri};
use strongroom_model::circumstance::RequestWords;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::outcome::Outcome;

use crate::claim::Claim;
use crate::decode;
use crate::encode;
use crate::error::{self, FailureRow};
use crate::exchange::{Exchange, Payload, Site};
use crate::form::{Form, FormReply};
use crate::intent::{Asked, Intent};
use crate::query::Query;
use crate::request::Request;
use crate::route::{self, Route};
use crate::signature::{self, Scheme};
use crate::target::Target;

pub use obs::OBS;
pub use oss::OSS;
pub use s3::S3;
pub use setting_words::{
    AclStyle, ClassDocument, CorsWords, InventoryWords, LifecycleWords, LockWords, Overlap, PublicAccessDocument,
    SettingWords,
};
pub use words::{
    ChecksumField, ChecksumSpelling, ChecksumsShown, CopyWords, Documents, EncryptionWords, FormWords, Format,
    ListingStyle, ResourceWords, Silent, Stray,
};

/// Every dialect, in the order in which they are asked whether a request is theirs. The last takes what nobody claims.
pub static DIALECTS: [&Dialect; 3] = [&OBS, &OSS, &S3];

/// One way of speaking: all that tells it from the others.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// Its name in logs and metrics: `s3`.
    pub name: &'static str,
    /// What its own header names begin with: `x-amz-`.
    pub header_prefix: &'static str,
    /// The signing schemes it understands.
    pub schemes: &'static [&'static Scheme],
    /// Query parameters of which any tells that a URL is signed in this dialect and no other.
    pub url_marks: &'static [&'static str],
    /// Whether unsigned requests with `?apiversion` are questions after this dialect.
    pub is_probed: bool,
    /// Whether a signed URL may carry the dialect's header fields in its query.
    pub fields_in_query: bool,
    /// The domain that its clients write into the host, whatever server they talk to.
    pub vendor_domain: Option<&'static str>,
    /// Whether buckets made by requests of its scoped scheme start with the rule AES256, if the site says so.
    pub starts_encrypted: bool,
    /// Tables of its own operations; they are asked before the shared one.
    pub routes: &'static [&'static [Route]],
    /// Failures that it words otherwise than the shared table.
    pub failures: &'static [FailureRow],
    /// Fields that ask for what is not built; the names follow the prefix. A request with any of them gets 501, not less
    /// than it asked for. A name ending in `-` stands for all that begin so.
    pub unbuilt_fields: &'static [&'static str],
    /// Server-side encryption.
    pub encryption: EncryptionWords,
    /// Objects and buckets.
    pub resources: ResourceWords,
    /// Browser forms.
    pub form: FormWords,
    /// Tags, access control lists, locks.
    pub settings: SettingWords,
    /// Answers.
    pub format: Format,
    /// Documents.
    pub documents: Documents,
}

/// The dialect of a request: by its signature's scheme or its URL's parameters, else by the unsigned question of the OBS
/// clients, else by the prefix of its headers. What nobody claims is S3's.
pub fn recognise(parts: &Parts) -> &'static Dialect {
    let query = Query::parse(parts.uri.query().unwrap_or_default()).unwrap_or_default();
    let tests: [fn(&Dialect, &Parts, &Query) -> bool; 3] =
        [Dialect::signs, Dialect::is_asked_after, Dialect::is_hinted];
    let found = tests.iter().find_map(|test| DIALECTS.into_iter().find(|dialect| test(dialect, parts, &query)));
    found.unwrap_or(&S3)
}

/// The dialect of a form: by the fields of its signature, else by the prefix of its fields, else that of its head.
pub fn recognise_form(form: &Form, head: &'static Dialect) -> &'static Dialect {
    let marks = |dialect: &Dialect| {
        let mut marks = dialect.schemes.iter().flat_map(|scheme| scheme.form_marks);
        marks.any(|mark| form.field(mark).is_some())
    };
    let hints = |dialect: &Dialect| form.fields().any(|(name, _)| name.starts_with(dialect.header_prefix));
    // The names that OBS gives to an access key and a signature are the least peculiar: it is asked last.
    let find = |test: &dyn Fn(&Dialect) -> bool| DIALECTS.into_iter().rev().find(|dialect| test(dialect));
    find(&marks).or_else(|| find(&hints)).unwrap_or(head)
}

impl Dialect {
    /// Reads a request's head.
    ///
    /// # Errors
    /// Whatever is wrong with the request as far as its head tells; to be answered by [`Dialect::encode_failure`].
    pub fn decode(&'static self, parts: &Parts, site: &Site) -> Result<Intent, Failure> {
        let mut readings = Target::readings(parts, site, self.vendor_domain)?.into_iter();
        let first = readings.next().ok_or(FailureCode::InvalidUri)?;
        let second = readings.next().map(|target| self.decode_target(parts, site, &target));
        match (self.decode_target(parts, site, &first), second) {
            (Ok(intent), Some(Ok(other))) => Ok(Intent { alternative: Some(Box::new(other)), ..intent }),
            (Err(_), Some(Ok(other))) => Ok(other),
            (result, _) => result,
        }
    }

    /// Reads a form, whose head is `parts`, and which was sent to `origin`: scheme and host.
    ///
    /// # Errors
    /// As [`Dialect::decode`].
    pub fn decode_form(
        &'static self,
        parts: &Parts,
        form: &Form,
        site: &Site,
        origin: &Uri,
    ) -> Result<(Intent, FormReply), Failure> {
        decode::form::read(self, parts, form, site, origin)
    }

    /// Writes the answer to an operation that succeeded.
    pub fn encode(&self, outcome: &Outcome, exchange: &Exchange<'_>) -> Response<Payload> {
        encode::outcome(self, outcome, exchange)
    }

    /// The head of an answer whose document comes later, when the operation has ended.
    pub fn encode_late(&self, exchange: &Exchange<'_>) -> Response<Payload> {
        encode::late(self, exchange)
    }

    /// Writes the answer to a request that failed.
    pub fn encode_failure(&self, failure: &Failure, exchange: &Exchange<'_>) -> Response<Payload> {
        encode::failure::answer(self, failure, exchange)
    }

    /// The words for a kind of failure.
    pub fn failure_row(&self, code: FailureCode) -> &'static FailureRow {
        error::row(self.failures, code)
    }

    /// The whole name of a field.
    pub(crate) fn field(&self, suffix: &str) -> String {
        [self.header_prefix, suffix].concat()
    }

    fn decode_target(&'static self, parts: &Parts, site: &Site, target: &Target) -> Result<Intent, Failure> {
        let request = Request::new(self, parts, site, target)?;
        let asked = route::read(&request)?;
        let signed = signature::Target { bucket: target.bucket(), virtual_hosted: target.virtual_hosted() };
        if matches!(asked, Asked::Form(_)) || parts.method == Method::OPTIONS {
            // A form is signed by its fields alone, and a browser's question not at all: what stands in the URL has signed
            // the request that is to follow.
            let words = RequestWords::default();
            return Ok(Intent { asked, claim: Claim::Anonymous, words, alternative: None });
        }
        let region = site.strict_region.then_some(&site.region);
        let claim = Claim::read(parts, &signed, self.schemes, region)?;
        let words = decode::words::read(&request, &claim)?;
        Ok(Intent { asked, claim, words, alternative: None })
    }

    fn signs(&self, parts: &Parts, query: &Query) -> bool {
        let value = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        match value.and_then(|text| text.split_ascii_whitespace().next()) {
            Some(word) => self.schemes.iter().any(|scheme| scheme.word == word),
            None => self.url_marks.iter().any(|mark| query.has(mark)),
        }
    }

    fn is_asked_after(&self, _: &Parts, query: &Query) -> bool {
        self.is_probed && query.has("apiversion")
    }

    fn is_hinted(&self, parts: &Parts, query: &Query) -> bool {
        // A browser's question announces the headers of the request that is to follow.
        let announced = parts.headers.get(ACCESS_CONTROL_REQUEST_HEADERS).and_then(|value| value.to_str().ok());
        let announced = announced.into_iter().flat_map(|names| names.split(',').map(str::trim));
        let mut names = parts.headers.keys().map(|name| name.as_str()).chain(query.names()).chain(announced);
        names.any(|name| {
            name.get(..self.header_prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(self.header_prefix))
        })
    }
}
