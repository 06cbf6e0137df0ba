//! Holds on blobs: while there is one, nothing that some version had is removed, so that a backup finds every blob that it names.
//! They end by themselves, for whoever asked for one may die.

use serde::{Deserialize, Serialize};
use strongroom_model::time::Timestamp;

use super::record::{Family, Key, first_version};
use super::{Catalog, CatalogError, Change, PAGE};

/// What names a hold: 16 random bytes.
pub(crate) type HoldId = [u8; 16];

impl Catalog {
    /// Keeps all blobs until `until`; or ends the hold, if that is past. Blobs that were dead before may be gone.
    pub(crate) async fn hold_blobs(&self, hold: HoldId, until: Timestamp) -> Result<(), CatalogError> {
        let row = HoldRow { until: until.millis() };
        let _unchecked = self.commit(Change::new().put(&Key::new(&[&hold]), &row)).await?;
        Ok(())
    }

    /// Ends a hold.
    pub(crate) async fn release_blobs(&self, hold: HoldId) -> Result<(), CatalogError> {
        let _unchecked = self.commit(Change::new().delete(&Key::<HoldRow>::new(&[&hold]))).await?;
        Ok(())
    }

    /// Whether some hold has not ended at `now`. Forgets those that have.
    pub(crate) async fn are_blobs_held(&self, now: Timestamp) -> Result<bool, CatalogError> {
        let holds = self.scan::<HoldRow>(Key::<HoldRow>::range(&[]), PAGE).await?;
        let mut held = false;
        for hold in holds {
            if Timestamp::from_millis(hold.record.until) > now {
                held = true;
            } else {
                // In conflict, it has just been prolonged.
                let _ended = self.commit(Change::new().remove(&hold.key, hold.version)).await?;
            }
        }
        Ok(held)
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct HoldRow {
    until: i64,
}

first_version!(HoldRow, Family::BlobHold);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::record::encode;

    /// Worked out by hand from the layout of postcard, and never to be changed.
    #[test]
    fn the_golden_form_of_version_1() {
        assert_eq!(hex::encode(encode(&HoldRow { until: 1000 })), "01d00f");
    }
}
