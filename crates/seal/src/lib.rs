//! Bytes in, bytes out, nobody can tamper: the sealed format and key wrapping.
