//! How a lease ends by its holder's will: released, given up, or handed over.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::client::lease::Lease;
use crate::client::locked;
use crate::config::PlantedBug;
use crate::quorum::{Held, Released, release, start_release};

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
            drop(start_release(&self.0.engine.fleet, &self.0.held));
        }
    }
}

impl Lease {
    /// Ends the lease by the holder's will, the first time it is asked to. True where it was held
    /// until now; `None` where it was ended before.
    fn end(&self, end: End) -> Option<bool> {
        let _gate = locked(&self.engine.renewal_gate);
        let mut state = locked(&self.state);
        if state.end.is_some() {
            return None;
        }
        state.end = Some(end);
        let held = state.lease.end(self.engine.fleet.now());
        state.on_lost.clear();
        self.until.store(0, Ordering::Release);
        let seat = state.seat.take();
        drop(state);
        if !self.engine.fleet.planted.has(PlantedBug::RenewAfterRelease) {
            self.engine.leases.forget(self.number);
        }
        if self.queued {
            self.engine.fleet.crowd.note(&self.held.keys);
        }
        drop(seat);
        self.changed.notify_waiters();
        Some(held)
    }

    /// Ends the lease for a hand-over; true where it was held until this moment.
    pub(crate) fn hand_over(&self) -> bool {
        self.end(End::HandedOver) == Some(true)
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
        let released = release(
            fleet,
            &self.held,
            fleet.settings.node_timeout(self.terms.ttl),
        )
        .await;
        if first.is_some() {
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
        if self.end(End::Released).is_none() {
            return;
        }
        // Nobody said that the work is done: it may have failed, or never have begun. The ticket this
        // came by is not spent, so that a redelivery may lock afresh.
        let given_up = Held {
            ticket: None,
            ..self.held.clone()
        };
        drop(start_release(&self.engine.fleet, &given_up));
    }
}
