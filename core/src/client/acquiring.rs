//! Acquiring: one round where the lock is free, a place in the queue where it is not.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use crate::client::engine::Engine;
use crate::client::events;
use crate::client::lease::Lease;
use crate::client::wakeups::Ear;
use crate::config::{Keys, Moment, Terms};
use crate::error::{Error, ErrorKind, NodeOutcome, Result};
use crate::node::{Answer, Link, Mailbox, Submission, Void};
use crate::protocol::{Abilities, Command, Place, Request, WaiterId};
use crate::quorum::{Approach, Defeat, NotWon, Why, claim};

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

/// One caller's effort to get a lock.
struct Effort {
    engine: Arc<Engine>,
    keys: Keys,
    terms: Terms,
    operation: &'static str,
    started: Moment,
    limit: Instant,
    attempts: u32,
}

/// Takes the lock if it can be had in one round; `None` where somebody else has it.
pub(crate) async fn try_acquire(
    engine: Arc<Engine>,
    keys: Keys,
    terms: Terms,
) -> Result<Option<Arc<Lease>>> {
    let mut effort = Effort::new(engine, keys, terms, "try_acquire");
    let seat = effort.stand()?;
    let Some(_turn) = seat.turn_now() else {
        events::contended(&effort.keys);
        return Ok(None);
    };
    effort.connect().await;
    match effort.attempt(Approach::AllAtOnce).await {
        Ok(won) => Ok(Some(effort.won(won, seat))),
        Err(not_won) => match effort.fatal(not_won) {
            Ok(not_won) if matches!(not_won.why, Why::Defeat(Defeat::Contended)) => {
                events::contended(&effort.keys);
                Ok(None)
            }
            Ok(not_won) => Err(effort.gave_up(&not_won)),
            Err(error) => Err(error),
        },
    }
}

/// Takes the lock, waiting for it as long as the terms allow.
pub(crate) async fn acquire(engine: Arc<Engine>, keys: Keys, terms: Terms) -> Result<Arc<Lease>> {
    let mut effort = Effort::new(engine, keys, terms, "acquire");
    let seat = effort.stand()?;
    let turn = match seat.turn_now() {
        Some(turn) => turn,
        None => match timeout_at(effort.limit, seat.turn()).await {
            Ok(Some(turn)) => turn,
            _ => {
                return Err(effort.timed_out(Vec::new(), "other callers of this client were first"));
            }
        },
    };
    effort.connect().await;
    let mut last = None;
    let wanted = effort.engine.fleet.crowd.wants(&effort.keys);
    if !seat.is_held_here() && !wanted {
        match effort.attempt(Approach::AllAtOnce).await {
            Ok(won) => return Ok(effort.won(won, seat)),
            Err(not_won) => last = Some(effort.fatal(not_won)?),
        }
    }
    let won = effort.wait(last).await;
    // The next local caller may stand in the queue while this one works.
    drop(turn);
    won.map(|won| effort.won(won, seat))
}

impl Effort {
    fn new(engine: Arc<Engine>, keys: Keys, terms: Terms, operation: &'static str) -> Self {
        let started = engine.fleet.clock.now();
        let limit = Instant::now() + terms.wait;
        Effort {
            engine,
            keys,
            terms,
            operation,
            started,
            limit,
            attempts: 0,
        }
    }

    fn stand(&self) -> Result<crate::client::line::Seat> {
        let most = self.engine.fleet.settings.waiters_max;
        let seat = self.engine.lines.stand(&self.keys, most);
        seat.map_err(|error| {
            error
                .with_operation(self.operation)
                .with_resource(self.keys.name())
        })
    }

    /// Lets a first connection come about: it must not eat the time of a round.
    async fn connect(&self) {
        let fleet = &self.engine.fleet;
        fleet
            .connected(Instant::now() + fleet.settings.connect_timeout)
            .await;
    }

    async fn attempt(&mut self, approach: Approach) -> Result<crate::quorum::Won, NotWon> {
        self.attempts += 1;
        claim(&self.engine.fleet, &self.keys, &self.terms, approach).await
    }

    fn won(&self, won: crate::quorum::Won, seat: crate::client::line::Seat) -> Arc<Lease> {
        let waited = self.engine.fleet.clock.now().since(self.started);
        events::acquired(&self.keys, waited, self.attempts);
        Lease::new(&self.engine, won, self.terms, Some(seat))
    }

    /// Waits in the queue, or by jittered retry where no node can keep one.
    async fn wait(&mut self, mut last: Option<NotWon>) -> Result<crate::quorum::Won> {
        let mut waiter = Waiter::new(&self.engine, &self.keys);
        let mut tries = 0;
        loop {
            let mut called = false;
            if let Some(not_won) = &last {
                if Instant::now() >= self.limit {
                    return Err(self.gave_up(not_won));
                }
                tries += 1;
                let pause = waiter.pause(not_won, tries);
                if !pause.is_zero() {
                    called = waiter.rest((Instant::now() + pause).min(self.limit)).await;
                    if !called && Instant::now() >= self.limit {
                        return Err(self.gave_up(not_won));
                    }
                }
            }
            let home = waiter.home();
            let approach = match home {
                Some(home) if called => Approach::Called(home, waiter.stand(home)),
                Some(home) => Approach::ThroughHome(home, waiter.stand(home)),
                None => Approach::AllAtOnce,
            };
            match self.attempt(approach).await {
                Ok(won) => {
                    if !won.in_queue {
                        waiter.stood.clear();
                    }
                    return Ok(won);
                }
                Err(not_won) => {
                    let not_won = self.fatal(not_won)?;
                    waiter.learn(home, &not_won);
                    last = Some(not_won);
                }
            }
        }
    }

    /// An error where trying again cannot help; else the attempt's result as it is.
    fn fatal(&self, not_won: NotWon) -> Result<NotWon> {
        match not_won.why {
            Why::Misconfigured(error) => Err(self.sign(error, not_won.outcomes)),
            Why::Defeat(Defeat::Permanent) => {
                let message = "a majority of the nodes refuses for good: access rights, passwords or topology";
                Err(self.sign(
                    Error::new(ErrorKind::QuorumUnavailable, message),
                    not_won.outcomes,
                ))
            }
            _ => Ok(not_won),
        }
    }

    fn gave_up(&self, not_won: &NotWon) -> Error {
        let outcomes = not_won.outcomes.clone();
        match &not_won.why {
            Why::Defeat(Defeat::Contended) if self.terms.wait.is_zero() => self.sign(
                Error::new(ErrorKind::Contended, "somebody else has it"),
                outcomes,
            ),
            Why::Defeat(Defeat::Contended) => self.timed_out(outcomes, "somebody else has it"),
            Why::Late => {
                let message = "a majority granted, but later than the ttl allows";
                self.sign(Error::new(ErrorKind::QuorumUnavailable, message), outcomes)
            }
            _ => {
                let fleet = &self.engine.fleet;
                let message = format!(
                    "too few of {} nodes answered: {} are needed",
                    fleet.size(),
                    fleet.quorum()
                );
                self.sign(Error::new(ErrorKind::QuorumUnavailable, message), outcomes)
            }
        }
    }

    fn timed_out(&self, outcomes: Vec<NodeOutcome>, why: &str) -> Error {
        let message = format!(
            "not acquired within {} ms: {why}",
            self.terms.wait.as_millis()
        );
        self.sign(Error::new(ErrorKind::Timeout, message), outcomes)
    }

    fn sign(&self, error: Error, outcomes: Vec<NodeOutcome>) -> Error {
        let elapsed = self.engine.fleet.clock.now().since(self.started);
        let error = error
            .with_operation(self.operation)
            .with_resource(self.keys.name())
            .with_effort(self.attempts, elapsed)
            .with_outcomes(outcomes);
        events::failed(&self.keys, &error);
        error
    }
}

/// A waiter: its place in the queue and its ear for wake-ups. Dropping it leaves the queue.
struct Waiter {
    engine: Arc<Engine>,
    keys: Keys,
    ear: Ear,
    score: Option<u64>,
    /// Nodes in whose queues it stands.
    stood: BTreeSet<usize>,
    avoided: Vec<Option<Instant>>,
    /// How often in a row it had the home and not the others.
    alone: u32,
}

impl Waiter {
    fn new(engine: &Arc<Engine>, keys: &Keys) -> Self {
        Waiter {
            engine: Arc::clone(engine),
            keys: keys.clone(),
            ear: engine.wakeups.listen(),
            score: None,
            stood: BTreeSet::new(),
            avoided: vec![None; engine.fleet.size()],
            alone: 0,
        }
    }

    /// The node that keeps the queue: the resource's own, or the next in ring order that can.
    fn home(&self) -> Option<usize> {
        let nodes = self.engine.fleet.size();
        let first = self.engine.fleet.home(&self.keys);
        let now = Instant::now();
        let mut ring = (0..nodes).map(|step| (first + step) % nodes);
        ring.find(|&node| {
            let avoided = self.avoided[node].is_some_and(|until| until > now);
            !avoided && self.abilities(node).queue
        })
    }

    fn abilities(&self, node: usize) -> Abilities {
        match &*self.engine.fleet.nodes[node].link().borrow() {
            Link::Up { abilities, .. } => *abilities,
            _ => Abilities::default(),
        }
    }

    fn beat_every(&self, home: usize) -> Duration {
        if self.abilities(home).wake {
            BEAT_EVERY
        } else {
            POLL_EVERY
        }
    }

    /// The place to ask for in the queue of `home`.
    fn stand(&mut self, home: usize) -> Place {
        self.stood.insert(home);
        let beat = self.beat_every(home) * BEATS_MISSED;
        Place {
            waiter: self.id(),
            beat_ms: u64::try_from(beat.as_millis()).unwrap_or(u64::MAX),
            score: self.score,
        }
    }

    fn id(&self) -> WaiterId {
        WaiterId {
            client: self.engine.id.clone(),
            number: self.ear.number(),
        }
    }

    fn learn(&mut self, home: Option<usize>, not_won: &NotWon) {
        self.score = not_won.score.or(self.score);
        if let (Some(home), Why::HomeFaulted) = (home, &not_won.why) {
            self.avoided[home] = Some(Instant::now() + HOME_AVOIDED);
        }
        let contended = matches!(not_won.why, Why::Defeat(Defeat::Contended));
        let alone = home.is_some() && contended && not_won.place.is_none();
        self.alone = if alone { self.alone + 1 } else { 0 };
    }

    /// How long to rest before asking again.
    fn pause(&self, not_won: &NotWon, tries: u32) -> Duration {
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

    /// Rests until `until`, or until called; true where called.
    async fn rest(&self, until: Instant) -> bool {
        tokio::select! {
            biased;
            () = self.ear.called() => true,
            () = sleep_until(until) => false,
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        for &node in &self.stood {
            let command = Arc::<Request>::from(Command::Leave {
                keys: self.keys.clone(),
                waiter: self.id(),
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
