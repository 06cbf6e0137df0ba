//! The engine: everything that a client can ask for is done here, and nowhere else is what a client can name read or
//! changed. One file for each verb.

mod acts;
mod admin;
mod amend;
mod append;
mod authority;
mod backup;
mod buckets;
mod copy;
mod copy_in_place;
mod cors;
mod customer;
mod delete;
mod digests;
mod draft;
mod encryption;
mod get;
mod head;
mod identities;
mod inventory;
mod keys;
mod lifecycle;
mod list;
mod locks;
mod object_settings;
mod precondition;
mod public_access;
mod put;
mod reading;
mod sealing;
mod settings;
mod symlink;
mod upload;
mod usage;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use strongroom_iam::{Granted, Requester, Rights, Transport, Verdict};
use strongroom_model::account::AccountId;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::{AccessKeyId, BucketName, Region};
use strongroom_model::operation::bucket::WormOperation;
use strongroom_model::operation::{
    AdminOperation, BucketOperation, ObjectOperation, Operation, ServiceOperation, UploadOperation,
};
use strongroom_model::outcome::{ObjectOutcome, Outcome};
use strongroom_model::secret::SecretKey;
use strongroom_model::time::Timestamp;
use tokio::sync::Semaphore;

use crate::{
    audit::Trail,
    blobs::Blobs,
    catalog::{Catalog, blobs::RunId, buckets::Bucket, tokens::Token},
    jobs::{InventoryJob, LifecycleJob, Scrub},
    key_user::KeyUser,
    kms::{self, BucketKeys, Kms},
    leases::Leases,
    metrics::{Counters, Metrics},
    stream::ByteStream,
    surroundings::{Clock, Entropy},
};

use acts::Act;
use authority::Understood;

pub use encryption::ServerDefault;
pub use sealing::Trailer;

/// Changes under way at once. Beyond, a client is told to slow down: each may hold a few chunks in memory.
const CHANGES_MAX: usize = 4096;

/// The body of a request: plaintext, its framing and signatures verified as it comes.
pub struct Body {
    /// The bytes. An error that holds a [`Failure`] is answered as that failure.
    pub bytes: ByteStream,
    /// Checksums that arrive behind the bytes.
    pub trailer: Trailer,
    /// How many bytes they are, if that is known ahead of them.
    pub declared: Option<u64>,
}

/// What is answered.
pub struct Reply {
    /// The answer.
    pub outcome: Outcome,
    /// The bytes of an object. An error in them means that the connection is to be cut.
    pub body: Option<ByteStream>,
}

impl From<Outcome> for Reply {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, body: None }
    }
}

/// An access key that exists.
pub struct Credential {
    /// Who asks with it.
    pub requester: Requester,
    /// Its secret half, for checking signatures.
    pub secret: Arc<SecretKey>,
}

/// A catalog, a blob store and a key service, put to work.
pub struct Engine {
    catalog: Arc<Catalog>,
    blobs: Arc<dyn Blobs>,
    kms: Arc<dyn Kms>,
    bucket_keys: Arc<BucketKeys>,
    trail: Arc<Trail>,
    kms_metrics: Arc<kms::Metrics>,
    clock: Clock,
    entropy: Entropy,
    region: Region,
    encryption_default: ServerDefault,
    run: RunId,
    changes: Arc<Semaphore>,
    closing: AtomicBool,
    counters: Counters,
    scrub: Arc<Scrub>,
    lifecycle: Arc<LifecycleJob>,
    inventory: Arc<InventoryJob>,
    leases: Leases,
    policies: Understood,
    first_account: AccountId,
    quotas: usage::Quotas,
}

/// Who asks, and what authorization has found out about it.
struct Caller {
    rights: Rights,
    keys: KeyUser,
    verdicts: Vec<Verdict>,
    may_list: bool,
    transport: Transport,
}

/// What an engine is made of.
pub(crate) struct Parts {
    /// The rows.
    pub(crate) catalog: Arc<Catalog>,
    /// The blobs.
    pub(crate) blobs: Arc<dyn Blobs>,
    /// The keys.
    pub(crate) kms: kms::Opened,
    /// What tells of their use.
    pub(crate) trail: Arc<Trail>,
    /// What time it is.
    pub(crate) clock: Clock,
    /// Random bytes.
    pub(crate) entropy: Entropy,
    /// Where buckets are that ask for no place.
    pub(crate) region: Region,
    /// How objects are sealed that nobody says anything about.
    pub(crate) encryption_default: ServerDefault,
    /// This process, to the reaper.
    pub(crate) run: RunId,
    /// Shared with the reaper.
    pub(crate) counters: Counters,
    /// The account that the data folder was made for.
    pub(crate) first_account: AccountId,
    /// Looks at everything.
    pub(crate) scrub: Arc<Scrub>,
    /// Follows the lifecycle rules.
    pub(crate) lifecycle: Arc<LifecycleJob>,
    /// Writes the reports of inventories.
    pub(crate) inventory: Arc<InventoryJob>,
    /// Shared with the reaper.
    pub(crate) leases: Leases,
}

impl Engine {
    /// Puts the parts to work.
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            catalog: parts.catalog,
            blobs: parts.blobs,
            kms: parts.kms.kms,
            bucket_keys: parts.kms.bucket_keys,
            trail: parts.trail,
            kms_metrics: parts.kms.metrics,
            clock: parts.clock,
            entropy: parts.entropy,
            region: parts.region,
            encryption_default: parts.encryption_default,
            run: parts.run,
            changes: Arc::new(Semaphore::new(CHANGES_MAX)),
            closing: AtomicBool::new(false),
            counters: parts.counters,
            quotas: usage::Quotas::default(),
            scrub: parts.scrub,
            lifecycle: parts.lifecycle,
            inventory: parts.inventory,
            leases: parts.leases,
            policies: Understood::default(),
            first_account: parts.first_account,
        }
    }

    /// The access key of that id, if there is one, and is enabled. A temporary one is known by its security token.
    ///
    /// # Errors
    /// `InvalidToken`, `TokenExpired`, the catalog's trouble.
    pub async fn credential(&self, id: &AccessKeyId, token: Option<&str>) -> Result<Option<Credential>, Failure> {
        let access_key = Some(id.clone());
        match (self.catalog.credential(id).await?, token) {
            (Some(holder), None) => {
                let requester = Requester { principal: holder.principal.clone(), access_key, session: None };
                Ok(Some(Credential { requester, secret: Arc::clone(&holder.secret) }))
            }
            (Some(_), Some(_)) => Err(FailureCode::InvalidToken.into()),
            (None, Some(token)) => {
                let Token { principal, secret, issued, policy, .. } = self.token(id, token)?;
                let session = Some(self.session(issued, policy)?);
                let requester = Requester { principal, access_key, session };
                Ok(Some(Credential { requester, secret: Arc::new(secret) }))
            }
            (None, None) => Ok(None),
        }
    }

    /// Does what was granted. A change runs to its end even if the returned future is dropped; reading stops.
    ///
    /// # Errors
    /// What the caller is to be answered.
    pub async fn run(self: &Arc<Self>, granted: Granted, body: Option<Body>) -> Result<Reply, Failure> {
        if !changes_something(granted.operation()) {
            return self.dispatch(granted, body).await;
        }
        if self.closing.load(Ordering::SeqCst) {
            return Err(FailureCode::ServiceUnavailable.into());
        }
        let permit = self.changes.clone().try_acquire_owned();
        let permit = permit.map_err(|full| Failure::new(FailureCode::SlowDown).caused_by(full))?;
        let engine = Arc::clone(self);
        let change = tokio::spawn(async move {
            let reply = engine.dispatch(granted, body).await;
            drop(permit);
            reply
        });
        change.await.map_err(|panicked| Failure::new(FailureCode::Internal).caused_by(panicked))?
    }

    /// Whether requests can be served: the catalog answers.
    ///
    /// # Errors
    /// The catalog's trouble.
    pub async fn readiness(&self) -> Result<(), Failure> {
        Ok(self.catalog.accounts().await.map(drop)?)
    }

    /// What has been counted so far.
    pub fn metrics(&self) -> Metrics {
        let under_way = CHANGES_MAX - self.changes.available_permits();
        let (kms, audit) = (self.kms_metrics.snapshot(), self.trail.metrics());
        self.counters.snapshot(under_way, kms, audit, &self.scrub.report(), &self.lifecycle.report())
    }

    /// Takes no more changes, and waits for those under way.
    pub async fn shutdown(&self) {
        self.closing.store(true, Ordering::SeqCst);
        let all = u32::try_from(CHANGES_MAX).expect("the limit is a small number");
        drop(self.changes.acquire_many(all).await.expect("the semaphore is never closed"));
        self.trail.close().await;
    }

    /// Does it, and has the audit trail tell of it if it is an act.
    async fn dispatch(&self, granted: Granted, body: Option<Body>) -> Result<Reply, Failure> {
        let act = Act::of(granted.operation()).map(|act| (act, granted.rights().clone()));
        // On the heap: what all operations need at their deepest is too much for the stacks that they would all be on.
        let done = Box::pin(self.perform(granted, body));
        match act {
            Some((act, rights)) => Box::pin(self.told(act, &rights, done)).await,
            None => done.await,
        }
    }

    async fn perform(&self, granted: Granted, body: Option<Body>) -> Result<Reply, Failure> {
        let kms = (Arc::clone(&self.kms), Arc::clone(&self.bucket_keys));
        let trail = Arc::clone(&self.trail);
        let caller = Caller {
            keys: KeyUser::caller(kms, trail, granted.rights().clone(), granted.operation().name()),
            rights: granted.rights().clone(),
            verdicts: granted.verdicts().to_vec(),
            may_list: granted.may_list(),
            transport: granted.transport(),
        };
        match granted.into_operation() {
            Operation::Service(ServiceOperation::Probe) => Ok(Outcome::Probed.into()),
            Operation::Service(ServiceOperation::ListBuckets(list)) => {
                Ok(Outcome::Buckets(self.list_buckets(&caller, list).await?).into())
            }
            Operation::Bucket(operation) => self.bucket_operation(&caller, operation).await.map(Reply::from),
            Operation::Object(operation) => self.object_operation(&caller, operation, body).await,
            Operation::Key(operation) => {
                Ok(Outcome::Key(Box::pin(self.key_operation(&caller, operation)).await?).into())
            }
            Operation::Upload(operation) => {
                Ok(Outcome::Upload(self.upload_operation(&caller, operation, body).await?).into())
            }
            Operation::Admin(AdminOperation::Backup(backup)) => self.back_up(&caller, backup).await,
            Operation::Admin(operation) => Ok(Outcome::Admin(self.administer(&caller, operation).await?).into()),
        }
    }

    async fn object_operation(
        &self,
        caller: &Caller,
        operation: ObjectOperation,
        body: Option<Body>,
    ) -> Result<Reply, Failure> {
        let outcome = match operation {
            ObjectOperation::Put(put) => {
                let body = body.ok_or(FailureCode::IncompleteBody)?;
                ObjectOutcome::Put(Box::pin(self.put_object(caller, put, body)).await?)
            }
            ObjectOperation::Append(append) => {
                let body = body.ok_or(FailureCode::IncompleteBody)?;
                ObjectOutcome::Appended(Box::pin(self.append_object(caller, *append, body)).await?)
            }
            ObjectOperation::SealAppend(seal) => self.seal_append(caller, seal).await?,
            ObjectOperation::PutSymlink(put) => ObjectOutcome::Put(self.put_symlink(caller, put).await?),
            ObjectOperation::GetSymlink(target) => ObjectOutcome::Symlink(self.get_symlink(caller, &target).await?),
            ObjectOperation::SetMetadata(set) => ObjectOutcome::MetadataSet(self.set_metadata(caller, set).await?),
            ObjectOperation::UpdateEncryption(update) => {
                let version = Box::pin(self.update_encryption(caller, update)).await?;
                ObjectOutcome::EncryptionUpdated { version }
            }
            ObjectOperation::Copy(copy) => ObjectOutcome::Copied(Box::pin(self.copy_object(caller, *copy)).await?),
            ObjectOperation::Get(get) => return self.get_object(caller, get).await,
            ObjectOperation::Head(get) => ObjectOutcome::Head(self.head_object(caller, get).await?),
            ObjectOperation::Meta(get) => ObjectOutcome::Meta(self.head_object(caller, get).await?),
            ObjectOperation::Attributes(get) => ObjectOutcome::Attributes(self.object_attributes(caller, get).await?),
            ObjectOperation::Delete(delete) => self.delete_object(caller, delete).await?,
            ObjectOperation::DeleteMany(delete) => {
                ObjectOutcome::ManyDeleted(self.delete_objects(caller, delete).await?)
            }
            ObjectOperation::GetSetting(target, kind) => self.object_setting(caller, &target, kind).await?,
            ObjectOperation::PutSetting(put) => self.put_object_setting(caller, put).await?,
            ObjectOperation::DeleteSetting(target, kind) => self.delete_object_setting(caller, &target, kind).await?,
        };
        Ok(Outcome::Object(outcome).into())
    }

    /// The bucket that must exist, and be the one that authorization was about.
    async fn bucket(&self, caller: &Caller, name: &BucketName) -> Result<Arc<Bucket>, Failure> {
        let bucket = self.catalog.bucket(name).await?.ok_or(FailureCode::NoSuchBucket)?;
        caller.rights.recognise(name, bucket.id.0, bucket.facts.owner)?;
        Ok(bucket)
    }

    /// Changes that bucket's row.
    async fn change_bucket(
        &self,
        caller: &Caller,
        name: &BucketName,
        change: impl Fn(&mut Bucket) + Send + Sync,
    ) -> Result<Bucket, Failure> {
        let known = self.bucket(caller, name).await?.id;
        let change = |bucket: &mut Bucket| {
            if bucket.id == known {
                change(bucket);
            }
        };
        match self.catalog.change_bucket(name, change).await? {
            Some(bucket) if bucket.id == known => Ok(bucket),
            Some(_) => Err(FailureCode::Conflict.into()),
            None => Err(FailureCode::NoSuchBucket.into()),
        }
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }
}

impl Caller {
    /// The account that acts: keys without an owner of their own are this one's.
    fn account(&self) -> Result<AccountId, Failure> {
        self.rights.principal().account().ok_or_else(|| FailureCode::AnonymousDenied.into())
    }
}

/// What only reads may be dropped half-way; all else runs to its end.
fn changes_something(operation: &Operation) -> bool {
    if let Operation::Key(operation) = operation {
        return !operation.is_read();
    }
    !matches!(
        operation,
        Operation::Service(_)
            | Operation::Admin(AdminOperation::Backup(_))
            | Operation::Object(
                ObjectOperation::Get(_)
                    | ObjectOperation::Head(_)
                    | ObjectOperation::Meta(_)
                    | ObjectOperation::Attributes(_)
                    | ObjectOperation::GetSymlink(_)
                    | ObjectOperation::GetSetting(..)
            )
            | Operation::Upload(UploadOperation::ListParts(_) | UploadOperation::List(_))
            | Operation::Bucket(
                BucketOperation::Head(_)
                    | BucketOperation::Probe(_)
                    | BucketOperation::Location(_)
                    | BucketOperation::Info(_)
                    | BucketOperation::ListObjects(_)
                    | BucketOperation::ListVersions(_)
                    | BucketOperation::GetSetting(..)
                    | BucketOperation::GetInventory(..)
                    | BucketOperation::ListInventories(_)
                    | BucketOperation::Usage(..)
                    | BucketOperation::CrossOrigin(..)
                    | BucketOperation::PolicyStatus(_)
                    | BucketOperation::Worm(_, WormOperation::Get)
            )
    )
}
