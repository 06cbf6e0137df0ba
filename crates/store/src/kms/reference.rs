//! What clients may call a key, and the vendors' own names, which they may use and not give.

use strongroom_model::account::AccountId;
use strongroom_model::failure::Subject;
use strongroom_model::key::{KeyReference, KeyTarget};
use strongroom_model::name::Region;

use super::KmsError;

/// What the default key answers to, at each vendor.
pub(super) const DEFAULT_ALIASES: [&str; 3] = ["obs/default", "acs/oss", "aws/s3"];

/// How the vendors' own aliases begin.
const RESERVED: [&str; 3] = ["obs/", "acs/", "aws/"];

/// Longest alias in bytes: the widest of the three services.
const ALIAS_BYTES: usize = 255;

/// What a reference asks for, once it is known to be for this account and region.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// The key with this id, in lower case.
    Id(String),
    /// The key that this alias points at.
    Alias(&'a str),
    /// The default key, by one of its names.
    Default,
}

/// Understands `reference` for a key of `account` here in `region`.
pub(super) fn resolve<'a>(
    reference: &'a KeyReference,
    account: AccountId,
    region: &Region,
) -> Result<Target<'a>, KmsError> {
    let text = || reference.text.clone();
    if !reference.is_well_formed() {
        return Err(KmsError::Malformed(text()));
    }
    if reference.region.as_deref().is_some_and(|named| named != region.as_str()) {
        return Err(KmsError::OtherRegion(text()));
    }
    if reference.account.as_deref().is_some_and(|named| AccountId::parse(named) != Some(account)) {
        return Err(KmsError::NotFound(Subject::Text(text())));
    }
    Ok(match &reference.target {
        KeyTarget::Id(id) => Target::Id(id.clone()),
        KeyTarget::Alias(alias) if DEFAULT_ALIASES.contains(&alias.as_str()) => Target::Default,
        KeyTarget::Alias(alias) => Target::Alias(alias),
        KeyTarget::Found(name) => Target::Id(name.id.clone()),
    })
}

/// The account in which a key is to be found that was found before; else that of who refers to it.
pub(super) fn owner(reference: &KeyReference, account: AccountId) -> AccountId {
    match &reference.target {
        KeyTarget::Found(name) => name.account,
        KeyTarget::Id(_) | KeyTarget::Alias(_) => account,
    }
}

/// Whether it is one of the names of the default key, of whoever refers to it.
pub(super) fn is_default(reference: &KeyReference) -> bool {
    let named = matches!(&reference.target, KeyTarget::Alias(alias) if DEFAULT_ALIASES.contains(&alias.as_str()));
    named && reference.account.is_none() && reference.region.is_none()
}

/// The alias that a client wants to give or take away, without `alias/`.
pub(super) fn alias(text: &str) -> Result<&str, KmsError> {
    let alias = text.strip_prefix("alias/").unwrap_or(text);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b":/_-".contains(&byte);
    if alias.is_empty() || alias.len() > ALIAS_BYTES || !alias.bytes().all(allowed) {
        return Err(KmsError::Invalid("an alias is 1 to 255 of A-Z a-z 0-9 : / _ -"));
    }
    if RESERVED.iter().any(|prefix| alias.starts_with(prefix)) {
        return Err(KmsError::Invalid("an alias may not begin as the vendors' own ones do"));
    }
    Ok(alias)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "522d6070-5ad3-4765-9737-9312ddc72cdb";

    fn resolved(text: &str) -> Result<String, KmsError> {
        let account = AccountId::new(123_456_789_012).unwrap();
        let region = Region::parse("us-east-1").unwrap();
        resolve(&KeyReference::parse(text), account, &region).map(|target| format!("{target:?}"))
    }

    #[test]
    fn every_spelling_of_a_key_here_is_found() {
        let domain = AccountId::new(123_456_789_012).unwrap().obs_domain();
        for text in [
            ID.to_owned(),
            ID.to_uppercase(),
            format!("key/{ID}"),
            format!("arn:aws:kms:us-east-1:123456789012:key/{ID}"),
            format!("acs:kms:us-east-1:1000123456789012:key/{ID}"),
            format!("us-east-1:{domain}:key/{ID}"),
        ] {
            assert_eq!(resolved(&text).unwrap(), format!("Id(\"{ID}\")"), "{text}");
        }
        for text in ["alias/obs/default", "alias/acs/oss", "arn:aws:kms:us-east-1:123456789012:alias/aws/s3"] {
            assert_eq!(resolved(text).unwrap(), "Default", "{text}");
        }
        assert_eq!(resolved("alias/mine").unwrap(), "Alias(\"mine\")");
    }

    #[test]
    fn what_is_elsewhere_or_nonsense_has_its_own_error() {
        let elsewhere = format!("arn:aws:kms:us-west-2:123456789012:key/{ID}");
        assert!(matches!(resolved(&elsewhere), Err(KmsError::OtherRegion(text)) if text == elsewhere));
        let of_others = format!("arn:aws:kms:us-east-1:123456789013:key/{ID}");
        assert!(matches!(resolved(&of_others), Err(KmsError::NotFound(Subject::Text(text))) if text == of_others));
        for nonsense in ["fake-key-id", "", "alias/", "arn:aws:s3:::bucket"] {
            assert!(matches!(resolved(nonsense), Err(KmsError::Malformed(text)) if text == nonsense));
        }
    }

    #[test]
    fn aliases_are_bounded_and_the_vendors_own_are_reserved() {
        for good in ["a", "team/blue:1_x-y", "awsome", &"a".repeat(255)] {
            assert_eq!(alias(good).unwrap(), good);
            assert_eq!(alias(&format!("alias/{good}")).unwrap(), good);
        }
        for bad in ["", "alias/", "a b", "é", "aws/s3", "alias/aws/x", "acs/oss", "obs/default", &"a".repeat(256)] {
            assert!(matches!(alias(bad), Err(KmsError::Invalid(_))), "{bad}");
        }
    }
}
