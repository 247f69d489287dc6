//! A job that is done once.

use pyo3::prelude::*;
use quorlock::Once;

use crate::arguments::acquire_options;
use crate::call::NativeCall;
use crate::errors::raised;

type Argument<'a, 'py> = Option<&'a Bound<'py, PyAny>>;

/// A job of the engine: a description without state.
#[pyclass(frozen, module = "quorlock._quorlock")]
pub(crate) struct NativeOnce {
    pub(crate) once: Once,
}

#[pymethods]
impl NativeOnce {
    #[pyo3(signature = (ttl, timeout, renew, hold_max))]
    fn begin(
        &self,
        py: Python<'_>,
        ttl: Argument<'_, '_>,
        timeout: Argument<'_, '_>,
        renew: Argument<'_, '_>,
        hold_max: Argument<'_, '_>,
    ) -> PyResult<NativeCall> {
        match acquire_options(ttl, timeout, renew, hold_max) {
            Ok(options) => Ok(NativeCall::new(self.once.start_begin(options))),
            Err(error) => Err(raised(py, &error)),
        }
    }

    fn is_done(&self) -> NativeCall {
        NativeCall::new(self.once.start_is_done())
    }
}
