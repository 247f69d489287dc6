//! How a lease stands in a read/write lock, and how that changes while it is held.

use std::borrow::Cow;
use std::sync::Mutex;

use crate::client::lease::Lease;
use crate::client::locked;
use crate::config::{FencingToken, Mode, Stance};
use crate::quorum::{Held, Won};

/// The part of a lease that an upgrade or a downgrade changes.
pub(crate) struct Footing(Mutex<Ground>);

struct Ground {
    stance: Stance,
    fence: Option<FencingToken>,
    /// The last operation that any node may have heard of.
    last_op: u64,
    /// A try to upgrade is under way.
    is_rising: bool,
    /// The token is of an upgrade: which nodes have it is not known.
    has_risen: bool,
}

/// A try to upgrade: what to claim, and what to go back to. Dropped, it is over.
pub(crate) struct Rise<'a> {
    footing: &'a Footing,
    pub(crate) to: Stance,
    pub(crate) back: Stance,
}

impl Footing {
    /// The footing of a lease just won; `None` where it is no read/write lock's.
    pub(crate) fn of(held: &Held) -> Option<Self> {
        let stance = held.stance?;
        Some(Footing(Mutex::new(Ground {
            stance,
            fence: held.fence,
            last_op: stance.op,
            is_rising: false,
            has_risen: false,
        })))
    }

    /// How the lease stands now.
    pub(crate) fn stance(&self) -> Stance {
        locked(&self.0).stance
    }

    fn apply(&self, held: &Held) -> Held {
        let ground = locked(&self.0);
        let mut held = Held {
            stance: Some(ground.stance),
            fence: ground.fence,
            ..held.clone()
        };
        for sent in &mut held.sent {
            sent.raised &= !ground.has_risen;
        }
        held
    }

    /// Begins a try to become a writer. From now on the lease says of itself what it is if the try
    /// comes to nothing, in an operation behind the try's.
    pub(crate) fn rise(&self) -> Rise<'_> {
        let mut ground = locked(&self.0);
        let to = Stance {
            mode: Mode::Write,
            op: ground.last_op + 1,
        };
        let back = Stance {
            mode: ground.stance.mode,
            op: ground.last_op + 2,
        };
        ground.stance = back;
        ground.last_op = back.op;
        ground.is_rising = true;
        Rise {
            footing: self,
            to,
            back,
        }
    }

    /// Becomes a reader; what to tell the nodes. `None` while a try to upgrade is under way.
    pub(crate) fn sink(&self) -> Option<Stance> {
        let mut ground = locked(&self.0);
        if ground.is_rising {
            return None;
        }
        let to = Stance {
            mode: Mode::Read,
            op: ground.last_op + 1,
        };
        ground.stance = to;
        ground.last_op = to.op;
        Some(to)
    }
}

impl Rise<'_> {
    /// The try has won.
    pub(crate) fn won(&self, won: &Won) {
        let mut ground = locked(&self.footing.0);
        ground.stance = self.to;
        ground.fence = won.held.fence;
        ground.has_risen = true;
    }
}

impl Drop for Rise<'_> {
    fn drop(&mut self) {
        locked(&self.footing.0).is_rising = false;
    }
}

impl Lease {
    /// What is held now.
    pub(crate) fn holding(&self) -> Cow<'_, Held> {
        match &self.footing {
            None => Cow::Borrowed(&self.held),
            Some(footing) => Cow::Owned(footing.apply(&self.held)),
        }
    }

    /// How it is held; `None` where it is no read/write lock.
    pub(crate) fn mode(&self) -> Option<Mode> {
        self.footing.as_ref().map(|footing| footing.stance().mode)
    }

    /// Its fencing token.
    pub(crate) fn fence(&self) -> Option<FencingToken> {
        match &self.footing {
            None => self.held.fence,
            Some(footing) => locked(&footing.0).fence,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn footing(mode: Mode) -> Footing {
        Footing(Mutex::new(Ground {
            stance: Stance::first(mode),
            fence: None,
            last_op: 1,
            is_rising: false,
            has_risen: false,
        }))
    }

    #[test]
    fn every_step_is_newer_than_what_any_node_heard() {
        let footing = footing(Mode::Upgradeable);
        let rise = footing.rise();
        let (to, back) = (rise.to, rise.back);
        assert_eq!((to.mode, to.op), (Mode::Write, 2));
        assert_eq!((back.mode, back.op), (Mode::Upgradeable, 3));
        assert_eq!(
            footing.stance(),
            back,
            "it counts as failed until it has won"
        );
        assert!(footing.sink().is_none());
        drop(rise);
        assert_eq!(footing.rise().to.op, 4);
        let sunk = footing.sink().expect("no try is under way");
        assert_eq!((sunk.mode, sunk.op), (Mode::Read, 6));
    }
}
