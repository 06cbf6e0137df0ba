//! Documents of access control lists, in the spelling of each dialect, and fields of grants.

use strongroom_model::account::AccountId;
use strongroom_model::acl::{Acl, AclDocument, AclWish, Grant, Grantee, Permission};
use strongroom_model::failure::{Failure, FailureCode};

use super::writer::Writer;
use super::{Element, malformed, reader};
use crate::dialect::{AclStyle, Dialect};
use crate::encode::bucket::owner;
use crate::request::invalid_argument;

/// What S3 calls its groups.
const GROUPS: [(&str, Grantee); 3] = [
    ("http://acs.amazonaws.com/groups/global/AllUsers", Grantee::Everyone),
    ("http://acs.amazonaws.com/groups/global/AuthenticatedUsers", Grantee::SignedIn),
    ("http://acs.amazonaws.com/groups/s3/LogDelivery", Grantee::LogDelivery),
];

/// What all dialects with grants call permissions.
const PERMISSIONS: [(&str, Permission); 5] = [
    ("FULL_CONTROL", Permission::FullControl),
    ("READ", Permission::Read),
    ("WRITE", Permission::Write),
    ("READ_ACP", Permission::ReadAcl),
    ("WRITE_ACP", Permission::WriteAcl),
];

/// What OBS calls everyone.
const EVERYONE: &str = "Everyone";

/// The schema that tells kinds of grantees apart.
const TYPED: &str = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";

/// Reads `AccessControlPolicy`.
///
/// # Errors
/// `MalformedAcl`, `MalformedXml`, `InvalidArgument` for an unknown grantee, `NotImplemented` for an object that does not
/// follow its bucket's delivered grants, or a grantee named by e-mail.
pub(crate) fn read(document: &[u8], dialect: &Dialect) -> Result<AclDocument, Failure> {
    let root = reader::read(document, "AccessControlPolicy")?;
    if root.child_word("Delivered")?.is_some_and(|word| word.eq_ignore_ascii_case("false")) {
        return Err(FailureCode::NotImplemented.into());
    }
    let named = match root.at_most_one("Owner")? {
        None => None,
        Some(owner) => owner.child_word("ID")?.map(account).transpose()?,
    };
    let list = root.at_most_one("AccessControlList")?;
    let grants = list.map_or(Ok(Vec::new()), |list| {
        list.all("Grant").map(|element| grant(element, dialect)).collect::<Result<Vec<_>, _>>()
    })?;
    if grants.len() > Acl::GRANTS_MAX {
        return Err(FailureCode::MalformedAcl.into());
    }
    Ok(AclDocument { owner: named, list: AclWish::Granted(grants) })
}

/// Writes `AccessControlPolicy`.
pub(crate) fn write(document: &AclDocument, dialect: &Dialect) -> Writer {
    let documents = &dialect.documents;
    let acl = match &document.list {
        AclWish::Granted(grants) => Acl::Granted(grants.clone()),
        AclWish::Canned(_) | AclWish::Unspecified(_) => Acl::Inherited,
    };
    Writer::document(documents.declaration, "AccessControlPolicy", documents.namespace, |writer| {
        if let Some(account) = document.owner {
            owner(writer, account, dialect);
        }
        writer.element("AccessControlList", |writer| match dialect.settings.acl {
            AclStyle::Canned => writer.leaf("Grant", dialect.resources.acl_word(acl.closest())),
            AclStyle::Typed { account, shown } => {
                acl.grants().iter().for_each(|grant| write_typed(writer, grant, account, shown));
            }
            AclStyle::Delivered { account } => {
                acl.grants().iter().for_each(|grant| write_delivered(writer, grant, account));
            }
        });
    })
}

/// The grantees of a field: `id="…", uri="…"`, with or without quotes.
///
/// # Errors
/// `InvalidArgument` for what names nobody, `NotImplemented` for an e-mail address.
pub(crate) fn grantees(text: &str) -> Result<Vec<Grantee>, Failure> {
    let grantee = |item: &str| {
        let (kind, value) = item.split_once('=').ok_or_else(|| unknown(item))?;
        let value = value.trim().trim_matches('"');
        match kind.trim().to_ascii_lowercase().as_str() {
            "id" => account(value).map(Grantee::Account),
            "uri" => group(value),
            "emailaddress" => Err(FailureCode::NotImplemented.into()),
            _ => Err(unknown(item)),
        }
    };
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(grantee).collect()
}

fn grant(element: &Element, dialect: &Dialect) -> Result<Grant, Failure> {
    let delivers = matches!(dialect.settings.acl, AclStyle::Delivered { .. });
    let grantee = element.one("Grantee")?;
    let word = element.child_word("Permission")?.unwrap_or_default();
    let found = PERMISSIONS.iter().find(|(known, _)| *known == word);
    let permission = found.map(|(_, permission)| *permission).ok_or_else(|| malformed("an unknown permission"))?;
    let grantee = match (grantee.child_word("ID")?, grantee.child_word("URI")?, grantee.child_word("Canned")?) {
        (Some(id), None, None) => Grantee::Account(account(id)?),
        (None, Some(uri), None) => group(uri)?,
        (None, None, Some(EVERYONE)) => Grantee::Everyone,
        (None, None, None) if grantee.child_word("EmailAddress")?.is_some() => {
            return Err(FailureCode::NotImplemented.into());
        }
        _ => return Err(FailureCode::MalformedAcl.into()),
    };
    if delivers && matches!(grantee, Grantee::SignedIn | Grantee::LogDelivery) {
        return Err(FailureCode::MalformedAcl.into());
    }
    Ok(Grant { grantee, permission, delivered: delivers && element.flag("Delivered")? })
}

fn account(id: &str) -> Result<AccountId, Failure> {
    AccountId::parse(id).ok_or_else(|| invalid_argument("ID", id).with_message("Invalid id"))
}

fn group(uri: &str) -> Result<Grantee, Failure> {
    let found = GROUPS.iter().find(|(known, _)| *known == uri);
    found.map(|(_, group)| *group).ok_or_else(|| invalid_argument("URI", uri).with_message("Invalid group uri"))
}

fn unknown(item: &str) -> Failure {
    invalid_argument("Grantee", item).with_message("Argument format not recognized")
}

fn write_typed(writer: &mut Writer, grant: &Grant, account: fn(AccountId) -> String, shown: fn(AccountId) -> String) {
    writer.element("Grant", |writer| {
        match grant.grantee {
            Grantee::Account(id) => {
                writer.element_with("Grantee", &format!("{TYPED} xsi:type=\"CanonicalUser\""), |writer| {
                    writer.leaf("ID", account(id));
                    writer.leaf("DisplayName", shown(id));
                });
            }
            group => writer.element_with("Grantee", &format!("{TYPED} xsi:type=\"Group\""), |writer| {
                writer.optional("URI", GROUPS.iter().find(|(_, known)| *known == group).map(|(uri, _)| *uri));
            }),
        }
        permission(writer, grant.permission);
    });
}

/// OBS knows accounts and everyone; a grant to another group, made in another dialect, has no form there.
fn write_delivered(writer: &mut Writer, grant: &Grant, account: fn(AccountId) -> String) {
    if matches!(grant.grantee, Grantee::SignedIn | Grantee::LogDelivery) {
        return;
    }
    writer.element("Grant", |writer| {
        writer.element("Grantee", |writer| match grant.grantee {
            Grantee::Account(id) => writer.leaf("ID", account(id)),
            Grantee::Everyone | Grantee::SignedIn | Grantee::LogDelivery => writer.leaf("Canned", EVERYONE),
        });
        permission(writer, grant.permission);
        if grant.delivered {
            writer.leaf("Delivered", true);
        }
    });
}

fn permission(writer: &mut Writer, permission: Permission) {
    let word = PERMISSIONS.iter().find(|(_, known)| *known == permission).map(|(word, _)| *word);
    writer.optional("Permission", word);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_oneof, proptest};

    use super::*;
    use crate::dialect::{OBS, S3};

    fn code(text: &str) -> FailureCode {
        read(text.as_bytes(), &OBS).unwrap_err().code
    }

    fn list(grants: &str) -> String {
        format!("<AccessControlPolicy><AccessControlList>{grants}</AccessControlList></AccessControlPolicy>")
    }

    #[test]
    fn what_grants_nothing_to_nobody_is_refused() {
        let grant = |grantee: &str, permission: &str| {
            list(&format!("<Grant><Grantee>{grantee}</Grantee><Permission>{permission}</Permission></Grant>"))
        };
        assert_eq!(code(&grant("<Canned>Everyone</Canned>", "LIST")), FailureCode::MalformedXml);
        assert_eq!(code(&grant("<Canned>Nobody</Canned>", "READ")), FailureCode::MalformedAcl);
        assert_eq!(code(&grant("<ID>who</ID>", "READ")), FailureCode::InvalidArgument);
        assert_eq!(code(&grant("<URI>http://example.com</URI>", "READ")), FailureCode::InvalidArgument);
        assert_eq!(code(&grant("", "READ")), FailureCode::MalformedAcl);
        assert_eq!(code(&grant("<EmailAddress>a@b</EmailAddress>", "READ")), FailureCode::NotImplemented);
        let one = "<Grant><Grantee><Canned>Everyone</Canned></Grantee><Permission>READ</Permission></Grant>";
        assert!(read(list(&one.repeat(100)).as_bytes(), &OBS).is_ok());
        assert_eq!(code(&list(&one.repeat(101))), FailureCode::MalformedAcl);
    }

    #[test]
    fn fields_name_grantees_with_and_without_quotes() {
        let account = Grantee::Account(AccountId::new(7).unwrap());
        let text = format!("id=\"{}\", uri={}", AccountId::new(7).unwrap().canonical_user(), GROUPS[0].0);
        assert_eq!(grantees(&text).unwrap(), [account, Grantee::Everyone]);
        assert_eq!(grantees("someone").unwrap_err().code, FailureCode::InvalidArgument);
        assert_eq!(grantees("emailAddress=a@b").unwrap_err().code, FailureCode::NotImplemented);
    }

    fn any_grantee() -> impl Strategy<Value = Grantee> {
        prop_oneof![
            (0..=AccountId::NUMBER_MAX)
                .prop_map(|number| Grantee::Account(AccountId::new(number).expect("within the limit"))),
            Just(Grantee::Everyone),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn what_is_written_is_read_again(
            owner in 0..=AccountId::NUMBER_MAX,
            grants in prop::collection::vec((any_grantee(), 0..PERMISSIONS.len(), any::<bool>()), 0..8),
            in_obs in any::<bool>(),
        ) {
            let grants = grants.into_iter().map(|(grantee, permission, delivered)| Grant {
                grantee,
                permission: PERMISSIONS[permission].1,
                delivered: delivered && in_obs,
            });
            let document = AclDocument { owner: AccountId::new(owner), list: AclWish::Granted(grants.collect()) };
            let dialect = if in_obs { &OBS } else { &S3 };
            assert_eq!(read(&write(&document, dialect).into_bytes(), dialect).unwrap(), document);
        }
    }
}
