//! Load any endpoint of any dialect, every encryption mode, and print ratios.

fn main() {}
