//! Several resources as one lock: all of them, or none. A description without state; the guard has the
//! state.

use std::fmt;

use crate::client::pending::Pending;
use crate::client::starting::{start_acquire, start_try_acquire, using};
use crate::client::{Client, Guard};
use crate::config::{AcquireOptions, Keys, Settings, Terms};
use crate::error::Result;

/// A lock on several resources that are taken and given back together.
///
/// Each is the very lock that [`crate::Mutex`] of its name is, and excludes it. All of them are asked
/// for in one round, and have one guard, one renewal and one fencing token, which is larger than every
/// earlier one of each resource. A caller that has to wait holds nothing meanwhile, so that callers
/// which name the same resources in different orders never block each other.
///
/// Making one does no I/O and keeps nothing. No name, more than 64, one twice, or one out of bounds is
/// reported by the first call, as `InvalidArgument` of the field `names`.
#[derive(Clone)]
pub struct Multi {
    client: Client,
    names: Vec<String>,
}

impl Multi {
    pub(crate) fn new(client: Client, names: Vec<String>) -> Self {
        Multi { client, names }
    }

    /// The resources' names as they were given.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Takes all resources, waiting for them: in the queue of the one that another holds, and of the
    /// next where that is another's by then. Cancelled (dropped) at any point, it leaves nothing behind.
    ///
    /// # Errors
    /// As [`crate::Mutex::acquire`]; `InvalidArgument` also for the names.
    pub async fn acquire(&self, options: impl Into<AcquireOptions>) -> Result<Guard> {
        self.start_acquire(options.into()).await
    }

    /// Takes all resources if they can be had at once; `None` where somebody else has one of them.
    ///
    /// # Errors
    /// As [`Multi::acquire`], without `Timeout` and `Contended`.
    pub async fn try_acquire(&self, options: impl Into<AcquireOptions>) -> Result<Option<Guard>> {
        self.start_try_acquire(options.into()).await
    }

    /// Runs `work` under the lock and releases it whatever comes of it. If the lock is lost
    /// meanwhile, `work` is dropped and the result is `LeaseLost`.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    /// # runtime.block_on(async {
    /// let client = quorlock::Client::connect(["memory://multi-using-doc"])?;
    /// let both = client.multi(["account:1", "account:2"]);
    /// let moved = both.using((), async |guard| {
    ///     assert_eq!(guard.resources().len(), 2);
    ///     100
    /// }).await?;
    /// assert_eq!(moved, 100);
    /// # Ok::<(), quorlock::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`Multi::acquire`], and `LeaseLost`.
    pub async fn using<T>(
        &self,
        options: impl Into<AcquireOptions>,
        work: impl AsyncFnOnce(&Guard) -> T,
    ) -> Result<T> {
        using(self.acquire(options).await?, work).await
    }

    /// Begins [`Multi::acquire`]: the same, to be waited for, awaited or delivered.
    pub fn start_acquire(&self, options: AcquireOptions) -> Pending<Guard> {
        let ready = |settings: &Settings| self.ready(&options, settings);
        start_acquire(&self.client, &self.names.join(", "), ready)
    }

    /// Begins [`Multi::try_acquire`].
    pub fn start_try_acquire(&self, options: AcquireOptions) -> Pending<Option<Guard>> {
        let ready = |settings: &Settings| self.ready(&options, settings);
        start_try_acquire(&self.client, &self.names.join(", "), ready)
    }

    fn ready(&self, options: &AcquireOptions, settings: &Settings) -> Result<(Keys, Terms)> {
        let keys = Keys::several(&settings.key_prefix, &self.names)?;
        Ok((keys, options.resolve(settings)?))
    }
}

impl fmt::Debug for Multi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Multi")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}
