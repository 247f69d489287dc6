//! Acquiring: one round where the lock is free, a place in the queue where it is not.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use crate::client::engine::Engine;
use crate::client::intents::Intents;
use crate::client::lease::Lease;
use crate::client::line::Seat;
use crate::client::upgrading::try_upgrade;
use crate::client::waiter::Waiter;
use crate::config::{Keys, Mode, Moment, Stance, Terms};
use crate::error::{Error, ErrorKind, NodeOutcome, Result};
use crate::quorum::{Approach, Bid, Defeat, NotWon, Why, Won, claim};

/// What a caller wants.
#[derive(Clone)]
pub(crate) struct Wish {
    pub(crate) keys: Keys,
    /// How to stand in a read/write lock; `None` for every other lock.
    pub(crate) stance: Option<Stance>,
}

impl From<Keys> for Wish {
    fn from(keys: Keys) -> Self {
        Wish { keys, stance: None }
    }
}

impl Wish {
    /// True where others may have the same at the same time.
    fn is_to_read(&self) -> bool {
        self.stance.is_some_and(|stance| stance.mode == Mode::Read)
    }
}

/// One caller's effort to get a lock.
pub(crate) struct Effort {
    engine: Arc<Engine>,
    wish: Wish,
    /// The lease that is to be upgraded, where it is had already.
    had: Option<Arc<Lease>>,
    terms: Terms,
    operation: &'static str,
    started: Moment,
    pub(super) limit: Instant,
    attempts: u32,
}

/// Takes the lock if it can be had in one round; `None` where somebody else has it.
pub(crate) async fn try_acquire(
    engine: Arc<Engine>,
    wish: impl Into<Wish>,
    terms: Terms,
) -> Result<Option<Arc<Lease>>> {
    let mut effort = Effort::new(engine, wish.into(), terms, "try_acquire");
    let Ok(seat) = effort.stand() else {
        return Ok(effort.contended());
    };
    // Readers need not stand behind each other.
    let reads = effort.wish.is_to_read();
    let turn = seat.turn_now().filter(|_| !reads);
    // Of a semaphore others may have a slot to spare while one is being asked for.
    if turn.is_none() && !reads && !effort.wish.keys.is_undecided() {
        return Ok(effort.contended());
    }
    effort.connect().await?;
    match effort.try_once().await {
        Ok(won) => effort.won(won, seat).map(Some),
        Err(not_won) => match effort.fatal(not_won) {
            Ok(not_won) if matches!(not_won.why, Why::Defeat(Defeat::Contended)) => {
                Ok(effort.contended())
            }
            Ok(not_won) => Err(effort.gave_up(&not_won)),
            Err(error) => Err(error),
        },
    }
}

/// Takes the lock, waiting for it as long as the terms allow, and no longer than the client is open.
pub(crate) async fn acquire(
    engine: Arc<Engine>,
    wish: impl Into<Wish>,
    terms: Terms,
) -> Result<Arc<Lease>> {
    let mut effort = Effort::new(engine, wish.into(), terms, "acquire");
    let full = |error| effort.sign(error, Vec::new());
    let seat = effort.stand().map_err(full)?;
    // Readers need not stand behind each other.
    let reads = effort.wish.is_to_read();
    let turn = match seat.turn_now().filter(|_| !reads) {
        Some(turn) => Some(turn),
        None if reads => None,
        None => Some(effort.turn(&seat).await?),
    };
    effort.connect().await?;
    let mut last = None;
    let wanted = effort.engine.fleet.crowd.wants(&effort.wish.keys.subject());
    let many = effort.wish.keys.is_undecided();
    // Slots are many: the next local caller need not wait to ask for another one.
    let turn = turn.filter(|_| !many || wanted);
    let in_vain = wanted || !many && seat.is_held_here();
    if reads || !in_vain {
        let first = match many && effort.terms.wait.is_zero() {
            true => effort.try_once().await,
            false => effort.attempt(Approach::AllAtOnce).await,
        };
        match first {
            Ok(won) => return effort.won(won, seat),
            Err(not_won) => last = Some(effort.fatal(not_won)?),
        }
    }
    let turn = match turn {
        None if !reads => Some(effort.turn(&seat).await?),
        turn => turn,
    };
    // By itself in memory, as is every step that is seldom taken: what all callers share stays small
    // enough for the allocator's quick way.
    let won = Box::pin(effort.wait(&seat, last)).await;
    // The next local caller may stand in the queue while this one works.
    drop(turn);
    effort.won(won?, seat)
}

impl Effort {
    fn new(engine: Arc<Engine>, wish: Wish, terms: Terms, operation: &'static str) -> Self {
        let started = engine.fleet.clock.now();
        let limit = Instant::now() + terms.wait;
        Effort {
            engine,
            wish,
            had: None,
            terms,
            operation,
            started,
            limit,
            attempts: 0,
        }
    }

    /// An effort to make `lease` a writer's.
    pub(super) fn upgrading(lease: Arc<Lease>, terms: Terms) -> Self {
        let wish = Wish {
            keys: lease.held.keys.clone(),
            // As the queue knows it: behind the first operation it is an upgrade.
            stance: Some(Stance {
                mode: Mode::Write,
                op: u64::MAX,
            }),
        };
        let effort = Effort::new(Arc::clone(&lease.engine), wish, terms, "upgrade");
        Effort {
            had: Some(lease),
            ..effort
        }
    }

    fn contended<T>(&self) -> Option<T> {
        self.engine.events.contended(&self.wish.keys);
        None
    }

    pub(super) fn stand(&self) -> Result<Seat> {
        let most = self.engine.fleet.settings.waiters_max;
        self.engine.lines.stand(&self.wish.keys.subject(), most)
    }

    /// Waits for the turn to talk to the servers.
    async fn turn(&self, seat: &Seat) -> Result<OwnedSemaphorePermit> {
        let turn = self.unless_closed(timeout_at(self.limit, seat.turn()));
        match turn.await? {
            Ok(Some(turn)) => Ok(turn),
            _ => {
                let why = "other callers of this client were first";
                Err(self.timed_out(Vec::new(), why))
            }
        }
    }

    /// Lets a first connection come about: it must not eat the time of a round.
    async fn connect(&self) -> Result<()> {
        let fleet = &self.engine.fleet;
        if fleet.is_connected() {
            return Ok(());
        }
        let by = Instant::now() + fleet.settings.connect_timeout;
        Box::pin(self.unless_closed(fleet.connected(by))).await
    }

    /// What may take long ends when the client is closed.
    async fn unless_closed<T>(&self, waiting: impl Future<Output = T>) -> Result<T> {
        tokio::select! {
            biased;
            done = waiting => Ok(done),
            closed = self.engine.closed() => Err(self.sign(closed, Vec::new())),
        }
    }

    pub(super) async fn attempt(&mut self, approach: Approach) -> Result<Won, NotWon> {
        self.attempts += 1;
        if let Some(lease) = &self.had {
            return Box::pin(try_upgrade(lease, &self.terms, approach)).await;
        }
        let keys = &self.wish.keys;
        let picked = (keys.is_undecided() && matches!(approach, Approach::AllAtOnce))
            .then(|| keys.with_slots(&self.engine.hints.take(keys)));
        let bid = Bid {
            keys: picked.as_ref().unwrap_or(keys),
            stance: self.wish.stance,
            upgrade: None,
        };
        Box::pin(claim(&self.engine.fleet, bid, &self.terms, approach)).await
    }

    /// One try at all nodes; of a semaphore, where the slots asked for are taken, one more by its home.
    async fn try_once(&mut self) -> Result<Won, NotWon> {
        let first = self.attempt(Approach::AllAtOnce).await;
        if !self.wish.keys.is_undecided() {
            return first;
        }
        match first {
            Err(not_won) if matches!(not_won.why, Why::Defeat(Defeat::Contended)) => {
                let mut waiter = Waiter::new(&self.engine, &self.wish.keys, self.wish.stance);
                let Some(home) = waiter.home() else {
                    return Err(not_won);
                };
                let place = waiter.stand(home);
                let second = self.attempt(Approach::ThroughHome(home, place)).await;
                if second.as_ref().is_ok_and(|won| !won.in_queue) {
                    waiter.has_left(home);
                }
                second
            }
            first => first,
        }
    }

    fn won(&self, won: Won, seat: Seat) -> Result<Arc<Lease>> {
        let lease = Lease::begin(&self.engine, won, self.terms, Some(seat));
        let lease = lease.map_err(|closed| self.sign(closed, Vec::new()))?;
        let waited = self.engine.fleet.clock.now().since(self.started);
        self.engine
            .events
            .acquired(&self.wish.keys, waited, self.attempts);
        Ok(lease)
    }

    /// Waits in the queue, or by jittered retry where no node can keep one.
    pub(super) async fn wait(&mut self, seat: &Seat, mut last: Option<NotWon>) -> Result<Won> {
        let stance = self.wish.stance;
        let mut waiter = Waiter::new(&self.engine, &self.wish.keys, stance);
        let writes = stance.is_some_and(|stance| stance.mode == Mode::Write);
        let mut intents =
            writes.then(|| Intents::new(&self.engine, &self.wish.keys, self.had.is_some()));
        let (mut tries, mut seen) = (0, seat.releases());
        loop {
            let mut called = false;
            if let Some(not_won) = &last {
                if Instant::now() >= self.limit {
                    return Err(self.gave_up(not_won));
                }
                tries += 1;
                let pause = waiter.pause(not_won, tries);
                if !pause.is_zero() {
                    let until = (Instant::now() + pause).min(self.limit);
                    called = self.unless_closed(waiter.rest(until, seat, seen)).await?;
                    if !called && Instant::now() >= self.limit {
                        return Err(self.gave_up(not_won));
                    }
                }
                let open = self.engine.usable();
                open.map_err(|closed| self.sign(closed, not_won.outcomes.clone()))?;
            }
            let home = waiter.home();
            let place = home.map(|home| (home, waiter.stand(home)));
            if let (Some(intents), Some((home, place))) = (&mut intents, &place) {
                intents.renew(*home, place);
            }
            let approach = match place {
                Some((home, place)) if called => Approach::Called(home, place),
                Some((home, place)) => Approach::ThroughHome(home, place),
                None => Approach::AllAtOnce,
            };
            seen = seat.releases();
            match self.attempt(approach).await {
                Ok(won) => {
                    if let Some(home) = home.filter(|_| !won.in_queue && self.had.is_none()) {
                        waiter.has_left(home);
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
    pub(super) fn fatal(&self, not_won: NotWon) -> Result<NotWon> {
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

    pub(super) fn gave_up(&self, not_won: &NotWon) -> Error {
        let outcomes = not_won.outcomes.clone();
        match &not_won.why {
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

    fn timed_out(&self, outcomes: Vec<NodeOutcome>, why: &'static str) -> Error {
        if self.terms.wait.is_zero() {
            return self.sign(Error::new(ErrorKind::Contended, why), outcomes);
        }
        let message = format!(
            "not acquired within {} ms: {why}",
            self.terms.wait.as_millis()
        );
        self.sign(Error::new(ErrorKind::Timeout, message), outcomes)
    }

    pub(super) fn sign(&self, error: Error, outcomes: Vec<NodeOutcome>) -> Error {
        let elapsed = self.engine.fleet.clock.now().since(self.started);
        let error = error
            .with_operation(self.operation)
            .with_resource(self.wish.keys.name())
            .with_effort(self.attempts, elapsed)
            .with_outcomes(outcomes);
        self.engine.events.failed(&self.wish.keys, &error);
        error
    }
}
