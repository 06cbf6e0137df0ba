//! Backups of the whole store, which are the business of the account that it was made for.

use std::sync::Arc;

use strongroom_model::failure::Failure;
use strongroom_model::operation::admin::Backup;
use strongroom_model::outcome::{AdminOutcome, Outcome};

use super::{Caller, Engine, Reply};
use crate::backup::{self, Parts};

/// A minute, in the milliseconds that times are counted in.
const MINUTE_MS: i64 = 60_000;

impl Engine {
    /// Takes a backup: its bytes are the reply's body.
    pub(super) async fn back_up(&self, caller: &Caller, asked: Backup) -> Result<Reply, Failure> {
        self.hold_first(caller.account()?)?;
        let parts = Parts {
            catalog: Arc::clone(&self.catalog),
            blobs: Arc::clone(&self.blobs),
            kms: Arc::clone(&self.kms),
            clock: Arc::clone(&self.clock),
            entropy: self.entropy.clone(),
            with_blobs: asked.with_blobs,
            keep_ms: i64::from(asked.keep_minutes) * MINUTE_MS,
        };
        let (facts, bytes) = backup::begin(parts).await?;
        Ok(Reply { outcome: Outcome::Admin(AdminOutcome::Backup(facts)), body: Some(bytes) })
    }
}
