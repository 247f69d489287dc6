//! What is going to happen, in order of time; what comes at the same time, in order of entry.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use quorlock::testing::node::ClaimLine;
use quorlock::testing::protocol::{Reply, Request};
use quorlock::{Fault, FaultClass};

use crate::net::faults::Trouble;

/// Something that happens in the network, at a server or to a process.
#[derive(Debug)]
pub(crate) enum Event {
    /// A command reaches its server.
    Arrive(Arrival),
    /// An answer reaches its client.
    Reply {
        wire: usize,
        connection: u64,
        request: u64,
        result: Result<Reply, Fault>,
    },
    /// A wake-up reaches its client.
    Wake { wire: usize, number: u64 },
    /// A connection ends.
    Break {
        wire: usize,
        connection: u64,
        class: FaultClass,
    },
    /// A client tries to connect.
    Dial { wire: usize },
    /// Commands that waited too long for a connection are refused.
    Refuse { wire: usize },
    /// A client looks whether a server has fallen silent.
    Silence { wire: usize, connection: u64 },
    /// Something fails, or is repaired.
    Trouble(Trouble),
    /// The judge looks at everything that goes by time.
    Look,
}

/// A command on its way.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) wire: usize,
    pub(crate) connection: u64,
    /// The run of the server that the connection was made to.
    pub(crate) run: u64,
    pub(crate) request: u64,
    pub(crate) sent: u64,
    pub(crate) command: Arc<Request>,
    /// Which copy of it; one alone gives the answer.
    pub(crate) copy: u8,
    /// A claim in plain words is several commands for the server: which of them this is.
    pub(crate) line: Option<ClaimLine>,
    /// True where its connection is gone and it was held up long enough.
    pub(crate) late: bool,
}

struct Entry {
    at: u64,
    number: u64,
    event: Event,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The earliest is the greatest, as the heap wants it.
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

/// Everything to come. Times are true time in microseconds since the run began.
#[derive(Default)]
pub(crate) struct Calendar {
    entries: BinaryHeap<Entry>,
    entered: u64,
}

impl Calendar {
    pub(crate) fn enter(&mut self, at: u64, event: Event) {
        self.entered += 1;
        self.entries.push(Entry {
            at,
            number: self.entered,
            event,
        });
    }

    /// The next event that is due, with its time.
    pub(crate) fn due(&mut self, now: u64) -> Option<(u64, Event)> {
        if self.entries.peek()?.at > now {
            return None;
        }
        self.entries.pop().map(|entry| (entry.at, entry.event))
    }

    /// True while a command is on its way.
    pub(crate) fn has_arrivals(&self) -> bool {
        let mut events = self.entries.iter().map(|entry| &entry.event);
        events.any(|event| matches!(event, Event::Arrive(_)))
    }

    pub(crate) fn next(&self) -> Option<u64> {
        self.entries.peek().map(|entry| entry.at)
    }
}
