//! A waiter: where it stands, how long it rests, and what wakes it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::client::engine::Engine;
use crate::client::line::Seat;
use crate::client::wakeups::Ear;
use crate::config::{Keys, Stance};
use crate::error::NodeStatus;
use crate::node::{Answer, Mailbox, Submission, Void};
use crate::protocol::{Command, Place, Request, WaiterId};
use crate::quorum::{Defeat, NotWon, Why};

/// How often a waiter that listens shows that it lives; publish wakes it much sooner.
const BEAT_EVERY: Duration = Duration::from_millis(200);
/// How often a waiter that cannot listen looks.
const POLL_EVERY: Duration = Duration::from_millis(20);
/// Missed beats after which a waiter counts as dead.
const BEATS_MISSED: u32 = 3;
/// The longest pause of jittered retry.
const RETRY_MAX: Duration = Duration::from_millis(200);
/// The first pause of jittered retry; the measured round trip where that is longer.
const RETRY_MIN: Duration = Duration::from_millis(4);
/// How long a node that failed as home is passed over.
const HOME_AVOIDED: Duration = Duration::from_secs(1);

/// A waiter: its place in the queue and its ear for wake-ups. Dropping it leaves the queue.
pub(crate) struct Waiter {
    engine: Arc<Engine>,
    keys: Keys,
    /// How it is to stand in a read/write lock; `None` for every other lock.
    stance: Option<Stance>,
    ear: Ear,
    score: Option<u64>,
    /// Nodes in whose queues it stands.
    stood: BTreeSet<usize>,
    avoided: Vec<Option<Instant>>,
    /// How often in a row it had the home and not the others.
    alone: u32,
    /// Nobody stood before it when it last asked.
    is_first: bool,
    /// Of several names the one it waits for; of a semaphore the slot it would like.
    at: usize,
}

impl Waiter {
    pub(crate) fn new(engine: &Arc<Engine>, keys: &Keys, stance: Option<Stance>) -> Self {
        // Whoever has the right to write already goes before every other writer.
        let upgrades = stance.is_some_and(|stance| stance.op > 1);
        Waiter {
            engine: Arc::clone(engine),
            keys: keys.clone(),
            stance,
            ear: engine.wakeups.listen(),
            score: upgrades.then_some(0),
            stood: BTreeSet::new(),
            avoided: vec![None; engine.fleet.size()],
            alone: 0,
            is_first: false,
            at: engine.hints.first(keys),
        }
    }

    /// The node that keeps the queue: the resource's own, or the next in ring order that can.
    pub(crate) fn home(&self) -> Option<usize> {
        let now = Instant::now();
        let avoided = |node: usize| self.avoided[node].is_some_and(|until| until > now);
        self.engine.fleet.home(self.keys.at(self.at), avoided)
    }

    fn beat_every(&self, home: usize) -> Duration {
        let abilities = self.engine.fleet.nodes[home].abilities();
        if abilities.is_some_and(|can| can.wake) {
            BEAT_EVERY
        } else {
            POLL_EVERY
        }
    }

    /// The place to ask for in the queue of `home`.
    pub(crate) fn stand(&mut self, home: usize) -> Place {
        self.stood.insert(home);
        let beat = self.beat_every(home) * BEATS_MISSED;
        Place {
            waiter: self.id(),
            beat_ms: u64::try_from(beat.as_millis()).unwrap_or(u64::MAX),
            score: self.score,
            at: self.at,
        }
    }

    /// It was served by `home`, which took it out of the queue there.
    pub(crate) fn has_left(&mut self, home: usize) {
        self.stood.remove(&home);
    }

    fn id(&self) -> WaiterId {
        WaiterId {
            client: self.engine.id.clone(),
            number: self.ear.number(),
        }
    }

    pub(crate) fn learn(&mut self, home: Option<usize>, not_won: &NotWon) {
        self.score = not_won.score.or(self.score);
        // Of a read/write lock the home alone knows whose turn a release begins.
        self.is_first = not_won.place == Some(0) && self.stance.is_none();
        let said = home.and_then(|home| not_won.outcomes.get(home));
        // An upgrade cannot begin on a node that does not know what it upgrades.
        let unknown = said.is_some_and(|outcome| outcome.status == NodeStatus::Missing);
        if let Some(home) = home.filter(|_| unknown || matches!(not_won.why, Why::HomeFaulted)) {
            self.avoided[home] = Some(Instant::now() + HOME_AVOIDED);
        }
        let contended = matches!(not_won.why, Why::Defeat(Defeat::Contended));
        let alone = home.is_some() && contended && not_won.place.is_none();
        self.alone = if alone { self.alone + 1 } else { 0 };
        if self.keys.is_pool() {
            // The slot its home picked is another's elsewhere: the next one may not be.
            self.at += usize::from(alone);
        } else if contended && not_won.at != self.at && self.keys.is_several() {
            self.move_to(not_won.at);
        }
    }

    /// Another of several names keeps it from having all: it waits for that one, holding nothing
    /// meanwhile. Its place is by when it came, also there.
    fn move_to(&mut self, at: usize) {
        self.leave();
        self.stood.clear();
        self.avoided.fill(None);
        (self.at, self.is_first, self.alone) = (at, false, 0);
    }

    /// How long to rest before asking again.
    pub(crate) fn pause(&self, not_won: &NotWon, tries: u32) -> Duration {
        let fleet = &self.engine.fleet;
        let slowest = not_won
            .outcomes
            .iter()
            .map(|outcome| outcome.elapsed)
            .max()
            .unwrap_or_default();
        let least = RETRY_MIN.max(slowest.min(RETRY_MAX / 4));
        let jittered = |most: Duration| least / 2 + fleet.jitter(most.min(RETRY_MAX));
        let backed_off = least * 2u32.saturating_pow(tries.min(6));
        match &not_won.why {
            // Another node takes over as home at once.
            Why::HomeFaulted => Duration::ZERO,
            Why::Defeat(Defeat::Contended) if not_won.foreign => {
                jittered(not_won.holder_left.unwrap_or(RETRY_MAX).min(backed_off * 4))
            }
            Why::Defeat(Defeat::Contended) => match self.home() {
                // In no queue yet.
                Some(_) if self.stood.is_empty() => Duration::ZERO,
                // Home is ours but others are not yet: stand again as the first, soon. If it goes on,
                // the holder won without the home, which calls us all the same when it releases.
                Some(_) if not_won.place.is_none() => {
                    jittered(least * 2u32.saturating_pow(self.alone.clamp(1, 6)))
                }
                Some(home) => {
                    let beat = self.beat_every(home);
                    // The first in the queue is there when the holder's key runs out.
                    let expiry = not_won
                        .holder_left
                        .map(|left| left + Duration::from_millis(1));
                    if not_won.place == Some(0) {
                        expiry.unwrap_or(beat).min(beat)
                    } else {
                        beat
                    }
                }
                None => jittered(backed_off),
            },
            _ => jittered(backed_off),
        }
    }

    /// Rests until `until`, or until called; true where called: by the server that keeps the queue,
    /// or as the first there, by a holder of this very client that has released since `seen`.
    pub(crate) async fn rest(&self, until: Instant, seat: &Seat, seen: u64) -> bool {
        tokio::select! {
            biased;
            () = self.ear.called() => true,
            () = seat.released_since(seen), if self.is_first => true,
            () = sleep_until(until) => false,
        }
    }
}

impl Waiter {
    /// Leaves every queue it stands in.
    fn leave(&self) {
        for &node in &self.stood {
            let leave = Command::Leave {
                keys: self.keys.at(self.at).clone(),
                waiter: self.id(),
            };
            let command = Arc::<Request>::from(match self.stance {
                None => leave,
                Some(stance) => Command::Shared(stance, Box::new(leave)),
            });
            self.engine.fleet.nodes[node].submit(Submission {
                command,
                connect_by: Instant::now(),
                void: Void::default(),
                answer: Answer::new(node, Mailbox::new()),
            });
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.leave();
    }
}
