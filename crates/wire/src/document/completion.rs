//! The document that completes a multipart upload.

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::PartNumber;
use strongroom_model::operation::upload::{NamedPart, NamedParts};

use super::{Element, malformed, reader};
use crate::decode::upload::read_checksum;
use crate::dialect::Dialect;

/// Reads of which parts the object is made; with `all`, of all that there are, and then there must be no document.
///
/// # Errors
/// `MalformedXml` for a document of no parts or of too many, `MissingBody`, `InvalidArgument` for a part's number, or
/// for a document that is not to be there.
pub(crate) fn read(document: &[u8], all: bool, dialect: &Dialect) -> Result<NamedParts, Failure> {
    if all {
        return match document.trim_ascii().is_empty() {
            true => Ok(NamedParts::All),
            false => Err(Failure::new(FailureCode::InvalidArgument)
                .with_message("Should not speficy both complete all header and http body.")),
        };
    }
    let root = reader::read(document, "CompleteMultipartUpload")?;
    let parts = root.all("Part").map(|element| part(element, dialect)).collect::<Result<Vec<_>, _>>()?;
    if parts.is_empty() || parts.len() > PartNumber::MAX as usize {
        return Err(malformed(format!("{} parts", parts.len())));
    }
    Ok(NamedParts::These(parts))
}

fn part(element: &Element, dialect: &Dialect) -> Result<NamedPart, Failure> {
    let text = element.one("PartNumber")?.word();
    let number = text.parse().map_err(|_| malformed(format!("the part number {text}")))?;
    let number = PartNumber::new(number).ok_or_else(|| {
        Failure::new(FailureCode::InvalidArgument)
            .with_message("PartNumber must be >= 1 and <= 10000")
            .with_detail("ArgumentName", "partNumber")
            .with_detail("ArgumentValue", text)
    })?;
    let mut checksums = Vec::new();
    for field in dialect.resources.checksums {
        if let Some(text) = field.element.map(|name| element.child_word(name)).transpose()?.flatten() {
            checksums.push(read_checksum(field, text).ok_or_else(|| malformed(format!("the checksum {text}")))?);
        }
    }
    Ok(NamedPart { number, tag: element.one("ETag")?.word().to_owned(), checksums })
}
