//! The server's own administration: users, inspection.

use strongroom_model::account::{AccountId, UserName};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::{BucketName, ObjectKey, VersionId};
use strongroom_model::operation::AdminOperation;
use strongroom_model::operation::audit::AuditFilter;
use strongroom_model::outcome::AdminOutcome;
use strongroom_model::outcome::admin::{ObjectDescription, UserFacts};
use strongroom_model::outcome::audit::AuditReport;
use strongroom_seal::{chunk_count, sealed_len};

use super::buckets::BUCKETS_MAX;
use super::{Caller, Engine};
use crate::{audit, catalog::identities::Addition, credentials};

/// Access key ids that are tried before giving up; two of 100 random bits are never alike.
const ACCESS_KEY_ATTEMPTS: usize = 3;

impl Engine {
    /// Does an administrative operation in the caller's account.
    pub(super) async fn administer(&self, caller: &Caller, operation: AdminOperation) -> Result<AdminOutcome, Failure> {
        let account = caller.account()?;
        Ok(match operation {
            AdminOperation::ProveKeys => AdminOutcome::KeysProven { provider: self.kms.prove().await? },
            AdminOperation::Backup(_) => return Err(FailureCode::Internal.into()),
            AdminOperation::StartScrub(asked) => AdminOutcome::Scrub(self.scrub.start(asked)?),
            AdminOperation::DescribeScrub => AdminOutcome::Scrub(self.scrub.report()),
            AdminOperation::StopScrub => AdminOutcome::Scrub(self.scrub.stop()),
            AdminOperation::StartLifecycle => AdminOutcome::Lifecycle(self.lifecycle.start()?),
            AdminOperation::DescribeLifecycle => AdminOutcome::Lifecycle(self.lifecycle.report()),
            AdminOperation::StopLifecycle => AdminOutcome::Lifecycle(self.lifecycle.stop()),
            AdminOperation::StartInventory => AdminOutcome::Inventory(self.inventory.start()?),
            AdminOperation::DescribeInventory => AdminOutcome::Inventory(self.inventory.report()),
            AdminOperation::StopInventory => AdminOutcome::Inventory(self.inventory.stop()),
            AdminOperation::QueryAudit(filter) => AdminOutcome::AuditRecords(self.query_audit(account, *filter).await?),
            AdminOperation::VerifyAudit => AdminOutcome::Audit(self.verify_audit(account).await?),
            AdminOperation::CreateUser(name) => self.create_user(account, name).await?,
            AdminOperation::ListUsers => AdminOutcome::Users(self.catalog.users(account).await?),
            AdminOperation::DeleteUser(name) => self.delete_user(account, &name).await?,
            AdminOperation::Identity(operation) => {
                AdminOutcome::Identity(self.identity_operation(caller, operation).await?)
            }
            AdminOperation::ListBuckets => {
                let buckets = self.catalog.buckets_of(account, "", "", BUCKETS_MAX).await?;
                AdminOutcome::Buckets(buckets.into_iter().map(|bucket| bucket.facts).collect())
            }
            AdminOperation::DescribeObject { bucket, key, version } => {
                AdminOutcome::Object(self.describe_object(caller, account, bucket, key, version).await?)
            }
        })
    }

    /// The trail tells of all accounts, so that it is the first one's to read.
    async fn query_audit(&self, account: AccountId, filter: AuditFilter) -> Result<Vec<String>, Failure> {
        self.hold_first(account)?;
        let folder = self.trail.folder().to_owned();
        let found = tokio::task::spawn_blocking(move || audit::query(&folder, &filter)).await;
        found.map_err(unreadable)?.map_err(unreadable)
    }

    async fn verify_audit(&self, account: AccountId) -> Result<AuditReport, Failure> {
        self.hold_first(account)?;
        let (folder, key) = (self.trail.folder().to_owned(), self.trail.public_key());
        let report = tokio::task::spawn_blocking(move || audit::verify(&folder, &key)).await;
        report.map_err(unreadable)?.map_err(unreadable)
    }

    async fn create_user(&self, account: AccountId, name: UserName) -> Result<AdminOutcome, Failure> {
        for _ in 0..ACCESS_KEY_ATTEMPTS {
            let key = credentials::access_key(&self.entropy)?;
            let created = self.now();
            match self.catalog.create_user(account, &name, &key, created).await? {
                Addition::Added => {
                    let (policies, groups) = (Vec::new(), Vec::new());
                    let user = UserFacts { name, created, access_keys: vec![key.id], policies, groups };
                    return Ok(AdminOutcome::UserCreated { user, secret: key.secret });
                }
                Addition::NameTaken => return Err(refused(FailureCode::AlreadyExists, "the user exists already")),
                Addition::TooMany => return Err(refused(FailureCode::InvalidRequest, "there are too many users")),
                Addition::AccessKeyTaken => {}
            }
        }
        Err(FailureCode::Internal.into())
    }

    async fn delete_user(&self, account: AccountId, name: &UserName) -> Result<AdminOutcome, Failure> {
        match self.catalog.delete_user(account, name).await? {
            true => Ok(AdminOutcome::Done),
            false => Err(refused(FailureCode::InvalidRequest, "there is no such user")),
        }
    }

    /// How an object is stored and sealed, from its rows alone.
    async fn describe_object(
        &self,
        caller: &Caller,
        account: AccountId,
        bucket: BucketName,
        key: ObjectKey,
        version: Option<VersionId>,
    ) -> Result<ObjectDescription, Failure> {
        if self.bucket(caller, &bucket).await?.facts.owner != account {
            return Err(FailureCode::AccessDenied.into());
        }
        let found = self.version(caller, &bucket, &key, version).await?.ok_or(FailureCode::NoSuchKey)?;
        let suite = found.envelope.suite();
        let inline = found.content.inline.as_ref().filter(|_| !found.entry.has_blobs);
        let stored_bytes = inline.map_or_else(|| sealed_len(suite, found.entry.size), |sealed| sealed.len() as u64);
        let wrapped = found.envelope.key();
        Ok(ObjectDescription {
            bucket,
            key,
            facts: found.facts(None),
            suite: suite.name.to_owned(),
            key_version: wrapped.filter(|key| !key.key_id.is_empty()).map(|key| key.key_version),
            key_fingerprint: wrapped
                .map(|key| hex::encode(key.bucket_key.as_ref().unwrap_or(&key.wrapped).fingerprint())),
            chunks: chunk_count(found.entry.size),
            inline: inline.is_some(),
            stored_bytes,
        })
    }
}

fn unreadable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Failure {
    Failure::new(FailureCode::ServiceUnavailable).caused_by(error)
}

fn refused(code: FailureCode, message: &'static str) -> Failure {
    Failure::new(code).with_message(message)
}
