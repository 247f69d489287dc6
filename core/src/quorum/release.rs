//! Giving a lock back, and undoing what failed.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::config::{FencingToken, Keys, OwnerToken, PlantedBug, TicketId, Ttl};
use crate::error::{Fault, NodeOutcome, NodeStatus, words};
use crate::node::Void;
use crate::protocol::{Command, Place, Release, ReleaseWord};
use crate::quorum::{Fleet, Sent, Sweep};

/// What became of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Released {
    /// A majority deleted the key: the lock is free.
    Released,
    /// The lease was already gone on a majority; there was nothing to give back.
    AlreadyExpired,
    /// Too few nodes answered to tell. The engine goes on releasing on the nodes named here until
    /// they answer or the ttl has passed.
    Unknown(Vec<NodeOutcome>),
}

impl Released {
    words! {
        /// The result in one stable lower-case word, as logs and metrics show it.
        &self;
        Released::Released => "released",
        Released::AlreadyExpired => "already_expired",
        Released::Unknown(_) => "unknown",
    }
}

/// What a release needs to know of a lease.
#[derive(Debug, Clone)]
pub struct Held {
    /// The resource.
    pub keys: Keys,
    /// The owner.
    pub token: OwnerToken,
    /// How long a key of it can live.
    pub ttl: Ttl,
    /// Its fencing token.
    pub fence: Option<FencingToken>,
    /// The ticket it was adopted by, to be marked as spent.
    pub ticket: Option<TicketId>,
    /// Where the claim went that won it.
    pub sent: Vec<Sent>,
    /// Stops what is left of that claim. A majority won without the last nodes; where one of them
    /// does not know the script any more, the claim is sent a second time, and must not be once the
    /// release is on its way.
    pub void: Void,
}

/// Starts giving `held` back on every node; what is not waited for goes on by itself.
pub fn start_release(fleet: &Arc<Fleet>, held: &Held) -> Sweep {
    let retention = u64::try_from(fleet.settings.ticket_retention.as_millis()).unwrap_or(u64::MAX);
    let spent = held.ticket.clone().map(|ticket| (ticket, retention));
    let fence = if fleet.planted.has(PlantedBug::FenceFromGrantsOnly) {
        None
    } else {
        held.fence
    };
    held.void.set();
    Sweep::start(fleet, &held.sent, held.ttl, |tomb_ms| {
        Command::Release(Release {
            keys: held.keys.clone(),
            token: held.token.clone(),
            fence,
            tomb_ms,
            spent: spent.clone(),
            put_back: None,
        })
    })
}

/// Gives `held` back in one round and says what became of it, after one node timeout at most.
pub async fn release(fleet: &Arc<Fleet>, held: &Held, timeout: Duration) -> Released {
    let started = fleet.clock.now();
    let by = Instant::now() + timeout;
    let mut sweep = start_release(fleet, held);
    let mut words: Vec<Option<Result<ReleaseWord, Fault>>> = vec![None; fleet.size()];
    while let Ok(Some((node, word))) = timeout_at(by, sweep.next()).await {
        words[node] = Some(word);
        let count = |word: ReleaseWord| {
            words
                .iter()
                .flatten()
                .filter(|one| **one == Ok(word))
                .count()
        };
        if count(ReleaseWord::Done) >= fleet.quorum() {
            return Released::Released;
        }
        if count(ReleaseWord::Missing) + count(ReleaseWord::Other) > fleet.size() - fleet.quorum() {
            return Released::AlreadyExpired;
        }
    }
    let elapsed = fleet.clock.now().since(started);
    let kept = held.sent.iter().filter(|sent| sent.was_kept(fleet));
    let kept: Vec<usize> = kept.map(|sent| sent.node).collect();
    let open = words.into_iter().enumerate().filter_map(|(node, word)| {
        if word.is_none() && kept.contains(&node) {
            return None;
        }
        let fault = match word {
            Some(Ok(_)) => return None,
            Some(Err(fault)) => fault,
            None => Fault::unresolved(crate::error::FaultClass::Timeout, "no answer in time"),
        };
        Some(fleet.outcome(node, NodeStatus::Faulted(fault), elapsed))
    });
    Released::Unknown(open.collect())
}

/// Undoes a claim that was not won, on every node that may have received it.
pub(crate) fn undo_claim(fleet: &Arc<Fleet>, held: &Held, put_back: Option<(usize, Place)>) {
    let undo = |put_back: Option<Place>| {
        move |tomb_ms| {
            Command::Release(Release {
                keys: held.keys.clone(),
                token: held.token.clone(),
                fence: None,
                tomb_ms,
                spent: None,
                put_back: put_back.clone(),
            })
        }
    };
    let Some((home, place)) = put_back else {
        drop(Sweep::start(fleet, &held.sent, held.ttl, undo(None)));
        return;
    };
    // Only the home gave the waiter's place away, so only there it is put back.
    let (at_home, elsewhere): (Vec<_>, Vec<_>) = held
        .sent
        .iter()
        .cloned()
        .partition(|sent| sent.node == home);
    drop(Sweep::start(fleet, &at_home, held.ttl, undo(Some(place))));
    drop(Sweep::start(fleet, &elsewhere, held.ttl, undo(None)));
}
