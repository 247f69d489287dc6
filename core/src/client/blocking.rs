//! The same client for code that blocks: no async runtime needed, callable from any thread.
//!
//! Each call hands its work to the engine's thread and parks the caller. Inside an async runtime,
//! or in a callback on the engine's own thread, a call returns `InvalidArgument` instead of
//! blocking what it depends on.

use std::fmt;
use std::time::Duration;

use crate::client::once::told;
use crate::client::{ClientBuilder, Health, Inspection, Stats, may_block};
use crate::config::{AcquireOptions, FencingToken, Ticket};
use crate::error::{Error, Result};
use crate::quorum::{Loss, Released};

/// A client whose calls block the calling thread. Cloning it is cheap and shares everything.
///
/// ```
/// use quorlock::blocking::Client;
/// let client = Client::connect(["memory://blocking-doc"])?;
/// let guard = client.mutex("invoice:42").acquire(())?;
/// println!("fencing token {:?}", guard.fencing_token());
/// guard.release()?;
/// # Ok::<(), quorlock::Error>(())
/// ```
///
/// *Fork*: a client made before `fork` works in the child, with an engine and connections of its
/// own; the parent's guards are inert there.
#[derive(Clone)]
pub struct Client {
    inner: crate::client::Client,
}

impl Client {
    /// See [`crate::Client::connect`].
    ///
    /// # Errors
    /// `Config`, naming the node as `nodes[i]`.
    pub fn connect<S: AsRef<str>>(nodes: impl IntoIterator<Item = S>) -> Result<Self> {
        crate::client::Client::connect(nodes).map(Self::from)
    }

    /// Options first, then [`ClientBuilder::connect`], and `Client::from` around it.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// The mutex of this name. No I/O.
    pub fn mutex(&self, name: impl Into<String>) -> Mutex {
        Mutex {
            inner: self.inner.mutex(name),
        }
    }

    /// See [`crate::Client::once`].
    pub fn once(&self, name: impl Into<String>, retention: Duration) -> Once {
        Once {
            inner: self.inner.once(name, retention),
        }
    }

    /// See [`crate::Client::multi`].
    pub fn multi<S: Into<String>>(&self, names: impl IntoIterator<Item = S>) -> Multi {
        Multi {
            inner: self.inner.multi(names),
        }
    }

    /// See [`crate::Client::semaphore`].
    pub fn semaphore(&self, name: impl Into<String>, permits: u32) -> Semaphore {
        Semaphore {
            inner: self.inner.semaphore(name, permits),
        }
    }

    /// See [`crate::Client::elect`].
    ///
    /// # Errors
    /// As there.
    pub fn elect(
        &self,
        name: impl AsRef<str>,
        options: impl Into<AcquireOptions>,
    ) -> Result<Election> {
        let inner = self.inner.elect(name, options)?;
        Ok(Election { inner })
    }

    /// See [`crate::Client::adopt`].
    ///
    /// # Errors
    /// As there.
    pub fn adopt(&self, ticket: &Ticket) -> Result<Guard> {
        self.adopt_with(ticket, ())
    }

    /// See [`crate::Client::adopt_with`].
    ///
    /// # Errors
    /// As there.
    pub fn adopt_with(&self, ticket: &Ticket, options: impl Into<AcquireOptions>) -> Result<Guard> {
        may_block()?;
        self.inner
            .start_adopt(ticket, &options.into())
            .wait()
            .map(Guard::new)
    }

    /// See [`crate::Client::inspect`].
    ///
    /// # Errors
    /// As there.
    pub fn inspect(&self, name: &str) -> Result<Inspection> {
        may_block()?;
        self.inner.start_inspect(name).wait()
    }

    /// See [`crate::Client::health`].
    ///
    /// # Errors
    /// As there.
    pub fn health(&self) -> Result<Health> {
        may_block()?;
        self.inner.start_health().wait()
    }

    /// See [`crate::Client::stats`].
    ///
    /// # Errors
    /// As there.
    pub fn stats(&self) -> Result<Stats> {
        self.inner.stats()
    }

    /// See [`crate::Client::close`].
    ///
    /// # Errors
    /// As there.
    pub fn close(&self, limit: Duration) -> Result<bool> {
        may_block()?;
        self.inner.start_close(limit).wait()
    }
}

impl From<crate::client::Client> for Client {
    fn from(inner: crate::client::Client) -> Self {
        Client { inner }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// See [`crate::Mutex`].
#[derive(Debug, Clone)]
pub struct Mutex {
    inner: crate::client::Mutex,
}

/// See [`crate::Multi`].
#[derive(Debug, Clone)]
pub struct Multi {
    inner: crate::client::Multi,
}

/// See [`crate::Semaphore`].
#[derive(Debug, Clone)]
pub struct Semaphore {
    inner: crate::client::Semaphore,
}

impl Mutex {
    /// The resource's name.
    pub fn name(&self) -> &str {
        self.inner.name()
    }
}

impl Multi {
    /// The resources' names.
    pub fn names(&self) -> &[String] {
        self.inner.names()
    }
}

impl Semaphore {
    /// The semaphore's name.
    pub fn name(&self) -> &str {
        self.inner.name()
    }

    /// How many permits there are in all.
    pub fn permits(&self) -> u32 {
        self.inner.permits()
    }

    /// See [`crate::Semaphore::inspect`].
    ///
    /// # Errors
    /// As there.
    pub fn inspect(&self) -> Result<Inspection> {
        may_block()?;
        self.inner.start_inspect().wait()
    }
}

/// The calls that every lock object has.
macro_rules! blocking_calls {
    ($($lock:ident)*) => { $(
        impl $lock {
            #[doc = concat!("See [`crate::", stringify!($lock), "::acquire`].")]
            ///
            /// # Errors
            /// As there; `InvalidArgument` inside an async runtime.
            pub fn acquire(&self, options: impl Into<AcquireOptions>) -> Result<Guard> {
                may_block()?;
                let acquiring = self.inner.start_acquire(options.into());
                acquiring.wait().map(Guard::new)
            }

            #[doc = concat!("See [`crate::", stringify!($lock), "::try_acquire`].")]
            ///
            /// # Errors
            /// As there; `InvalidArgument` inside an async runtime.
            pub fn try_acquire(&self, options: impl Into<AcquireOptions>) -> Result<Option<Guard>> {
                may_block()?;
                let acquiring = self.inner.start_try_acquire(options.into());
                Ok(acquiring.wait()?.map(Guard::new))
            }

            /// Runs `work` under the lock and releases it whatever comes of it. `work` goes on if the lock
            /// is lost meanwhile: ask `guard.check()` before each step that needs it.
            ///
            /// # Errors
            #[doc = concat!("As [`", stringify!($lock), "::acquire`].")]
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
    )* };
}

blocking_calls!(Mutex Multi Semaphore);

/// See [`crate::Once`].
#[derive(Debug, Clone)]
pub struct Once {
    inner: crate::client::Once,
}

impl Once {
    /// The job's name.
    pub fn name(&self) -> &str {
        self.inner.name()
    }

    /// See [`crate::Once::begin`].
    ///
    /// # Errors
    /// As there; `InvalidArgument` inside an async runtime.
    pub fn begin(&self, options: impl Into<AcquireOptions>) -> Result<Option<Guard>> {
        may_block()?;
        let begun = self.inner.start_begin(options.into()).wait()?;
        Ok(begun.map(Guard::new))
    }

    /// See [`crate::Once::run`]; `work` goes on if the lock is lost meanwhile, and is an error then.
    ///
    /// # Errors
    /// As there; `InvalidArgument` inside an async runtime.
    pub fn run<T, E: From<Error>>(
        &self,
        options: impl Into<AcquireOptions>,
        work: impl FnOnce(&Guard) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        let Some(guard) = self.begin(options)? else {
            return Ok(None);
        };
        let done = work(&guard)?;
        told(&guard.release()?).map_err(|error| error.with_operation("run"))?;
        Ok(Some(done))
    }

    /// See [`crate::Once::is_done`].
    ///
    /// # Errors
    /// As there; `InvalidArgument` inside an async runtime.
    pub fn is_done(&self) -> Result<bool> {
        may_block()?;
        self.inner.start_is_done().wait()
    }
}

/// A candidate for a leadership; see [`crate::Election`]. Dropping it hands over in the background.
#[derive(Debug)]
pub struct Election {
    inner: crate::client::Election,
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

/// A held lock; see [`crate::Guard`]. Dropping it releases the lock in the background.
#[derive(Debug)]
pub struct Guard {
    inner: crate::client::Guard,
}

impl Guard {
    fn new(inner: crate::client::Guard) -> Self {
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
