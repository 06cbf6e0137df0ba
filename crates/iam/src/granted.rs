//! The proof that an operation was authorized.

use std::sync::Arc;

use strongroom_model::account::{AccountId, Principal};
use strongroom_model::acl::Acl;
use strongroom_model::action::{Action, KeyAction, Resource};
use strongroom_model::encryption::EncryptionContext;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::key::KeyName;
use strongroom_model::name::{BucketName, ObjectKey};
use strongroom_model::operation::Operation;

use crate::acl;
use crate::case::{Case, Requester, Transport};
use crate::decision::{Permission, decide, decide_key};
use crate::facts;
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

    /// Holds that the caller may do `action` with a master key. Neither lists nor policies of buckets give anybody a right
    /// to a key: it takes the caller's own policies, and across accounts the consent of the key's owner, `granted`.
    ///
    /// # Errors
    /// `KmsNeedsSignature` to who has not signed in, `KeyDenied` to all others.
    pub fn use_key(
        &self,
        action: KeyAction,
        key: &KeyName,
        context: &EncryptionContext,
        granted: bool,
    ) -> Result<(), Failure> {
        let Some(account) = self.principal().account() else {
            return Err(FailureCode::KmsNeedsSignature.into());
        };
        let denied = |why: String| Failure::new(FailureCode::KeyDenied).caused_by(format!("{action:?}: {why}"));
        if account != key.account && !granted {
            return Err(denied("the key is another account's, which has not granted its use".to_owned()));
        }
        let gather = || facts::of_key_use(context, &self.case);
        let facts = Facts::new(&gather);
        let resource = Resource::Key(facts::reference(key));
        let decision = decide_key(Action::Key(action), &resource, key.account, &self.case, &facts);
        match decision.answer {
            Permission::Allowed => Ok(()),
            Permission::IfObjectAdmits | Permission::Denied => Err(denied(decision.to_string())),
        }
    }

    fn list_admits(&self, bucket: &BucketName, list: &Acl) -> bool {
        let case = self.case.bucket_named(bucket);
        case.is_some_and(|bucket| acl::object_admits(list, self.principal(), bucket))
    }
}
