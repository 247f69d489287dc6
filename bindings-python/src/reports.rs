//! What a call ended with, as Python objects.

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use quorlock::{Guard, Health, Inspection, Released, Stats, Ticket};

use crate::errors::{fault, outcome};
use crate::guard::NativeGuard;
use crate::ticket::NativeTicket;

/// What calls end with. Reports are tuples, which the package makes classes of.
pub(crate) enum Yield {
    Guard(Guard),
    MaybeGuard(Option<Guard>),
    Released(Released),
    Done,
    Ticket(Ticket),
    Inspection(Inspection),
    Health(Health),
    Yes(bool),
    Label(Option<String>),
}

macro_rules! yields {
    ($($type:ty => $variant:ident),* $(,)?) => {
        $(impl From<$type> for Yield {
            fn from(value: $type) -> Self {
                Yield::$variant(value)
            }
        })*
    };
}

yields! {
    Guard => Guard,
    Option<Guard> => MaybeGuard,
    Released => Released,
    Ticket => Ticket,
    Inspection => Inspection,
    Health => Health,
    bool => Yes,
    Option<String> => Label,
}

impl From<()> for Yield {
    fn from((): ()) -> Self {
        Yield::Done
    }
}

impl Yield {
    /// As a Python object.
    pub(crate) fn into_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self {
            Yield::Guard(guard) | Yield::MaybeGuard(Some(guard)) => {
                Ok(Py::new(py, NativeGuard::new(guard))?.into_any())
            }
            Yield::MaybeGuard(None) | Yield::Done => Ok(py.None()),
            Yield::Released(released) => self::released(py, &released),
            Yield::Ticket(ticket) => Ok(Py::new(py, NativeTicket::new(ticket))?.into_any()),
            Yield::Inspection(inspection) => self::inspection(py, &inspection),
            Yield::Health(health) => self::health(py, &health),
            Yield::Yes(yes) => yes.into_py_any(py),
            Yield::Label(label) => label.into_py_any(py),
        }
    }
}

fn released(py: Python<'_>, released: &Released) -> PyResult<Py<PyAny>> {
    let outcomes = match released {
        Released::Unknown(outcomes) => outcomes.as_slice(),
        _ => &[],
    };
    let outcomes = outcomes
        .iter()
        .map(|one| outcome(py, one))
        .collect::<PyResult<Vec<_>>>()?;
    (released.name(), outcomes).into_py_any(py)
}

fn inspection(py: Python<'_>, inspection: &Inspection) -> PyResult<Py<PyAny>> {
    let nodes = inspection.nodes.iter().map(|view| {
        (
            &view.node,
            view.owner.as_deref(),
            view.remaining.map(|left| left.as_secs_f64()),
            view.fencing_counter.map(|token| token.get()),
            view.waiters,
            view.fault.as_ref().map(fault),
        )
    });
    let nodes = PyTuple::new(py, nodes.collect::<Vec<_>>())?;
    (
        &inspection.resource,
        inspection.holder.as_deref(),
        inspection.quorum,
        nodes,
    )
        .into_py_any(py)
}

fn health(py: Python<'_>, health: &Health) -> PyResult<Py<PyAny>> {
    let nodes = health.nodes.iter().map(|node| {
        (
            &node.node,
            node.fault.as_ref().map(fault),
            node.round_trip.as_secs_f64(),
            node.server.as_deref(),
            node.version.as_deref(),
            node.mode.as_deref(),
            node.role.as_deref(),
            node.append_only,
            node.eviction.as_deref(),
            node.replicas,
            node.guarded.map(|left| left.as_secs_f64()),
        )
    });
    let nodes = PyTuple::new(py, nodes.collect::<Vec<_>>())?;
    let warnings = health
        .warnings
        .iter()
        .map(|warning| (warning.name(), warning.to_string()));
    let warnings = PyTuple::new(py, warnings.collect::<Vec<_>>())?;
    (health.has_quorum(), health.quorum, nodes, warnings).into_py_any(py)
}

/// Counts and times in the order of `quorlock.Stats`.
pub(crate) fn stats(py: Python<'_>, stats: &Stats) -> PyResult<Py<PyAny>> {
    let counts = [
        stats.acquired,
        stats.contended,
        stats.failed,
        stats.renewed,
        stats.lost,
        stats.released,
        stats.detached,
        stats.adopted,
        stats.node_faults,
        stats.rounds,
    ];
    let times = (
        stats.waited.as_secs_f64(),
        stats.held.as_secs_f64(),
        stats.renewal_margin_min.map(|margin| margin.as_secs_f64()),
    );
    (counts, times).into_py_any(py)
}
