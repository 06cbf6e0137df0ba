//! What is done apart from requests, from time to time.

pub(crate) mod reaper;
mod scrub;

pub use reaper::{Reaper, ReaperReport};
pub use scrub::{Schedule, Scrub};
