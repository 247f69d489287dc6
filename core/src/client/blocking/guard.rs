//! A held lock whose calls block the calling thread.

use std::time::Duration;

use crate::client::may_block;
use crate::config::{AcquireOptions, FencingToken, Mode, Ticket};
use crate::error::Result;
use crate::quorum::{Loss, Released};

/// A held lock; see [`crate::Guard`]. Dropping it releases the lock in the background.
#[derive(Debug)]
pub struct Guard {
    inner: crate::client::Guard,
}

impl Guard {
    pub(super) fn new(inner: crate::client::Guard) -> Self {
        Guard { inner }
    }

    /// The resource this lock is for.
    pub fn resource(&self) -> &str {
        self.inner.resource()
    }

    /// See [`crate::Guard::resources`].
    pub fn resources(&self) -> Vec<&str> {
        self.inner.resources()
    }

    /// See [`crate::Guard::slots`].
    pub fn slots(&self) -> &[u32] {
        self.inner.slots()
    }

    /// See [`crate::Guard::is_held`].
    pub fn is_held(&self) -> bool {
        self.inner.is_held()
    }

    /// See [`crate::Guard::remaining`].
    pub fn remaining(&self) -> Duration {
        self.inner.remaining()
    }

    /// See [`crate::Guard::fencing_token`].
    pub fn fencing_token(&self) -> Option<FencingToken> {
        self.inner.fencing_token()
    }

    /// See [`crate::Guard::is_adopted`].
    pub fn is_adopted(&self) -> bool {
        self.inner.is_adopted()
    }

    /// See [`crate::Guard::is_once`].
    pub fn is_once(&self) -> bool {
        self.inner.is_once()
    }

    /// See [`crate::Guard::loss`].
    pub fn loss(&self) -> Option<Loss> {
        self.inner.loss()
    }

    /// See [`crate::Guard::on_lost`].
    pub fn on_lost(&self, callback: impl FnOnce(Loss) + Send + 'static) {
        self.inner.on_lost(callback);
    }

    /// See [`crate::Guard::check`].
    ///
    /// # Errors
    /// As there.
    pub fn check(&self) -> Result<()> {
        self.inner.check()
    }

    /// See [`crate::Guard::release`].
    ///
    /// # Errors
    /// As there.
    pub fn release(&self) -> Result<Released> {
        may_block()?;
        self.inner.start_release().wait()
    }

    /// See [`crate::Guard::reenter`].
    ///
    /// # Errors
    /// As there.
    pub fn reenter(&self) -> Result<Guard> {
        self.inner.reenter().map(Guard::new)
    }

    /// See [`crate::Guard::complete`].
    ///
    /// # Errors
    /// As there.
    pub fn complete(&self) -> Result<()> {
        may_block()?;
        self.inner.start_complete().wait()
    }

    /// See [`crate::Guard::abandon`].
    pub fn abandon(&self) {
        self.inner.abandon();
    }

    /// See [`crate::Guard::extend`].
    ///
    /// # Errors
    /// As there.
    pub fn extend(&self) -> Result<()> {
        may_block()?;
        self.inner.start_extend().wait()
    }

    /// See [`crate::Guard::mode`].
    pub fn mode(&self) -> Option<Mode> {
        self.inner.mode()
    }

    /// See [`crate::Guard::upgrade`].
    ///
    /// # Errors
    /// As there.
    pub fn upgrade(&self, options: impl Into<AcquireOptions>) -> Result<()> {
        may_block()?;
        self.inner.start_upgrade(options.into()).wait()
    }

    /// See [`crate::Guard::downgrade`].
    ///
    /// # Errors
    /// As there.
    pub fn downgrade(&self) -> Result<()> {
        may_block()?;
        self.inner.start_downgrade().wait()
    }

    /// See [`crate::Guard::detach`].
    ///
    /// # Errors
    /// As there.
    pub fn detach(&self) -> Result<Ticket> {
        may_block()?;
        self.inner.start_detach(None).wait()
    }

    /// See [`crate::Guard::detach_for`].
    ///
    /// # Errors
    /// As there.
    pub fn detach_for(&self, ttl: Duration) -> Result<Ticket> {
        may_block()?;
        self.inner.start_detach(Some(ttl)).wait()
    }
}
