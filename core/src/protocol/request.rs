//! A command on its way to several nodes, put into words once.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use crate::error::Fault;
use crate::protocol::command::Command;
use crate::protocol::encode::encode;
use crate::protocol::script::Script;
use crate::protocol::wire::{Abilities, Wire};

/// A command shared by the nodes it goes to. Nodes with the same abilities get the same words, so
/// these are made once.
pub struct Request {
    command: Command,
    spelled: OnceLock<(Abilities, Lines)>,
}

/// A command's lines, or why a server cannot serve it.
pub type Lines = Result<Arc<[Line]>, Fault>;

/// One command for a server, in words that lie side by side.
#[derive(Debug, Clone)]
pub struct Line {
    /// The script to call; the words are then the number of keys, the keys, and the arguments.
    pub script: Option<&'static Script>,
    /// The words.
    pub words: Words,
}

/// Words in one piece of memory.
#[derive(Debug, Clone, Default)]
pub struct Words {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Request {
    /// The words for a server with these abilities; a fault where it cannot serve the command.
    pub fn lines(&self, can: &Abilities) -> Lines {
        let spell =
            || encode(&self.command, can).map(|wires| wires.into_iter().map(Line::from).collect());
        let (abilities, lines) = self.spelled.get_or_init(|| (*can, spell()));
        if abilities == can {
            lines.clone()
        } else {
            spell()
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

impl From<Wire> for Line {
    fn from(wire: Wire) -> Self {
        match wire {
            Wire::Words(words) => Line {
                script: None,
                words: words.iter().collect(),
            },
            Wire::Call { script, keys, args } => {
                let count = keys.len().to_string();
                let keys = keys.iter().map(String::as_bytes);
                let words = [count.as_bytes()]
                    .into_iter()
                    .chain(keys)
                    .chain(args.iter().map(Vec::as_slice));
                Line {
                    script: Some(script),
                    words: words.collect(),
                }
            }
        }
    }
}

impl Words {
    /// The words one by one.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, end)| &self.bytes[start..*end])
    }

    /// How many words.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// How many bytes in all.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

impl<W: AsRef<[u8]>> FromIterator<W> for Words {
    fn from_iter<I: IntoIterator<Item = W>>(words: I) -> Self {
        let mut all = Words {
            bytes: Vec::with_capacity(512),
            ends: Vec::with_capacity(16),
        };
        for word in words {
            all.bytes.extend_from_slice(word.as_ref());
            all.ends.push(all.bytes.len());
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_bounds() {
        let words: Words = [&b"SET"[..], b"", b"a b"].into_iter().collect();
        let back: Vec<&[u8]> = words.iter().collect();
        assert_eq!(back, [&b"SET"[..], b"", b"a b"]);
        assert_eq!((words.count(), words.bytes()), (3, 6));
    }
}
