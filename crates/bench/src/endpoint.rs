//! A server under load: how its requests are addressed, signed and sent.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{ETAG, RANGE};
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use md5::{Digest as _, Md5};

use strongroom_model::name::{AccessKeyId, Region};
use strongroom_model::secret::SecretKey;
use strongroom_model::time::Timestamp;
use strongroom_wire::signature::payload::PayloadWord;
use strongroom_wire::signature::sign::{Signer, Unsignable};
use strongroom_wire::signature::{Scheme, Target, oss4, v2, v4};

use crate::mode::{Mode, Speech};

/// A server under load, spoken to in one dialect.
pub struct Endpoint {
    /// Scheme, host and port, without a path.
    pub origin: Uri,
    /// The dialect.
    pub speech: Speech,
    /// The bucket that holds the load.
    pub bucket: String,
    access_key: AccessKeyId,
    secret: SecretKey,
    region: Region,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// Why a request of a load failed.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The request cannot be made.
    #[error("the request cannot be made: {0}")]
    Request(#[from] http::Error),
    /// The request cannot be signed.
    #[error(transparent)]
    Unsignable(#[from] Unsignable),
    /// The server cannot be reached, or hung up.
    #[error("no answer from the server: {0}")]
    Connection(#[from] hyper_util::client::legacy::Error),
    /// The answer broke off.
    #[error("the answer broke off: {0}")]
    Body(#[from] hyper::Error),
    /// The server refused.
    #[error("the server answered {status}: {document}")]
    Refused {
        /// The answer's status.
        status: http::StatusCode,
        /// The beginning of its document.
        document: String,
    },
    /// The answer lacks something.
    #[error("the answer has no {0}")]
    Lacking(&'static str),
    /// What came back is not what was written.
    #[error("other bytes than were written came back, from byte {first} on")]
    Changed {
        /// The first byte of the range.
        first: u64,
    },
    /// The answer's body has another length than the object.
    #[error("a body of {got} bytes came where {wanted} were stored")]
    Short {
        /// Bytes that came.
        got: u64,
        /// Bytes that should have.
        wanted: u64,
    },
}

impl Endpoint {
    /// A server at `origin`, spoken to as `speech` with the given access key.
    pub fn new(
        origin: Uri,
        speech: Speech,
        bucket: String,
        access_key: AccessKeyId,
        secret: SecretKey,
        region: Region,
    ) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).http1_max_buf_size(64 * 1024).build(connector);
        Self { origin, speech, bucket, access_key, secret, region, client }
    }

    /// Makes the bucket; one that is there already is fine.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn create_bucket(&self) -> Result<(), LoadError> {
        let request = Request::builder().method(Method::PUT).uri(self.uri(""));
        match self.send(request.body(Bytes::new())?).await {
            Err(LoadError::Refused { status, .. }) if status == http::StatusCode::CONFLICT => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// Writes an object.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn put(&self, key: &str, body: Bytes, mode: Mode) -> Result<(), LoadError> {
        let request = Request::builder().method(Method::PUT).uri(self.uri(key));
        let request = mode.write_headers(self.speech, request, key).body(body)?;
        self.send(request).await?.into_body().collect().await?;
        Ok(())
    }

    /// Reads an object of `size` bytes and drops it.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn get(&self, key: &str, size: u64, mode: Mode) -> Result<(), LoadError> {
        let request = Request::builder().method(Method::GET).uri(self.uri(key));
        let request = mode.read_headers(self.speech, request, key).body(Bytes::new())?;
        let mut body = self.send(request).await?.into_body();
        let mut got = 0;
        while let Some(frame) = body.frame().await {
            got += frame?.data_ref().map_or(0, Bytes::len) as u64;
        }
        if got == size { Ok(()) } else { Err(LoadError::Short { got, wanted: size }) }
    }

    /// Begins an upload in parts and answers its id.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn begin_upload(&self, key: &str, mode: Mode) -> Result<String, LoadError> {
        let request = Request::builder().method(Method::POST).uri(self.uri(key) + "?uploads");
        let request = mode.write_headers(self.speech, request, key).body(Bytes::new())?;
        let document = self.send(request).await?.into_body().collect().await?.to_bytes();
        let text = String::from_utf8_lossy(&document);
        let id = text.split_once("<UploadId>").and_then(|(_, rest)| rest.split_once("</UploadId>"));
        id.map(|(id, _)| id.to_owned()).ok_or(LoadError::Lacking("upload id"))
    }

    /// Writes a part, of an upload and a number, and answers its tag.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn write_part(
        &self,
        key: &str,
        (upload, number): (&str, u64),
        body: Bytes,
        mode: Mode,
    ) -> Result<String, LoadError> {
        let uri = format!("{}?partNumber={number}&uploadId={upload}", self.uri(key));
        let request = Request::builder().method(Method::PUT).uri(uri);
        let request = mode.read_headers(self.speech, request, key).body(body)?;
        let answer = self.send(request).await?;
        let tag = answer.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        answer.into_body().collect().await?;
        tag.ok_or(LoadError::Lacking("tag"))
    }

    /// Makes the object of all parts, whose tags are given in order.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn complete_upload(&self, key: &str, upload: &str, tags: &[String]) -> Result<(), LoadError> {
        let part = |(number, tag): (usize, &String)| {
            format!("<Part><PartNumber>{}</PartNumber><ETag>{tag}</ETag></Part>", number + 1)
        };
        let parts: String = tags.iter().enumerate().map(part).collect();
        let document = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
        let request = Request::builder().method(Method::POST).uri(format!("{}?uploadId={upload}", self.uri(key)));
        self.send(request.body(document.into())?).await?.into_body().collect().await?;
        Ok(())
    }

    /// Reads a range and answers its MD5.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn read_range(&self, key: &str, range: Range<u64>, mode: Mode) -> Result<[u8; 16], LoadError> {
        let asked = format!("bytes={}-{}", range.start, range.end.saturating_sub(1));
        let request = Request::builder().method(Method::GET).uri(self.uri(key)).header(RANGE, asked);
        let request = mode.read_headers(self.speech, request, key).body(Bytes::new())?;
        let mut body = self.send(request).await?.into_body();
        let mut digest = Md5::new();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame?.into_data() {
                digest.update(&data);
            }
        }
        Ok(digest.finalize().into())
    }

    fn uri(&self, key: &str) -> String {
        let origin = self.origin.to_string();
        format!("{}/{}/{key}", origin.trim_end_matches('/'), self.bucket)
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Incoming>, LoadError> {
        let (mut parts, body) = request.into_parts();
        let target = Target { bucket: Some(&self.bucket), virtual_hosted: false };
        let signer = Signer { access_key: &self.access_key, secret: &self.secret, token: None, region: &self.region };
        self.scheme().sign(&mut parts, &target, &signer, now(), &PayloadWord::Unsigned)?;
        let answer = self.client.request(Request::from_parts(parts, Full::new(body))).await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let document = answer.into_body().collect().await?.to_bytes();
        let document = String::from_utf8_lossy(&document).chars().take(500).collect();
        Err(LoadError::Refused { status, document })
    }

    fn scheme(&self) -> &'static Scheme {
        match self.speech {
            Speech::Obs => &v2::OBS,
            Speech::Oss => &oss4::OSS4,
            Speech::S3 => &v4::AWS4,
        }
    }
}

fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
