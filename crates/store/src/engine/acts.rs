//! Which operations are acts that the audit trail tells of by themselves, and what it tells. What is done with the keys of objects
//! is told where those keys are used.

use strongroom_iam::{Denied, Requester, Rights};
use strongroom_model::action::{Action, Required, Resource};
use strongroom_model::circumstance::Circumstances;
use strongroom_model::failure::Failure;
use strongroom_model::key::{KeyReference, KeyTarget};
use strongroom_model::operation::identity::IdentityOperation;
use strongroom_model::operation::key::KeyUse;
use strongroom_model::operation::{AdminOperation, KeyOperation, ObjectOperation, Operation};
use strongroom_model::outcome::key::UsedKey;
use strongroom_model::outcome::{KeyOutcome, Outcome};
use strongroom_model::setting::ObjectSettingKind;

use super::{Engine, Reply, changes_something};
use crate::{
    audit::Record,
    key_user::{actor, ended},
};

/// An act: what is known of it before it is done.
pub(super) struct Act {
    operation: &'static str,
    told: Told,
    /// A record for each key that is used; one for all else.
    about: Vec<Record>,
}

/// When an act is told of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Only if it is denied: it looks, and changes nothing.
    IfDenied,
    /// Always. It hands something out, and changes nothing: without a record, nothing is handed out.
    Use,
    /// Always. It changes something, and is not begun while nothing can be recorded.
    Change,
}

impl Act {
    /// The act that an operation is, if it is one.
    pub(super) fn of(operation: &Operation) -> Option<Self> {
        let told = match operation {
            Operation::Key(KeyOperation::Use(_)) => Told::Use,
            Operation::Key(operation) if operation.is_read() => Told::IfDenied,
            Operation::Key(_) => Told::Change,
            Operation::Admin(operation) if only_looks(operation) => Told::IfDenied,
            Operation::Admin(AdminOperation::QueryAudit(_) | AdminOperation::VerifyAudit) => Told::Use,
            Operation::Admin(_) => Told::Change,
            Operation::Object(
                ObjectOperation::PutSetting(_) | ObjectOperation::DeleteSetting(_, ObjectSettingKind::Acl),
            ) if !is_about_tags(operation) => Told::Change,
            Operation::Bucket(_) if changes_something(operation) => Told::Change,
            Operation::Service(_) | Operation::Bucket(_) | Operation::Object(_) | Operation::Upload(_) => return None,
        };
        let about = match operation {
            Operation::Key(KeyOperation::Use(used)) => of_use(used, &operation.required()),
            _ => operation.required().first().map(about).into_iter().collect(),
        };
        Some(Self { operation: operation.name(), told, about })
    }

    /// Its records, when it was denied.
    pub(super) fn denied(self, requester: &Requester, circumstances: &Circumstances, denied: &Denied) -> Vec<Record> {
        let failure = Failure::from(denied.clone());
        let action = denied.missing.map(word);
        let told = self.records(requester, circumstances).into_iter().take(1);
        told.map(|record| ended(Record { action: action.clone(), ..record }, Some(&failure))).collect()
    }

    fn records(self, requester: &Requester, circumstances: &Circumstances) -> Vec<Record> {
        let Record { time, request, principal, access_key, source, operation, .. } =
            actor(requester, circumstances, self.operation);
        let complete = |about: Record| Record {
            time: time.clone(),
            request: request.clone(),
            principal: principal.clone(),
            access_key: access_key.clone(),
            source: source.clone(),
            operation: operation.clone(),
            ..about
        };
        self.about.into_iter().map(complete).collect()
    }
}

impl Engine {
    /// Does what is an act: not before it can be told of, and not answered before it was.
    pub(super) async fn told(
        &self,
        act: Act,
        rights: &Rights,
        done: impl Future<Output = Result<Reply, Failure>>,
    ) -> Result<Reply, Failure> {
        let told = act.told;
        if told == Told::Change {
            self.trail.check().await?;
        }
        let reply = done.await;
        if told == Told::IfDenied && !reply.as_ref().is_err_and(is_denial) {
            return reply;
        }
        let keys = reply.as_ref().map(|reply| used_keys(&reply.outcome)).unwrap_or_default();
        for (index, record) in act.records(rights.requester(), rights.circumstances()).into_iter().enumerate() {
            let record = match keys.get(index).or(keys.last()) {
                Some((key, version)) => Record { key: Some(key.clone()), key_version: *version, ..record },
                None => record,
            };
            let record = ended(record, reply.as_ref().err());
            match told {
                Told::Change => self.trail.record_fact(record).await?,
                Told::Use | Told::IfDenied => self.trail.record(record).await?,
            }
        }
        reply
    }
}

fn is_denial(failure: &Failure) -> bool {
    ended(Record::default(), Some(failure)).outcome == crate::audit::Outcome::Denied
}

/// What an operation of the administration only looks at; what hands out a secret or a proof is told of.
fn only_looks(operation: &AdminOperation) -> bool {
    use IdentityOperation as Identity;
    matches!(
        operation,
        AdminOperation::ListUsers
            | AdminOperation::ListBuckets
            | AdminOperation::DescribeObject { .. }
            | AdminOperation::DescribeScrub
            | AdminOperation::DescribeLifecycle
            | AdminOperation::DescribeInventory
            | AdminOperation::Identity(
                Identity::ListAccounts
                    | Identity::GetPolicy(_)
                    | Identity::ListPolicies
                    | Identity::ListGroups
                    | Identity::ListAccessKeys(_)
                    | Identity::Simulate(_)
            )
    )
}

fn is_about_tags(operation: &Operation) -> bool {
    matches!(operation, Operation::Object(ObjectOperation::PutSetting(put)) if put.setting.kind() == ObjectSettingKind::Tagging)
}

/// What a use of keys is about: of an encryption anew, the key that opens and the key that seals.
fn of_use(used: &KeyUse, required: &[Required]) -> Vec<Record> {
    let contexts = match used {
        KeyUse::GenerateDataKey { context, .. } | KeyUse::Encrypt { context, .. } | KeyUse::Decrypt { context, .. } => {
            vec![context.clone()]
        }
        KeyUse::ReEncrypt { source_context, context, .. } => vec![source_context.clone(), context.clone()],
        KeyUse::Random { .. } => vec![Default::default()],
    };
    let with = |(required, context): (&Required, _)| Record {
        action: Some(word(required.action)),
        context,
        ..about(required)
    };
    required.iter().zip(contexts).map(with).collect()
}

/// What a required permission is about.
fn about(required: &Required) -> Record {
    let none = Record::default();
    match &required.resource {
        Resource::Bucket(bucket) => Record { bucket: Some(bucket.as_str().to_owned()), ..none },
        Resource::Object(bucket, key) => {
            Record { bucket: Some(bucket.as_str().to_owned()), object: Some(key.as_str().to_owned()), ..none }
        }
        Resource::Key(reference) => Record { key: Some(spelled(reference)), ..none },
        Resource::Identity(path) if !path.is_empty() => Record { subject: Some(path.clone()), ..none },
        Resource::Identity(_) | Resource::Service | Resource::Keys | Resource::Administration => none,
    }
}

/// A key as the client named it: its id if it did, else the alias.
fn spelled(reference: &KeyReference) -> String {
    match &reference.target {
        KeyTarget::Id(id) => id.clone(),
        KeyTarget::Alias(alias) => format!("alias/{alias}"),
        KeyTarget::Found(name) => name.id.clone(),
    }
}

/// The keys that an answer is about, in the order of the records of the act.
fn used_keys(outcome: &Outcome) -> Vec<(String, Option<u32>)> {
    let used = |key: &UsedKey| (key.name.id.clone(), Some(key.version));
    let Outcome::Key(outcome) = outcome else { return Vec::new() };
    match outcome {
        KeyOutcome::Key(key) => vec![(key.name.id.clone(), Some(key.version).filter(|version| *version > 0))],
        KeyOutcome::DataKey { key, .. } | KeyOutcome::Encrypted { key, .. } | KeyOutcome::Decrypted { key, .. } => {
            vec![used(key)]
        }
        KeyOutcome::ReEncrypted { source, key, .. } => vec![used(source), used(key)],
        KeyOutcome::ImportParameters(parameters) => vec![(parameters.key.id.clone(), None)],
        KeyOutcome::Granted(grant) => vec![(grant.key.id.clone(), None)],
        KeyOutcome::Keys(_)
        | KeyOutcome::Aliases(_)
        | KeyOutcome::Versions(..)
        | KeyOutcome::Policy(..)
        | KeyOutcome::Grants(_)
        | KeyOutcome::Random(_)
        | KeyOutcome::Quotas(_)
        | KeyOutcome::Done => Vec::new(),
    }
}

/// An action's name without the area that it belongs to.
fn word(action: Action) -> String {
    match action {
        Action::Key(action) => format!("{action:?}"),
        Action::Identity(action) => format!("{action:?}"),
        other => format!("{other:?}"),
    }
}
