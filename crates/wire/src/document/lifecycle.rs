//! The document of lifecycle rules. OBS and S3 say in a filter what a rule concerns, or by a prefix alone as they once did; OSS by
//! prefix and tags beside the actions, and in its filter what else.

use std::collections::HashSet;

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::lifecycle::{
    DAY_MS, Expiration, Lifecycle, LifecycleRule, NoncurrentExpiration, RuleScope, ScopeException, UploadExpiration,
};
use strongroom_model::tag::TagSet;
use strongroom_model::time::Timestamp;

use super::tagging::{self, Tagged};
use super::writer::Writer;
use super::{Element, malformed, reader};
use crate::dialect::{Dialect, LifecycleWords, Overlap};
use crate::signature::date;

/// Characters of a rule's name, as all three services state it.
const ID_MAX: usize = 255;

/// Bytes of a prefix: as many as an object's key may have.
const PREFIX_MAX: usize = 1024;

/// Newer noncurrent versions that a rule may keep, as S3 states it.
const NEWER_KEPT_MAX: u64 = 100;

/// What moves objects to other storage classes: not built, for a class is a label here.
const TRANSITIONS: [&str; 3] = ["Transition", "NoncurrentVersionTransition", "AtimeBase"];

/// Reads `LifecycleConfiguration`. `overlap` is how far rules may concern the same objects.
///
/// # Errors
/// `MalformedXml`, `NotImplemented` for transitions, `InvalidArgument` for a value that may not be, `InvalidRequest` for what does
/// not go together, `InvalidTag`.
pub(crate) fn read(document: &[u8], dialect: &Dialect, overlap: Overlap) -> Result<Lifecycle, Failure> {
    let root = reader::read(document, "LifecycleConfiguration")?;
    let rules = root.children().iter().map(|element| match element.name() {
        "Rule" => rule(element, dialect),
        other => Err(malformed(format!("{other} among the rules"))),
    });
    let rules = rules.collect::<Result<Vec<_>, _>>()?;
    match rules.len() {
        0 => return Err(malformed("no rule")),
        1..=Lifecycle::RULES_MAX => {}
        _ => return Err(conflict("The number of lifecycle rules must not exceed the allowed limit of 1000 rules")),
    }
    let mut ids = HashSet::new();
    if !rules.iter().filter(|rule| !rule.id.is_empty()).all(|rule| ids.insert(rule.id.as_str())) {
        return Err(invalid("Rule ID must be unique. Found same ID for more than one rule"));
    }
    let styles = || rules.iter().map(|rule| rule.scope.filtered);
    if dialect.settings.lifecycle.strict && styles().any(|it| it) && !styles().all(|it| it) {
        return Err(conflict("Filter element can only be used in Lifecycle V2."));
    }
    if overlaps(&rules, overlap) {
        return Err(conflict("Found overlapping prefixes for the same action type"));
    }
    Ok(Lifecycle { rules })
}

/// Writes `LifecycleConfiguration`.
pub(crate) fn write(lifecycle: &Lifecycle, dialect: &Dialect) -> Writer {
    let (documents, words) = (&dialect.documents, &dialect.settings.lifecycle);
    Writer::document(documents.declaration, "LifecycleConfiguration", documents.namespace, |writer| {
        for rule in &lifecycle.rules {
            writer.element("Rule", |writer| write_rule(rule, words, writer));
        }
    })
}

fn rule(element: &Element, dialect: &Dialect) -> Result<LifecycleRule, Failure> {
    let words = &dialect.settings.lifecycle;
    for child in element.children().iter().map(Element::name) {
        let known = ["ID", "Prefix", "Filter", "Status", "Expiration", "NoncurrentVersionExpiration", words.abort];
        if TRANSITIONS.contains(&child) {
            return Err(Failure::new(FailureCode::NotImplemented).caused_by("a transition between storage classes"));
        }
        if !known.contains(&child) && (words.filters || child != "Tag") {
            return Err(malformed(format!("{child} in a rule")));
        }
    }
    let id = element.child_word("ID")?.unwrap_or_default().to_owned();
    if id.chars().count() > ID_MAX {
        return Err(invalid("ID length should not exceed allowed limit of 255"));
    }
    let enabled = match element.one("Status")?.word() {
        "Enabled" => true,
        "Disabled" => false,
        other => return Err(malformed(format!("Status is {other}"))),
    };
    let rule = LifecycleRule {
        id,
        enabled,
        scope: if words.filters { filtered_scope(element, dialect)? } else { plain_scope(element, dialect)? },
        expiration: element.at_most_one("Expiration")?.map(expiration).transpose()?.flatten(),
        noncurrent: element.at_most_one("NoncurrentVersionExpiration")?.map(noncurrent).transpose()?,
        uploads: element.at_most_one(words.abort)?.map(|abort| uploads(abort, words)).transpose()?,
    };
    consistent(rule, words)
}

/// Refuses a rule that does nothing, or of which a part would do nothing.
fn consistent(rule: LifecycleRule, words: &LifecycleWords) -> Result<LifecycleRule, Failure> {
    let scope = &rule.scope;
    if rule.expiration.is_none() && rule.noncurrent.is_none() && rule.uploads.is_none() {
        return Err(conflict("At least one action needs to be specified in a rule"));
    }
    if !scope.is_by_name() && rule.uploads.is_some() {
        return Err(conflict(format!("{} cannot be specified with tags or object sizes", words.abort)));
    }
    if !scope.is_by_name() && rule.expiration == Some(Expiration::LoneMarkers) {
        return Err(conflict("ExpiredObjectDeleteMarker cannot be specified with tags or object sizes"));
    }
    match (scope.larger_than, scope.smaller_than) {
        (Some(least), Some(most)) if least >= most => {
            Err(conflict("ObjectSizeLessThan has to be a value greater than ObjectSizeGreaterThan"))
        }
        _ => Ok(rule),
    }
}

/// What a rule concerns in OBS and S3.
fn filtered_scope(element: &Element, dialect: &Dialect) -> Result<RuleScope, Failure> {
    let prefix = element.at_most_one("Prefix")?;
    let filter = match (prefix, element.at_most_one("Filter")?) {
        (Some(_), Some(_)) => return Err(malformed("Prefix and Filter")),
        (None, None) if dialect.settings.lifecycle.strict => return Err(malformed("neither Prefix nor Filter")),
        (None, None) => return Ok(RuleScope::default()),
        (Some(prefix), None) => {
            return Ok(RuleScope { prefix: prefix_of(prefix)?, ..RuleScope::default() });
        }
        (None, Some(filter)) => filter,
    };
    let and = filter.at_most_one("And")?;
    let conditions = |of: &Element| of.children().iter().filter(|child| child.name() != "Not").count();
    let (group, least, most) = match and {
        Some(and) if conditions(filter) == 1 => {
            (and, if dialect.settings.lifecycle.strict { 2 } else { 1 }, usize::MAX)
        }
        Some(_) => return Err(malformed("something beside And")),
        None => (filter, 0, 1),
    };
    if !(least..=most).contains(&conditions(group)) {
        return Err(malformed("a filter of too few or too many conditions"));
    }
    known(group, &["Prefix", "Tag", "ObjectSizeGreaterThan", "ObjectSizeLessThan", "Not", "And"])?;
    Ok(RuleScope {
        prefix: group.at_most_one("Prefix")?.map(prefix_of).transpose()?.unwrap_or_default(),
        tags: tags_of(group, dialect)?,
        larger_than: size(group, "ObjectSizeGreaterThan")?,
        smaller_than: size(group, "ObjectSizeLessThan")?,
        except: exceptions(filter, dialect)?,
        filtered: true,
    })
}

/// What a rule concerns in OSS.
fn plain_scope(element: &Element, dialect: &Dialect) -> Result<RuleScope, Failure> {
    let nothing = Element::default();
    let filter = element.at_most_one("Filter")?.unwrap_or(&nothing);
    known(filter, &["ObjectSizeGreaterThan", "ObjectSizeLessThan", "Not"])?;
    Ok(RuleScope {
        prefix: element.at_most_one("Prefix")?.map(prefix_of).transpose()?.unwrap_or_default(),
        tags: tags_of(element, dialect)?,
        larger_than: size(filter, "ObjectSizeGreaterThan")?,
        smaller_than: size(filter, "ObjectSizeLessThan")?,
        except: exceptions(filter, dialect)?,
        filtered: false,
    })
}

fn known(element: &Element, names: &[&str]) -> Result<(), Failure> {
    match element.children().iter().find(|child| !names.contains(&child.name())) {
        Some(child) => Err(malformed(format!("{} in {}", child.name(), element.name()))),
        None => Ok(()),
    }
}

fn prefix_of(element: &Element) -> Result<String, Failure> {
    if element.text().len() > PREFIX_MAX {
        return Err(invalid("The maximum size of a prefix is 1024."));
    }
    Ok(element.text().to_owned())
}

fn tags_of(element: &Element, dialect: &Dialect) -> Result<Vec<(String, String)>, Failure> {
    let tags: TagSet = tagging::set(element, Tagged::Object, dialect)?;
    Ok(tags.as_slice().to_vec())
}

fn exceptions(filter: &Element, dialect: &Dialect) -> Result<Vec<ScopeException>, Failure> {
    let read = filter.all("Not").map(|not| {
        known(not, &["Prefix", "Tag"])?;
        let tag = not.at_most_one("Tag")?.map(|_| tags_of(not, dialect)).transpose()?;
        let prefix = not.at_most_one("Prefix")?.map(prefix_of).transpose()?;
        if prefix.is_none() && tag.is_none() {
            return Err(malformed("Not of nothing"));
        }
        let tag = tag.and_then(|tags| tags.into_iter().next());
        Ok(ScopeException { prefix: prefix.unwrap_or_default(), tag })
    });
    read.collect()
}

fn expiration(element: &Element) -> Result<Option<Expiration>, Failure> {
    known(element, &["Days", "Date", "CreatedBeforeDate", "ExpiredObjectDeleteMarker"])?;
    let found = [
        days(element, "Days", "Expiration")?.map(Expiration::After),
        midnight(element, "Date")?.map(Expiration::On),
        midnight(element, "CreatedBeforeDate")?.map(Expiration::WrittenBefore),
        element.flag("ExpiredObjectDeleteMarker")?.then_some(Expiration::LoneMarkers),
    ];
    only(found.into_iter().flatten(), element)
}

fn noncurrent(element: &Element) -> Result<NoncurrentExpiration, Failure> {
    known(element, &["NoncurrentDays", "NewerNoncurrentVersions"])?;
    let days = days(element, "NoncurrentDays", "NoncurrentVersionExpiration")?;
    let kept = number(element, "NewerNoncurrentVersions")?;
    if kept.is_some_and(|kept| !(1..=NEWER_KEPT_MAX).contains(&kept)) {
        return Err(invalid("'NewerNoncurrentVersions' must be between 1 and 100"));
    }
    Ok(NoncurrentExpiration {
        days: days.ok_or_else(|| malformed("no NoncurrentDays"))?,
        newer_kept: kept.and_then(|kept| u32::try_from(kept).ok()),
    })
}

fn uploads(element: &Element, words: &LifecycleWords) -> Result<UploadExpiration, Failure> {
    known(element, &[words.abort_days, "CreatedBeforeDate"])?;
    let found = [
        days(element, words.abort_days, words.abort)?.map(UploadExpiration::After),
        midnight(element, "CreatedBeforeDate")?.map(UploadExpiration::BegunBefore),
    ];
    only(found.into_iter().flatten(), element)?.ok_or_else(|| malformed("an upload's end without a time"))
}

/// The only one of what there may be one of.
fn only<T>(mut found: impl Iterator<Item = T>, element: &Element) -> Result<Option<T>, Failure> {
    match (found.next(), found.next()) {
        (None, _) if element.children().is_empty() => Err(malformed(format!("{} of nothing", element.name()))),
        (first, None) => Ok(first),
        (_, Some(_)) => Err(malformed(format!("more than one time in {}", element.name()))),
    }
}

fn days(element: &Element, name: &str, action: &str) -> Result<Option<u32>, Failure> {
    let Some(word) = element.child_word(name)? else { return Ok(None) };
    let days: i64 = word.parse().map_err(|_| malformed(format!("{name} is {word}")))?;
    match u32::try_from(days) {
        Ok(days @ 1..=0x7fff_ffff) => Ok(Some(days)),
        _ => Err(invalid(format!("'{name}' for {action} action must be a positive integer"))),
    }
}

fn number(element: &Element, name: &str) -> Result<Option<u64>, Failure> {
    let word = element.child_word(name)?;
    word.map(|word| word.parse().map_err(|_| malformed(format!("{name} is {word}")))).transpose()
}

fn size(element: &Element, name: &str) -> Result<Option<u64>, Failure> {
    number(element, name)
}

fn midnight(element: &Element, name: &str) -> Result<Option<Timestamp>, Failure> {
    let Some(word) = element.child_word(name)? else { return Ok(None) };
    let date = date::read_lenient(word).ok_or_else(|| malformed(format!("{name} is {word}")))?;
    if date.millis().rem_euclid(DAY_MS) != 0 {
        return Err(invalid(format!("'{name}' must be at midnight GMT")));
    }
    Ok(Some(date))
}

/// Whether two rules concern the same objects further than the dialect allows. Rules about tags are not compared.
fn overlaps(rules: &[LifecycleRule], allowed: Overlap) -> bool {
    let prefixes = |has: &dyn Fn(&LifecycleRule) -> bool| {
        let untagged = rules.iter().filter(|rule| rule.scope.tags.is_empty() && has(rule));
        let mut prefixes: Vec<_> = untagged.map(|rule| rule.scope.prefix.as_str()).collect();
        prefixes.sort_unstable();
        prefixes
    };
    // In their order, what begins with a prefix comes right after it.
    let nested = |prefixes: Vec<&str>| prefixes.windows(2).any(|pair| pair[1].starts_with(pair[0]));
    match allowed {
        Overlap::Allowed => false,
        Overlap::Refused => nested(prefixes(&|_| true)),
        Overlap::RefusedOfOneAction => {
            nested(prefixes(&|rule| rule.expiration.is_some()))
                || nested(prefixes(&|rule| rule.noncurrent.is_some()))
                || nested(prefixes(&|rule| rule.uploads.is_some()))
        }
    }
}

fn write_rule(rule: &LifecycleRule, words: &LifecycleWords, writer: &mut Writer) {
    writer.leaf("ID", &rule.id);
    if words.filters {
        write_filter(&rule.scope, writer)
    } else {
        write_plain(&rule.scope, writer)
    }
    writer.leaf("Status", if rule.enabled { "Enabled" } else { "Disabled" });
    if let Some(expiration) = rule.expiration {
        writer.element("Expiration", |writer| match expiration {
            Expiration::After(days) => writer.leaf("Days", days),
            Expiration::On(date) => writer.leaf("Date", date),
            Expiration::WrittenBefore(date) => writer.leaf("CreatedBeforeDate", date),
            Expiration::LoneMarkers => writer.leaf("ExpiredObjectDeleteMarker", true),
        });
    }
    if let Some(noncurrent) = rule.noncurrent {
        writer.element("NoncurrentVersionExpiration", |writer| {
            writer.leaf("NoncurrentDays", noncurrent.days);
            writer.optional("NewerNoncurrentVersions", noncurrent.newer_kept);
        });
    }
    if let Some(uploads) = rule.uploads {
        writer.element(words.abort, |writer| match uploads {
            UploadExpiration::After(days) => writer.leaf(words.abort_days, days),
            UploadExpiration::BegunBefore(date) => writer.leaf("CreatedBeforeDate", date),
        });
    }
}

fn write_filter(scope: &RuleScope, writer: &mut Writer) {
    if !scope.filtered && scope.is_by_name() && scope.except.is_empty() {
        return writer.leaf("Prefix", &scope.prefix);
    }
    let conditions = usize::from(!scope.prefix.is_empty())
        + scope.tags.len()
        + usize::from(scope.larger_than.is_some())
        + usize::from(scope.smaller_than.is_some());
    let content = |writer: &mut Writer| {
        if !scope.prefix.is_empty() || conditions == 0 {
            writer.leaf("Prefix", &scope.prefix);
        }
        write_tags(&scope.tags, writer);
        write_sizes(scope, writer);
    };
    writer.element("Filter", |writer| {
        if conditions > 1 {
            writer.element("And", content)
        } else {
            content(writer)
        }
        write_exceptions(scope, writer);
    });
}

fn write_plain(scope: &RuleScope, writer: &mut Writer) {
    writer.leaf("Prefix", &scope.prefix);
    write_tags(&scope.tags, writer);
    if scope.larger_than.is_some() || scope.smaller_than.is_some() || !scope.except.is_empty() {
        writer.element("Filter", |writer| {
            write_sizes(scope, writer);
            write_exceptions(scope, writer);
        });
    }
}

fn write_tags<'t>(tags: impl IntoIterator<Item = &'t (String, String)>, writer: &mut Writer) {
    for (key, value) in tags {
        writer.element("Tag", |writer| {
            writer.leaf("Key", key);
            writer.leaf("Value", value);
        });
    }
}

fn write_sizes(scope: &RuleScope, writer: &mut Writer) {
    writer.optional("ObjectSizeGreaterThan", scope.larger_than);
    writer.optional("ObjectSizeLessThan", scope.smaller_than);
}

fn write_exceptions(scope: &RuleScope, writer: &mut Writer) {
    for exception in &scope.except {
        writer.element("Not", |writer| {
            writer.leaf("Prefix", &exception.prefix);
            write_tags(&exception.tag, writer);
        });
    }
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Failure {
    Failure::new(FailureCode::InvalidArgument).with_message(message)
}

fn conflict(message: impl Into<std::borrow::Cow<'static, str>>) -> Failure {
    Failure::new(FailureCode::InvalidRequest).with_message(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{DIALECTS, OBS, OSS, S3};

    fn parse(dialect: &Dialect, rules: &str) -> Result<Vec<LifecycleRule>, FailureCode> {
        let document = format!("<LifecycleConfiguration>{rules}</LifecycleConfiguration>");
        let read = read(document.as_bytes(), dialect, dialect.settings.lifecycle.overlap);
        read.map(|lifecycle| lifecycle.rules).map_err(|failure| failure.code)
    }

    const DAYS: &str = "<Status>Enabled</Status><Expiration><Days>1</Days></Expiration>";

    fn plain(id: &str, prefix: &str) -> String {
        format!("<Rule><ID>{id}</ID><Prefix>{prefix}</Prefix>{DAYS}</Rule>")
    }

    /// The example of S3's reference for PutBucketLifecycleConfiguration, with all that a filter may say.
    #[test]
    fn a_filter_of_s3_is_read_whole() {
        let text = "<Rule><ID>r</ID><Status>Enabled</Status><Filter><And><Prefix>tax/</Prefix><Tag><Key>k1</Key>\
            <Value>v1</Value></Tag><Tag><Key>k2</Key><Value>v2</Value></Tag><ObjectSizeGreaterThan>500\
            </ObjectSizeGreaterThan><ObjectSizeLessThan>64000</ObjectSizeLessThan></And></Filter><Expiration>\
            <Date>2026-01-01T00:00:00.000Z</Date></Expiration><NoncurrentVersionExpiration><NoncurrentDays>3\
            </NoncurrentDays><NewerNoncurrentVersions>5</NewerNoncurrentVersions></NoncurrentVersionExpiration></Rule>";
        let expected = LifecycleRule {
            id: "r".into(),
            enabled: true,
            scope: RuleScope {
                prefix: "tax/".into(),
                tags: vec![("k1".into(), "v1".into()), ("k2".into(), "v2".into())],
                larger_than: Some(500),
                smaller_than: Some(64000),
                except: Vec::new(),
                filtered: true,
            },
            expiration: Some(Expiration::On(Timestamp::from_seconds(1_767_225_600))),
            noncurrent: Some(NoncurrentExpiration { days: 3, newer_kept: Some(5) }),
            uploads: None,
        };
        assert_eq!(parse(&S3, text), Ok(vec![expected]));
    }

    #[test]
    fn a_rule_of_oss_has_its_tags_beside_its_actions() {
        let text = "<Rule><ID>r</ID><Prefix>logs/</Prefix><Status>Disabled</Status><Expiration><CreatedBeforeDate>\
            2026-01-01T00:00:00.000Z</CreatedBeforeDate></Expiration><Tag><Key>k</Key><Value>v</Value></Tag><Filter>\
            <ObjectSizeLessThan>10</ObjectSizeLessThan><Not><Prefix>logs/keep</Prefix><Tag><Key>a</Key><Value>b</Value>\
            </Tag></Not></Filter></Rule>";
        let rules = parse(&OSS, text).unwrap();
        assert!(!rules[0].enabled);
        let except = ScopeException { prefix: "logs/keep".into(), tag: Some(("a".into(), "b".into())) };
        let scope = RuleScope {
            prefix: "logs/".into(),
            tags: vec![("k".into(), "v".into())],
            larger_than: None,
            smaller_than: Some(10),
            except: vec![except],
            filtered: false,
        };
        assert_eq!(rules[0].scope, scope);
        let abort = |days| {
            format!(
                "<Rule><Status>Enabled</Status><AbortMultipartUpload><Days>{days}</Days></AbortMultipartUpload></Rule>"
            )
        };
        assert_eq!(parse(&OSS, &abort("7")).unwrap()[0].uploads, Some(UploadExpiration::After(7)));
        assert_eq!(parse(&OSS, &abort("0")), Err(FailureCode::InvalidArgument));
        assert_eq!(parse(&S3, &abort("7")), Err(FailureCode::MalformedXml));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        use FailureCode::{InvalidArgument, InvalidRequest, MalformedXml, NotImplemented};
        let with = |actions: &str| {
            format!("<Rule><Filter><Prefix>p</Prefix></Filter><Status>Enabled</Status>{actions}</Rule>")
        };
        let scoped = |scope: &str, actions: &str| format!("<Rule>{scope}<Status>Enabled</Status>{actions}</Rule>");
        let days = |days: &str| with(&format!("<Expiration><Days>{days}</Days></Expiration>"));
        let tag = "<Tag><Key>k</Key><Value>v</Value></Tag>";
        let marker = "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>";
        let abort = "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>";
        for (text, code) in [
            (String::new(), MalformedXml),
            (with(""), InvalidRequest),
            (days("0"), InvalidArgument),
            (days("-1"), InvalidArgument),
            (days("2147483648"), InvalidArgument),
            (days("one"), MalformedXml),
            (with("<Expiration/>"), MalformedXml),
            (with("<Expiration><Days>1</Days><Date>2026-01-01T00:00:00Z</Date></Expiration>"), MalformedXml),
            (with("<Expiration><Date>2026-01-01T00:00:01Z</Date></Expiration>"), InvalidArgument),
            (with("<Expiration><Date>soon</Date></Expiration>"), MalformedXml),
            (with("<Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>"), NotImplemented),
            (with("<NoncurrentVersionExpiration/>"), MalformedXml),
            (with("<Melting/>"), MalformedXml),
            (scoped("", marker), MalformedXml),
            (scoped("<Prefix/><Filter/>", marker), MalformedXml),
            (scoped(&format!("<Filter>{tag}</Filter>"), marker), InvalidRequest),
            (scoped(&format!("<Filter>{tag}</Filter>"), abort), InvalidRequest),
            (scoped("<Filter><ObjectSizeLessThan>1</ObjectSizeLessThan></Filter>", abort), InvalidRequest),
            (scoped(&format!("<Filter><And>{tag}</And></Filter>"), DAYS_ONLY), MalformedXml),
            (scoped(&format!("<Filter><Prefix>a</Prefix>{tag}</Filter>"), DAYS_ONLY), MalformedXml),
            (format!("{}{}", plain("same", "a"), plain("same", "b")), InvalidArgument),
            (plain(&"i".repeat(256), "a"), InvalidArgument),
            (plain("i", &"p".repeat(1025)), InvalidArgument),
            (format!("{}{}", plain("old", "a"), with(DAYS_ONLY)), InvalidRequest),
            ((0..1001).map(|number| plain(&number.to_string(), "")).collect(), InvalidRequest),
        ] {
            assert_eq!(parse(&S3, &text), Err(code), "{text:.200}");
        }
        let most: String = (0..1000).map(|number| plain(&number.to_string(), "")).collect();
        assert_eq!(parse(&S3, &most).map(|rules| rules.len()), Ok(1000));
    }

    const DAYS_ONLY: &str = "<Expiration><Days>1</Days></Expiration>";

    #[test]
    fn dialects_differ_in_what_may_overlap() {
        let noncurrent = |id: &str, prefix: &str| {
            format!(
                "<Rule><ID>{id}</ID><Prefix>{prefix}</Prefix><Status>Enabled</Status><NoncurrentVersionExpiration>\
                 <NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration></Rule>"
            )
        };
        let tagged =
            format!("<Rule><ID>t</ID><Prefix>test/log</Prefix>{DAYS}<Tag><Key>k</Key><Value>v</Value></Tag></Rule>");
        let same_action = plain("1", "test") + &plain("2", "other") + &plain("3", "test/log");
        let other_action = plain("1", "test") + &noncurrent("2", "test/log");
        let refused = |dialect, text: &str| parse(dialect, text).err();
        let conflict = Some(FailureCode::InvalidRequest);
        assert_eq!([&OBS, &OSS, &S3].map(|dialect| refused(dialect, &same_action)), [conflict, conflict, None]);
        assert_eq!([&OBS, &OSS, &S3].map(|dialect| refused(dialect, &other_action)), [conflict, None, None]);
        assert_eq!(refused(&OSS, &(plain("1", "test") + &tagged)), None);
        let document = format!("<LifecycleConfiguration>{same_action}</LifecycleConfiguration>");
        assert!(read(document.as_bytes(), &OSS, Overlap::Allowed).is_ok());
    }

    #[test]
    fn what_is_written_is_read_again() {
        let full = |filtered: bool, tags: usize, prefix: &str| LifecycleRule {
            id: format!("{filtered}{tags}{prefix}"),
            enabled: true,
            scope: RuleScope {
                prefix: prefix.to_owned(),
                tags: (0..tags).map(|number| (format!("k{number}"), "v".to_owned())).collect(),
                larger_than: filtered.then_some(1),
                smaller_than: None,
                except: vec![ScopeException { prefix: format!("{prefix}x"), tag: None }],
                filtered,
            },
            expiration: Some(Expiration::WrittenBefore(Timestamp::from_seconds(1_767_225_600))),
            noncurrent: Some(NoncurrentExpiration { days: 1, newer_kept: None }),
            uploads: None,
        };
        for dialect in DIALECTS {
            let filtered = dialect.settings.lifecycle.filters;
            let mut uploads = full(filtered, 0, "d");
            uploads.uploads = Some(UploadExpiration::After(3));
            uploads.scope.larger_than = None;
            let rules = vec![full(filtered, 0, "a"), full(filtered, 2, "b"), full(filtered, 1, ""), uploads];
            for rule in rules {
                let lifecycle = Lifecycle { rules: vec![rule] };
                let written = write(&lifecycle, dialect).into_bytes();
                assert_eq!(read(&written, dialect, Overlap::Allowed).unwrap(), lifecycle, "{written:?}");
            }
        }
    }
}
