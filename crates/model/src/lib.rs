//! What can be asked of Strongroom and what can be answered: names, operations, outcomes, failures.
//!
//! Nothing here knows HTTP, databases, clocks or dialects. An [`operation::Operation`] is parsed once, by `wire`, and
//! believed by nobody until `iam` has granted it; an [`outcome::Outcome`] is plain data that any dialect can spell.

pub mod account;
pub mod acl;
pub mod action;
pub mod checksum;
pub mod circumstance;
pub mod condition;
pub mod cors;
pub mod encryption;
pub mod etag;
pub mod failure;
pub mod grant;
pub mod inventory;
pub mod key;
pub mod lifecycle;
pub mod lock;
pub mod metadata;
pub mod name;
pub mod operation;
pub mod outcome;
pub mod policy;
pub mod public_access;
pub mod range;
pub mod secret;
pub mod setting;
pub mod tag;
pub mod time;
