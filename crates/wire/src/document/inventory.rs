//! The documents of inventories. The services differ in how they name the bucket that reports go to, and little else.

use std::borrow::Cow;

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::inventory::{
    Destination, Frequency, Inventory, InventoryField, InventoryFilter, InventoryId, ReportEncryption,
};
use strongroom_model::key::KeyReference;
use strongroom_model::name::BucketName;
use strongroom_model::outcome::bucket::ListedInventories;
use strongroom_model::time::Timestamp;

use super::writer::Writer;
use super::{Element, malformed, reader};
use crate::dialect::{Dialect, InventoryWords};

/// Bytes of a prefix: an object's key has room for one of this length and for what follows it in a report's key.
const PREFIX_MAX: usize = 512;

/// Characters of an account or a role that a document names.
const NAME_MAX: usize = 2048;

/// Fields that the services know and that are not built.
const UNBUILT_FIELDS: [&str; 3] = ["ObjectAcl", "ObjectAccessControlList", "LifecycleExpirationDate"];

/// Reads `InventoryConfiguration`.
///
/// # Errors
/// `MalformedXml`, `InvalidArgument`, `NotImplemented` for what the services know and is not built here.
pub(crate) fn read(document: &[u8], dialect: &Dialect) -> Result<Inventory, Failure> {
    let root = reader::read(document, "InventoryConfiguration")?;
    let words = &dialect.settings.inventory;
    known(
        &root,
        &["Id", "IsEnabled", "Filter", "Destination", "Schedule", "IncludedObjectVersions", "OptionalFields"],
    )?;
    let id = root.one("Id")?.word();
    let optional = root.at_most_one("OptionalFields")?;
    Ok(Inventory {
        id: InventoryId::parse(id).map_err(|_| invalid("The inventory's name is not one."))?,
        enabled: match root.one("IsEnabled")?.word() {
            word if word.eq_ignore_ascii_case("true") => true,
            word if word.eq_ignore_ascii_case("false") => false,
            other => return Err(malformed(format!("IsEnabled is {other}"))),
        },
        form: words.form,
        filter: root.at_most_one("Filter")?.map(filter).transpose()?.unwrap_or_default(),
        frequency: match root.one("Schedule")?.one("Frequency")?.word() {
            "Daily" => Frequency::Daily,
            "Weekly" => Frequency::Weekly,
            other @ ("Monthly" | "Once") => return Err(unbuilt(other)),
            other => return Err(malformed(format!("Frequency is {other}"))),
        },
        all_versions: match root.one("IncludedObjectVersions")?.word() {
            "All" => true,
            "Current" => false,
            other => return Err(malformed(format!("IncludedObjectVersions is {other}"))),
        },
        fields: optional.map(fields).transpose()?.unwrap_or_default(),
        destination: destination(root.one("Destination")?, words)?,
    })
}

/// Writes `InventoryConfiguration`.
pub(crate) fn write(inventory: &Inventory, dialect: &Dialect) -> Writer {
    let documents = &dialect.documents;
    Writer::document(documents.declaration, "InventoryConfiguration", documents.namespace, |writer| {
        write_content(inventory, &dialect.settings.inventory, writer);
    })
}

/// Writes a page of inventories.
pub(crate) fn write_list(listed: &ListedInventories, dialect: &Dialect) -> Writer {
    let (documents, words) = (&dialect.documents, &dialect.settings.inventory);
    Writer::document(documents.declaration, words.list, documents.namespace, |writer| {
        for inventory in &listed.inventories {
            writer.element("InventoryConfiguration", |writer| write_content(inventory, words, writer));
        }
        writer.optional("ContinuationToken", listed.after.as_deref());
        writer.leaf("IsTruncated", listed.next.is_some());
        writer.optional("NextContinuationToken", listed.next.as_ref().map(InventoryId::as_str));
    })
}

fn known(element: &Element, names: &[&str]) -> Result<(), Failure> {
    match element.children().iter().find(|child| !names.contains(&child.name())) {
        Some(child) => Err(malformed(format!("{} in {}", child.name(), element.name()))),
        None => Ok(()),
    }
}

fn filter(element: &Element) -> Result<InventoryFilter, Failure> {
    if element.all("StorageClass").next().is_some() {
        return Err(unbuilt("an inventory of one storage class"));
    }
    known(
        element,
        &["Prefix", "LastModifyBeginTimeStamp", "LastModifyEndTimeStamp", "LowerSizeBound", "UpperSizeBound"],
    )?;
    let time = |name| number(element, name)?.map(|seconds| seconds_of(name, seconds)).transpose();
    let filter = InventoryFilter {
        prefix: element
            .at_most_one("Prefix")?
            .map(|prefix| bounded(prefix.text(), 1024))
            .transpose()?
            .unwrap_or_default(),
        modified_from: time("LastModifyBeginTimeStamp")?,
        modified_to: time("LastModifyEndTimeStamp")?,
        least: number(element, "LowerSizeBound")?,
        most: number(element, "UpperSizeBound")?,
    };
    Ok(filter)
}

fn seconds_of(name: &str, seconds: u64) -> Result<Timestamp, Failure> {
    // Beyond, no calendar goes.
    match i64::try_from(seconds) {
        Ok(seconds @ ..=253_402_300_799) => Ok(Timestamp::from_seconds(seconds)),
        _ => Err(malformed(format!("{name} is {seconds}"))),
    }
}

fn number(element: &Element, name: &str) -> Result<Option<u64>, Failure> {
    let word = element.child_word(name)?;
    word.map(|word| word.parse().map_err(|_| malformed(format!("{name} is {word}")))).transpose()
}

fn fields(element: &Element) -> Result<Vec<InventoryField>, Failure> {
    known(element, &["Field"])?;
    let mut fields = Vec::new();
    for word in element.all("Field").map(Element::word) {
        if UNBUILT_FIELDS.contains(&word) {
            return Err(unbuilt(word));
        }
        let field = InventoryField::parse(word).ok_or_else(|| malformed(format!("the field {word}")))?;
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    Ok(fields)
}

fn destination(element: &Element, words: &InventoryWords) -> Result<Destination, Failure> {
    // Huawei's Python SDK has no element around it, whatever dialect it speaks.
    let inner = match words.wrapper {
        Some(wrapper) => element.at_most_one(wrapper)?.unwrap_or(element),
        None => element,
    };
    known(inner, &["Format", "AccountId", "RoleArn", "Bucket", "Prefix", "Encryption"])?;
    match inner.one("Format")?.word() {
        "CSV" => {}
        other @ ("ORC" | "Parquet") => return Err(unbuilt(other)),
        other => return Err(malformed(format!("Format is {other}"))),
    }
    let bucket = inner.one("Bucket")?.word();
    let bucket = bucket.strip_prefix(words.bucket_prefix).unwrap_or(bucket);
    let named = |name| inner.child_word(name)?.map(|text| bounded(text, NAME_MAX)).transpose();
    Ok(Destination {
        bucket: BucketName::parse(bucket).map_err(|_| FailureCode::InvalidInventoryDestination)?,
        prefix: inner
            .at_most_one("Prefix")?
            .map(|prefix| bounded(prefix.text(), PREFIX_MAX))
            .transpose()?
            .unwrap_or_default(),
        encryption: inner.at_most_one("Encryption")?.map(|it| encryption(it, words)).transpose()?.flatten(),
        account: named("AccountId")?,
        role: named("RoleArn")?,
    })
}

fn encryption(element: &Element, words: &InventoryWords) -> Result<Option<ReportEncryption>, Failure> {
    known(element, &["SSE-KMS", words.managed])?;
    match (element.at_most_one(words.managed)?, element.at_most_one("SSE-KMS")?) {
        (None, None) => Ok(None),
        (Some(_), None) => Ok(Some(ReportEncryption::Managed)),
        (None, Some(kms)) => {
            known(kms, &["KeyId"])?;
            let key = kms.child_word("KeyId")?.map(|text| bounded(text, NAME_MAX)).transpose()?;
            Ok(Some(ReportEncryption::Kms(key.map(|key| KeyReference::parse(&key)))))
        }
        (Some(_), Some(_)) => Err(malformed("two encryptions")),
    }
}

fn write_content(inventory: &Inventory, words: &InventoryWords, writer: &mut Writer) {
    writer.leaf("Id", inventory.id.as_str());
    writer.leaf("IsEnabled", inventory.enabled);
    if inventory.filter != InventoryFilter::default() {
        writer.element("Filter", |writer| write_filter(&inventory.filter, writer));
    }
    writer.element("Destination", |writer| match words.wrapper {
        Some(wrapper) => writer.element(wrapper, |writer| write_destination(&inventory.destination, words, writer)),
        None => write_destination(&inventory.destination, words, writer),
    });
    writer.element("Schedule", |writer| {
        let word = match inventory.frequency {
            Frequency::Daily => "Daily",
            Frequency::Weekly => "Weekly",
        };
        writer.leaf("Frequency", word);
    });
    writer.leaf("IncludedObjectVersions", if inventory.all_versions { "All" } else { "Current" });
    if !inventory.fields.is_empty() {
        writer.element("OptionalFields", |writer| {
            inventory.fields.iter().for_each(|field| writer.leaf("Field", field.word()));
        });
    }
}

fn write_filter(filter: &InventoryFilter, writer: &mut Writer) {
    writer.leaf("Prefix", &filter.prefix);
    writer.optional("LastModifyBeginTimeStamp", filter.modified_from.map(Timestamp::seconds));
    writer.optional("LastModifyEndTimeStamp", filter.modified_to.map(Timestamp::seconds));
    writer.optional("LowerSizeBound", filter.least);
    writer.optional("UpperSizeBound", filter.most);
}

fn write_destination(destination: &Destination, words: &InventoryWords, writer: &mut Writer) {
    writer.leaf("Format", "CSV");
    writer.optional("AccountId", destination.account.as_deref());
    writer.optional("RoleArn", destination.role.as_deref());
    writer.leaf("Bucket", format_args!("{}{}", words.bucket_prefix, destination.bucket.as_str()));
    if !destination.prefix.is_empty() {
        writer.leaf("Prefix", &destination.prefix);
    }
    match &destination.encryption {
        None => {}
        Some(ReportEncryption::Managed) => {
            writer.element("Encryption", |writer| writer.leaf(words.managed, ""));
        }
        Some(ReportEncryption::Kms(key)) => writer.element("Encryption", |writer| {
            writer.element("SSE-KMS", |writer| {
                writer.optional("KeyId", key.as_ref().map(|key| key.text.as_str()));
            });
        }),
    }
}

fn bounded(text: &str, most: usize) -> Result<String, Failure> {
    if text.len() > most {
        return Err(invalid("A name in the document is too long."));
    }
    Ok(text.to_owned())
}

fn unbuilt(what: &str) -> Failure {
    Failure::new(FailureCode::NotImplemented).caused_by(what.to_owned())
}

fn invalid(message: impl Into<Cow<'static, str>>) -> Failure {
    Failure::new(FailureCode::InvalidArgument).with_message(message)
}

#[cfg(test)]
mod tests {
    use strongroom_model::inventory::ReportForm;

    use super::*;
    use crate::dialect::{DIALECTS, OBS, OSS, S3};

    fn document(destination: &str, rest: &str) -> Vec<u8> {
        format!(
            "<InventoryConfiguration><Id>report-1</Id><IsEnabled>true</IsEnabled><Destination>{destination}</Destination>\
             <Schedule><Frequency>Daily</Frequency></Schedule><IncludedObjectVersions>All</IncludedObjectVersions>{rest}\
             </InventoryConfiguration>"
        )
        .into_bytes()
    }

    const PLAIN: &str = "<Format>CSV</Format><Bucket>reports</Bucket>";

    /// The example of S3's reference for PutBucketInventoryConfiguration, but for the names.
    #[test]
    fn each_dialect_names_the_destination_in_its_own_way() {
        let amazon = "<S3BucketDestination><Format>CSV</Format><AccountId>123456789012</AccountId>\
            <Bucket>arn:aws:s3:::reports</Bucket><Prefix>p</Prefix><Encryption><SSE-KMS><KeyId>key</KeyId></SSE-KMS>\
            </Encryption></S3BucketDestination>";
        let fields =
            "<OptionalFields><Field>Size</Field><Field>EncryptionStatus</Field><Field>Size</Field></OptionalFields>";
        let read_back = read(&document(amazon, fields), &S3).unwrap();
        assert_eq!(read_back.fields, [InventoryField::Size, InventoryField::EncryptionStatus]);
        let destination = Destination {
            bucket: BucketName::parse("reports").unwrap(),
            prefix: "p".into(),
            encryption: Some(ReportEncryption::Kms(Some(KeyReference::parse("key")))),
            account: Some("123456789012".into()),
            role: None,
        };
        assert_eq!((read_back.destination, read_back.form), (destination, ReportForm::Amazon));
        assert_eq!((read_back.all_versions, read_back.frequency, read_back.enabled), (true, Frequency::Daily, true));
        let alibaba = "<OSSBucketDestination><Format>CSV</Format><AccountId>1</AccountId><RoleArn>acs:ram::1:role/r\
            </RoleArn><Bucket>acs:oss:::reports</Bucket><Encryption><SSE-OSS/></Encryption></OSSBucketDestination>";
        let filter = "<Filter><Prefix>a/</Prefix><LowerSizeBound>3</LowerSizeBound><LastModifyBeginTimeStamp>10\
            </LastModifyBeginTimeStamp></Filter>";
        let read_back = read(&document(alibaba, filter), &OSS).unwrap();
        assert_eq!(read_back.destination.encryption, Some(ReportEncryption::Managed));
        assert_eq!(read_back.destination.role.as_deref(), Some("acs:ram::1:role/r"));
        let (least, modified_from) = (Some(3), Some(Timestamp::from_seconds(10)));
        let filter = InventoryFilter { prefix: "a/".into(), least, modified_from, ..InventoryFilter::default() };
        assert_eq!(read_back.filter, filter);
        for dialect in [&OBS, &S3] {
            let read_back = read(&document(PLAIN, ""), dialect).unwrap();
            assert_eq!(read_back.destination.bucket.as_str(), "reports", "as Huawei's SDK writes it");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        use FailureCode::{InvalidArgument, InvalidInventoryDestination, MalformedXml, NotImplemented};
        let with = |rest: &str| document(PLAIN, rest);
        let field = |word: &str| with(&format!("<OptionalFields><Field>{word}</Field></OptionalFields>"));
        let changed = |from: &str, to: &str| {
            let text = String::from_utf8(document(PLAIN, "")).unwrap();
            assert!(text.contains(from));
            text.replace(from, to).into_bytes()
        };
        for (text, code) in [
            (changed("report-1", "a b"), InvalidArgument),
            (changed("<IsEnabled>true</IsEnabled>", ""), MalformedXml),
            (changed("Daily", "Hourly"), MalformedXml),
            (changed("Daily", "Once"), NotImplemented),
            (changed("<Format>CSV", "<Format>ORC"), NotImplemented),
            (changed(">All<", ">Some<"), MalformedXml),
            (changed(">reports<", ">No Bucket<"), InvalidInventoryDestination),
            (field("Colour"), MalformedXml),
            (field("ObjectAccessControlList"), NotImplemented),
            (with("<Melting/>"), MalformedXml),
            (with("<Filter><StorageClass>IA</StorageClass></Filter>"), NotImplemented),
        ] {
            let refused = read(&text, &S3).unwrap_err();
            assert_eq!(refused.code, code, "{}", String::from_utf8_lossy(&text));
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for dialect in DIALECTS {
            let mut inventory = read(&document(PLAIN, ""), dialect).unwrap();
            inventory.filter = InventoryFilter { prefix: "é/".into(), most: Some(9), ..InventoryFilter::default() };
            inventory.fields = vec![InventoryField::ETag, InventoryField::Size];
            for encryption in [None, Some(ReportEncryption::Managed), Some(ReportEncryption::Kms(None))] {
                inventory.destination.encryption = encryption;
                let written = write(&inventory, dialect).into_bytes();
                assert_eq!(read(&written, dialect).unwrap(), inventory, "{written:?}");
            }
        }
    }
}
