//! Reading a backup, entry by entry. Nothing comes out of it that was not authenticated.

use bytes::{Buf as _, Bytes, BytesMut};
use strongroom_seal::{AES_256_GCM, CHUNK, KeyBytes, MAX_PART, Opener, chunk_count, sealed_len};
use zeroize::Zeroizing;

use super::{HEAD_BYTES, Head, RestoreError, Tag};
use crate::{
    blobs::BlobId,
    kms::Root,
    kv::{KEY_BYTES, Put, VALUE_BYTES},
    stream::{ByteStream, Pieces},
};

/// An opened backup.
pub(super) struct Reader {
    head: Head,
    opener: Opener,
    pieces: Pieces,
    chunks: u32,
    /// Chunks opened.
    opened: u32,
    /// Opened, and not taken yet.
    plain: BytesMut,
    /// Bytes of the blob whose entry came last that have not been taken.
    blob_left: u64,
    rows: u64,
    blobs: u64,
    has_key: bool,
}

/// One entry.
pub(super) enum Entry {
    /// The metadata key; the first entry, and no other.
    MetadataKey(KeyBytes),
    /// A row.
    Row(Put),
    /// A blob; its bytes follow by [`Reader::blob_piece`].
    Blob(BlobId),
}

impl Reader {
    /// Reads the head, and opens the key of the rest.
    pub(super) async fn open(root: &Root, stream: ByteStream) -> Result<Self, RestoreError> {
        let mut pieces = Pieces::new(stream);
        let mut head = Vec::with_capacity(HEAD_BYTES);
        pieces.fill(&mut head, HEAD_BYTES).await.map_err(RestoreError::Read)?;
        let head: [u8; HEAD_BYTES] = head.try_into().map_err(|_| RestoreError::Foreign)?;
        let (head, content) = Head::decode(&head, root)?;
        // Who wrote this had the root key; a length that no backup has is a fault of theirs, and would be one of ours next.
        let chunks =
            (head.length <= MAX_PART).then(|| chunk_count(head.length)).and_then(|count| count.try_into().ok());
        let chunks = chunks.ok_or(RestoreError::Damaged { at: 0 })?;
        let opener = Opener::new(&content, &head.part());
        let plain = BytesMut::new();
        let (opened, blob_left, rows, blobs, has_key) = (0, 0, 0, 0, false);
        Ok(Self { head, opener, pieces, chunks, opened, plain, blob_left, rows, blobs, has_key })
    }

    pub(super) fn head(&self) -> &Head {
        &self.head
    }

    /// Bytes of the file, all of them.
    pub(super) fn file_len(&self) -> u64 {
        HEAD_BYTES as u64 + sealed_len(&AES_256_GCM, self.head.length)
    }

    /// Bytes of the file that were read and are sound.
    pub(super) fn position(&self) -> u64 {
        let opened = HEAD_BYTES as u64 + u64::from(self.opened) * (CHUNK + AES_256_GCM.tag_len) as u64;
        opened.min(self.file_len())
    }

    /// The next entry; what is left of a blob before it is passed over. None at the end, which is where the head says,
    /// after as many rows and blobs as it says.
    pub(super) async fn next(&mut self) -> Result<Option<Entry>, RestoreError> {
        while self.blob_piece().await?.is_some() {}
        if self.plain.is_empty() && self.opened == self.chunks {
            return self.end().await;
        }
        let tag = Tag::of(self.take(1).await?[0]);
        let is_first = !std::mem::replace(&mut self.has_key, true);
        match tag {
            Some(Tag::MetadataKey) if is_first => self.metadata_key().await.map(Some),
            Some(Tag::Row) if !is_first => self.row().await.map(Some),
            Some(Tag::Blob) if !is_first => self.blob().await.map(Some),
            _ => Err(self.damaged()),
        }
    }

    /// The next bytes of the blob whose entry came last; none at its end.
    pub(super) async fn blob_piece(&mut self) -> Result<Option<Bytes>, RestoreError> {
        if self.blob_left == 0 {
            return Ok(None);
        }
        self.open_up_to(1).await?;
        let len = self.plain.len().min(usize::try_from(self.blob_left).unwrap_or(usize::MAX));
        self.blob_left -= len as u64;
        Ok(Some(self.plain.split_to(len).freeze()))
    }

    async fn metadata_key(&mut self) -> Result<Entry, RestoreError> {
        let bytes = Zeroizing::new(self.take(32).await?.to_vec());
        KeyBytes::new(&bytes).map(Entry::MetadataKey).map_err(|_| self.damaged())
    }

    async fn row(&mut self) -> Result<Entry, RestoreError> {
        let mut lengths = self.take(6).await?;
        let (key, value) = (usize::from(lengths.get_u16()), lengths.get_u32() as usize);
        if key > KEY_BYTES || value > VALUE_BYTES {
            return Err(self.damaged());
        }
        self.rows += 1;
        Ok(Entry::Row(Put { key: self.take(key).await?.freeze(), value: self.take(value).await?.freeze() }))
    }

    async fn blob(&mut self) -> Result<Entry, RestoreError> {
        let mut entry = self.take(24).await?;
        let mut id = [0; 16];
        entry.copy_to_slice(&mut id);
        self.blob_left = entry.get_u64();
        self.blobs += 1;
        Ok(Entry::Blob(BlobId::from_bytes(id)))
    }

    async fn end(&mut self) -> Result<Option<Entry>, RestoreError> {
        let is_whole = self.has_key && (self.rows, self.blobs) == (self.head.rows, self.head.blobs);
        let ends = self.pieces.has_ended().await.map_err(RestoreError::Read)?;
        if is_whole && ends { Ok(None) } else { Err(self.damaged()) }
    }

    /// The next `len` bytes of plaintext.
    async fn take(&mut self, len: usize) -> Result<BytesMut, RestoreError> {
        self.open_up_to(len).await?;
        Ok(self.plain.split_to(len))
    }

    /// Opens chunks until there are at least `len` bytes to take.
    async fn open_up_to(&mut self, len: usize) -> Result<(), RestoreError> {
        while self.plain.len() < len {
            if self.opened == self.chunks {
                return Err(self.damaged());
            }
            let is_last = self.opened + 1 == self.chunks;
            let rest = self.head.length - u64::from(self.opened) * CHUNK as u64;
            let plain_len = usize::try_from(rest.min(CHUNK as u64)).expect("a chunk's length");
            let mut chunk = Vec::with_capacity(CHUNK + AES_256_GCM.tag_len);
            self.pieces.fill(&mut chunk, plain_len + AES_256_GCM.tag_len).await.map_err(RestoreError::Read)?;
            let opened = self.opener.open(self.opened, is_last, &mut chunk).ok();
            if opened != Some(plain_len) {
                return Err(self.damaged());
            }
            self.plain.extend_from_slice(&chunk[..plain_len]);
            self.opened += 1;
        }
        Ok(())
    }

    fn damaged(&self) -> RestoreError {
        RestoreError::Damaged { at: self.position() }
    }
}
