//! The JSON of a policy, whose frame all languages share.

use serde_json::{Map, Value};
use strongroom_model::policy::PolicyDocument;

use super::{Attached, InvalidPolicy, ServiceWords, Words, operators};
use crate::policy::actions::Actions;
use crate::policy::condition::Condition;
use crate::policy::fact::Fact;
use crate::policy::operand::Operand;
use crate::policy::pattern::{Pattern, Reading};
use crate::policy::principals::{Grantee, Principals};
use crate::policy::resources::{Place, Resources};
use crate::policy::{Effect, Policy, Statement};

/// Elements of a policy.
const POLICY_FIELDS: [&str; 3] = ["Version", "Id", "Statement"];

/// Elements of a statement.
const STATEMENT_FIELDS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

/// Reads a policy.
pub(super) fn read(text: &str, words: &Words, attached: Attached<'_>) -> Result<Policy, InvalidPolicy> {
    let limit = match attached {
        Attached::Identity | Attached::Bucket(_) => PolicyDocument::BYTES_MAX,
        Attached::Key => PolicyDocument::KEY_BYTES_MAX,
    };
    if text.len() > limit {
        return Err(InvalidPolicy::TooLong(limit));
    }
    let Ok(Value::Object(document)) = serde_json::from_str(text) else { return Err(InvalidPolicy::NotJson) };
    check_fields(&document, &POLICY_FIELDS)?;
    let variables = has_variables(document.get("Version"), words)?;
    let reading =
        Reading { variables: variables.then_some(&words.fact as &dyn Fn(&str) -> Option<Fact>), ..Reading::PLAIN };
    let reader = Reader { words, attached, reading };
    let statements = match document.get("Statement") {
        Some(Value::Array(statements)) if !statements.is_empty() => {
            statements.iter().map(|statement| reader.statement(statement)).collect::<Result<_, _>>()?
        }
        Some(single @ Value::Object(_)) => vec![reader.statement(single)?],
        Some(_) => return Err(InvalidPolicy::Field("Statement".to_owned())),
        None => return Err(InvalidPolicy::Missing("Statement")),
    };
    Ok(Policy { statements })
}

/// Reads one action, or a form of actions, and adds what it names.
pub(super) fn read_action(text: &str, words: &Words, actions: &mut Actions) -> Result<(), InvalidPolicy> {
    let well_formed = |byte: u8| byte.is_ascii_alphanumeric() || b"*?:-_".contains(&byte);
    if text.is_empty() || !text.bytes().all(well_formed) {
        return Err(InvalidPolicy::Action);
    }
    let (prefix, name) = match text.split_once(':') {
        Some((prefix, name)) => (Some(prefix), name),
        None if text.bytes().all(|byte| byte == b'*') => (Some("*"), "*"),
        None if words.bare_actions => (None, text),
        None => return Err(InvalidPolicy::Action),
    };
    let everything = name.bytes().all(|byte| matches!(byte, b'*' | b':')) && !name.is_empty();
    if prefix == Some("*") && everything {
        actions.insert_all();
        return Ok(());
    }
    for service in words.services.iter().filter(|service| is_of(service, prefix, words)) {
        if everything {
            actions.services.insert(service.service);
        } else {
            insert_named(name, service, actions);
        }
    }
    Ok(())
}

fn is_of(service: &ServiceWords, prefix: Option<&str>, words: &Words) -> bool {
    match prefix {
        Some(prefix) => {
            // An action of the first service may begin with the kind of what it is done to, and no service.
            let kind = words.bare_actions && ["bucket", "object"].iter().any(|kind| prefix.eq_ignore_ascii_case(kind));
            service.prefixes.iter().any(|it| fits(prefix, it)) || (kind && is_first(service, words))
        }
        None => is_first(service, words),
    }
}

fn is_first(service: &ServiceWords, words: &Words) -> bool {
    words.services.first().is_some_and(|first| std::ptr::eq(first, service))
}

/// Adds the actions whose names are of the form. A name may begin with the kind of what the action is done to; a form
/// without one is held against the rest.
fn insert_named(form: &str, service: &ServiceWords, actions: &mut Actions) {
    for (name, meant) in service.names {
        let bare = name.rsplit_once(':').map_or(*name, |(_, bare)| bare);
        if fits(form, name) || fits(form, bare) {
            actions.single.extend(meant.iter().copied());
        }
    }
}

fn fits(form: &str, name: &str) -> bool {
    let reading = Reading { fold: true, ..Reading::PLAIN };
    Pattern::parse(form, reading).is_ok_and(|form| form.matches(name, &Default::default()) == Some(true))
}

fn check_fields(object: &Map<String, Value>, known: &[&str]) -> Result<(), InvalidPolicy> {
    match object.keys().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => Err(InvalidPolicy::Field(unknown.clone())),
        None => Ok(()),
    }
}

fn has_variables(version: Option<&Value>, words: &Words) -> Result<bool, InvalidPolicy> {
    let word = match version {
        None if words.version_needed => return Err(InvalidPolicy::Version),
        None => return Ok(false),
        Some(Value::String(word)) => word,
        Some(_) => return Err(InvalidPolicy::Version),
    };
    let found = words.versions.iter().find(|version| version.word == word);
    found.map(|version| version.variables).ok_or(InvalidPolicy::Version)
}

struct Reader<'a> {
    words: &'a Words,
    attached: Attached<'a>,
    reading: Reading<'a>,
}

impl Reader<'_> {
    fn statement(&self, value: &Value) -> Result<Statement, InvalidPolicy> {
        let Value::Object(object) = value else { return Err(InvalidPolicy::Field("Statement".to_owned())) };
        check_fields(object, &STATEMENT_FIELDS)?;
        let sid = match object.get("Sid") {
            None | Some(Value::Null) => None,
            Some(Value::String(sid)) => Some(sid.clone()).filter(|sid| !sid.is_empty()),
            Some(_) => return Err(InvalidPolicy::Field("Sid".to_owned())),
        };
        let effect = match object.get("Effect").and_then(Value::as_str) {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            Some(other) => return Err(InvalidPolicy::Field(format!("Effect: {other}"))),
            None => return Err(InvalidPolicy::Missing("Effect")),
        };
        Ok(Statement {
            sid,
            effect,
            principals: self.principals(object)?,
            actions: self.actions(object)?,
            resources: self.resources(object)?,
            conditions: self.conditions(object)?,
        })
    }

    fn principals(&self, object: &Map<String, Value>) -> Result<Principals, InvalidPolicy> {
        let given = one_of(object, "Principal", "NotPrincipal")?;
        match (self.attached, given) {
            (Attached::Identity, None) => Ok(Principals::Holder),
            (Attached::Identity, Some((name, _, _))) => Err(InvalidPolicy::Field(name.to_owned())),
            (Attached::Bucket(_) | Attached::Key, None) => Err(InvalidPolicy::Missing("Principal")),
            (Attached::Bucket(_) | Attached::Key, Some((_, value, negated))) => {
                let grantees = self.grantees(value)?;
                Ok(if negated { Principals::AllBut(grantees) } else { Principals::Only(grantees) })
            }
        }
    }

    fn grantees(&self, value: &Value) -> Result<Vec<Grantee>, InvalidPolicy> {
        let read = |kind: &str, text: &str| (self.words.grantee)(kind, text).ok_or(InvalidPolicy::Principal);
        let mut grantees = Vec::new();
        match value {
            Value::Object(kinds) => {
                for (kind, members) in kinds {
                    for text in texts(members).ok_or(InvalidPolicy::Principal)? {
                        grantees.push(read(kind, &text)?);
                    }
                }
            }
            plain => {
                for text in texts(plain).ok_or(InvalidPolicy::Principal)? {
                    grantees.push(read("", &text)?);
                }
            }
        }
        if grantees.is_empty() { Err(InvalidPolicy::Principal) } else { Ok(grantees) }
    }

    fn actions(&self, object: &Map<String, Value>) -> Result<Actions, InvalidPolicy> {
        let (_, value, negated) = one_of(object, "Action", "NotAction")?.ok_or(InvalidPolicy::Missing("Action"))?;
        let mut actions = Actions { negated, ..Actions::default() };
        for text in texts(value).filter(|texts| !texts.is_empty()).ok_or(InvalidPolicy::Action)? {
            read_action(&text, self.words, &mut actions)?;
        }
        Ok(actions)
    }

    fn resources(&self, object: &Map<String, Value>) -> Result<Resources, InvalidPolicy> {
        let Some((_, value, negated)) = one_of(object, "Resource", "NotResource")? else {
            return match self.attached {
                Attached::Identity if self.words.resources_optional => {
                    Ok(Resources { negated: false, places: vec![Place::Everything] })
                }
                _ => Err(InvalidPolicy::Missing("Resource")),
            };
        };
        let texts = texts(value).filter(|texts| !texts.is_empty()).ok_or(InvalidPolicy::Resource)?;
        let places = texts.iter().map(|text| self.place(text)).collect::<Result<_, _>>()?;
        Ok(Resources { negated, places })
    }

    fn place(&self, text: &str) -> Result<Place, InvalidPolicy> {
        let place = if text == "*" { Place::Everything } else { (self.words.place)(text, self.reading)? };
        match (self.attached, &place) {
            (Attached::Identity | Attached::Key, _) | (Attached::Bucket(_), Place::Everything) => Ok(place),
            (Attached::Bucket(bucket), Place::Storage { form, .. }) if form.can_be_in(bucket.as_str()) => Ok(place),
            (Attached::Bucket(_), _) => Err(InvalidPolicy::Resource),
        }
    }

    fn conditions(&self, object: &Map<String, Value>) -> Result<Vec<Condition>, InvalidPolicy> {
        let operators = match object.get("Condition") {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Object(operators)) => operators,
            Some(_) => return Err(InvalidPolicy::Field("Condition".to_owned())),
        };
        let mut conditions = Vec::new();
        for (name, keys) in operators {
            let Value::Object(keys) = keys else { return Err(InvalidPolicy::Field(name.clone())) };
            let (operator, rule) = operators::read(name, self.words)?;
            for (key, values) in keys {
                let fact = (self.words.fact)(key).ok_or_else(|| InvalidPolicy::Key(key.clone()))?;
                let values = texts(values).filter(|values| !values.is_empty());
                let values = values.ok_or_else(|| InvalidPolicy::Value(key.clone()))?;
                let operand = |text: &String| operators::operand(operator.test, rule, text, self.reading);
                let operands: Vec<Operand> = values.iter().map(operand).collect::<Result<_, _>>()?;
                conditions.push(Condition { fact, operator, operands });
            }
        }
        Ok(conditions)
    }
}

/// The one of two elements that is there, and whether it is the second.
fn one_of<'a>(
    object: &'a Map<String, Value>,
    name: &'static str,
    negated: &'static str,
) -> Result<Option<(&'static str, &'a Value, bool)>, InvalidPolicy> {
    match (object.get(name), object.get(negated)) {
        (Some(_), Some(_)) => Err(InvalidPolicy::Field(negated.to_owned())),
        (Some(value), None) => Ok(Some((name, value, false))),
        (None, Some(value)) => Ok(Some((negated, value, true))),
        (None, None) => Ok(None),
    }
}

/// A text or a list of texts; numbers and truths count as their texts.
fn texts(value: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    };
    match value {
        Value::Array(values) => values.iter().map(text).collect(),
        single => text(single).map(|text| vec![text]),
    }
}
