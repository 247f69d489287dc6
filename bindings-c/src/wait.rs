//! Waiting for a call, with or without a canceller.

use std::sync::Arc;

use engine::Pending;

use crate::callback::may_block;
use crate::canceller::Canceller;
use crate::handle::Live;
use crate::report::Report;

/// The result of a call that ends by itself soon.
pub(crate) fn wait<T>(begin: impl FnOnce() -> Pending<T>) -> Result<T, Box<Report>> {
    // First: a call that was begun and dropped might have its effect all the same.
    may_block()?;
    Ok(begin().wait()?)
}

/// The result of a call that may wait long, and be given up.
pub(crate) fn wait_or_cancel<T: Send + 'static>(
    canceller: Option<Arc<Live<Canceller>>>,
    begin: impl FnOnce() -> Pending<T>,
) -> Result<T, Box<Report>> {
    may_block()?;
    match canceller {
        None => Ok(begin().wait()?),
        Some(canceller) => canceller.wait(begin),
    }
}
