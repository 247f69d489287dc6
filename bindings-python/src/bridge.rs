//! The bridge to an event loop, or to the thread that runs callbacks where there is no loop.
//!
//! One per loop. The engine's thread fills the outbox; the loop watches its descriptor and calls
//! [`NativeBridge::drain`], which resolves everything that has come in one go.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::IntoPyObjectExt;
use pyo3::intern;
use pyo3::prelude::*;
use quorlock::{ErrorKind, Event, Result};

use crate::call::NativeCall;
use crate::errors;
use crate::exit::Detached;
use crate::host;
use crate::outbox::{Delivery, Outbox};
use crate::reports::Yield;
use crate::slots::{SlotId, Slots};

/// How long the callback thread waits before it looks whether it shall end.
const SLICE: Duration = Duration::from_millis(500);

/// The bridge of one loop.
#[pyclass(frozen, module = "quorlock._quorlock")]
pub(crate) struct NativeBridge {
    outbox: Arc<Outbox>,
    slots: Mutex<Slots>,
}

impl NativeBridge {
    pub(crate) fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the result of the call `id` to its future. A lock that nobody takes any more is
    /// dropped, which gives it back.
    fn resolve(&self, py: Python<'_>, id: SlotId, done: Result<Yield>) -> PyResult<()> {
        let Some(future) = self.slots().end(id) else {
            return Ok(());
        };
        let future = future.bind(py);
        if future.call_method0(intern!(py, "done"))?.is_truthy()? {
            return Ok(());
        }
        match done {
            Ok(value) => {
                let value = value.into_python(py)?;
                future.call_method1(intern!(py, "set_result"), (value,))?;
            }
            Err(error) if error.kind() == ErrorKind::Cancelled => {
                future.call_method0(intern!(py, "cancel"))?;
            }
            Err(error) => {
                let exception = errors::exception(py, &error)?;
                future.call_method1(intern!(py, "set_exception"), (exception,))?;
            }
        }
        Ok(())
    }
}

#[pymethods]
impl NativeBridge {
    #[new]
    fn new() -> PyResult<Self> {
        Ok(NativeBridge {
            outbox: Arc::new(Outbox::new()?),
            slots: Mutex::default(),
        })
    }

    /// The descriptor to watch for reading.
    fn fileno(&self) -> i32 {
        self.outbox.wake.fileno()
    }

    /// Has the result of `call` given to `future` by a later `drain`. Returns its id for `cancel`.
    fn begin(&self, call: &NativeCall, future: Py<PyAny>) -> PyResult<u64> {
        let id = self.slots().open(future);
        let outbox = Arc::clone(&self.outbox);
        let deliver = move |done| outbox.push(Delivery::Ended(id, done));
        match call.deliver(Box::new(deliver)) {
            Ok(canceller) => self.slots().arm(id, canceller),
            Err(error) => {
                self.slots().end(id);
                return Err(error);
            }
        }
        Ok(id.to_number())
    }

    /// Gives up a call: what it had begun is undone, what it wins is given back.
    fn cancel(&self, number: u64) {
        let given_up = self.slots().give_up(SlotId::of_number(number));
        if let Some((Some(canceller), _)) = &given_up {
            canceller.cancel();
        }
    }

    /// Resolves the futures of all calls that ended and answers the engine's questions. Returns the
    /// rest: `("lost", guard key, reason)`, `("event", client key, (kind, resource, detail, span,
    /// attempts, level))` and `("dropped", 0, number of events)`.
    fn drain(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        let drained = self.outbox.drain();
        let mut rest = Vec::new();
        for delivery in drained.deliveries {
            match delivery {
                Delivery::Ended(id, done) => {
                    if let Err(error) = self.resolve(py, id, done) {
                        // One future that cannot be resolved keeps no other from it.
                        error.write_unraisable(py, None);
                    }
                }
                Delivery::Lost(key, loss) => {
                    rest.push(("lost", key, loss.name()).into_py_any(py)?);
                }
                Delivery::Happened(key, event) => {
                    rest.push(("event", key, parts(&event)).into_py_any(py)?);
                }
                Delivery::Pulse(host) => host.beat(),
            }
        }
        if drained.events_dropped > 0 {
            rest.push(("dropped", 0, drained.events_dropped).into_py_any(py)?);
        }
        Ok(rest)
    }

    /// True where a `drain` would find nothing.
    fn is_empty(&self) -> bool {
        self.outbox.is_empty()
    }

    /// Blocks the calling thread until there is something to drain; false once the bridge is
    /// closed. For the callback thread.
    fn wait(&self, py: Python<'_>) -> PyResult<bool> {
        loop {
            if self.outbox.has_closed() {
                return Ok(false);
            }
            if !self.outbox.is_empty() {
                return Ok(true);
            }
            Detached::begin()?.run(py, || self.outbox.wake.wait(SLICE));
        }
    }

    /// Ends the bridge: every call under way is given up.
    fn close(&self) {
        if self.outbox.is_elsewhere() {
            return;
        }
        self.outbox.close();
        let cancellers = self.slots().cancellers();
        for canceller in cancellers {
            canceller.cancel();
        }
    }
}

impl Drop for NativeBridge {
    fn drop(&mut self) {
        self.close();
    }
}

type Parts<'a> = (&'static str, &'a str, &'a str, f64, u32, u8);

fn parts(event: &Event) -> Parts<'_> {
    (
        event.kind.name(),
        &event.resource,
        &event.detail,
        event.span.as_secs_f64(),
        event.attempts,
        host::level(event.kind),
    )
}
