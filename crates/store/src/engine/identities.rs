//! Identities: accounts, groups, policies, access keys, temporary ones, and the dry run of a decision.

use std::sync::Arc;

use strongroom_iam::{Attached, ImaginedEncryption, InvalidPolicy, Permission, Policy, read_action, simulate};
use strongroom_model::account::{AccountId, Principal};
use strongroom_model::action::Resource;
use strongroom_model::circumstance::{Circumstances, RequestWords};
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::AccessKeyId;
use strongroom_model::operation::IdentityOperation;
use strongroom_model::operation::identity::{Asker, Simulation};
use strongroom_model::outcome::identity::{IdentityOutcome, IssuedToken};
use strongroom_model::policy::{PolicyDocument, PolicyLanguage};
use strongroom_model::secret::SecretKey;

use super::{Caller, Engine};
use crate::catalog::identities::{Addition, NewAccessKey};
use crate::catalog::rights::Changed;
use crate::catalog::tokens::Token;
use crate::credentials;

/// Ids and numbers that are tried before giving up; two of 100 random bits are never alike.
const ATTEMPTS: usize = 8;

impl Engine {
    /// Does an operation on identities of the caller's account.
    pub(super) async fn identity_operation(
        &self,
        caller: &Caller,
        operation: IdentityOperation,
    ) -> Result<IdentityOutcome, Failure> {
        use IdentityOperation as Do;
        let (account, now, catalog) = (caller.account()?, self.now(), &self.catalog);
        let changed = match operation {
            Do::CreateAccount => return self.create_account(account).await,
            Do::ListAccounts => {
                self.hold_first(account)?;
                return Ok(IdentityOutcome::Accounts(catalog.accounts().await?));
            }
            Do::GetPolicy(name) => {
                let found = catalog.policy(account, name.as_str()).await?;
                return Ok(IdentityOutcome::Policy(
                    found.map(Arc::unwrap_or_clone).ok_or_else(|| refusal(Changed::NotThere))?,
                ));
            }
            Do::ListPolicies => return Ok(IdentityOutcome::Policies(catalog.policies(account).await?)),
            Do::ListGroups => return Ok(IdentityOutcome::Groups(catalog.groups(account).await?)),
            Do::ListAccessKeys(user) => {
                let found = catalog.access_keys(account, &user).await?;
                return Ok(IdentityOutcome::AccessKeys(found.ok_or_else(|| refusal(Changed::NotThere))?));
            }
            Do::CreateAccessKey(user) => {
                let key = credentials::access_key(&self.entropy)?;
                return match catalog.add_access_key(account, &user, &key, now).await? {
                    Changed::Done => Ok(IdentityOutcome::AccessKeyCreated { id: key.id, secret: key.secret }),
                    refused => Err(refusal(refused)),
                };
            }
            Do::IssueToken { seconds, policy } => return self.issue_token(caller, seconds, policy),
            Do::Simulate(simulation) => return self.simulate(account, *simulation).await,
            Do::PutPolicy { name, document } => {
                Policy::parse(&document, Attached::Identity).map_err(malformed)?;
                catalog.put_policy(account, &name, &document, now).await?
            }
            Do::DeletePolicy(name) => catalog.delete_policy(account, &name).await?,
            Do::AttachPolicy { policy, holder } => catalog.hold(account, &holder, &policy, true).await?,
            Do::DetachPolicy { policy, holder } => catalog.hold(account, &holder, &policy, false).await?,
            Do::CreateGroup(name) => catalog.create_group(account, &name, now).await?,
            Do::DeleteGroup(name) => catalog.delete_group(account, &name).await?,
            Do::AddMember { group, user } => catalog.join(account, &group, &user, true).await?,
            Do::RemoveMember { group, user } => catalog.join(account, &group, &user, false).await?,
            Do::SetAccessKey { user, id, enabled } => catalog.set_access_key(account, &user, &id, enabled).await?,
            Do::DeleteAccessKey { user, id } => catalog.delete_access_key(account, &user, &id).await?,
        };
        match changed {
            Changed::Done => Ok(IdentityOutcome::Done),
            refused => Err(refusal(refused)),
        }
    }

    /// Makes an account. Its number is greater than that of the account that the data folder was made for, which is known by
    /// being the least.
    async fn create_account(&self, caller: AccountId) -> Result<IdentityOutcome, Failure> {
        self.hold_first(caller)?;
        for _ in 0..ATTEMPTS {
            let account = credentials::account(self.first_account, &self.entropy)?;
            let NewAccessKey { id, secret } = credentials::access_key(&self.entropy)?;
            let key = NewAccessKey { id: id.clone(), secret: SecretKey::new(secret.expose().to_owned()) };
            if self.catalog.create_account(account, &key, self.now()).await? == Addition::Added {
                return Ok(IdentityOutcome::AccountCreated { account, access_key: id, secret });
            }
        }
        Err(Failure::new(FailureCode::Internal).caused_by("no account number was free"))
    }

    /// Accounts, and the store as a whole, are the business of the account that the data folder was made for.
    pub(super) fn hold_first(&self, caller: AccountId) -> Result<(), Failure> {
        match caller == self.first_account {
            true => Ok(()),
            false => Err(Failure::new(FailureCode::AccessDenied)
                .with_message("Only the first account of a server administers accounts and the server as a whole.")),
        }
    }

    /// Issues a temporary access key. It is in no row: the token holds all that is known of it, sealed.
    fn issue_token(
        &self,
        caller: &Caller,
        seconds: u32,
        policy: Option<PolicyDocument>,
    ) -> Result<IdentityOutcome, Failure> {
        let requester = caller.rights.requester();
        if requester.session.is_some() {
            return Err(
                Failure::new(FailureCode::AccessDenied).with_message("A temporary access key issues no other one.")
            );
        }
        if !IdentityOperation::TOKEN_SECONDS.contains(&seconds) {
            return Err(invalid("A temporary access key is good for 900 to 129600 seconds."));
        }
        if let Some(policy) = &policy {
            Policy::parse(policy, Attached::Identity).map_err(malformed)?;
            if policy.text.len() > IdentityOperation::SESSION_POLICY_BYTES {
                return Err(invalid("The policy of a temporary access key has at most 2048 bytes."));
            }
        }
        let NewAccessKey { id, secret } = credentials::access_key(&self.entropy)?;
        let issued = self.now();
        let expires = issued.plus_millis(i64::from(seconds) * 1000);
        let copy = SecretKey::new(secret.expose().to_owned());
        let token = Token { principal: requester.principal.clone(), secret: copy, issued, expires, policy };
        let token = self.catalog.seal_token(&id, token)?;
        Ok(IdentityOutcome::Token(Box::new(IssuedToken { access_key: id, secret, token, expires })))
    }

    /// What would be decided of a request that nobody makes. One's own principals and buckets only: a decision names the
    /// statements of policies.
    async fn simulate(&self, account: AccountId, asked: Simulation) -> Result<IdentityOutcome, Failure> {
        let known = PolicyLanguage::ALL.iter().find_map(|language| read_action(*language, &asked.action));
        let actions = known.ok_or_else(|| invalid("No language of policies has an action of that name."))?;
        let principal = match asked.asker {
            Asker::Nobody => Principal::Anonymous,
            Asker::Root => Principal::Root(account),
            Asker::User(name) => Principal::User(account, name),
        };
        let bucket = match &asked.resource {
            Resource::Bucket(name) | Resource::Object(name, _) => self.bucket_case(name).await?,
            _ => None,
        };
        if bucket.as_ref().is_some_and(|bucket| bucket.owner != account) {
            return Err(FailureCode::AccessDenied.into());
        }
        let key = match &asked.resource {
            Resource::Key(reference) => self.key_case_of(account, reference).await?,
            _ => None,
        };
        let words = RequestWords {
            acl: asked.acl,
            referer: asked.referer,
            user_agent: asked.user_agent,
            ..RequestWords::default()
        };
        let circumstances =
            Circumstances { request: None, source: asked.source, tls: asked.tls, now: self.now(), words };
        let case = self.imagined_case(principal, circumstances, bucket, key).await?;
        let encryption = ImaginedEncryption {
            method: asked.encryption,
            key: asked.encryption_key,
            customer_algorithm: asked.customer_algorithm,
        };
        let decisions = actions.iter().map(|action| simulate(*action, &asked.resource, &encryption, &case));
        let decisions: Vec<_> = decisions.collect();
        let refused = decisions.iter().find(|decision| decision.answer != Permission::Allowed);
        let decision = refused.or(decisions.first()).ok_or(FailureCode::Internal)?;
        Ok(IdentityOutcome::Simulated { allowed: refused.is_none(), decision: decision.to_string() })
    }

    /// Who holds a temporary access key, if the token is that of the access key and its time is not over.
    pub(super) fn token(&self, id: &AccessKeyId, token: &str) -> Result<Token, Failure> {
        let opened = self
            .catalog
            .open_token(id, token)
            .map_err(|error| Failure::new(FailureCode::InvalidToken).caused_by(error))?;
        if opened.expires <= self.now() {
            return Err(FailureCode::TokenExpired.into());
        }
        match opened.principal {
            Principal::Anonymous => Err(FailureCode::InvalidToken.into()),
            Principal::Root(_) | Principal::User(..) => Ok(opened),
        }
    }
}

fn refusal(changed: Changed) -> Failure {
    let (code, message) = match changed {
        Changed::Done => (FailureCode::Internal, "what was done was refused"),
        Changed::NotThere => (FailureCode::InvalidRequest, "there is no such identity"),
        Changed::OtherNotThere => (FailureCode::InvalidRequest, "there is no such policy or group"),
        Changed::Taken => (FailureCode::AlreadyExists, "there is one of that name"),
        Changed::InUse => (FailureCode::InvalidRequest, "it is attached to somebody, or has members"),
        Changed::TooMany => (FailureCode::InvalidRequest, "there are as many as there may be"),
    };
    Failure::new(code).with_message(message)
}

fn invalid(message: &'static str) -> Failure {
    Failure::new(FailureCode::InvalidArgument).with_message(message)
}

fn malformed(invalid: InvalidPolicy) -> Failure {
    Failure::new(FailureCode::MalformedPolicy).with_message(invalid.to_string())
}
