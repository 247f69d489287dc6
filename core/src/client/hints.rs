//! Where a client looks first for free slots of a semaphore: at those it gave back last, which others
//! leave alone as long as there are enough, else from a place of its own on.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::client::locked;
use crate::config::Keys;

/// Above so many semaphores all is forgotten: a hint saves a round, no more.
const FULL: usize = 1024;

/// What one client knows of its slots.
pub(crate) struct Hints {
    /// A number of the client's own.
    own: u64,
    pools: Mutex<HashMap<Keys, Pool>>,
}

#[derive(Default)]
struct Pool {
    /// Given back, the last one last.
    given_back: Vec<u32>,
    /// How many others were looked at.
    looked_at: u32,
}

impl Hints {
    pub(crate) fn new(own: u64) -> Self {
        Hints {
            own,
            pools: Mutex::default(),
        }
    }

    /// The slots to ask for first, as many as `keys` want.
    pub(crate) fn take(&self, keys: &Keys) -> Vec<u32> {
        let (limit, wanted) = (keys.limit(), keys.wanted());
        let mut pools = locked(&self.pools);
        let pool = pools.entry(keys.subject()).or_default();
        let mut slots = Vec::new();
        while (slots.len() as u64) < u64::from(wanted) {
            let slot = match pool.given_back.pop() {
                Some(slot) => slot,
                None => {
                    let step = u64::from(pool.looked_at);
                    pool.looked_at = pool.looked_at.wrapping_add(1);
                    slot_at(self.own.wrapping_add(step), limit)
                }
            };
            if slot < limit && !slots.contains(&slot) {
                slots.push(slot);
            }
        }
        slots
    }

    /// The slot to look at first where a home picks; 0 for anything but a semaphore.
    pub(crate) fn first(&self, keys: &Keys) -> usize {
        if !keys.is_pool() {
            return 0;
        }
        let pools = locked(&self.pools);
        let last = pools.get(&keys.subject());
        let last = last.and_then(|pool| pool.given_back.last().copied());
        last.unwrap_or_else(|| slot_at(self.own, keys.limit())) as usize
    }

    /// The slots of `keys` are given back.
    pub(crate) fn give_back(&self, keys: &Keys) {
        if !keys.is_pool() {
            return;
        }
        let mut pools = locked(&self.pools);
        if pools.len() >= FULL {
            pools.clear();
        }
        let pool = pools.entry(keys.subject()).or_default();
        pool.given_back.retain(|slot| !keys.slots().contains(slot));
        pool.given_back.extend(keys.slots());
    }
}

fn slot_at(place: u64, limit: u32) -> u32 {
    u32::try_from(place % u64::from(limit.max(1))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_back_last_is_asked_for_first() {
        let hints = Hints::new(7);
        let pool = |wanted| Keys::pool("", "s", 5, wanted).expect("valid");
        assert_eq!(hints.first(&pool(1)), 2);
        assert_eq!(hints.take(&pool(2)), [2, 3]);
        assert_eq!(hints.take(&pool(3)), [4, 0, 1]);
        hints.give_back(&pool(1).with_slots(&[3]));
        hints.give_back(&pool(1).with_slots(&[0]));
        assert_eq!(hints.first(&pool(1)), 0);
        assert_eq!(hints.take(&pool(3)), [0, 3, 2]);
        assert_eq!(hints.take(&pool(5)).len(), 5);
        // The limit shrank.
        hints.give_back(&pool(1).with_slots(&[4]));
        let small = Keys::pool("", "s", 2, 2).expect("valid");
        assert!(hints.take(&small).iter().all(|slot| *slot < 2));
    }
}
