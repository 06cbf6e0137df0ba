//! Listing parts and uploads, without any call to the key service.

use strongroom_model::etag::ETag;
use strongroom_model::failure::Failure;
use strongroom_model::operation::upload::{ListParts, ListUploads, UploadHolders};
use strongroom_model::outcome::upload::{ListedPart, ListedParts, ListedUpload, ListedUploads};

use super::super::{Caller, Engine};

impl Engine {
    /// Lists the parts of an upload.
    pub(super) async fn list_parts(&self, caller: &Caller, request: ListParts) -> Result<ListedParts, Failure> {
        let open = self.open_upload(caller, &request.upload, UploadHolders::InitiatorAndOwner).await?;
        let wanted = request.max_parts.min(ListParts::PARTS_MAX) as usize;
        let found = self.catalog.parts(open.id, request.after, wanted + 1).await?;
        let truncated = found.len() > wanted;
        let asked = open.upload.checksum.filter(|checksum| checksum.asked);
        let parts = found.into_iter().take(wanted).map(|(part, _)| ListedPart {
            number: part.number,
            etag: ETag { digest: part.tag, parts: None },
            size: part.size,
            last_modified: part.last_modified,
            checksums: part
                .checksums
                .into_iter()
                .filter(|it| asked.is_some_and(|asked| asked.algorithm == it.algorithm))
                .collect(),
        });
        Ok(ListedParts {
            parts: parts.collect(),
            initiator: open.upload.initiator,
            owner: open.bucket.facts.owner,
            storage_class: open.upload.storage_class,
            checksum: asked,
            truncated,
            request,
        })
    }

    /// Lists a bucket's open uploads.
    pub(super) async fn list_uploads(
        &self,
        caller: &Caller,
        mut request: ListUploads,
    ) -> Result<ListedUploads, Failure> {
        request.max_uploads = request.max_uploads.min(ListUploads::UPLOADS_MAX);
        let bucket = self.bucket(caller, &request.bucket).await?;
        let page = self.catalog.list_uploads(bucket.id, &request).await?;
        let uploads = page.uploads.into_iter().map(|(key, id, upload)| ListedUpload {
            key,
            id,
            initiator: upload.initiator,
            storage_class: upload.storage_class,
            initiated: upload.initiated,
            checksum: upload.checksum.filter(|checksum| checksum.asked),
        });
        Ok(ListedUploads {
            owner: bucket.facts.owner,
            uploads: uploads.collect(),
            common_prefixes: page.common_prefixes,
            next: page.next,
            request,
        })
    }
}
