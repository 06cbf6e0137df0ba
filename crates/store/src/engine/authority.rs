//! What authorization needs to know: the reads for it, and no others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use strongroom_iam::{Attached, BucketCase, Case, InvalidPolicy, NamedPolicy, Policy, Requester, Subject, Transport};
use strongroom_model::account::Principal;
use strongroom_model::circumstance::Circumstances;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::BucketName;
use strongroom_model::operation::{AdminOperation, ObjectOperation, Operation};
use strongroom_model::policy::{PolicyDocument, PolicyLanguage};
use strongroom_model::public_access::PublicAccessBlock;

use super::Engine;
use crate::catalog::buckets::Bucket;

/// Policies that are kept in their understood form. Each text has at most 20 KB, so that all of them take some tens of
/// megabytes; when there are more, all are forgotten, and understood again when they are next wanted.
const UNDERSTOOD_MAX: usize = 1024;

/// The policy of who may do everything.
const EVERYTHING: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// Policies in their understood form, by text and by what they are attached to: understanding one takes longer than
/// deciding by it.
#[derive(Default)]
pub(super) struct Understood(Mutex<HashMap<Text, Arc<Policy>>>);

/// A policy's text, and the bucket it is attached to if it is to one.
type Text = (PolicyDocument, Option<BucketName>);

impl Understood {
    /// The policy that a text is.
    fn understand(&self, document: &PolicyDocument, bucket: Option<&BucketName>) -> Result<Arc<Policy>, InvalidPolicy> {
        let key = (document.clone(), bucket.cloned());
        if let Some(policy) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(policy));
        }
        let attached = bucket.map_or(Attached::Identity, Attached::Bucket);
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
        let subject = self.subject(requester).await?;
        Ok(Case { subject, circumstances, transport, region: self.region.clone(), bucket, source_bucket })
    }

    async fn subject(&self, requester: Requester) -> Result<Subject, Failure> {
        let everything = PolicyDocument { language: PolicyLanguage::Amazon, text: EVERYTHING.to_owned() };
        let policies = match requester.principal {
            Principal::Anonymous => Vec::new(),
            Principal::Root(_) | Principal::User(..) => {
                let policy = self.policies.understand(&everything, None).map_err(not_understood)?;
                vec![NamedPolicy { name: "Administrator".to_owned(), policy }]
            }
        };
        Ok(Subject { requester, groups: Vec::new(), policies })
    }

    async fn bucket_case(&self, name: &BucketName) -> Result<Option<BucketCase>, Failure> {
        let Some(Bucket { id, facts, policy, .. }) = self.catalog.bucket(name).await? else { return Ok(None) };
        let policy = policy.map(|policy| self.policies.understand(&policy, Some(name))).transpose();
        let policy = policy.map_err(not_understood)?;
        let block = PublicAccessBlock::default();
        Ok(Some(BucketCase { name: facts.name, id: id.0, owner: facts.owner, acl: facts.acl, policy, block }))
    }
}

/// A policy is understood before it is stored; one that is not afterwards protects nothing, so that nothing is done.
fn not_understood(invalid: InvalidPolicy) -> Failure {
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

/// The bucket that is read from, of an operation that writes to another.
fn source_of(operation: &Operation) -> Option<&BucketName> {
    match operation {
        Operation::Object(ObjectOperation::Copy(copy)) if copy.source.bucket != copy.target.bucket => {
            Some(&copy.source.bucket)
        }
        _ => None,
    }
}
