//! May this principal do this operation?
//!
//! [`authorize()`] is a pure function: the facts it needs are handed in as a [`Case`], and only it can make a
//! [`Granted`], which is what the engine runs. An operation can therefore not run unauthorized.
//!
//! Policies come in three languages and are understood into one form ([`Policy`]). What is known only when the operation
//! runs, an object's own list and the master key it is under, is asked of the [`Rights`] that a [`Granted`] carries.

mod acl;
mod authorize;
mod case;
mod decision;
mod facts;
mod granted;
mod keys;
mod language;
mod policy;
mod simulate;

pub use authorize::{Denied, authorize};
pub use case::{BucketCase, Case, NamedPolicy, Requester, Session, Subject, Transport};
pub use decision::{Decision, Permission, PolicyPlace, Reason, Statement};
pub use granted::{Granted, Rights, Verdict};
pub use keys::KeyCase;
pub use language::{Attached, InvalidPolicy, guess_language, read_action, read_bucket_policy};
pub use policy::Policy;
pub use simulate::{ImaginedEncryption, simulate};
