//! What the user of a proxy and its connections share.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::{Flow, NewConnections};
use crate::lock;

const MARKS_MAX: usize = 65_536;
/// The thread of a proxy acts on an order within a millisecond, if it gets a core.
const OBEDIENCE_MAX: Duration = Duration::from_secs(5);

/// A chunk of a client's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The connection, counted from 0 as they were accepted.
    pub connection: u64,
    /// When the proxy read it.
    pub at: Instant,
    /// How many bytes it has.
    pub bytes: usize,
}

/// The two ways through a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Requests,
    Replies,
}

/// One connection, as it is controlled from outside.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) id: u64,
    pub(crate) requests: watch::Sender<Flow>,
    pub(crate) replies: watch::Sender<Flow>,
    pub(crate) cut: watch::Sender<bool>,
}

/// Bytes of one direction, over all connections.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bytes {
    pub(crate) read: u64,
    pub(crate) waiting: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) requests: Bytes,
    pub(crate) replies: Bytes,
}

#[derive(Debug)]
pub(crate) struct Switchboard {
    pub(crate) seed: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    upstream: SocketAddr,
    /// What a new connection starts with.
    requests: Flow,
    replies: Flow,
    /// What the acceptor has put in force.
    door: NewConnections,
    links: BTreeMap<u64, Arc<Link>>,
    dials: Vec<Instant>,
    tally: Tally,
    marks: VecDeque<Mark>,
}

impl Switchboard {
    pub(crate) fn new(upstream: SocketAddr, seed: u64) -> Switchboard {
        let state = State {
            upstream,
            requests: Flow::Pass,
            replies: Flow::Pass,
            door: NewConnections::Accept,
            links: BTreeMap::new(),
            dials: Vec::new(),
            tally: Tally::default(),
            marks: VecDeque::new(),
        };
        Switchboard {
            seed,
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    pub(crate) fn redirect(&self, upstream: SocketAddr) {
        lock(&self.state).upstream = upstream;
    }

    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        lock(&self.state).links.values().cloned().collect()
    }

    pub(crate) fn dial_times(&self) -> Vec<Instant> {
        lock(&self.state).dials.clone()
    }

    pub(crate) fn tally(&self) -> Tally {
        lock(&self.state).tally
    }

    pub(crate) fn request_marks(&self) -> Vec<Mark> {
        lock(&self.state).marks.iter().copied().collect()
    }

    pub(crate) fn clear_request_marks(&self) {
        lock(&self.state).marks.clear();
    }

    /// Sets the flow of new connections, and of those that exist if they are meant too: under one lock, so that none
    /// slips through between the two.
    pub(crate) fn set_for_new(&self, direction: Direction, flow: Flow, existing_too: bool) {
        let mut state = lock(&self.state);
        match direction {
            Direction::Requests => state.requests = flow,
            Direction::Replies => state.replies = flow,
        }
        if existing_too {
            state
                .links
                .values()
                .for_each(|link| link.set(direction, flow));
        }
    }

    /// Cuts these, and waits until they are closed.
    pub(crate) fn cut(&self, links: &[Arc<Link>]) {
        for link in links {
            link.cut.send_replace(true);
        }
        self.wait(|state| links.iter().all(|link| !state.links.contains_key(&link.id)));
    }

    pub(crate) fn wait_for_door(&self, door: NewConnections) {
        self.wait(|state| state.door == door);
    }

    fn wait(&self, done: impl Fn(&State) -> bool) {
        let state = lock(&self.state);
        let waited = self
            .changed
            .wait_timeout_while(state, OBEDIENCE_MAX, |state| !done(state));
        let (_state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "the thread of the proxy does not act");
    }

    pub(crate) fn note_door(&self, door: NewConnections) {
        lock(&self.state).door = door;
        self.changed.notify_all();
    }

    /// A client has dialled, and is sent away.
    pub(crate) fn note_dial(&self) {
        lock(&self.state).dials.push(Instant::now());
    }

    /// A client has dialled, and is connected to the server that is returned.
    pub(crate) fn open(&self) -> (Arc<Link>, SocketAddr) {
        let mut state = lock(&self.state);
        let id = state.dials.len() as u64;
        state.dials.push(Instant::now());
        let link = Arc::new(Link {
            id,
            requests: watch::Sender::new(state.requests),
            replies: watch::Sender::new(state.replies),
            cut: watch::Sender::new(false),
        });
        state.links.insert(id, Arc::clone(&link));
        (link, state.upstream)
    }

    pub(crate) fn note_closed(&self, id: u64) {
        lock(&self.state).links.remove(&id);
        self.changed.notify_all();
    }

    pub(crate) fn note_read(&self, link: &Link, direction: Direction, bytes: usize) {
        let at = Instant::now();
        let mut state = lock(&self.state);
        let tally = state.tally.of(direction);
        tally.read += bytes as u64;
        tally.waiting += bytes as u64;
        if direction == Direction::Requests {
            if state.marks.len() == MARKS_MAX {
                state.marks.pop_front();
            }
            state.marks.push_back(Mark {
                connection: link.id,
                at,
                bytes,
            });
        }
    }

    /// They were written, or are lost.
    pub(crate) fn note_gone(&self, direction: Direction, bytes: usize) {
        lock(&self.state).tally.of(direction).waiting -= bytes as u64;
    }
}

impl Tally {
    fn of(&mut self, direction: Direction) -> &mut Bytes {
        match direction {
            Direction::Requests => &mut self.requests,
            Direction::Replies => &mut self.replies,
        }
    }
}

impl Link {
    pub(crate) fn set(&self, direction: Direction, flow: Flow) {
        match direction {
            Direction::Requests => self.requests.send_replace(flow),
            Direction::Replies => self.replies.send_replace(flow),
        };
    }

    pub(crate) fn watch(&self, direction: Direction) -> watch::Receiver<Flow> {
        match direction {
            Direction::Requests => self.requests.subscribe(),
            Direction::Replies => self.replies.subscribe(),
        }
    }
}
