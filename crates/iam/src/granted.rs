//! The proof that an operation was authorized.

use strongroom_model::account::Principal;
use strongroom_model::operation::Operation;

use crate::case::Transport;

/// An operation that its principal may run. Only [`crate::authorize()`] makes one.
#[derive(Debug)]
pub struct Granted {
    operation: Operation,
    principal: Principal,
    verdicts: Vec<Verdict>,
    may_list: bool,
    transport: Transport,
}

/// Whether one of the things that an operation requires is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It is.
    Allowed,
    /// It is not. Only a batch is granted with some of these.
    Denied,
}

impl Granted {
    pub(crate) fn new(
        operation: Operation,
        principal: Principal,
        verdicts: Vec<Verdict>,
        may_list: bool,
        transport: Transport,
    ) -> Self {
        Self { operation, principal, verdicts, may_list, transport }
    }

    /// What is to be done.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// For whom.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// A verdict for each of [`Operation::required`], in that order; all allowed but in a batch.
    pub fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    /// Whether the caller may list the bucket, and so may know that an object does not exist: 404 rather than 403.
    pub fn may_list(&self) -> bool {
        self.may_list
    }

    /// What the connection may carry.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// The operation itself, to be run.
    pub fn into_operation(self) -> Operation {
        self.operation
    }
}
