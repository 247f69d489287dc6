//! The read/write lock: many readers or one writer. A description without state; the guard has the
//! state.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::client::acquiring::{Wish, acquire, try_acquire};
use crate::client::engine::Engine;
use crate::client::pending::Pending;
use crate::client::{Client, Guard};
use crate::config::{AcquireOptions, Keys, Mode, Stance, Terms};
use crate::error::{Error, ErrorKind, Result};

/// A lock that many readers or one writer have at a time, over all processes that use the same nodes
/// and key prefix.
///
/// It is phase-fair: while a writer waits no new reader comes in, and the readers that it kept out go
/// before the next writer. A read/write lock and a mutex of the same name are two locks, which do not
/// exclude each other.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
/// # runtime.block_on(async {
/// let client = quorlock::Client::connect(["memory://rwlock-doc"])?;
/// let page = client.rwlock("page:7");
/// let (one, other) = (page.read().acquire(()).await?, page.read().acquire(()).await?);
/// assert!(page.write().try_acquire(()).await?.is_none());
/// one.release().await?;
/// other.release().await?;
/// let writer = page.write().acquire(()).await?;
/// writer.downgrade().await?;
/// assert!(page.read().try_acquire(()).await?.is_some());
/// # Ok::<(), quorlock::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct RwLock {
    client: Client,
    name: String,
}

impl RwLock {
    pub(crate) fn new(client: Client, name: String) -> Self {
        RwLock { client, name }
    }

    /// The resource's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// To read, beside other readers. No I/O.
    pub fn read(&self) -> ModeLock {
        self.in_mode(Mode::Read)
    }

    /// To write, alone. No I/O.
    pub fn write(&self) -> ModeLock {
        self.in_mode(Mode::Write)
    }

    /// To read beside readers, with the right to become a writer by [`Guard::upgrade`]: one holder at
    /// a time. No I/O.
    pub fn upgradeable(&self) -> ModeLock {
        self.in_mode(Mode::Upgradeable)
    }

    /// To hold it in `mode`. No I/O.
    pub fn in_mode(&self, mode: Mode) -> ModeLock {
        ModeLock {
            lock: self.clone(),
            mode,
        }
    }
}

/// A read/write lock to be held in one mode. A description without state.
#[derive(Clone)]
pub struct ModeLock {
    lock: RwLock,
    mode: Mode,
}

impl ModeLock {
    /// The resource's name.
    pub fn name(&self) -> &str {
        &self.lock.name
    }

    /// How it will be held.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Takes the lock in this mode, waiting for it.
    ///
    /// Takes [`AcquireOptions`], or `()` for the client's own settings. Cancelled (dropped) at any
    /// point, it leaves nothing behind.
    ///
    /// # Errors
    /// As [`crate::Mutex::acquire`].
    pub async fn acquire(&self, options: impl Into<AcquireOptions>) -> Result<Guard> {
        self.start_acquire(options.into()).await
    }

    /// Takes the lock in this mode if it can be had at once; `None` where others have it, or wait for
    /// it and go first.
    ///
    /// # Errors
    /// As [`ModeLock::acquire`], without `Timeout` and `Contended`.
    pub async fn try_acquire(&self, options: impl Into<AcquireOptions>) -> Result<Option<Guard>> {
        self.start_try_acquire(options.into()).await
    }

    /// Runs `work` under the lock and releases it whatever comes of it. If the lock is lost
    /// meanwhile, `work` is dropped and the result is `LeaseLost`.
    ///
    /// # Errors
    /// As [`ModeLock::acquire`], and `LeaseLost`.
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
                    Err(error.with_operation("using").with_resource(self.name()))
                }
            }
        };
        // Whatever becomes of the release, the engine sees it through.
        let _ = guard.release().await;
        done
    }

    /// Begins [`ModeLock::acquire`]: the same, to be waited for, awaited or delivered.
    pub fn start_acquire(&self, options: AcquireOptions) -> Pending<Guard> {
        self.start("acquire", options, |engine, wish, terms| async move {
            acquire(engine, wish, terms).await.map(Guard::new)
        })
    }

    /// Begins [`ModeLock::try_acquire`].
    pub fn start_try_acquire(&self, options: AcquireOptions) -> Pending<Option<Guard>> {
        self.start("try_acquire", options, |engine, wish, terms| async move {
            let lease = try_acquire(engine, wish, terms).await;
            lease.map(|lease| lease.map(Guard::new))
        })
    }

    fn start<T: Send + 'static, F: Future<Output = Result<T>> + Send + 'static>(
        &self,
        operation: &'static str,
        options: AcquireOptions,
        call: impl FnOnce(Arc<Engine>, Wish, Terms) -> F,
    ) -> Pending<T> {
        let client = &self.lock.client;
        let ready = || {
            let settings = client.settings();
            let keys = Keys::shared(&settings.key_prefix, self.name())?;
            let stance = Some(Stance::first(self.mode));
            let terms = options.resolve(settings)?;
            Ok((client.engine()?, Wish { keys, stance }, terms))
        };
        match ready() {
            Ok((engine, wish, terms)) => engine.clone().run(call(engine, wish, terms)),
            Err(error) => {
                let error: Error = error;
                Pending::ready(Err(error
                    .with_operation(operation)
                    .with_resource(self.name())))
            }
        }
    }
}

impl fmt::Debug for RwLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RwLock")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ModeLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModeLock")
            .field("name", &self.lock.name)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
