//! The only place that asks the operating system for randomness. Everything below is handed it.

use strongroom_model::name::RequestId;

/// Why the system gave no randomness.
pub(crate) type EntropyError = getrandom::Error;

/// Fills `buffer` from the operating system's generator.
///
/// # Errors
/// The system has none, which no later call would mend.
pub(crate) fn fill(buffer: &mut [u8]) -> Result<(), EntropyError> {
    getrandom::fill(buffer)
}

/// An id for a request: random, so that it says nothing of the server's load.
///
/// # Errors
/// As [`fill`].
pub(crate) fn request_id() -> Result<RequestId, EntropyError> {
    let mut bytes = [0; 16];
    fill(&mut bytes)?;
    Ok(RequestId(bytes))
}
