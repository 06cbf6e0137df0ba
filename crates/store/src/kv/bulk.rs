//! Writing many rows that nobody else writes: batch after batch, each within what a batch may have.

use std::sync::Arc;

use super::{Batch, Kv, KvError, Put};

/// Most rows, and about the most of their bytes, that are written at once: half of what a batch may have, and a row more.
const ROWS: usize = 4096;
const BYTES: usize = 4 * 1024 * 1024;

/// Rows on their way into a store.
pub(crate) struct Bulk {
    kv: Arc<dyn Kv>,
    puts: Vec<Put>,
    bytes: usize,
}

impl Bulk {
    /// Into this store.
    pub(crate) fn new(kv: Arc<dyn Kv>) -> Self {
        Self { kv, puts: Vec::new(), bytes: 0 }
    }

    /// Adds a row of a key that was not added before. It is durable after [`Bulk::finish`].
    pub(crate) async fn put(&mut self, put: Put) -> Result<(), KvError> {
        self.bytes += put.key.len() + put.value.len();
        self.puts.push(put);
        if self.puts.len() == ROWS || self.bytes >= BYTES { self.write().await } else { Ok(()) }
    }

    /// Writes what is left.
    pub(crate) async fn finish(mut self) -> Result<(), KvError> {
        self.write().await
    }

    async fn write(&mut self) -> Result<(), KvError> {
        self.bytes = 0;
        let _unchecked = self.kv.commit(Batch { puts: std::mem::take(&mut self.puts), ..Batch::new() }).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kv::{KeyRange, MemoryKv, VALUE_BYTES};

    #[tokio::test]
    async fn rows_of_any_size_and_number_are_written() {
        let sizes = [vec![VALUE_BYTES; 9], vec![20_480; 1000], vec![1; 30_000]];
        for values in sizes {
            let kv = Arc::new(MemoryKv::new());
            let mut bulk = Bulk::new(Arc::clone(&kv) as Arc<dyn Kv>);
            for (n, len) in values.iter().enumerate() {
                let put = Put { key: n.to_be_bytes().to_vec().into(), value: vec![7; *len].into() };
                bulk.put(put).await.unwrap();
            }
            bulk.finish().await.unwrap();
            let rows = kv.scan(KeyRange::from(""), usize::MAX).await.unwrap();
            assert_eq!(rows.iter().map(|row| row.value.len()).collect::<Vec<_>>(), values);
        }
    }
}
