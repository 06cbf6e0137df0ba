//! The sealed format from outside: hostile vectors opened by two implementations, and properties.

#![allow(clippy::unwrap_used, reason = "test helpers are tests")]

mod fuzzed;
mod generate;
mod independent;
mod properties;
mod vector;
mod vectors;
