//! The end of the interpreter.
//!
//! A thread that comes back from waiting while the interpreter is torn down is ended by CPython
//! below 3.14 in the middle of Rust's frames, which aborts the process. So the exit handler calls
//! [`leave`] while everything still stands: waiting threads come back with `SystemExit`, which ends a
//! thread without a word, and none waits detached from then on.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pyo3::exceptions::PySystemExit;
use pyo3::prelude::*;

static IS_LEAVING: AtomicBool = AtomicBool::new(false);
/// Threads that wait in Rust, detached from the interpreter.
static WAITING: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// True on the thread that ends the interpreter: it alone may still wait.
    static IS_LAST: Cell<bool> = const { Cell::new(false) };
}

/// A thread's right to wait detached from the interpreter.
pub(crate) struct Detached {
    is_last: bool,
}

impl Detached {
    /// Refused where the interpreter is about to end.
    pub(crate) fn begin() -> PyResult<Self> {
        WAITING.fetch_add(1, Ordering::SeqCst);
        let begun = Detached {
            is_last: IS_LAST.get(),
        };
        if IS_LEAVING.load(Ordering::SeqCst) && !begun.is_last {
            return Err(PySystemExit::new_err(()));
        }
        Ok(begun)
    }

    /// Runs `wait` while other threads of Python run. The last thread stays attached: nobody else
    /// is left to run.
    pub(crate) fn run<T: Send>(&self, py: Python<'_>, wait: impl FnOnce() -> T + Send) -> T {
        if self.is_last {
            wait()
        } else {
            py.detach(wait)
        }
    }
}

impl Drop for Detached {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Ends all waiting of other threads, for good. Returns when none waits any more, after `limit`
/// seconds at most.
#[pyfunction]
pub(crate) fn leave(py: Python<'_>, limit: f64) {
    IS_LAST.set(true);
    IS_LEAVING.store(true, Ordering::SeqCst);
    let limit = Duration::try_from_secs_f64(limit).unwrap_or_default();
    let begun = Instant::now();
    while WAITING.load(Ordering::SeqCst) > 0 && begun.elapsed() < limit {
        py.detach(|| std::thread::sleep(Duration::from_millis(1)));
    }
}

/// In a forked child: the threads that waited do not exist here.
#[pyfunction]
pub(crate) fn after_fork() {
    WAITING.store(0, Ordering::SeqCst);
}
