//! The document of a bucket's rules for other origins.

use http::HeaderName;
use strongroom_model::cors::{CorsMethod, CorsRule, CorsRules};
use strongroom_model::failure::{Failure, FailureCode};

use super::writer::Writer;
use super::{Element, malformed, reader};
use crate::dialect::Dialect;

/// Characters of a rule's name at most, as S3 and OBS state it.
const ID_MAX: usize = 255;

/// Reads `CORSConfiguration`.
///
/// # Errors
/// `MalformedXml`, `InvalidRequest` for what a rule may not say.
pub(crate) fn read(document: &[u8], dialect: &Dialect) -> Result<CorsRules, Failure> {
    let root = reader::read(document, "CORSConfiguration")?;
    let rules = root.all("CORSRule").map(rule).collect::<Result<Vec<_>, _>>()?;
    if rules.is_empty() || rules.len() > dialect.settings.cors.rules {
        return Err(malformed(format!("{} rules", rules.len())));
    }
    let always_varies = dialect.settings.cors.tells_vary && root.flag("ResponseVary")?;
    Ok(CorsRules { rules, always_varies })
}

/// Writes it.
pub(crate) fn write(rules: &CorsRules, dialect: &Dialect) -> Writer {
    let documents = &dialect.documents;
    Writer::document(documents.declaration, "CORSConfiguration", documents.namespace, |writer| {
        for rule in &rules.rules {
            writer.element("CORSRule", |writer| {
                writer.optional("ID", rule.id.as_ref());
                rule.origins.iter().for_each(|origin| writer.leaf("AllowedOrigin", origin));
                rule.methods.iter().for_each(|method| writer.leaf("AllowedMethod", method.name()));
                rule.headers.iter().for_each(|header| writer.leaf("AllowedHeader", header));
                rule.exposed.iter().for_each(|header| writer.leaf("ExposeHeader", header));
                writer.optional("MaxAgeSeconds", rule.max_age);
            });
        }
        if dialect.settings.cors.tells_vary {
            writer.leaf("ResponseVary", rules.always_varies);
        }
    })
}

fn rule(element: &Element) -> Result<CorsRule, Failure> {
    let words = |name: &'static str| element.all(name).map(|child| child.word().to_owned()).collect::<Vec<_>>();
    let methods = element.all("AllowedMethod").map(method).collect::<Result<Vec<_>, _>>()?;
    let rule = CorsRule {
        id: element.child_word("ID")?.map(str::to_owned),
        origins: words("AllowedOrigin"),
        methods,
        headers: words("AllowedHeader"),
        exposed: words("ExposeHeader"),
        max_age: element.child_word("MaxAgeSeconds")?.map(seconds).transpose()?,
    };
    if rule.origins.is_empty() || rule.methods.is_empty() {
        return Err(malformed("a rule without an origin or a method"));
    }
    if rule.id.as_ref().is_some_and(|id| id.chars().count() > ID_MAX) {
        return Err(invalid("The ID of a CORS rule can have at most 255 characters.".to_owned()));
    }
    rule.origins.iter().try_for_each(|origin| pattern("AllowedOrigin", origin))?;
    rule.headers.iter().try_for_each(|header| pattern("AllowedHeader", header))?;
    rule.exposed.iter().try_for_each(|header| name(header))?;
    Ok(rule)
}

fn method(element: &Element) -> Result<CorsMethod, Failure> {
    let word = element.word();
    CorsMethod::parse(word)
        .ok_or_else(|| invalid(format!("Found unsupported HTTP method in CORS config. Unsupported method is {word}")))
}

fn seconds(word: &str) -> Result<u32, Failure> {
    let number = word.parse::<u32>().ok().filter(|number| i32::try_from(*number).is_ok());
    number.ok_or_else(|| malformed(format!("MaxAgeSeconds is {word}")))
}

fn pattern(element: &str, text: &str) -> Result<(), Failure> {
    if text.matches('*').count() > 1 {
        return Err(invalid(format!("{element} \"{text}\" can not have more than one wildcard.")));
    }
    let is_sendable = text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_sendable && !text.is_empty() { Ok(()) } else { Err(malformed(format!("{element} is no word"))) }
}

fn name(header: &str) -> Result<(), Failure> {
    if header.contains('*') {
        let message = format!("ExposeHeader \"{header}\" contains wildcard. Wildcards are not supported here.");
        return Err(invalid(message));
    }
    HeaderName::from_bytes(header.as_bytes()).map(drop).map_err(|_| malformed("ExposeHeader is no header's name"))
}

fn invalid(message: String) -> Failure {
    Failure::new(FailureCode::InvalidRequest).with_message(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{DIALECTS, OSS, S3};

    const LEAST: &str = "<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>";

    fn document(rules: &[&str], more: &str) -> Vec<u8> {
        let rules: String = rules.iter().map(|rule| format!("<CORSRule>{rule}</CORSRule>")).collect();
        format!("<CORSConfiguration>{rules}{more}</CORSConfiguration>").into_bytes()
    }

    fn code(rule: &str) -> FailureCode {
        read(&document(&[rule], ""), &S3).expect_err(rule).code
    }

    #[test]
    fn rules_are_written_as_they_are_read() {
        let rule = "<ID>i &amp; j</ID><AllowedOrigin>https://*.a.com</AllowedOrigin><AllowedOrigin>*</AllowedOrigin>\
                    <AllowedMethod>PUT</AllowedMethod><AllowedMethod>HEAD</AllowedMethod>\
                    <AllowedHeader>x-*</AllowedHeader><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>0</MaxAgeSeconds>";
        for dialect in DIALECTS {
            let rules = read(&document(&[rule, LEAST], ""), dialect).unwrap();
            assert_eq!((rules.rules[0].max_age, rules.rules[1].max_age), (Some(0), None));
            assert_eq!(read(&write(&rules, dialect).into_bytes(), dialect).unwrap(), rules);
        }
        let varies = read(&document(&[LEAST], "<ResponseVary>true</ResponseVary>"), &OSS).unwrap();
        assert!(varies.always_varies);
        assert_eq!(read(&write(&varies, &OSS).into_bytes(), &OSS).unwrap(), varies);
    }

    #[test]
    fn what_a_rule_may_not_say_is_refused() {
        let malformed = FailureCode::MalformedXml;
        for rule in ["", "<AllowedMethod>GET</AllowedMethod>", "<AllowedOrigin>*</AllowedOrigin>"] {
            assert_eq!(code(rule), malformed, "{rule}");
        }
        for (more, expected) in [
            ("<AllowedMethod>PATCH</AllowedMethod>", FailureCode::InvalidRequest),
            ("<AllowedOrigin>https://*.*</AllowedOrigin>", FailureCode::InvalidRequest),
            ("<AllowedOrigin>a b</AllowedOrigin>", malformed),
            ("<AllowedHeader>*-*</AllowedHeader>", FailureCode::InvalidRequest),
            ("<AllowedHeader/>", malformed),
            ("<ExposeHeader>x-*</ExposeHeader>", FailureCode::InvalidRequest),
            ("<ExposeHeader>a:b</ExposeHeader>", malformed),
            ("<MaxAgeSeconds>-1</MaxAgeSeconds>", malformed),
            ("<MaxAgeSeconds>2147483648</MaxAgeSeconds>", malformed),
            ("<ID>a</ID><ID>b</ID>", malformed),
        ] {
            assert_eq!(code(&format!("{LEAST}{more}")), expected, "{more}");
        }
        assert_eq!(code(&format!("{LEAST}<ID>{}</ID>", "i".repeat(256))), FailureCode::InvalidRequest);
    }

    #[test]
    fn there_are_as_many_rules_as_the_dialect_has() {
        for (dialect, most) in DIALECTS.into_iter().zip([100, 20, 100]) {
            assert_eq!(read(&document(&vec![LEAST; most], ""), dialect).unwrap().rules.len(), most);
            let refused = read(&document(&vec![LEAST; most + 1], ""), dialect).unwrap_err();
            assert_eq!(refused.code, FailureCode::MalformedXml);
            assert_eq!(read(&document(&[], ""), dialect).unwrap_err().code, FailureCode::MalformedXml);
        }
    }
}
