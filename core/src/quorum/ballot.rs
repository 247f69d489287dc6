//! What claiming and adopting share: votes, the agreement on a fencing token, and the validity.

use std::sync::Arc;
use std::time::Duration;

use crate::config::{Fencing, FencingToken, Keys, Moment, OwnerToken, PlantedBug, Terms, deadline};
use crate::error::Error;
use crate::node::Void;
use crate::protocol::{Claim, Command, Counted, Reply, Request, Spent};
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
    counted: Vec<Counted>,
    /// What was proposed as the fencing token.
    proposed: Option<FencingToken>,
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
                ticket: terms.done_ms.map(|ms| Spent::once(token.clone(), ms)),
                token,
                ttl: terms.ttl,
                stance: None,
                fence: None,
                sent: Vec::new(),
                void: Void::default(),
            },
            counted: vec![Counted::No; fleet.size()],
            proposed: None,
            start,
            end,
            timeout,
        }
    }

    /// The claim to put to the nodes.
    pub(crate) fn claim(&mut self) -> Claim {
        let proposal = self.fleet.proposal();
        self.proposed = proposal.and_then(FencingToken::new);
        Claim {
            keys: self.held.keys.clone(),
            token: self.held.token.clone(),
            ttl: self.held.ttl,
            proposal,
            heed_queue: false,
        }
    }

    /// Counts a grant and what the fencing counter said.
    pub(crate) fn grant(&mut self, node: usize, counted: Counted) {
        self.tally.set(node, Vote::For);
        let unchanged = self.fleet.planted.has(PlantedBug::UnchangedCounterCounts);
        self.counted[node] = match counted {
            // In plain words the key and the counter are two commands. That the key was still ours at
            // the second is sure as long as clocks are; half the ttl leaves no doubt of even those.
            Counted::At(_) if self.fleet.now() > self.start + self.held.ttl.as_duration() / 2 => {
                Counted::Behind
            }
            Counted::Behind if unchanged => self.proposed.map_or(Counted::No, Counted::At),
            counted => counted,
        };
    }

    /// A grant at what was proposed, which only a planted bug makes up.
    pub(crate) fn proposal(&self) -> Counted {
        self.proposed.map_or(Counted::No, Counted::At)
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
        let token = self.held.fence.map(Counted::At);
        self.held.sent = self.round.sent();
        for sent in &mut self.held.sent {
            sent.raised = token.is_none_or(|token| token == self.counted[sent.node]);
        }
        self.held.void = self.round.void();
        Ok(Won {
            held: self.held.clone(),
            deadline: self.end,
            queued: false,
            in_queue: false,
        })
    }

    /// The token a quorum of the granting nodes has, brought about first where they differ.
    async fn agree_on_token(&mut self) -> Result<Option<FencingToken>, Why> {
        let settings = &self.fleet.settings;
        if settings.fencing == Fencing::Off {
            return Ok(None);
        }
        let granted = (0..self.counted.len()).filter(|&node| self.tally.vote(node) == Vote::For);
        let granted = granted.map(|node| self.counted[node]);
        match agree(granted, self.fleet.quorum()) {
            Agreement::Token(token) => Ok(Some(token)),
            Agreement::WriteBack if self.fleet.planted.has(PlantedBug::FenceWithoutWriteBack) => {
                Ok(self.largest().or(self.proposed))
            }
            Agreement::WriteBack => {
                let token = Box::pin(self.write_back()).await?;
                self.fleet
                    .proposals
                    .learn(token, self.fleet.clock.wall_micros());
                Ok(Some(token))
            }
            Agreement::Impossible if settings.fencing == Fencing::Required => {
                let message =
                    "no majority of the nodes can count: their users' rights do not suffice";
                Err(Why::Misconfigured(Error::config("fencing", message)))
            }
            Agreement::Impossible => Ok(None),
        }
    }

    /// The largest value a counter was seen to go up to.
    fn largest(&self) -> Option<FencingToken> {
        let tokens = self.counted.iter().filter_map(|counted| match counted {
            Counted::At(token) => Some(*token),
            Counted::No | Counted::Behind => None,
        });
        tokens.max()
    }

    /// Counts on the granting nodes that have not, and raises the others' counters, until a quorum
    /// of them says the same.
    async fn write_back(&mut self) -> Result<FencingToken, Why> {
        self.prolong();
        let quorum = self.fleet.quorum();
        let uncounted = self.raise(self.fleet.proposal().unwrap_or(0), true);
        // What each node was asked to raise its counter to.
        let mut asked = vec![None; self.counted.len()];
        loop {
            let target = self.largest();
            let raise = target.map(|target| self.raise(target.get(), false));
            for (node, asked) in asked.iter_mut().enumerate() {
                if self.tally.vote(node) != Vote::For {
                    continue;
                }
                match (self.counted[node], &raise) {
                    (Counted::Behind, _) if asked.is_none() => {
                        *asked = Some(None);
                        self.round.ask(node, &uncounted);
                    }
                    (Counted::At(token), Some(raise))
                        if Some(token) != target && *asked != Some(target) =>
                    {
                        *asked = Some(target);
                        self.round.ask(node, raise);
                    }
                    _ => {}
                }
            }
            let Some(answered) = self.round.next().await else {
                return Err(Why::Defeat(Defeat::Unavailable));
            };
            match answered.result {
                Ok(Reply::Raised(Some(counter))) => {
                    self.counted[answered.node] = Counted::At(counter);
                }
                // A grant that came after the majority helps as well.
                Ok(Reply::Granted(grant)) => self.grant(answered.node, grant.counted),
                _ => {}
            }
            if let Some(target) = self.largest() {
                let at_target = |&&counted: &&Counted| counted == Counted::At(target);
                if self.counted.iter().filter(at_target).count() >= quorum {
                    return Ok(target);
                }
            }
        }
    }

    fn raise(&self, to: u64, past: bool) -> Arc<Request> {
        let first_only = self.fleet.planted.has(PlantedBug::RaiseFirstOfSeveral);
        let keys = &self.held.keys;
        Arc::from(self.held.say(Command::Raise {
            keys: keys.first_if(first_only),
            token: self.held.token.clone(),
            to,
            past: past && !self.fleet.planted.has(PlantedBug::RaiseWithoutCounting),
        }))
    }
}
