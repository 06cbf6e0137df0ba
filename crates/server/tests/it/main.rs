//! The binary as a whole: started, used, abused, killed.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking, and says what it did")]

mod administer;
mod backup;
mod bad_input;
mod client;
mod crash;
mod crash_versions;
mod every;
mod history;
mod key_faces;
mod late;
mod process;
mod recover;
mod scrub;
mod slow;
mod start;
mod tls;
mod unauthorized;
mod without_key;
