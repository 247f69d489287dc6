//! The semaphore: so many holders at a time. A description without state; the guard has the state.

use std::fmt;

use crate::client::pending::Pending;
use crate::client::starting::{start_acquire, start_try_acquire, using};
use crate::client::{Client, Guard, Inspection};
use crate::config::{AcquireOptions, Keys, Settings, Terms};
use crate::error::Result;

/// A lock that so many permits may be taken of at a time, over all processes that use the same nodes
/// and name.
///
/// It consists of numbered slots, each a lock of its own on a majority of the nodes, so that there are
/// never more holders than slots; a permit is a slot. [`AcquireOptions::permits`] takes several, all or
/// none; [`Guard::slots`] tells which. Waiters are served first in, first out; one that wants more than
/// is free may be passed by smaller ones sixteen times, and then nobody passes it.
///
/// *Other limits*: a client uses the slots below its own limit. A larger limit counts at once, also
/// beside clients with a smaller one; a smaller one takes effect as the holders of the slots above leave.
/// Clients that use different limits at a time together have at most the largest, and each at most its own.
///
/// *Names*: the semaphore `a` and the mutex `a` have nothing to do with each other.
///
/// Making one does no I/O and keeps nothing. A limit out of bounds (1 to 1000) is reported by the first
/// call, as `InvalidArgument` of the field `permits`.
#[derive(Clone)]
pub struct Semaphore {
    client: Client,
    name: String,
    permits: u32,
}

impl Semaphore {
    pub(crate) fn new(client: Client, name: String, permits: u32) -> Self {
        Semaphore {
            client,
            name,
            permits,
        }
    }

    /// The semaphore's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many permits there are in all.
    pub fn permits(&self) -> u32 {
        self.permits
    }

    /// Takes permits, waiting for them. Cancelled (dropped) at any point, it leaves nothing behind.
    ///
    /// # Errors
    /// As [`crate::Mutex::acquire`]; `InvalidArgument` also for the limit and for the permits asked for.
    pub async fn acquire(&self, options: impl Into<AcquireOptions>) -> Result<Guard> {
        self.start_acquire(options.into()).await
    }

    /// Takes permits if they can be had at once; `None` where too few are free or others wait.
    ///
    /// # Errors
    /// As [`Semaphore::acquire`], without `Timeout` and `Contended`.
    pub async fn try_acquire(&self, options: impl Into<AcquireOptions>) -> Result<Option<Guard>> {
        self.start_try_acquire(options.into()).await
    }

    /// Runs `work` with permits and gives them back whatever comes of it. If they are lost meanwhile,
    /// `work` is dropped and the result is `LeaseLost`.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    /// # runtime.block_on(async {
    /// let client = quorlock::Client::connect(["memory://semaphore-using-doc"])?;
    /// let slot = client.semaphore("downloads", 4).using((), async |guard| guard.slots()[0]).await?;
    /// assert!(slot < 4);
    /// # Ok::<(), quorlock::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`Semaphore::acquire`], and `LeaseLost`.
    pub async fn using<T>(
        &self,
        options: impl Into<AcquireOptions>,
        work: impl AsyncFnOnce(&Guard) -> T,
    ) -> Result<T> {
        using(self.acquire(options).await?, work).await
    }

    /// Begins [`Semaphore::acquire`]: the same, to be waited for, awaited or delivered.
    pub fn start_acquire(&self, options: AcquireOptions) -> Pending<Guard> {
        start_acquire(&self.client, &self.name, |settings| {
            self.ready(options, settings)
        })
    }

    /// Begins [`Semaphore::try_acquire`].
    pub fn start_try_acquire(&self, options: AcquireOptions) -> Pending<Option<Guard>> {
        start_try_acquire(&self.client, &self.name, |settings| {
            self.ready(options, settings)
        })
    }

    /// Shows who holds which slot, and node by node how many wait: read-only.
    ///
    /// # Errors
    /// `InvalidArgument`, `Closed`. A node that does not answer is part of the result.
    pub async fn inspect(&self) -> Result<Inspection> {
        self.start_inspect().await
    }

    /// Begins [`Semaphore::inspect`].
    pub fn start_inspect(&self) -> Pending<Inspection> {
        let prefix = &self.client.settings().key_prefix;
        let keys = Keys::pool(prefix, &self.name, self.permits, 1);
        self.client.start_look(&self.name, keys)
    }

    fn ready(&self, options: AcquireOptions, settings: &Settings) -> Result<(Keys, Terms)> {
        let (options, wanted) = options.split_permits();
        let keys = Keys::pool(&settings.key_prefix, &self.name, self.permits, wanted)?;
        Ok((keys, options.resolve(settings)?))
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("name", &self.name)
            .field("permits", &self.permits)
            .finish_non_exhaustive()
    }
}
