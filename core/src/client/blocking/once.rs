//! Jobs that are done once, begun by a thread that blocks.

use crate::client::blocking::Guard;
use crate::client::may_block;
use crate::config::AcquireOptions;
use crate::error::{Error, Result};

/// See [`crate::Once`].
#[derive(Debug, Clone)]
pub struct Once {
    pub(super) inner: crate::client::Once,
}

impl Once {
    /// The job's name.
    pub fn name(&self) -> &str {
        self.inner.name()
    }

    /// See [`crate::Once::begin`].
    ///
    /// # Errors
    /// As there; `InvalidArgument` inside an async runtime.
    pub fn begin(&self, options: impl Into<AcquireOptions>) -> Result<Option<Guard>> {
        may_block()?;
        let begun = self.inner.start_begin(options.into()).wait()?;
        Ok(begun.map(Guard::new))
    }

    /// See [`crate::Once::run`]; `work` goes on if the lock is lost meanwhile, and is an error then.
    ///
    /// # Errors
    /// As there; `InvalidArgument` inside an async runtime.
    pub fn run<T, E: From<Error>>(
        &self,
        options: impl Into<AcquireOptions>,
        work: impl FnOnce(&Guard) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        let Some(guard) = self.begin(options)? else {
            return Ok(None);
        };
        let done = work(&guard)?;
        guard.complete()?;
        Ok(Some(done))
    }

    /// See [`crate::Once::is_done`].
    ///
    /// # Errors
    /// As there; `InvalidArgument` inside an async runtime.
    pub fn is_done(&self) -> Result<bool> {
        may_block()?;
        self.inner.start_is_done().wait()
    }
}
