//! What is done apart from requests, from time to time.

mod reaper;

pub use reaper::{Reaper, ReaperReport};
