//! The vendors' own names for keys: clients may use them, and not give them.

/// What the default key answers to, at each vendor.
pub(super) const DEFAULT_ALIASES: [&str; 3] = ["obs/default", "acs/oss", "aws/s3"];

/// How the vendors' own aliases begin.
const PREFIXES: [&str; 3] = ["obs/", "acs/", "aws/"];

/// Whether the alias is a name of the default key.
pub(super) fn is_default(alias: &str) -> bool {
    DEFAULT_ALIASES.contains(&alias)
}

/// Whether the alias is for the vendor alone to give.
pub(super) fn is_reserved(alias: &str) -> bool {
    PREFIXES.iter().any(|prefix| alias.starts_with(prefix))
}
