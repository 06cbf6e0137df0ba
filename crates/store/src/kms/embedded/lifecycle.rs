//! The state machine of master keys: every change of a key that its owner, or time, can bring about, as a function on its record.
//! Each is committed by who calls it, in one checked commit; docs/KEYS.md has it as a table.

use strongroom_model::failure::FailureCode;
use strongroom_model::key::{KeyOrigin, KeyState, VersionCause};
use strongroom_model::operation::key::{ROTATION_DAYS, RotationChange};
use strongroom_model::time::Timestamp;

use crate::{
    catalog::keys::{Fingerprint, KeyVersion, MasterKey, Role},
    kms::VERSIONS_PER_KEY,
};

/// A day in milliseconds.
pub(super) const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Why a key cannot be changed so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// It is in this state, as it completes "the key is …".
    State(&'static str),
    /// Anything else.
    Is(FailureCode),
}

type Change = Result<(), Obstacle>;

/// A state that a key can be turned to and fro.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    On,
    Off,
}

/// What time has done to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Elapsed {
    /// Its deletion is due.
    Doomed,
    /// Imported material has come to its end.
    Expired,
    /// It is to be rotated.
    Rotates,
    /// Nothing.
    Nothing,
}

/// Whether the key seals and opens.
pub(super) fn usable(key: &MasterKey) -> Change {
    match key.state {
        KeyState::Enabled => Ok(()),
        KeyState::Disabled => Err(Obstacle::Is(FailureCode::KeyDisabled)),
        KeyState::PendingDeletion { .. } => Err(Obstacle::Is(FailureCode::KeyPendingDeletion)),
        KeyState::PendingImport => Err(Obstacle::Is(FailureCode::KeyPendingImport)),
    }
}

/// Whether material with which the key seals or opens has come to its end by `now`.
pub(super) fn has_expired(key: &MasterKey, now: Timestamp) -> bool {
    key.versions.iter().any(|version| version.expires.is_some_and(|expires| expires <= now))
}

/// Whether the key is its owner's to manage.
pub(super) fn manageable(key: &MasterKey) -> Change {
    match key.role {
        Role::Customer => Ok(()),
        Role::Default | Role::Managed => Err(Obstacle::Is(FailureCode::KeyServiceManaged)),
    }
}

/// Whether the key is not about to be destroyed.
pub(super) fn kept(key: &MasterKey) -> Change {
    match key.state {
        KeyState::PendingDeletion { .. } => Err(Obstacle::State("pending deletion")),
        KeyState::Enabled | KeyState::Disabled | KeyState::PendingImport => Ok(()),
    }
}

/// Enables or disables a key.
pub(super) fn turn(key: &mut MasterKey, to: Turn, repeatable: bool) -> Change {
    kept(key)?;
    match (key.state, to) {
        (KeyState::PendingImport, _) => return Err(Obstacle::State("pending import")),
        (KeyState::Enabled, Turn::On) if !repeatable => return Err(Obstacle::State("enabled")),
        (KeyState::Disabled, Turn::Off) if !repeatable => return Err(Obstacle::State("disabled")),
        (_, Turn::On) => key.state = KeyState::Enabled,
        (_, Turn::Off) => key.state = KeyState::Disabled,
    }
    Ok(())
}

/// Plans a key's destruction.
pub(super) fn schedule(key: &mut MasterKey, deletion: Timestamp) -> Change {
    kept(key)?;
    if key.protection.is_some() {
        return Err(Obstacle::Is(FailureCode::KeyProtected));
    }
    key.state = KeyState::PendingDeletion { deletion };
    Ok(())
}

/// Calls off a key's destruction.
pub(super) fn call_off(key: &mut MasterKey) -> Change {
    let KeyState::PendingDeletion { .. } = key.state else { return Err(Obstacle::State("not pending deletion")) };
    key.state = if is_whole(key) { KeyState::Disabled } else { KeyState::PendingImport };
    Ok(())
}

/// Changes how a key rotates by itself.
pub(super) fn set_rotation(key: &mut MasterKey, change: RotationChange, now: Timestamp) -> Change {
    if key.origin == KeyOrigin::External {
        return Err(Obstacle::Is(FailureCode::KeyOriginUnsupported));
    }
    usable(key)?;
    let (days, is_on) = match change {
        RotationChange::Off => (key.rotation_days, false),
        RotationChange::On(days) => (days.unwrap_or(key.rotation_days), true),
        RotationChange::Interval(_) if key.rotation_next.is_none() => {
            return Err(Obstacle::Is(FailureCode::KeyRotationOff));
        }
        RotationChange::Interval(days) => (days, true),
    };
    if !ROTATION_DAYS.contains(&days) {
        return Err(Obstacle::Is(FailureCode::InvalidArgument));
    }
    if is_on != key.rotation_next.is_some() || days != key.rotation_days {
        key.rotation_next = is_on.then(|| now.plus_millis(i64::from(days) * DAY_MS));
    }
    key.rotation_days = days;
    Ok(())
}

/// Whether a new version may be asked for; those that were are at most `demands_max`.
pub(super) fn demandable(key: &MasterKey, demands_max: Option<u32>) -> Change {
    usable(key)?;
    let demanded = key.versions.iter().filter(|version| version.cause == VersionCause::Demand).count();
    if demands_max.is_some_and(|limit| demanded >= limit as usize) {
        return Err(Obstacle::Is(FailureCode::KeyRotationsExceeded));
    }
    if key.origin == KeyOrigin::External && key.upcoming.is_none() {
        return Err(Obstacle::Is(FailureCode::KeyMaterialMissing));
    }
    Ok(())
}

/// Makes `version` the one that seals.
pub(super) fn add_version(key: &mut MasterKey, version: KeyVersion) -> Change {
    if key.versions.len() == VERSIONS_PER_KEY {
        return Err(Obstacle::Is(FailureCode::KeyLimitExceeded));
    }
    key.versions.push(version);
    Ok(())
}

/// Puts imported material in its place: `version` holds it, wrapped for version `number` of the key.
pub(super) fn import(key: &mut MasterKey, number: u32, version: KeyVersion) -> Change {
    kept(key)?;
    let is_first = key.versions.is_empty();
    match key.versions.get_mut(number as usize - 1) {
        Some(place) => {
            *place = KeyVersion { wrapped: version.wrapped, expires: version.expires, ..place.clone() };
        }
        None if is_first => key.versions.push(version),
        None => key.upcoming = Some(version),
    }
    if key.state == KeyState::PendingImport && is_whole(key) {
        key.state = KeyState::Enabled;
    }
    Ok(())
}

/// Which version imported material belongs to, by its fingerprint, and whether it is asked for as new material.
pub(super) fn place_of(key: &MasterKey, fingerprint: &Fingerprint, for_rotation: bool) -> Result<u32, Obstacle> {
    let known = key.versions.iter().position(|version| version.fingerprint == *fingerprint);
    let next = key.current() + 1;
    match (known, for_rotation) {
        (Some(index), false) => Ok(u32::try_from(index).expect("versions are few") + 1),
        (None, _) if key.versions.is_empty() => Ok(1),
        (None, false) | (Some(_), true) => Err(Obstacle::Is(FailureCode::KeyMaterialMismatch)),
        (None, true) => match &key.upcoming {
            Some(upcoming) if upcoming.fingerprint != *fingerprint => {
                Err(Obstacle::Is(FailureCode::KeyMaterialPending))
            }
            _ => Ok(next),
        },
    }
}

/// Deletes the imported material with that fingerprint; none is that of the version that seals.
pub(super) fn delete_material(key: &mut MasterKey, fingerprint: Option<Fingerprint>) -> Change {
    if key.origin != KeyOrigin::External {
        return Err(Obstacle::Is(FailureCode::KeyOriginUnsupported));
    }
    let wanted = fingerprint.or_else(|| key.versions.last().map(|version| version.fingerprint));
    if key.upcoming.as_ref().is_some_and(|upcoming| Some(upcoming.fingerprint) == wanted) {
        key.upcoming = None;
        return Ok(());
    }
    if let Some(version) = key.versions.iter_mut().find(|version| Some(version.fingerprint) == wanted) {
        (version.wrapped, version.expires) = (None, None);
    }
    lack(key);
    Ok(())
}

/// What is due with the key at `now`: one thing after the other.
pub(super) fn elapsed(key: &MasterKey, now: Timestamp) -> Elapsed {
    let is_due = |moment: Option<Timestamp>| moment.is_some_and(|moment| moment <= now);
    let mut versions = key.versions.iter().chain(&key.upcoming).filter(|version| version.wrapped.is_some());
    match key.state {
        KeyState::PendingDeletion { deletion } if deletion <= now => Elapsed::Doomed,
        _ if versions.any(|version| is_due(version.expires)) => Elapsed::Expired,
        KeyState::Enabled if is_due(key.rotation_next) => Elapsed::Rotates,
        _ => Elapsed::Nothing,
    }
}

/// Deletes imported material that has come to its end.
pub(super) fn expire(key: &mut MasterKey, now: Timestamp) {
    let is_over = |version: &KeyVersion| version.expires.is_some_and(|expires| expires <= now);
    key.upcoming.take_if(|upcoming| is_over(upcoming));
    for version in key.versions.iter_mut().filter(|version| is_over(version)) {
        (version.wrapped, version.expires) = (None, None);
    }
    lack(key);
}

/// When a key that rotates by itself does so after `now`.
pub(super) fn next_rotation(key: &MasterKey, now: Timestamp) -> Option<Timestamp> {
    key.rotation_next.map(|_| now.plus_millis(i64::from(key.rotation_days) * DAY_MS))
}

/// Whether all material that the key ever had is there.
fn is_whole(key: &MasterKey) -> bool {
    !key.versions.is_empty() && key.versions.iter().all(|version| version.wrapped.is_some())
}

/// A key that lost material waits for it, unless it is to be destroyed anyway.
fn lack(key: &mut MasterKey) {
    if kept(key).is_ok() && !is_whole(key) {
        key.state = KeyState::PendingImport;
    }
}
