//! The facts that a condition may test, under one name for all languages.

use std::cell::OnceCell;
use std::collections::BTreeMap;

/// What a condition key names. Languages spell it in ways of their own; see `language`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fact {
    /// When the request arrived, in ISO 8601.
    CurrentTime,
    /// The same in seconds since 1970.
    EpochTime,
    /// Whether the connection is TLS.
    SecureTransport,
    /// The peer's address.
    SourceAddress,
    /// `User-Agent`.
    UserAgent,
    /// `Referer`.
    Referer,
    /// The name of the user who asks.
    UserName,
    /// The principal in one text.
    PrincipalName,
    /// The account of who asks, in each of its spellings.
    PrincipalAccount,
    /// `Account`, `User` or `Anonymous`.
    PrincipalType,
    /// The access key that signed.
    AccessKey,
    /// When the temporary access key that signed was issued.
    TokenIssueTime,
    /// The account that owns the bucket.
    ResourceAccount,
    /// The canned list that a request gives to a bucket or an object.
    Acl,
    /// The canned list that a request gives to a bucket.
    BucketAcl,
    /// The canned list that a request gives to an object.
    ObjectAcl,
    /// The source of a copy: `/bucket/key`.
    CopySource,
    /// Whether a copy keeps its source's metadata.
    MetadataDirective,
    /// The storage class asked for.
    StorageClass,
    /// The location asked for a bucket.
    Location,
    /// The prefix of a listing.
    Prefix,
    /// The delimiter of a listing.
    Delimiter,
    /// The length of a listing.
    MaxKeys,
    /// The version named.
    VersionId,
    /// The encryption method asked for.
    Encryption,
    /// The master key asked for.
    EncryptionKey,
    /// The algorithm of a customer's key.
    CustomerAlgorithm,
    /// The scheme of the signature.
    SignatureVersion,
    /// `REST-HEADER`, `REST-QUERY-STRING` for a signed URL, `POST` for a form.
    AuthType,
    /// The signed digest of the body.
    ContentSha256,
    /// A tag that the request gives to an object.
    RequestTag(String),
    /// The names of those tags.
    RequestTagNames,
    /// The mode of the retention that a request gives to an object.
    LockMode,
    /// The end of that retention, in ISO 8601.
    LockUntil,
    /// Whole days until then.
    LockDays,
    /// `ON` or `OFF`: the legal hold that a request gives to an object.
    LegalHold,
    /// One value of the encryption context of a use of a key.
    EncryptionContext(String),
    /// The names in that context.
    EncryptionContextNames,
    /// The service that uses a key for somebody.
    ViaService,
    /// A fact that no request here ever has: networks and devices that this server cannot see.
    NeverKnown,
}

impl Fact {
    /// Whether it is about the encryption that a write asks for.
    pub(crate) fn is_encryption(&self) -> bool {
        matches!(self, Self::Encryption | Self::EncryptionKey | Self::CustomerAlgorithm)
    }
}

/// One value of a fact: equivalent spellings, of which a condition may write any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value(Vec<String>);

impl Value {
    /// A value with one spelling.
    pub(crate) fn one(text: impl Into<String>) -> Self {
        Self(vec![text.into()])
    }

    /// A value with several spellings; the first is shown where a variable stands for it.
    pub(crate) fn spelled(spellings: Vec<String>) -> Self {
        Self(spellings)
    }

    /// Its spellings.
    pub(crate) fn spellings(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// What is known of one case. What is not in it is not known of the request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    facts: BTreeMap<Fact, Vec<Value>>,
    /// Whether the encryption of what is written was asked for, and judged, in a request before this one.
    pub(crate) encryption_was_judged: bool,
}

impl Known {
    /// Adds a fact.
    pub(crate) fn insert(&mut self, fact: Fact, value: Value) {
        self.facts.entry(fact).or_default().push(value);
    }

    /// Adds a fact if there is one.
    pub(crate) fn insert_text(&mut self, fact: Fact, text: Option<impl Into<String>>) {
        if let Some(text) = text {
            self.insert(fact, Value::one(text));
        }
    }
}

/// The facts of one case, gathered when a condition or a variable first asks for one: most policies have neither.
pub(crate) struct Facts<'a> {
    gather: &'a dyn Fn() -> Known,
    gathered: OnceCell<Known>,
}

/// Nothing is known.
impl Default for Facts<'_> {
    fn default() -> Self {
        Self::new(&Known::default)
    }
}

impl<'a> Facts<'a> {
    /// The facts that `gather` will find.
    pub(crate) fn new(gather: &'a dyn Fn() -> Known) -> Self {
        Self { gather, gathered: OnceCell::new() }
    }

    /// The values of a fact; none if it is not known.
    pub(crate) fn get(&self, fact: &Fact) -> &[Value] {
        self.known().facts.get(fact).map_or(&[], Vec::as_slice)
    }

    /// What a variable stands for, if the fact is known and has one value.
    pub(crate) fn text(&self, fact: &Fact) -> Option<&str> {
        match self.get(fact) {
            [value] => value.spellings().next(),
            _ => None,
        }
    }

    /// [`Known::encryption_was_judged`].
    pub(crate) fn encryption_was_judged(&self) -> bool {
        self.known().encryption_was_judged
    }

    fn known(&self) -> &Known {
        self.gathered.get_or_init(self.gather)
    }
}
