//! One client's connection to one server, as that client knows it.

use std::collections::{BTreeMap, VecDeque};

use quorlock::testing::node::{Answer, ClaimLine, Link, Standing, Submission};
use quorlock::testing::protocol::{Abilities, Claim, Command, Raw, Reply, parse, proposals_max};
use quorlock::{Fault, FaultClass};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::net::calendar::Arrival;
use crate::rng::Span;

/// Answers to be given once the network is not locked any more: whoever is told may send at once.
pub(crate) type Told = Vec<(Answer, Result<Reply, Fault>)>;

/// A command that was sent.
pub(crate) struct Unanswered {
    pub(crate) answer: Answer,
    pub(crate) sent: u64,
    /// What the server could do when it was sent.
    pub(crate) can: Abilities,
    /// The copy of it that ran first: others give no answer.
    pub(crate) ran: Option<u8>,
    /// The answers to the lines of a claim in plain words.
    pub(crate) said: Vec<(ClaimLine, Raw)>,
}

impl Unanswered {
    /// Takes the answer to a line of a claim in plain words; gives the reply once all are there.
    pub(crate) fn hear(
        &mut self,
        command: &Command,
        line: (ClaimLine, Raw),
    ) -> Option<Result<Reply, Fault>> {
        let Command::Acquire(claim) = command else {
            return None;
        };
        self.said.push(line);
        let counts = claim.proposal.is_some() && self.can.fencing;
        let heeds = claim.heed_queue && self.can.queue;
        if self.said.len() < 1 + usize::from(counts) + usize::from(heeds) {
            return None;
        }
        self.said.sort_by_key(|(line, _)| *line as u8);
        let words = std::mem::take(&mut self.said).into_iter();
        Some(parse(command, &self.can, words.map(|(_, raw)| raw)))
    }
}

/// What a dead connection's commands that did not arrive come to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Remains {
    /// The last request that is still delivered.
    pub(crate) last: u64,
    /// How much later than it would have been.
    pub(crate) delay: u64,
}

pub(crate) struct Wire {
    pub(crate) client: usize,
    pub(crate) node: usize,
    pub(crate) wake: UnboundedSender<u64>,
    pub(crate) abilities: Abilities,
    /// How long one way takes.
    pub(crate) delay: Span,
    pub(crate) link: Link,
    /// Counts this client's connections; the engine sees it.
    pub(crate) epoch: u64,
    /// Unique over the run.
    pub(crate) connection: u64,
    /// Submitted, not sent: there is no connection, or the process is frozen.
    pub(crate) waiting: VecDeque<Submission>,
    pub(crate) unanswered: BTreeMap<u64, Unanswered>,
    /// When the last command will have arrived, and the last answer.
    pub(crate) arrives: u64,
    pub(crate) replies: u64,
    pub(crate) last_reply: u64,
    /// Nothing gets through before.
    pub(crate) blocked_until: u64,
    /// Sent into a connection that is already cut.
    pub(crate) swallowed: Vec<Arrival>,
    pub(crate) is_cut: bool,
    pub(crate) is_watched: bool,
    pub(crate) is_closed: bool,
    /// What the server's clock said when the connection was made, and when that was.
    pub(crate) server_clock: (u64, Instant),
    /// Set while the client rests between dials: whoever comes is refused with it.
    pub(crate) resting: Option<Fault>,
    /// Whether the node's answers count.
    pub(crate) standing: Standing,
    /// The run of the server that the connection was made to.
    pub(crate) run: u64,
    /// A channel of its own for everyone who watches: one channel for all would wake them in an
    /// order that tokio draws from the operating system's randomness.
    watchers: Vec<watch::Sender<Link>>,
}

impl Wire {
    pub(crate) fn new(
        (client, node): (usize, usize),
        wake: UnboundedSender<u64>,
        abilities: Abilities,
        delay: Span,
    ) -> Self {
        Wire {
            client,
            node,
            wake,
            abilities,
            delay,
            link: Link::Connecting,
            epoch: 0,
            connection: 0,
            waiting: VecDeque::new(),
            unanswered: BTreeMap::new(),
            arrives: 0,
            replies: 0,
            last_reply: 0,
            blocked_until: 0,
            swallowed: Vec::new(),
            is_cut: false,
            is_watched: false,
            is_closed: false,
            server_clock: (0, Instant::now()),
            resting: None,
            standing: Standing::Unasked,
            run: 0,
            watchers: Vec::new(),
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        matches!(self.link, Link::Up { .. })
    }

    /// A receiver of its own for the state of the link.
    pub(crate) fn watch(&mut self) -> watch::Receiver<Link> {
        let (sender, receiver) = watch::channel(self.link.clone());
        self.watchers.retain(|watcher| !watcher.is_closed());
        self.watchers.push(sender);
        receiver
    }

    pub(crate) fn set_link(&mut self, link: Link) {
        self.watchers.retain(|watcher| !watcher.is_closed());
        for watcher in &self.watchers {
            watcher.send_replace(link.clone());
        }
        self.link = link;
    }

    /// The connection is made.
    pub(crate) fn connect(
        &mut self,
        now: u64,
        connection: u64,
        server_micros: u64,
        (run, standing): (u64, Standing),
    ) {
        self.epoch += 1;
        (self.run, self.standing) = (run, standing);
        self.server_clock = (server_micros, Instant::now());
        self.connection = connection;
        self.arrives = now;
        self.replies = now;
        self.last_reply = now;
        self.is_cut = false;
        self.is_watched = false;
        self.resting = None;
        self.set_link(Link::Up {
            epoch: self.epoch,
            abilities: self.abilities,
            standing: self.standing.clone(),
        });
    }

    /// The node's marker was told.
    pub(crate) fn stand(&mut self, standing: Standing) {
        if self.standing != standing {
            self.standing = standing.clone();
            self.set_link(Link::Up {
                epoch: self.epoch,
                abilities: self.abilities,
                standing,
            });
        }
    }

    /// What the server can do with `command`: a proposal far ahead of its clock is cut by a script.
    pub(crate) fn abilities_for(&self, command: &Command) -> Abilities {
        let mut can = self.abilities;
        if let Command::Acquire(Claim {
            proposal: Some(proposal),
            ..
        }) = command
        {
            let (micros, since) = self.server_clock;
            can.plain &= *proposal <= proposals_max(micros, since.elapsed());
        }
        can
    }

    /// True where an older command has been unanswered for `after` or longer.
    pub(crate) fn is_stalled(&self, now: u64, after: u64) -> bool {
        let quiet_since = |first: &Unanswered| first.sent.max(self.last_reply);
        let first = self.unanswered.values().next();
        first.is_some_and(|first| now >= quiet_since(first) + after)
    }

    /// Answers a command that was sent.
    pub(crate) fn answer(
        &mut self,
        now: u64,
        request: u64,
        result: Result<Reply, Fault>,
        out: &mut Told,
    ) {
        if let Some(unanswered) = self.unanswered.remove(&request) {
            self.last_reply = now;
            out.push((unanswered.answer, result));
        }
    }

    /// Tells everybody whose command was sent that its answer will not come.
    pub(crate) fn fail_unanswered(&mut self, class: FaultClass, out: &mut Told) {
        for (_, unanswered) in std::mem::take(&mut self.unanswered) {
            let fault = Fault::unresolved(class, "the connection ended before the reply");
            out.push((unanswered.answer, Err(fault)));
        }
    }

    /// Tells everybody whose command was not sent why.
    pub(crate) fn refuse_waiting(&mut self, fault: &Fault, out: &mut Told) {
        let waiting = self.waiting.drain(..);
        out.extend(waiting.map(|submission| (submission.answer, Err(fault.clone()))));
    }
}

/// True where the caller has given up, so that the command must not be sent any more.
pub(crate) fn is_given_up(submission: &Submission) -> bool {
    submission.void.is_set() && submission.command.leaves_state()
}
