//! Which connections a fault is for.

use std::sync::Arc;
use std::time::Duration;

use super::Flow;
use super::switchboard::{Direction, Link, Switchboard};

/// Some connections of a [`crate::Proxy`]; what is set holds as soon as the call returns.
///
/// ```no_run
/// # use quorlock_test_support::{Flow, Proxy};
/// # use std::time::Duration;
/// # let proxy = Proxy::start(([127, 0, 0, 1], 6379).into());
/// // A request is late on the old connection, while a new one passes.
/// let old = proxy.existing();
/// old.requests(Flow::Hold);
/// // … the client dials again …
/// old.requests(Flow::Pass);
/// ```
#[derive(Clone, Debug)]
pub struct Scope {
    board: Arc<Switchboard>,
    who: Who,
}

#[derive(Clone, Debug)]
pub(crate) enum Who {
    All,
    New,
    These(Vec<Arc<Link>>),
}

impl Scope {
    pub(crate) fn new(board: &Arc<Switchboard>, who: Who) -> Scope {
        Scope {
            board: Arc::clone(board),
            who,
        }
    }

    /// How what clients send passes.
    pub fn requests(&self, flow: Flow) {
        self.set(Direction::Requests, flow);
    }

    /// How what the server sends passes.
    pub fn replies(&self, flow: Flow) {
        self.set(Direction::Replies, flow);
    }

    /// How both pass, each for itself.
    pub fn both(&self, flow: Flow) {
        self.requests(flow);
        self.replies(flow);
    }

    /// Both directions pass again.
    pub fn pass(&self) {
        self.both(Flow::Pass);
    }

    /// Closes the connections and waits until they are closed: the client gets a reset, the server an end of stream after
    /// what was passed on to it. What is held or delayed is lost. For [`crate::Proxy::new_connections`] there is nothing to
    /// close.
    pub fn cut(&self) {
        match &self.who {
            Who::All => self.board.cut(&self.board.links()),
            Who::New => {}
            Who::These(links) => self.board.cut(links),
        }
    }

    /// The lost reply: requests go on to the server; on each connection its next reply is kept back, and the connection
    /// is cut that time after it came. So the server has executed what the client never hears of.
    pub fn hold_replies_then_cut(&self, after: Duration) {
        self.replies(Flow::Cut { after });
    }

    /// How many of these connections are open. None of [`crate::Proxy::new_connections`] is.
    pub fn open_connections(&self) -> usize {
        let open = self.board.links();
        match &self.who {
            Who::All => open.len(),
            Who::New => 0,
            Who::These(links) => links
                .iter()
                .filter(|link| open.iter().any(|open| open.id == link.id))
                .count(),
        }
    }

    fn set(&self, direction: Direction, flow: Flow) {
        match &self.who {
            Who::All => self.board.set_for_new(direction, flow, true),
            Who::New => self.board.set_for_new(direction, flow, false),
            Who::These(links) => links.iter().for_each(|link| link.set(direction, flow)),
        }
    }
}
