//! Renewing leases: one command per node for many of them.

use std::time::Duration;

use crate::config::{Moment, PlantedBug, TicketId};
use crate::protocol::{Command, LeaseWord, Renewal, Reply};
use crate::quorum::{Fleet, Round, Votes};

/// What the nodes said about each lease of a batch.
pub struct Extended {
    /// When the renewals were sent.
    pub sent: Moment,
    /// Per lease, in the order asked.
    pub votes: Vec<Votes>,
    /// What each node said, for reports.
    pub outcomes: Vec<crate::error::NodeOutcome>,
}

/// A batch of renewals under way.
pub struct Extension<'a> {
    fleet: &'a Fleet,
    round: Round<'a>,
    sent: Moment,
    leases: usize,
    wait_for_all: bool,
}

impl<'a> Extension<'a> {
    /// Sends the renewal of `leases` to every node and waits for answers for `timeout` at most. Ahead
    /// of a hand-over with the ticket `fill_in` it sets missing keys again, which only a lease still
    /// valid may ask for.
    pub fn start(
        fleet: &'a Fleet,
        leases: Vec<Renewal>,
        fill_in: Option<TicketId>,
        timeout: Duration,
    ) -> Self {
        let count = leases.len();
        let sent = fleet.now();
        let mut round = Round::new(fleet, timeout);
        let wait_for_all = fill_in.is_some();
        let command = Command::Extend { leases, fill_in }.into();
        for node in 0..fleet.size() {
            round.ask(node, &command);
        }
        Extension {
            fleet,
            round,
            sent,
            leases: count,
            wait_for_all,
        }
    }

    /// Counts the answers until every lease's fate is known, or the time is up.
    pub async fn finish(mut self) -> Extended {
        let quorum = if self.fleet.planted.has(PlantedBug::ExtendByOne) {
            1
        } else {
            self.fleet.quorum()
        };
        let blank = Votes {
            nodes: self.fleet.size(),
            quorum,
            renewed: 0,
            gone: 0,
        };
        let mut votes = vec![blank; self.leases];
        while let Some(answered) = self.round.next().await {
            let Ok(Reply::Extended(words)) = answered.result else {
                continue;
            };
            for (votes, word) in votes.iter_mut().zip(words) {
                match word {
                    LeaseWord::Renewed => votes.renewed += 1,
                    LeaseWord::Missing | LeaseWord::Other => votes.gone += 1,
                    // Set again: it helps from now on, and is no vote that the lease held till now.
                    LeaseWord::FilledIn => {}
                }
            }
            let settled = |votes: &Votes| {
                votes.renewed >= votes.quorum || votes.gone > votes.nodes - votes.quorum
            };
            if !self.wait_for_all && votes.iter().all(settled) {
                break;
            }
        }
        let late = self.fleet.planted.has(PlantedBug::ExtendFromReply);
        let sent = if late { self.fleet.now() } else { self.sent };
        Extended {
            sent,
            votes,
            outcomes: self.round.outcomes(),
        }
    }
}
