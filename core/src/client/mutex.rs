//! The mutex: one holder at a time. A description without state; the guard has the state.

use std::fmt;

use crate::client::pending::Pending;
use crate::client::starting::{start_acquire, start_try_acquire, using};
use crate::client::{Client, Guard};
use crate::config::{AcquireOptions, Keys, Settings, Terms};
use crate::error::Result;

/// A lock that one holder has at a time, over all processes that use the same nodes and key.
///
/// Making one does no I/O and keeps nothing: make it where you need it, or keep it. A name out of
/// bounds (empty, over 1 KiB) is reported by the first call.
#[derive(Clone)]
pub struct Mutex {
    client: Client,
    name: String,
}

impl Mutex {
    pub(crate) fn new(client: Client, name: String) -> Self {
        Mutex { client, name }
    }

    /// The resource's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes the lock, waiting for it: first in, first out over all processes.
    ///
    /// Takes [`AcquireOptions`], or `()` for the client's own settings. Cancelled (dropped) at any
    /// point, it leaves nothing behind.
    ///
    /// # Errors
    /// `Timeout` where somebody else has it for all the wait (`Contended` where the wait is zero),
    /// `QuorumUnavailable` where too few nodes answered, `InvalidArgument`, `Config`, `Closed`.
    pub async fn acquire(&self, options: impl Into<AcquireOptions>) -> Result<Guard> {
        self.start_acquire(options.into()).await
    }

    /// Takes the lock if it can be had at once; `None` where somebody else has it.
    ///
    /// # Errors
    /// As [`Mutex::acquire`], without `Timeout` and `Contended`.
    pub async fn try_acquire(&self, options: impl Into<AcquireOptions>) -> Result<Option<Guard>> {
        self.start_try_acquire(options.into()).await
    }

    /// Runs `work` under the lock and releases it whatever comes of it. If the lock is lost
    /// meanwhile, `work` is dropped and the result is `LeaseLost`.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    /// # runtime.block_on(async {
    /// let client = quorlock::Client::connect(["memory://using-doc"])?;
    /// let sum = client.mutex("sum").using((), async |guard| {
    ///     assert!(guard.is_held());
    ///     1 + 1
    /// }).await?;
    /// assert_eq!(sum, 2);
    /// # Ok::<(), quorlock::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`Mutex::acquire`], and `LeaseLost`.
    pub async fn using<T>(
        &self,
        options: impl Into<AcquireOptions>,
        work: impl AsyncFnOnce(&Guard) -> T,
    ) -> Result<T> {
        using(self.acquire(options).await?, work).await
    }

    /// Begins [`Mutex::acquire`]: the same, to be waited for, awaited or delivered.
    pub fn start_acquire(&self, options: AcquireOptions) -> Pending<Guard> {
        let ready = |settings: &Settings| self.ready(&options, settings);
        start_acquire(&self.client, &self.name, ready)
    }

    /// Begins [`Mutex::try_acquire`].
    pub fn start_try_acquire(&self, options: AcquireOptions) -> Pending<Option<Guard>> {
        let ready = |settings: &Settings| self.ready(&options, settings);
        start_try_acquire(&self.client, &self.name, ready)
    }

    fn ready(&self, options: &AcquireOptions, settings: &Settings) -> Result<(Keys, Terms)> {
        let keys = Keys::new(&settings.key_prefix, &self.name)?;
        Ok((keys, options.resolve(settings)?))
    }
}

impl fmt::Debug for Mutex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutex")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
