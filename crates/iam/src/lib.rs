//! May this principal do this operation?
//!
//! [`authorize()`] is a pure function: the facts it needs are handed in as a [`Case`], and only it can make a
//! [`Granted`], which is what the engine runs. An operation can therefore not run unauthorized.
//!
//! Policies are not built yet: for now a principal has the rights of its account on everything the account owns, and
//! the anonymous principal has none but the OBS clients' probe.

mod authorize;
mod case;
mod granted;

pub use authorize::{Denied, authorize};
pub use case::{Case, Transport};
pub use granted::{Granted, Verdict};
