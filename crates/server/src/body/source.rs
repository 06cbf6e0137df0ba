//! A request's body as it comes from the socket, whatever becomes of it.

use std::{sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_wire::{Form, FormFile, FormReader, FormStep, form::FORM_BYTES_MAX};
use tokio::time::timeout;

use crate::{metrics::SharedCount, task};

/// How much of a body nobody wants is still read, in bytes. Closing while a client sends makes its system throw the
/// answer away unread; most clients look at the answer only when they have sent everything.
const UNWANTED_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// For how long such a body is still read.
const UNWANTED_TIME: Duration = Duration::from_secs(10);

/// A request's body, or the file in a form. Dropped before its end, it is read on a little, beside the answer, and thrown
/// away.
pub(crate) struct Source {
    incoming: Option<Incoming>,
    /// The file, if the body is a form whose fields have been read.
    file: Option<FormFile>,
    /// The client waits to be told to send; it is told by the first read.
    awaited: bool,
    stall: Duration,
    received: SharedCount,
}

impl Source {
    /// The body `incoming`, of which every piece must come within `stall`; its length is counted in `received`.
    pub(crate) fn new(incoming: Incoming, awaited: bool, stall: Duration, received: SharedCount) -> Self {
        let incoming = (!incoming.is_end_stream()).then_some(incoming);
        Self { incoming, file: None, awaited, stall, received }
    }

    /// Reads the fields of a form; the form's file is what is read from here on.
    ///
    /// # Errors
    /// Those of [`Source::next`], and of the form.
    pub(crate) async fn read_form(&mut self, mut reader: FormReader) -> Result<Form, Failure> {
        while reader.step()? != FormStep::Finished {
            reader.feed(self.receive().await?.ok_or(FailureCode::MalformedForm)?);
        }
        let (form, file) = reader.finish();
        self.file = Some(file);
        Ok(form)
    }

    /// The next piece; none at the end of a body that came whole.
    ///
    /// # Errors
    /// `RequestTimeout` if the client sends nothing for too long, `IncompleteBody` if the connection ends too early or
    /// the transfer's framing is broken, `MalformedForm`. There is nothing to read after any of them.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            let step = match &mut self.file {
                Some(file) => file.step()?,
                None => return self.receive().await,
            };
            match step {
                FormStep::Data(piece) => return Ok(Some(piece)),
                FormStep::Finished => return self.receive_rest().await.map(|()| None),
                FormStep::NeedsMore => {
                    let more = self.receive().await?.ok_or(FailureCode::MalformedForm)?;
                    if let Some(file) = &mut self.file {
                        file.feed(more);
                    }
                }
            }
        }
    }

    /// What follows a form's file does not count, but the transfer must end as it should.
    async fn receive_rest(&mut self) -> Result<(), Failure> {
        let mut left = FORM_BYTES_MAX;
        while let Some(more) = self.receive().await? {
            left = left.checked_sub(more.len() as u64).ok_or(FailureCode::FormTooLong)?;
        }
        Ok(())
    }

    async fn receive(&mut self) -> Result<Option<Bytes>, Failure> {
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
