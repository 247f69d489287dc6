//! The mutex: one holder at a time. A description without state; the guard has the state.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::client::acquiring::{acquire, try_acquire};
use crate::client::engine::Engine;
use crate::client::pending::Pending;
use crate::client::{Client, Guard};
use crate::config::{AcquireOptions, Keys, Terms};
use crate::error::{Error, ErrorKind, Result};

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
        let guard = self.acquire(options).await?;
        let done = {
            let work = std::pin::pin!(work(&guard));
            let lost = std::pin::pin!(guard.lost());
            match futures_util::future::select(work, lost).await {
                futures_util::future::Either::Left((value, _)) => Ok(value),
                futures_util::future::Either::Right((loss, _)) => {
                    let error = Error::new(ErrorKind::LeaseLost, loss.to_string());
                    Err(error.with_operation("using").with_resource(&self.name))
                }
            }
        };
        // Whatever becomes of the release, the engine sees it through.
        let _ = guard.release().await;
        done
    }

    /// Begins [`Mutex::acquire`]: the same, to be waited for, awaited or delivered.
    pub fn start_acquire(&self, options: AcquireOptions) -> Pending<Guard> {
        self.start("acquire", options, |engine, keys, terms| async move {
            acquire(engine, keys, terms).await.map(Guard::new)
        })
    }

    /// Begins [`Mutex::try_acquire`].
    pub fn start_try_acquire(&self, options: AcquireOptions) -> Pending<Option<Guard>> {
        self.start("try_acquire", options, |engine, keys, terms| async move {
            try_acquire(engine, keys, terms)
                .await
                .map(|lease| lease.map(Guard::new))
        })
    }

    fn start<T: Send + 'static, F: Future<Output = Result<T>> + Send + 'static>(
        &self,
        operation: &'static str,
        options: AcquireOptions,
        call: impl FnOnce(Arc<Engine>, Keys, Terms) -> F,
    ) -> Pending<T> {
        let ready = || {
            let settings = self.client.settings();
            let keys = Keys::new(&settings.key_prefix, &self.name)?;
            let terms = options.resolve(settings)?;
            Ok((self.client.engine()?, keys, terms))
        };
        match ready() {
            Ok((engine, keys, terms)) => engine.clone().run(call(engine, keys, terms)),
            Err(error) => {
                let error: Error = error;
                Pending::ready(Err(error
                    .with_operation(operation)
                    .with_resource(&self.name)))
            }
        }
    }
}

impl fmt::Debug for Mutex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutex")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
