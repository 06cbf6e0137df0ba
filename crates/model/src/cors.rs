//! Cross-origin resource sharing: which pages of other origins a browser lets read a bucket's answers. It protects the users
//! of browsers, and no data: rights are decided elsewhere, and alike for all origins.

/// A bucket's rules. The first that fits counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CorsRules {
    /// The rules.
    pub rules: Vec<CorsRule>,
    /// Whether caches are told that answers depend on their request's origin even if it has none (OSS).
    pub always_varies: bool,
}

/// What pages of some origins may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CorsRule {
    /// Its owner's name for it.
    pub id: Option<String>,
    /// Whose pages; `*` stands for any characters.
    pub origins: Vec<String>,
    /// By which methods.
    pub methods: Vec<CorsMethod>,
    /// With which headers, in any letter case; `*` stands for any characters.
    pub headers: Vec<String>,
    /// The headers of answers that they may read.
    pub exposed: Vec<String>,
    /// Seconds for which a browser need not ask again.
    pub max_age: Option<u32>,
}

/// A method that a rule may allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names are those of HTTP")]
pub enum CorsMethod {
    Get,
    Put,
    Post,
    Delete,
    Head,
}

/// A request from a page of some origin, or a browser's question whether there may be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrossOrigin {
    /// Whose page.
    pub origin: String,
    /// By which method.
    pub method: CorsMethod,
    /// The headers that a question announces.
    pub headers: Vec<String>,
    /// Whether it is about an object, and not about a bucket.
    pub of_object: bool,
}

/// That a rule fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorsGrant {
    /// What was asked.
    pub asked: CrossOrigin,
    /// Whether it would fit any origin.
    pub any_origin: bool,
    /// The rule.
    pub rule: CorsRule,
}

impl CrossOrigin {
    /// Headers that a question may announce: many times what any client sends, and few enough that comparing them with all
    /// patterns of a bucket, for whoever asks, costs little.
    pub const HEADERS_MAX: usize = 100;
}

impl CorsRules {
    /// The first rule that fits.
    pub fn grant(&self, asked: &CrossOrigin) -> Option<CorsGrant> {
        self.rules.iter().find_map(|rule| {
            let allowed = rule.methods.contains(&asked.method)
                && asked.headers.iter().all(|header| rule.headers.iter().any(|pattern| is_header(pattern, header)));
            let origin = rule.origins.iter().find(|pattern| fits(pattern, &asked.origin)).filter(|_| allowed)?;
            Some(CorsGrant { asked: asked.clone(), any_origin: origin == "*", rule: rule.clone() })
        })
    }
}

impl CorsMethod {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Get, Self::Put, Self::Post, Self::Delete, Self::Head];

    /// The method's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Delete => "DELETE",
            Self::Head => "HEAD",
        }
    }

    /// The method of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

fn is_header(pattern: &str, header: &str) -> bool {
    fits(&pattern.to_ascii_lowercase(), &header.to_ascii_lowercase())
}

/// Whether `text` is `pattern`, in which one `*` may stand for any characters, or none.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(origins: &[&str], methods: &[CorsMethod], headers: &[&str]) -> CorsRule {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        CorsRule { origins: owned(origins), methods: methods.to_vec(), headers: owned(headers), ..CorsRule::default() }
    }

    fn asked(origin: &str, method: CorsMethod, headers: &[&str]) -> CrossOrigin {
        let headers = headers.iter().map(|text| (*text).to_owned()).collect();
        CrossOrigin { origin: origin.to_owned(), method, headers, of_object: true }
    }

    /// The example of the S3 user guide: one origin may write, all may read.
    #[test]
    fn the_first_rule_that_fits_counts() {
        use CorsMethod::{Delete, Get, Post, Put};
        let rules = CorsRules {
            rules: vec![rule(&["http://www.example1.com"], &[Put, Post, Delete], &["*"]), rule(&["*"], &[Get], &[])],
            always_varies: false,
        };
        let granted = |origin, method, headers: &[&str]| {
            rules.grant(&asked(origin, method, headers)).map(|grant| grant.any_origin)
        };
        assert_eq!(granted("http://www.example1.com", Put, &["X-Anything"]), Some(false));
        assert_eq!(granted("http://www.example1.com", Get, &[]), Some(true));
        assert_eq!(granted("http://www.example2.com", Put, &[]), None);
        assert_eq!(granted("null", Get, &[]), Some(true));
        assert_eq!(granted("http://www.example1.com", Get, &["range"]), None, "a header that no rule allows");
    }

    #[test]
    fn an_asterisk_stands_for_any_characters() {
        for (pattern, text, expected) in [
            ("https://*.example.com", "https://a.b.example.com", true),
            ("https://*.example.com", "https://example.com", false),
            ("https://*.example.com", "http://a.example.com", false),
            ("https://*.example.com", "https://a.example.com.evil.org", false),
            ("https://a*a", "https://a", false),
            ("https://a*a", "https://aa", true),
            ("https://example.com", "https://example.com", true),
            ("https://example.com", "https://EXAMPLE.com", false),
            ("*", "", true),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
        assert!(is_header("x-AMZ-*", "X-Amz-Date") && !is_header("x-amz-*", "x-obs-date"));
    }
}
