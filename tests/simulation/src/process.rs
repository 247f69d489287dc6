//! A client's process: all its tasks stop at once when it is frozen, and its clock goes on.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use quorlock::testing::quorum::{Spawn, Task};
use tokio::time::Instant;

/// One client's process. Frozen like by SIGSTOP: timers run out and answers arrive meanwhile, but
/// nothing looks at them before the thaw.
pub struct Process {
    began: Instant,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    frozen: bool,
    dead: bool,
    since_micros: u64,
    frozen_micros: u64,
    until_micros: u64,
    parked: Vec<Waker>,
    polled_micros: u64,
    polls: u64,
    spins: bool,
}

/// More polls than this at one moment and a process works without end.
const POLLS_MAX: u64 = 100_000;

impl Process {
    /// A process that runs.
    pub fn new(began: Instant) -> Arc<Self> {
        Arc::new(Process {
            began,
            inner: Mutex::default(),
        })
    }

    /// Stops it until `until_micros`; a longer stop under way stays. What is due at this very moment
    /// still runs, but nothing of it is sent any more.
    pub fn freeze(&self, until_micros: u64) {
        let now = self.now();
        let mut inner = self.lock();
        if !inner.frozen {
            inner.frozen = true;
            inner.since_micros = now;
        }
        inner.until_micros = inner.until_micros.max(until_micros);
    }

    /// Stops it for good.
    pub fn kill(&self) {
        self.freeze(u64::MAX);
        self.lock().dead = true;
    }

    /// Lets it go on if its time has come; true where it does.
    pub fn thaw(&self, now_micros: u64) -> bool {
        let now = self.now();
        let parked = {
            let mut inner = self.lock();
            if !inner.frozen || inner.dead || inner.until_micros > now_micros {
                return false;
            }
            inner.frozen = false;
            inner.frozen_micros += now - inner.since_micros;
            std::mem::take(&mut inner.parked)
        };
        parked.into_iter().for_each(Waker::wake);
        true
    }

    /// Ends every stop that is not for good.
    pub fn thaw_now(&self) -> bool {
        self.lock().until_micros = 0;
        self.thaw(u64::MAX)
    }

    /// True while nothing of it runs.
    pub fn is_frozen(&self) -> bool {
        self.lock().frozen
    }

    /// True once it was stopped for good.
    pub fn is_dead(&self) -> bool {
        self.lock().dead
    }

    /// True once it worked without end at one moment, which would stop virtual time.
    pub fn spins(&self) -> bool {
        self.lock().spins
    }

    /// Counts a poll; false where the task must not be polled now.
    fn may_poll(&self, waker: &Waker) -> bool {
        let now = self.now();
        let mut inner = self.lock();
        if inner.polled_micros != now {
            inner.polled_micros = now;
            inner.polls = 0;
        }
        inner.polls += 1;
        if inner.polls > POLLS_MAX {
            inner.spins = true;
            inner.frozen = true;
            inner.until_micros = u64::MAX;
        }
        let stopped = inner.frozen && (inner.spins || now > inner.since_micros);
        if stopped {
            inner.parked.push(waker.clone());
        }
        !stopped
    }

    /// How long it has run in all, stops not counted.
    pub fn run_micros(&self) -> u64 {
        let now = self.now();
        let inner = self.lock();
        let stopped = if inner.frozen {
            now - inner.since_micros
        } else {
            0
        };
        now - inner.frozen_micros - stopped
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts tasks inside a process.
pub struct ProcessSpawner(pub Arc<Process>);

impl Spawn for ProcessSpawner {
    fn spawn(&self, task: Task) {
        drop(tokio::spawn(Stoppable {
            process: Arc::clone(&self.0),
            task,
        }));
    }
}

/// A task that is not polled while its process is frozen.
struct Stoppable {
    process: Arc<Process>,
    task: Task,
}

impl Future for Stoppable {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.process.may_poll(context.waker()) {
            self.task.as_mut().poll(context)
        } else {
            Poll::Pending
        }
    }
}
