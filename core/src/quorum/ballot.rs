//! What claiming and adopting share: votes, the agreement on a fencing token, and the validity.

use std::sync::Arc;
use std::time::Duration;

use crate::config::{Fencing, FencingToken, Keys, Moment, OwnerToken, PlantedBug, Terms, deadline};
use crate::error::Error;
use crate::node::Void;
use crate::protocol::{Claim, Command, Reply, Request};
use crate::quorum::fence::{Agreement, agree};
use crate::quorum::{Defeat, Fleet, Held, Round, Tally, Vote};

/// A lock won.
#[derive(Debug)]
pub struct Won {
    /// What is held.
    pub held: Held,
    /// Until when, unless renewed.
    pub deadline: Moment,
    /// True where it came through the queue: others may want it as well.
    pub queued: bool,
    /// True where it may still stand in the queue, which a grant by the home would have ended.
    pub in_queue: bool,
}

/// Why a lock was not won.
#[derive(Debug)]
pub enum Why {
    /// The votes.
    Defeat(Defeat),
    /// The home node could not serve; another may.
    HomeFaulted,
    /// A majority granted, but too late.
    Late,
    /// The servers contradict the configuration; trying again cannot help.
    Misconfigured(Error),
}

/// The votes of one attempt, from the moment before the first byte is sent.
pub(crate) struct Ballot<'a> {
    pub(crate) fleet: &'a Arc<Fleet>,
    pub(crate) round: Round<'a>,
    pub(crate) tally: Tally,
    pub(crate) held: Held,
    fences: Vec<Option<FencingToken>>,
    start: Moment,
    end: Moment,
    timeout: Duration,
}

impl<'a> Ballot<'a> {
    /// No vote in; the validity begins now.
    pub(crate) fn new(
        fleet: &'a Arc<Fleet>,
        keys: &Keys,
        terms: &Terms,
        token: OwnerToken,
    ) -> Self {
        let timeout = fleet.settings.node_timeout(terms.ttl);
        let start = fleet.now();
        let no_drift = fleet.planted.has(PlantedBug::NoDrift);
        let end = if no_drift {
            start + terms.ttl.as_duration()
        } else {
            deadline(start, terms.ttl)
        };
        Ballot {
            fleet,
            round: Round::watching(fleet, timeout, keys),
            tally: Tally::new(fleet.size(), fleet.quorum()),
            held: Held {
                keys: keys.clone(),
                token,
                ttl: terms.ttl,
                fence: None,
                ticket: None,
                sent: Vec::new(),
                void: Void::default(),
            },
            fences: vec![None; fleet.size()],
            start,
            end,
            timeout,
        }
    }

    /// The claim to put to the nodes.
    pub(crate) fn claim(&self) -> Claim {
        let fencing = self.fleet.settings.fencing != Fencing::Off;
        Claim {
            keys: self.held.keys.clone(),
            token: self.held.token.clone(),
            ttl: self.held.ttl,
            proposal: fencing.then(|| self.fleet.clock.wall_micros()),
            heed_queue: false,
        }
    }

    /// Counts a grant and the fencing token that came with it.
    pub(crate) fn grant(&mut self, node: usize, fence: Option<FencingToken>) {
        self.tally.set(node, Vote::For);
        self.fences[node] = fence;
    }

    /// Gives the round one more node timeout: a second step has begun.
    pub(crate) fn prolong(&mut self) {
        self.round.prolong(self.timeout);
    }

    /// The majority has granted: agrees on the fencing token and checks the validity.
    pub(crate) async fn settle(&mut self) -> Result<Won, Why> {
        self.held.fence = self.agree_on_token().await?;
        let now = self.fleet.now();
        if self.fleet.planted.has(PlantedBug::StartAfterSend) {
            self.end = now + self.end.since(self.start);
        }
        if now >= self.end && !self.fleet.planted.has(PlantedBug::NoValidityCheck) {
            return Err(Why::Late);
        }
        self.held.sent = self.round.sent();
        self.held.void = self.round.void();
        Ok(Won {
            held: self.held.clone(),
            deadline: self.end,
            queued: false,
            in_queue: false,
        })
    }

    /// The token a quorum of the granting nodes has, written back first where they differ.
    async fn agree_on_token(&mut self) -> Result<Option<FencingToken>, Why> {
        let settings = &self.fleet.settings;
        if settings.fencing == Fencing::Off {
            return Ok(None);
        }
        let granted = (0..self.fences.len()).filter(|&node| self.tally.vote(node) == Vote::For);
        let granted = granted.map(|node| self.fences[node]);
        if self.fleet.planted.has(PlantedBug::FenceWithoutWriteBack) {
            return Ok(granted.flatten().max());
        }
        match agree(granted, self.fleet.quorum()) {
            Agreement::Token(token) => Ok(Some(token)),
            Agreement::WriteBack(token) => self.write_back(token).await.map(Some),
            Agreement::Impossible if settings.fencing == Fencing::Required => {
                let message = "no majority of the nodes can count: their users may not run scripts";
                Err(Why::Misconfigured(Error::config("fencing", message)))
            }
            Agreement::Impossible => Ok(None),
        }
    }

    /// Raises the counters of the granting nodes until a quorum of them says the same.
    async fn write_back(&mut self, largest: FencingToken) -> Result<FencingToken, Why> {
        self.prolong();
        let quorum = self.fleet.quorum();
        let mut target = largest;
        let mut confirmed = vec![None; self.fences.len()];
        let mut asked = vec![None; self.fences.len()];
        loop {
            let raise = Arc::<Request>::from(Command::Raise {
                keys: self.held.keys.clone(),
                token: self.held.token.clone(),
                to: target,
            });
            for node in 0..self.fences.len() {
                let counts = self.tally.vote(node) == Vote::For && self.fences[node].is_some();
                if counts && confirmed[node] != Some(target) && asked[node] != Some(target) {
                    asked[node] = Some(target);
                    self.round.ask(node, &raise);
                }
            }
            let Some(answered) = self.round.next().await else {
                return Err(Why::Defeat(Defeat::Unavailable));
            };
            match answered.result {
                Ok(Reply::Raised(Some(counter))) => {
                    confirmed[answered.node] = Some(counter);
                    target = target.max(counter);
                }
                // A grant that came after the majority helps as well.
                Ok(Reply::Granted(grant)) => self.grant(answered.node, grant.fence),
                _ => {}
            }
            if confirmed
                .iter()
                .filter(|&&counter| counter == Some(target))
                .count()
                >= quorum
            {
                return Ok(target);
            }
        }
    }
}
