//! The key service as one request uses it, or the server itself: what is done with a key is in the audit trail
//! before the key is handed over.

use std::sync::Arc;

use strongroom_iam::{Requester, Rights};
use strongroom_model::account::AccountId;
use strongroom_model::action::KeyAction;
use strongroom_model::circumstance::Circumstances;
use strongroom_model::encryption::EncryptionContext;
use strongroom_model::failure::{Failure, FailureCode, Subject};
use strongroom_seal::{ContentKey, Envelope, Identity, Suite};

use crate::{
    audit::{Outcome, Record, Trail},
    failure,
    kms::{DataKey, KeySelector, Kms, Wrapped},
};

/// Who uses keys, and the key service.
#[derive(Clone)]
pub(crate) struct KeyUser {
    kms: Arc<dyn Kms>,
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
}

impl KeyUser {
    /// The caller of a request.
    pub(crate) fn caller(kms: Arc<dyn Kms>, trail: Arc<Trail>, rights: Rights, operation: &'static str) -> Self {
        Self { kms, trail, who: Who::Caller(rights), operation }
    }

    /// The server itself, at `operation`.
    pub(crate) fn server(kms: Arc<dyn Kms>, trail: Arc<Trail>, operation: &'static str) -> Self {
        Self { kms, trail, who: Who::Server, operation }
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
        let made = self.kms.data_key(account, which, suite, &binding).await.map_err(Failure::from);
        let record = self.sealed(place, made.as_ref().ok().map(|made| &made.envelope));
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
        let made = self.kms.wrap(account, which, content, &binding).await.map_err(Failure::from);
        let record = self.sealed(place, made.as_ref().ok().map(|made| &made.envelope));
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
        let place = ObjectPlace { identity, context: &key.context };
        let opened = self.kms.unwrap(envelope, &identity.binding(&key.context)).await.map_err(Failure::from);
        let record = self.record(KeyAction::DecryptDataKey, place);
        let cached = opened.as_ref().ok().map(|opened| opened.cached);
        let record = Record { key: Some(key.key_id.clone()), key_version: Some(key.key_version), cached, ..record };
        Ok(self.settle(record, opened).await?.content)
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

    fn sealed(&self, place: ObjectPlace<'_>, envelope: Option<&Envelope>) -> Record {
        let record = self.record(KeyAction::GenerateDataKey, place);
        let key = envelope.and_then(Envelope::key);
        Record { key: key.map(|key| key.key_id.clone()), key_version: key.map(|key| key.key_version), ..record }
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
            context: place.context.clone(),
            ..actor
        }
    }

    /// Records how it ended, and only then answers.
    async fn settle<T>(&self, record: Record, result: Result<T, Failure>) -> Result<T, Failure> {
        let record = ended(record, result.as_ref().err());
        match (&self.who, record.cached) {
            (Who::Server, _) => self.trail.note(record),
            (Who::Caller(_), Some(true)) => self.trail.record_known(record).await?,
            (Who::Caller(_), Some(false) | None) => self.trail.record(record).await?,
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
