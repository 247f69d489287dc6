//! The owner of one node's connection: it dials, hands over to serving, and waits between dials.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use crate::config::{NodeAddress, Target};
use crate::error::{Fault, FaultClass};
use crate::node::redis::backoff::{Backoff, Pause};
use crate::node::redis::dial::{Session, dial};
use crate::node::redis::greeting::Peer;
use crate::node::redis::tls::Tls;
use crate::node::redis::{RedisPipeline, RedisSettings, closed};
use crate::node::{Link, Submission};

/// A connection that held so long worked, even if nobody asked anything of it.
const STEADY_MIN: Duration = Duration::from_secs(1);

/// What a handle asks of the owner.
pub(super) enum Order {
    /// Run a command.
    Submit(Submission),
    /// End once everything before is answered.
    Close,
}

/// What stays the same over all connections.
pub(super) struct Plan {
    pub(super) address: NodeAddress,
    pub(super) shown: String,
    pub(super) settings: RedisSettings,
    pub(super) pipeline: RedisPipeline,
    pub(super) tls: Result<Tls, Fault>,
    pub(super) wake: mpsc::UnboundedSender<u64>,
}

impl Plan {
    pub(super) fn new(
        address: NodeAddress,
        settings: RedisSettings,
        wake: mpsc::UnboundedSender<u64>,
        pipeline: RedisPipeline,
    ) -> Self {
        let shown = address.to_string();
        let tls = if matches!(address.target, Target::Tcp { tls: true, .. }) {
            if !settings.tls_verify {
                tracing::warn!(
                    target: "quorlock::node", node = %shown,
                    "the server's certificate is not checked, as tls_verify = false asks"
                );
            }
            Tls::new(settings.tls_ca_pem.as_deref(), settings.tls_verify)
        } else {
            Err(Fault::refused(
                FaultClass::Tls,
                "the address asks for no TLS",
            ))
        };
        Plan {
            address,
            shown,
            settings,
            pipeline,
            tls,
            wake,
        }
    }

    /// A key that never exists, behind the client's prefix.
    pub(super) fn probe_key(&self) -> String {
        format!("{}quorlock:probe", self.settings.key_prefix)
    }
}

/// The state that outlives a connection.
pub(super) struct Owner {
    pub(super) plan: Arc<Plan>,
    inbox: mpsc::UnboundedReceiver<Order>,
    pub(super) link: watch::Sender<Link>,
    /// Arrived and not yet sent, in order.
    pub(super) queue: VecDeque<Submission>,
    /// Set once the node is to end: by when it must have.
    pub(super) closing: Option<Instant>,
    pub(super) backoff: Backoff,
    pub(super) epoch: u64,
    previous: Option<Peer>,
}

impl Owner {
    pub(super) fn new(
        plan: Plan,
        inbox: mpsc::UnboundedReceiver<Order>,
        link: watch::Sender<Link>,
    ) -> Self {
        let backoff = Backoff::new(Arc::clone(&plan.settings.entropy));
        let (plan, queue) = (Arc::new(plan), VecDeque::new());
        Owner {
            plan,
            inbox,
            link,
            queue,
            closing: None,
            backoff,
            epoch: 0,
            previous: None,
        }
    }

    /// Runs the node until it is closed.
    pub(super) async fn run(mut self) {
        // The very first dial waits for nobody.
        let mut pause = Duration::ZERO;
        self.backoff.next();
        loop {
            let fault = match self.connect(pause).await {
                Connected::Session(session) => {
                    let since = Instant::now();
                    let fault = self.serve(*session).await;
                    if since.elapsed() >= STEADY_MIN {
                        self.backoff.reset();
                    }
                    if let Some(fault) = &fault {
                        tracing::info!(
                            target: "quorlock::node", node = %self.plan.shown,
                            epoch = self.epoch, class = fault.class.name(), "disconnected"
                        );
                    }
                    fault
                }
                Connected::Failed(fault) => Some(fault),
                Connected::Closed => None,
            };
            // Whatever waits was never sent.
            let fault = fault.map(|fault| Fault {
                may_have_run: false,
                ..fault
            });
            let Some(fault) = fault else { break };
            self.link.send_replace(Link::Down(fault.clone()));
            pause = match self.backoff.next() {
                Pause::Short(pause) => pause,
                Pause::Long(pause) => {
                    tracing::debug!(
                        target: "quorlock::node", node = %self.plan.shown,
                        class = fault.class.name(), delay = ?pause, "next dial"
                    );
                    self.rest(pause, &fault).await;
                    Duration::ZERO
                }
            };
            if self.closing.is_some() && self.queue.is_empty() {
                break;
            }
        }
        self.end();
    }

    /// Dials after `pause`. Commands wait meanwhile, each until its own limit.
    async fn connect(&mut self, pause: Duration) -> Connected {
        let (plan, previous) = (Arc::clone(&self.plan), self.previous.clone());
        let mut dialling = Box::pin(async move {
            sleep(pause).await;
            dial(&plan, previous).await
        });
        let mut earliest = self.refuse_late();
        loop {
            let limit = earliest.into_iter().chain(self.closing).min();
            tokio::select! {
                biased;
                dialled = &mut dialling => {
                    return match dialled {
                        Ok(session) => self.greeted(session),
                        Err(fault) => Connected::Failed(fault),
                    };
                }
                () = sleep_until(limit.unwrap_or_else(Instant::now)), if limit.is_some() => {
                    if self.closing.is_some_and(|end| end <= Instant::now()) {
                        return Connected::Closed;
                    }
                    earliest = self.refuse_late();
                }
                fresh = self.arrivals(), if self.closing.is_none() => {
                    let limits = self.queue.iter().skip(self.queue.len() - fresh);
                    earliest = earliest.into_iter().chain(limits.map(|one| one.connect_by)).min();
                }
            }
            if self.closing.is_some() && self.queue.is_empty() {
                return Connected::Closed;
            }
        }
    }

    fn greeted(&mut self, session: Session) -> Connected {
        self.epoch += 1;
        self.previous.clone_from(&session.greeting.peer);
        let facts = &session.greeting.facts;
        tracing::info!(
            target: "quorlock::node", node = %self.plan.shown, epoch = self.epoch,
            server = facts.server.as_deref().unwrap_or_default(),
            version = facts.version.as_deref().unwrap_or_default(), "connected"
        );
        self.show(&session.greeting);
        Connected::Session(Box::new(session))
    }

    /// Waits for the next dial. Whoever comes meanwhile is told at once what happened to the last.
    async fn rest(&mut self, pause: Duration, fault: &Fault) {
        let mut over = std::pin::pin!(sleep(pause));
        loop {
            for submission in self.queue.drain(..) {
                submission.answer.give(Err(fault.clone()));
            }
            if self.closing.is_some() {
                return;
            }
            tokio::select! {
                biased;
                _ = self.arrivals() => {}
                () = &mut over => return,
            }
        }
    }

    /// Answers those whose limit for a connection has passed; gives the earliest that has not.
    fn refuse_late(&mut self) -> Option<Instant> {
        let now = Instant::now();
        for _ in 0..self.queue.len() {
            let Some(submission) = self.queue.pop_front() else {
                break;
            };
            if submission.connect_by <= now {
                let why = "no connection in time";
                submission
                    .answer
                    .give(Err(Fault::refused(FaultClass::Timeout, why)));
            } else {
                self.queue.push_back(submission);
            }
        }
        self.queue
            .iter()
            .map(|submission| submission.connect_by)
            .min()
    }

    /// Waits for orders and takes all there are; gives how many submissions joined the queue. Not
    /// to be called once closing.
    pub(super) async fn arrivals(&mut self) -> usize {
        poll_fn(|cx| self.poll_arrivals(cx)).await
    }

    /// [`Owner::arrivals`], polled.
    pub(super) fn poll_arrivals(&mut self, cx: &mut Context<'_>) -> Poll<usize> {
        let before = self.queue.len();
        let order = ready!(self.inbox.poll_recv(cx));
        self.accept(order);
        while self.closing.is_none() {
            match self.inbox.try_recv() {
                Ok(order) => self.accept(Some(order)),
                Err(_) => break,
            }
        }
        Poll::Ready(self.queue.len() - before)
    }

    fn accept(&mut self, order: Option<Order>) {
        match order {
            Some(Order::Submit(submission)) => self.queue.push_back(submission),
            Some(Order::Close) | None => {
                self.inbox.close();
                self.closing = Some(Instant::now() + self.plan.settings.connect_timeout);
            }
        }
    }

    /// Answers everybody left and says good-bye.
    fn end(&mut self) {
        self.inbox.close();
        while let Ok(order) = self.inbox.try_recv() {
            if let Order::Submit(submission) = order {
                self.queue.push_back(submission);
            }
        }
        for submission in self.queue.drain(..) {
            submission.answer.give(Err(closed()));
        }
        self.link.send_replace(Link::Down(closed()));
    }
}

enum Connected {
    Session(Box<Session>),
    Failed(Fault),
    Closed,
}
