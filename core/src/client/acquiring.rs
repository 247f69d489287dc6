//! Acquiring: one round where the lock is free, a place in the queue where it is not.

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use crate::client::engine::{Engine, closed};
use crate::client::lease::Lease;
use crate::client::waiter::Waiter;
use crate::config::{Keys, Moment, Terms};
use crate::error::{Error, ErrorKind, NodeOutcome, Result};
use crate::quorum::{Approach, Defeat, NotWon, Why, claim};

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
        effort.engine.events.contended(&effort.keys);
        return Ok(None);
    };
    effort.connect().await;
    match effort.attempt(Approach::AllAtOnce).await {
        Ok(won) => effort.won(won, seat).map(Some),
        Err(not_won) => match effort.fatal(not_won) {
            Ok(not_won) if matches!(not_won.why, Why::Defeat(Defeat::Contended)) => {
                effort.engine.events.contended(&effort.keys);
                Ok(None)
            }
            Ok(not_won) => Err(effort.gave_up(&not_won)),
            Err(error) => Err(error),
        },
    }
}

/// Takes the lock, waiting for it as long as the terms allow, and no longer than the client is open.
pub(crate) async fn acquire(engine: Arc<Engine>, keys: Keys, terms: Terms) -> Result<Arc<Lease>> {
    let mut effort = Effort::new(engine, keys, terms, "acquire");
    let engine = Arc::clone(&effort.engine);
    let done = tokio::select! {
        biased;
        () = engine.is_closing() => None,
        done = effort.get() => Some(done),
    };
    done.unwrap_or_else(|| Err(effort.sign(closed(), Vec::new())))
}

impl Effort {
    /// The lock, at the first try or from the queue.
    async fn get(&mut self) -> Result<Arc<Lease>> {
        let seat = self.stand()?;
        let turn = match seat.turn_now() {
            Some(turn) => turn,
            None => match timeout_at(self.limit, seat.turn()).await {
                Ok(Some(turn)) => turn,
                _ => {
                    return Err(
                        self.timed_out(Vec::new(), "other callers of this client were first")
                    );
                }
            },
        };
        self.connect().await;
        let mut last = None;
        let wanted = self.engine.fleet.crowd.wants(&self.keys);
        if !seat.is_held_here() && !wanted {
            match self.attempt(Approach::AllAtOnce).await {
                Ok(won) => return self.won(won, seat),
                Err(not_won) => last = Some(self.fatal(not_won)?),
            }
        }
        let won = self.wait(last).await;
        // The next local caller may stand in the queue while this one works.
        drop(turn);
        self.won(won?, seat)
    }

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

    fn won(&self, won: crate::quorum::Won, seat: crate::client::line::Seat) -> Result<Arc<Lease>> {
        let waited = self.engine.fleet.clock.now().since(self.started);
        self.engine
            .events
            .acquired(&self.keys, waited, self.attempts);
        let lease = Lease::new(&self.engine, won, self.terms, Some(seat));
        // Closing has released every lease there was by then, and this one came later.
        if let Err(closed) = self.engine.usable() {
            lease.release_in_background();
            return Err(self.sign(closed, Vec::new()));
        }
        Ok(lease)
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
                        waiter.has_left();
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
        self.engine.events.failed(&self.keys, &error);
        error
    }
}
