//! The same client for code that blocks: no async runtime needed, callable from any thread.
//!
//! Each call hands its work to the engine's thread and parks the caller. Inside an async runtime,
//! or in a callback on the engine's own thread, a call returns `InvalidArgument` instead of
//! blocking what it depends on.

mod election;
mod guard;
mod locks;
mod once;
mod rwlock;

use std::fmt;
use std::time::Duration;

use crate::client::{ClientBuilder, Health, Inspection, Stats, may_block};
use crate::config::{AcquireOptions, Ticket};
use crate::error::Result;

pub use election::Election;
pub use guard::Guard;
pub use locks::{Multi, Mutex, Semaphore};
pub use once::Once;
pub use rwlock::{ModeLock, RwLock};

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

    /// See [`crate::Client::rwlock`].
    pub fn rwlock(&self, name: impl Into<String>) -> RwLock {
        RwLock {
            inner: self.inner.rwlock(name),
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

    /// See [`crate::Client::admit`].
    ///
    /// # Errors
    /// As there.
    pub fn admit(&self, node: &str) -> Result<()> {
        may_block()?;
        self.inner.start_admit(node).wait()
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
