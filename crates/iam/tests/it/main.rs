//! Laws, languages, examples and the matrix of authorization.

mod cases;
mod deciding;
mod documented;
mod fuzzed;
mod keys;
mod laws;
mod matrix;
mod operations;
