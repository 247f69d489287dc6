//! A job that is done once: the lock, and a mark that a majority keeps.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::client::acquiring::acquire;
use crate::client::engine::Engine;
use crate::client::pending::Pending;
use crate::client::{Client, Guard};
use crate::config::{AcquireOptions, Keys, PlantedBug, Terms, retention_ms};
use crate::error::{Error, ErrorKind, NodeOutcome, Result};
use crate::quorum::{NotKnown, Released, recall};

/// A job that is to be done once, whoever comes to do it: within the retention no other process that
/// uses the same nodes and name begins it again.
///
/// It is done under the mutex of its name. Releasing the guard says that it is done; abandoning or
/// dropping it, losing it and dying do not, and the next one who comes begins it anew. The nodes
/// remember for the retention, counted from the release; a majority of them decides, so a minority
/// may forget.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
/// # runtime.block_on(async {
/// # use std::time::Duration;
/// let client = quorlock::Client::connect(["memory://once-doc"])?;
/// let report = client.once("report:2026-11-24", Duration::from_secs(24 * 60 * 60));
/// for _ in 0..2 {
///     match report.begin(()).await? {
///         Some(guard) => {
///             // … the work, with guard.check() before each step …
///             guard.release().await?;
///         }
///         None => println!("already done"),
///     }
/// }
/// assert!(report.is_done().await?);
/// # Ok::<(), quorlock::Error>(())
/// # }).unwrap();
/// ```
///
/// What a lock cannot promise a job cannot either: one that goes on after its lease is lost may be
/// done twice. Hand the guard's fencing token to what the job writes to.
#[derive(Clone)]
pub struct Once {
    client: Client,
    name: String,
    retention: Duration,
}

impl Once {
    pub(crate) fn new(client: Client, name: String, retention: Duration) -> Self {
        Once {
            client,
            name,
            retention,
        }
    }

    /// The job's name, which is its resource's.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long the nodes remember that it is done.
    pub fn retention(&self) -> Duration {
        self.retention
    }

    /// Begins the job: a guard where it is to be done here, `None` where it is done already.
    ///
    /// Somebody else who is at it is waited for. [`Guard::release`] says that the job is done, and
    /// [`Guard::complete`] makes sure of it;
    /// [`Guard::abandon`], or dropping the guard, gives it to somebody else. The guard cannot be
    /// handed over. Cancelled at any point, it leaves nothing behind.
    ///
    /// # Errors
    /// `Timeout` where somebody else is at it for all the wait (`Contended` where the wait is zero),
    /// `QuorumUnavailable` where too few nodes answered, `InvalidArgument`, `Config`, `Closed`.
    pub async fn begin(&self, options: impl Into<AcquireOptions>) -> Result<Option<Guard>> {
        self.start_begin(options.into()).await
    }

    /// Runs `work` unless the job is done already: then, `None`. Where `work` fails, or the lock is
    /// lost, the job is not done and somebody else may begin it. If the lock is lost meanwhile,
    /// `work` is dropped.
    ///
    /// # Errors
    /// Those of `work`; as [`Once::begin`]; `LeaseLost` where the lock was lost, and where too few
    /// nodes could be told that the job is done `QuorumUnavailable`: it may be done again.
    pub async fn run<T, E: From<Error>>(
        &self,
        options: impl Into<AcquireOptions>,
        work: impl AsyncFnOnce(&Guard) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        let Some(guard) = self.begin(options).await? else {
            return Ok(None);
        };
        let done = {
            let work = std::pin::pin!(work(&guard));
            let lost = std::pin::pin!(guard.lost());
            match futures_util::future::select(work, lost).await {
                futures_util::future::Either::Left((done, _)) => done?,
                futures_util::future::Either::Right((loss, _)) => {
                    let error = Error::new(ErrorKind::LeaseLost, loss.to_string());
                    return Err(self.sign(error, "run").into());
                }
            }
        };
        guard.complete().await?;
        Ok(Some(done))
    }

    /// True where the job is done. It may be begun by somebody between the answer and what is done
    /// with it: only [`Once::begin`] excludes that.
    ///
    /// # Errors
    /// `QuorumUnavailable`, `InvalidArgument`, `Config`, `Closed`.
    pub async fn is_done(&self) -> Result<bool> {
        self.start_is_done().await
    }

    /// Begins [`Once::begin`]: the same, to be waited for, awaited or delivered.
    pub fn start_begin(&self, options: AcquireOptions) -> Pending<Option<Guard>> {
        self.start("begin", options, |engine, keys, terms| async move {
            begin(engine, keys, terms).await
        })
    }

    /// Begins [`Once::is_done`].
    pub fn start_is_done(&self) -> Pending<bool> {
        let options = AcquireOptions::new();
        self.start("is_done", options, |engine, keys, _| async move {
            connect(&engine).await;
            is_done(&engine, &keys, "is_done").await
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
            let terms = Terms {
                done_ms: Some(retention_ms(self.retention)?),
                ..options.resolve(settings)?
            };
            Ok((self.client.engine()?, keys, terms))
        };
        match ready() {
            Ok((engine, keys, terms)) => engine.run(call(Arc::clone(&engine), keys, terms)),
            Err(error) => Pending::ready(Err(self.sign(error, operation))),
        }
    }

    fn sign(&self, error: Error, operation: &'static str) -> Error {
        error.with_operation(operation).with_resource(&self.name)
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once")
            .field("name", &self.name)
            .field("retention", &self.retention)
            .finish_non_exhaustive()
    }
}

async fn begin(engine: Arc<Engine>, keys: Keys, terms: Terms) -> Result<Option<Guard>> {
    connect(&engine).await;
    // The usual answer, and without the lock: whoever comes late must not hold up the others.
    if is_done(&engine, &keys, "begin").await? {
        return Ok(None);
    }
    let lease = acquire(Arc::clone(&engine), keys.clone(), terms).await?;
    // From here on, whatever ends this early gives the lock back.
    let guard = Guard::new(lease);
    if engine.fleet.planted.has(PlantedBug::OnceLooksTooEarly) {
        return Ok(Some(guard));
    }
    // Only now does nobody else do it: who held the lock before may have.
    if is_done(&engine, &keys, "begin").await? {
        return Ok(None);
    }
    if !guard.is_held() {
        engine.usable()?;
        let message =
            "a majority granted, and told that the job is not done later than the ttl allows";
        return Err(not_begun(&engine, &keys, "begin", message, Vec::new()));
    }
    Ok(Some(guard))
}

/// Lets a first connection come about.
async fn connect(engine: &Engine) {
    let fleet = &engine.fleet;
    let by = Instant::now() + fleet.settings.connect_timeout;
    fleet.connected(by).await;
}

async fn is_done(engine: &Engine, keys: &Keys, operation: &'static str) -> Result<bool> {
    engine.usable()?;
    let recalled = recall(&engine.fleet, keys).await;
    recalled.map_err(
        |NotKnown {
             permanent,
             outcomes,
         }| {
            let message = if permanent {
                "a majority of the nodes refuses for good: access rights, passwords or topology"
            } else {
                "too few nodes could tell whether the job is done"
            };
            not_begun(engine, keys, operation, message, outcomes)
        },
    )
}

fn not_begun(
    engine: &Engine,
    keys: &Keys,
    operation: &'static str,
    message: &'static str,
    outcomes: Vec<NodeOutcome>,
) -> Error {
    let error = Error::new(ErrorKind::QuorumUnavailable, message)
        .with_operation(operation)
        .with_resource(keys.name())
        .with_outcomes(outcomes);
    engine.events.failed(keys, &error);
    error
}

/// An error where the release did not tell a majority that the job is done.
pub(crate) fn told(released: &Released) -> Result<()> {
    match released {
        // Another guard of it is left, and tells them.
        Released::Released | Released::StillHeld => Ok(()),
        Released::AlreadyExpired => Err(Error::new(
            ErrorKind::LeaseLost,
            "the lease was gone before the nodes were told that the job is done",
        )),
        Released::Unknown(outcomes) => Err(Error::new(
            ErrorKind::QuorumUnavailable,
            "too few nodes confirmed that the job is done; they are being told further",
        )
        .with_outcomes(outcomes.clone())),
    }
}
