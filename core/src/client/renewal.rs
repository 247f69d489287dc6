//! Renewal: one task for all leases of a client, one timer, and one command per node for many
//! leases. It runs on the engine's thread, so it goes on while the caller's thread, event loop or
//! interpreter is blocked.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::client::lease::{Due, Lease};
use crate::client::leases::Leases;
use crate::client::locked;
use crate::config::{Moment, PlantedBug, TicketId};
use crate::quorum::{Extension, Fleet};

/// Keys in one command; more would hold the server's one thread for too long at a time.
const BATCH: usize = 64;

/// Renewals due within this of each other travel together.
const TOGETHER: Duration = Duration::from_millis(10);

/// So many appointments are not worth clearing out.
const FULL: usize = 1024;

/// When to look at each lease.
struct Schedule {
    leases: Arc<Leases>,
    appointed: HashMap<u64, Moment>,
    times: BinaryHeap<Reverse<(Moment, u64)>>,
    /// How many entries of `times` are too many to keep void ones among them.
    full: usize,
}

impl Schedule {
    /// Sets when to look at a lease next; an earlier appointment is void.
    fn set(&mut self, number: u64, when: Moment) {
        self.appointed.insert(number, when);
        self.times.push(Reverse((when, number)));
        if self.times.len() > self.full {
            self.clear_out();
        }
    }

    /// Forgets ended leases and void appointments: left alone, those of a lease with a ttl of a day
    /// would stay for hours.
    fn clear_out(&mut self) {
        self.appointed.retain(|number, _| self.leases.has(*number));
        let kept = self.appointed.iter();
        self.times = kept
            .map(|(number, when)| Reverse((*when, *number)))
            .collect();
        self.full = FULL.max(2 * self.times.len());
    }

    fn next(&self) -> Option<Moment> {
        self.times.peek().map(|Reverse((when, _))| *when)
    }

    /// Leases to renew now.
    fn due(&mut self, now: Moment) -> Vec<(u64, Arc<Lease>)> {
        let mut batch = Vec::new();
        while let Some(&Reverse((when, number))) = self.times.peek() {
            if when > now {
                break;
            }
            self.times.pop();
            if self.appointed.get(&number) != Some(&when) {
                continue;
            }
            self.appointed.remove(&number);
            let Some(lease) = self.leases.get(number) else {
                continue;
            };
            // Renewals of the next moments come along where that saves a command of their own.
            let slack = (lease.terms.ttl.as_duration() / 30).min(TOGETHER);
            match lease.due(now, slack) {
                Due::Nothing => {}
                Due::Later(when) => self.set(number, when),
                Due::Renew => batch.push((number, lease)),
            }
        }
        batch
    }
}

/// Renews what `inbox` brings until the engine is gone.
pub(crate) async fn run(
    fleet: Arc<Fleet>,
    leases: Arc<Leases>,
    mut inbox: mpsc::UnboundedReceiver<u64>,
) {
    let mut schedule = Schedule {
        leases,
        appointed: HashMap::new(),
        times: BinaryHeap::new(),
        full: FULL,
    };
    let mut under_way = FuturesUnordered::new();
    loop {
        let now = fleet.now();
        let due = schedule.due(now);
        for batch in batches(due) {
            for (id, lease) in &batch {
                // Whatever the servers do, the end of the validity is noticed.
                schedule.set(*id, now + lease.remaining());
            }
            under_way.push(renew(&fleet, batch));
        }
        let pause = schedule
            .next()
            .map(|when| when.since(fleet.now()).min(fleet.clock.longest_sleep()));
        tokio::select! {
            biased;
            number = inbox.recv() => match number {
                Some(number) => schedule.set(number, now),
                None => return,
            },
            Some(done) = under_way.next(), if !under_way.is_empty() => {
                for (id, when) in done {
                    schedule.set(id, when);
                }
            }
            () = sleep(pause.unwrap_or(Duration::MAX)), if pause.is_some() => {}
        }
    }
}

/// Leases that go in one command each. One that holds more keys than that goes alone.
fn batches(due: Vec<(u64, Arc<Lease>)>) -> Vec<Vec<(u64, Arc<Lease>)>> {
    let mut batches: Vec<Vec<_>> = Vec::new();
    let mut keys = 0;
    for (id, lease) in due {
        keys += lease.held.keys.parts().len();
        match batches.last_mut() {
            Some(batch) if keys <= BATCH && is_alike(batch, &lease) => batch.push((id, lease)),
            _ => {
                keys = lease.held.keys.parts().len();
                batches.push(vec![(id, lease)]);
            }
        }
    }
    batches
}

/// True where the leases of a batch are read/write locks' as `lease` is, or are not as it is not: a
/// command speaks of one kind.
fn is_alike(batch: &[(u64, Arc<Lease>)], lease: &Arc<Lease>) -> bool {
    let first = batch.first().map(|(_, first)| first.footing.is_some());
    first.is_none_or(|shared| shared == lease.footing.is_some())
}

/// Renews one batch; tells when to look at each lease again.
async fn renew(fleet: &Arc<Fleet>, batch: Vec<(u64, Arc<Lease>)>) -> Vec<(u64, Moment)> {
    let Some(engine) = batch.first().map(|(_, lease)| Arc::clone(&lease.engine)) else {
        return Vec::new();
    };
    engine.feel_pulse();
    let sets_again = fleet.planted.has(PlantedBug::RenewAfterRelease);
    let fill_in = sets_again.then(|| TicketId::fresh(&*fleet.entropy));
    let (turns, extension) = {
        // No lease of the batch can end between being found held and being on its way.
        let _gate = locked(&engine.renewal_gate);
        let (mut turns, mut renewals) = (Vec::new(), Vec::new());
        let mut timeout = Duration::MAX;
        for (id, lease) in batch {
            timeout = timeout.min(lease.patience());
            if let Some((turn, renewal)) = lease.begin_renewal(lease.terms.ttl) {
                renewals.push(renewal);
                turns.push((id, turn));
            }
        }
        if renewals.is_empty() {
            return Vec::new();
        }
        (turns, Extension::start(fleet, renewals, fill_in, timeout))
    };
    let extended = extension.finish().await;
    let mut next = Vec::new();
    for ((id, turn), votes) in turns.into_iter().zip(extended.votes) {
        let lease = Arc::clone(turn.lease());
        turn.end(extended.sent, votes);
        let now = fleet.now();
        match lease.due(now, Duration::ZERO) {
            Due::Later(when) => next.push((id, when)),
            Due::Renew | Due::Nothing => next.push((id, now)),
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A million locks with a ttl of a day, taken and released, took 90 MB for eight hours.
    #[test]
    fn ended_leases_do_not_stay_until_their_time() {
        let mut schedule = Schedule {
            leases: Arc::default(),
            appointed: HashMap::new(),
            times: BinaryHeap::new(),
            full: FULL,
        };
        for number in 0..100_000 {
            schedule.set(number, Moment::from_nanos(u64::MAX));
            assert!(schedule.times.len() <= FULL + 1 && schedule.appointed.len() <= FULL + 1);
        }
    }
}
