//! The leases of one client that are held, by number: an ended one is forgotten at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use crate::client::lease::Lease;
use crate::client::locked;

/// The held leases of one client.
#[derive(Default)]
pub(crate) struct Leases {
    last: AtomicU64,
    held: Mutex<HashMap<u64, Weak<Lease>>>,
}

impl Leases {
    /// A number for a new lease.
    pub(crate) fn number(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// `lease` is held under `number`.
    pub(crate) fn add(&self, number: u64, lease: &Arc<Lease>) {
        locked(&self.held).insert(number, Arc::downgrade(lease));
    }

    /// The lease of this number, while it is held.
    pub(crate) fn get(&self, number: u64) -> Option<Arc<Lease>> {
        locked(&self.held).get(&number)?.upgrade()
    }

    /// True while the lease of this number is held.
    pub(crate) fn has(&self, number: u64) -> bool {
        locked(&self.held).contains_key(&number)
    }

    /// The lease of this number has ended.
    pub(crate) fn forget(&self, number: u64) {
        locked(&self.held).remove(&number);
    }

    /// Every lease that is held.
    pub(crate) fn all(&self) -> Vec<Arc<Lease>> {
        locked(&self.held)
            .values()
            .filter_map(Weak::upgrade)
            .collect()
    }
}
