//! Laws and the matrix of authorization.

mod matrix;
