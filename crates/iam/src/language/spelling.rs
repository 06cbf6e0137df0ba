//! What the languages spell alike.

use strongroom_model::account::{AccountId, UserName};
use strongroom_model::policy::LocalName;

use super::InvalidPolicy;
use crate::policy::fact::Fact;
use crate::policy::pattern::{Pattern, Reading};
use crate::policy::principals::Grantee;
use crate::policy::resources::Owner;

/// Keys that begin so are followed by a name.
pub(super) type NamedFact = (&'static str, fn(String) -> Fact);

/// The account part of a resource's name.
pub(super) fn owner(text: &str) -> Owner {
    match text {
        "" | "*" => Owner::Any,
        text => AccountId::parse(text).map_or(Owner::Nobody, Owner::Account),
    }
}

/// A pattern, read as the language has it.
pub(super) fn form(text: &str, reading: Reading<'_>) -> Result<Pattern, InvalidPolicy> {
    Pattern::parse(text, reading).map_err(|unknown| InvalidPolicy::Variable(unknown.0))
}

/// Whom the end of a name means inside an account: `root`, `user/ann`, `group/staff`; none if that is not the form of a
/// name. What never asks here, and accounts of elsewhere, are nobody.
pub(super) fn in_account(account: &str, end: &str) -> Option<Grantee> {
    let (kind, path) = end.split_once('/').unwrap_or((end, ""));
    // Names may stand behind paths, which there are none of here.
    let name = path.rsplit('/').next().unwrap_or_default();
    let Some(account) = AccountId::parse(account) else {
        let well_formed = !account.is_empty() && account.bytes().all(|byte| byte.is_ascii_alphanumeric());
        return well_formed.then_some(Grantee::Nobody);
    };
    match kind {
        "root" if path.is_empty() => Some(Grantee::Account(account)),
        "user" if name == "*" => Some(Grantee::Users(account)),
        "user" => UserName::parse(name).ok().map(|name| Grantee::User(account, name)),
        "group" => LocalName::parse(name).ok().map(|name| Grantee::Group(account, name)),
        "role" | "assumed-role" | "federated-user" | "agency" | "identity-provider" => Some(Grantee::Nobody),
        _ => None,
    }
}

/// The fact that a key names in a table, whatever its case; keys that end in `/` or `:` are followed by a name.
pub(super) fn lookup(key: &str, plain: &[(&str, Fact)], named: &[NamedFact]) -> Option<Fact> {
    let same = |(word, _): &&(&str, Fact)| key.eq_ignore_ascii_case(word);
    if let Some((_, fact)) = plain.iter().find(same) {
        return Some(fact.clone());
    }
    named.iter().find_map(|(word, fact)| {
        let (start, name) = (key.get(..word.len())?, key.get(word.len()..)?);
        (start.eq_ignore_ascii_case(word) && !name.is_empty()).then(|| fact(name.to_owned()))
    })
}
