//! Who: accounts, users, principals.

/// An account: one number, with a spelling or two for each vendor's clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(u64);

impl AccountId {
    /// The greatest account number: AWS spells it with twelve digits.
    pub const NUMBER_MAX: u64 = 999_999_999_999;

    /// The account of that number, if it has at most twelve digits.
    pub fn new(number: u64) -> Option<Self> {
        (number <= Self::NUMBER_MAX).then_some(Self(number))
    }

    /// The account's number.
    pub fn number(self) -> u64 {
        self.0
    }

    /// As AWS spells it: twelve decimal digits.
    pub fn aws(self) -> String {
        format!("{:012}", self.0)
    }

    /// As Huawei spells a domain: thirty-two hex digits.
    pub fn obs_domain(self) -> String {
        format!("{:032x}", self.0)
    }

    /// What its default project is called, among the projects that its keys can be made in: as its domain.
    pub fn default_project(self) -> String {
        self.obs_domain()
    }

    /// As Alibaba spells a UID: sixteen decimal digits.
    pub fn oss_uid(self) -> String {
        format!("1{:015}", self.0)
    }

    /// As S3 spells an owner: sixty-four hex digits.
    pub fn canonical_user(self) -> String {
        format!("{:064x}", self.0)
    }

    /// The account that `text` names in any of the spellings.
    pub fn parse(text: &str) -> Option<Self> {
        let decimal = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
        match text.len() {
            12 => decimal(text).and_then(Self::new),
            16 => text.strip_prefix('1').and_then(decimal).and_then(Self::new),
            32 | 64 => u64::from_str_radix(text, 16).ok().and_then(Self::new),
            _ => None,
        }
    }
}

/// A user's name inside its account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(String);

impl UserName {
    /// Greatest length, as AWS IAM states it.
    pub const LENGTH_MAX: usize = 64;

    /// Checks that `text` is 1 to 64 of `A-Z a-z 0-9 + = , . @ - _`.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn parse(text: &str) -> Result<Self, crate::name::InvalidName> {
        use crate::name::InvalidName;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@-_".contains(&byte);
        match text.len() {
            0 => Err(InvalidName::TooShort),
            1..=Self::LENGTH_MAX if text.bytes().all(allowed) => Ok(Self(text.to_owned())),
            1..=Self::LENGTH_MAX => Err(InvalidName::Malformed),
            _ => Err(InvalidName::TooLong),
        }
    }

    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// Nobody has signed the request.
    Anonymous,
    /// The account itself.
    Root(AccountId),
    /// A user of the account.
    User(AccountId, UserName),
}

impl Principal {
    /// The account the principal belongs to.
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Self::Anonymous => None,
            Self::Root(account) | Self::User(account, _) => Some(*account),
        }
    }

    /// Who is named by `text`, as any of the vendors spells principals; a bare name is that of a user of `home`. None if it
    /// is nobody who could be here.
    pub fn parse(text: &str, home: AccountId) -> Option<Self> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let (account, end) = match parts.as_slice() {
            ["arn", _, "iam", "", account, end] | ["acs", "ram", "", account, end] => (*account, *end),
            [account, end] => (account.strip_prefix("domain/").unwrap_or(account), *end),
            [single] => {
                let user = || UserName::parse(single).ok().map(|name| Self::User(home, name));
                return AccountId::parse(single).map(Self::Root).or_else(user);
            }
            _ => return None,
        };
        let account = AccountId::parse(account)?;
        match end.split_once('/') {
            None if end == "root" => Some(Self::Root(account)),
            // Names may stand behind paths, which there are none of here.
            Some(("user", path)) => {
                let name = path.rsplit('/').next().unwrap_or_default();
                UserName::parse(name).ok().map(|name| Self::User(account, name))
            }
            _ => None,
        }
    }
}

impl std::fmt::Display for Principal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::Root(account) => write!(f, "{}:root", account.aws()),
            Self::User(account, user) => write!(f, "{}:user/{}", account.aws(), user.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_each_of_its_spellings() {
        let account = AccountId::new(123_456_789_012).expect("twelve digits");
        assert_eq!(account.aws(), "123456789012");
        for spelling in [account.aws(), account.obs_domain(), account.oss_uid(), account.canonical_user()] {
            assert_eq!(AccountId::parse(&spelling), Some(account), "{spelling}");
        }
        for not_one in ["", "12345678901x", "1", "ffffffffffffffffffffffffffffffff"] {
            assert_eq!(AccountId::parse(not_one), None, "{not_one}");
        }
    }

    #[test]
    fn a_principal_is_found_by_each_of_its_spellings() {
        let account = AccountId::new(123_456_789_012).expect("twelve digits");
        let (uid, domain) = (account.oss_uid(), account.obs_domain());
        let ann = Principal::User(account, UserName::parse("ann").expect("a valid name"));
        for (text, expected) in [
            ("arn:aws:iam::123456789012:root".to_owned(), Some(&Principal::Root(account))),
            ("arn:aws:iam::123456789012:user/ann".to_owned(), Some(&ann)),
            ("arn:aws:iam::123456789012:user/team/ann".to_owned(), Some(&ann)),
            (format!("acs:ram::{uid}:user/ann"), Some(&ann)),
            (format!("domain/{domain}:user/ann"), Some(&ann)),
            (domain, Some(&Principal::Root(account))),
            ("123456789012".to_owned(), Some(&Principal::Root(account))),
            ("ann".to_owned(), Some(&ann)),
            (ann.to_string(), Some(&ann)),
            (Principal::Root(account).to_string(), Some(&Principal::Root(account))),
            ("arn:aws:iam::123456789012:role/ann".to_owned(), None),
            ("arn:aws:iam::12:user/ann".to_owned(), None),
            ("a b".to_owned(), None),
            ("".to_owned(), None),
        ] {
            assert_eq!(Principal::parse(&text, account).as_ref(), expected, "{text}");
        }
    }
}
