//! The only place that starts tasks.

use std::future::Future;

use tokio::task::JoinHandle;

/// Runs `future` beside the caller, to its end.
pub(crate) fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(future)
}
