//! One request to the key service: the same line of functions as everywhere, but that the small body is read first, since
//! most clients sign it along.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, request::Parts};
use hyper::body::Incoming;
use strongroom_iam::Transport;
use strongroom_model::{
    account::AccountId,
    circumstance::RequestWords,
    failure::{Failure, FailureCode},
    name::RequestId,
    operation::Operation,
    outcome::{KeyOutcome, Outcome},
    time::Timestamp,
};
use strongroom_wire::{
    Claim,
    key_service::{Call, DOCUMENT_BYTES_MAX, HUAWEI, KeyClaim, KeyDialect, KeyExchange, recognise},
};
use tracing::Instrument as _;

use crate::{
    app::App,
    authenticate::{Caller, verify_signature},
    body::{self, Source},
    clock, entropy,
    identity_service::{self, Question},
    identity_tokens,
    listen::Peer,
    pipeline::{check_head, note},
    response::{Record, ResponseBody},
};

/// Answers one request.
pub(crate) async fn handle(app: &Arc<App>, peer: Peer, request: Request<Incoming>) -> Response<ResponseBody> {
    let (parts, incoming) = request.into_parts();
    let (request_id, drawn) = match entropy::request_id() {
        Ok(id) => (id, Ok(())),
        Err(error) => (RequestId([0; 16]), Err(Failure::new(FailureCode::Internal).caused_by(error))),
    };
    let dialect = recognise(&parts);
    let mut record = Record::begin(&app.metrics, &parts.method, request_id, peer);
    record.dialect = dialect.name;
    let stall = Duration::from_secs(app.limits.stall_seconds);
    let source = Source::new(incoming, false, stall, Arc::clone(&record.received));
    let span = record.span.clone();
    if let Some(question) = Question::of(&parts) {
        (record.operation, record.dialect) = (question.name(), HUAWEI.name);
        let answer = async {
            drawn.and_then(|()| check_head(&parts))?;
            if !app.trusts(&peer) {
                let message = "What proves who asks travels over TLS only.";
                return Err(Failure::new(FailureCode::KmsNeedsTls).with_message(message));
            }
            let document = body::read_document(source, DOCUMENT_BYTES_MAX, None).await?;
            question.answer(app, peer, (&parts, &document), &mut record).await
        };
        let answer = Box::pin(answer).instrument(span).await;
        let response = answer.unwrap_or_else(|failure| {
            note(&failure, &mut record);
            let exchange = KeyExchange { request_id, account: None, site: &app.site };
            identity_service::refusal(&failure).unwrap_or_else(|| HUAWEI.encode_failure(None, &failure, &exchange))
        });
        return finish(response, record);
    }
    let mut asker = Asker { app, peer, dialect, call: None, account: None };
    let answer = async {
        drawn?;
        asker.answer(&parts, source, &mut record).await
    };
    let answer = Box::pin(answer).instrument(span).await;
    let Asker { call, account, .. } = asker;
    let exchange = KeyExchange { request_id, account, site: &app.site };
    let response = match (answer, &call) {
        (Ok(outcome), Some(call)) => dialect.encode(call, &outcome, &exchange),
        (Ok(_), None) => dialect.encode_failure(None, &FailureCode::Internal.into(), &exchange),
        (Err(failure), call) => {
            note(&failure, &mut record);
            dialect.encode_failure(call.as_ref(), &failure, &exchange)
        }
    };
    finish(response, record)
}

/// A request on its way, and what is known of it so far.
struct Asker<'a> {
    app: &'a Arc<App>,
    peer: Peer,
    dialect: &'static KeyDialect,
    /// What is asked, once it is read.
    call: Option<Call>,
    /// Whose keys it is about, once that is proved.
    account: Option<AccountId>,
}

impl Asker<'_> {
    async fn answer(&mut self, parts: &Parts, source: Source, record: &mut Record) -> Result<KeyOutcome, Failure> {
        check_head(parts)?;
        if !self.app.trusts(&self.peer) {
            return Err(FailureCode::KmsNeedsTls.into());
        }
        let document = body::read_document(source, DOCUMENT_BYTES_MAX, None).await?;
        let intent = self.dialect.decode(parts, &document, &self.app.site)?;
        record.operation = intent.call.name();
        self.call = Some(intent.call);
        let now = clock::now();
        let requester = authenticate(self.app, intent.claim, intent.nonce, now).await?.requester;
        self.account = requester.principal.account();
        record.principal = Some(requester.principal.to_string());
        let operation = Operation::Key(intent.asked?);
        let circumstances = self.peer.circumstances(record.id, now, RequestWords::default());
        let case = self.app.engine.case(requester, &operation, circumstances, Transport::TRUSTED).await?;
        let granted = self.app.engine.authorize(operation, case).await?;
        match self.app.engine.run(granted, None).await?.outcome {
            Outcome::Key(outcome) => Ok(outcome),
            other => Err(Failure::new(FailureCode::Internal).caused_by(format!("a key operation answered {other:?}"))),
        }
    }
}

/// Who has made a request that claims so.
///
/// # Errors
/// `AnonymousDenied`, `RequestRepeated` for a nonce that was spent, and what is wrong with the signature or the token.
pub(crate) async fn authenticate(
    app: &App,
    claim: KeyClaim,
    nonce: Option<String>,
    now: Timestamp,
) -> Result<Caller, Failure> {
    match claim {
        KeyClaim::Access(Claim::Signed(signed)) => {
            let caller = verify_signature(app, &signed, now).await?;
            nonce.iter().try_for_each(|nonce| app.nonces.spend(&signed.access_key, nonce, now))?;
            Ok(caller)
        }
        KeyClaim::Access(Claim::Anonymous) => Err(FailureCode::AnonymousDenied.into()),
        KeyClaim::Token(token) => identity_tokens::holder(app, token.expose()).await,
    }
}

fn finish(response: Response<Bytes>, mut record: Record) -> Response<ResponseBody> {
    record.status = response.status().as_u16();
    response.map(|document| ResponseBody::document(document, record))
}
