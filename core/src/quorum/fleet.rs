//! All nodes of one client, with what every operation over them needs.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select_all;
use tokio::time::{Instant, timeout_at};

use crate::config::{
    Clock, Entropy, Fencing, Keys, Moment, OwnerLabel, OwnerToken, Planted, PlantedBug, Settings,
    quorum,
};
use crate::error::NodeOutcome;
use crate::node::{GuardTerms, Link, Node};
use crate::quorum::{Busy, Crowd, Proposals};

/// How long a node that is about to vote is waited for where a majority does.
const SETTLE_MAX: Duration = Duration::from_millis(200);

/// A task that outlives the call which started it.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Starts tasks on the engine's runtime.
pub trait Spawn: Send + Sync + 'static {
    /// Runs `task` to its end, whatever becomes of the caller.
    fn spawn(&self, task: Task);
}

/// The nodes and the ground rules of one client. Cheap to share; holds no state of its own.
pub struct Fleet {
    /// Every configured node, in the order of the configuration.
    pub nodes: Vec<Arc<dyn Node>>,
    /// Validity is judged by this clock.
    pub clock: Arc<dyn Clock>,
    /// Tokens and jitter come from here.
    pub entropy: Arc<dyn Entropy>,
    /// Runs what outlives a call.
    pub spawner: Arc<dyn Spawn>,
    /// What is under way.
    pub busy: Arc<Busy>,
    /// What other clients want as well.
    pub crowd: Crowd,
    /// What this client proposed as fencing tokens.
    pub proposals: Proposals,
    /// What keeps nodes that lost data from voting; `None` where nothing does.
    pub guard: Option<GuardTerms>,
    /// The client's options.
    pub settings: Settings,
    /// Who this client says it is.
    pub label: OwnerLabel,
    /// Safety rules broken on purpose, in tests.
    pub planted: Planted,
}

impl Fleet {
    /// How many nodes are configured.
    pub fn size(&self) -> usize {
        self.nodes.len()
    }

    /// The votes that make a majority of the configured nodes.
    pub fn quorum(&self) -> usize {
        if self.planted.has(PlantedBug::HalfQuorum) {
            return (self.size() / 2).max(1);
        }
        quorum(self.size())
    }

    /// Starts a task that closing waits for.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let work = self.busy.begin();
        self.spawner.spawn(Box::pin(async move {
            task.await;
            drop(work);
        }));
    }

    /// The engine's time.
    pub fn now(&self) -> Moment {
        if self.planted.has(PlantedBug::WallClock) {
            return Moment::from_nanos(self.clock.wall_micros() * 1000);
        }
        self.clock.now()
    }

    /// An owner token never used before.
    pub fn fresh_token(&self) -> OwnerToken {
        if self.planted.has(PlantedBug::OneTokenPerClient) {
            let text = format!("q1.{:0>40}.{}", self.label.as_str().len(), self.label);
            if let Some(token) = OwnerToken::parse(&text) {
                return token;
            }
        }
        OwnerToken::fresh(&*self.entropy, &self.label)
    }

    /// A random span from zero to `most`: full jitter.
    pub fn jitter(&self, most: Duration) -> Duration {
        let mut bytes = [0; 8];
        self.entropy.fill(&mut bytes);
        let share = u64::from_le_bytes(bytes) >> 11;
        most.mul_f64(share as f64 / (1u64 << 53) as f64)
    }

    /// True where a majority is connected and votes, and no node that is there is about to.
    pub fn is_connected(&self) -> bool {
        let votes = self.nodes.iter().filter(|node| node.votes()).count();
        votes == self.size()
            || votes >= self.quorum() && !self.nodes.iter().any(|node| node.is_unsettled())
    }

    /// Waits until a majority is connected and votes, or can no longer, or `by`. A connection being made
    /// must not eat the time of a round; a node that cannot be reached, or may not vote for a while, must
    /// not delay the others.
    pub async fn connected(&self, by: Instant) {
        if self.is_connected() {
            return;
        }
        // One that connected with the others is asked with them: it is settled at once, or not soon.
        let settled_by = by.min(Instant::now() + SETTLE_MAX);
        loop {
            let (mut up, mut unsettled) = (0, false);
            let mut connecting = Vec::new();
            for node in &self.nodes {
                if node.votes() {
                    up += 1;
                    continue;
                }
                let mut link = node.link();
                match &*link.borrow_and_update() {
                    Link::Up { standing, .. } if standing.votes() => up += 1,
                    Link::Up { standing, .. } if standing.is_unsettled() => unsettled = true,
                    Link::Connecting => {}
                    Link::Up { .. } | Link::Down(_) => continue,
                }
                // Its driver is gone, and nothing will change: waiting for it would never wait.
                if link.has_changed().is_err() {
                    continue;
                }
                connecting.push(link);
            }
            let has_quorum = up >= self.quorum();
            if has_quorum && !unsettled || up + connecting.len() < self.quorum() {
                return;
            }
            let by = if has_quorum { settled_by } else { by };
            if connecting.is_empty() || Instant::now() >= by {
                return;
            }
            let changes = connecting.iter_mut().map(|link| Box::pin(link.changed()));
            if timeout_at(by, select_all(changes)).await.is_err() {
                return;
            }
        }
    }

    /// The node that keeps the queue for `keys`: the resource's own, or the next in ring order that
    /// is connected, able, and not `avoided`.
    pub fn home(&self, keys: &Keys, avoided: impl Fn(usize) -> bool) -> Option<usize> {
        let first = usize::try_from(keys.hash() % self.size() as u64).unwrap_or(0);
        let mut ring = (0..self.size()).map(|step| (first + step) % self.size());
        ring.find(|&node| {
            let able = |node: usize| self.nodes[node].abilities().is_some_and(|can| can.queue);
            !avoided(node) && able(node) && self.nodes[node].votes()
        })
    }

    /// A fencing token to propose; `None` where leases carry none.
    pub fn proposal(&self) -> Option<u64> {
        let wall = || self.clock.wall_micros();
        (self.settings.fencing != Fencing::Off).then(|| self.proposals.next(wall()))
    }

    /// The number of the connection to the node at `index`, if it is up.
    pub fn epoch(&self, index: usize) -> Option<u64> {
        self.nodes[index].epoch()
    }

    /// An outcome of the node at `index`.
    pub fn outcome(
        &self,
        index: usize,
        status: crate::error::NodeStatus,
        elapsed: Duration,
    ) -> NodeOutcome {
        NodeOutcome {
            node: self.nodes[index].address().to_owned(),
            status,
            elapsed,
        }
    }
}
