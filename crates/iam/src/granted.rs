//! The proof that an operation was authorized.

use std::sync::Arc;

use strongroom_model::account::{AccountId, Principal};
use strongroom_model::acl::Acl;
use strongroom_model::action::{Action, KeyAction, Resource};
use strongroom_model::circumstance::Circumstances;
use strongroom_model::encryption::EncryptionContext;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::key::{KeyName, KeyReference};
use strongroom_model::name::{BucketName, ObjectKey};
use strongroom_model::operation::Operation;

use crate::acl;
use crate::case::{Case, Requester, Transport};
use crate::decision::{Permission, decide};
use crate::facts;
use crate::keys::{self, KeyCase, Use};
use crate::policy::Policy;
use crate::policy::fact::Facts;

/// An operation that its principal may run. Only [`crate::authorize()`] makes one.
#[derive(Debug)]
pub struct Granted {
    operation: Operation,
    verdicts: Vec<Verdict>,
    may_list: bool,
    rights: Rights,
}

/// Whether one of the things that an operation requires is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It is; an object that [`Rights::admit`] is asked about may refuse yet.
    Allowed,
    /// It is not. Only a batch is granted with some of these.
    Denied,
}

/// What the caller may do besides, as far as it is known only when the operation runs: use the keys that it finds, and
/// read the objects whose own lists let it.
#[derive(Debug, Clone)]
pub struct Rights {
    case: Arc<Case>,
    /// The objects whose own access control lists decide.
    asked: Vec<(BucketName, ObjectKey)>,
}

impl Granted {
    pub(crate) fn new(operation: Operation, verdicts: Vec<Verdict>, may_list: bool, rights: Rights) -> Self {
        Self { operation, verdicts, may_list, rights }
    }

    /// What is to be done.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// For whom.
    pub fn principal(&self) -> &Principal {
        self.rights.principal()
    }

    /// A verdict for each of [`Operation::required`], in that order; all allowed but in a batch.
    pub fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    /// Whether the caller may list the bucket, and so may know that an object does not exist: 404 rather than 403.
    pub fn may_list(&self) -> bool {
        self.may_list
    }

    /// What the connection may carry.
    pub fn transport(&self) -> Transport {
        self.rights.case.transport
    }

    /// What else the caller may do.
    pub fn rights(&self) -> &Rights {
        &self.rights
    }

    /// The operation itself, to be run.
    pub fn into_operation(self) -> Operation {
        self.operation
    }
}

impl Rights {
    pub(crate) fn new(case: Arc<Case>, asked: Vec<(BucketName, ObjectKey)>) -> Self {
        Self { case, asked }
    }

    /// Whose rights.
    pub fn principal(&self) -> &Principal {
        &self.case.subject.requester.principal
    }

    /// Who asks, and with which access key.
    pub fn requester(&self) -> &Requester {
        &self.case.subject.requester
    }

    /// Where, when and how it is asked.
    pub fn circumstances(&self) -> &Circumstances {
        &self.case.circumstances
    }

    /// What a refusal is answered: to sign in, or that it is not allowed.
    pub fn refusal(&self) -> FailureCode {
        match self.principal() {
            Principal::Anonymous => FailureCode::AnonymousDenied,
            Principal::Root(_) | Principal::User(..) => FailureCode::AccessDenied,
        }
    }

    /// Holds that the bucket found is the one that authorization was about: another one may have got its name since.
    ///
    /// # Errors
    /// `Conflict`.
    pub fn recognise(&self, bucket: &BucketName, id: [u8; 16], owner: AccountId) -> Result<(), Failure> {
        match self.case.bucket_named(bucket) {
            Some(known) if known.id == id && known.owner == owner => Ok(()),
            Some(_) | None => Err(Failure::new(FailureCode::Conflict).caused_by("the bucket is another one by now")),
        }
    }

    /// Holds an object that was found against its own access control list, if that is what decides.
    ///
    /// # Errors
    /// As [`Rights::refusal`].
    pub fn admit(&self, bucket: &BucketName, key: &ObjectKey, list: &Acl) -> Result<(), Failure> {
        let decides = self.asked.iter().any(|(its_bucket, its_key)| its_bucket == bucket && its_key == key);
        if !decides || self.list_admits(bucket, list) { Ok(()) } else { Err(self.refusal().into()) }
    }

    /// Holds that the caller may read an object that the operation did not name, but came upon: where a symbolic link leads.
    ///
    /// # Errors
    /// As [`Rights::refusal`].
    pub fn read_besides(&self, bucket: &BucketName, key: &ObjectKey, list: &Acl) -> Result<(), Failure> {
        let resource = Resource::Object(bucket.clone(), key.clone());
        let gather = || facts::of_case(&self.case);
        let decision = decide(Action::GetObject, &resource, &self.case, &Facts::new(&gather));
        match decision.answer {
            Permission::Allowed => Ok(()),
            Permission::IfObjectAdmits if self.list_admits(bucket, list) => Ok(()),
            Permission::IfObjectAdmits | Permission::Denied => {
                Err(Failure::new(self.refusal()).caused_by(decision.to_string()))
            }
        }
    }

    /// Holds that the caller may do `action` with a master key for an object. Neither lists nor policies of buckets give
    /// anybody a right to a key: it takes what the caller's own policies, the key's policy and the grants on it say.
    ///
    /// # Errors
    /// `KmsNeedsSignature` to who has not signed in, `KeyDenied` to all others; its cause names the missing permission.
    pub fn use_key(&self, action: KeyAction, key: &KeyCase, context: &EncryptionContext) -> Result<(), Failure> {
        if *self.principal() == Principal::Anonymous {
            return Err(FailureCode::KmsNeedsSignature.into());
        }
        let gather = || facts::of_key_use(context, &self.case);
        let decision = keys::decide(&Use::new(action, Some(context)), key, &self.case, &Facts::new(&gather));
        match decision.answer {
            Permission::Allowed => Ok(()),
            Permission::IfObjectAdmits | Permission::Denied => Err(Failure::new(FailureCode::KeyDenied)
                .caused_by(format!("{action:?} with key {}: {decision}", key.name.id))),
        }
    }

    /// The name of the key that `reference` was found to be before it was decided.
    pub fn key_named(&self, reference: &KeyReference) -> Option<&KeyName> {
        self.case.key_named(reference).map(|key| &key.name)
    }

    /// The name of the key that a ciphertext was found to name.
    pub fn unnamed_key(&self) -> Option<&KeyName> {
        self.case.unnamed_key().map(|key| &key.name)
    }

    /// Whether the caller could still replace the policy of a key of that name, were it `policy`.
    pub fn keeps_key_policy(&self, policy: Arc<Policy>, name: KeyName) -> bool {
        keys::keeps_policy(policy, name, &self.case)
    }

    fn list_admits(&self, bucket: &BucketName, list: &Acl) -> bool {
        let case = self.case.bucket_named(bucket);
        case.is_some_and(|bucket| acl::object_admits(list, self.principal(), bucket))
    }
}
