//! The turn to renew a lease: one at a time.

use std::sync::Arc;

use crate::client::lease::Lease;
use crate::config::Moment;
use crate::quorum::{Renewed, Votes};

/// The one renewal of a lease that is under way. Dropped without an answer, it makes room for the
/// next.
pub(crate) struct RenewalTurn {
    lease: Arc<Lease>,
    by_hand: bool,
}

impl RenewalTurn {
    /// The turn of `lease`, which must not have one.
    pub(crate) fn new(lease: &Arc<Lease>) -> Self {
        RenewalTurn {
            lease: Arc::clone(lease),
            by_hand: false,
        }
    }

    /// The holder's own renewal. The background renewal stands back for it, and is told when it is over.
    pub(crate) fn by_hand(self) -> Self {
        let mut turn = self;
        turn.by_hand = true;
        turn
    }

    /// The lease.
    pub(crate) fn lease(&self) -> &Arc<Lease> {
        &self.lease
    }

    /// Counts the answers to the renewal sent at `sent`.
    pub(crate) fn end(self, sent: Moment, votes: Votes) -> Renewed {
        self.lease.end_renewal(sent, votes)
    }
}

impl Drop for RenewalTurn {
    fn drop(&mut self) {
        self.lease.end_turn();
        if self.by_hand {
            // Else it would look again at the old deadline only.
            self.lease.engine.look_at(&self.lease);
        }
    }
}
