//! Rules of the whole code base that a compiler does not know: `tidy`.

mod tidy;
