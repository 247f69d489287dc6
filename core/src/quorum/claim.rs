//! One attempt to win a lock: votes, fencing token, validity; and its undoing if it is not won.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::config::{Keys, OwnerToken, PlantedBug, Stance, Terms};
use crate::error::{Error, FaultClass};
use crate::node::Answered;
use crate::protocol::{Claim, Command, Grant, Place, Refusal, RefusalKind, Reply, Request};
use crate::quorum::approach::{Approach, NotWon, Report};
use crate::quorum::ballot::{Ballot, Why, Won};
use crate::quorum::release::{shift, undo_claim};
use crate::quorum::{Defeat, Fleet, Next, Verdict, Vote, slots};

/// What is claimed, and by whom.
#[derive(Debug, Clone)]
pub struct Bid<'a> {
    /// The resource.
    pub keys: &'a Keys,
    /// How the claimant is to stand in a read/write lock; `None` for every other lock.
    pub stance: Option<Stance>,
    /// Of an upgrade: the owner that has the lock already, and what it goes back to where it fails.
    pub upgrade: Option<(&'a OwnerToken, Stance)>,
}

/// How long a waiter that has the home insists on the other nodes.
const INSIST: Duration = Duration::from_millis(30);

/// Tries to win what `bid` says on `terms`, once. Cancelled at any point, it undoes what it did.
pub async fn claim(
    fleet: &Arc<Fleet>,
    bid: Bid<'_>,
    terms: &Terms,
    approach: Approach,
) -> Result<Won, NotWon> {
    let mut attempt = Attempt::new(fleet, &bid, terms, approach);
    attempt.ask_first();
    attempt.gather().await
}

/// An attempt under way. Unless won, dropping it undoes it.
struct Attempt<'a> {
    ballot: Ballot<'a>,
    /// What the nodes are asked that heed no queue.
    claim: Arc<Request>,
    approach: Approach,
    /// What a failed upgrade goes back to.
    back: Option<Stance>,
    home_granted: bool,
    insist_until: Option<Instant>,
    /// Nodes that refused and are asked again, and when.
    refusing: Vec<usize>,
    /// Nodes that were asked again: each has answered at least once.
    insisted: BTreeSet<usize>,
    again_at: Option<Instant>,
    again_after: Duration,
    report: Report,
    won: bool,
}

impl<'a> Attempt<'a> {
    fn new(fleet: &'a Arc<Fleet>, bid: &Bid<'_>, terms: &Terms, approach: Approach) -> Self {
        let approach = match approach {
            // Which slots the others are asked for is known once the home has picked them.
            Approach::Called(home, place) if bid.keys.is_undecided() => {
                Approach::ThroughHome(home, place)
            }
            approach => approach,
        };
        let owner = bid.upgrade.map(|(owner, _)| owner.clone());
        let token = owner.unwrap_or_else(|| fleet.fresh_token());
        let mut ballot = Ballot::new(fleet, bid.keys, terms, token);
        ballot.held.stance = bid.stance;
        // Writers make their intent known on every node, and on every node newcomers heed it.
        let heed_queue = bid.stance.is_some() && matches!(approach, Approach::AllAtOnce);
        let claim = Claim {
            heed_queue,
            ..ballot.claim()
        };
        let claim = ballot.held.say(Command::Acquire(claim)).into();
        Attempt {
            ballot,
            claim,
            approach,
            back: bid.upgrade.map(|(_, back)| back),
            home_granted: false,
            insist_until: None,
            refusing: Vec::new(),
            insisted: BTreeSet::new(),
            again_at: None,
            again_after: Duration::ZERO,
            report: Report::default(),
            won: false,
        }
    }

    fn home(&self) -> Option<usize> {
        match &self.approach {
            Approach::AllAtOnce => None,
            Approach::ThroughHome(home, _) | Approach::Called(home, _) => Some(*home),
        }
    }

    /// True while the home has not answered, or is not there to answer.
    fn home_is_open(&self) -> bool {
        self.home()
            .is_some_and(|home| self.ballot.tally.vote(home) == Vote::Open)
    }

    fn ask_first(&mut self) {
        let claim = match &**self.claim {
            Command::Acquire(claim) => claim.clone(),
            Command::Shared(_, inner) => match &**inner {
                Command::Acquire(claim) => claim.clone(),
                _ => return,
            },
            _ => return,
        };
        let (home, ahead) = match &self.approach {
            Approach::AllAtOnce => {
                let has_one_home = !claim.keys.is_several() || claim.keys.is_pool();
                let home = self.ballot.fleet.home(&claim.keys, |_| false);
                let heeding = Command::Acquire(Claim {
                    heed_queue: true,
                    ..claim
                });
                if !has_one_home {
                    // Each of several names has a home of its own.
                    self.claim = heeding.into();
                    self.ask_all_but(None);
                    return;
                }
                (home, heeding)
            }
            Approach::ThroughHome(home, place) | Approach::Called(home, place) => {
                (Some(*home), Command::Poll(claim, place.clone()))
            }
        };
        if let Some(home) = home {
            let ahead = self.ballot.held.say(ahead).into();
            self.ballot.round.ask(home, &ahead);
        }
        if !matches!(self.approach, Approach::ThroughHome(..)) {
            self.ask_all_but(home);
        }
    }

    fn ask_all_but(&mut self, home: Option<usize>) {
        let planted = &self.ballot.fleet.planted;
        if planted.has(PlantedBug::SlotsPickedPerNode) {
            self.claim = slots::picked_per_node(&self.claim);
        }
        for node in 0..self.ballot.fleet.size() {
            if Some(node) != home {
                self.ballot.round.ask(node, &self.claim);
            }
        }
    }

    /// Counts answers until the attempt is decided.
    async fn gather(&mut self) -> Result<Won, NotWon> {
        loop {
            let insisting = self.may_insist() && !self.refusing.is_empty();
            let pause = self.again_at.filter(|_| insisting);
            match self.ballot.round.next_or(pause).await {
                Next::Answer(answered) => {
                    if let Some(why) = self.count(answered) {
                        return Err(self.lost(why));
                    }
                    match self.ballot.tally.verdict() {
                        Verdict::Won => return self.settle().await,
                        Verdict::Lost if !self.may_insist() && !self.home_is_open() => {
                            let defeat = self.ballot.tally.defeat();
                            return Err(self.lost(Why::Defeat(defeat)));
                        }
                        _ => {}
                    }
                }
                Next::Pause => self.insist(),
                Next::Over => {
                    let home_is_open = self.home_is_open();
                    self.ballot
                        .tally
                        .close(|node| self.insisted.contains(&node));
                    let defeat = self.ballot.tally.defeat();
                    let why = if home_is_open {
                        Why::HomeFaulted
                    } else {
                        Why::Defeat(defeat)
                    };
                    return Err(self.lost(why));
                }
            }
        }
    }

    /// Counts one answer; a reason where it decides the attempt by itself.
    fn count(&mut self, answered: Answered) -> Option<Why> {
        let node = answered.node;
        let is_home = self.home() == Some(node);
        match answered.result {
            Ok(Reply::Granted(grant)) => {
                return self.granted(node, grant).err().map(Why::Misconfigured);
            }
            Ok(Reply::Refused(refusal)) => {
                return self
                    .refused(node, refusal)
                    .then_some(Why::Defeat(Defeat::Contended));
            }
            Ok(_) => self.ballot.tally.set(node, Vote::Faulted),
            Err(fault) if fault.class == FaultClass::ForeignFormat => {
                self.ballot.tally.set(node, Vote::Against);
                self.report.foreign = true;
            }
            Err(fault) => {
                let permanent = fault.class.is_permanent();
                self.ballot.tally.set(
                    node,
                    if permanent {
                        Vote::Permanent
                    } else {
                        Vote::Faulted
                    },
                );
                if self.planted(PlantedBug::FaultCountsAsGrant) {
                    self.ballot.tally.set(node, Vote::For);
                }
                // The reply may have been lost after the server ran the command: on a new
                // connection it tells whether the key there is ours.
                let lost_reply = fault.may_have_run && fault.class == FaultClass::Disconnected;
                if lost_reply && !is_home && self.ballot.round.times(node) == 1 {
                    self.ballot.tally.set(node, Vote::Open);
                    self.ballot.round.ask(node, &self.claim);
                }
            }
        }
        is_home.then_some(Why::HomeFaulted)
    }

    /// Asks the nodes that refused again: their holder's release may be on its way to them.
    fn insist(&mut self) {
        self.again_after = (self.again_after * 2).max(Duration::from_millis(1));
        self.again_at = Some(Instant::now() + self.again_after);
        for node in std::mem::take(&mut self.refusing) {
            self.insisted.insert(node);
            self.ballot.tally.set(node, Vote::Open);
            self.ballot.round.ask(node, &self.claim);
        }
    }

    /// Counts a grant; an error where two entries of the node list turn out to be one server.
    fn granted(&mut self, node: usize, grant: Grant) -> Result<(), Error> {
        if grant.again
            && self.ballot.round.times(node) == 1
            && !self.planted(PlantedBug::CountVotesTwice)
        {
            let message =
                "is the same server as another entry: it already held this attempt's own token";
            return Err(Error::config(format!("nodes[{node}]"), message));
        }
        if self.planted(PlantedBug::CountVotesTwice) && grant.again {
            self.ballot.tally.count_again();
        }
        self.ballot.grant(node, grant.counted);
        if self.home() == Some(node) {
            self.home_granted = true;
            if self.ballot.held.keys.is_undecided() {
                let keys = self.ballot.held.keys.with_slots(&grant.slots);
                self.claim = slots::picked(&self.claim, &keys);
                self.ballot.held.keys = keys;
            }
            self.report.score = grant.score.or(self.report.score);
            if matches!(self.approach, Approach::ThroughHome(..)) {
                self.ballot.prolong();
                self.ask_all_but(Some(node));
            }
            let end = Instant::now() + INSIST.min(self.ballot.held.ttl.as_duration() / 4);
            self.insist_until = Some(end);
            self.again_at = Some(Instant::now());
        }
        Ok(())
    }

    /// Counts a refusal; true where it decides the attempt.
    fn refused(&mut self, node: usize, refusal: Refusal) -> bool {
        let some_count = self.planted(PlantedBug::SomeOfSeveralCount);
        if some_count && refusal.at > 0 && refusal.why == RefusalKind::Held {
            self.ballot.grant(node, self.ballot.proposal());
            return false;
        }
        self.ballot.tally.set(node, Vote::Against);
        let is_home = self.home() == Some(node);
        self.report.note(&refusal, is_home);
        if is_home {
            return true;
        }
        self.refusing.push(node);
        // The lock is free but others wait for it: they go first.
        self.home().is_none() && refusal.why == RefusalKind::Queued
    }

    fn planted(&self, bug: PlantedBug) -> bool {
        self.ballot.fleet.planted.has(bug)
    }

    fn may_insist(&self) -> bool {
        self.insist_until
            .is_some_and(|until| Instant::now() < until)
    }

    /// The majority has granted: agrees on the fencing token and checks the validity.
    async fn settle(&mut self) -> Result<Won, NotWon> {
        match self.ballot.settle().await {
            Ok(won) => {
                self.won = true;
                let queued = !matches!(self.approach, Approach::AllAtOnce);
                Ok(Won {
                    queued,
                    in_queue: queued && !self.home_granted,
                    ..won
                })
            }
            Err(why) => Err(self.lost(why)),
        }
    }

    fn lost(&mut self, why: Why) -> NotWon {
        self.report.not_won(why, self.ballot.round.outcomes())
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.won || self.planted(PlantedBug::NoCleanUp) {
            return;
        }
        let not_undone = self.planted(PlantedBug::SeveralWithoutRollBack);
        if not_undone && self.ballot.held.keys.is_several() {
            return;
        }
        self.ballot.round.void().set();
        self.ballot.held.sent = self.ballot.round.sent();
        let asked_one = self.ballot.held.sent.len() == 1;
        if asked_one
            && self
                .home()
                .is_some_and(|home| self.ballot.tally.vote(home) == Vote::Against)
        {
            // The home alone was asked, and said no: there is nothing to undo.
            return;
        }
        if self.planted(PlantedBug::ReleaseOnlyWhereGranted) {
            let tally = &self.ballot.tally;
            self.ballot
                .held
                .sent
                .retain(|sent| tally.vote(sent.node) == Vote::For);
        }
        if let Some(back) = self.back {
            if self.planted(PlantedBug::UpgradeUndoneByRelease) {
                undo_claim(self.ballot.fleet, &self.ballot.held, None, None);
            } else {
                shift(self.ballot.fleet, &self.ballot.held, back, true);
            }
            return;
        }
        let put_back = match &self.approach {
            Approach::ThroughHome(_, place) | Approach::Called(_, place) if self.home_granted => {
                Some(Place {
                    score: self.report.score.or(place.score),
                    ..place.clone()
                })
            }
            _ => None,
        };
        let home = self
            .home()
            .or_else(|| self.ballot.fleet.home(&self.ballot.held.keys, |_| false));
        undo_claim(self.ballot.fleet, &self.ballot.held, home, put_back);
    }
}
