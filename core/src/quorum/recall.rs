//! Whether a job that runs once is done: a mark that a majority of the nodes keeps.
//!
//! Who did the job leaves the mark with the release of its lock, on the nodes where the key was still
//! its own at that moment. Any majority then has a node that knows, so a majority that does not know
//! says that it is not done; and who hears of it from any node first sees that a majority knows.

use std::sync::Arc;
use std::time::Duration;

use crate::config::{Keys, PlantedBug};
use crate::error::NodeOutcome;
use crate::protocol::{Command, Reply, Request};
use crate::quorum::{Defeat, Fleet, Round, Tally, Verdict, Vote};

/// Why it could not be told whether a job is done.
#[derive(Debug)]
pub struct NotKnown {
    /// True where asking again cannot help.
    pub permanent: bool,
    /// What each node said.
    pub outcomes: Vec<NodeOutcome>,
}

/// True where the job of `keys` is done. That it is not is the truth only for the owner of the lock.
///
/// Waits for every node, one node timeout at most: the more nodes are heard, the fewer have to have
/// kept their data.
pub async fn recall(fleet: &Arc<Fleet>, keys: &Keys) -> Result<bool, NotKnown> {
    let timeout = fleet.settings.node_timeout(fleet.settings.ttl);
    let asked_at = fleet.clock.now();
    let mut round = Round::new(fleet, timeout);
    let command = Arc::<Request>::from(Command::Recall { keys: keys.clone() });
    for node in 0..fleet.size() {
        round.ask(node, &command);
    }
    let mut answers = Tally::new(fleet.size(), fleet.quorum());
    let mut knowing = Tally::new(fleet.size(), fleet.quorum());
    let mut left_ms = None;
    while let Some(answered) = round.next().await {
        let node = answered.node;
        match answered.result {
            Ok(Reply::Recalled(left)) => {
                left_ms = left_ms.max(left);
                answers.set(node, Vote::For);
                let knows = if left.is_some() {
                    Vote::For
                } else {
                    Vote::Against
                };
                knowing.set(node, knows);
            }
            Ok(_) => answers.set(node, Vote::Faulted),
            Err(fault) if fault.class.is_permanent() => answers.set(node, Vote::Permanent),
            Err(_) => answers.set(node, Vote::Faulted),
        }
        if fleet.planted.has(PlantedBug::OnceAsksOneNode) && answers.count(Vote::For) == 1 {
            return Ok(left_ms.is_some());
        }
    }
    answers.close(|_| false);
    if answers.verdict() != Verdict::Won {
        return Err(NotKnown {
            permanent: answers.defeat() == Defeat::Permanent,
            outcomes: round.outcomes(),
        });
    }
    let Some(left_ms) = left_ms else {
        return Ok(false);
    };
    // As long as it was going to last, and by no more than clocks run apart: told on and on, a mark must
    // not outlive its retention. One about to end is not passed on.
    let spent = fleet.clock.now().since(asked_at) + timeout;
    let left = Duration::from_millis(left_ms).saturating_sub(spent);
    let ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
    if ms == 0 {
        return Ok(true);
    }
    let command = Arc::<Request>::from(Command::Remember {
        keys: keys.clone(),
        ms,
    });
    round.prolong(timeout);
    for node in 0..fleet.size() {
        if knowing.vote(node) == Vote::Against {
            knowing.set(node, Vote::Open);
            round.ask(node, &command);
        }
    }
    while knowing.verdict() != Verdict::Won {
        let Some(answered) = round.next().await else {
            return Err(NotKnown {
                permanent: false,
                outcomes: round.outcomes(),
            });
        };
        if let Ok(Reply::Remembered) = answered.result {
            knowing.set(answered.node, Vote::For);
        }
    }
    Ok(true)
}
