//! Errors of the engine as exceptions of `quorlock.errors`.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;
use quorlock::{Error, ErrorKind, Fault, NodeOutcome, NodeStatus};

/// `quorlock.errors.from_native`, which picks the class by the code.
static FROM_NATIVE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The exception that stands for `error`.
pub(crate) fn raised(py: Python<'_>, error: &Error) -> PyErr {
    match exception(py, error) {
        Ok(exception) => PyErr::from_value(exception),
        // Only where the package itself cannot be imported.
        Err(broken) => broken,
    }
}

fn from_native(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    let make = FROM_NATIVE.get_or_try_init(py, || {
        py.import("quorlock.errors")?
            .getattr("from_native")
            .map(Bound::unbind)
    })?;
    Ok(make.bind(py))
}

/// As [`raised`], not to be raised yet.
pub(crate) fn exception<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let outcomes = error
        .outcomes()
        .iter()
        .map(|outcome| self::outcome(py, outcome))
        .collect::<PyResult<Vec<_>>>()?;
    from_native(py)?.call1((
        error.code(),
        error.to_string(),
        error.message(),
        error.field(),
        error.resource(),
        error.operation(),
        error.attempts(),
        error.elapsed().as_secs_f64(),
        outcomes,
    ))
}

/// One node's outcome: `(node, status, fault, remaining, is_foreign, elapsed)`.
pub(crate) fn outcome<'py>(
    py: Python<'py>,
    outcome: &NodeOutcome,
) -> PyResult<Bound<'py, PyTuple>> {
    let (remaining, foreign) = match &outcome.status {
        NodeStatus::HeldByAnother { ttl, foreign } => (ttl.map(|ttl| ttl.as_secs_f64()), *foreign),
        _ => (None, false),
    };
    let fault = match &outcome.status {
        NodeStatus::Faulted(fault) => Some(self::fault(fault)),
        _ => None,
    };
    let elapsed = outcome.elapsed.as_secs_f64();
    (
        &outcome.node,
        outcome.status.name(),
        fault,
        remaining,
        foreign,
        elapsed,
    )
        .into_pyobject(py)
}

/// A fault: `(class, detail, may_have_run)`.
pub(crate) fn fault(fault: &Fault) -> (&'static str, &str, bool) {
    (fault.class.name(), &fault.detail, fault.may_have_run)
}

/// The error table: `(name, number, code, is_retryable)` for each kind.
pub(crate) fn table(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
    let rows = ErrorKind::ALL
        .iter()
        .map(|kind| (kind.name(), kind.number(), kind.code(), kind.is_retryable()));
    PyTuple::new(py, rows.collect::<Vec<_>>())
}
