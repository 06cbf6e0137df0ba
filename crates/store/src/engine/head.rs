//! Reading an object's metadata, without any call to the key service.

use strongroom_model::failure::Failure;
use strongroom_model::operation::object::{GetAttributes, GetObject, ObjectAttribute};
use strongroom_model::operation::symlink::Links;
use strongroom_model::outcome::object::{ObjectAttributes, ObjectRead, PartFacts, PartsPage};

use super::{Caller, Engine};

impl Engine {
    /// Answers what is known of an object. One under a customer's key is told of only to who has that key.
    pub(super) async fn head_object(&self, caller: &Caller, get: GetObject) -> Result<ObjectRead, Failure> {
        let (version, _content_key) = self.version_to_read(caller, &get, Links::Followed).await?;
        let range = version.range(&get)?;
        self.tell(&version, get, range).await
    }

    /// Answers what is known of an object and its parts. Checksums tell of its content, here as in the answer to HEAD.
    pub(super) async fn object_attributes(
        &self,
        caller: &Caller,
        mut get: GetAttributes,
    ) -> Result<ObjectAttributes, Failure> {
        get.object.show_checksums =
            get.wanted.iter().any(|wanted| matches!(wanted, ObjectAttribute::Checksum | ObjectAttribute::Parts));
        let (version, _content_key) = self.version_to_read(caller, &get.object, Links::Followed).await?;
        let asked = version.content.parts.as_ref().filter(|parts| parts.checksum_asked);
        let parts = asked.filter(|_| get.wanted.contains(&ObjectAttribute::Parts)).map(|parts| {
            let mut rest = parts.parts.iter().filter(|part| part.number.get() > get.after);
            let shown = rest.by_ref().take(get.max_parts as usize).map(|part| PartFacts {
                number: part.number,
                size: part.size,
                checksums: part.checksum.clone().into_iter().collect(),
            });
            let parts = shown.collect();
            PartsPage { after: get.after, max: get.max_parts, truncated: rest.next().is_some(), parts }
        });
        let facts = version.facts(get.object.customer_key.as_ref());
        Ok(ObjectAttributes { count: facts.etag.parts, facts, wanted: get.wanted, parts })
    }
}
