//! Giving a lock back, and undoing what failed.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::config::{FencingToken, Keys, OwnerToken, PlantedBug, Stance, Ttl};
use crate::error::{Fault, NodeOutcome, NodeStatus, words};
use crate::node::Void;
use crate::protocol::{Command, Place, Release, ReleaseWord, Spent, Wake};
use crate::quorum::{Fleet, Sent, Sweep};

/// What became of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Released {
    /// A majority deleted the key: the lock is free.
    Released,
    /// The lease was already gone on a majority; there was nothing to give back.
    AlreadyExpired,
    /// Other guards of the lock are left, which was re-entered: it is held until the last is released.
    StillHeld,
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
        Released::StillHeld => "still_held",
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
    /// How its owner stands in a read/write lock; `None` for every other lock.
    pub stance: Option<Stance>,
    /// Its fencing token.
    pub fence: Option<FencingToken>,
    /// The ticket it was adopted by, to be marked as spent; or the mark of a job that runs once.
    pub ticket: Option<Spent>,
    /// Where the claim went that won it.
    pub sent: Vec<Sent>,
    /// Stops what is left of that claim. A majority won without the last nodes; where one of them
    /// does not know the script any more, the claim is sent a second time, and must not be once the
    /// release is on its way.
    pub void: Void,
}

/// Starts giving `held` back on every node; what is not waited for goes on by itself.
pub fn start_release(fleet: &Arc<Fleet>, held: &Held) -> Sweep {
    let forgotten = fleet.planted.has(PlantedBug::FenceFromGrantsOnly);
    held.void.set();
    let home = fleet.home(&held.keys, |_| false);
    let first_only = fleet.planted.has(PlantedBug::ReleaseFirstOfSeveral);
    let wanted = held.keys.is_several() || fleet.crowd.wants(&held.keys);
    let release = Release {
        keys: held.keys.first_if(first_only),
        fence: held.fence.filter(|_| !forgotten),
        spent: held.ticket.clone(),
        wake: if wanted { Wake::First } else { Wake::Look },
        ..held.plain_release()
    };
    let command = held.say(Command::Release(release));
    Sweep::start(fleet, &held.sent, held.ttl, home, command)
}

/// What became of a release that was just started, after one node timeout at most.
pub async fn outcome(
    fleet: &Arc<Fleet>,
    held: &Held,
    mut sweep: Sweep,
    timeout: Duration,
) -> Released {
    let started = fleet.clock.now();
    let mut late = std::pin::pin!(sleep(timeout));
    let mut words: Vec<Option<Result<ReleaseWord, Fault>>> = vec![None; fleet.size()];
    loop {
        let (node, word) = tokio::select! {
            biased;
            word = sweep.next() => match word {
                Some(word) => word,
                None => break,
            },
            () = &mut late => break,
        };
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

/// Undoes a claim that was not won, on every node that may have received it. Where it had a place in
/// the queue of `home`, that is put back.
pub(crate) fn undo_claim(
    fleet: &Arc<Fleet>,
    held: &Held,
    home: Option<usize>,
    put_back: Option<Place>,
) {
    let release = Release {
        put_back,
        ..held.plain_release()
    };
    let command = held.say(Command::Release(release));
    drop(Sweep::start(fleet, &held.sent, held.ttl, home, command));
}

/// Makes the owner of a place in a read/write lock weaker, on every node that may know it otherwise:
/// at once, or to `undo` an upgrade.
pub fn shift(fleet: &Arc<Fleet>, held: &Held, to: Stance, undo: bool) {
    let home = fleet.home(&held.keys, |_| false);
    let command = Command::Shift {
        keys: held.keys.clone(),
        token: held.token.clone(),
        to,
        undo,
        wake: true,
    };
    drop(Sweep::start(fleet, &held.sent, held.ttl, home, command));
}

impl Held {
    /// A command about this lock, in the words of its kind.
    pub(crate) fn say(&self, command: Command) -> Command {
        match self.stance {
            None => command,
            Some(stance) => Command::Shared(stance, Box::new(command)),
        }
    }

    /// A release that deletes the key and calls the first waiter.
    fn plain_release(&self) -> Release {
        Release {
            keys: self.keys.clone(),
            token: self.token.clone(),
            fence: None,
            tomb_ms: 0,
            spent: None,
            wake: Wake::First,
            put_back: None,
        }
    }
}
