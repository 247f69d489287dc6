//! Python binding of Quorlock: the compiled module `quorlock._quorlock`.
//!
//! It converts, calls, maps errors and frees. Public classes, exceptions and documentation are the
//! Python package around it.
#![forbid(unsafe_code)]

mod arguments;
mod bridge;
mod call;
mod client;
mod election;
mod errors;
mod exit;
mod guard;
mod host;
mod lock;
mod once;
mod outbox;
mod reports;
mod slots;
mod ticket;
mod wake;

use pyo3::prelude::*;

/// Every class and function of the module. No state here needs the GIL: what threads share stands
/// behind a mutex of its own.
#[pymodule(gil_used = false)]
fn _quorlock(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("ERROR_TABLE", errors::table(module.py())?)?;
    module.add_class::<bridge::NativeBridge>()?;
    module.add_class::<call::NativeCall>()?;
    module.add_class::<client::NativeClient>()?;
    module.add_class::<election::NativeElection>()?;
    module.add_class::<guard::NativeGuard>()?;
    module.add_class::<lock::NativeLock>()?;
    module.add_class::<once::NativeOnce>()?;
    module.add_class::<ticket::NativeTicket>()?;
    module.add_function(wrap_pyfunction!(arguments::seconds_of, module)?)?;
    module.add_function(wrap_pyfunction!(exit::leave, module)?)?;
    module.add_function(wrap_pyfunction!(exit::after_fork, module)?)?;
    Ok(())
}
