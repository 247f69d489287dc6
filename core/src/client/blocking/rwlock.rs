//! The read/write lock for code that blocks.

use crate::client::blocking::Guard;
use crate::client::may_block;
use crate::config::{AcquireOptions, Mode};
use crate::error::Result;

/// See [`crate::RwLock`].
///
/// ```
/// use quorlock::{Mode, blocking::Client};
/// let client = Client::connect(["memory://blocking-rwlock-doc"])?;
/// let page = client.rwlock("page:7");
/// let guard = page.upgradeable().acquire(())?;
/// guard.upgrade(())?;
/// assert_eq!(guard.mode(), Some(Mode::Write));
/// assert!(page.read().try_acquire(())?.is_none());
/// # Ok::<(), quorlock::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct RwLock {
    pub(super) inner: crate::client::RwLock,
}

impl RwLock {
    /// The resource's name.
    pub fn name(&self) -> &str {
        self.inner.name()
    }

    /// See [`crate::RwLock::read`].
    pub fn read(&self) -> ModeLock {
        self.in_mode(Mode::Read)
    }

    /// See [`crate::RwLock::write`].
    pub fn write(&self) -> ModeLock {
        self.in_mode(Mode::Write)
    }

    /// See [`crate::RwLock::upgradeable`].
    pub fn upgradeable(&self) -> ModeLock {
        self.in_mode(Mode::Upgradeable)
    }

    /// See [`crate::RwLock::in_mode`].
    pub fn in_mode(&self, mode: Mode) -> ModeLock {
        ModeLock {
            inner: self.inner.in_mode(mode),
        }
    }
}

/// See [`crate::ModeLock`].
#[derive(Debug, Clone)]
pub struct ModeLock {
    inner: crate::client::ModeLock,
}

impl ModeLock {
    /// The resource's name.
    pub fn name(&self) -> &str {
        self.inner.name()
    }

    /// How it will be held.
    pub fn mode(&self) -> Mode {
        self.inner.mode()
    }

    /// See [`crate::ModeLock::acquire`].
    ///
    /// # Errors
    /// As there; `InvalidArgument` inside an async runtime.
    pub fn acquire(&self, options: impl Into<AcquireOptions>) -> Result<Guard> {
        may_block()?;
        let acquired = self.inner.start_acquire(options.into()).wait();
        acquired.map(Guard::new)
    }

    /// See [`crate::ModeLock::try_acquire`].
    ///
    /// # Errors
    /// As there; `InvalidArgument` inside an async runtime.
    pub fn try_acquire(&self, options: impl Into<AcquireOptions>) -> Result<Option<Guard>> {
        may_block()?;
        let tried = self.inner.start_try_acquire(options.into()).wait()?;
        Ok(tried.map(Guard::new))
    }

    /// Runs `work` under the lock and releases it whatever comes of it. `work` goes on if the lock
    /// is lost meanwhile: ask `guard.check()` before each step that needs it.
    ///
    /// # Errors
    /// As [`ModeLock::acquire`].
    pub fn using<T>(
        &self,
        options: impl Into<AcquireOptions>,
        work: impl FnOnce(&Guard) -> T,
    ) -> Result<T> {
        let guard = self.acquire(options)?;
        let done = work(&guard);
        // Whatever becomes of the release, the engine sees it through.
        let _ = guard.release();
        Ok(done)
    }
}
