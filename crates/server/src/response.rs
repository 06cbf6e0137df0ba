//! Bodies of answers, and the one log line that is written when the last byte is out.

use std::{
    io,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, ready},
    time::Instant,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use strongroom_model::{failure::chain, name::RequestId};
use strongroom_store::stream::ByteStream;

use crate::{
    late::{Late, Piece},
    listen::Peer,
    metrics::{Finished, Held, Metrics, SharedCount},
    pipeline::note,
};

/// The status in log and metrics of a request whose client left before it was answered; nginx uses it so.
const CLIENT_LEFT: u16 = 499;

/// The body of an answer. It ends cleanly only when all of it was sent; if its stream fails, the connection is cut.
pub(crate) struct ResponseBody {
    content: Content,
    record: Record,
}

enum Content {
    Empty,
    Document(Bytes),
    Object { stream: ByteStream, left: u64 },
    Late(Box<Late>),
}

impl ResponseBody {
    /// No bytes.
    pub(crate) fn empty(record: Record) -> Self {
        Self { content: Content::Empty, record }
    }

    /// These bytes.
    pub(crate) fn document(document: Bytes, record: Record) -> Self {
        Self { content: Content::Document(document), record }
    }

    /// A document that is still to come.
    pub(crate) fn late(late: Late, record: Record) -> Self {
        Self { content: Content::Late(Box::new(late)), record }
    }

    /// The first `length` bytes of `stream`, which must have exactly so many.
    pub(crate) fn object(stream: ByteStream, length: u64, record: Record) -> Self {
        Self { content: Content::Object { stream, left: length }, record }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        let _entered = this.record.span.clone().entered();
        let piece = match &mut this.content {
            Content::Empty => return Poll::Ready(None),
            Content::Document(document) => Ok(std::mem::take(document)),
            Content::Late(late) => match ready!(late.poll(context)) {
                Piece::Before(piece) => Ok(piece),
                Piece::Document(document, failure) => {
                    if let Some(failure) = failure {
                        note(&failure, &mut this.record);
                    }
                    this.content = Content::Document(Bytes::new());
                    Ok(document)
                }
            },
            Content::Object { stream, left } => {
                let item = ready!(stream.as_mut().poll_next(context));
                match (item, *left) {
                    (None, 0) => return Poll::Ready(None),
                    (None, _) => Err(io::ErrorKind::UnexpectedEof.into()),
                    (Some(Ok(piece)), left) if piece.len() as u64 > left => Err(io::ErrorKind::InvalidData.into()),
                    (Some(Ok(piece)), _) => {
                        *left -= piece.len() as u64;
                        Ok(piece)
                    }
                    (Some(Err(error)), _) => Err(error),
                }
            }
        };
        match piece {
            Ok(piece) if piece.is_empty() && this.is_end_stream() => Poll::Ready(None),
            Ok(piece) => {
                this.record.sent += piece.len() as u64;
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            Err(error) => {
                tracing::error!(error = %chain(&error), "an answer had to be broken off");
                this.content = Content::Empty;
                this.record.cut = true;
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Empty => true,
            Content::Document(document) => document.is_empty(),
            Content::Object { left, .. } => *left == 0,
            Content::Late(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match &self.content {
            Content::Empty => 0,
            Content::Document(document) => document.len() as u64,
            Content::Object { left, .. } => *left,
            Content::Late(_) => return SizeHint::default(),
        })
    }
}

/// One request's line in the log, written when the record is dropped with its answer's body. It holds nothing secret: no
/// header, no query, no key of an object.
pub(crate) struct Record {
    /// The request's span.
    pub(crate) span: tracing::Span,
    /// Its id.
    pub(crate) id: RequestId,
    /// In which dialect it was asked.
    pub(crate) dialect: &'static str,
    /// What was asked, once that is known.
    pub(crate) operation: &'static str,
    /// About which bucket.
    pub(crate) bucket: Option<String>,
    /// By whom, once that is proved.
    pub(crate) principal: Option<String>,
    /// The answer's status.
    pub(crate) status: u16,
    /// What failed.
    pub(crate) failure: Option<String>,
    /// How much of the request's body was read.
    pub(crate) received: SharedCount,
    method: http::Method,
    peer: Peer,
    started: Instant,
    sent: u64,
    cut: bool,
    metrics: Arc<Metrics>,
    _in_flight: Held,
}

impl Record {
    /// A request that has just begun.
    pub(crate) fn begin(metrics: &Arc<Metrics>, method: &http::Method, request_id: RequestId, peer: Peer) -> Self {
        Self {
            span: tracing::info_span!("request", id = %request_id),
            id: request_id,
            dialect: "",
            operation: "Unknown",
            bucket: None,
            principal: None,
            status: CLIENT_LEFT,
            failure: None,
            received: SharedCount::default(),
            method: method.clone(),
            peer,
            started: Instant::now(),
            sent: 0,
            cut: false,
            metrics: Arc::clone(metrics),
            _in_flight: metrics.request_begun(),
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let finished = Finished {
            dialect: self.dialect,
            operation: self.operation,
            status: self.status,
            took: self.started.elapsed(),
            received: self.received.load(Ordering::Relaxed),
            sent: self.sent,
            cut: self.cut,
        };
        self.metrics.request_finished(&finished);
        tracing::info!(
            target: "strongroom::request",
            id = %self.id,
            peer = %self.peer.address,
            dialect = self.dialect,
            method = %self.method,
            operation = self.operation,
            bucket = self.bucket,
            principal = self.principal,
            status = self.status,
            failure = self.failure,
            received = finished.received,
            sent = finished.sent,
            cut = self.cut,
            ms = finished.took.as_millis() as u64,
            "answered"
        );
    }
}
