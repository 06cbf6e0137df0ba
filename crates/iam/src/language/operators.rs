//! The operators of conditions: one table for all languages.

use super::{InvalidPolicy, Words};
use crate::policy::condition::{Operator, Over};
use crate::policy::operand::{Network, Operand, Relation, Test, date, number};
use crate::policy::pattern::{Pattern, Reading};

/// One operator: its long name, its short one, and what it comes to.
struct Row {
    long: &'static str,
    short: &'static str,
    test: Test,
    negated: bool,
    text: TextRule,
}

/// How an operator reads its texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextRule {
    /// As they are.
    Exact,
    /// Without regard to case.
    Fold,
    /// With wildcards.
    Like,
}

const ROWS: &[Row] = &[
    row("StringEquals", "streq", Test::Text, false, TextRule::Exact),
    row("StringNotEquals", "strneq", Test::Text, true, TextRule::Exact),
    row("StringEqualsIgnoreCase", "streqi", Test::Text, false, TextRule::Fold),
    row("StringNotEqualsIgnoreCase", "strneqi", Test::Text, true, TextRule::Fold),
    row("StringLike", "strl", Test::Text, false, TextRule::Like),
    row("StringNotLike", "strnl", Test::Text, true, TextRule::Like),
    row("NumericEquals", "numeq", Test::Number(Relation::Equal), false, TextRule::Exact),
    row("NumericNotEquals", "numneq", Test::Number(Relation::Equal), true, TextRule::Exact),
    row("NumericLessThan", "numlt", Test::Number(Relation::Less), false, TextRule::Exact),
    row("NumericLessThanEquals", "numlteq", Test::Number(Relation::LessOrEqual), false, TextRule::Exact),
    row("NumericGreaterThan", "numgt", Test::Number(Relation::Greater), false, TextRule::Exact),
    row("NumericGreaterThanEquals", "numgteq", Test::Number(Relation::GreaterOrEqual), false, TextRule::Exact),
    row("DateEquals", "dateeq", Test::Date(Relation::Equal), false, TextRule::Exact),
    row("DateNotEquals", "dateneq", Test::Date(Relation::Equal), true, TextRule::Exact),
    row("DateLessThan", "datelt", Test::Date(Relation::Less), false, TextRule::Exact),
    row("DateLessThanEquals", "datelteq", Test::Date(Relation::LessOrEqual), false, TextRule::Exact),
    row("DateGreaterThan", "dategt", Test::Date(Relation::Greater), false, TextRule::Exact),
    row("DateGreaterThanEquals", "dategteq", Test::Date(Relation::GreaterOrEqual), false, TextRule::Exact),
    row("Bool", "bool", Test::Bool, false, TextRule::Exact),
    row("BinaryEquals", "bineq", Test::Text, false, TextRule::Exact),
    row("IpAddress", "ip", Test::Address, false, TextRule::Exact),
    row("NotIpAddress", "nip", Test::Address, true, TextRule::Exact),
    row("ArnEquals", "arneq", Test::Name, false, TextRule::Like),
    row("ArnLike", "arnl", Test::Name, false, TextRule::Like),
    row("ArnNotEquals", "arnneq", Test::Name, true, TextRule::Like),
    row("ArnNotLike", "arnnl", Test::Name, true, TextRule::Like),
    row("Null", "null", Test::Null, false, TextRule::Exact),
];

/// The parts of a resource name; only the last may have colons of its own.
const NAME_PARTS: usize = 6;

const fn row(long: &'static str, short: &'static str, test: Test, negated: bool, text: TextRule) -> Row {
    Row { long, short, test, negated, text }
}

/// Reads an operator's name.
///
/// # Errors
/// [`InvalidPolicy::Operator`].
pub(super) fn read(name: &str, words: &Words) -> Result<(Operator, TextRule), InvalidPolicy> {
    let (over, rest) = match name.split_once(':') {
        None => (Over::Single, name),
        Some((word, rest)) if word.eq_ignore_ascii_case("ForAllValues") => (Over::All, rest),
        Some((word, rest)) if word.eq_ignore_ascii_case("ForAnyValue") => (Over::Any, rest),
        Some(_) => return Err(InvalidPolicy::Operator(name.to_owned())),
    };
    let split = rest.len().saturating_sub("IfExists".len());
    let (bare, if_exists) = match (rest.get(..split), rest.get(split..)) {
        (Some(bare), Some(end)) if end.eq_ignore_ascii_case("IfExists") => (bare, true),
        _ => (rest, false),
    };
    let named = |row: &&Row| {
        bare.eq_ignore_ascii_case(row.long) || (words.short_operators && bare.eq_ignore_ascii_case(row.short))
    };
    let row = ROWS.iter().find(named).ok_or_else(|| InvalidPolicy::Operator(name.to_owned()))?;
    if row.test == Test::Null && (if_exists || over != Over::Single) {
        return Err(InvalidPolicy::Operator(name.to_owned()));
    }
    Ok((Operator { test: row.test, negated: row.negated, if_exists, over }, row.text))
}

/// Reads what an operator compares with.
///
/// # Errors
/// [`InvalidPolicy::Value`], [`InvalidPolicy::Variable`].
pub(super) fn operand(test: Test, rule: TextRule, text: &str, reading: Reading<'_>) -> Result<Operand, InvalidPolicy> {
    let invalid = || InvalidPolicy::Value(text.to_owned());
    let pattern = |text: &str| {
        let reading = Reading { wildcards: rule == TextRule::Like, fold: rule == TextRule::Fold, ..reading };
        Pattern::parse(text, reading).map_err(|unknown| InvalidPolicy::Variable(unknown.0))
    };
    Ok(match test {
        Test::Text if text == "${null}" => Operand::Nothing,
        Test::Text => Operand::Text(pattern(text)?),
        Test::Name => {
            let parts: Vec<_> = text.splitn(NAME_PARTS, ':').map(pattern).collect::<Result<_, _>>()?;
            if parts.len() != NAME_PARTS {
                return Err(invalid());
            }
            Operand::Name(parts)
        }
        Test::Number(_) => Operand::Number(number(text).ok_or_else(invalid)?),
        Test::Date(_) => Operand::Date(date(text).ok_or_else(invalid)?),
        // What is neither is false, as OBS has it.
        Test::Bool => Operand::Bool(text.eq_ignore_ascii_case("true")),
        Test::Null if text.eq_ignore_ascii_case("true") => Operand::Bool(true),
        Test::Null if text.eq_ignore_ascii_case("false") => Operand::Bool(false),
        Test::Null => return Err(invalid()),
        Test::Address => Operand::Network(Network::parse(text).ok_or_else(invalid)?),
    })
}
