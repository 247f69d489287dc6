//! A ticket: the right to a held lock, as text.

use pyo3::prelude::*;
use quorlock::Ticket;

use crate::arguments::text;
use crate::errors::raised;

/// A ticket of the engine.
#[pyclass(frozen, module = "quorlock._quorlock")]
pub(crate) struct NativeTicket {
    pub(crate) ticket: Ticket,
}

impl NativeTicket {
    pub(crate) fn new(ticket: Ticket) -> Self {
        NativeTicket { ticket }
    }
}

#[pymethods]
impl NativeTicket {
    #[staticmethod]
    fn decode(py: Python<'_>, encoded: &Bound<'_, PyAny>) -> PyResult<Self> {
        text("ticket", encoded)
            .and_then(|encoded| Ticket::decode(&encoded))
            .map(NativeTicket::new)
            .map_err(|error| raised(py, &error))
    }

    fn encode(&self) -> String {
        self.ticket.encode()
    }

    #[getter]
    fn id(&self) -> &str {
        self.ticket.id()
    }

    #[getter]
    fn resource(&self) -> &str {
        self.ticket.resource()
    }

    /// Seconds.
    #[getter]
    fn ttl(&self) -> f64 {
        self.ticket.ttl().as_secs_f64()
    }

    #[getter]
    fn fencing_token(&self) -> Option<u64> {
        self.ticket.fencing_token().map(|token| token.get())
    }
}
