//! Taking a handed-over lock: the owner is swapped on a majority of the nodes, or not at all.
//!
//! Each try has a new owner token; a try that finds no majority is rolled back, so that another
//! adopter, or the next try, finds the old owner again. At most one adopter can win, and from then
//! on the old holder can neither extend nor release on a majority.

use std::sync::Arc;

use crate::config::{OwnerToken, PlantedBug, Stance, Terms, Ticket};
use crate::error::{Error, NodeOutcome};
use crate::protocol::{Claim, Command, RefusalKind, Reply, Request, Spent};
use crate::quorum::ballot::{Ballot, Why, Won};
use crate::quorum::{Defeat, Fleet, Sweep, Verdict, Vote};

/// An adoption not won; what it changed is being rolled back.
#[derive(Debug)]
pub struct NotAdopted {
    /// Why.
    pub why: Rejection,
    /// What each node said.
    pub outcomes: Vec<NodeOutcome>,
}

/// Why a ticket was not taken.
#[derive(Debug)]
pub enum Rejection {
    /// The ticket's work is done: a duplicate delivery should stop.
    Spent,
    /// One other adopter holds the lock: this is a redelivery while it works.
    Adopted,
    /// The lease ran out before it was adopted, or was released.
    Expired,
    /// Several adopters split the votes: another try can win.
    Split,
    /// Too few nodes answered: another try can win.
    Unavailable,
    /// The votes came too late: another try can win.
    Late,
    /// Trying again cannot help.
    Misconfigured(Error),
}

/// Tries to adopt, once. Cancelled at any point, it is rolled back.
pub async fn adopt(
    fleet: &Arc<Fleet>,
    keys: &crate::config::Keys,
    ticket: &Ticket,
    terms: &Terms,
    token: OwnerToken,
) -> Result<Won, NotAdopted> {
    let mut ballot = Ballot::new(fleet, keys, terms, token);
    ballot.held.stance = ticket.mode().map(Stance::first);
    let retention_ms =
        u64::try_from(fleet.settings.ticket_retention.as_millis()).unwrap_or(u64::MAX);
    let used = Spent {
        ticket: ticket.id.clone(),
        from: ticket.token.clone(),
        retention_ms,
    };
    let first_only = fleet.planted.has(PlantedBug::AdoptFirstOfSeveral);
    let claim = Claim {
        keys: keys.first_if(first_only),
        ..ballot.claim()
    };
    let command = Arc::<Request>::from(ballot.held.say(Command::Adopt {
        claim,
        from: used.from.clone(),
        ticket: used.ticket.clone(),
        seen_ms: retention_ms,
    }));
    ballot.held.ticket = Some(used.clone());
    let mut adoption = Adoption {
        ballot,
        used,
        words: Vec::new(),
        won: false,
    };
    for node in 0..fleet.size() {
        adoption.ballot.round.ask(node, &command);
    }
    adoption.gather(&command).await
}

/// An adoption under way. Unless won, dropping it rolls it back.
struct Adoption<'a> {
    ballot: Ballot<'a>,
    used: Spent,
    words: Vec<(RefusalKind, Option<Vec<u8>>)>,
    won: bool,
}

impl Adoption<'_> {
    async fn gather(&mut self, command: &Arc<Request>) -> Result<Won, NotAdopted> {
        while let Some(answered) = self.ballot.round.next().await {
            let node = answered.node;
            match answered.result {
                Ok(Reply::Granted(grant)) => self.ballot.grant(node, grant.counted),
                Ok(Reply::Refused(refusal)) => {
                    self.ballot.tally.set(node, Vote::Against);
                    self.words.push((refusal.why, refusal.owner));
                    if refusal.why == RefusalKind::Spent {
                        return Err(self.lost(Rejection::Spent));
                    }
                }
                Ok(_) => self.ballot.tally.set(node, Vote::Faulted),
                Err(fault) => {
                    let vote = if fault.class.is_permanent() {
                        Vote::Permanent
                    } else {
                        Vote::Faulted
                    };
                    self.ballot.tally.set(node, vote);
                    // The reply may be lost though the swap was made: ask again who owns the key.
                    if fault.may_have_run && self.ballot.round.times(node) == 1 {
                        self.ballot.tally.set(node, Vote::Open);
                        self.ballot.round.ask(node, command);
                    }
                }
            }
            if self.ballot.tally.verdict() == Verdict::Won {
                return self.settle().await;
            }
            // A spent ticket is told from an expired one by any node that knows, so a lost round
            // listens until every node has answered or the time is up.
        }
        self.ballot.tally.close(|_| false);
        let why = self.rejection();
        Err(self.lost(why))
    }

    /// What the refusals amount to.
    fn rejection(&self) -> Rejection {
        let nodes = self.ballot.fleet.size();
        let blocking = nodes - self.ballot.fleet.quorum() + 1;
        let of = |kind| self.words.iter().filter(|(word, _)| *word == kind).count();
        let owners = self.words.iter().filter_map(|(_, owner)| owner.as_ref());
        let most = owners
            .clone()
            .map(|one| owners.clone().filter(|other| *other == one).count())
            .max();
        if most.unwrap_or(0) >= self.ballot.fleet.quorum() {
            Rejection::Adopted
        } else if of(RefusalKind::Missing) >= blocking {
            Rejection::Expired
        } else {
            match self.ballot.tally.defeat() {
                Defeat::Contended => Rejection::Split,
                Defeat::Unavailable => Rejection::Unavailable,
                Defeat::Permanent => Rejection::Misconfigured(Error::config(
                    "nodes",
                    "a majority of the nodes refuses for good",
                )),
            }
        }
    }

    async fn settle(&mut self) -> Result<Won, NotAdopted> {
        match self.ballot.settle().await {
            Ok(won) => {
                self.won = true;
                Ok(won)
            }
            Err(Why::Misconfigured(error)) => Err(self.lost(Rejection::Misconfigured(error))),
            Err(Why::Late) => Err(self.lost(Rejection::Late)),
            Err(Why::Defeat(_) | Why::HomeFaulted) => Err(self.lost(Rejection::Unavailable)),
        }
    }

    fn lost(&mut self, why: Rejection) -> NotAdopted {
        NotAdopted {
            why,
            outcomes: self.ballot.round.outcomes(),
        }
    }
}

impl Drop for Adoption<'_> {
    fn drop(&mut self) {
        if self.won
            || self
                .ballot
                .fleet
                .planted
                .has(PlantedBug::AdoptWithoutRollBack)
        {
            return;
        }
        self.ballot.round.void().set();
        let held = &self.ballot.held;
        drop(Sweep::start(
            self.ballot.fleet,
            &self.ballot.round.sent(),
            held.ttl,
            None,
            held.say(Command::Unadopt {
                keys: held.keys.clone(),
                from: self.used.from.clone(),
                to: held.token.clone(),
                ticket: self.used.ticket.clone(),
                tomb_ms: 0,
            }),
        ));
    }
}
