//! A server under load: how its requests are addressed, signed and sent.

use std::error::Error;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{ETAG, RANGE};
use http::request::Builder;
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use md5::{Digest as _, Md5};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use rustls::{ClientConfig, RootCertStore};

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
    /// The master keys that SSE-KMS writes name in turn; none for the default one.
    master_keys: Vec<String>,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// Who asks, and whose certificates are believed.
pub struct Trust {
    /// The access key.
    pub access_key: AccessKeyId,
    /// Its secret.
    pub secret: SecretKey,
    /// The region to sign for.
    pub region: Region,
    /// A file of certificates of authorities, for HTTPS; none for those that the operating system knows.
    pub ca: Option<PathBuf>,
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
    ///
    /// # Errors
    /// Certificates that cannot be read.
    pub fn new(origin: Uri, speech: Speech, bucket: String, trust: Trust) -> Result<Self, Box<dyn Error>> {
        let mut plain = HttpConnector::new();
        plain.set_nodelay(true);
        plain.enforce_http(false);
        let tls = client_tls(trust.ca.as_deref())?;
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        let connector = connector.wrap_connector(plain);
        let client = Client::builder(TokioExecutor::new()).http1_max_buf_size(64 * 1024).build(connector);
        let Trust { access_key, secret, region, .. } = trust;
        Ok(Self { origin, speech, bucket, access_key, secret, region, master_keys: Vec::new(), client })
    }

    /// The same, whose SSE-KMS writes name these master keys in turn.
    #[must_use]
    pub fn with_master_keys(mut self, keys: Vec<String>) -> Self {
        self.master_keys = keys;
        self
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
        let request = self.writing(Request::builder().method(Method::PUT).uri(self.uri(key)), key, mode);
        self.finish(request.body(body)?).await
    }

    /// Reads an object of `size` bytes and drops it.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn get(&self, key: &str, size: u64, mode: Mode) -> Result<(), LoadError> {
        let request = Request::builder().method(Method::GET).uri(self.uri(key));
        self.count(mode.read_headers(self.speech, request, key).body(Bytes::new())?, size).await
    }

    /// Reads a range of an object and drops it.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn get_range(&self, key: &str, range: Range<u64>, mode: Mode) -> Result<(), LoadError> {
        self.count(self.ranged(key, &range, mode)?, range.end - range.start).await
    }

    /// Asks for an object's metadata.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn head(&self, key: &str, mode: Mode) -> Result<(), LoadError> {
        let request = Request::builder().method(Method::HEAD).uri(self.uri(key));
        self.finish(mode.read_headers(self.speech, request, key).body(Bytes::new())?).await
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn delete(&self, key: &str) -> Result<(), LoadError> {
        let request = Request::builder().method(Method::DELETE).uri(self.uri(key));
        self.finish(request.body(Bytes::new())?).await
    }

    /// Lists a page of keys; `query` is what stands behind the question mark. Answers how many keys and prefixes came.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn list(&self, query: &str) -> Result<usize, LoadError> {
        let request = Request::builder().method(Method::GET).uri(format!("{}?{query}", self.uri("")));
        let document = self.send(request.body(Bytes::new())?).await?.into_body().collect().await?.to_bytes();
        let text = String::from_utf8_lossy(&document);
        Ok(text.matches("<Key>").count() + text.matches("<CommonPrefixes>").count())
    }

    /// Copies an object of this bucket.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn copy(&self, source: &str, key: &str, mode: Mode) -> Result<(), LoadError> {
        let name = format!("{}copy-source", self.speech.prefix());
        let request = Request::builder().method(Method::PUT).uri(self.uri(key));
        let request = request.header(name, format!("/{}/{source}", self.bucket));
        let request = mode.source_headers(self.speech, self.writing(request, key, mode), source);
        self.finish(request.body(Bytes::new())?).await
    }

    /// Appends to an object that has `position` bytes so far.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn append(&self, key: &str, position: u64, body: Bytes, mode: Mode) -> Result<(), LoadError> {
        let uri = format!("{}?append&position={position}", self.uri(key));
        let request = Request::builder().method(Method::POST).uri(uri);
        // Later appends go on as the first began; only a customer's key is told every time.
        let request = match position {
            0 => self.writing(request, key, mode),
            _ => mode.read_headers(self.speech, request, key),
        };
        self.finish(request.body(body)?).await
    }

    /// The full name of the master key that an object is under (S3).
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn master_key_of(&self, key: &str) -> Result<String, LoadError> {
        let request = Request::builder().method(Method::HEAD).uri(self.uri(key)).body(Bytes::new())?;
        let answer = self.send(request).await?;
        let name = answer.headers().get("x-amz-server-side-encryption-aws-kms-key-id");
        name.and_then(|name| name.to_str().ok()).map(str::to_owned).ok_or(LoadError::Lacking("master key"))
    }

    /// Rewraps an object's data key under the master key of that full name: UpdateObjectEncryption (S3).
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn rewrap(&self, key: &str, master: &str) -> Result<(), LoadError> {
        let document =
            format!("<ObjectEncryption><SSE-KMS><KMSKeyArn>{master}</KMSKeyArn></SSE-KMS></ObjectEncryption>");
        let request = Request::builder().method(Method::PUT).uri(format!("{}?encryption", self.uri(key)));
        self.finish(request.body(document.into())?).await
    }

    /// Begins an upload in parts and answers its id.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn begin_upload(&self, key: &str, mode: Mode) -> Result<String, LoadError> {
        let request = Request::builder().method(Method::POST).uri(self.uri(key) + "?uploads");
        let request = self.writing(request, key, mode).body(Bytes::new())?;
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
        let mut digest = Md5::new();
        self.each(self.ranged(key, &range, mode)?, |piece| digest.update(piece)).await?;
        Ok(digest.finalize().into())
    }

    fn ranged(&self, key: &str, range: &Range<u64>, mode: Mode) -> Result<Request<Bytes>, http::Error> {
        let asked = format!("bytes={}-{}", range.start, range.end.saturating_sub(1));
        let request = Request::builder().method(Method::GET).uri(self.uri(key)).header(RANGE, asked);
        mode.read_headers(self.speech, request, key).body(Bytes::new())
    }

    /// Adds the headers of a write.
    fn writing(&self, request: Builder, key: &str, mode: Mode) -> Builder {
        let number = key.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        let master = self.master_keys.get(number % self.master_keys.len().max(1)).map(String::as_str);
        mode.master_key_header(self.speech, mode.write_headers(self.speech, request, key), master)
    }

    /// Sends a request whose answer is read to its end and dropped.
    async fn finish(&self, request: Request<Bytes>) -> Result<(), LoadError> {
        self.send(request).await?.into_body().collect().await?;
        Ok(())
    }

    /// The same, whose answer has so many bytes.
    async fn count(&self, request: Request<Bytes>, wanted: u64) -> Result<(), LoadError> {
        match self.each(request, |_| {}).await? {
            got if got == wanted => Ok(()),
            got => Err(LoadError::Short { got, wanted }),
        }
    }

    /// Shows the answer's body to `take`, piece by piece; answers how many bytes came.
    async fn each(&self, request: Request<Bytes>, mut take: impl FnMut(&[u8])) -> Result<u64, LoadError> {
        let mut body = self.send(request).await?.into_body();
        let mut got = 0;
        while let Some(frame) = body.frame().await {
            if let Ok(piece) = frame?.into_data() {
                got += piece.len() as u64;
                take(&piece);
            }
        }
        Ok(got)
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

fn client_tls(ca: Option<&Path>) -> Result<ClientConfig, Box<dyn Error>> {
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?;
    let Some(path) = ca else { return Ok(builder.with_native_roots()?.with_no_client_auth()) };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path)? {
        roots.add(certificate?)?;
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
