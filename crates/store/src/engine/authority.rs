//! What authorization needs to know: the reads for it, and no others.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use strongroom_iam::{
    Attached, BucketCase, Case, Granted, InvalidPolicy, KeyCase, NamedPolicy, Policy, Requester, Session, Subject,
    Transport,
};
use strongroom_model::account::Principal;
use strongroom_model::circumstance::Circumstances;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::BucketName;
use strongroom_model::operation::{AdminOperation, BucketOperation, ObjectOperation, Operation, UploadOperation};
use strongroom_model::policy::{LocalName, PolicyDocument};
use strongroom_model::time::Timestamp;

use super::{Engine, acts::Act};
use crate::catalog::buckets::Bucket;

/// Policies that are kept in their understood form. Each text has at most 20 KB, so that all of them take some tens of
/// megabytes; when there are more, all are forgotten, and understood again when they are next wanted.
const UNDERSTOOD_MAX: usize = 1024;

/// Policies in their understood form, by text and by what they are attached to: understanding one takes longer than
/// deciding by it.
#[derive(Default)]
pub(super) struct Understood(Mutex<HashMap<Text, Arc<Policy>>>);

/// A policy's text, and what it is attached to.
type Text = (PolicyDocument, Place);

/// What a policy is attached to.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// Somebody.
    Identity,
    /// A bucket.
    Bucket(BucketName),
    /// A master key.
    Key,
}

impl Understood {
    /// The policy that a text is.
    pub(super) fn understand(&self, document: &PolicyDocument, place: Place) -> Result<Arc<Policy>, InvalidPolicy> {
        let key = (document.clone(), place);
        if let Some(policy) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(policy));
        }
        let attached = match &key.1 {
            Place::Identity => Attached::Identity,
            Place::Bucket(bucket) => Attached::Bucket(bucket),
            Place::Key => Attached::Key,
        };
        let policy = Arc::new(Policy::parse(document, attached)?);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= UNDERSTOOD_MAX {
            known.clear();
        }
        known.insert(key, Arc::clone(&policy));
        Ok(policy)
    }
}

impl Engine {
    /// The facts that authorizing `operation` needs.
    ///
    /// # Errors
    /// The catalog's trouble.
    pub async fn case(
        &self,
        requester: Requester,
        operation: &Operation,
        circumstances: Circumstances,
        transport: Transport,
    ) -> Result<Case, Failure> {
        let bucket = match bucket_of(operation) {
            Some(name) => self.bucket_case(name).await?,
            None => None,
        };
        let source_bucket = match source_of(operation) {
            Some(name) => self.bucket_case(name).await?,
            None => None,
        };
        let keys = match operation {
            Operation::Key(operation) => Box::pin(self.key_cases(&requester.principal, operation)).await?,
            _ => Vec::new(),
        };
        let subject = self.subject(requester).await?;
        Ok(Case { subject, circumstances, transport, region: self.region.clone(), bucket, source_bucket, keys })
    }

    /// Decides whether `operation` may run. What is denied about keys, and of administration, is recorded before it is answered.
    ///
    /// # Errors
    /// `AccessDenied`, `AnonymousDenied`; `ServiceUnavailable` without an audit trail.
    pub async fn authorize(&self, operation: Operation, case: Case) -> Result<Granted, Failure> {
        let act = Act::of(&operation).map(|act| (act, case.subject.requester.clone(), case.circumstances.clone()));
        let denied = match strongroom_iam::authorize(operation, case) {
            Ok(granted) => return Ok(granted),
            Err(denied) => denied,
        };
        if let Some((act, requester, circumstances)) = act {
            for record in act.denied(&requester, &circumstances, &denied) {
                self.trail.record(record).await?;
            }
        }
        Err(denied.into())
    }

    /// The same for a request that is only imagined.
    pub(super) async fn imagined_case(
        &self,
        principal: Principal,
        circumstances: Circumstances,
        bucket: Option<BucketCase>,
        key: Option<KeyCase>,
    ) -> Result<Case, Failure> {
        let (subject, region) = (self.subject(principal.into()).await?, self.region.clone());
        let transport = Transport::TRUSTED;
        let keys = key.into_iter().collect();
        Ok(Case { subject, circumstances, transport, region, bucket, source_bucket: None, keys })
    }

    /// The session of a temporary access key.
    pub(super) fn session(&self, issued: Timestamp, policy: Option<PolicyDocument>) -> Result<Session, Failure> {
        let policy = policy.map(|policy| self.policies.understand(&policy, Place::Identity)).transpose();
        Ok(Session { issued, policy: policy.map_err(not_understood)? })
    }

    async fn subject(&self, requester: Requester) -> Result<Subject, Failure> {
        let holdings = self.catalog.holdings(&requester.principal).await?;
        let Some(account) = requester.principal.account() else {
            return Ok(Subject { requester, groups: Vec::new(), policies: Vec::new() });
        };
        let mut names: BTreeSet<String> = holdings.policies.iter().cloned().collect();
        for group in &holdings.groups {
            names.extend(self.catalog.policies_of_group(account, group).await?.iter().cloned());
        }
        let mut policies = Vec::with_capacity(names.len());
        for name in names {
            if let Some(found) = self.catalog.policy(account, &name).await? {
                let policy = self.policies.understand(&found.document, Place::Identity).map_err(not_understood)?;
                policies.push(NamedPolicy { name, policy });
            }
        }
        let groups = holdings.groups.iter().filter_map(|group| LocalName::parse(group).ok()).collect();
        Ok(Subject { requester, groups, policies })
    }

    pub(super) async fn bucket_case(&self, name: &BucketName) -> Result<Option<BucketCase>, Failure> {
        let Some(bucket) = self.catalog.bucket(name).await? else { return Ok(None) };
        let Bucket { id, facts, policy, cors, .. } = &*bucket;
        let policy =
            policy.as_ref().map(|policy| self.policies.understand(policy, Place::Bucket(name.clone()))).transpose();
        let policy = policy.map_err(not_understood)?;
        Ok(Some(BucketCase {
            name: facts.name.clone(),
            id: id.0,
            owner: facts.owner,
            acl: facts.acl.clone(),
            policy,
            block: facts.public_access_block.unwrap_or_default(),
            always_varies: cors.as_ref().is_some_and(|cors| cors.always_varies),
        }))
    }
}

/// A policy is understood before it is stored; one that is not afterwards protects nothing, so that nothing is done.
pub(super) fn not_understood(invalid: InvalidPolicy) -> Failure {
    Failure::new(FailureCode::Internal).caused_by(invalid)
}

fn bucket_of(operation: &Operation) -> Option<&BucketName> {
    match operation {
        Operation::Admin(AdminOperation::DescribeObject { bucket, .. }) => Some(bucket),
        Operation::Service(_) | Operation::Key(_) | Operation::Admin(_) => None,
        Operation::Bucket(operation) => Some(operation.bucket()),
        Operation::Object(operation) => Some(operation.bucket()),
        Operation::Upload(operation) => Some(operation.bucket()),
    }
}

/// The bucket that is read from, of an operation that writes to another; and the one that reports of another go to.
fn source_of(operation: &Operation) -> Option<&BucketName> {
    match operation {
        Operation::Bucket(BucketOperation::PutInventory(bucket, inventory))
            if inventory.destination.bucket != *bucket =>
        {
            Some(&inventory.destination.bucket)
        }
        Operation::Object(ObjectOperation::Copy(copy)) if copy.source.bucket != copy.target.bucket => {
            Some(&copy.source.bucket)
        }
        Operation::Upload(UploadOperation::CopyPart(copy)) if copy.source.bucket != copy.part.upload.bucket => {
            Some(&copy.source.bucket)
        }
        _ => None,
    }
}
