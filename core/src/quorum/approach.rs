//! How an attempt to win a lock goes about it, and what is known where it was not won.

use std::time::Duration;

use crate::error::NodeOutcome;
use crate::protocol::{Place, Refusal, RefusalKind};
use crate::quorum::ballot::Why;

/// How an attempt goes about it.
#[derive(Debug, Clone)]
pub enum Approach {
    /// All nodes at once, behind whoever waits in a queue.
    AllAtOnce,
    /// As a waiter in the queue of the home node, which goes first; the others are asked once it
    /// grants, and asked again for a while if they refuse.
    ThroughHome(usize, Place),
    /// As a waiter that was told that it is its turn: home and the others at once.
    Called(usize, Place),
}

/// A lock not won; everything that was sent is being undone.
#[derive(Debug)]
pub struct NotWon {
    /// Why.
    pub why: Why,
    /// The longest remaining time of the holder's key on any node that told.
    pub holder_left: Option<Duration>,
    /// True where a foreign library holds it, which wakes nobody.
    pub foreign: bool,
    /// Where the waiter stands in the queue.
    pub place: Option<u64>,
    /// What keeps its place there.
    pub score: Option<u64>,
    /// Which of several names it was that was not won.
    pub at: usize,
    /// What each node said.
    pub outcomes: Vec<NodeOutcome>,
}

/// What the refusals of an attempt told.
#[derive(Default)]
pub(crate) struct Report {
    holder_left: Option<Duration>,
    pub(crate) foreign: bool,
    place: Option<u64>,
    pub(crate) score: Option<u64>,
    at: Option<usize>,
}

impl Report {
    /// A node refused.
    pub(crate) fn note(&mut self, refusal: &Refusal, is_home: bool) {
        self.foreign |= refusal.why == RefusalKind::Foreign;
        let left = refusal.ttl_ms.map(Duration::from_millis);
        self.holder_left = self.holder_left.max(left);
        if is_home || self.at.is_none() || refusal.why == RefusalKind::Queued {
            self.at = Some(refusal.at);
        }
        if is_home {
            self.place = refusal.place;
            self.score = refusal.score.or(self.score);
        }
    }

    /// An attempt that failed.
    pub(crate) fn not_won(&self, why: Why, outcomes: Vec<NodeOutcome>) -> NotWon {
        NotWon {
            why,
            holder_left: self.holder_left,
            foreign: self.foreign,
            place: self.place,
            score: self.score,
            at: self.at.unwrap_or(0),
            outcomes,
        }
    }
}
