//! A client of the admin API: one request, one answer.

use std::{path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response, Uri, header, request::Parts};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use ring::digest::{SHA256, digest};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use serde::de::DeserializeOwned;
use strongroom_model::{
    name::{AccessKeyId, Region},
    secret::SecretKey,
};
use strongroom_wire::signature::{Target, payload::PayloadWord, sign::Signer, v4::AWS4};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{Connection, configuration, failure::CommandError};
use crate::{
    admin::{SIGNED_HEADER, VERSION, token::AdminToken, view},
    clock, files, task,
};

/// How long an answer may take. Proving a remote key service takes the longest.
const ANSWER: Duration = Duration::from_secs(60);

/// Longest answer that is read, in bytes: a hundred thousand buckets.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A server's admin API.
pub(super) struct Client {
    endpoint: String,
    ca: Option<PathBuf>,
    identity: Identity,
}

/// An answer's head, its body yet to be read, and the task that serves its connection.
type Exchange = (Response<Incoming>, JoinHandle<hyper::Result<()>>);

/// As whom requests are sent.
enum Identity {
    Token(AdminToken),
    AccessKey { id: AccessKeyId, secret: SecretKey },
}

impl Client {
    /// The server that the command line names, or else the one that this host's configuration describes.
    pub(super) fn new(to: &Connection) -> Result<Self, CommandError> {
        let config = configuration(to.config.as_deref(), to.data.clone())?;
        let identity = match &to.access_key {
            Some(id) => access_key(id)?,
            None => {
                let path = to.token_file.clone().unwrap_or_else(|| AdminToken::path(&config.data));
                Identity::Token(AdminToken::read(&path)?)
            }
        };
        let endpoint = to.endpoint.clone().unwrap_or_else(|| format!("http://{}", config.listen.admin));
        Ok(Self { endpoint, ca: to.ca.clone(), identity })
    }

    /// The server at `endpoint` on this host, by the token of its data folder.
    pub(super) fn local(endpoint: String, token: AdminToken) -> Self {
        Self { endpoint, ca: None, identity: Identity::Token(token) }
    }

    /// Sends one request and reads its answer.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        document: &[u8],
    ) -> Result<T, CommandError> {
        let (status, body) = timeout(ANSWER, self.answer(method, path, document))
            .await
            .map_err(|_| self.unreachable("it takes too long"))??;
        if !status.is_success() {
            return Err(self.refusal(&body));
        }
        serde_json::from_slice(&body).map_err(|error| self.foreign(error))
    }

    /// Sends one request whose answer is long: its head is read, its body is the caller's to read.
    pub(super) async fn fetch(
        &self,
        method: Method,
        path: &str,
        document: &[u8],
    ) -> Result<Response<Incoming>, CommandError> {
        let (response, _connection) = self.exchange(method, path, document).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        Err(self.refusal(&body.map_err(|error| self.foreign(error))?.to_bytes()))
    }

    /// The answer did not come to its end.
    pub(super) fn broken_off(&self, reason: impl std::fmt::Display) -> CommandError {
        CommandError::BrokenOff { endpoint: self.endpoint.clone(), reason: reason.to_string() }
    }

    /// Why something about the answer is not what a server would send.
    pub(super) fn foreign(&self, reason: impl std::fmt::Display) -> CommandError {
        CommandError::Foreign { endpoint: self.endpoint.clone(), reason: reason.to_string() }
    }

    fn refusal(&self, body: &[u8]) -> CommandError {
        match serde_json::from_slice(body) {
            Ok(view::Error { code, message, request_id }) => CommandError::Refused { code, message, request_id },
            Err(error) => self.foreign(error),
        }
    }

    async fn answer(
        &self,
        method: Method,
        path: &str,
        document: &[u8],
    ) -> Result<(http::StatusCode, Bytes), CommandError> {
        let (response, connection) = self.exchange(method, path, document).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        connection.abort();
        Ok((status, body.map_err(|error| self.foreign(error))?.to_bytes()))
    }

    async fn exchange(&self, method: Method, path: &str, document: &[u8]) -> Result<Exchange, CommandError> {
        let endpoint: Uri = self.endpoint.parse().map_err(|error| self.usage(error))?;
        let authority = endpoint.authority().ok_or_else(|| self.usage("it names no host"))?.clone();
        let request = Request::builder()
            .method(method)
            .uri(format!("/{VERSION}{path}"))
            .header(header::HOST, authority.as_str())
            .body(())
            .map_err(|error| self.usage(error))?;
        let mut parts = request.into_parts().0;
        self.identify(&mut parts, document)?;
        let request = Request::from_parts(parts, Full::new(Bytes::copy_from_slice(document)));
        let tls = endpoint.scheme_str() == Some("https");
        let port = endpoint.port_u16().unwrap_or(9002);
        let host = authority.host().trim_matches(['[', ']']);
        let stream = TcpStream::connect((host, port)).await.map_err(|error| self.unreachable(error))?;
        if tls {
            let name = ServerName::try_from(host.to_owned()).map_err(|error| self.usage(error))?;
            let connector = TlsConnector::from(Arc::new(self.trust()?));
            let stream = connector.connect(name, stream).await.map_err(|error| self.unreachable(error))?;
            self.converse(stream, request).await
        } else {
            self.converse(stream, request).await
        }
    }

    async fn converse<S>(&self, stream: S, request: Request<Full<Bytes>>) -> Result<Exchange, CommandError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.foreign(error))?;
        let serving = task::spawn(connection);
        let response = sender.send_request(request).await.map_err(|error| self.foreign(error))?;
        Ok((response, serving))
    }

    fn identify(&self, parts: &mut Parts, document: &[u8]) -> Result<(), CommandError> {
        match &self.identity {
            Identity::Token(token) => {
                let value = zeroize::Zeroizing::new(format!("Bearer {}", token.expose()));
                let mut value = http::HeaderValue::from_str(&value).expect("a token is hex digits");
                value.set_sensitive(true);
                parts.headers.insert(header::AUTHORIZATION, value);
                Ok(())
            }
            Identity::AccessKey { id, secret } => {
                parts.headers.insert(SIGNED_HEADER, http::HeaderValue::from_static(VERSION));
                let region = Region::parse("us-east-1").expect("a region's name");
                let signer = Signer { access_key: id, secret, token: None, region: &region };
                let target = Target { bucket: None, virtual_hosted: false };
                let hash: [u8; 32] = digest(&SHA256, document).as_ref().try_into().expect("SHA-256 has 32 bytes");
                AWS4.sign(parts, &target, &signer, clock::now(), &PayloadWord::Sha256(hash))
                    .map(drop)
                    .map_err(|error| self.usage(error))
            }
        }
    }

    /// Trust in the authority that was named, or else in nobody.
    fn trust(&self) -> Result<ClientConfig, CommandError> {
        let path = self
            .ca
            .as_ref()
            .ok_or_else(|| self.usage("an https endpoint needs --ca FILE, the ca.pem of the server"))?;
        let text =
            files::read_text(path).map_err(|error| CommandError::Usage(format!("{}: {error}", path.display())))?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
            let certificate = certificate.map_err(|error| self.usage(format!("{}: {error}", path.display())))?;
            roots.add(certificate).map_err(|error| self.usage(error))?;
        }
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| self.usage(error))
            .map(|builder| builder.with_root_certificates(roots).with_no_client_auth())
    }

    fn usage(&self, reason: impl std::fmt::Display) -> CommandError {
        CommandError::Usage(format!("cannot ask {}: {reason}", self.endpoint))
    }

    fn unreachable(&self, reason: impl std::fmt::Display) -> CommandError {
        CommandError::Unreachable { endpoint: self.endpoint.clone(), reason: reason.to_string() }
    }
}

/// The access key of that id; its secret never stands on a command line, where other users could read it.
fn access_key(id: &str) -> Result<Identity, CommandError> {
    let secret = std::env::var("STRONGROOM_SECRET_KEY").map_err(|_| {
        CommandError::Usage("an access key is named, but the variable STRONGROOM_SECRET_KEY is not set".to_owned())
    })?;
    let id = AccessKeyId::parse(id).map_err(|error| CommandError::Usage(format!("the access key's id is {error}")))?;
    Ok(Identity::AccessKey { id, secret: SecretKey::new(secret) })
}
