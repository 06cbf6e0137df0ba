//! Inventories as far as requests go: putting, reading, listing and removing them; and writing what a job reports. The job is
//! elsewhere.

use std::sync::Arc;

use async_trait::async_trait;
use strongroom_iam::{Transport, authorize};
use strongroom_model::account::{AccountId, Principal};
use strongroom_model::circumstance::Circumstances;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::inventory::{Inventory, InventoryId};
use strongroom_model::name::BucketName;
use strongroom_model::operation::bucket::ListInventories;
use strongroom_model::operation::object::PutObject;
use strongroom_model::operation::{ObjectOperation, Operation};
use strongroom_model::outcome::bucket::ListedInventories;

use super::{Body, Caller, Engine, Trailer};
use crate::{catalog::inventories::InventoryPut, jobs::Deposit, stream::ByteStream};

impl Engine {
    /// Who writes the reports of inventories: what is written so goes the way of any request, as the account's own.
    pub fn depositor(self: &Arc<Self>) -> Arc<dyn Deposit> {
        Arc::new(Depositor(Arc::clone(self)))
    }

    /// Puts an inventory whose reports can be written as far as can be told now.
    pub(super) async fn put_inventory(
        &self,
        caller: &Caller,
        name: &BucketName,
        inventory: &Inventory,
    ) -> Result<(), Failure> {
        let bucket = self.bucket(caller, name).await?;
        match self.bucket(caller, &inventory.destination.bucket).await {
            Ok(_destination) => {}
            Err(failure) if failure.code == FailureCode::NoSuchBucket => {
                return Err(FailureCode::InvalidInventoryDestination.into());
            }
            Err(failure) => return Err(failure),
        }
        match self.catalog.put_inventory(&bucket, inventory, self.now(), Inventory::COUNT_MAX).await? {
            InventoryPut::Done => Ok(()),
            InventoryPut::TooMany => Err(FailureCode::TooManyInventories.into()),
            InventoryPut::BucketGone => Err(FailureCode::NoSuchBucket.into()),
        }
    }

    /// Reads an inventory.
    pub(super) async fn inventory(
        &self,
        caller: &Caller,
        name: &BucketName,
        id: &InventoryId,
    ) -> Result<Inventory, Failure> {
        let bucket = self.bucket(caller, name).await?;
        let found = self.catalog.inventories(bucket.id).await?.into_iter().find(|it| it.inventory.id == *id);
        Ok(found.ok_or(FailureCode::NoInventory)?.inventory)
    }

    /// Removes an inventory.
    pub(super) async fn delete_inventory(
        &self,
        caller: &Caller,
        name: &BucketName,
        id: &InventoryId,
    ) -> Result<(), Failure> {
        let bucket = self.bucket(caller, name).await?;
        match self.catalog.delete_inventory(bucket.id, id).await? {
            true => Ok(()),
            false => Err(FailureCode::NoInventory.into()),
        }
    }

    /// A page of a bucket's inventories.
    pub(super) async fn list_inventories(
        &self,
        caller: &Caller,
        list: ListInventories,
    ) -> Result<ListedInventories, Failure> {
        let bucket = self.bucket(caller, &list.bucket).await?;
        let all = self.catalog.inventories(bucket.id).await?.into_iter().map(|standing| standing.inventory);
        let behind = |inventory: &Inventory| list.after.as_deref().is_none_or(|after| inventory.id.as_str() > after);
        let mut rest = all.filter(behind);
        let inventories: Vec<_> = rest.by_ref().take(Inventory::PAGE).collect();
        let more = rest.next().is_some();
        let next = inventories.last().filter(|_| more).map(|last| last.id.clone());
        Ok(ListedInventories { inventories, after: list.after, next })
    }
}

struct Depositor(Arc<Engine>);

#[async_trait]
impl Deposit for Depositor {
    async fn deposit(&self, account: AccountId, put: PutObject, bytes: ByteStream) -> Result<(), Failure> {
        let engine = &self.0;
        let operation = Operation::Object(ObjectOperation::Put(put));
        let (requester, circumstances) = (Principal::Root(account).into(), Circumstances::inside(engine.now()));
        let case = engine.case(requester, &operation, circumstances, Transport::TRUSTED).await?;
        let granted = authorize(operation, case)?;
        engine.run(granted, Some(Body { bytes, trailer: Trailer::default(), declared: None })).await.map(drop)
    }
}
