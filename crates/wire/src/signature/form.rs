//! Signed forms: what is signed is the policy, in base64 as the form has it.

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::{AccessKeyId, Region};

use super::crypto::Mac;
use super::date;
use super::scope::{Scope, ScopeWords, malformed};
use crate::claim::KeyRule;
use crate::form::Form;

/// What a form says of its signature.
pub(crate) struct FormSignature {
    /// Who is said to have signed.
    pub(crate) access_key: AccessKeyId,
    /// The security token sent along.
    pub(crate) token: Option<String>,
    /// How the key that signs is made.
    pub(crate) key: KeyRule,
    /// The policy, in base64.
    pub(crate) policy: String,
    /// The signature as the client spelled it.
    pub(crate) presented: String,
}

/// The fields by which a scoped scheme signs a form, as they are spelled in documents.
pub(crate) struct ScopedFields {
    /// The field that names the scheme, and what it says.
    pub(crate) scheme: (&'static str, &'static str),
    /// The credential.
    pub(crate) credential: &'static str,
    /// The time whose day is that of the scope.
    pub(crate) date: &'static str,
    /// The signature.
    pub(crate) signature: &'static str,
    /// The security token.
    pub(crate) token: &'static str,
}

/// Reads a form that is signed by the secret itself, whose owner the field `access_key` names.
///
/// # Errors
/// `InvalidArgument` for a field that is missing, `MalformedAuthorization` for an access key's id that is none.
pub(crate) fn by_secret(form: &Form, access_key: &'static str, token: &'static str) -> Result<FormSignature, Failure> {
    let (id, presented, policy) =
        (required(form, access_key)?, required(form, "signature")?, required(form, "policy")?);
    by_secret_of(form, [id, presented, policy], token)
}

/// The same, of the access key's id, the signature and the policy.
pub(crate) fn by_secret_of(
    form: &Form,
    [id, presented, policy]: [&str; 3],
    token: &'static str,
) -> Result<FormSignature, Failure> {
    Ok(FormSignature {
        access_key: AccessKeyId::parse(id).map_err(|_| malformed("The access key's id is not well formed."))?,
        token: form.field(token).map(str::to_owned),
        key: KeyRule::Secret(Mac::Sha1),
        policy: policy.to_owned(),
        presented: presented.to_owned(),
    })
}

/// Reads a form that is signed by a derived key.
///
/// # Errors
/// `InvalidArgument`, `MalformedAuthorization`, `WrongSigningRegion`.
pub(crate) fn by_scope(
    form: &Form,
    words: &'static ScopeWords,
    fields: &ScopedFields,
    region: Option<&Region>,
) -> Result<FormSignature, Failure> {
    let (name, scheme) = fields.scheme;
    if required(form, name)? != scheme {
        return Err(malformed("The form names a signing method that is not known."));
    }
    let (access_key, scope) = Scope::read(required(form, fields.credential)?, words, region)?;
    let time = required(form, fields.date)?;
    if date::read_basic(time).is_none() || !time.starts_with(&scope.date) {
        return Err(malformed("The credential's date is not that of the form."));
    }
    Ok(FormSignature {
        access_key,
        token: form.field(fields.token).map(str::to_owned),
        key: KeyRule::Scoped { scope, time: time.to_owned() },
        policy: required(form, "policy")?.to_owned(),
        presented: required(form, fields.signature)?.to_owned(),
    })
}

/// The field of that name, however its letters are cased.
///
/// # Errors
/// `InvalidArgument` that names it.
pub(crate) fn required<'f>(form: &'f Form, name: &'static str) -> Result<&'f str, Failure> {
    form.field(&name.to_ascii_lowercase()).ok_or_else(|| {
        let message = format!(
            "Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields."
        );
        Failure::new(FailureCode::InvalidArgument)
            .with_message(message)
            .with_detail("ArgumentName", name)
            .with_detail("ArgumentValue", "")
    })
}
