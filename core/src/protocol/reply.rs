//! What one node answers, as data.

use crate::config::{FencingToken, Mode};
use crate::protocol::marker::Marker;

/// A node's answer to a [`crate::protocol::Command`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The key is the caller's.
    Granted(Grant),
    /// The key is not the caller's.
    Refused(Refusal),
    /// What became of each lease, in the order asked.
    Extended(Vec<LeaseWord>),
    /// What a release or a roll-back found.
    Released(ReleaseWord),
    /// The same, and somebody waits here and was not called.
    Awaited(ReleaseWord),
    /// The counter after a write-back; `None` where the key is not the caller's.
    Raised(Option<FencingToken>),
    /// Whether the waiter was in the queue.
    Left(bool),
    /// A resource on this node.
    View(View),
    /// For how many milliseconds more it is remembered that the job is done; `None` where it is not.
    Recalled(Option<u64>),
    /// It is remembered that the job is done.
    Remembered,
    /// Who holds a read/write lock on this node.
    Sharers(Sharers),
    /// The server.
    Facts(Box<Facts>),
    /// The node's marker.
    Marker(Box<Marker>),
}

/// A key won.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What the node's fencing counter says of it.
    pub counted: Counted,
    /// True where the key was already the caller's: an earlier reply was lost, or two entries of
    /// the node list are one server.
    pub again: bool,
    /// The place the waiter had, if it came from the queue.
    pub score: Option<u64>,
    /// The slots that a semaphore's home picked.
    pub slots: Vec<u32>,
}

/// What a fencing counter says of a key won.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// It was not asked, or cannot count.
    No,
    /// It went up to exactly this while the key was the caller's.
    At(FencingToken),
    /// It was at the proposal or past it already: the key is not counted yet.
    Behind,
}

/// A key not won.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub why: RefusalKind,
    /// How long the holder's key still lives, if known.
    pub ttl_ms: Option<u64>,
    /// Waiters before this one in the queue.
    pub place: Option<u64>,
    /// This waiter's score, to keep its place by.
    pub score: Option<u64>,
    /// The owner's token, where an adopter needs to know whether one other adopter has a majority.
    pub owner: Option<Vec<u8>>,
    /// Which of several names it is that was not won.
    pub at: usize,
}

impl Refusal {
    /// A refusal with nothing known but the reason.
    pub fn bare(why: RefusalKind) -> Self {
        Refusal {
            why,
            ttl_ms: None,
            place: None,
            score: None,
            owner: None,
            at: 0,
        }
    }
}

/// Why a key was not won.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// Another Quorlock owner holds it.
    Held,
    /// A foreign library holds it.
    Foreign,
    /// It is free, but others wait for it.
    Queued,
    /// This attempt's own release came first.
    Buried,
    /// There is no key to adopt.
    Missing,
    /// The ticket's work is done.
    Spent,
}

/// What became of one lease in an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseWord {
    /// Its key lives on.
    Renewed,
    /// There is no key.
    Missing,
    /// Another owns it.
    Other,
    /// It was missing and was set again.
    FilledIn,
}

impl LeaseWord {
    /// What becomes of a lease with two keys: the word that counts less.
    pub fn and(self, other: LeaseWord) -> LeaseWord {
        let weight = |word| match word {
            LeaseWord::Renewed => 0,
            LeaseWord::FilledIn => 1,
            LeaseWord::Missing => 2,
            LeaseWord::Other => 3,
        };
        if weight(other) > weight(self) {
            other
        } else {
            self
        }
    }
}

/// What a release found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseWord {
    /// The caller's key, now deleted (or swapped back).
    Done,
    /// No key.
    Missing,
    /// Another owner's key, left alone.
    Other,
}

/// A resource on one node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    /// The key's value, if it is a string; a secret.
    pub value: Option<Vec<u8>>,
    /// True where the key holds another type.
    pub other_type: bool,
    /// How long the key still lives; `None` for ever or no key.
    pub ttl_ms: Option<u64>,
    /// The resource's fencing counter.
    pub counter: Option<FencingToken>,
    /// Waiters in the queue here; `None` where the user may not ask.
    pub waiters: Option<u64>,
    /// The slots of a semaphore that are taken.
    pub slots: Vec<SlotView>,
}

/// A slot of a semaphore that is taken on one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotView {
    /// Its number.
    pub slot: u32,
    /// Its key's value; a secret.
    pub value: Vec<u8>,
    /// How long the key still lives; `None` for ever.
    pub ttl_ms: Option<u64>,
}

/// A read/write lock on this node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sharers {
    /// Who holds it: the strongest first, readers in the order in which their time ends.
    pub held: Vec<Sharer>,
    /// Waiters in its queues here.
    pub waiters: u64,
}

/// One holder of a read/write lock on this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sharer {
    /// How it holds it.
    pub mode: Mode,
    /// Its token; a secret.
    pub owner: Vec<u8>,
    /// How long its place still lives.
    pub ttl_ms: u64,
}

/// What a server says of itself; each part only where it may be asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// `redis` or `valkey`, `memory` for the embedded node.
    pub server: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// `standalone`, `cluster` or `sentinel`.
    pub mode: Option<String>,
    /// `master` or `slave`.
    pub role: Option<String>,
    /// The id of this run of the server, by which a server listed twice shows.
    pub run_id: Option<String>,
    /// Whether an append-only file is on.
    pub append_only: Option<bool>,
    /// `maxmemory-policy`.
    pub eviction: Option<String>,
    /// `maxmemory` in bytes, 0 for none.
    pub memory_max: Option<u64>,
    /// Connected replicas.
    pub replicas: Option<u64>,
}
