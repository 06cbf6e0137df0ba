//! Texts with wildcards and variables.

use std::borrow::Cow;

use super::fact::{Fact, Facts};

/// A text in which `*` stands for any characters, `?` for one, and variables for facts of the case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    atoms: Vec<Atom>,
    has_variables: bool,
    fold: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Atom {
    Char(char),
    One,
    Many,
    Variable(Box<Variable>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Variable {
    fact: Fact,
    /// What it stands for when the fact is not known.
    otherwise: Option<String>,
}

/// The fact that a variable stands for, if there is such a variable.
pub(crate) type Variables = dyn Fn(&str) -> Option<Fact>;

/// How a pattern's text is to be read.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    /// Whether `*` and `?` are wildcards.
    pub(crate) wildcards: bool,
    /// Whether the letters `a` and `A` are the same.
    pub(crate) fold: bool,
    /// What variables there are; none reads `${` as text.
    pub(crate) variables: Option<&'a Variables>,
}

impl Reading<'_> {
    /// Wildcards, exact letters, no variables.
    pub(crate) const PLAIN: Self = Self { wildcards: true, fold: false, variables: None };
}

/// A variable that the language does not have, or that does not end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UnknownVariable(pub(crate) String);

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`UnknownVariable`].
    pub(crate) fn parse(text: &str, reading: Reading<'_>) -> Result<Self, UnknownVariable> {
        let mut atoms = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if let (Some(variables), true) = (reading.variables, rest.starts_with("${")) {
                let (name, after) = rest[2..].split_once('}').ok_or_else(|| UnknownVariable(rest.to_owned()))?;
                atoms.push(variable(name, variables)?);
                rest = after;
                continue;
            }
            let atom = match first {
                // Several in a row mean no more than one.
                '*' if reading.wildcards && atoms.last() == Some(&Atom::Many) => None,
                '*' if reading.wildcards => Some(Atom::Many),
                '?' if reading.wildcards => Some(Atom::One),
                letter if reading.fold => Some(Atom::Char(letter.to_ascii_lowercase())),
                letter => Some(Atom::Char(letter)),
            };
            atoms.extend(atom);
            rest = &rest[first.len_utf8()..];
        }
        let has_variables = atoms.iter().any(|atom| matches!(atom, Atom::Variable(_)));
        Ok(Self { atoms, has_variables, fold: reading.fold })
    }

    /// Whether `text` is of this form; none if a variable stands for a fact that is not known.
    pub(crate) fn matches(&self, text: &str, facts: &Facts<'_>) -> Option<bool> {
        let atoms = self.resolve(facts)?;
        Some(glob(&atoms, text, self.fold))
    }

    /// The text that the pattern begins with, before its first wildcard or variable.
    pub(crate) fn literal_prefix(&self) -> String {
        let letters = self.atoms.iter().map_while(|atom| match atom {
            Atom::Char(letter) => Some(*letter),
            _ => None,
        });
        letters.collect()
    }

    /// Whether the pattern can be of the bucket of that name, or of something in it.
    pub(crate) fn can_be_in(&self, bucket: &str) -> bool {
        let literal = self.literal_prefix();
        match literal.split_once('/') {
            Some((first, _)) => first == bucket,
            None if literal.chars().count() == self.atoms.len() => literal == bucket,
            None => bucket.starts_with(&literal),
        }
    }

    fn resolve(&self, facts: &Facts<'_>) -> Option<Cow<'_, [Atom]>> {
        if !self.has_variables {
            return Some(Cow::Borrowed(&self.atoms));
        }
        let mut atoms = Vec::with_capacity(self.atoms.len());
        for atom in &self.atoms {
            match atom {
                Atom::Variable(variable) => {
                    let text = facts.text(&variable.fact).or(variable.otherwise.as_deref())?;
                    let letters = text.chars();
                    let folded = letters.map(|letter| if self.fold { letter.to_ascii_lowercase() } else { letter });
                    atoms.extend(folded.map(Atom::Char));
                }
                other => atoms.push(other.clone()),
            }
        }
        Some(Cow::Owned(atoms))
    }
}

/// `${*}`, `${?}` and `${$}` are the characters themselves; `${key, 'default'}` has something to fall back on.
fn variable(name: &str, variables: &dyn Fn(&str) -> Option<Fact>) -> Result<Atom, UnknownVariable> {
    let literal = match name {
        "*" => Some('*'),
        "?" => Some('?'),
        "$" => Some('$'),
        _ => None,
    };
    if let Some(literal) = literal {
        return Ok(Atom::Char(literal));
    }
    let (key, otherwise) = match name.split_once(',') {
        Some((key, quoted)) => {
            let quoted = quoted.trim().strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
            (key.trim(), Some(quoted.ok_or_else(|| UnknownVariable(name.to_owned()))?.to_owned()))
        }
        None => (name, None),
    };
    let fact = variables(key).ok_or_else(|| UnknownVariable(name.to_owned()))?;
    Ok(Atom::Variable(Box::new(Variable { fact, otherwise })))
}

/// Each `*` first stands for nothing, and for one character more whenever the rest does not fit: time is at most the
/// product of the lengths, and memory none.
fn glob(atoms: &[Atom], text: &str, fold: bool) -> bool {
    let (mut place, mut rest) = (0, text);
    let mut retry: Option<(usize, &str)> = None;
    loop {
        let next = rest.chars().next();
        match (atoms.get(place), next) {
            (None, None) => return true,
            (Some(Atom::Many), _) => {
                place += 1;
                retry = Some((place, rest));
                continue;
            }
            (Some(Atom::One), Some(letter)) => {
                place += 1;
                rest = &rest[letter.len_utf8()..];
                continue;
            }
            (Some(Atom::Char(wanted)), Some(letter)) if *wanted == lowered(letter, fold) => {
                place += 1;
                rest = &rest[letter.len_utf8()..];
                continue;
            }
            _ => {}
        }
        let Some((after, from)) = retry else { return false };
        let Some(skipped) = from.chars().next() else { return false };
        let from = &from[skipped.len_utf8()..];
        retry = Some((after, from));
        (place, rest) = (after, from);
    }
}

fn lowered(letter: char, fold: bool) -> char {
    if fold { letter.to_ascii_lowercase() } else { letter }
}

#[cfg(test)]
mod tests {
    use super::super::fact::{Known, Value};
    use super::*;

    fn plain(pattern: &str, text: &str) -> bool {
        let pattern = Pattern::parse(pattern, Reading::PLAIN).unwrap();
        pattern.matches(text, &Facts::default()).unwrap()
    }

    #[test]
    fn wildcards_stand_for_what_they_should() {
        for (pattern, text) in [
            ("*", ""),
            ("*", "a/b"),
            ("a*c", "ac"),
            ("a*c", "abcbc"),
            ("a?c", "aéc"),
            ("**x**", "x"),
            ("a*b*c", "a-b-b-c"),
            ("${aws:username}", "${aws:username}"),
        ] {
            assert!(plain(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("a", ""), ("a?c", "ac"), ("a*c", "ab"), ("a*b*c", "acb"), ("A", "a")] {
            assert!(!plain(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn variables_stand_for_facts_and_bring_no_wildcards() {
        let known = |key: &str| (key == "aws:username").then_some(Fact::UserName);
        let reading = Reading { variables: Some(&known), ..Reading::PLAIN };
        let pattern = Pattern::parse("home/${aws:username}/*", reading).unwrap();
        assert_eq!(pattern.matches("home/ann/x", &Facts::default()), None);
        let facts = Facts::new(&|| {
            let mut known = Known::default();
            known.insert(Fact::UserName, Value::one("a*"));
            known
        });
        assert_eq!(pattern.matches("home/ann/x", &facts), Some(false));
        assert_eq!(pattern.matches("home/a*/x", &facts), Some(true));
        let fallback = Pattern::parse("${aws:username, 'nobody'}${*}", reading).unwrap();
        assert_eq!(fallback.matches("nobody*", &Facts::default()), Some(true));
        for wrong in ["${aws:userid}", "${aws:username", "${aws:username, nobody}"] {
            assert!(Pattern::parse(wrong, reading).is_err(), "{wrong}");
        }
    }

    /// A pattern of many wildcards on a long text: the product of the lengths, and no more.
    #[test]
    fn a_hostile_pattern_ends() {
        assert!(!plain(&"*a".repeat(1000), &format!("{}b", "a".repeat(2000))));
    }
}
