//! Answers that come late. Copying gigabytes, or completing an upload of thousands of parts, may take longer than clients and
//! proxies wait in silence. So, where the dialect knows of it, such a request is answered 200 after a while, blanks
//! keep the connection alive, and the document follows when the operation has ended: its result, or its failure.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::Response;
use strongroom_model::{
    failure::Failure,
    name::RequestId,
    operation::{ObjectOperation, Operation, UploadOperation},
    time::Timestamp,
};
use strongroom_store::Reply;
use strongroom_wire::{Dialect, Exchange, Payload};
use tokio::time::{Interval, MissedTickBehavior};

use crate::app::App;

/// Between two blanks: a fraction of the half minute that the least patient proxies wait.
const BLANKS: Duration = Duration::from_secs(5);

/// An operation under way.
pub(crate) type Running = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send>>;

/// What became of an operation within the time that clients wait gladly.
pub(crate) enum Answer {
    /// It has ended.
    Now(Reply),
    /// It goes on.
    Later(Running),
}

/// Waits for an operation as long as that goes without a word; with no patience at all it is not even begun.
///
/// # Errors
/// Those of the operation, if it ends in that time.
pub(crate) async fn wait(mut running: Running, patience: Duration) -> Result<Answer, Failure> {
    if patience.is_zero() {
        return Ok(Answer::Later(running));
    }
    match tokio::time::timeout(patience, &mut running).await {
        Ok(ended) => ended.map(Answer::Now),
        Err(_elapsed) => Ok(Answer::Later(running)),
    }
}

/// Whether an operation may be answered late: what it answers is a document, and what it does may take long.
pub(crate) fn may_be(dialect: &Dialect, operation: &Operation) -> bool {
    let long = matches!(
        operation,
        Operation::Object(ObjectOperation::Copy(_))
            | Operation::Upload(UploadOperation::CopyPart(_) | UploadOperation::Complete(_))
    );
    dialect.documents.answers_late && long
}

/// What an answer needs to know of its request, kept until the answer is there.
pub(crate) struct Kept {
    /// The server.
    pub(crate) app: Arc<App>,
    /// In whose words it is answered.
    pub(crate) dialect: &'static Dialect,
    /// The request's identity.
    pub(crate) request_id: RequestId,
    /// Its method.
    pub(crate) method: http::Method,
    /// Its host.
    pub(crate) host: String,
    /// Its path.
    pub(crate) path: String,
    /// The time of the answer's head.
    pub(crate) now: Timestamp,
}

impl Kept {
    fn document(&self, answer: &Result<Reply, Failure>) -> Bytes {
        let exchange = Exchange {
            request_id: self.request_id,
            method: &self.method,
            host: &self.host,
            path: &self.path,
            now: self.now,
            site: &self.app.site,
            form: None,
        };
        let response: Response<Payload> = match answer {
            Ok(reply) => self.dialect.encode(&reply.outcome, &exchange),
            Err(failure) => self.dialect.encode_failure(failure, &exchange),
        };
        match response.into_body() {
            Payload::Document(document) => document,
            Payload::Empty | Payload::Object { .. } => Bytes::new(),
        }
    }
}

/// A document, and why the operation that it tells of failed, if it did.
type Told = (Bytes, Option<Failure>);

/// A document that is still to come.
pub(crate) struct Late {
    /// What the document begins with.
    declaration: &'static str,
    telling: Pin<Box<dyn Future<Output = Told> + Send>>,
    blanks: Interval,
    begun: bool,
}

/// A piece of it.
pub(crate) enum Piece {
    /// What stands before the document.
    Before(Bytes),
    /// The document, and why the operation failed, if it did.
    Document(Bytes, Option<Failure>),
}

impl Late {
    /// The answer to what is still running.
    pub(crate) fn new(running: Running, kept: Kept) -> Self {
        let declaration = kept.dialect.documents.declaration;
        Self::telling(declaration, async move {
            let answer = running.await;
            (kept.document(&answer), answer.err())
        })
    }

    fn telling(declaration: &'static str, telling: impl Future<Output = Told> + Send + 'static) -> Self {
        let mut blanks = tokio::time::interval(BLANKS);
        blanks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is at once, and the declaration stands for it.
        blanks.reset();
        Self { declaration, telling: Box::pin(telling), blanks, begun: false }
    }

    /// The next piece. The declaration comes first, for nothing may stand before it, and the document without it at the end.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Piece> {
        if !self.begun {
            self.begun = true;
            return Poll::Ready(Piece::Before(Bytes::from_static(self.declaration.as_bytes())));
        }
        if let Poll::Ready((mut document, failure)) = self.telling.as_mut().poll(context) {
            if document.starts_with(self.declaration.as_bytes()) {
                document = document.slice(self.declaration.len()..);
            }
            return Poll::Ready(Piece::Document(document, failure));
        }
        self.blanks.poll_tick(context).map(|_| Piece::Before(Bytes::from_static(b" ")))
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::failure::FailureCode;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn blanks_until_the_document_comes() {
        let begun = tokio::time::Instant::now();
        let mut late = Late::telling("<?xml?>", async {
            tokio::time::sleep(Duration::from_secs(12)).await;
            (Bytes::from_static(b"<?xml?><Error/>"), Some(FailureCode::NoSuchKey.into()))
        });
        let mut told = Vec::new();
        let failure = loop {
            match std::future::poll_fn(|context| late.poll(context)).await {
                Piece::Before(piece) => told.push((begun.elapsed().as_secs(), piece)),
                Piece::Document(document, failure) => {
                    told.push((begun.elapsed().as_secs(), document));
                    break failure;
                }
            }
        };
        assert_eq!(told, [(0, "<?xml?>".into()), (5, " ".into()), (10, " ".into()), (12, "<Error/>".into())]);
        assert_eq!(failure.map(|failure| failure.code), Some(FailureCode::NoSuchKey));
    }

    #[tokio::test(start_paused = true)]
    async fn what_ends_in_time_is_answered_as_ever() {
        let patience = Duration::from_secs(10);
        let after = |seconds| -> Running {
            Box::pin(async move {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                Err(FailureCode::NoSuchKey.into())
            })
        };
        assert!(wait(after(9), patience).await.is_err());
        let Ok(Answer::Later(running)) = wait(after(11), patience).await else { panic!("it has not ended") };
        assert!(running.await.is_err(), "it goes on where it was");
    }
}
