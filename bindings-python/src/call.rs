//! A call that was begun: to be waited for by a thread, or delivered to an event loop.

use std::sync::{Mutex, PoisonError};
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

    fn take(&self) -> PyResult<Box<dyn Begun>> {
        self.begun
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
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
    /// Blocks this thread until the result is there. Other threads run meanwhile, and signal
    /// handlers on this one: an exception of theirs cancels the call.
    fn wait(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let mut begun = self.take()?;
        let detached = Detached::begin(py)?;
        let done = loop {
            match detached.run(py, || begun.wait_for(SLICE)) {
                Some(done) => break done,
                None => {
                    py.check_signals()?;
                    detached.may_go_on(py)?;
                }
            }
        };
        drop(detached);
        match done {
            Ok(value) => value.into_python(py),
            Err(error) => Err(raised(py, &error)),
        }
    }
}
