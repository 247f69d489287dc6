//! A counter that is not atomic, under one lock, by several processes at once.
//!
//! The critical section is here: read, pause, write. What must hold, whatever happens to the nodes: nobody enters while
//! another's lease is certainly still good, no update is lost, and fencing tokens grow.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::driver::Driver;

/// Between reading and writing: room for somebody else to come between.
const PAUSE: Duration = Duration::from_millis(1);

/// What an acquire may come to while nodes fail.
const EXCUSED: [&str; 3] = [
    "QUORLOCK_TIMEOUT",
    "QUORLOCK_QUORUM_UNAVAILABLE",
    "QUORLOCK_LEASE_LOST",
];

/// Processes that count.
pub(crate) struct Counting {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    ledger: Mutex<Ledger>,
}

#[derive(Default)]
struct Ledger {
    counter: u64,
    /// Who is in the critical section, and until when their lease is good at the least.
    inside: Option<(String, Instant)>,
    token: u64,
    counted: BTreeMap<String, u64>,
    failed: BTreeMap<String, u64>,
    violations: Vec<String>,
}

impl Counting {
    /// They begin, each in a thread of its own.
    pub(crate) fn begin(
        drivers: Vec<Arc<Driver>>,
        resource: &str,
        options: &Map<String, Value>,
    ) -> Counting {
        let shared = Arc::new(Shared::default());
        let mut request = Map::new();
        request.insert("client".to_owned(), "client".into());
        request.insert("guard".to_owned(), "counter".into());
        request.insert("resource".to_owned(), resource.into());
        request.insert("options".to_owned(), options.clone().into());
        let threads = drivers.into_iter().map(|driver| {
            let (shared, request) = (Arc::clone(&shared), request.clone());
            std::thread::spawn(move || shared.count(&driver, &request))
        });
        Counting {
            threads: threads.collect(),
            shared,
        }
    }

    /// They stop. An error where a promise was broken, or one of them counted less often than `each`.
    pub(crate) fn end(self, each: u64) -> Result<String, String> {
        self.shared.over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread
                .join()
                .map_err(|_| "a counting thread panicked".to_owned())?;
        }
        let ledger = self.shared.ledger();
        if !ledger.violations.is_empty() {
            return Err(ledger.violations.join("; "));
        }
        let sum: u64 = ledger.counted.values().sum();
        if sum != ledger.counter {
            return Err(format!(
                "{sum} increments, but the counter says {}",
                ledger.counter
            ));
        }
        let told = format!("counted {:?}, failed {:?}", ledger.counted, ledger.failed);
        if ledger.counted.values().any(|count| *count < each) {
            return Err(format!("not everybody counted {each} times: {told}"));
        }
        Ok(told)
    }
}

impl Shared {
    fn count(&self, driver: &Driver, request: &Map<String, Value>) {
        self.ledger().counted.insert(driver.actor(), 0);
        while !self.over.load(Ordering::Relaxed) {
            if let Err(violation) = self.turn(driver, request) {
                self.over.store(true, Ordering::Relaxed);
                self.ledger()
                    .violations
                    .push(format!("{}: {violation}", driver.actor()));
            }
        }
    }

    /// One acquire, one increment, one release.
    fn turn(&self, driver: &Driver, request: &Map<String, Value>) -> Result<(), String> {
        let guard = match driver.ask("acquire", request.clone())?.result {
            Ok(guard) => guard,
            Err(error) if EXCUSED.contains(&error["code"].as_str().unwrap_or_default()) => {
                *self.ledger().failed.entry(driver.actor()).or_default() += 1;
                return Ok(());
            }
            Err(error) => return Err(format!("acquire failed: {error}")),
        };
        let token = guard["fencing_token"]
            .as_u64()
            .ok_or("a guard without a fencing token")?;
        self.increment(driver, token)?;
        let released = driver.ask("release", guard_of_counter())?;
        released
            .result
            .map(drop)
            .map_err(|error| format!("release failed: {error}"))
    }

    fn increment(&self, driver: &Driver, token: u64) -> Result<(), String> {
        let Some(first) = good_until(driver)? else {
            return Ok(());
        };
        let seen = {
            let mut ledger = self.ledger();
            if let Some((other, until)) = &ledger.inside
                && Instant::now() < *until
            {
                return Err(format!("came in while {other} still had the lock"));
            }
            if token <= ledger.token {
                return Err(format!("fencing token {token} came after {}", ledger.token));
            }
            ledger.token = token;
            ledger.inside = Some((driver.actor(), first));
            ledger.counter
        };
        std::thread::sleep(PAUSE);
        let last = good_until(driver)?;
        let mut ledger = self.ledger();
        if ledger
            .inside
            .as_ref()
            .is_some_and(|(actor, _)| *actor == driver.actor())
        {
            ledger.inside = None;
        }
        // Not written where the lease may be over: that is what a guard is asked for.
        if last.is_some_and(|until| Instant::now() < until) {
            ledger.counter = seen + 1;
            *ledger.counted.entry(driver.actor()).or_default() += 1;
        }
        Ok(())
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Until when the lease is good at the least; none where it is over.
fn good_until(driver: &Driver) -> Result<Option<Instant>, String> {
    let asked = Instant::now();
    let remaining = driver.ask("remaining", guard_of_counter())?;
    let remaining = remaining
        .result
        .map_err(|error| format!("remaining failed: {error}"))?;
    let ms = remaining
        .as_u64()
        .ok_or_else(|| format!("remaining is {remaining}"))?;
    Ok((ms > 0).then(|| asked + Duration::from_millis(ms)))
}

fn guard_of_counter() -> Map<String, Value> {
    Map::from_iter([("guard".to_owned(), json!("counter"))])
}
