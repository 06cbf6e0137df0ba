//! The key service as one request uses it, or the server itself: what is done with a key is in the audit trail
//! before the key is handed over.

use std::sync::Arc;

use strongroom_iam::{Requester, Rights};
use strongroom_model::account::AccountId;
use strongroom_model::action::KeyAction;
use strongroom_model::circumstance::Circumstances;
use strongroom_model::encryption::{EncryptionContext, context_in_place};
use strongroom_model::failure::{Failure, FailureCode, Subject};
use strongroom_seal::{ContentKey, Envelope, Identity, Suite};

use crate::{
    audit::{Outcome, Record, Trail},
    failure,
    kms::{BucketKeyFor, BucketKeys, DataKey, KeySelector, Kms, Wrapped},
};

/// Who uses keys, and the key service.
#[derive(Clone)]
pub(crate) struct KeyUser {
    kms: Arc<dyn Kms>,
    bucket_keys: Arc<BucketKeys>,
    trail: Arc<Trail>,
    who: Who,
    /// What is done with the keys.
    operation: &'static str,
}

#[derive(Clone)]
enum Who {
    /// The sender of a request.
    Caller(Rights),
    /// The server itself, whose records nobody waits for.
    Server,
}

/// Which object version a key is for.
#[derive(Clone, Copy)]
pub(crate) struct ObjectPlace<'a> {
    /// The version.
    pub(crate) identity: &'a Identity,
    /// The client's context.
    pub(crate) context: &'a EncryptionContext,
    /// Whether there is a bucket key between master key and data key.
    pub(crate) by_bucket_key: bool,
}

impl ObjectPlace<'_> {
    /// The context as it is decided by, and told.
    pub(crate) fn told_context(&self) -> EncryptionContext {
        let key = (!self.by_bucket_key).then_some(self.identity.key.as_str());
        context_in_place(self.context, &self.identity.bucket_name, key)
    }
}

impl KeyUser {
    /// The caller of a request.
    pub(crate) fn caller(
        (kms, bucket_keys): (Arc<dyn Kms>, Arc<BucketKeys>),
        trail: Arc<Trail>,
        rights: Rights,
        operation: &'static str,
    ) -> Self {
        Self { kms, bucket_keys, trail, who: Who::Caller(rights), operation }
    }

    /// The server itself, at `operation`.
    pub(crate) fn server(
        (kms, bucket_keys): (Arc<dyn Kms>, Arc<BucketKeys>),
        trail: Arc<Trail>,
        operation: &'static str,
    ) -> Self {
        Self { kms, bucket_keys, trail, who: Who::Server, operation }
    }

    /// A fresh data key: see [`Kms::data_key`].
    ///
    /// # Errors
    /// The key service's; `ServiceUnavailable` without an audit trail.
    pub(crate) async fn data_key(
        &self,
        account: AccountId,
        which: KeySelector<'_>,
        suite: &'static Suite,
        place: ObjectPlace<'_>,
    ) -> Result<DataKey, Failure> {
        let binding = place.identity.binding(place.context);
        let made = match place.by_bucket_key {
            true => self.bucket_keys.data_key(self.bucket_key_for(account, which), suite, &binding).await,
            false => self.kms.data_key(account, which, suite, &binding).await,
        };
        let made = made.map_err(Failure::from);
        let record = self.sealed(place, made.as_ref().ok().map(|made| (&made.envelope, made.cached)));
        self.settle(record, made).await
    }

    /// A data key that is there already, wrapped: see [`Kms::wrap`].
    ///
    /// # Errors
    /// As [`KeyUser::data_key`].
    pub(crate) async fn wrap(
        &self,
        account: AccountId,
        which: KeySelector<'_>,
        content: &ContentKey,
        place: ObjectPlace<'_>,
    ) -> Result<Wrapped, Failure> {
        let binding = place.identity.binding(place.context);
        let made = match place.by_bucket_key {
            true => self.bucket_keys.wrap(self.bucket_key_for(account, which), content, &binding).await,
            false => self.kms.wrap(account, which, content, &binding).await,
        };
        let made = made.map_err(Failure::from);
        let record = self.sealed(place, made.as_ref().ok().map(|made| (&made.envelope, made.cached)));
        self.settle(record, made).await
    }

    /// The key of the version at that place, which no customer has; nobody's, if it is not sealed.
    ///
    /// # Errors
    /// The key service's, and what [`strongroom_seal::Envelope::unlock`] finds; `ServiceUnavailable` without an audit trail.
    pub(crate) async fn unwrap(&self, envelope: &Envelope, identity: &Identity) -> Result<ContentKey, Failure> {
        let Some(key) = envelope.key() else { return envelope.unlock(None).map_err(failure::of_stored) };
        if let Who::Server = self.who {
            self.trail.check().await?;
        }
        let place = ObjectPlace { identity, context: &key.context, by_bucket_key: key.bucket_key.is_some() };
        let opened = self.kms.unwrap(envelope, &identity.binding(&key.context)).await.map_err(Failure::from);
        let record = self.record(KeyAction::DecryptDataKey, place);
        let cached = opened.as_ref().ok().map(|opened| opened.cached);
        let record = Record { key: Some(key.key_id.clone()), key_version: Some(key.key_version), cached, ..record };
        let opened = match cached {
            Some(true) if key.bucket_key.is_none() => self.settle_known(record, opened).await?,
            // A bucket key that is known opens objects that nobody has opened yet: of these the record is waited for.
            Some(_) | None => self.settle(record, opened).await?,
        };
        Ok(opened.content)
    }

    /// What was decided about a key before it was asked for: a refusal is recorded, and what follows records itself.
    ///
    /// # Errors
    /// The refusal; `ServiceUnavailable` without an audit trail.
    pub(crate) async fn hold<T>(
        &self,
        action: KeyAction,
        key: Option<String>,
        place: ObjectPlace<'_>,
        decided: Result<T, Failure>,
    ) -> Result<T, Failure> {
        match decided {
            Ok(granted) => Ok(granted),
            Err(refused) => self.settle(Record { key, ..self.record(action, place) }, Err(refused)).await,
        }
    }

    /// Whose bucket keys a request uses.
    fn bucket_key_for<'a>(&self, account: AccountId, which: KeySelector<'a>) -> BucketKeyFor<'a> {
        let requester = match &self.who {
            Who::Caller(rights) => rights.requester().principal.to_string(),
            // The server seals nothing, and no principal is spelled so.
            Who::Server => String::new(),
        };
        BucketKeyFor { requester, account, which }
    }

    /// Of a bucket key it is told whether it was known.
    fn sealed(&self, place: ObjectPlace<'_>, made: Option<(&Envelope, bool)>) -> Record {
        let record = self.record(KeyAction::GenerateDataKey, place);
        let key = made.and_then(|(envelope, _)| envelope.key());
        let cached = made.map(|(_, cached)| cached).filter(|_| place.by_bucket_key);
        Record { key: key.map(|key| key.key_id.clone()), key_version: key.map(|key| key.key_version), cached, ..record }
    }

    fn record(&self, action: KeyAction, place: ObjectPlace<'_>) -> Record {
        let actor = match &self.who {
            Who::Caller(rights) => actor(rights.requester(), rights.circumstances(), self.operation),
            Who::Server => self.trail.of_server(self.operation),
        };
        Record {
            action: Some(format!("{action:?}")),
            bucket: Some(place.identity.bucket_name.clone()),
            object: Some(place.identity.key.clone()),
            version: Some(place.identity.version.clone()),
            context: place.told_context(),
            ..actor
        }
    }

    /// Records how it ended, and only then answers.
    async fn settle<T>(&self, record: Record, result: Result<T, Failure>) -> Result<T, Failure> {
        let record = ended(record, result.as_ref().err());
        match &self.who {
            Who::Server => self.trail.note(record),
            Who::Caller(_) => self.trail.record(record).await?,
        }
        result
    }

    /// The same of reading with a key that was known, which waits for less.
    async fn settle_known<T>(&self, record: Record, result: Result<T, Failure>) -> Result<T, Failure> {
        let record = ended(record, result.as_ref().err());
        match &self.who {
            Who::Server => self.trail.note(record),
            Who::Caller(_) => self.trail.record_known(record).await?,
        }
        result
    }
}

/// What all records of a request have in common.
pub(crate) fn actor(requester: &Requester, circumstances: &Circumstances, operation: &str) -> Record {
    Record {
        time: circumstances.now.to_string(),
        request: circumstances.request.map(|id| id.to_string()),
        principal: requester.principal.to_string(),
        access_key: requester.access_key.as_ref().map(|key| key.as_str().to_owned()),
        source: circumstances.source.map(|address| address.to_string()),
        operation: operation.to_owned(),
        ..Record::default()
    }
}

/// The record with its end. Of what failed, only the kind is told, and the decision that denied it: other words of failures may
/// repeat what a client sent.
pub(crate) fn ended(record: Record, failure: Option<&Failure>) -> Record {
    let Some(failure) = failure else { return Record { outcome: Outcome::Done, ..record } };
    let code = format!("{:?}", failure.code);
    let denied = matches!(
        failure.code,
        FailureCode::AccessDenied
            | FailureCode::AnonymousDenied
            | FailureCode::KeyDenied
            | FailureCode::KmsNeedsSignature
    );
    let key = record.key.or_else(|| match &failure.subject {
        Some(Subject::Key(name)) => Some(name.id.clone()),
        Some(Subject::Text(_)) | None => None,
    });
    let (outcome, reason) = match (denied, &failure.source) {
        (true, Some(decision)) => (Outcome::Denied, format!("{code}: {decision}")),
        (true, None) => (Outcome::Denied, code),
        (false, _) => (Outcome::Failed, code),
    };
    Record { key, outcome, reason: Some(reason), ..record }
}
