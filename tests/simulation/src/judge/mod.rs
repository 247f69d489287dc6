//! The oracles: they see every guard of every client, and the truth about time.

pub(crate) mod calls;
pub(crate) mod holders;
pub(crate) mod jobs;
pub(crate) mod sharing;
pub(crate) mod store;
pub(crate) mod tickets;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Weak};

use quorlock::Election;

use crate::counts::{Count, Counts};
use crate::judge::calls::Call;
use crate::judge::holders::Holder;
use crate::judge::jobs::Job;
use crate::judge::sharing::Shared;
use crate::judge::store::FencedStore;
use crate::judge::tickets::TicketLog;
use crate::process::Process;
use crate::trace::Trace;

/// What is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Oracle {
    /// Never two holders inside validity.
    Exclusion,
    /// Fencing tokens increase, and a store that checks them is safe.
    Fencing,
    /// Nothing is left on the servers.
    Leftover,
    /// Every call ends in time.
    CallEnds,
    /// After the faults the lock can be had.
    Acquirable,
    /// A loss is final and is signalled once, in time.
    Loss,
    /// At most one adopter per ticket, exactly one where nothing fails.
    Adoption,
    /// A job that is done once is not begun again.
    Once,
    /// No call fails for a reason that the world did not give it.
    Honesty,
    /// Readers and writers wait for their turn, and no longer.
    Turns,
}

/// What an oracle saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Who saw it.
    pub oracle: Oracle,
    /// When, in microseconds since the run began.
    pub at: u64,
    /// What.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at as f64 / 1e3;
        write!(f, "{:?} at {at:.3} ms: {}", self.oracle, self.what)
    }
}

/// One lock, as the oracles know it.
#[derive(Default)]
pub(crate) struct Resource {
    pub(crate) name: String,
    /// Holders so far, in order.
    pub(crate) holders: u64,
    pub(crate) last_token: u64,
    pub(crate) last_client: Option<usize>,
    /// True once a ticket for it was made: what such a ticket leaves lives for its ttl.
    pub(crate) had_ticket: bool,
    pub(crate) store: FencedStore,
    /// Where it is a read/write lock.
    pub(crate) shared: Shared,
    pub(crate) job: Job,
}

/// All oracles of a run and what they remember.
pub(crate) struct Judge {
    pub(crate) violation: Option<Violation>,
    pub(crate) processes: Vec<Arc<Process>>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) holders: Vec<Holder>,
    /// Candidates: the client, the resource, and what says whether it leads.
    pub(crate) elections: Vec<(usize, usize, Weak<Election>)>,
    pub(crate) calls: BTreeMap<u64, Call>,
    pub(crate) tickets: BTreeMap<String, TicketLog>,
    /// Clients that close: their guards end whenever the engine comes to it.
    pub(crate) closing: BTreeSet<usize>,
    /// Clients whose closing came to its end within its limit: they left nothing.
    pub(crate) drained: BTreeSet<usize>,
    pub(crate) counts: Counts,
    pub(crate) trace: Arc<Trace>,
    pub(crate) fenced: bool,
    pub(crate) numbered: u64,
    pub(crate) calls_looked_at: u64,
}

impl Judge {
    pub(crate) fn new(
        processes: Vec<Arc<Process>>,
        names: &[String],
        trace: &Arc<Trace>,
        fenced: bool,
    ) -> Self {
        let resource = |name: &String| Resource {
            name: name.clone(),
            ..Resource::default()
        };
        Judge {
            violation: None,
            processes,
            resources: names.iter().map(resource).collect(),
            holders: Vec::new(),
            elections: Vec::new(),
            calls: BTreeMap::new(),
            tickets: BTreeMap::new(),
            closing: BTreeSet::new(),
            drained: BTreeSet::new(),
            counts: Counts::default(),
            trace: Arc::clone(trace),
            fenced,
            numbered: 0,
            calls_looked_at: 0,
        }
    }

    /// Notes a violation; the first one counts.
    pub(crate) fn object(&mut self, at: u64, oracle: Oracle, what: String) {
        self.trace
            .note(at, "VIOLATION", &[oracle as u64], || what.clone());
        self.violation.get_or_insert(Violation { oracle, at, what });
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.numbered += 1;
        self.numbered
    }

    pub(crate) fn count(&mut self, count: Count) {
        self.counts.add(count);
    }

    /// Looks at everything that goes by time.
    pub(crate) fn look(&mut self, now: u64) {
        self.look_at_holders(now);
        if now >= self.calls_looked_at + 20_000 {
            self.calls_looked_at = now;
            self.look_at_calls(now);
        }
    }
}
