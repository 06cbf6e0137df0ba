//! Reading an object's metadata, without any call to the key service.

use strongroom_model::failure::Failure;
use strongroom_model::operation::object::GetObject;
use strongroom_model::outcome::object::ObjectRead;

use super::{Caller, Engine};

impl Engine {
    /// Answers what is known of an object. One under a customer's key is told of only to who has that key.
    pub(super) async fn head_object(&self, caller: &Caller, get: GetObject) -> Result<ObjectRead, Failure> {
        let (version, _content_key) = self.version_to_read(caller, &get).await?;
        let range = version.range(&get)?;
        Ok(version.answer(get, range))
    }
}
