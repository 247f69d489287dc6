//! The locks that are more than a mutex of one name.

use pyo3::prelude::*;
use quorlock::{AcquireOptions, Multi, Result, Semaphore};

use crate::arguments::{acquire_options, count};
use crate::call::NativeCall;
use crate::errors::raised;

type Argument<'a, 'py> = Option<&'a Bound<'py, PyAny>>;

/// A lock of the engine: a description without state.
#[pyclass(frozen, module = "quorlock._quorlock")]
pub(crate) struct NativeLock {
    kind: Kind,
}

pub(crate) enum Kind {
    Multi(Multi),
    Semaphore(Semaphore),
}

impl NativeLock {
    pub(crate) fn new(kind: Kind) -> Self {
        NativeLock { kind }
    }
}

#[pymethods]
impl NativeLock {
    fn names(&self) -> Vec<&str> {
        match &self.kind {
            Kind::Multi(multi) => multi.names().iter().map(String::as_str).collect(),
            Kind::Semaphore(semaphore) => vec![semaphore.name()],
        }
    }

    #[pyo3(signature = (ttl, timeout, renew, hold_max, permits))]
    fn acquire(
        &self,
        py: Python<'_>,
        ttl: Argument<'_, '_>,
        timeout: Argument<'_, '_>,
        renew: Argument<'_, '_>,
        hold_max: Argument<'_, '_>,
        permits: Argument<'_, '_>,
    ) -> PyResult<NativeCall> {
        let begin = || -> Result<NativeCall> {
            let options = wish(acquire_options(ttl, timeout, renew, hold_max)?, permits)?;
            Ok(NativeCall::new(match &self.kind {
                Kind::Multi(multi) => multi.start_acquire(options),
                Kind::Semaphore(semaphore) => semaphore.start_acquire(options),
            }))
        };
        begin().map_err(|error| raised(py, &error))
    }

    #[pyo3(signature = (ttl, renew, hold_max, permits))]
    fn try_acquire(
        &self,
        py: Python<'_>,
        ttl: Argument<'_, '_>,
        renew: Argument<'_, '_>,
        hold_max: Argument<'_, '_>,
        permits: Argument<'_, '_>,
    ) -> PyResult<NativeCall> {
        let begin = || -> Result<NativeCall> {
            let options = wish(acquire_options(ttl, None, renew, hold_max)?, permits)?;
            Ok(NativeCall::new(match &self.kind {
                Kind::Multi(multi) => multi.start_try_acquire(options),
                Kind::Semaphore(semaphore) => semaphore.start_try_acquire(options),
            }))
        };
        begin().map_err(|error| raised(py, &error))
    }
}

/// The options with the permits asked for, if any are.
fn wish(options: AcquireOptions, permits: Argument<'_, '_>) -> Result<AcquireOptions> {
    match permits {
        None => Ok(options),
        Some(permits) => Ok(options.permits(count("permits", permits)?)),
    }
}
