//! Grants: kept, listed and ended here; what they allow is for authorization to say.

use strongroom_model::account::{AccountId, Principal};
use strongroom_model::failure::FailureCode;
use strongroom_model::grant::{Grant, GrantConstraint, GrantTerms};
use strongroom_model::key::KeyReference;
use strongroom_model::operation::key::{GrantsOf, ListGrants};
use strongroom_model::outcome::KeyOutcome;
use strongroom_model::outcome::key::Listed;

use super::{Embedded, crypt::check_context, lifecycle};
use crate::{
    catalog::{ATTEMPTS, CatalogError, grants::GrantRow, keys::MasterKey},
    kms::{GRANTS_PER_KEY, KmsError},
    kv::Commit,
};

/// Longest spelling of a principal, and longest name of a grant, in bytes, as AWS allows.
const TEXT_BYTES: usize = 256;

/// Longest list of actions of a grant: each of the eleven, and room for a list that has some twice.
const ACTIONS_MAX: usize = 16;

impl Embedded {
    /// Makes a grant; one of the same name and terms is answered as it is.
    pub(super) async fn create_grant(
        &self,
        principal: &Principal,
        account: AccountId,
        reference: &KeyReference,
        terms: GrantTerms,
    ) -> Result<KeyOutcome, KmsError> {
        check_terms(&terms)?;
        for _ in 0..ATTEMPTS {
            let found = self.find(account, reference).await?;
            lifecycle::manageable(&found.record).map_err(|obstacle| self.obstructed(&found.record, obstacle))?;
            self.check_usable(&found.record)?;
            let grants = self.catalog.grants_of_key(account, &found.record.id).await?;
            if let Some(same) = grants.iter().find(|grant| grant.terms.name.is_some() && grant.terms == terms) {
                return Ok(KeyOutcome::Granted(self.grant(&found.record, same.clone())));
            }
            if grants.len() >= GRANTS_PER_KEY {
                let name = self.name(&found.record);
                return Err(KmsError::Refused { name, code: FailureCode::KeyLimitExceeded });
            }
            let row = GrantRow {
                id: hex::encode(self.entropy.array::<32>()?),
                key: found.record.id.clone(),
                issuer: principal.to_string(),
                created: (self.clock)(),
                terms: terms.clone(),
            };
            if self.catalog.insert_grant(&found, &row).await? == Commit::Committed {
                return Ok(KeyOutcome::Granted(self.grant(&found.record, row)));
            }
        }
        Err(CatalogError::Contended(ATTEMPTS).into())
    }

    /// The grants on a key, or those that a principal may retire.
    pub(super) async fn list_grants(
        &self,
        principal: &Principal,
        account: AccountId,
        list: ListGrants,
    ) -> Result<KeyOutcome, KmsError> {
        let mut grants = Vec::new();
        match &list.of {
            GrantsOf::Key(reference) => {
                let found = self.find(account, reference).await?.record;
                let rows = self.catalog.grants_of_key(account, &found.id).await?;
                grants.extend(rows.into_iter().map(|row| self.grant(&found, row)));
            }
            GrantsOf::Retirable(who) => {
                let who = who.clone().unwrap_or_else(|| principal.to_string());
                for row in self.catalog.grants_of_account(account).await? {
                    if row.terms.retiring.as_ref() != Some(&who) {
                        continue;
                    }
                    // A key that is gone took its grants along since the scan.
                    let Some(found) = self.catalog.master_key(&row.key).await? else { continue };
                    grants.push(self.grant(&found.record, row));
                }
            }
        }
        grants.retain(|grant| {
            list.id.as_ref().is_none_or(|id| grant.id == *id)
                && list.grantee.as_ref().is_none_or(|grantee| grant.terms.grantee == *grantee)
        });
        Ok(KeyOutcome::Grants(Listed::cut(grants, list.page)))
    }

    /// Ends a grant.
    pub(super) async fn end_grant(
        &self,
        account: AccountId,
        key: Option<KeyReference>,
        id: &str,
    ) -> Result<KeyOutcome, KmsError> {
        let grants = match key {
            Some(key) => {
                let found = self.find(account, &key).await?.record;
                self.catalog.grants_of_key(account, &found.id).await?
            }
            None => self.catalog.grants_of_account(account).await?,
        };
        let not_found = || KmsError::GrantNotFound(id.to_owned());
        let grant = grants.into_iter().find(|grant| grant.id == id).ok_or_else(not_found)?;
        match self.catalog.remove_grant(account, &grant).await? {
            Commit::Committed => Ok(KeyOutcome::Done),
            Commit::Conflict => Err(not_found()),
        }
    }

    fn grant(&self, key: &MasterKey, row: GrantRow) -> Grant {
        Grant { id: row.id, key: self.name(key), issuer: row.issuer, created: row.created, terms: row.terms }
    }
}

fn check_terms(terms: &GrantTerms) -> Result<(), KmsError> {
    let texts = [Some(&terms.grantee), terms.retiring.as_ref(), terms.name.as_ref()];
    let fits = |text: &String| (1..=TEXT_BYTES).contains(&text.len());
    if !(1..=ACTIONS_MAX).contains(&terms.actions.len()) || !texts.into_iter().flatten().all(fits) {
        return Err(KmsError::Invalid("a grant names who may do what, in 1 to 256 bytes each, at most 16 actions"));
    }
    match &terms.constraint {
        Some(GrantConstraint::Equals(context) | GrantConstraint::Subset(context)) => check_context(context),
        None => Ok(()),
    }
}
