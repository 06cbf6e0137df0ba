//! Rules of the whole code base that a compiler does not know: `tidy`; and that secrets do not show themselves.

mod secrets;
mod tidy;
