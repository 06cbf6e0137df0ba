//! Reading and deleting one object.

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::metadata::ContentHeaders;
use strongroom_model::operation::Operation;
use strongroom_model::operation::object::{
    DeleteObject, GetAttributes, GetObject, ObjectAttribute, ObjectOperation, Unsatisfiable,
};
use strongroom_model::operation::upload::ListParts;
use strongroom_model::range::RangeSpec;

use crate::decode::customer::{self, Purpose};
use crate::decode::{condition, encryption, lock, put, refuse_unbuilt, upload, version};
use crate::intent::Asked;
use crate::request::{Request, invalid_argument, sendable};

/// `GET /bucket/key`.
pub(crate) fn get(request: &Request<'_>) -> Result<Asked, Failure> {
    let get = read(request)?;
    Ok(Asked::Complete(Operation::Object(ObjectOperation::Get(get))))
}

/// `HEAD /bucket/key`.
pub(crate) fn head(request: &Request<'_>) -> Result<Asked, Failure> {
    let get = read(request)?;
    Ok(Asked::Complete(Operation::Object(ObjectOperation::Head(get))))
}

/// `HEAD /bucket/key?objectMeta`.
pub(crate) fn meta(request: &Request<'_>) -> Result<Asked, Failure> {
    let get = GetObject { range: None, ..read(request)? };
    Ok(Asked::Complete(Operation::Object(ObjectOperation::Meta(get))))
}

/// `GET /bucket/key?attributes`.
pub(crate) fn attributes(request: &Request<'_>) -> Result<Asked, Failure> {
    let object = read(request)?;
    let name = request.dialect().field("object-attributes");
    let words = request.field("object-attributes")?.ok_or_else(|| invalid_argument(&name, ""))?;
    let wanted = words.split(',').map(str::trim).map(|word| {
        let found = ATTRIBUTES.iter().find(|(known, _)| *known == word);
        found
            .map(|(_, attribute)| *attribute)
            .ok_or_else(|| invalid_argument(&name, word).with_message("Invalid attribute name specified."))
    });
    let count = |name| put::length(name, request.field(name)?);
    let page = count("max-parts")?.unwrap_or(ListParts::PARTS_MAX.into()).min(ListParts::PARTS_MAX.into());
    let after = count("part-number-marker")?.unwrap_or(0);
    let get = GetAttributes {
        wanted: wanted.collect::<Result<_, _>>()?,
        after: u32::try_from(after).unwrap_or(u32::MAX),
        max_parts: u32::try_from(page).unwrap_or(ListParts::PARTS_MAX),
        object,
    };
    Ok(Asked::Complete(Operation::Object(ObjectOperation::Attributes(get))))
}

/// What GetObjectAttributes may be asked for.
const ATTRIBUTES: [(&str, ObjectAttribute); 5] = [
    ("ETag", ObjectAttribute::Tag),
    ("Checksum", ObjectAttribute::Checksum),
    ("ObjectParts", ObjectAttribute::Parts),
    ("StorageClass", ObjectAttribute::StorageClass),
    ("ObjectSize", ObjectAttribute::Size),
];

/// `DELETE /bucket/key`.
pub(crate) fn delete(request: &Request<'_>) -> Result<Asked, Failure> {
    let (bucket, key) = (request.bucket()?, request.key()?);
    refuse_unbuilt(request)?;
    let delete = DeleteObject {
        bucket,
        key,
        version: version(request)?,
        conditions: condition::of_delete(request)?,
        bypass_governance: lock::bypass(request)?,
    };
    Ok(Asked::Complete(Operation::Object(ObjectOperation::Delete(delete))))
}

fn read(request: &Request<'_>) -> Result<GetObject, Failure> {
    let (bucket, key) = (request.bucket()?, request.key()?);
    refuse_unbuilt(request)?;
    encryption::refuse_on_read(request)?;
    let (range, part) = (request.header("range")?.and_then(RangeSpec::parse), upload::part_number(request)?);
    if range.is_some() && part.is_some() {
        let message = "Cannot specify both Range header and partNumber query parameter.";
        return Err(Failure::new(FailureCode::InvalidRequest).with_message(message));
    }
    Ok(GetObject {
        bucket,
        key,
        version: version(request)?,
        range,
        part,
        unsatisfiable: unsatisfiable(request)?,
        conditions: condition::of_read(request)?,
        customer_key: customer::key(request, Purpose::Read)?,
        overrides: overrides(request)?,
        show_checksums: request.field("checksum-mode")?.is_some_and(|mode| mode.eq_ignore_ascii_case("enabled")),
    })
}

fn unsatisfiable(request: &Request<'_>) -> Result<Unsatisfiable, Failure> {
    let words = &request.dialect().resources;
    let standard = match words.range_behavior {
        Some(suffix) => request.field(suffix)?.is_some_and(|word| word.eq_ignore_ascii_case("standard")),
        None => false,
    };
    Ok(if standard { Unsatisfiable::Refused } else { words.unsatisfiable })
}

/// # Errors
/// `InvalidArgument` for a value that no header can have.
fn overrides(request: &Request<'_>) -> Result<ContentHeaders, Failure> {
    let parameter = |name| {
        let value = request.query().value(name).map(|value| sendable(name, value)).transpose()?;
        Ok::<_, Failure>(value.map(str::to_owned))
    };
    Ok(ContentHeaders {
        content_type: parameter("response-content-type")?,
        cache_control: parameter("response-cache-control")?,
        content_disposition: parameter("response-content-disposition")?,
        content_encoding: parameter("response-content-encoding")?,
        content_language: parameter("response-content-language")?,
        expires: parameter("response-expires")?,
    })
}
