//! What a derived signing key is good for: one day, one region, one service.

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::{AccessKeyId, Region};
use strongroom_model::secret::SecretKey;
use strongroom_model::time::Timestamp;

use super::candidate::Candidate;
use super::crypto::{Mac, MacKey};
use super::date;
use super::sign::Signer;

/// The words by which a family of scoped schemes derives its keys.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ScopeWords {
    /// The algorithm, first line of the string to sign: `AWS4-HMAC-SHA256`.
    pub(crate) algorithm: &'static str,
    /// What stands before the secret in the first key: `AWS4`.
    pub(crate) secret_prefix: &'static str,
    /// The last word of the scope: `aws4_request`.
    pub(crate) terminator: &'static str,
    /// The services whose requests these are; the first is the one we sign for.
    pub(crate) services: &'static [&'static str],
}

/// A credential scope. With the access key's id it is all that a derived key depends on, besides the secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The day, as eight digits.
    pub date: String,
    /// The region, as the client spells it.
    pub region: Region,
    /// The service: `s3`, `oss`.
    pub service: &'static str,
    pub(crate) words: &'static ScopeWords,
}

impl ScopeWords {
    /// `<access key>/<date>/<region>/<service>/<terminator>` for a request signed `now`.
    pub(crate) fn credential(&self, signer: &Signer<'_>, now: Timestamp) -> String {
        let (id, time, region) = (signer.access_key.as_str(), date::basic(now), signer.region);
        format!("{id}/{}/{region}/{}/{}", &time[..8], self.services[0], self.terminator)
    }
}

impl Scope {
    /// Reads `<access key>/<date>/<region>/<service>/<terminator>`. When `region` is given, no other is accepted.
    ///
    /// # Errors
    /// `MalformedAuthorization`, or `WrongSigningRegion` with the region expected and the one found.
    pub(crate) fn read(
        credential: &str,
        words: &'static ScopeWords,
        region: Option<&Region>,
    ) -> Result<(AccessKeyId, Self), Failure> {
        let mut fields = credential.rsplitn(5, '/');
        let mut next = || fields.next().ok_or_else(|| malformed("The credential has too few parts."));
        let (terminator, service, place, date, id) = (next()?, next()?, next()?, next()?, next()?);
        if terminator != words.terminator {
            return Err(malformed("The credential does not end as this signing method prescribes."));
        }
        let service = words.services.iter().find(|&&known| known == service);
        let service = service.ok_or_else(|| malformed("The credential is for another service."))?;
        let place = Region::parse(place).map_err(|_| malformed("The credential's region is not well formed."))?;
        if let Some(expected) = region.filter(|&expected| *expected != place) {
            return Err(Failure::new(FailureCode::WrongSigningRegion)
                .with_detail("Region", expected.as_str())
                .with_detail("RegionProvided", place.as_str()));
        }
        if date.len() != 8 || !date.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(malformed("The credential's date is not well formed."));
        }
        let id = AccessKeyId::parse(id).map_err(|_| malformed("The credential's access key is not well formed."))?;
        Ok((id, Self { date: date.to_owned(), region: place, service, words }))
    }

    /// The scope as it is signed: `20130524/us-east-1/s3/aws4_request`.
    pub(crate) fn text(&self) -> String {
        format!("{}/{}/{}/{}", self.date, self.region, self.service, self.words.terminator)
    }

    /// What a client signs whose canonical request is `request`.
    pub(crate) fn candidate(&self, time: &str, request: Vec<u8>) -> Candidate {
        Candidate::hashed(format!("{}\n{time}\n{}\n", self.words.algorithm, self.text()), request)
    }

    /// Derives the scope's key from the secret, in four steps.
    pub(crate) fn signing_key(&self, secret: &SecretKey) -> MacKey {
        let first = zeroize::Zeroizing::new(format!("{}{}", self.words.secret_prefix, secret.expose()));
        let steps = [self.date.as_str(), self.region.as_str(), self.service, self.words.terminator];
        let start = MacKey::new(Mac::Sha256, first.as_bytes());
        steps.into_iter().fold(start, |key, step| MacKey::new(Mac::Sha256, &key.sign(step.as_bytes())))
    }
}

/// Reads `name=value` parts between commas, with or without blanks, in any order.
///
/// # Errors
/// `MalformedAuthorization` for a part that is not among `names`, or there twice.
pub(crate) fn fields<'a, const N: usize>(
    text: &'a str,
    joint: char,
    names: [&str; N],
) -> Result<[Option<&'a str>; N], Failure> {
    let mut found = [None; N];
    for part in text.split(',') {
        let (name, value) = part.trim().split_once(joint).unwrap_or_default();
        let place = names.iter().position(|&known| known == name).and_then(|index| found.get_mut(index));
        match place {
            Some(place @ None) => *place = Some(value),
            _ => return Err(malformed("The Authorization header has a part that does not belong there.")),
        }
    }
    Ok(found)
}

/// The claim cannot be read, for the reason that `message` gives to the caller.
pub(crate) fn malformed(message: &'static str) -> Failure {
    Failure::new(FailureCode::MalformedAuthorization).with_message(message)
}
