//! Many seeds over several threads, each in a runtime of its own.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use quorlock::testing::config::PlantedBug;

use crate::counts::Counts;
use crate::plan::Order;
use crate::run::{Outcome, run};
use crate::scenario::Scenario;

/// Which runs.
pub struct Campaign {
    /// The first seed.
    pub from: u64,
    /// How many.
    pub seeds: u64,
    /// On how many threads.
    pub jobs: usize,
    /// What all seeds draw from; `None` lets the seed choose a preset.
    pub scenario: Option<Scenario>,
    /// A bug planted in every client.
    pub bug: Option<PlantedBug>,
}

/// What came of a campaign.
#[derive(Debug, Default)]
pub struct Summary {
    /// Runs that ended.
    pub runs: u64,
    /// How often things happened in them.
    pub counts: Counts,
    /// The run with the smallest seed to which an oracle objected.
    pub caught: Option<Outcome>,
}

impl Campaign {
    /// The order of one seed.
    pub fn order(&self, seed: u64) -> Order {
        let scenario = self.scenario.clone();
        Order {
            seed,
            scenario: scenario.unwrap_or_else(|| Scenario::of_seed(seed)),
            bug: self.bug,
            verbose: false,
        }
    }

    /// Runs until all is done or an oracle objects; `progress` hears of every run that ended.
    pub fn run(&self, progress: &(dyn Fn(u64) + Sync)) -> Summary {
        let next = AtomicU64::new(0);
        // No seed behind the smallest that was caught needs to be run.
        let end = AtomicU64::new(self.seeds);
        let summary = Mutex::new(Summary::default());
        let work = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= end.load(Ordering::Relaxed) {
                    return;
                }
                let outcome = run(&self.order(self.from + index));
                let mut summary = locked(&summary);
                summary.runs += 1;
                summary.counts.merge(&outcome.counts);
                progress(summary.runs);
                if outcome.violation.is_some() {
                    end.fetch_min(index, Ordering::Relaxed);
                    let earlier = summary.caught.take();
                    summary.caught = earlier
                        .filter(|earlier| earlier.seed < outcome.seed)
                        .or(Some(outcome));
                }
            }
        };
        thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                scope.spawn(work);
            }
        });
        summary.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The machine's cores.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn locked(summary: &Mutex<Summary>) -> MutexGuard<'_, Summary> {
    summary.lock().unwrap_or_else(PoisonError::into_inner)
}
