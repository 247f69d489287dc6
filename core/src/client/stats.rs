//! What a client counts of its own work.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What one client did since it was made, in this process. A snapshot; reading it is local.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Locks won by `acquire`, `try_acquire` and `using`.
    pub acquired: u64,
    /// Tries that found somebody else holding the lock.
    pub contended: u64,
    /// Calls that ended with an error.
    pub failed: u64,
    /// Renewals confirmed by a majority.
    pub renewed: u64,
    /// Leases lost.
    pub lost: u64,
    /// Locks given back.
    pub released: u64,
    /// Locks handed over as tickets.
    pub detached: u64,
    /// Locks taken over by tickets.
    pub adopted: u64,
    /// Nodes that could not serve their part of a failed call.
    pub node_faults: u64,
    /// Rounds it took to win, in all.
    pub rounds: u64,
    /// Time from the call to the lock, over all locks won.
    pub waited: Duration,
    /// Time locks were held, over all given back.
    pub held: Duration,
    /// The least validity that was left when a renewal was confirmed; `None` before the first.
    pub renewal_margin_min: Option<Duration>,
}

/// The counters behind [`Stats`].
#[derive(Debug)]
pub(crate) struct Counts {
    pub(crate) acquired: Count,
    pub(crate) contended: Count,
    pub(crate) failed: Count,
    pub(crate) renewed: Count,
    pub(crate) lost: Count,
    pub(crate) released: Count,
    pub(crate) detached: Count,
    pub(crate) adopted: Count,
    pub(crate) node_faults: Count,
    pub(crate) rounds: Count,
    pub(crate) waited_us: Count,
    pub(crate) held_us: Count,
    margin_min_us: AtomicU64,
}

/// One counter.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Default for Counts {
    fn default() -> Self {
        Counts {
            acquired: Count::default(),
            contended: Count::default(),
            failed: Count::default(),
            renewed: Count::default(),
            lost: Count::default(),
            released: Count::default(),
            detached: Count::default(),
            adopted: Count::default(),
            node_faults: Count::default(),
            rounds: Count::default(),
            waited_us: Count::default(),
            held_us: Count::default(),
            margin_min_us: AtomicU64::new(u64::MAX),
        }
    }
}

impl Counts {
    /// A renewal was confirmed with so much validity left.
    pub(crate) fn margin(&self, left_us: u64) {
        self.margin_min_us.fetch_min(left_us, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> Stats {
        let margin = self.margin_min_us.load(Ordering::Relaxed);
        Stats {
            acquired: self.acquired.get(),
            contended: self.contended.get(),
            failed: self.failed.get(),
            renewed: self.renewed.get(),
            lost: self.lost.get(),
            released: self.released.get(),
            detached: self.detached.get(),
            adopted: self.adopted.get(),
            node_faults: self.node_faults.get(),
            rounds: self.rounds.get(),
            waited: Duration::from_micros(self.waited_us.get()),
            held: Duration::from_micros(self.held_us.get()),
            renewal_margin_min: (margin != u64::MAX).then(|| Duration::from_micros(margin)),
        }
    }
}
