//! What every key service must do: run it against a provider, and it panics where the provider is wrong.

use std::{collections::BTreeMap, sync::Arc};

use strongroom_model::account::AccountId;
use strongroom_model::failure::FailureCode;
use strongroom_model::key::{KeyDescription, KeyReference, KeySpec, KeyState};
use strongroom_model::name::Region;
use strongroom_model::operation::key::CreateKey;
use strongroom_seal::{AES_256_GCM, AES_256_GCM_TWICE, Binding, SM4_GCM};

use super::{DataKey, KeySelector, Kms, KmsError, reference::DEFAULT_ALIASES};

/// An id that has the form of one, and is no key's.
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// A key service and two accounts that have no keys yet.
pub struct Subject {
    /// The service.
    pub kms: Arc<dyn Kms>,
    /// Its region.
    pub region: Region,
    /// An account.
    pub account: AccountId,
    /// Another one.
    pub other: AccountId,
}

/// Runs all of it.
///
/// # Panics
/// Where the service is not as it should be.
pub async fn run(subject: &Subject) {
    subject.proves_itself().await;
    subject.what_it_wraps_it_unwraps().await;
    subject.a_wrapped_key_opens_in_its_place_only().await;
    subject.the_default_key_is_one_under_all_its_names().await;
    subject.the_managed_key_is_hidden().await;
    subject.keys_are_made_described_and_listed().await;
    subject.every_state_has_its_answer().await;
    subject.a_deletion_can_be_called_off().await;
    subject.the_default_key_cannot_be_changed().await;
    subject.aliases_point_move_and_go().await;
    subject.what_is_not_a_key_here_has_its_own_error().await;
    subject.older_versions_stay_for_reading().await;
}

impl Subject {
    async fn proves_itself(&self) {
        assert!(!self.kms.prove().await.expect("a healthy service proves itself").is_empty());
    }

    async fn what_it_wraps_it_unwraps(&self) {
        let (aes, sm4) = (self.made(KeySpec::Aes256).await, self.made(KeySpec::Sm4).await);
        let (aes, sm4) = (reference(&aes.name.id), reference(&sm4.name.id));
        for which in
            [KeySelector::Default, KeySelector::Managed, KeySelector::Reference(&aes), KeySelector::Reference(&sm4)]
        {
            for suite in [&AES_256_GCM, &SM4_GCM, &AES_256_GCM_TWICE] {
                let context = BTreeMap::from([("purpose".to_owned(), "test".to_owned())]);
                let binding = Binding { context: &context, ..place(&NO_CONTEXT) };
                let fresh = self.kms.data_key(self.account, which, suite, &binding).await.expect("keys seal");
                assert_eq!(fresh.envelope.suite(), suite);
                let key = fresh.envelope.key().expect("a sealed envelope has a key");
                assert_eq!((&key.context, key.key_id.as_str()), (&context, fresh.name.id.as_str()));
                let opened = self.kms.unwrap(&fresh.envelope, &binding).await.expect("what was wrapped unwraps");
                assert!(exposed(&opened.content) == exposed(&fresh.content), "{which:?} gave another key back");
                let again = self.kms.data_key(self.account, which, suite, &binding).await.expect("keys seal");
                assert!(exposed(&again.content) != exposed(&fresh.content), "a data key was given twice");
            }
        }
    }

    async fn a_wrapped_key_opens_in_its_place_only(&self) {
        let fresh = self.sealed(KeySelector::Default).await.expect("the default key seals");
        let context = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        let home = place(&NO_CONTEXT);
        for elsewhere in [
            Binding { account: "x", ..home },
            Binding { bucket: "x", ..home },
            Binding { key: "x", ..home },
            Binding { version: "x", ..home },
            Binding { context: &context, ..home },
        ] {
            let refused = self.kms.unwrap(&fresh.envelope, &elsewhere).await;
            assert!(matches!(refused, Err(KmsError::Damaged(_))), "{elsewhere:?}");
        }
        self.kms.unwrap(&fresh.envelope, &home).await.expect("it opens at home, even after others tried");
    }

    async fn the_default_key_is_one_under_all_its_names(&self) {
        let default = self.sealed(KeySelector::Default).await.expect("the default key appears").name;
        assert!(default.is_default);
        assert_eq!((default.account, &default.region), (self.account, &self.region));
        for alias in DEFAULT_ALIASES {
            let alias = reference(&format!("alias/{alias}"));
            let sealed = self.sealed(KeySelector::Reference(&alias)).await.expect("it answers to its aliases");
            assert_eq!(sealed.name, default);
            assert_eq!(self.kms.describe(self.account, &alias).await.expect("it is described").name, default);
        }
        let foreign = self.kms.data_key(self.other, KeySelector::Default, &AES_256_GCM, &place(&NO_CONTEXT)).await;
        assert_ne!(foreign.expect("every account has one").name.id, default.id);
    }

    async fn the_managed_key_is_hidden(&self) {
        let managed = self.sealed(KeySelector::Managed).await.expect("the managed key appears").name;
        let default = self.sealed(KeySelector::Default).await.expect("the default key appears").name;
        assert_ne!(managed.id, default.id);
        let named = reference(&managed.id);
        assert!(matches!(self.kms.describe(self.account, &named).await, Err(KmsError::NotFound(_))));
        assert!(matches!(self.kms.disable(self.account, &named).await, Err(KmsError::NotFound(_))));
        assert!(matches!(self.sealed(KeySelector::Reference(&named)).await, Err(KmsError::NotFound(_))));
        let listed = self.kms.list(self.account).await.expect("keys are listed");
        assert!(listed.iter().all(|key| key.name.id != managed.id));
    }

    async fn keys_are_made_described_and_listed(&self) {
        let before = self.kms.list(self.account).await.expect("keys are listed");
        let asked =
            CreateKey { description: "for Günter".into(), alias: Some("made".into()), ..CreateKey::new(KeySpec::Sm4) };
        let made = self.kms.create(self.account, &asked).await.expect("a key is made");
        assert_eq!((made.spec, made.description.as_str(), made.version), (KeySpec::Sm4, "for Günter", 1));
        assert_eq!((made.state, made.aliases.as_slice()), (KeyState::Enabled, &["made".to_owned()][..]));
        assert!(!made.name.is_default && KeyReference::parse(&made.name.id).is_well_formed());
        for name in [made.name.id.as_str(), "alias/made"] {
            assert_eq!(self.kms.describe(self.account, &reference(name)).await.expect("it is described"), made);
        }
        let after = self.kms.list(self.account).await.expect("keys are listed");
        assert_eq!(after.len(), before.len() + 1);
        assert!(after.contains(&made));
        assert!(after.is_sorted_by_key(|key| key.created));
        assert!(!self.kms.list(self.other).await.expect("keys are listed").contains(&made));
    }

    async fn every_state_has_its_answer(&self) {
        let (key, sealed) = self.in_use().await;
        let home = place(&NO_CONTEXT);
        for _ in 0..2 {
            let described = self.kms.disable(self.account, &key).await.expect("an enabled key can be disabled, twice");
            assert_eq!(described.state, KeyState::Disabled);
            let disabled = |error| matches!(error, KmsError::Disabled(name) if name == sealed.name);
            assert!(self.sealed(KeySelector::Reference(&key)).await.err().is_some_and(disabled));
            assert!(self.kms.unwrap(&sealed.envelope, &home).await.err().is_some_and(disabled));
            assert!(self.kms.rotate(self.account, &key).await.err().is_some_and(disabled));
        }
        for _ in 0..2 {
            self.kms.enable(self.account, &key).await.expect("a disabled key can be enabled, twice");
            self.kms.unwrap(&sealed.envelope, &home).await.expect("enabling brings the data back");
            self.sealed(KeySelector::Reference(&key)).await.expect("enabling lets it seal");
        }
    }

    async fn a_deletion_can_be_called_off(&self) {
        let (key, sealed) = self.in_use().await;
        for days in [0, 6, 1097, u32::MAX] {
            let refused = self.kms.schedule_deletion(self.account, &key, days).await;
            assert!(matches!(refused, Err(KmsError::Invalid(_))), "{days} days");
        }
        let none = self.kms.cancel_deletion(self.account, &key).await;
        assert!(matches!(none, Err(KmsError::StateConflict { .. })), "there is no deletion to cancel");
        let planned = self.kms.schedule_deletion(self.account, &key, 7).await.expect("a deletion can be planned");
        assert!(matches!(planned.state, KeyState::PendingDeletion { deletion } if deletion > planned.created));
        assert!(self.kms.tend().await.expect("due keys are destroyed").destroyed.is_empty(), "nothing is due yet");
        let pending = |error| matches!(error, KmsError::PendingDeletion(name) if name == sealed.name);
        let home = place(&NO_CONTEXT);
        assert!(self.sealed(KeySelector::Reference(&key)).await.err().is_some_and(pending));
        assert!(self.kms.unwrap(&sealed.envelope, &home).await.err().is_some_and(pending));
        for refused in [
            self.kms.enable(self.account, &key).await,
            self.kms.disable(self.account, &key).await,
            self.kms.schedule_deletion(self.account, &key, 7).await,
            self.kms.set_alias(self.account, "late", &key).await,
        ] {
            assert!(matches!(refused, Err(KmsError::StateConflict { .. })));
        }
        let back = self.kms.cancel_deletion(self.account, &key).await.expect("the deletion can be called off");
        assert_eq!(back.state, KeyState::Disabled);
        self.kms.enable(self.account, &key).await.expect("it can be enabled again");
        self.kms.unwrap(&sealed.envelope, &home).await.expect("the data is back");
    }

    async fn the_default_key_cannot_be_changed(&self) {
        let default = self.sealed(KeySelector::Default).await.expect("the default key appears").name;
        for name in [default.id.clone(), format!("alias/{}", DEFAULT_ALIASES[0])] {
            let key = reference(&name);
            for refused in [
                self.kms.disable(self.account, &key).await,
                self.kms.schedule_deletion(self.account, &key, 7).await,
                self.kms.set_alias(self.account, "mine", &key).await,
                self.kms.rotate(self.account, &key).await,
            ] {
                assert!(matches!(refused, Err(KmsError::Refused { code: FailureCode::KeyServiceManaged, .. })));
            }
        }
    }

    async fn aliases_point_move_and_go(&self) {
        let (first, second) = (self.made(KeySpec::Aes256).await.name, self.made(KeySpec::Aes256).await.name);
        let alias = reference("alias/moving");
        assert!(matches!(self.kms.describe(self.account, &alias).await, Err(KmsError::AliasNotFound(_))));
        assert!(matches!(self.sealed(KeySelector::Reference(&alias)).await, Err(KmsError::AliasNotFound(_))));
        for (spelling, target) in [("moving", &first), ("alias/moving", &second)] {
            let pointed = self.kms.set_alias(self.account, spelling, &reference(&target.id)).await;
            assert_eq!(pointed.expect("an alias is set, or moved").aliases, ["moving"]);
            assert_eq!(self.sealed(KeySelector::Reference(&alias)).await.expect("it seals").name, *target);
        }
        let left = self.kms.describe(self.account, &reference(&first.id)).await.expect("it is described");
        assert!(left.aliases.is_empty(), "an alias points at one key");
        let asked = CreateKey { alias: Some("moving".into()), ..CreateKey::new(KeySpec::Aes256) };
        assert!(
            matches!(self.kms.create(self.account, &asked).await, Err(KmsError::NameTaken(name)) if name == "moving")
        );
        self.kms.create(self.other, &asked).await.expect("another account has aliases of its own");
        self.kms.remove_alias(self.account, "moving").await.expect("an alias is removed");
        assert!(matches!(self.kms.remove_alias(self.account, "moving").await, Err(KmsError::AliasNotFound(_))));
        assert!(matches!(self.sealed(KeySelector::Reference(&alias)).await, Err(KmsError::AliasNotFound(_))));
        for bad in DEFAULT_ALIASES.into_iter().chain(["alias/aws/x", "not an alias"]) {
            let set = self.kms.set_alias(self.account, bad, &reference(&first.id)).await;
            assert!(matches!(set, Err(KmsError::Invalid(_))), "{bad}");
            assert!(matches!(self.kms.remove_alias(self.account, bad).await, Err(KmsError::Invalid(_))));
        }
    }

    async fn what_is_not_a_key_here_has_its_own_error(&self) {
        let id = self.made(KeySpec::Aes256).await.name.id;
        let (here, account) = (self.region.as_str(), self.account.aws());
        let is = |text: String, expected: fn(&KmsError) -> bool| async move {
            let key = reference(&text);
            let (sealed, described) = (
                self.sealed(KeySelector::Reference(&key)).await.err(),
                self.kms.describe(self.account, &key).await.err(),
            );
            assert!(sealed.as_ref().is_some_and(expected), "{text}: {sealed:?}");
            assert!(described.as_ref().is_some_and(expected), "{text}: {described:?}");
        };
        is("fake-key-id".into(), |error| matches!(error, KmsError::Malformed(_))).await;
        is(NOBODY.into(), |error| matches!(error, KmsError::NotFound(_))).await;
        is("alias/nobody".into(), |error| matches!(error, KmsError::AliasNotFound(_))).await;
        is(format!("arn:aws:kms:not-{here}:{account}:key/{id}"), |error| matches!(error, KmsError::OtherRegion(_)))
            .await;
        is(format!("arn:aws:kms:{here}:{}:key/{id}", self.other.aws()), |error| matches!(error, KmsError::NotFound(_)))
            .await;
        let foreign = self.kms.describe(self.other, &reference(&id)).await;
        assert!(matches!(foreign, Err(KmsError::NotFound(_))), "another account's key is not found");
        let spelled = reference(&format!("arn:aws:kms:{here}:{account}:key/{}", id.to_uppercase()));
        assert_eq!(self.sealed(KeySelector::Reference(&spelled)).await.expect("it is the key").name.id, id);
    }

    async fn older_versions_stay_for_reading(&self) {
        let (key, first) = self.in_use().await;
        let rotated = self.kms.rotate(self.account, &key).await.expect("a key is rotated");
        assert_eq!(rotated.version, 2);
        let second = self.sealed(KeySelector::Reference(&key)).await.expect("the new version seals");
        assert_eq!(version(&first) + 1, version(&second));
        for sealed in [first, second] {
            let opened = self.kms.unwrap(&sealed.envelope, &place(&NO_CONTEXT)).await.expect("every version opens");
            assert!(exposed(&opened.content) == exposed(&sealed.content));
        }
    }

    /// A new key.
    async fn made(&self, spec: KeySpec) -> KeyDescription {
        self.kms.create(self.account, &CreateKey::new(spec)).await.expect("a key is made")
    }

    /// A new key, and something sealed under it.
    async fn in_use(&self) -> (KeyReference, DataKey) {
        let key = reference(&self.made(KeySpec::Aes256).await.name.id);
        let sealed = self.sealed(KeySelector::Reference(&key)).await.expect("a new key seals");
        (key, sealed)
    }

    async fn sealed(&self, which: KeySelector<'_>) -> Result<DataKey, KmsError> {
        self.kms.data_key(self.account, which, &AES_256_GCM, &place(&NO_CONTEXT)).await
    }
}

static NO_CONTEXT: BTreeMap<String, String> = BTreeMap::new();

fn place(context: &BTreeMap<String, String>) -> Binding<'_> {
    Binding { account: "account", bucket: "bucket", key: "key", version: "version", context }
}

fn reference(text: &str) -> KeyReference {
    KeyReference::parse(text)
}

fn exposed(content: &strongroom_seal::ContentKey) -> &[u8] {
    content.data_key().expect("a sealed object has a data key").expose()
}

fn version(key: &DataKey) -> u32 {
    key.envelope.key().expect("a sealed envelope has a key").key_version
}
