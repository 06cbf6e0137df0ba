//! The calls that suites and tests make of every key service, in the words of [`Kms::operate`], as the root of an account.

use strongroom_model::account::{AccountId, Principal};
use strongroom_model::key::{KeyDescription, KeyReference};
use strongroom_model::operation::KeyOperation;
use strongroom_model::operation::key::{AliasBefore, CreateKey, ListKeys, Switch};
use strongroom_model::outcome::KeyOutcome;

use super::{Kms, KmsError};

impl dyn Kms {
    /// Makes a key.
    ///
    /// # Errors
    /// As [`Kms::operate`], here and below.
    pub async fn create(&self, account: AccountId, asked: &CreateKey) -> Result<KeyDescription, KmsError> {
        self.described(account, KeyOperation::Create(asked.clone())).await
    }

    /// What is known of a key.
    pub async fn describe(&self, account: AccountId, key: &KeyReference) -> Result<KeyDescription, KmsError> {
        self.described(account, KeyOperation::Describe(key.clone())).await
    }

    /// The account's keys.
    pub async fn list(&self, account: AccountId) -> Result<Vec<KeyDescription>, KmsError> {
        match self.operate(&Principal::Root(account), KeyOperation::List(ListKeys::default())).await? {
            KeyOutcome::Keys(listed) => Ok(listed.entries),
            other => Err(unexpected(&other)),
        }
    }

    /// Lets a key seal and open.
    pub async fn enable(&self, account: AccountId, key: &KeyReference) -> Result<KeyDescription, KmsError> {
        self.described(account, KeyOperation::Enable(Switch::repeatable(key.clone()))).await
    }

    /// Stops a key from sealing and opening.
    pub async fn disable(&self, account: AccountId, key: &KeyReference) -> Result<KeyDescription, KmsError> {
        self.described(account, KeyOperation::Disable(Switch::repeatable(key.clone()))).await
    }

    /// Plans a key's destruction.
    pub async fn schedule_deletion(
        &self,
        account: AccountId,
        key: &KeyReference,
        days: u32,
    ) -> Result<KeyDescription, KmsError> {
        self.described(account, KeyOperation::ScheduleDeletion { key: key.clone(), days }).await
    }

    /// Calls off a key's destruction.
    pub async fn cancel_deletion(&self, account: AccountId, key: &KeyReference) -> Result<KeyDescription, KmsError> {
        self.described(account, KeyOperation::CancelDeletion(key.clone())).await
    }

    /// Points an alias at a key.
    pub async fn set_alias(
        &self,
        account: AccountId,
        alias: &str,
        key: &KeyReference,
    ) -> Result<KeyDescription, KmsError> {
        let point = KeyOperation::PointAlias { alias: alias.to_owned(), key: key.clone(), before: AliasBefore::Any };
        self.described(account, point).await
    }

    /// Removes an alias.
    pub async fn remove_alias(&self, account: AccountId, alias: &str) -> Result<(), KmsError> {
        self.operate(&Principal::Root(account), KeyOperation::RemoveAlias(alias.to_owned())).await.map(drop)
    }

    /// Makes a new version of a key.
    pub async fn rotate(&self, account: AccountId, key: &KeyReference) -> Result<KeyDescription, KmsError> {
        self.described(account, KeyOperation::Rotate { key: key.clone(), demands_max: None }).await
    }

    async fn described(&self, account: AccountId, operation: KeyOperation) -> Result<KeyDescription, KmsError> {
        match self.operate(&Principal::Root(account), operation).await? {
            KeyOutcome::Key(key) => Ok(key),
            other => Err(unexpected(&other)),
        }
    }
}

fn unexpected(outcome: &KeyOutcome) -> KmsError {
    KmsError::Damaged(format!("another answer was due than {outcome:?}").into())
}
