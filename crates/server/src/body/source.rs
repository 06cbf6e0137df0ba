//! A request's body as it comes from the socket, whatever becomes of it.

use std::{sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use strongroom_model::failure::{Failure, FailureCode};
use tokio::time::timeout;

use crate::{metrics::SharedCount, task};

/// How much of a body nobody wants is still read, in bytes. Closing while a client sends makes its system throw the
/// answer away unread; most clients look at the answer only when they have sent everything.
const UNWANTED_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// For how long such a body is still read.
const UNWANTED_TIME: Duration = Duration::from_secs(10);

/// A request's body. Dropped before its end, it is read on a little, beside the answer, and thrown away.
pub(crate) struct Source {
    incoming: Option<Incoming>,
    /// The client waits to be told to send; it is told by the first read.
    awaited: bool,
    stall: Duration,
    received: SharedCount,
}

impl Source {
    /// The body `incoming`, of which every piece must come within `stall`; its length is counted in `received`.
    pub(crate) fn new(incoming: Incoming, awaited: bool, stall: Duration, received: SharedCount) -> Self {
        let incoming = (!incoming.is_end_stream()).then_some(incoming);
        Self { incoming, awaited, stall, received }
    }

    /// The next piece; none at the end of a body that came whole.
    ///
    /// # Errors
    /// `RequestTimeout` if the client sends nothing for too long, `IncompleteBody` if the connection ends too early or
    /// the transfer's framing is broken. There is nothing to read after either.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        self.awaited = false;
        while let Some(incoming) = &mut self.incoming {
            match timeout(self.stall, incoming.frame()).await {
                Ok(Some(Ok(frame))) => {
                    if let Ok(piece) = frame.into_data() {
                        self.received.fetch_add(piece.len() as u64, Ordering::Relaxed);
                        return Ok(Some(piece));
                    }
                }
                Ok(Some(Err(error))) => {
                    self.incoming = None;
                    return Err(Failure::new(FailureCode::IncompleteBody).caused_by(error));
                }
                Ok(None) => self.incoming = None,
                Err(_) => {
                    self.incoming = None;
                    return Err(FailureCode::RequestTimeout.into());
                }
            }
        }
        Ok(None)
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if let Some(incoming) = self.incoming.take().filter(|_| !self.awaited) {
            task::spawn(timeout(UNWANTED_TIME, discard(incoming)));
        }
    }
}

async fn discard(mut incoming: Incoming) {
    let mut left = UNWANTED_BYTES_MAX;
    while let Some(Ok(frame)) = incoming.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
