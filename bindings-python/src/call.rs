//! A call that was begun: to be waited for by a thread, or delivered to an event loop.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use quorlock::{Canceller, Pending, Result};

use crate::errors::raised;
use crate::exit::Detached;
use crate::reports::Yield;

/// How long a thread waits before it looks for signals.
const SLICE: Duration = Duration::from_millis(50);

/// What takes the result of a call.
pub(crate) type Sink = Box<dyn FnOnce(Result<Yield>) + Send>;

/// A call of the engine under way, whatever it ends with.
trait Begun: Send {
    fn wait_for(&mut self, limit: Duration) -> Option<Result<Yield>>;
    fn deliver(self: Box<Self>, sink: Sink) -> Canceller;
}

impl<T: Into<Yield> + Send + 'static> Begun for Pending<T> {
    fn wait_for(&mut self, limit: Duration) -> Option<Result<Yield>> {
        Pending::wait_for(self, limit).map(|done| done.map(Into::into))
    }

    fn deliver(self: Box<Self>, sink: Sink) -> Canceller {
        Pending::deliver(*self, |done| sink(done.map(Into::into)))
    }
}

/// A call under way. Dropped before its result is taken, it is cancelled and leaves nothing behind.
#[pyclass(frozen, module = "quorlock._quorlock")]
pub(crate) struct NativeCall {
    begun: Mutex<Option<Box<dyn Begun>>>,
}

impl NativeCall {
    pub(crate) fn new<T: Into<Yield> + Send + 'static>(pending: Pending<T>) -> Self {
        NativeCall {
            begun: Mutex::new(Some(Box::new(pending))),
        }
    }

    fn begun(&self) -> MutexGuard<'_, Option<Box<dyn Begun>>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> PyResult<Box<dyn Begun>> {
        self.begun()
            .take()
            .ok_or_else(|| PyRuntimeError::new_err("the result of this call was taken before"))
    }

    /// Has the result given to `sink`, on the engine's thread or here and now.
    pub(crate) fn deliver(&self, sink: Sink) -> PyResult<Canceller> {
        Ok(self.take()?.deliver(sink))
    }
}

#[pymethods]
impl NativeCall {
    /// Blocks this thread until the result is there, for a slice of 50 ms at most; other threads
    /// run meanwhile. `...` where the call is still under way: the caller asks again, and between
    /// two slices Python looks for signals and for exceptions from other threads.
    fn wait(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let mut begun = self.take()?;
        let done = Detached::begin()?.run(py, || begun.wait_for(SLICE));
        match done {
            Some(Ok(value)) => value.into_python(py),
            Some(Err(error)) => Err(raised(py, &error)),
            None => {
                *self.begun() = Some(begun);
                py.check_signals()?;
                Ok(py.Ellipsis())
            }
        }
    }

    /// Gives the call up: it leaves nothing behind.
    fn cancel(&self) {
        let begun = self.begun().take();
        drop(begun);
    }
}
