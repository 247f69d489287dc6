//! A command on its way to several nodes, put into words once.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use crate::error::Fault;
use crate::protocol::command::Command;
use crate::protocol::encode::encode;
use crate::protocol::speech::Speech;
use crate::protocol::wire::Abilities;

/// A command shared by the nodes it goes to. Nodes with the same abilities get the same words, so
/// these are made once.
pub struct Request {
    command: Command,
    spelled: OnceLock<(Abilities, Result<Speech, Fault>)>,
}

impl Request {
    /// Hands the words for a server with these abilities to `say`; a fault where it cannot serve
    /// the command.
    pub fn spell<T>(&self, can: &Abilities, say: impl FnOnce(&Speech) -> T) -> Result<T, Fault> {
        let spell = || encode(&self.command, can);
        let (abilities, speech) = self.spelled.get_or_init(|| (*can, spell()));
        if abilities == can {
            speech.as_ref().map(say).map_err(Clone::clone)
        } else {
            spell().as_ref().map(say).map_err(Clone::clone)
        }
    }
}

impl From<Command> for Request {
    fn from(command: Command) -> Self {
        Request {
            command,
            spelled: OnceLock::new(),
        }
    }
}

impl From<Command> for Arc<Request> {
    fn from(command: Command) -> Self {
        Arc::new(Request::from(command))
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.command.fmt(f)
    }
}

impl Deref for Request {
    type Target = Command;

    fn deref(&self) -> &Command {
        &self.command
    }
}
