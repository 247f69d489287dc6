//! A held lock inside the engine: what its guard reads and its renewal changes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;

use crate::client::ending::End;
use crate::client::engine::Engine;
use crate::client::footing::Footing;
use crate::client::line::Seat;
use crate::client::locked;
use crate::client::share::{LossCallback, Share};
use crate::client::shield::shielded;
use crate::client::turn::RenewalTurn;
use crate::config::{Moment, PlantedBug, Terms, Ttl, deadline};
use crate::error::Result;
use crate::protocol::Renewal;
use crate::quorum::{Held, LeaseState, Loss, Released, Renewed, Standing, Votes, Won};

/// What a guard and the renewal share.
pub(crate) struct Lease {
    pub(super) number: u64,
    pub(crate) engine: Arc<Engine>,
    /// As it was won; [`Lease::holding`] has it as it is.
    pub(crate) held: Held,
    /// How it stands, where it is a read/write lock's.
    pub(crate) footing: Option<Footing>,
    pub(crate) terms: Terms,
    /// True where it came through the queue.
    pub(super) queued: bool,
    pub(super) acquired: Moment,
    /// The deadline in nanoseconds for reading without a lock; 0 once it is not held.
    pub(super) until: AtomicU64,
    pub(super) state: Mutex<State>,
    pub(super) changed: Notify,
    renewal_over: Notify,
}

pub(super) struct State {
    pub(super) lease: LeaseState,
    renewals: u32,
    renewing: bool,
    next_renewal: Moment,
    pub(super) seat: Option<Seat>,
    pub(super) end: Option<End>,
    pub(super) released: Option<Released>,
    /// Guards that have it.
    pub(super) guards: u32,
    /// Shares given to guards so far, but for the first.
    pub(super) shares: u32,
    /// Who wants to hear of a loss: the guard's share, and what to call.
    pub(super) on_lost: Vec<(u32, LossCallback)>,
}

/// What a lease wants from the renewal when its time comes.
pub(crate) enum Due {
    /// Nothing any more.
    Nothing,
    /// To be looked at again then.
    Later(Moment),
    /// To be renewed.
    Renew,
}

impl Lease {
    /// The lease won by a claim or an adoption; given back, with an error, where the client was
    /// closed meanwhile: closing has released every lease there was by then.
    pub(crate) fn begin(
        engine: &Arc<Engine>,
        won: Won,
        terms: Terms,
        seat: Option<Seat>,
    ) -> Result<Arc<Self>> {
        let lease = Lease::new(engine, won, terms, seat);
        if let Err(closed) = engine.usable() {
            lease.release_in_background();
            return Err(closed);
        }
        Ok(lease)
    }

    fn new(engine: &Arc<Engine>, won: Won, terms: Terms, mut seat: Option<Seat>) -> Arc<Self> {
        if let Some(seat) = &mut seat {
            seat.hold();
        }
        let now = engine.fleet.now();
        let number = engine.leases.number();
        let lease = Arc::new(Lease {
            number,
            engine: Arc::clone(engine),
            footing: Footing::of(&won.held),
            held: won.held,
            terms,
            queued: won.queued,
            acquired: now,
            until: AtomicU64::new(won.deadline.as_nanos()),
            state: Mutex::new(State {
                lease: LeaseState::held_until(won.deadline),
                renewals: 0,
                renewing: false,
                next_renewal: now + terms.ttl.as_duration() / 3,
                seat,
                end: None,
                released: None,
                guards: 1,
                shares: 0,
                on_lost: Vec::new(),
            }),
            changed: Notify::new(),
            renewal_over: Notify::new(),
        });
        engine.watch(&lease);
        lease
    }

    /// True where the lock may be used now. Reads the clock, nothing else; false in a forked child.
    pub(crate) fn is_held(&self) -> bool {
        self.remaining() > Duration::ZERO
    }

    /// How long the lock may still be used unless renewed.
    pub(crate) fn remaining(&self) -> Duration {
        if self.engine.pid != std::process::id() {
            return Duration::ZERO;
        }
        let until = Moment::from_nanos(self.until.load(Ordering::Acquire));
        until.since(self.engine.fleet.now())
    }

    /// Why it was lost, if it was.
    pub(crate) fn loss(&self) -> Option<Loss> {
        let mut state = locked(&self.state);
        self.expire(&mut state);
        match state.lease.standing() {
            Standing::Lost(loss) => Some(loss),
            Standing::Held | Standing::Ended => None,
        }
    }

    /// Ends when the lease is no longer held: with the reason where it was lost.
    pub(crate) async fn ended(&self) -> Option<Loss> {
        loop {
            let changed = self.changed.notified();
            match locked(&self.state).lease.standing() {
                Standing::Held => {}
                Standing::Lost(loss) => return Some(loss),
                Standing::Ended => return None,
            }
            changed.await;
        }
    }

    /// Calls `callback` on the engine's thread once the lease is lost; never if it is released, or the
    /// guard of `share` is.
    pub(crate) fn on_lost(&self, share: &Share, callback: LossCallback) {
        let mut state = locked(&self.state);
        match state.lease.standing() {
            Standing::Held if share.is_left() => {}
            Standing::Held => state.on_lost.push((share.number, callback)),
            Standing::Ended => {}
            Standing::Lost(loss) => {
                drop(state);
                callback(loss);
            }
        }
    }

    /// What to do about this lease at `now`; notices that it ran out. A renewal due within `slack`
    /// is taken as due.
    pub(crate) fn due(&self, now: Moment, slack: Duration) -> Due {
        let mut state = locked(&self.state);
        let planted = &self.engine.fleet.planted;
        if planted.has(PlantedBug::RenewAfterRelease) && state.lease.standing() == Standing::Ended {
            return if state.renewing {
                Due::Later(now + renewal_floor(&self.terms))
            } else if now >= state.next_renewal {
                Due::Renew
            } else {
                Due::Later(state.next_renewal)
            };
        }
        if state.lease.standing() != Standing::Held {
            return Due::Nothing;
        }
        if !planted.has(PlantedBug::ExtendAfterExpiry) && self.expire(&mut state) {
            return Due::Nothing;
        }
        let hold_end = self.acquired + self.terms.hold_max;
        let end = if planted.has(PlantedBug::ExtendAfterExpiry) {
            hold_end
        } else {
            state.lease.deadline()
        };
        // Also where only the holder extends it, by hand.
        if now >= hold_end {
            self.lose(&mut state, Loss::HoldLimit);
            return Due::Nothing;
        }
        if !self.terms.renew {
            return Due::Later(end.min(hold_end));
        }
        if self.engine.host_is_silent(now) {
            self.lose(&mut state, Loss::HostSilent);
            return Due::Nothing;
        }
        if state.renewals >= self.terms.renewals_max {
            return Due::Later(end.min(hold_end));
        }
        if state.renewing {
            return Due::Later(end.min(hold_end));
        }
        if now + slack >= state.next_renewal {
            return Due::Renew;
        }
        Due::Later(state.next_renewal.min(end).min(hold_end))
    }

    /// The turn to renew with `ttl`, if the lease is held and no other renewal is under way.
    pub(crate) fn begin_renewal(self: &Arc<Self>, ttl: Ttl) -> Option<(RenewalTurn, Renewal)> {
        let mut state = locked(&self.state);
        let planted = &self.engine.fleet.planted;
        let held = state.lease.standing() == Standing::Held;
        if state.renewing || !(held || planted.has(PlantedBug::RenewAfterRelease)) {
            return None;
        }
        state.renewing = true;
        let fence = if planted.has(PlantedBug::FenceFromGrantsOnly) {
            None
        } else {
            self.fence()
        };
        let first_only = planted.has(PlantedBug::RenewFirstOfSeveral);
        let renewal = Renewal {
            keys: self.held.keys.first_if(first_only),
            token: self.held.token.clone(),
            ttl,
            fence,
            stance: self.footing.as_ref().map(Footing::stance),
        };
        Some((RenewalTurn::new(self), renewal))
    }

    /// How long a background renewal waits for answers: until the next may begin. A late answer is as
    /// good as a timely one while the validity lasts, and nobody waits for it.
    pub(crate) fn patience(&self) -> Duration {
        let node_timeout = self.engine.fleet.settings.node_timeout(self.terms.ttl);
        node_timeout.max(renewal_floor(&self.terms))
    }

    /// The renewal under way has ended, with or without an answer, and makes room for the next.
    pub(crate) fn end_turn(&self) {
        let mut state = locked(&self.state);
        state.renewing = false;
        let soonest = self.engine.fleet.now() + renewal_floor(&self.terms);
        state.next_renewal = state.next_renewal.max(soonest);
        drop(state);
        self.renewal_over.notify_waiters();
    }

    /// Ends once no renewal is under way.
    pub(crate) async fn renewal_over(&self) {
        loop {
            let over = self.renewal_over.notified();
            if !locked(&self.state).renewing {
                return;
            }
            over.await;
        }
    }

    /// Counts the answers to a renewal sent at `sent`.
    pub(crate) fn end_renewal(&self, sent: Moment, votes: Votes) -> Renewed {
        let fleet = &self.engine.fleet;
        let now = fleet.now();
        let mut state = locked(&self.state);
        let before = state.lease.deadline();
        let renewed = if fleet.planted.has(PlantedBug::ExtendAfterExpiry)
            && votes.renewed >= votes.quorum
        {
            state.lease.revive(deadline(sent, self.terms.ttl));
            Renewed::Yes
        } else if fleet.planted.has(PlantedBug::LossNeverSignalled) && votes.renewed < votes.quorum
        {
            let until = now + self.terms.ttl.as_duration();
            state.lease.revive(until);
            Renewed::Yes
        } else {
            state.lease.renew(sent, now, self.terms.ttl, votes)
        };
        match renewed {
            Renewed::Yes => {
                state.renewals += 1;
                state.next_renewal = sent + self.terms.ttl.as_duration() / 3;
                self.publish_deadline(&state);
            }
            // Sooner than usual; the end of the turn sees to the floor.
            Renewed::Unknown => state.next_renewal = now,
            Renewed::Lost(loss) => self.lose(&mut state, loss),
            Renewed::Ended => {}
        }
        drop(state);
        if renewed == Renewed::Yes {
            self.engine
                .events
                .renewed(&self.held.keys, before.since(now));
        }
        renewed
    }

    /// It was won once more, as a stronger one, until `deadline`; false where it is over.
    pub(crate) fn rise(&self, deadline: Moment) -> bool {
        let mut state = locked(&self.state);
        if self.expire(&mut state) || !state.lease.win_again(deadline, self.engine.fleet.now()) {
            return false;
        }
        self.publish_deadline(&state);
        true
    }

    /// Where the lease stands now.
    pub(crate) fn standing(&self) -> Standing {
        let mut state = locked(&self.state);
        self.expire(&mut state);
        state.lease.standing()
    }

    fn expire(&self, state: &mut State) -> bool {
        let now = self.engine.fleet.now();
        let worn_out = self.terms.renew && state.renewals >= self.terms.renewals_max;
        if worn_out && state.lease.standing() == Standing::Held && now >= state.lease.deadline() {
            self.lose(state, Loss::RenewalLimit);
            return true;
        }
        let loss = state.lease.expire(now);
        if let Some(loss) = loss {
            self.lose(state, loss);
        }
        loss.is_some()
    }

    /// Ends the lease as lost where it is held.
    pub(crate) fn lose_now(&self, loss: Loss) {
        let mut state = locked(&self.state);
        if state.lease.standing() == Standing::Held {
            self.lose(&mut state, loss);
        }
    }

    /// Signals the loss, once.
    fn lose(&self, state: &mut State, loss: Loss) {
        state.lease.lose(loss);
        self.until.store(0, Ordering::Release);
        if let Some(seat) = &mut state.seat {
            seat.let_go();
        }
        self.changed.notify_waiters();
        // In a task of its own: a callback may ask this lease, whose lock is held here.
        let (engine, keys) = (Arc::clone(&self.engine), self.held.keys.clone());
        let callbacks = std::mem::take(&mut state.on_lost);
        self.engine.fleet.spawn(async move {
            engine.events.lost(&keys, loss);
            for (_, callback) in callbacks {
                shielded(|| callback(loss));
            }
        });
    }

    fn publish_deadline(&self, state: &State) {
        self.until
            .store(state.lease.deadline().as_nanos(), Ordering::Release);
    }
}

/// The least time between two renewals of one lease.
fn renewal_floor(terms: &Terms) -> Duration {
    (terms.ttl.as_duration() / 12).max(Duration::from_millis(2))
}
