//! The document of what a bucket's owner lets nobody make public.

use strongroom_model::failure::Failure;
use strongroom_model::public_access::PublicAccessBlock;

use super::reader;
use super::writer::Writer;
use crate::dialect::{Dialect, PublicAccessDocument};

/// Reads `PublicAccessBlockConfiguration`.
///
/// # Errors
/// `MalformedXml`.
pub(crate) fn read(document: &[u8], form: PublicAccessDocument) -> Result<PublicAccessBlock, Failure> {
    let root = reader::read(document, "PublicAccessBlockConfiguration")?;
    match form {
        PublicAccessDocument::Switches => Ok(PublicAccessBlock {
            block_acls: root.flag("BlockPublicAcls")?,
            ignore_acls: root.flag("IgnorePublicAcls")?,
            block_policy: root.flag("BlockPublicPolicy")?,
            restrict_buckets: root.flag("RestrictPublicBuckets")?,
        }),
        PublicAccessDocument::One => {
            root.one("BlockPublicAccess")?;
            Ok(if root.flag("BlockPublicAccess")? { PublicAccessBlock::ALL } else { PublicAccessBlock::default() })
        }
    }
}

/// Writes it. The one switch is on only if all four are.
pub(crate) fn write(block: PublicAccessBlock, dialect: &Dialect) -> Writer {
    let documents = &dialect.documents;
    Writer::document(documents.declaration, "PublicAccessBlockConfiguration", documents.namespace, |writer| {
        match dialect.settings.public_access {
            PublicAccessDocument::Switches => {
                writer.leaf("BlockPublicAcls", block.block_acls);
                writer.leaf("IgnorePublicAcls", block.ignore_acls);
                writer.leaf("BlockPublicPolicy", block.block_policy);
                writer.leaf("RestrictPublicBuckets", block.restrict_buckets);
            }
            PublicAccessDocument::One => writer.leaf("BlockPublicAccess", block == PublicAccessBlock::ALL),
        }
    })
}

#[cfg(test)]
mod tests {
    use strongroom_model::failure::FailureCode;

    use super::*;
    use crate::dialect::{DIALECTS, OSS};

    #[test]
    fn switches_are_written_as_they_are_read() {
        let some = PublicAccessBlock { ignore_acls: true, restrict_buckets: true, ..PublicAccessBlock::default() };
        for dialect in DIALECTS {
            let form = dialect.settings.public_access;
            for block in [PublicAccessBlock::ALL, PublicAccessBlock::default(), some] {
                let read = read(&write(block, dialect).into_bytes(), form).unwrap();
                let told = if form == PublicAccessDocument::One && block == some { Default::default() } else { block };
                assert_eq!(read, told);
            }
        }
        let one = |text: &str| read(text.as_bytes(), OSS.settings.public_access);
        for text in ["<PublicAccessBlockConfiguration/>", "<Other/>"] {
            assert_eq!(one(text).unwrap_err().code, FailureCode::MalformedXml);
        }
    }
}
