//! Policies in one neutral form, whatever language they were written in.

pub(crate) mod actions;
pub(crate) mod condition;
pub(crate) mod fact;
pub(crate) mod operand;
pub(crate) mod pattern;
pub(crate) mod principals;
pub(crate) mod resources;

use strongroom_model::account::Principal;
use strongroom_model::action::Action;
use strongroom_model::policy::LocalName;

use actions::Actions;
use condition::Condition;
use fact::Facts;
use principals::{Principals, Reach};
use resources::{Resources, Target};

/// A policy, understood. [`Policy::parse`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    pub(crate) statements: Vec<Statement>,
}

/// One statement of a policy.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Statement {
    /// Its name, if it has one.
    pub(crate) sid: Option<String>,
    /// What follows if it applies.
    pub(crate) effect: Effect,
    /// To whom it applies.
    pub(crate) principals: Principals,
    /// To what being done.
    pub(crate) actions: Actions,
    /// To what.
    pub(crate) resources: Resources,
    /// In which cases; all must hold.
    pub(crate) conditions: Vec<Condition>,
}

/// What follows from a statement that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It may be done, unless something denies it.
    Allow,
    /// It may not be done, whatever allows it.
    Deny,
}

/// What is asked of a statement.
pub(crate) struct Question<'a> {
    /// Who asks.
    pub(crate) principal: &'a Principal,
    /// In which groups it is.
    pub(crate) groups: &'a [LocalName],
    /// To do what.
    pub(crate) action: Action,
    /// To what.
    pub(crate) target: &'a Target,
    /// In which circumstances.
    pub(crate) facts: &'a Facts<'a>,
}

impl Policy {
    /// The first statement of that effect that applies most, and how much.
    pub(crate) fn find(&self, effect: Effect, question: &Question<'_>) -> Option<(usize, &Statement, Reach)> {
        let mut found: Option<(usize, &Statement, Reach)> = None;
        for (place, statement) in self.statements.iter().enumerate().filter(|(_, it)| it.effect == effect) {
            let reach = statement.reach(question);
            if reach > found.map_or(Reach::None, |(_, _, best)| best) {
                found = Some((place, statement, reach));
            }
        }
        found
    }

    /// Whether a statement allows something to whoever comes, from wherever.
    pub fn is_public(&self) -> bool {
        self.statements.iter().any(Statement::is_public)
    }
}

impl Statement {
    /// How much the statement applies to whoever asks.
    fn reach(&self, question: &Question<'_>) -> Reach {
        let applies = self.actions.contains(question.action)
            && self.is_about(question.target, question.facts)
            && self.conditions.iter().all(|condition| self.holds(condition, question.facts));
        if applies { self.principals.reach(self.effect, question.principal, question.groups) } else { Reach::None }
    }

    /// A resource that depends on a fact that is not known is no resource; "all but that" is then everything, which may be
    /// denied and must not be allowed.
    fn is_about(&self, target: &Target, facts: &Facts<'_>) -> bool {
        let unknown = self.resources.negated && self.effect == Effect::Deny;
        self.resources.contain(target, facts).unwrap_or(unknown)
    }

    /// A request that goes on with what an earlier one began does not ask for encryption again: what the earlier one asked
    /// for was judged then, and counts as right.
    fn holds(&self, condition: &Condition, facts: &Facts<'_>) -> bool {
        if condition.fact.is_encryption() && facts.encryption_was_judged() {
            return self.effect == Effect::Allow;
        }
        condition.holds(facts)
    }

    /// A condition that no stranger can choose to meet makes a statement less than public, as S3 has it.
    fn is_public(&self) -> bool {
        let narrows = |condition: &Condition| {
            use fact::Fact;
            let fixed = matches!(
                condition.fact,
                Fact::SourceAddress | Fact::PrincipalAccount | Fact::PrincipalName | Fact::UserName | Fact::NeverKnown
            );
            fixed && !condition.operator.negated && !condition.operator.if_exists && !condition.is_open()
        };
        self.effect == Effect::Allow && self.principals.is_public() && !self.conditions.iter().any(narrows)
    }
}
