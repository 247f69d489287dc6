//! A held lock.

use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;
use quorlock::Guard;

use crate::arguments::span;
use crate::bridge::NativeBridge;
use crate::call::NativeCall;
use crate::errors::raised;
use crate::exit::Detached;
use crate::outbox::Delivery;

/// How long a thread waits for a loss before it looks for signals.
const SLICE: Duration = Duration::from_millis(50);

/// A guard of the engine. Freed while it holds the lock, it releases it in the background.
#[pyclass(frozen, module = "quorlock._quorlock")]
pub(crate) struct NativeGuard {
    guard: Guard,
    bell: OnceLock<Arc<Bell>>,
}

/// Wakes the threads that wait for a loss.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    ring: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.ring.notify_all();
    }

    fn wait(&self, limit: Duration) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        // Rung or not, the caller looks at the guard.
        drop(self.ring.wait_timeout_while(rung, limit, |rung| !*rung));
    }
}

impl NativeGuard {
    pub(crate) fn new(guard: Guard) -> Self {
        NativeGuard {
            guard,
            bell: OnceLock::new(),
        }
    }

    fn bell(&self) -> &Arc<Bell> {
        self.bell.get_or_init(|| {
            let bell = Arc::new(Bell::default());
            let rung = Arc::clone(&bell);
            self.guard.on_lost(move |_| rung.ring());
            bell
        })
    }

    /// True where it can still be lost: neither lost nor released nor handed over.
    fn is_open(&self) -> bool {
        self.guard.check().is_ok()
    }
}

#[pymethods]
impl NativeGuard {
    #[getter]
    fn resource(&self) -> &str {
        self.guard.resource()
    }

    fn is_held(&self) -> bool {
        self.guard.is_held()
    }

    /// Seconds.
    fn remaining(&self) -> f64 {
        self.guard.remaining().as_secs_f64()
    }

    #[getter]
    fn fencing_token(&self) -> Option<u64> {
        self.guard.fencing_token().map(|token| token.get())
    }

    #[getter]
    fn is_adopted(&self) -> bool {
        self.guard.is_adopted()
    }

    /// True where releasing it says that a job is done.
    #[getter]
    fn is_once(&self) -> bool {
        self.guard.is_once()
    }

    #[getter]
    fn resources(&self) -> Vec<&str> {
        self.guard.resources()
    }

    #[getter]
    fn slots(&self) -> Vec<u32> {
        self.guard.slots().to_vec()
    }

    fn reenter(&self, py: Python<'_>) -> PyResult<NativeGuard> {
        match self.guard.reenter() {
            Ok(guard) => Ok(NativeGuard::new(guard)),
            Err(error) => Err(raised(py, &error)),
        }
    }

    /// Why it was lost.
    fn loss(&self) -> Option<&'static str> {
        self.guard.loss().map(|loss| loss.name())
    }

    fn check(&self, py: Python<'_>) -> PyResult<()> {
        self.guard.check().map_err(|error| raised(py, &error))
    }

    fn release(&self) -> NativeCall {
        NativeCall::new(self.guard.start_release())
    }

    fn complete(&self) -> NativeCall {
        NativeCall::new(self.guard.start_complete())
    }

    fn abandon(&self) {
        self.guard.abandon();
    }

    fn extend(&self) -> NativeCall {
        NativeCall::new(self.guard.start_extend())
    }

    #[pyo3(signature = (ttl))]
    fn detach(&self, py: Python<'_>, ttl: Option<&Bound<'_, PyAny>>) -> PyResult<NativeCall> {
        let ttl = ttl
            .map(|ttl| span("detach.ttl_ms", ttl))
            .transpose()
            .map_err(|error| raised(py, &error))?;
        Ok(NativeCall::new(self.guard.start_detach(ttl)))
    }

    /// Has the loss told to `bridge` under `key`.
    fn watch(&self, bridge: &NativeBridge, key: u64) {
        let outbox = Arc::clone(bridge.outbox());
        self.guard
            .on_lost(move |loss| outbox.push(Delivery::Lost(key, loss)));
    }

    /// Blocks this thread until the lock is lost, released or handed over: true. For `limit`
    /// seconds and for a slice of 50 ms at most; then false.
    fn wait_over(&self, py: Python<'_>, limit: f64) -> PyResult<bool> {
        let slice = Duration::try_from_secs_f64(limit)
            .unwrap_or(SLICE)
            .min(SLICE);
        let bell = self.bell();
        if self.is_open() {
            Detached::begin()?.run(py, || bell.wait(slice));
            py.check_signals()?;
        }
        Ok(!self.is_open())
    }
}
