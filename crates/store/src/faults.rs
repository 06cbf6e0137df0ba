//! Trouble on order: the backends' `faults` wrappers ask this plan, at every call, whether it is to go wrong.
//!
//! One plan may stand behind several backends, so that "the n-th call" counts them all, and a crash stops them all.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// What happens at the chosen call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It fails and has had no effect.
    Refused,
    /// It takes effect, and yet fails: the answer is lost.
    AnswerLost,
    /// It happens, but only after so long.
    Delayed(Duration),
    /// The process dies before it: this call and all later ones fail without effect.
    StoppedBefore,
    /// The process dies after it took effect: it fails, and all later ones fail without effect.
    StoppedAfter,
}

/// A plan, and the count of calls so far.
#[derive(Debug, Default)]
pub struct Faults {
    calls: AtomicU64,
    plan: Option<(u64, Fault)>,
}

impl Faults {
    /// Nothing goes wrong; calls are counted, to learn how many there are to spoil.
    pub fn none() -> Self {
        Self::default()
    }

    /// The call with this number, the first being 1, goes wrong.
    pub fn at(call: u64, fault: Fault) -> Self {
        Self { calls: AtomicU64::new(0), plan: Some((call, fault)) }
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// Whether the process has died: no later call takes effect.
    pub fn has_stopped(&self) -> bool {
        match self.plan {
            Some((at, Fault::StoppedBefore | Fault::StoppedAfter)) => self.calls() >= at,
            _ => false,
        }
    }

    /// Makes one call, as planned.
    pub(crate) async fn around<T, E>(
        &self,
        call: impl Future<Output = Result<T, E>>,
        injected: impl FnOnce() -> E,
    ) -> Result<T, E> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        match self.plan {
            Some((at, Fault::Refused | Fault::StoppedBefore)) if number == at => Err(injected()),
            Some((at, Fault::AnswerLost | Fault::StoppedAfter)) if number == at => {
                call.await?;
                Err(injected())
            }
            Some((at, Fault::Delayed(delay))) if number == at => {
                tokio::time::sleep(delay).await;
                call.await
            }
            Some((at, Fault::StoppedBefore | Fault::StoppedAfter)) if number > at => Err(injected()),
            _ => call.await,
        }
    }
}
