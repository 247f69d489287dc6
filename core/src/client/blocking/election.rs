//! A leader's place, for code that blocks.

use std::time::Duration;

use crate::client::blocking::Guard;
use crate::client::may_block;
use crate::config::FencingToken;
use crate::error::{Error, Result};
use crate::quorum::Released;

/// A candidate for a leadership; see [`crate::Election`]. Dropping it hands over in the background.
#[derive(Debug)]
pub struct Election {
    pub(super) inner: crate::client::Election,
}

impl Election {
    /// The name that is led.
    pub fn name(&self) -> &str {
        self.inner.name()
    }

    /// See [`crate::Election::is_leader`].
    pub fn is_leader(&self) -> bool {
        self.inner.is_leader()
    }

    /// See [`crate::Election::fencing_token`].
    pub fn fencing_token(&self) -> Option<FencingToken> {
        self.inner.fencing_token()
    }

    /// See [`crate::Election::won`].
    ///
    /// # Errors
    /// As there; `InvalidArgument` inside an async runtime.
    pub fn won(&self) -> Result<Guard> {
        may_block()?;
        self.inner.start_won(None).wait().map(Guard::new)
    }

    /// See [`crate::Election::won_within`].
    ///
    /// # Errors
    /// As there; `InvalidArgument` inside an async runtime.
    pub fn won_within(&self, limit: Duration) -> Result<Guard> {
        may_block()?;
        self.inner.start_won(Some(limit)).wait().map(Guard::new)
    }

    /// See [`crate::Election::leader`].
    ///
    /// # Errors
    /// As there; `InvalidArgument` inside an async runtime.
    pub fn leader(&self) -> Result<Option<String>> {
        may_block()?;
        self.inner.start_leader().wait()
    }

    /// See [`crate::Election::trouble`].
    pub fn trouble(&self) -> Option<Error> {
        self.inner.trouble()
    }

    /// See [`crate::Election::resign`].
    ///
    /// # Errors
    /// As there; `InvalidArgument` inside an async runtime.
    pub fn resign(&self) -> Result<Released> {
        may_block()?;
        self.inner.start_resign().wait()
    }
}
