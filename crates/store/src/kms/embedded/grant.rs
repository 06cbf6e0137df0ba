//! Grants: kept, listed and ended here; what they allow is for `iam` to say.

use strongroom_model::account::{AccountId, Principal};
use strongroom_model::failure::FailureCode;
use strongroom_model::grant::{GrantConstraint, GrantTerms};
use strongroom_model::key::KeyReference;
use strongroom_model::operation::key::{GrantsOf, ListGrants};
use strongroom_model::outcome::KeyOutcome;
use strongroom_model::outcome::key::Listed;

use super::{Embedded, crypt::check_context, lifecycle};
use crate::{
    catalog::{ATTEMPTS, CatalogError, grants::GrantRow},
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
        let _forgetting = self.known.clear_at_last();
        for _ in 0..ATTEMPTS {
            let found = self.find(account, reference).await?;
            lifecycle::manageable(&found.record).map_err(|obstacle| self.obstructed(&found.record, obstacle))?;
            self.check_usable(&found.record)?;
            let grants = self.catalog.grants_of_key(found.record.account, &found.record.id).await?;
            if let Some(same) = grants.iter().find(|grant| grant.terms.name.is_some() && grant.terms == terms) {
                return Ok(KeyOutcome::Granted(same.clone().on(self.name(&found.record))));
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
                return Ok(KeyOutcome::Granted(row.on(self.name(&found.record))));
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
                let rows = self.catalog.grants_of_key(found.account, &found.id).await?;
                grants.extend(rows.into_iter().map(|row| row.on(self.name(&found))));
            }
            GrantsOf::Retirable(who) => {
                let named =
                    who.as_deref().map_or_else(|| Some(principal.clone()), |who| Principal::parse(who, account));
                let who = named.ok_or(KmsError::Invalid("nobody of that name can be here"))?;
                for row in self.catalog.grants_of_account(account).await? {
                    let retiring = row.terms.retiring.as_deref().and_then(|text| Principal::parse(text, account));
                    if retiring.as_ref() != Some(&who) {
                        continue;
                    }
                    // A key that is gone took its grants along since the scan.
                    let Some(found) = self.catalog.master_key(&row.key).await? else { continue };
                    grants.push(row.on(self.name(&found.record)));
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
        key: &KeyReference,
        id: &str,
    ) -> Result<KeyOutcome, KmsError> {
        let _forgetting = self.known.clear_at_last();
        let found = self.find(account, key).await?.record;
        let grants = self.catalog.grants_of_key(found.account, &found.id).await?;
        let not_found = || KmsError::GrantNotFound(id.to_owned());
        let grant = grants.into_iter().find(|grant| grant.id == id).ok_or_else(not_found)?;
        match self.catalog.remove_grant(found.account, &grant).await? {
            Commit::Committed => Ok(KeyOutcome::Done),
            Commit::Conflict => Err(not_found()),
        }
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
