//! One server as the engine sees it: commands go in, answers come out, in order.

mod limits;
mod memory;
mod redis;
mod standing;
mod submission;

use tokio::sync::watch;

use crate::error::Fault;
use crate::protocol::Abilities;

#[cfg(any(test, feature = "testing"))]
pub use memory::LiveLock;
pub use memory::MemoryServer;
#[cfg(any(test, feature = "testing"))]
pub use memory::{ClaimLine, MemoryNode, MemoryStore, ServerTime};
#[cfg(feature = "testing")]
pub use redis::RedisPipeline;
pub use redis::{RedisNode, RedisSettings, check_ca_pem};
pub use standing::{GuardTerms, Standing};
pub use submission::{Answer, Answered, Listener, Mailbox, Submission, Void};

/// One server.
///
/// `submit` never blocks and never waits: it queues the command behind all that this client
/// submitted to this node before, and the node runs it to its end whatever becomes of the caller.
/// Every submission is answered exactly once.
pub trait Node: Send + Sync + 'static {
    /// The node's address without user, password or query, for errors and events.
    fn address(&self) -> &str;

    /// Queues a command.
    fn submit(&self, submission: Submission);

    /// Whether the node can be reached, and what it can do.
    fn link(&self) -> watch::Receiver<Link>;

    /// The number of the present connection, if there is one.
    fn epoch(&self) -> Option<u64> {
        self.link().borrow().epoch()
    }

    /// What the server and the user can do, while there is a connection.
    fn abilities(&self) -> Option<Abilities> {
        self.link().borrow().abilities()
    }

    /// Where the node stands, while there is a connection.
    fn standing(&self) -> Option<Standing> {
        self.link().borrow().standing().cloned()
    }

    /// True where there is a connection and its answers count.
    fn votes(&self) -> bool {
        self.link().borrow().votes()
    }

    /// True where there is a connection, and whether its answers count is about to be known.
    fn is_unsettled(&self) -> bool {
        let standing = self.standing();
        standing.as_ref().is_some_and(Standing::is_unsettled)
    }

    /// Ends the connection once everything submitted so far is answered; later submissions are
    /// answered with [`crate::error::FaultClass::Closed`].
    fn close(&self);
}

/// The state of the way to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// Not tried yet, or a connection is being made.
    Connecting,
    /// Connected.
    Up {
        /// Counts connections, so that a reconnect shows.
        epoch: u64,
        /// What the server and the user can do.
        abilities: Abilities,
        /// Whether its answers count.
        standing: Standing,
    },
    /// The last try to connect failed, or the connection broke.
    Down(Fault),
}

impl Link {
    /// See [`Node::epoch`].
    pub fn epoch(&self) -> Option<u64> {
        match self {
            Link::Up { epoch, .. } => Some(*epoch),
            Link::Connecting | Link::Down(_) => None,
        }
    }

    /// See [`Node::abilities`].
    pub fn abilities(&self) -> Option<Abilities> {
        match self {
            Link::Up { abilities, .. } => Some(*abilities),
            Link::Connecting | Link::Down(_) => None,
        }
    }

    /// See [`Node::standing`].
    pub fn standing(&self) -> Option<&Standing> {
        match self {
            Link::Up { standing, .. } => Some(standing),
            Link::Connecting | Link::Down(_) => None,
        }
    }

    /// See [`Node::votes`].
    pub fn votes(&self) -> bool {
        self.standing().is_some_and(Standing::votes)
    }
}
