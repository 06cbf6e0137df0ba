//! The engine through its public face.

mod bench;
mod budget;
mod disk;
mod keys;
mod round_trip;
