//! Checksums that a head declares, announces or asks for.

use strongroom_model::checksum::{Checksum, ChecksumAlgorithm};
use strongroom_model::failure::{Failure, FailureCode};

use crate::decode::upload::read_checksum;
use crate::dialect::{ChecksumField, ChecksumSpelling};
use crate::request::{Request, invalid_argument};
use crate::text::bytes::{base64, from_base64};

/// The checksums whose values the head declares.
///
/// # Errors
/// `InvalidArgument` for a value that the checksum cannot have.
pub(crate) fn declared(request: &Request<'_>) -> Result<Vec<Checksum>, Failure> {
    let mut found = Vec::new();
    for field in request.dialect().resources.checksums {
        if let Some(text) = request.field(field.name)? {
            let value = field.spelling.read(text, field.algorithm).ok_or_else(|| invalid(request, field, text))?;
            found.push(Checksum::whole(field.algorithm, value));
        }
    }
    Ok(found)
}

/// The checksums that the head declares of an object made of parts, whose value may be followed by the number of parts.
///
/// # Errors
/// As [`declared`].
pub(crate) fn declared_of_object(request: &Request<'_>) -> Result<Vec<Checksum>, Failure> {
    let mut found = Vec::new();
    for field in request.dialect().resources.checksums {
        if let Some(text) = request.field(field.name)? {
            found.push(read_checksum(field, text).ok_or_else(|| invalid(request, field, text))?);
        }
    }
    Ok(found)
}

/// The checksum that follows a chunked body.
///
/// # Errors
/// `NotImplemented` for one that we do not have.
pub(crate) fn trailing(request: &Request<'_>) -> Result<Option<ChecksumAlgorithm>, Failure> {
    let Some(name) = request.field("trailer")? else { return Ok(None) };
    let mut fields = request.dialect().resources.checksums.iter();
    let field = fields.find(|field| name.eq_ignore_ascii_case(&request.dialect().field(field.name)));
    field
        .map(|field| Some(field.algorithm))
        .ok_or_else(|| Failure::new(FailureCode::NotImplemented).with_detail("Header", name))
}

/// Refuses a head that names an algorithm whose checksum neither stands in it nor follows the body.
pub(crate) fn refuse_unfulfilled(request: &Request<'_>, any: bool) -> Result<(), Failure> {
    match request.field("sdk-checksum-algorithm")? {
        Some(_) if !any => Err(Failure::new(FailureCode::InvalidRequest).with_message(
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were \
             found.",
        )),
        _ => Ok(()),
    }
}

impl ChecksumSpelling {
    /// Reads a value of an algorithm.
    pub(crate) fn read(self, text: &str, algorithm: ChecksumAlgorithm) -> Option<Vec<u8>> {
        let value = match self {
            Self::Base64 => from_base64(text)?,
            Self::Decimal => text.parse::<u64>().ok()?.to_be_bytes().to_vec(),
        };
        (value.len() == algorithm.length()).then_some(value)
    }

    /// Spells a value.
    pub(crate) fn show(self, value: &[u8]) -> String {
        match (self, <[u8; 8]>::try_from(value)) {
            (Self::Decimal, Ok(bytes)) => u64::from_be_bytes(bytes).to_string(),
            _ => base64(value),
        }
    }
}

fn invalid(request: &Request<'_>, field: &ChecksumField, text: &str) -> Failure {
    let name = request.dialect().field(field.name);
    let message = format!("Value for {name} header is invalid.");
    invalid_argument(&name, text).with_message(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The CRC-64/XZ of `123456789`, as oss2 spells it.
    #[test]
    fn values_come_back_from_both_spellings() {
        let algorithm = ChecksumAlgorithm::Crc64Ecma;
        for (spelling, text) in
            [(ChecksumSpelling::Decimal, "11051210869376104954"), (ChecksumSpelling::Base64, "mV3Ju98ZOfo=")]
        {
            let value = spelling.read(text, algorithm).unwrap();
            assert_eq!(hex::encode(&value), "995dc9bbdf1939fa");
            assert_eq!(spelling.show(&value), text);
        }
        assert_eq!(ChecksumSpelling::Base64.read("AAAA", algorithm), None);
        assert_eq!(ChecksumSpelling::Decimal.read("-1", algorithm), None);
    }
}
