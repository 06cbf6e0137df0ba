//! What a head says besides its operation, for policies to test.

use http::request::Parts;
use strongroom_model::circumstance::{RequestWords, SignaturePlace, SignatureWords};
use strongroom_model::failure::Failure;

use crate::claim::{Claim, Signed};
use crate::request::Request;

/// Everything that a policy may ask of a head.
pub(crate) fn read(request: &Request<'_>, claim: &Claim) -> Result<RequestWords, Failure> {
    let field = |suffix| Ok::<_, Failure>(request.field(suffix)?.map(str::to_owned));
    let header = |name| Ok::<_, Failure>(request.header(name)?.map(str::to_owned));
    let parameter = |name| request.query().value(name).map(str::to_owned);
    let object_acl = request.dialect().resources.object_acl;
    let signature = match claim {
        Claim::Anonymous => None,
        Claim::Signed(signed) => Some(signature(signed)),
    };
    Ok(RequestWords {
        referer: header("referer")?,
        user_agent: header("user-agent")?,
        acl: field("acl")?.or(field(object_acl)?),
        storage_class: field("storage-class")?,
        copy_source: field("copy-source")?,
        metadata_directive: field("metadata-directive")?,
        prefix: parameter("prefix"),
        delimiter: parameter("delimiter"),
        max_keys: parameter("max-keys"),
        version: parameter("versionId"),
        content_sha256: field("content-sha256")?,
        signature,
    })
}

/// The same of a form: `fields` is the head of the PUT that would ask for the same, `head` that of the form itself.
pub(crate) fn of_form(fields: &Request<'_>, head: &Parts, claim: &Claim) -> Result<RequestWords, Failure> {
    let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut words = read(fields, claim)?;
    (words.referer, words.user_agent) = (header("referer"), header("user-agent"));
    words.signature.iter_mut().for_each(|signature| signature.place = SignaturePlace::Form);
    Ok(words)
}

fn signature(signed: &Signed) -> SignatureWords {
    let place = if signed.by_url() { SignaturePlace::Url } else { SignaturePlace::Header };
    SignatureWords { scheme: signed.scheme().word.to_owned(), place }
}
