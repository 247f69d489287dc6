//! A store that checks fencing tokens, as the documentation tells users to build one.

use crate::counts::Count;
use crate::judge::{Judge, Oracle};

/// What the store has seen.
#[derive(Default)]
pub(crate) struct FencedStore {
    largest_token: u64,
    /// The lease that came with it.
    lease: u64,
    /// The latest holder in order whose write was accepted.
    newest: u64,
}

impl Judge {
    /// The holder numbered `number` writes. The store rejects tokens smaller than the largest seen,
    /// and accepts an equal one from the same lease only.
    pub(crate) fn write(&mut self, now: u64, number: u64) {
        let Some(holder) = self.holder(number) else {
            return;
        };
        let (client, resources) = (holder.client, holder.resources.clone());
        let Some(token) = holder.token else { return };
        let is_held = holder.guard.upgrade().is_some_and(|guard| guard.is_held());
        for (resource, order) in resources {
            self.write_to(now, (client, number), (resource, order), (token, is_held));
        }
    }

    fn write_to(
        &mut self,
        now: u64,
        (client, number): (usize, u64),
        (resource, order): (usize, Option<u64>),
        (token, is_held): (u64, bool),
    ) {
        let name = self.resources[resource].name.clone();
        let store = &mut self.resources[resource].store;
        let accepted =
            token > store.largest_token || (token == store.largest_token && store.lease == number);
        let numbers = [
            client as u64,
            resource as u64,
            token,
            u64::from(accepted),
            u64::from(is_held),
        ];
        self.trace.note(now, "write", &numbers, String::new);
        let mut objection = None;
        if accepted {
            store.largest_token = token;
            store.lease = number;
            let newest = store.newest;
            match order {
                Some(order) if order < newest => {
                    objection = Some(format!(
                        "{name}: the store took a write of holder {order} after one of {newest}"
                    ));
                }
                Some(order) => store.newest = order,
                None => {}
            }
        } else if is_held {
            objection = Some(format!(
                "{name}: the store rejected token {token} of client {client}, which holds the lock"
            ));
        }
        self.count(if accepted {
            Count::Written
        } else {
            Count::Rejected
        });
        if let Some(what) = objection {
            self.object(now, Oracle::Fencing, what);
        }
    }
}
