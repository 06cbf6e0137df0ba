//! What there is, as far as clients can see, and how each step of the script changes it: the model that the store is held against.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_model::failure::{Failure, chain};
use strongroom_model::setting::Versioning;

use super::super::bench::{BUCKET, Method};
use super::things::Thing;
use super::workload::Step;

/// Everything that a client can see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct World {
    pub(super) buckets: BTreeMap<String, Bucket>,
    /// Master keys by their first alias.
    pub(super) keys: BTreeMap<String, Life>,
    pub(super) users: BTreeSet<String>,
    pub(super) things: BTreeSet<Thing>,
}

/// Where in its life a master key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Enabled,
    Disabled,
    Doomed,
}

/// A bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bucket {
    pub(super) versioning: Versioning,
    /// Whether it has a default encryption.
    pub(super) encrypted: bool,
    /// The versions of each key, newest first.
    pub(super) objects: BTreeMap<String, Vec<Version>>,
}

/// A version: an object, or a delete marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) null: bool,
    pub(super) object: Option<(usize, Method)>,
}

/// The worlds that there may be, given what was answered.
#[derive(Debug)]
pub(super) struct Worlds(Vec<World>);

impl Worlds {
    pub(super) fn one(world: World) -> Self {
        Self(vec![world])
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn contains(&self, world: &World) -> bool {
        self.0.contains(world)
    }

    /// The step was acknowledged: it has happened, and it could.
    pub(super) fn done(&mut self, step: &Step) {
        let after: Vec<World> = self.0.iter().filter_map(|world| world.after(step)).collect();
        assert!(!after.is_empty(), "{step:?} was acknowledged in no world that allows it: {:#?}", self.0);
        self.keep(after);
    }

    /// A fault was met: the step has happened or not.
    pub(super) fn perhaps_done(&mut self, step: &Step) {
        let after: Vec<World> = self.0.iter().filter_map(|world| world.after(step)).collect();
        let all = self.0.drain(..).chain(after).collect();
        self.keep(all);
    }

    /// The step failed, and no fault is the cause: it must be what it is asked of.
    pub(super) fn refused(&mut self, step: &Step, failure: &Failure) {
        self.0.retain(|world| world.after(step).is_none());
        assert!(!self.0.is_empty(), "{step:?} failed without a cause: {}", chain(failure));
    }

    fn keep(&mut self, all: Vec<World>) {
        self.0.clear();
        for world in all {
            if !self.0.contains(&world) {
                self.0.push(world);
            }
        }
    }
}

impl World {
    /// What it is after the step; none if the step is refused in it.
    fn after(&self, step: &Step) -> Option<World> {
        let mut world = self.clone();
        match *step {
            Step::CreateBucket(name) => {
                world.buckets.entry(name.to_owned()).or_default();
            }
            Step::DeleteBucket(name) => {
                world.buckets.remove(name).filter(|bucket| bucket.objects.is_empty())?;
            }
            Step::CreateKey(alias) => {
                world.keys.insert(alias.to_owned(), Life::Enabled).is_none().then_some(())?;
            }
            Step::SwitchKey(alias, on) => {
                let life = world.keys.get_mut(alias).filter(|life| **life != Life::Doomed)?;
                *life = if on { Life::Enabled } else { Life::Disabled };
            }
            Step::ScheduleDeletion(alias) => {
                let protected = world.things.contains(&Thing::Protection);
                *world.keys.get_mut(alias).filter(|life| **life != Life::Doomed && !protected)? = Life::Doomed;
            }
            Step::CancelDeletion(alias) => {
                *world.keys.get_mut(alias).filter(|life| **life == Life::Doomed)? = Life::Disabled;
            }
            Step::CreateUser(name) => world.users.insert(name.to_owned()).then_some(())?,
            Step::DeleteUser(name) => world.users.remove(name).then_some(())?,
            Step::EncryptByDefault => world.bucket()?.encrypted = true,
            Step::Version(versioning) => world.bucket()?.versioning = versioning,
            Step::Put(key, size, method) => world.bucket()?.add(key, Some((size, method))),
            Step::PutUnder(key, size, alias) => {
                world.keys.get(alias).filter(|life| **life == Life::Enabled)?;
                world.bucket()?.add(key, Some((size, Method::KmsAes)));
            }
            Step::Upload(key, sizes, method) => world.bucket()?.add(key, Some((sizes.iter().sum(), method))),
            Step::Abort(..) => drop(world.bucket()?),
            Step::Copy(from, to, method) => {
                let bucket = world.bucket()?;
                let (size, _) = bucket.object(from)?;
                bucket.add(to, Some((size, method)));
            }
            Step::Append(key, from, to, method) => {
                let bucket = world.bucket()?;
                let length = bucket.objects.get(key).map_or(Some(0), |versions| Some(versions.first()?.object?.0));
                (length? == from).then(|| bucket.add(key, Some((to, method))))?;
            }
            Step::SetMetadata(key) => drop(world.bucket()?.object(key)?),
            Step::Rewrap(key, alias) => {
                world.keys.get(alias).filter(|life| **life == Life::Enabled)?;
                world.bucket()?.object(key)?;
            }
            Step::Delete(key) => world.bucket()?.delete(key),
            Step::DeleteMany(keys) => {
                let bucket = world.bucket()?;
                keys.iter().for_each(|key| bucket.delete(key));
            }
            Step::DeleteVersion(key, nth) => world.bucket()?.delete_version(key, nth)?,
            Step::Read(key) => {
                world.bucket()?.object(key)?;
            }
            Step::Make(thing) => {
                thing.has_place(&world).then(|| world.things.insert(thing))?;
            }
            Step::Unmake(thing) => {
                let there = thing.may_be_gone() || world.things.contains(&thing);
                (there && thing.can_go(&world)).then(|| world.things.remove(&thing))?;
            }
            Step::Reap | Step::Scrub => {}
        }
        Some(world)
    }

    fn bucket(&mut self) -> Option<&mut Bucket> {
        self.buckets.get_mut(BUCKET)
    }
}

impl Bucket {
    pub(super) fn keeps_versions(&self) -> bool {
        self.versioning == Versioning::Enabled
    }

    /// What a reader finds who names no version.
    pub(super) fn object(&self, key: &str) -> Option<(usize, Method)> {
        self.objects.get(key)?.first()?.object
    }

    fn add(&mut self, key: &str, object: Option<(usize, Method)>) {
        let null = !self.keeps_versions();
        let versions = self.objects.entry(key.to_owned()).or_default();
        versions.retain(|version| !(null && version.null));
        versions.insert(0, Version { null, object });
    }

    fn delete(&mut self, key: &str) {
        match self.versioning {
            Versioning::Never => {
                self.objects.remove(key);
            }
            _ => self.add(key, None),
        }
    }

    fn delete_version(&mut self, key: &str, nth: usize) -> Option<()> {
        let versions = self.objects.get_mut(key)?;
        if nth >= versions.len() {
            return None;
        }
        versions.remove(nth);
        self.objects.retain(|_, versions| !versions.is_empty());
        Some(())
    }
}
