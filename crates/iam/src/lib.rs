//! May this principal do this operation.
