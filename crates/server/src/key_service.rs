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
    key_service::{Call, DOCUMENT_BYTES_MAX, KeyClaim, KeyDialect, KeyExchange, recognise},
};
use tracing::Instrument as _;

use crate::{
    app::App,
    authenticate::{Caller, verify_signature},
    body::{self, Source},
    clock, entropy, identity_tokens,
    listen::Peer,
    pipeline::{check_head, note},
    response::{Record, ResponseBody},
};

/// Answers one request.
pub(crate) async fn handle(app: &Arc<App>, peer: Peer, request: Request<Incoming>) -> Response<ResponseBody> {
    let asks_for_token = identity_tokens::is_asked(&request);
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
    if asks_for_token {
        record.operation = "IssueToken";
        let answer = async {
            drawn.and_then(|()| check_head(&parts))?;
            body::read_document(source, DOCUMENT_BYTES_MAX, None).await
        };
        let refused = |failure: &Failure| dialect.encode_failure(None, failure, &exchange_of(app, request_id));
        let answer = match answer.await {
            Ok(document) => {
                let issuing = Box::pin(identity_tokens::issue(app, peer, &document, &mut record));
                issuing.instrument(span).await.map_err(|failure| (identity_tokens::refusal(&failure), failure))
            }
            Err(failure) => Err((refused(&failure), failure)),
        };
        let response = answer.unwrap_or_else(|(response, failure)| {
            note(&failure, &mut record);
            response
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

/// A request of which nobody is known to be the sender.
fn exchange_of(app: &App, request_id: RequestId) -> KeyExchange<'_> {
    KeyExchange { request_id, account: None, site: &app.site }
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
        let requester = self.authenticate(intent.claim, intent.nonce, now).await?.requester;
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

    async fn authenticate(&self, claim: KeyClaim, nonce: Option<String>, now: Timestamp) -> Result<Caller, Failure> {
        match claim {
            KeyClaim::Access(Claim::Signed(signed)) => {
                let caller = verify_signature(self.app, &signed, now).await?;
                nonce.iter().try_for_each(|nonce| self.app.nonces.spend(&signed.access_key, nonce, now))?;
                Ok(caller)
            }
            KeyClaim::Access(Claim::Anonymous) => Err(FailureCode::AnonymousDenied.into()),
            KeyClaim::Token(token) => identity_tokens::holder(self.app, &token).await,
        }
    }
}

fn finish(response: Response<Bytes>, mut record: Record) -> Response<ResponseBody> {
    record.status = response.status().as_u16();
    response.map(|document| ResponseBody::document(document, record))
}
