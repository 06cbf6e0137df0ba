//! The comparisons of conditions, and what they compare with.

use std::net::IpAddr;

use super::fact::Facts;
use super::pattern::Pattern;

/// A comparison of one value with one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Test {
    /// The same text, or of the form of a pattern: the operand knows which.
    Text,
    /// A name of six parts between colons, each of the form of the operand's part.
    Name,
    /// Numbers.
    Number(Relation),
    /// Points in time.
    Date(Relation),
    /// `true` or `false`.
    Bool,
    /// An address in a network.
    Address,
    /// Whether the fact is unknown.
    Null,
}

/// How a value must stand to an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// The same.
    Equal,
    /// Before it.
    Less,
    /// Not after it.
    LessOrEqual,
    /// After it.
    Greater,
    /// Not before it.
    GreaterOrEqual,
}

/// What a value is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    /// A text or a pattern.
    Text(Pattern),
    /// The parts of a name.
    Name(Vec<Pattern>),
    /// A number.
    Number(f64),
    /// Milliseconds since 1970.
    Date(i64),
    /// A truth.
    Bool(bool),
    /// A network.
    Network(Network),
    /// The fact being unknown: `${null}` of OBS.
    Nothing,
}

/// A network: an address and how many of its leading bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    bits: u128,
    length: u32,
    is_v4: bool,
}

impl Test {
    /// Whether `text` compares to `operand`. What cannot be read as the operator's kind compares to nothing.
    pub(super) fn compares(self, text: &str, operand: &Operand, facts: &Facts<'_>) -> bool {
        match (self, operand) {
            (Self::Text, Operand::Text(pattern)) => pattern.matches(text, facts) == Some(true),
            (Self::Name, Operand::Name(parts)) => names_match(text, parts, facts),
            (Self::Number(relation), Operand::Number(limit)) => {
                number(text).is_some_and(|number| relation.holds(number.partial_cmp(limit)))
            }
            (Self::Date(relation), Operand::Date(limit)) => {
                date(text).is_some_and(|date| relation.holds(date.partial_cmp(limit)))
            }
            (Self::Bool, Operand::Bool(truth)) => text.eq_ignore_ascii_case("true") == *truth,
            (Self::Address, Operand::Network(network)) => text.parse().is_ok_and(|address| network.contains(address)),
            _ => false,
        }
    }
}

impl Relation {
    fn holds(self, ordering: Option<std::cmp::Ordering>) -> bool {
        ordering.is_some_and(|ordering| match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        })
    }
}

impl Network {
    /// Reads an address, or an address and a prefix length.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok()?,
            Some(_) => return None,
            None => whole,
        };
        (length <= whole).then_some(Self { bits: bits(address), length, is_v4: address.is_ipv4() })
    }

    /// Whether every address is in the network.
    pub(crate) fn is_everything(&self) -> bool {
        self.length == 0
    }

    /// Whether the address is in the network. An IPv4 address inside IPv6 counts as IPv4.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let width = if self.is_v4 { 32 } else { 128 };
        let shift = width - self.length;
        let head = |bits: u128| bits.checked_shr(shift).unwrap_or(0);
        address.is_ipv4() == self.is_v4 && head(bits(address)) == head(self.bits)
    }
}

/// Reads a number as JSON writes one.
pub(crate) fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    text.parse().ok().filter(|number: &f64| plain && number.is_finite())
}

/// Reads a point in time, as milliseconds since 1970: ISO 8601 with or without a time of day, or seconds since 1970.
pub(crate) fn date(text: &str) -> Option<i64> {
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(instant.as_millisecond());
    }
    if text.len() == 10 && text.as_bytes()[4] == b'-' {
        let day: jiff::civil::Date = text.parse().ok()?;
        let midnight = day.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        return Some(midnight.timestamp().as_millisecond());
    }
    let seconds = number(text)?;
    (seconds.abs() < 1e12).then_some((seconds * 1000.0) as i64)
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

fn names_match(text: &str, parts: &[Pattern], facts: &Facts<'_>) -> bool {
    let found: Vec<&str> = text.splitn(parts.len(), ':').collect();
    found.len() == parts.len()
        && found.iter().zip(parts).all(|(part, pattern)| pattern.matches(part, facts) == Some(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(network: &str, address: &str) -> bool {
        Network::parse(network).unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn addresses_lie_in_their_networks() {
        for (network, inside, outside) in [
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "11.0.0.0"),
            ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"),
            ("::/0", "::1", "127.0.0.1"),
        ] {
            assert!(contains(network, inside), "{inside} in {network}");
            assert!(!contains(network, outside), "{outside} not in {network}");
        }
        for wrong in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/8/8"] {
            assert_eq!(Network::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn dates_and_numbers_are_read() {
        assert_eq!(date("1970-01-01T00:00:01Z"), Some(1000));
        assert_eq!(date("1970-01-01T08:00:00+08:00"), Some(0));
        assert_eq!(date("1970-01-02"), Some(86_400_000));
        assert_eq!(date("1700000000"), Some(1_700_000_000_000));
        for wrong in ["", "tomorrow", "1970-13-01", "inf", "1e300", "NaN"] {
            assert_eq!(date(wrong), None, "{wrong}");
        }
    }
}
