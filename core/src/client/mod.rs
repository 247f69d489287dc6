//! The client: what users call. Here are the runtime, the tasks, and the guard, the only thing
//! with state.

mod acquiring;
mod admitting;
mod adopting;
pub mod blocking;
mod builder;
mod candidate;
mod clock;
mod election;
mod ending;
mod engine;
mod entropy;
mod events;
mod footing;
mod guard;
mod handing;
mod health;
mod hints;
mod host;
mod inspection;
mod intents;
mod lease;
mod leases;
mod line;
mod multi;
mod mutex;
mod once;
mod pending;
mod process;
mod pulse;
mod renewal;
mod runtime;
mod rwlock;
mod semaphore;
mod share;
mod shield;
mod spans;
mod start;
mod starting;
mod stats;
mod turn;
mod upgrading;
mod waiter;
mod wakeups;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

pub use builder::ClientBuilder;
pub use election::Election;
pub use events::{Event, EventKind};
pub use guard::Guard;
pub use health::{Health, NodeHealth, Warning};
pub use inspection::{HeldSlot, Inspection, NodeView, SharerView};
pub use multi::Multi;
pub use mutex::Mutex;
pub use once::Once;
pub use pending::{Canceller, Pending};
pub use pulse::Pulse;
pub use rwlock::{ModeLock, RwLock};
pub use semaphore::Semaphore;
pub use spans::{span_from_ms, span_from_seconds};
#[cfg(feature = "testing")]
pub use start::Parts;
pub use stats::Stats;

use crate::config::{AcquireOptions, Keys, NodeAddress, Settings, Ticket};
use crate::error::{Error, ErrorKind, Result};
use engine::Engine;
use host::Host;
use process::ProcessLocal;

/// A client of N independent servers. Cloning it is cheap and shares everything.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
/// # runtime.block_on(async {
/// use quorlock::Client;
/// let client = Client::connect(["memory://client-doc"])?;
/// let guard = client.mutex("invoice:42").acquire(()).await?;
/// assert!(guard.is_held());
/// guard.release().await?;
/// # Ok::<(), quorlock::Error>(())
/// # }).unwrap();
/// ```
///
/// *Runtime*: calls may be awaited on any async runtime; the work runs on the engine's own thread,
/// one per process. *Fork*: a client made before `fork` works in the child, with an engine and
/// connections of its own.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    nodes: Arc<Vec<NodeAddress>>,
    settings: Settings,
    /// The caller's runtime and the process it runs in: a forked child has none of its threads.
    runtime: Option<(u32, tokio::runtime::Handle)>,
    host: Host,
    /// Set for good, also for children this process forks later.
    closed: Arc<AtomicBool>,
    engine: ProcessLocal<Arc<Engine>>,
}

impl Client {
    /// A client with default options over these nodes: `redis://`, `rediss://`, `unix://` or
    /// `memory://name` URLs. Connections are made in the background; nothing here waits.
    ///
    /// # Errors
    /// `Config`, naming the node as `nodes[i]`.
    pub fn connect<S: AsRef<str>>(nodes: impl IntoIterator<Item = S>) -> Result<Self> {
        Self::builder().connect(nodes)
    }

    /// Options first, then [`ClientBuilder::connect`].
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    fn start(
        nodes: Arc<Vec<NodeAddress>>,
        settings: Settings,
        runtime: Option<tokio::runtime::Handle>,
        host: Host,
    ) -> Result<Self> {
        let shared = Arc::new(Shared {
            nodes,
            settings,
            runtime: runtime.map(|handle| (std::process::id(), handle)),
            host,
            closed: Arc::default(),
            engine: ProcessLocal::empty(),
        });
        let client = Client { shared };
        // At once, so that the first call finds connections made.
        client.engine()?;
        Ok(client)
    }

    /// The mutex of this name. No I/O.
    pub fn mutex(&self, name: impl Into<String>) -> Mutex {
        Mutex::new(self.clone(), name.into())
    }

    /// A job of this name that is to be done once within `retention` (1 s to 366 days). No I/O; what is
    /// out of bounds is reported by the first call.
    pub fn once(&self, name: impl Into<String>, retention: Duration) -> Once {
        Once::new(self.clone(), name.into(), retention)
    }

    /// The lock of several resources at once: all of them or none. No I/O.
    ///
    /// ```
    /// # use quorlock::blocking::Client;
    /// # let client = Client::connect(["memory://multi-doc"])?;
    /// let guard = client.multi(["account:1", "account:2"]).acquire(())?;
    /// assert_eq!(guard.resources(), ["account:1", "account:2"]);
    /// # Ok::<(), quorlock::Error>(())
    /// ```
    pub fn multi<S: Into<String>>(&self, names: impl IntoIterator<Item = S>) -> Multi {
        Multi::new(self.clone(), names.into_iter().map(Into::into).collect())
    }

    /// The semaphore of this name, which so many permits may be taken of at a time. No I/O.
    ///
    /// ```
    /// # use quorlock::{AcquireOptions, blocking::Client};
    /// # let client = Client::connect(["memory://semaphore-doc"])?;
    /// let printers = client.semaphore("printers", 3);
    /// let two = printers.acquire(AcquireOptions::new().permits(2))?;
    /// assert_eq!(two.slots().len(), 2);
    /// let one = printers.acquire(())?;
    /// assert!(printers.try_acquire(())?.is_none());
    /// # Ok::<(), quorlock::Error>(())
    /// ```
    pub fn semaphore(&self, name: impl Into<String>, permits: u32) -> Semaphore {
        Semaphore::new(self.clone(), name.into(), permits)
    }

    /// Campaigns for the leadership of `name` from now on, in the background: see [`Election`]. Takes the
    /// ttl of a tenure's lease, and its `hold_max` where leaders are to take turns; a candidate waits for as
    /// long as it takes and its lease is always renewed.
    ///
    /// # Errors
    /// `InvalidArgument`, also where the options name a wait or no renewal; `Closed`.
    pub fn elect(
        &self,
        name: impl AsRef<str>,
        options: impl Into<AcquireOptions>,
    ) -> Result<Election> {
        Election::begin(self, name.as_ref(), &options.into())
    }

    /// The read/write lock of this name. No I/O.
    pub fn rwlock(&self, name: impl Into<String>) -> RwLock {
        RwLock::new(self.clone(), name.into())
    }

    /// Takes over the lock that `ticket` stands for. Exactly one of all who try wins; renewal and
    /// a new, larger fencing token begin with it.
    ///
    /// # Errors
    /// `NotHeld` where the ticket is used up, in use, or has run out (the message tells which);
    /// `QuorumUnavailable`, `Contended` (several adopters at once, none won in time), `Closed`.
    pub async fn adopt(&self, ticket: &Ticket) -> Result<Guard> {
        self.start_adopt(ticket, &AcquireOptions::new()).await
    }

    /// Like [`Client::adopt`], with options; the ttl is the ticket's unless set.
    ///
    /// # Errors
    /// As [`Client::adopt`], and `InvalidArgument`.
    pub async fn adopt_with(
        &self,
        ticket: &Ticket,
        options: impl Into<AcquireOptions>,
    ) -> Result<Guard> {
        self.start_adopt(ticket, &options.into()).await
    }

    /// Begins [`Client::adopt_with`]: the same, to be waited for, awaited or delivered.
    pub fn start_adopt(&self, ticket: &Ticket, options: &AcquireOptions) -> Pending<Guard> {
        let ready = || {
            let keys = ticket.keys(&self.settings().key_prefix)?;
            let terms = options.resolve_over(self.settings(), ticket.ttl)?;
            Ok((self.engine()?, keys, terms))
        };
        match ready() {
            Ok((engine, keys, terms)) => {
                let adopting = adopting::adopt(Arc::clone(&engine), keys, ticket.clone(), terms);
                engine.run(async { adopting.await.map(Guard::new) })
            }
            Err(error) => {
                let error: Error = error;
                Pending::ready(Err(error
                    .with_operation("adopt")
                    .with_resource(ticket.resource())))
            }
        }
    }

    /// What this client did so far, in this process: counts and times. Local, no I/O.
    ///
    /// # Errors
    /// `Closed`.
    pub fn stats(&self) -> Result<Stats> {
        let engine = self
            .engine()
            .map_err(|error| error.with_operation("stats"))?;
        Ok(engine.events.stats())
    }

    /// Shows, node by node, who holds `name`: read-only.
    ///
    /// # Errors
    /// `InvalidArgument`, `Closed`. A node that does not answer is part of the result.
    pub async fn inspect(&self, name: &str) -> Result<Inspection> {
        self.start_inspect(name).await
    }

    /// Begins [`Client::inspect`].
    pub fn start_inspect(&self, name: &str) -> Pending<Inspection> {
        self.start_look(name, Keys::new(&self.settings().key_prefix, name))
    }

    /// Begins to look at what `keys` stand for.
    fn start_look(&self, name: &str, keys: Result<Keys>) -> Pending<Inspection> {
        let ready = || Ok((self.engine()?, keys?));
        match ready() {
            Ok((engine, keys)) => {
                let fleet = Arc::clone(&engine.fleet);
                engine.run(async move { Ok(inspection::inspect(&fleet, &keys).await) })
            }
            Err(error) => {
                let error: Error = error;
                Pending::ready(Err(error.with_operation("inspect").with_resource(name)))
            }
        }
    }

    /// Checks the nodes before they are relied on: reach, role, version, persistence, eviction,
    /// the same server twice.
    ///
    /// # Errors
    /// `Closed`. Whatever is wrong with the nodes is part of the report.
    pub async fn health(&self) -> Result<Health> {
        self.start_health().await
    }

    /// Begins [`Client::health`].
    pub fn start_health(&self) -> Pending<Health> {
        match self.engine() {
            Ok(engine) => {
                let fleet = Arc::clone(&engine.fleet);
                engine.run(async move { Ok(health::check(&fleet).await) })
            }
            Err(error) => Pending::ready(Err(error.with_operation("health"))),
        }
    }

    /// Closes: later calls and callers that wait for a lock fail with `Closed`, every lock of this
    /// client is released, and what else is under way may finish within `limit`. True where all of it did.
    ///
    /// # Errors
    /// `Forked` where the process cannot make an engine.
    pub async fn close(&self, limit: Duration) -> Result<bool> {
        self.start_close(limit).await
    }

    /// Begins [`Client::close`].
    pub fn start_close(&self, limit: Duration) -> Pending<bool> {
        match self.shared.engine.get() {
            Some(engine) => {
                let closing = Arc::clone(&engine);
                engine.run_closing(async move { Ok(closing.close(limit).await) })
            }
            // Nothing was begun in this process, and nothing will be.
            None => {
                self.shared.closed.store(true, Ordering::SeqCst);
                Pending::ready(Ok(true))
            }
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// This process's engine, started if this is the first use here.
    pub(crate) fn engine(&self) -> Result<Arc<Engine>> {
        let shared = &self.shared;
        engine::usable(&shared.closed)?;
        shared.engine.get_or_make(|| {
            start::engine(
                &shared.nodes,
                &shared.settings,
                shared.runtime_here(),
                shared.host.clone(),
                Arc::clone(&shared.closed),
            )
        })
    }
}

impl Shared {
    /// The caller's runtime, in its own process; a child goes on with an engine's thread of its own.
    fn runtime_here(&self) -> Option<&tokio::runtime::Handle> {
        let here = |(pid, _): &&(u32, _)| *pid == std::process::id();
        self.runtime.as_ref().filter(here).map(|(_, handle)| handle)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("nodes", &self.shared.nodes)
            .finish_non_exhaustive()
    }
}

/// The content of a mutex whether or not a thread panicked while holding it: no invariant here
/// spans a panic, and a second panic would help nobody.
pub(crate) fn locked<T: ?Sized>(mutex: &std::sync::Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An error for a blocking call made where it would block itself or an async runtime.
pub(crate) fn may_block() -> Result<()> {
    if runtime::is_engine_thread() {
        let message = "a blocking call on the engine's own thread would wait for itself; do not block in a callback";
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
    if tokio::runtime::Handle::try_current().is_ok() {
        let message = "a blocking call inside an async runtime would block it; use quorlock::Client there, \
                       or spawn_blocking";
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
    Ok(())
}
