//! What is done apart from requests, from time to time.

mod reaper;
mod scrub;

pub use reaper::{Reaper, ReaperReport};
pub use scrub::{Schedule, Scrub};
