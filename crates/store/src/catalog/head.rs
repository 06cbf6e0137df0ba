//! The first row: what the catalog is, and the proof that a metadata key is the one it is sealed under.

use std::path::Path;

use serde::{Deserialize, Serialize};
use strongroom_seal::KeyBytes;

use super::{
    Catalog, Change, OpenError,
    record::{Family, Key, first_version},
};
use crate::{
    key_file::{self, Purpose},
    kv::{Commit, Expected, KeyRange, Kv},
    surroundings::Entropy,
};

/// The arrangement of rows that this program writes, and the greatest that it reads.
const LAYOUT: u32 = 1;

/// The first row's content. That it opens is the proof of the key.
#[derive(Serialize, Deserialize)]
struct Head {
    layout: u32,
}

first_version!(Head, Family::Head);

/// The metadata key of the catalog in `kv`, from its file, which is made if the catalog is new.
pub(super) async fn find_key(kv: &dyn Kv, path: &Path, entropy: &Entropy) -> Result<KeyBytes, OpenError> {
    if let Some(key) = key_file::read(path, Purpose::Metadata)? {
        return Ok(key);
    }
    match kv.scan(KeyRange::from(Vec::new()), 1).await.map_err(super::CatalogError::from)?.as_slice() {
        [] => Ok(key_file::create(path, Purpose::Metadata, entropy)?),
        _ => Err(OpenError::KeyMissing { path: path.into() }),
    }
}

impl Catalog {
    /// Sees that this is a catalog, of a layout that is known, and sealed under our key; an empty store becomes one.
    pub(super) async fn claim(&self, path: &Path) -> Result<(), OpenError> {
        let key = Key::<Head>::new(&[]);
        let change = Change::new().check(&key, Expected::Absent).put(&key, &Head { layout: LAYOUT });
        let empty = self.kv.scan(KeyRange::from(Vec::new()), 1).await.map_err(super::CatalogError::from)?.is_empty();
        if empty && self.commit(change).await? == Commit::Committed {
            return Ok(());
        }
        let Some(entry) = self.kv.get(key.as_bytes()).await.map_err(super::CatalogError::from)? else {
            return Err(OpenError::Foreign);
        };
        match self.unseal::<Head>(key.as_bytes(), &entry.value) {
            Ok(Head { layout }) if layout > LAYOUT => Err(OpenError::Newer { found: layout, known: LAYOUT }),
            Ok(_) => Ok(()),
            Err(super::CatalogError::Sealed(_)) => Err(OpenError::WrongKey { path: path.into() }),
            Err(error) => Err(OpenError::Catalog(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        catalog::record,
        kv::{Batch, MemoryKv},
        surroundings::EntropyError,
    };

    fn entropy(byte: u8) -> Entropy {
        Entropy::new(move |bytes| {
            bytes.fill(byte);
            Ok::<(), EntropyError>(())
        })
    }

    async fn open(kv: &Arc<MemoryKv>, path: &Path, byte: u8) -> Result<Catalog, OpenError> {
        Catalog::open(Arc::clone(kv) as Arc<dyn Kv>, path, entropy(byte)).await
    }

    #[tokio::test]
    async fn a_new_catalog_opens_again_with_its_key_only() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("metadata.key"), folder.path().join("other.key"));
        let kv = Arc::new(MemoryKv::new());
        open(&kv, &path, 1).await.unwrap();
        open(&kv, &path, 2).await.unwrap();
        assert!(matches!(open(&kv, &other, 3).await, Err(OpenError::KeyMissing { .. })));
        assert!(!other.exists(), "a key file made now could open nothing");
        key_file::create(&other, Purpose::Metadata, &entropy(4)).unwrap();
        let refused = open(&kv, &other, 5).await.err().unwrap().to_string();
        assert!(refused.contains("other.key is not the key of this catalog"), "{refused}");
    }

    #[tokio::test]
    async fn foreign_and_newer_stores_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metadata.key");
        let foreign = Arc::new(MemoryKv::new());
        key_file::create(&path, Purpose::Metadata, &entropy(1)).unwrap();
        let _ = foreign.commit(Batch::new().put(&b"mine"[..], &b"x"[..])).await.unwrap();
        assert!(matches!(open(&foreign, &path, 2).await, Err(OpenError::Foreign)));

        let kv = Arc::new(MemoryKv::new());
        let catalog = open(&kv, &path, 3).await.unwrap();
        let newer = Change::new().put(&Key::<Head>::new(&[]), &Head { layout: LAYOUT + 1 });
        let _ = catalog.commit(newer).await.unwrap();
        assert!(matches!(open(&kv, &path, 4).await, Err(OpenError::Newer { found: 2, known: 1 })));
        assert_eq!(record::encode(&Head { layout: 1 }).as_slice(), [1, 1], "the golden form of version 1");
    }
}
