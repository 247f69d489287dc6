//! What the engine asks of one node, as data.

use crate::config::{FencingToken, Keys, OwnerToken, Stance, TicketId, Ttl};
use crate::protocol::marker::Mark;

/// One request to one node. Nodes run a connection's commands in the order they were submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Take the lock if its key is free.
    Acquire(Claim),
    /// Stand in the queue (or beat there) and take the lock when first and free.
    Poll(Claim, Place),
    /// Leave the queue.
    Leave {
        /// The resource.
        keys: Keys,
        /// Who leaves.
        waiter: WaiterId,
    },
    /// Tell the first in the queue that the lock is free, if it is.
    Call {
        /// The resource.
        keys: Keys,
    },
    /// Delete the key if it is still the caller's.
    Release(Release),
    /// Renew leases.
    Extend {
        /// Which, at least one; all behind the same prefix.
        leases: Vec<Renewal>,
        /// Set missing keys again, which only leases still valid may ask for, ahead of a hand-over
        /// with this ticket.
        fill_in: Option<TicketId>,
    },
    /// Write a fencing token back where the caller still owns the key.
    Raise {
        /// The resource.
        keys: Keys,
        /// The owner.
        token: OwnerToken,
        /// What the counter must reach.
        to: u64,
        /// True where the key was set without being counted: the counter must also go past what it
        /// is.
        past: bool,
    },
    /// Swap the old owner for the new one.
    Adopt {
        /// The new owner's claim.
        claim: Claim,
        /// The owner that handed over.
        from: OwnerToken,
        /// Which hand-over.
        ticket: TicketId,
        /// How long to remember that it was tried.
        seen_ms: u64,
    },
    /// Swap back an adoption that found no majority.
    Unadopt {
        /// The resource.
        keys: Keys,
        /// The owner that handed over.
        from: OwnerToken,
        /// The adopter that failed.
        to: OwnerToken,
        /// Which hand-over.
        ticket: TicketId,
        /// How long to remember that the adoption was taken back, where it was not found; 0 = not.
        tomb_ms: u64,
    },
    /// The same about a read/write lock, for an owner that takes this stance in it: `Acquire`, `Poll`,
    /// `Leave`, `Release`, `Raise`, `Adopt` or `Unadopt`.
    Shared(Stance, Box<Command>),
    /// Stand among the waiting writers of a read/write lock, and ask for nothing: no new reader comes in.
    Intend {
        /// The resource.
        keys: Keys,
        /// Who intends to write.
        waiter: WaiterId,
        /// True where it has the lock as upgradeable.
        upgrades: bool,
        /// How long the intent counts; 0 takes it back.
        beat_ms: u64,
    },
    /// Become weaker at once: a writer reads on, or an upgrade that found no majority is taken back.
    Shift {
        /// The resource.
        keys: Keys,
        /// The owner.
        token: OwnerToken,
        /// What it is from now on.
        to: Stance,
        /// True where it takes an upgrade back, which was no writer's turn.
        undo: bool,
        /// True where waiters are to be told, which is where the queue is.
        wake: bool,
    },
    /// Show who holds a read/write lock.
    Sharers {
        /// The resource.
        keys: Keys,
    },
    /// Show a resource.
    Inspect {
        /// The resource.
        keys: Keys,
    },
    /// Tell how long it is still remembered that the job of this resource is done.
    Recall {
        /// The resource.
        keys: Keys,
    },
    /// Remember that the job of this resource is done, where that is not known.
    Remember {
        /// The resource.
        keys: Keys,
        /// For how long.
        ms: u64,
    },
    /// Tell about the server.
    Facts,
    /// Keep the marker of the node.
    Mark(Mark),
}

/// A wish to own a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The resource.
    pub keys: Keys,
    /// The owner to be.
    pub token: OwnerToken,
    /// How long the key lives.
    pub ttl: Ttl,
    /// The fencing token this client proposes; `None` means no fencing.
    pub proposal: Option<u64>,
    /// True where waiters in the queue go first.
    pub heed_queue: bool,
}

/// A waiter's place in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Who waits.
    pub waiter: WaiterId,
    /// How long it counts as alive without polling again.
    pub beat_ms: u64,
    /// The score that was its place before it left the queue; `None` means the end.
    pub score: Option<u64>,
    /// Of several names the one whose queue it is; of a semaphore the slot to look at first; else 0.
    pub at: usize,
}

/// One waiter: its client's wake-up channel and a number within the client.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WaiterId {
    /// The client, as it names its channel.
    pub client: ClientId,
    /// The number.
    pub number: u64,
}

/// The name of one client in queues and channels: random, not a secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(pub std::sync::Arc<str>);

/// Giving a lock back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The resource.
    pub keys: Keys,
    /// The owner.
    pub token: OwnerToken,
    /// The lease's fencing token, which every node's counter is lifted to.
    pub fence: Option<FencingToken>,
    /// How long to remember this release where the key was not found; 0 = not.
    pub tomb_ms: u64,
    /// The ticket whose work is done.
    pub spent: Option<Spent>,
    /// What is to be done for those who wait.
    pub wake: Wake,
    /// A waiter that took the key here, found no majority, and wants its place back.
    pub put_back: Option<Place>,
}

/// What a release does for those who wait, where the queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// Nothing: the queue is elsewhere.
    Nobody,
    /// Tells the first waiter.
    First,
    /// Tells the caller whether somebody waits, which in plain words is cheaper where nobody does;
    /// in a script the same as `First`.
    Look,
}

/// A ticket whose work is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spent {
    /// Which.
    pub ticket: TicketId,
    /// Who handed over with it; a try that was taken back may have left its key.
    pub from: OwnerToken,
    /// How long to remember that.
    pub retention_ms: u64,
}

impl Spent {
    /// The mark of a job that runs once, done by this owner.
    pub fn once(owner: OwnerToken, retention_ms: u64) -> Self {
        Spent {
            ticket: TicketId::once(),
            from: owner,
            retention_ms,
        }
    }
}

/// One lease to renew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// The resource.
    pub keys: Keys,
    /// The owner.
    pub token: OwnerToken,
    /// How long the key lives from now.
    pub ttl: Ttl,
    /// The lease's fencing token.
    pub fence: Option<FencingToken>,
    /// How its owner stands in a read/write lock; `None` for every other lock. All leases of one command
    /// are of one kind.
    pub stance: Option<Stance>,
}

impl Command {
    /// True where it is about a read/write lock.
    pub fn is_shared(&self) -> bool {
        match self {
            Command::Shared(..)
            | Command::Intend { .. }
            | Command::Shift { .. }
            | Command::Sharers { .. } => true,
            Command::Extend { leases, .. } => leases.iter().any(|lease| lease.stance.is_some()),
            _ => false,
        }
    }

    /// True where running it late, after its clean-up, would leave something behind. Such a
    /// command is not sent to a node that hangs, and not sent again once it is void.
    pub fn leaves_state(&self) -> bool {
        match self {
            Command::Shared(_, inner) => inner.leaves_state(),
            Command::Intend { beat_ms, .. } => *beat_ms > 0,
            _ => matches!(
                self,
                Command::Acquire(_)
                    | Command::Poll(..)
                    | Command::Extend { .. }
                    | Command::Adopt { .. }
                    | Command::Remember { .. }
            ),
        }
    }

    /// True where the answer is counted by a majority: a node that lost data gives none that counts.
    pub fn votes(&self) -> bool {
        match self {
            Command::Shared(_, inner) => inner.votes(),
            Command::Intend { .. } => false,
            _ => {
                self.leaves_state()
                    || matches!(self, Command::Raise { .. } | Command::Recall { .. })
            }
        }
    }

    /// The longest time that a key may live which this command sets or renews.
    pub fn ttl_max(&self) -> Option<Ttl> {
        match self {
            Command::Acquire(claim) | Command::Poll(claim, _) | Command::Adopt { claim, .. } => {
                Some(claim.ttl)
            }
            Command::Extend { leases, .. } => leases.iter().map(|lease| lease.ttl).max(),
            Command::Shared(_, inner) => inner.ttl_max(),
            Command::Call { .. }
            | Command::Leave { .. }
            | Command::Release(_)
            | Command::Raise { .. }
            | Command::Unadopt { .. }
            | Command::Intend { .. }
            | Command::Shift { .. }
            | Command::Sharers { .. }
            | Command::Inspect { .. }
            | Command::Recall { .. }
            | Command::Remember { .. }
            | Command::Facts
            | Command::Mark(_) => None,
        }
    }

    /// The same command for a node that keeps the queue or not, and whose fencing counter was raised
    /// already or not.
    pub fn reduced(&self, is_home: bool, raised: bool) -> Command {
        let mut command = self.clone();
        match &mut command {
            Command::Shared(_, inner) => **inner = inner.reduced(is_home, raised),
            Command::Shift { wake, .. } => *wake &= is_home,
            _ => {}
        }
        if let Command::Release(release) = &mut command {
            if !is_home {
                // Each of several names has a home of its own.
                if !release.keys.is_several() || release.keys.is_pool() {
                    release.wake = Wake::Nobody;
                }
                release.put_back = None;
            }
            release.fence = release.fence.filter(|_| !raised);
        }
        command
    }

    /// The same clean-up where an earlier command may still arrive behind it: it remembers itself
    /// for `ms`. Other commands stay as they are.
    pub fn burying(&self, ms: u64) -> Command {
        let mut command = self.clone();
        match &mut command {
            Command::Shared(_, inner) => **inner = inner.burying(ms),
            Command::Release(release) => release.tomb_ms = ms,
            Command::Unadopt { tomb_ms, .. } => *tomb_ms = ms,
            _ => {}
        }
        command
    }
}
