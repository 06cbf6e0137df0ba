//! Access control lists in one form for all dialects: who has been granted what. The dialects' ready-made lists come to
//! the same grants.

use crate::account::AccountId;
use crate::metadata::CannedAcl;

/// The access control list of a bucket or of an object version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acl {
    /// Of an object that follows its bucket: what the bucket's list grants of reading and writing is granted of it.
    Inherited,
    /// These grants, and the owner's own right to read and change the list, which nobody can take away.
    Granted(Vec<Grant>),
}

/// One grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// To whom.
    pub grantee: Grantee,
    /// What.
    pub permission: Permission,
    /// Of a bucket: whether the same holds for the objects in it (OBS).
    pub delivered: bool,
}

/// To whom something is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grantee {
    /// An account.
    Account(AccountId),
    /// Everyone, signed in or not.
    Everyone,
    /// Everyone who has signed in, of whatever account.
    SignedIn,
    /// The service's own delivery of access logs.
    LogDelivery,
}

/// What is granted. Of a bucket, reading is listing, and writing is putting and deleting objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// All of the others.
    FullControl,
    /// To read.
    Read,
    /// To write.
    Write,
    /// To read the list.
    ReadAcl,
    /// To change the list.
    WriteAcl,
}

/// The list that a request asks for. Who owns the thing is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AclWish {
    /// The request says nothing: the dialect's default.
    Unspecified(CannedAcl),
    /// A ready-made list.
    Canned(CannedAcl),
    /// These grants.
    Granted(Vec<Grant>),
}

/// A list as documents carry it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclDocument {
    /// Who is named as the owner; a request need not name anybody, an answer always does.
    pub owner: Option<AccountId>,
    /// The list. Answers have grants, or the ready-made list [`CannedAcl::Inherit`].
    pub list: AclWish,
}

impl Acl {
    /// The most grants of one list, as S3 and OBS state it.
    pub const GRANTS_MAX: usize = 100;

    /// The ready-made list of a thing that `owner` owns. Objects belong to their bucket's owner here, so that the lists
    /// which speak of both come to the same.
    pub fn canned(canned: CannedAcl, owner: AccountId) -> Self {
        let everyone = |permission, delivered| Grant { grantee: Grantee::Everyone, permission, delivered };
        let to = |grantee, permission| Grant { grantee, permission, delivered: false };
        let (read, write) = (Permission::Read, Permission::Write);
        let more = match canned {
            CannedAcl::Inherit => return Self::Inherited,
            CannedAcl::Private | CannedAcl::BucketOwnerRead | CannedAcl::BucketOwnerFullControl => Vec::new(),
            CannedAcl::PublicRead => vec![everyone(read, false)],
            CannedAcl::PublicReadWrite => vec![everyone(read, false), everyone(write, false)],
            CannedAcl::PublicReadDelivered => vec![everyone(read, true)],
            CannedAcl::PublicReadWriteDelivered => vec![everyone(read, true), everyone(write, true)],
            CannedAcl::AuthenticatedRead => vec![to(Grantee::SignedIn, read)],
            CannedAcl::LogDeliveryWrite => {
                vec![to(Grantee::LogDelivery, write), to(Grantee::LogDelivery, Permission::ReadAcl)]
            }
        };
        let own = to(Grantee::Account(owner), Permission::FullControl);
        Self::Granted([vec![own], more].concat())
    }

    /// The grants; none if the list is its bucket's.
    pub fn grants(&self) -> &[Grant] {
        match self {
            Self::Inherited => &[],
            Self::Granted(grants) => grants,
        }
    }

    /// Whether a grant gives `permission` to `account`; none is a caller who has not signed in. What belongs to owners
    /// without a grant is not asked here.
    pub fn allows(&self, account: Option<AccountId>, permission: Permission) -> bool {
        self.grants().iter().any(|grant| grant.gives(account, permission))
    }

    /// The same of the grants that a bucket hands on to the objects in it.
    pub fn delivers(&self, account: Option<AccountId>, permission: Permission) -> bool {
        self.grants().iter().any(|grant| grant.delivered && grant.gives(account, permission))
    }

    /// Whether it gives something to everyone, signed in or not.
    pub fn is_public(&self) -> bool {
        self.grants().iter().any(Grant::is_public)
    }

    /// What it gives to those whom it names.
    #[must_use]
    pub fn without_public(&self) -> Self {
        match self {
            Self::Inherited => Self::Inherited,
            Self::Granted(grants) => Self::Granted(grants.iter().filter(|grant| !grant.is_public()).copied().collect()),
        }
    }

    /// The ready-made list that this one is, or comes closest to by what it gives everyone.
    pub fn closest(&self) -> CannedAcl {
        if *self == Self::Inherited {
            return CannedAcl::Inherit;
        }
        let everyone = |permission| self.allows(None, permission);
        match (everyone(Permission::Read), everyone(Permission::Write)) {
            (true, true) => CannedAcl::PublicReadWrite,
            (true, false) => CannedAcl::PublicRead,
            (false, _) => CannedAcl::Private,
        }
    }
}

impl Grant {
    fn is_public(&self) -> bool {
        matches!(self.grantee, Grantee::Everyone | Grantee::SignedIn)
    }

    fn gives(&self, account: Option<AccountId>, permission: Permission) -> bool {
        let reaches = match self.grantee {
            Grantee::Account(granted) => account == Some(granted),
            Grantee::Everyone => true,
            Grantee::SignedIn => account.is_some(),
            Grantee::LogDelivery => false,
        };
        reaches && (self.permission == permission || self.permission == Permission::FullControl)
    }
}

impl AclWish {
    /// The list of a thing that `owner` owns.
    pub fn resolve(&self, owner: AccountId) -> Acl {
        match self {
            Self::Unspecified(canned) | Self::Canned(canned) => Acl::canned(*canned, owner),
            Self::Granted(grants) => Acl::Granted(grants.clone()),
        }
    }

    /// Whether the request asked for a list at all.
    pub fn is_asked(&self) -> bool {
        !matches!(self, Self::Unspecified(_))
    }
}

impl AclDocument {
    /// The list of a thing that `owner` owns, for an answer.
    pub fn of(owner: AccountId, acl: &Acl) -> Self {
        let list = match acl {
            Acl::Inherited => AclWish::Canned(CannedAcl::Inherit),
            Acl::Granted(grants) => AclWish::Granted(grants.clone()),
        };
        Self { owner: Some(owner), list }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(number: u64) -> AccountId {
        AccountId::new(number).unwrap()
    }

    #[test]
    fn ready_made_lists_give_what_their_names_say() {
        let (owner, other) = (account(1), account(2));
        for (canned, anonymous_reads, anonymous_writes, stranger_reads) in [
            (CannedAcl::Private, false, false, false),
            (CannedAcl::PublicRead, true, false, true),
            (CannedAcl::PublicReadWrite, true, true, true),
            (CannedAcl::PublicReadDelivered, true, false, true),
            (CannedAcl::PublicReadWriteDelivered, true, true, true),
            (CannedAcl::AuthenticatedRead, false, false, true),
            (CannedAcl::BucketOwnerRead, false, false, false),
            (CannedAcl::BucketOwnerFullControl, false, false, false),
            (CannedAcl::LogDeliveryWrite, false, false, false),
        ] {
            let acl = Acl::canned(canned, owner);
            assert!(acl.allows(Some(owner), Permission::WriteAcl), "{canned:?}");
            assert_eq!(acl.allows(None, Permission::Read), anonymous_reads, "{canned:?}");
            assert_eq!(acl.allows(None, Permission::Write), anonymous_writes, "{canned:?}");
            assert_eq!(acl.allows(Some(other), Permission::Read), stranger_reads, "{canned:?}");
            let public = [None, Some(other)].iter().any(|account| acl.allows(*account, Permission::Read));
            assert_eq!(acl.is_public(), public, "{canned:?}");
            let named = acl.without_public();
            assert!(!named.is_public() && named.allows(Some(owner), Permission::Read), "{canned:?}");
            assert_eq!(named == acl, !public, "{canned:?}");
            let delivered = matches!(canned, CannedAcl::PublicReadDelivered | CannedAcl::PublicReadWriteDelivered);
            assert_eq!(acl.delivers(None, Permission::Read), delivered, "{canned:?}");
            assert!(!acl.allows(None, Permission::ReadAcl), "{canned:?}");
        }
        assert_eq!(Acl::canned(CannedAcl::Inherit, owner), Acl::Inherited);
    }

    #[test]
    fn the_lists_that_everyone_knows_are_told_by_their_names() {
        for canned in [CannedAcl::Private, CannedAcl::PublicRead, CannedAcl::PublicReadWrite, CannedAcl::Inherit] {
            assert_eq!(Acl::canned(canned, account(1)).closest(), canned);
        }
    }
}
