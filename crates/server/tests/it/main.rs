//! The binary as a whole: started, used, abused, killed.

mod administer;
mod bad_input;
mod client;
mod crash;
mod process;
mod slow;
mod start;
mod tls;
