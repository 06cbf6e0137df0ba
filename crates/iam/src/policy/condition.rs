//! Conditions: operators over facts.

use super::fact::{Fact, Facts, Value};
use super::operand::{Operand, Test};

/// One test of one fact. All conditions of a statement must hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    /// Which fact.
    pub(crate) fact: Fact,
    /// How it is tested.
    pub(crate) operator: Operator,
    /// Against what; any of them will do.
    pub(crate) operands: Vec<Operand>,
}

/// How a fact is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operator {
    /// The comparison.
    pub(crate) test: Test,
    /// Whether the fact must compare to none of the operands.
    pub(crate) negated: bool,
    /// Whether a fact that is not known will do.
    pub(crate) if_exists: bool,
    /// Over which of a fact's values.
    pub(crate) over: Over,
}

/// Over which of a fact's values a test goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// The only one.
    Single,
    /// One of them must pass.
    Any,
    /// All of them must pass, if there are any.
    All,
}

impl Condition {
    /// Whether the condition holds in a case.
    pub(crate) fn holds(&self, facts: &Facts<'_>) -> bool {
        let values = facts.get(&self.fact);
        if self.operator.test == Test::Null {
            let wants_absent = self.operands.contains(&Operand::Bool(true));
            return values.is_empty() == wants_absent;
        }
        if values.is_empty() {
            return self.holds_without_value();
        }
        let passes = |value: &Value| self.compares(value, facts) != self.operator.negated;
        match self.operator.over {
            Over::Single if self.operator.negated => values.iter().all(passes),
            Over::Single | Over::Any => values.iter().any(passes),
            Over::All => values.iter().all(passes),
        }
    }

    /// Whether the condition holds for any value, or for the whole internet.
    pub(crate) fn is_open(&self) -> bool {
        self.operands.iter().any(|operand| match operand {
            Operand::Network(network) => network.is_everything(),
            Operand::Text(pattern) => pattern.literal_prefix().is_empty(),
            _ => false,
        })
    }

    /// A fact that is not known equals nothing, so that it differs from everything.
    fn holds_without_value(&self) -> bool {
        if self.operands.contains(&Operand::Nothing) {
            return !self.operator.negated;
        }
        match self.operator.over {
            Over::All => true,
            Over::Any => self.operator.if_exists,
            Over::Single => self.operator.if_exists || self.operator.negated,
        }
    }

    fn compares(&self, value: &Value, facts: &Facts<'_>) -> bool {
        let compares = |text: &str| self.operands.iter().any(|it| self.operator.test.compares(text, it, facts));
        value.spellings().any(compares)
    }
}
