//! How a lease ends by its holder's will: released, given up, or handed over.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::client::lease::Lease;
use crate::client::line::Seat;
use crate::client::locked;
use crate::config::PlantedBug;
use crate::quorum::{Held, Released, outcome, start_release};

/// How a holder ended its lease.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Released,
    HandedOver,
}

/// A release that goes on though its caller gives it up before it began.
pub(crate) struct Releasing(pub(crate) Arc<Lease>);

impl Drop for Releasing {
    fn drop(&mut self) {
        if self.0.end(End::Released).is_some() {
            drop(start_release(&self.0.engine.fleet, &self.0.holding()));
        }
    }
}

impl Lease {
    /// Ends the lease by the holder's will, the first time it is asked to. True where it was held
    /// until now; `None` where it was ended before, or others would have to hand it over as well.
    fn end(&self, end: End) -> Option<(bool, Option<Seat>)> {
        let _gate = locked(&self.engine.renewal_gate);
        let mut state = locked(&self.state);
        let shared = end == End::HandedOver && state.guards > 1;
        if state.end.is_some() || shared {
            return None;
        }
        state.end = Some(end);
        let held = state.lease.end(self.engine.fleet.now());
        state.on_lost.clear();
        self.until.store(0, Ordering::Release);
        let mut seat = state.seat.take();
        drop(state);
        if !self.engine.fleet.planted.has(PlantedBug::RenewAfterRelease) {
            self.engine.leases.forget(self.number);
        }
        if self.queued {
            self.engine.fleet.crowd.note(&self.held.keys.subject());
        }
        self.engine.hints.give_back(&self.held.keys);
        if let Some(seat) = &mut seat {
            seat.let_go();
        }
        self.changed.notify_waiters();
        Some((held, seat))
    }

    /// Ends the lease for a hand-over; true where it was held until this moment.
    pub(crate) fn hand_over(&self) -> bool {
        self.end(End::HandedOver).is_some_and(|(held, _)| held)
    }

    /// Gives the lock back; the second time it says what became of it the first time. `None` where
    /// it was handed over.
    pub(crate) async fn release(&self) -> Option<Released> {
        let first = self.end(End::Released);
        {
            let state = locked(&self.state);
            if state.end == Some(End::HandedOver) {
                return None;
            }
            if let Some(released) = state.released.clone() {
                return Some(released);
            }
        }
        let fleet = &self.engine.fleet;
        let started = fleet.clock.now();
        let held = self.holding();
        let release = start_release(fleet, &held);
        let is_first = first.is_some();
        call_next(first.and_then(|(_, seat)| seat));
        let timeout = fleet.settings.node_timeout(self.terms.ttl);
        let released = outcome(fleet, &held, release, timeout).await;
        if is_first {
            let now = fleet.clock.now();
            self.engine.events.released(
                &self.held.keys,
                &released,
                now.since(started),
                started.since(self.acquired),
            );
        }
        Some(locked(&self.state).released.get_or_insert(released).clone())
    }

    /// Gives the lock back without waiting for what becomes of it. Not for a forked child.
    pub(crate) fn release_in_background(&self) {
        let Some((_, seat)) = self.end(End::Released) else {
            return;
        };
        // Nobody said that the work is done: it may have failed, or never have begun. The ticket this
        // came by is not spent, so that a redelivery may lock afresh.
        let given_up = Held {
            ticket: None,
            ..self.holding().into_owned()
        };
        drop(start_release(&self.engine.fleet, &given_up));
        call_next(seat);
    }
}

/// The release is on its way, so what the next local caller sends comes behind it.
fn call_next(seat: Option<Seat>) {
    if let Some(seat) = seat {
        seat.call_next();
    }
}
