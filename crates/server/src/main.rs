//! A process: listen, wire things up, show.

mod clock;
mod config;
mod entropy;
mod files;
mod task;

fn main() {}
