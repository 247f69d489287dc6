//! What one node said in an operation.

use std::fmt;
use std::time::Duration;

use crate::error::Fault;
use crate::error::words;

/// One node's part in an operation: which node, what it said, how long it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeOutcome {
    /// The node's address without user, password or query.
    pub node: String,
    /// What it said.
    pub status: NodeStatus,
    /// From sending to the answer, or to the end of waiting for one.
    pub elapsed: Duration,
}

/// What a node said.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeStatus {
    /// It did what was asked.
    Granted,
    /// Another owner holds the key there.
    HeldByAnother {
        /// How long the other's key still lives on that node, if it told.
        ttl: Option<Duration>,
        /// True where the value is not one of Quorlock's.
        foreign: bool,
    },
    /// The key is free but earlier waiters stand in the queue.
    Queued,
    /// The key is not there (any more).
    Missing,
    /// The ticket was used and its work finished.
    Spent,
    /// It could not serve the command.
    Faulted(Fault),
    /// Asked, and the matter was settled before it answered.
    Unheard,
    /// Not asked: the matter was settled without it.
    NotAsked,
}

impl NodeStatus {
    words! {
        /// The status in one stable lower-case word.
        &self;
        NodeStatus::Granted => "granted",
        NodeStatus::HeldByAnother { .. } => "held_by_another",
        NodeStatus::Queued => "queued",
        NodeStatus::Missing => "missing",
        NodeStatus::Spent => "spent",
        NodeStatus::Faulted(_) => "faulted",
        NodeStatus::Unheard => "unheard",
        NodeStatus::NotAsked => "not_asked",
    }
}

impl fmt::Display for NodeOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.node)?;
        match &self.status {
            NodeStatus::Granted => write!(f, "granted")?,
            NodeStatus::HeldByAnother { foreign: false, .. } => write!(f, "held by another")?,
            NodeStatus::HeldByAnother { foreign: true, .. } => {
                write!(f, "held in a foreign format")?
            }
            NodeStatus::Queued => write!(f, "others wait before us")?,
            NodeStatus::Missing => write!(f, "no key")?,
            NodeStatus::Spent => write!(f, "ticket spent")?,
            NodeStatus::Faulted(fault) => write!(f, "{fault}")?,
            NodeStatus::Unheard => write!(f, "not waited for")?,
            NodeStatus::NotAsked => write!(f, "not asked")?,
        }
        write!(f, " ({:.1} ms)", self.elapsed.as_secs_f64() * 1e3)
    }
}
