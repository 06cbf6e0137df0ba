//! Which operation a request is: by method, level, sub-resource and header, in tables.

pub(crate) mod obs;
pub(crate) mod oss;
pub(crate) mod s3;
pub(crate) mod shared;

use http::Method;
use strongroom_model::failure::{Failure, FailureCode};

use crate::dialect::Dialect;
use crate::intent::Asked;
use crate::request::Request;
use crate::target::Level;

/// One operation of a dialect and the requests that ask for it. The first row that matches counts.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// The request's method.
    pub verb: Verb,
    /// What its host and path name.
    pub level: Level,
    /// What else it has.
    pub when: When,
    /// The operation's name in the vendors' catalogues.
    pub name: &'static str,
    /// How it is read.
    pub decode: Decode,
}

/// The methods that any operation has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are those of HTTP")]
pub enum Verb {
    Get,
    Head,
    Put,
    Post,
    Delete,
    Options,
}

/// What a request has besides its method and its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Nothing that any row of the dialect calls a sub-resource.
    Plain,
    /// Whatever it has.
    Anything,
    /// A query parameter, with or without a value.
    Query(&'static str),
    /// A query parameter of that value.
    QueryIs(&'static str, &'static str),
    /// Two query parameters.
    Queries(&'static str, &'static str),
    /// A header of that name after the dialect's prefix.
    Header(&'static str),
    /// Two query parameters and a header of that name after the dialect's prefix.
    QueriesAndHeader(&'static str, &'static str, &'static str),
}

/// How an operation is read.
#[derive(Debug, Clone, Copy)]
pub enum Decode {
    /// By this function.
    Built(fn(&Request<'_>) -> Result<Asked, Failure>),
    /// Recognised, and answered 501.
    NotBuilt,
}

impl Route {
    /// An operation that works.
    pub const fn built(
        verb: Verb,
        level: Level,
        when: When,
        name: &'static str,
        decode: fn(&Request<'_>) -> Result<Asked, Failure>,
    ) -> Self {
        Self { verb, level, when, name, decode: Decode::Built(decode) }
    }

    /// An operation that is answered 501.
    pub const fn not_built(verb: Verb, level: Level, when: When, name: &'static str) -> Self {
        Self { verb, level, when, name, decode: Decode::NotBuilt }
    }

    /// Whether the operation works.
    pub fn is_built(&self) -> bool {
        matches!(self.decode, Decode::Built(_))
    }

    fn matches(&self, request: &Request<'_>) -> bool {
        self.verb.method() == *request.method() && self.level == request.target().level() && self.when.holds(request)
    }
}

impl Verb {
    fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Head => Method::HEAD,
            Self::Put => Method::PUT,
            Self::Post => Method::POST,
            Self::Delete => Method::DELETE,
            Self::Options => Method::OPTIONS,
        }
    }
}

impl When {
    fn holds(self, request: &Request<'_>) -> bool {
        let query = request.query();
        match self {
            Self::Plain => !query.names().any(|name| is_subresource(request.dialect(), name)),
            Self::Anything => true,
            Self::Query(name) => query.has(name),
            Self::QueryIs(name, value) => query.value(name) == Some(value),
            Self::Queries(first, second) => query.has(first) && query.has(second),
            Self::Header(suffix) => request.has_field(suffix),
            Self::QueriesAndHeader(first, second, suffix) => {
                query.has(first) && query.has(second) && request.has_field(suffix)
            }
        }
    }

    /// The query parameter that makes this row another operation than the plain one.
    fn subresource(self) -> Option<&'static str> {
        match self {
            Self::Query(name) | Self::Queries(name, _) | Self::QueriesAndHeader(name, _, _) => Some(name),
            Self::Plain | Self::Anything | Self::QueryIs(_, _) | Self::Header(_) => None,
        }
    }
}

/// Every row of a dialect, its own before the shared ones.
pub fn rows(dialect: &Dialect) -> impl Iterator<Item = &'static Route> + use<> {
    dialect.routes.iter().copied().flatten().chain(shared::ROWS)
}

/// Finds the request's row and reads the operation.
///
/// # Errors
/// `MethodNotAllowed` if no row matches, `NotImplemented` if its operation is not built, else what reading it gives.
pub(crate) fn read(request: &Request<'_>) -> Result<Asked, Failure> {
    let row = rows(request.dialect()).find(|row| row.matches(request)).ok_or_else(|| not_allowed(request))?;
    match row.decode {
        Decode::Built(decode) => decode(request),
        Decode::NotBuilt => Err(Failure::new(FailureCode::NotImplemented).caused_by(row.name)),
    }
}

/// No row has this method: RFC 9110 §15.5.6 wants the others told.
fn not_allowed(request: &Request<'_>) -> Failure {
    let here = rows(request.dialect()).filter(|row| row.level == request.target().level() && row.when.holds(request));
    let mut verbs: Vec<_> = here.map(|row| row.verb).collect();
    verbs.sort_unstable();
    verbs.dedup();
    let names: Vec<_> = verbs.iter().map(|verb| verb.method().to_string()).collect();
    Failure::new(FailureCode::MethodNotAllowed)
        .with_detail("Method", request.method().as_str())
        .with_detail("Allow", names.join(", "))
}

/// Whether `name` makes a request another operation than the plain one of its method and level, so that it must not be
/// taken for that.
fn is_subresource(dialect: &'static Dialect, name: &str) -> bool {
    rows(dialect).any(|row| row.when.subresource() == Some(name))
}
