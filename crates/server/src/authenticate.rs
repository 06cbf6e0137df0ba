//! Who asks: an access key's secret against the claim of a request.

use strongroom_iam::Requester;
use strongroom_model::{
    account::Principal,
    circumstance::RequestWords,
    failure::{Failure, FailureCode, Subject},
    time::Timestamp,
};
use strongroom_wire::{Asked, Claim, Intent, Proof, Signed};

use crate::app::App;

/// Who asks, and what the signature proved of the body.
pub(crate) struct Caller {
    /// Who.
    pub(crate) requester: Requester,
    /// The proof; none for an anonymous caller.
    pub(crate) proof: Option<Proof>,
}

/// Verifies the claim of `intent`. A host that can be read in two ways is tried in both: the signature tells which one
/// the client meant.
///
/// # Errors
/// `InvalidAccessKeyId`, `InvalidToken`, or what [`Signed::verify`] says of the first reading.
pub(crate) async fn authenticate(
    app: &App,
    intent: Intent,
    now: Timestamp,
) -> Result<(Asked, RequestWords, Caller), Failure> {
    let Intent { asked, claim, words, alternative } = intent;
    let refused = match verify(app, claim, now).await {
        Ok(caller) => return Ok((asked, words, caller)),
        Err(failure) => failure,
    };
    match alternative {
        Some(other) if refused.code == FailureCode::SignatureDoesNotMatch => {
            let caller = verify(app, other.claim, now).await.map_err(|_| refused)?;
            Ok((other.asked, other.words, caller))
        }
        _ => Err(refused),
    }
}

async fn verify(app: &App, claim: Claim, now: Timestamp) -> Result<Caller, Failure> {
    match claim {
        Claim::Anonymous => Ok(Caller { requester: Principal::Anonymous.into(), proof: None }),
        Claim::Signed(signed) => verify_signature(app, &signed, now).await,
    }
}

/// Verifies one signature.
pub(crate) async fn verify_signature(app: &App, signed: &Signed, now: Timestamp) -> Result<Caller, Failure> {
    let unknown =
        || Failure::new(FailureCode::InvalidAccessKeyId).about(Subject::Text(signed.access_key.as_str().to_owned()));
    let credential = app.engine.credential(&signed.access_key, signed.token.as_deref()).await?.ok_or_else(unknown)?;
    let proof = signed.verify_with(&app.signing_keys, &credential.secret, now)?;
    Ok(Caller { requester: credential.requester, proof: Some(proof) })
}
