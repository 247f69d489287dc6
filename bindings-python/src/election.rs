//! A candidate for a leadership.

use pyo3::prelude::*;
use quorlock::Election;

use crate::arguments::span;
use crate::call::NativeCall;
use crate::errors::{exception, raised};

type Argument<'a, 'py> = Option<&'a Bound<'py, PyAny>>;

/// A candidate of the engine. Freed, it hands over in the background.
#[pyclass(frozen, module = "quorlock._quorlock")]
pub(crate) struct NativeElection {
    pub(crate) election: Election,
}

#[pymethods]
impl NativeElection {
    #[getter]
    fn name(&self) -> &str {
        self.election.name()
    }

    fn is_leader(&self) -> bool {
        self.election.is_leader()
    }

    fn fencing_token(&self) -> Option<u64> {
        self.election.fencing_token().map(|token| token.get())
    }

    /// Why it could not be elected lately.
    fn trouble<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let trouble = self.election.trouble();
        trouble.map(|error| exception(py, &error)).transpose()
    }

    #[pyo3(signature = (timeout))]
    fn won(&self, py: Python<'_>, timeout: Argument<'_, '_>) -> PyResult<NativeCall> {
        let limit = timeout.map(|timeout| span("won.limit_ms", timeout));
        match limit.transpose() {
            Ok(limit) => Ok(NativeCall::new(self.election.start_won(limit))),
            Err(error) => Err(raised(py, &error)),
        }
    }

    fn leader(&self) -> NativeCall {
        NativeCall::new(self.election.start_leader())
    }

    fn resign(&self) -> NativeCall {
        NativeCall::new(self.election.start_resign())
    }
}
