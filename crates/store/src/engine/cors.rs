//! Whether pages of other origins may read a bucket's answers.

use strongroom_model::cors::{CorsGrant, CrossOrigin};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::BucketName;

use super::{Caller, Engine};

impl Engine {
    /// The bucket's rule that fits.
    ///
    /// # Errors
    /// `CorsNotEnabled`, also if there is no such bucket; `CorsNotAllowed`.
    pub(super) async fn cross_origin(
        &self,
        caller: &Caller,
        name: &BucketName,
        asked: &CrossOrigin,
    ) -> Result<CorsGrant, Failure> {
        let bucket = self.bucket(caller, name).await.map_err(|failure| match failure.code {
            FailureCode::NoSuchBucket => refused(FailureCode::CorsNotEnabled, asked),
            _ => failure,
        })?;
        let rules = bucket.cors.as_ref().ok_or_else(|| refused(FailureCode::CorsNotEnabled, asked))?;
        rules.grant(asked).ok_or_else(|| refused(FailureCode::CorsNotAllowed, asked))
    }
}

fn refused(code: FailureCode, asked: &CrossOrigin) -> Failure {
    let resource = if asked.of_object { "OBJECT" } else { "BUCKET" };
    Failure::new(code).with_detail("Method", asked.method.name()).with_detail("ResourceType", resource)
}
