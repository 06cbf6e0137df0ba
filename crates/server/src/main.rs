//! A process: listen, wire things up, show.

fn main() {}
