//! The engine through its public face.

mod amending;
mod appending;
mod backing_up;
mod bench;
mod buckets;
mod budget;
mod copying;
mod crash;
mod disk;
mod faults;
mod flips;
mod identities;
mod keys;
mod lifecycle;
mod public_access;
mod quotas;
mod races;
mod reaping;
mod round_trip;
mod scrub;
mod sequences;
mod symlinks;
mod uploads;
mod version_races;
mod versions;
mod writing;
