//! One guard's share in a lease. A lease that was re-entered has several guards, and is given back
//! with the last of them.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::client::lease::Lease;
use crate::client::locked;
use crate::error::{Error, ErrorKind, Result};
use crate::quorum::{Loss, Standing};

/// The guard may use the lease.
const OPEN: u8 = 0;
/// The guard was released while others were left; for them the lease went on.
const LEFT: u8 = 1;
/// The guard was released last, or when there was nothing to share any more.
const LAST: u8 = 2;

/// What a guard has called when its lease is lost.
pub(crate) type LossCallback = Box<dyn FnOnce(Loss) + Send>;

/// One guard's share.
pub(crate) struct Share {
    /// Which, among the lease's own.
    pub(super) number: u32,
    stage: AtomicU8,
}

impl Share {
    /// The share of this number.
    pub(super) fn new(number: u32) -> Self {
        Share {
            number,
            stage: AtomicU8::new(OPEN),
        }
    }

    /// True where its guard was released while others were left.
    pub(crate) fn is_left(&self) -> bool {
        self.stage.load(Ordering::Acquire) == LEFT
    }
}

impl Lease {
    /// One more guard of this lease.
    pub(crate) fn reenter(&self) -> Result<Share> {
        let mut state = locked(&self.state);
        if state.end.is_some() || state.lease.standing() != Standing::Held {
            return Err(Error::new(ErrorKind::NotHeld, "it has ended"));
        }
        state.guards += 1;
        state.shares += 1;
        Ok(Share::new(state.shares))
    }

    /// `share` is given up, once: what its guard wanted to hear of a loss is forgotten. True where the
    /// lease is to end with it, because it is the last or the lease has ended before.
    pub(crate) fn leave(&self, share: &Share) -> bool {
        let mut state = locked(&self.state);
        match share.stage.load(Ordering::Acquire) {
            OPEN => {}
            stage => return stage == LAST,
        }
        state.guards -= 1;
        let others = state.guards > 0 && state.lease.standing() == Standing::Held;
        let stage = if others { LEFT } else { LAST };
        share.stage.store(stage, Ordering::Release);
        if !others {
            return true;
        }
        let ours = |(number, _): &mut (u32, _)| *number == share.number;
        let callbacks: Vec<_> = state.on_lost.extract_if(.., ours).collect();
        drop(state);
        // What the caller put into them may run code of its own.
        drop(callbacks);
        false
    }

    /// True where more than one guard has it.
    pub(crate) fn is_shared(&self) -> bool {
        locked(&self.state).guards > 1
    }
}
