//! Master keys: what is looked up of them to decide about their use, and the operations of the key service.

use std::sync::Arc;

use strongroom_iam::{Attached, InvalidPolicy, KeyCase, Policy};
use strongroom_model::account::{AccountId, Principal};
use strongroom_model::action::KeyAction;
use strongroom_model::encryption::{AppliedEncryption, EncryptionContext, KmsApplied};
use strongroom_model::failure::{Failure, FailureCode, Subject};
use strongroom_model::key::{KeyName, KeyReference};
use strongroom_model::operation::KeyOperation;
use strongroom_model::operation::key::CreateKey;
use strongroom_model::outcome::KeyOutcome;
use strongroom_seal::Identity;

use super::authority::{Place, not_understood};
use super::{Caller, Engine};
use crate::key_user::ObjectPlace;
use crate::kms::{self, KeyFacts, KeySelector, KmsError};

impl Engine {
    /// Does an operation on keys: on those about which was decided, whatever their aliases point at by now.
    pub(super) async fn key_operation(
        &self,
        caller: &Caller,
        mut operation: KeyOperation,
    ) -> Result<KeyOutcome, Failure> {
        for reference in operation.references_mut() {
            *reference = match caller.rights.key_named(reference) {
                Some(name) => reference.found(name.clone()),
                None => return Err(self.missing(caller, reference).await?),
            };
        }
        if let (KeyOperation::Use(used), Some(name)) = (&mut operation, caller.rights.unnamed_key()) {
            used.name_source(KeyReference::parse(&name.id).found(name.clone()));
        }
        self.check_policy(caller, &operation)?;
        Ok(self.kms.operate(caller.rights.principal(), operation).await?)
    }

    /// The keys that an operation of `principal` names, as far as there are any.
    pub(super) async fn key_cases(
        &self,
        principal: &Principal,
        operation: &KeyOperation,
    ) -> Result<Vec<KeyCase>, Failure> {
        let Some(account) = principal.account() else { return Ok(Vec::new()) };
        let mut cases = Vec::new();
        for reference in operation.references() {
            cases.extend(self.key_case_of(account, &reference).await?);
        }
        if let Some(reference) = operation.unnamed_ciphertext().and_then(kms::named_in) {
            let found = self.key_case_of(account, &reference).await?;
            cases.extend(found.map(|case| KeyCase { reference: None, ..case }));
        }
        Ok(cases)
    }

    /// The key of that reference, if there is one.
    pub(super) async fn key_case_of(
        &self,
        account: AccountId,
        reference: &KeyReference,
    ) -> Result<Option<KeyCase>, Failure> {
        match self.kms.facts(account, KeySelector::Reference(reference)).await {
            Ok(facts) => Ok(Some(KeyCase { reference: Some(reference.text.clone()), ..self.key_case(&facts)? })),
            Err(error) if error.is_about_reference() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The key that a write is to be sealed under, which the caller may use so; by a name under which it stays the same.
    ///
    /// # Errors
    /// As the reference deserves; `KeyDenied`, `KmsNeedsSignature`; `ServiceUnavailable` without an audit trail, which tells of
    /// every refusal.
    pub(super) async fn key_to_seal(
        &self,
        caller: &Caller,
        key: Option<&KeyReference>,
        project: Option<&str>,
        place: ObjectPlace<'_>,
    ) -> Result<KeyReference, Failure> {
        let mut told = key.map(|key| key.text.clone());
        let decided = self.decide_to_seal(caller, key, project, &place.told_context(), &mut told).await;
        caller.keys.hold(KeyAction::GenerateDataKey, told, place, decided).await
    }

    /// `told` becomes the key's id, once that is known.
    async fn decide_to_seal(
        &self,
        caller: &Caller,
        key: Option<&KeyReference>,
        project: Option<&str>,
        context: &EncryptionContext,
        told: &mut Option<String>,
    ) -> Result<KeyReference, Failure> {
        let account = caller.rights.principal().account().ok_or(FailureCode::KmsNeedsSignature)?;
        let facts = self.kms.facts(account, KeySelector::of(key)).await?;
        *told = Some(facts.name.id.clone());
        let project = project.filter(|project| *project != account.default_project());
        let text = key.map_or_else(|| facts.name.id.clone(), |key| key.text.clone());
        if facts.project.as_deref() != project {
            return Err(KmsError::NotFound(Subject::Text(text)).into());
        }
        caller.rights.use_key(KeyAction::GenerateDataKey, &self.key_case(&facts)?, context)?;
        Ok(KeyReference::parse(&text).found(facts.name.clone()))
    }

    /// Holds that the caller may use the master key that an object is under, if it is under one.
    ///
    /// Metadata alone need no key, and so no right to it, but for checksums, which tell of the content; strangers need it
    /// for both, since no list or policy of a bucket reaches what is under a master key.
    pub(super) async fn hold_openable(
        &self,
        caller: &Caller,
        applied: &AppliedEncryption,
        identity: &Identity,
        tells_content: bool,
    ) -> Result<(), Failure> {
        let AppliedEncryption::Kms(applied) = applied else { return Ok(()) };
        let account = caller.rights.principal().account();
        if account.is_some_and(|account| account == applied.key.account) && !tells_content {
            return Ok(());
        }
        let place = ObjectPlace { identity, context: &applied.context, by_bucket_key: applied.bucket_key };
        let decided = self.decide_to_open(caller, account, applied, &place.told_context()).await;
        caller.keys.hold(KeyAction::DecryptDataKey, Some(applied.key.id.clone()), place, decided).await
    }

    async fn decide_to_open(
        &self,
        caller: &Caller,
        account: Option<AccountId>,
        applied: &KmsApplied,
        context: &EncryptionContext,
    ) -> Result<(), Failure> {
        let account = account.ok_or(FailureCode::KmsNeedsSignature)?;
        let key = KeyReference::parse(&applied.key.id).found(applied.key.clone());
        // What is left of a key that was destroyed is its name: who might have used it is told so.
        let case =
            Box::pin(self.key_case_of(account, &key)).await?.unwrap_or_else(|| KeyCase::bare(applied.key.clone()));
        caller.rights.use_key(KeyAction::DecryptDataKey, &case, context)
    }

    /// What decisions need to know of a key.
    fn key_case(&self, facts: &KeyFacts) -> Result<KeyCase, Failure> {
        let policy = facts.policy.as_ref().map(|policy| self.policies.understand(policy, Place::Key)).transpose();
        Ok(KeyCase {
            reference: None,
            name: facts.name.clone(),
            own_account_only: facts.project.is_some(),
            policy: policy.map_err(not_understood)?,
            grants: Arc::clone(&facts.grants),
        })
    }

    /// The failure of a reference under which nothing was found when it was decided.
    async fn missing(&self, caller: &Caller, reference: &KeyReference) -> Result<Failure, Failure> {
        let account = caller.account()?;
        match self.kms.facts(account, KeySelector::Reference(reference)).await {
            Err(error) => Ok(error.into()),
            Ok(_) => Ok(Failure::new(FailureCode::Conflict).caused_by("the key is there by now")),
        }
    }

    /// A policy that is not understood protects nothing, and one that locks its writer out can never be mended.
    fn check_policy(&self, caller: &Caller, operation: &KeyOperation) -> Result<(), Failure> {
        let (policy, locks_out, name) = match operation {
            KeyOperation::PutPolicy { key, policy, locks_out } => (policy, *locks_out, caller.rights.key_named(key)),
            KeyOperation::Create(CreateKey { policy: Some(policy), locks_out, .. }) => (policy, *locks_out, None),
            _ => return Ok(()),
        };
        let understood = Policy::parse(policy, Attached::Key).map_err(malformed)?;
        let name = match name {
            Some(name) => name.clone(),
            None => self.name_to_be(caller.account()?),
        };
        if locks_out || caller.rights.keeps_key_policy(Arc::new(understood), name) {
            return Ok(());
        }
        Err(Failure::new(FailureCode::KeyPolicyMalformed)
            .with_message("The new key policy will not allow you to update the key policy in the future."))
    }

    /// What a key that is not made yet is called.
    fn name_to_be(&self, account: AccountId) -> KeyName {
        KeyName { id: String::new(), account, region: self.region.clone(), is_default: false }
    }
}

fn malformed(invalid: InvalidPolicy) -> Failure {
    Failure::new(FailureCode::KeyPolicyMalformed).with_message(invalid.to_string())
}
