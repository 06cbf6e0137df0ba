//! Reading an object, or a range of it.

use std::ops::Range;

use futures_util::TryStreamExt as _;
use strongroom_model::encryption::AppliedEncryption;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::operation::object::GetObject;
use strongroom_model::operation::symlink::Links;
use strongroom_model::outcome::{ObjectOutcome, Outcome};
use strongroom_seal::ContentKey;

use super::{Caller, Engine, Reply};
use crate::failure;
use crate::{
    opening::{Version, first, open_manifest, open_stream},
    stream::ByteStream,
};

impl Engine {
    /// Reads an object.
    pub(super) async fn get_object(&self, caller: &Caller, get: GetObject) -> Result<Reply, Failure> {
        let (version, content) = self.version_to_read(caller, &get, Links::Followed).await?;
        let range = version.range(&get)?;
        if matches!(version.content.encryption, AppliedEncryption::Kms(_)) && !caller.transport.kms {
            return Err(FailureCode::KmsNeedsTls.into());
        }
        let body = self.plaintext(caller, &version, content, range.clone()).await?;
        let outcome = Outcome::Object(ObjectOutcome::Read(self.tell(&version, get, range).await?));
        Ok(Reply { outcome, body: Some(self.counted(body)) })
    }

    /// The plaintext of `range` of a version, or of all of it, after its first chunk was opened. `content` is the key, if it
    /// came with the request; else the key service is asked.
    pub(super) async fn plaintext(
        &self,
        caller: &Caller,
        version: &Version,
        content: Option<ContentKey>,
        range: Option<Range<u64>>,
    ) -> Result<ByteStream, Failure> {
        self.hold_openable(caller, &version.content.encryption, &version.identity, true).await?;
        let content = match content {
            Some(content) => content,
            None => self.unlock(caller, version).await?,
        };
        let manifest = open_manifest(version, &content).inspect_err(|failure| self.counters.note(failure))?;
        let source = version.source(&self.blobs);
        let wanted = range.unwrap_or(0..version.entry.size);
        let body = open_stream(content, &manifest, wanted, source).map_err(failure::of_stored)?;
        let body = first(body).await.map_err(|error| failure::of_stream(error, FailureCode::Internal));
        body.inspect_err(|failure| self.counters.note(failure))
    }

    /// The same stream, whose failure half-way, which no answer can tell any more, is counted.
    fn counted(&self, body: ByteStream) -> ByteStream {
        let counters = self.counters.clone();
        Box::pin(body.inspect_err(move |_| counters.broken_body()))
    }
}
