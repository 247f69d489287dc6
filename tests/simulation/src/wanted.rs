//! What a user wants: one lock, several at once, or permits; and where each of them is judged.

use std::time::Duration;

use quorlock::testing::config::Keys;
use quorlock::{AcquireOptions, Client, Guard, Multi, Mutex, Result, Semaphore};

use crate::plan::Plan;
use crate::rng::Rng;

/// The semaphore of every run.
pub(crate) const POOL: &str = "pool";

/// A lock object that a user calls.
pub(crate) enum Wanted {
    One(Mutex),
    Several(Multi),
    Permits(Semaphore, u32),
}

impl Wanted {
    /// Draws what a user of `client`, whose number is given, wants next.
    pub(crate) fn draw(
        rng: &mut Rng,
        plan: &Plan,
        names: &[String],
        client: &Client,
        number: usize,
    ) -> Self {
        let scenario = &plan.scenario;
        if scenario.semaphore > 0 && rng.chance(scenario.semaphore) {
            let limit = plan.limits[number];
            let wanted = u32::try_from(rng.within(scenario.weights)).unwrap_or(1);
            return Wanted::Permits(client.semaphore(POOL, limit), wanted.min(limit));
        }
        if names.len() > 1 && scenario.several > 0 && rng.chance(scenario.several) {
            let mut chosen: Vec<&String> = names.iter().collect();
            while chosen.len() > 2 && rng.chance(400) {
                chosen.remove(rng.index(chosen.len()));
            }
            if rng.chance(500) {
                chosen.reverse();
            }
            return Wanted::Several(client.multi(chosen));
        }
        Wanted::One(client.mutex(&names[rng.index(names.len())]))
    }

    pub(crate) async fn acquire(&self, options: AcquireOptions) -> Result<Guard> {
        match self {
            Wanted::One(mutex) => mutex.acquire(options).await,
            Wanted::Several(multi) => multi.acquire(options).await,
            Wanted::Permits(semaphore, wanted) => semaphore.acquire(options.permits(*wanted)).await,
        }
    }

    pub(crate) async fn try_acquire(&self, options: AcquireOptions) -> Result<Option<Guard>> {
        match self {
            Wanted::One(mutex) => mutex.try_acquire(options).await,
            Wanted::Several(multi) => multi.try_acquire(options).await,
            Wanted::Permits(semaphore, wanted) => {
                semaphore.try_acquire(options.permits(*wanted)).await
            }
        }
    }

    /// The time of one more round: where the slots first asked for are taken, the home is asked for any.
    pub(crate) fn second_round(&self, plan: &Plan) -> Duration {
        match self {
            Wanted::One(_) | Wanted::Several(_) => Duration::ZERO,
            Wanted::Permits(..) => plan.node_timeout * 2,
        }
    }

    /// What is wrong with a guard of it, at first sight.
    pub(crate) fn objection(&self, guard: &Guard) -> Option<String> {
        let fits = match self {
            Wanted::One(mutex) => guard.resources() == [mutex.name()],
            Wanted::Several(multi) => {
                let mut names: Vec<&str> = multi.names().iter().map(String::as_str).collect();
                names.sort_unstable();
                guard.resources() == names
            }
            Wanted::Permits(semaphore, wanted) => {
                let mut slots = guard.slots().to_vec();
                slots.sort_unstable();
                slots.dedup();
                let in_bounds = slots.iter().all(|slot| *slot < semaphore.permits());
                in_bounds && slots.len() == *wanted as usize && slots.len() == guard.slots().len()
            }
        };
        (!fits).then(|| {
            let (resources, slots) = (guard.resources(), guard.slots());
            format!("asked for something else than {resources:?}, slots {slots:?}")
        })
    }
}

/// What is held by one at a time, as the oracles see it: every name, and behind them every slot, under
/// the keys that servers have.
pub(crate) fn places(names: &[String], permits: u32) -> Vec<String> {
    let slots: Vec<u32> = (0..permits).collect();
    let pool = Keys::pool("", POOL, permits, 1).map(|pool| pool.with_slots(&slots));
    let keys = pool.map(|pool| {
        let locks = pool.parts().iter().map(|part| part.lock().to_owned());
        locks.collect::<Vec<_>>()
    });
    let keys = keys.expect("drawn within bounds");
    names.iter().cloned().chain(keys).collect()
}

/// Which of these places a guard holds.
pub(crate) fn places_of(names: &[String], guard: &Guard) -> Vec<usize> {
    if guard.slots().is_empty() {
        let held = guard.resources();
        let held = held
            .iter()
            .filter_map(|held| names.iter().position(|name| name == held));
        return held.collect();
    }
    let slots = guard
        .slots()
        .iter()
        .map(|slot| names.len() + *slot as usize);
    slots.collect()
}
