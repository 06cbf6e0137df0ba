//! Reading an object, or a range of it.

use futures_util::TryStreamExt as _;
use strongroom_model::encryption::AppliedEncryption;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::operation::object::GetObject;
use strongroom_model::outcome::{ObjectOutcome, Outcome};
use strongroom_seal::{ContentKey, Manifest};

use super::reading::Version;
use super::sealing::{Source, first, open_stream};
use super::{Caller, Engine, Reply};
use crate::failure;
use crate::{catalog::recovery, stream::ByteStream};

impl Engine {
    /// Reads an object.
    pub(super) async fn get_object(&self, caller: &Caller, get: GetObject) -> Result<Reply, Failure> {
        let (version, content) = self.version_to_read(caller, &get).await?;
        let range = version.range(&get)?;
        if matches!(version.content.encryption, AppliedEncryption::Kms(_)) && !caller.transport.kms {
            return Err(FailureCode::KmsNeedsTls.into());
        }
        let content = match content {
            Some(content) => content,
            None => self.unlock(&version).await?,
        };
        let manifest = open_manifest(&version, &content).inspect_err(|failure| self.counters.note(failure))?;
        let source = match &version.content.inline {
            Some(sealed) => Source::Inline(sealed.clone()),
            None => Source::Blobs(self.blobs.clone()),
        };
        let wanted = range.clone().unwrap_or(0..version.entry.size);
        let body = open_stream(content, &manifest, wanted, source).map_err(failure::of_stored)?;
        let body = first(body).await.map_err(|error| failure::of_stream(error, FailureCode::Internal));
        let body = body.inspect_err(|failure| self.counters.note(failure))?;
        let outcome = Outcome::Object(ObjectOutcome::Read(version.answer(get, range)));
        Ok(Reply { outcome, body: Some(self.counted(body)) })
    }

    /// The same stream, whose failure half-way, which no answer can tell any more, is counted.
    fn counted(&self, body: ByteStream) -> ByteStream {
        let counters = self.counters.clone();
        Box::pin(body.inspect_err(move |_| counters.broken_body()))
    }
}

/// The manifest, if it is the version's, and says of it what its rows say.
pub(super) fn open_manifest(version: &Version, content: &ContentKey) -> Result<Manifest, Failure> {
    let none = Default::default();
    let context = version.envelope.key().map_or(&none, |key| &key.context);
    let binding = version.identity.binding(context).encode();
    let manifest = Manifest::open(content, &binding, &version.content.manifest).map_err(failure::of_stored)?;
    let (entry, rest) = (&version.entry, &version.content);
    let digests = recovery::digests(&entry.etag, rest.md5, &rest.checksums);
    if manifest.size() != entry.size || manifest.checksums() != digests {
        return Err(Failure::new(FailureCode::Damaged).caused_by("a manifest and its rows disagree"));
    }
    Ok(manifest)
}
