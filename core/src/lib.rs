//! Quorlock: distributed locks over N independent Redis or Valkey servers.
//!
//! One Redlock engine that keeps its promises on real servers: a lock is held on a majority of the
//! nodes or not at all, its validity is counted from before the first byte was sent, waiters stand
//! in a queue and are woken instead of polling, renewal goes on while the caller is blocked, and
//! every lease carries a fencing token. What locks cannot promise is in `docs/safety.md`.
//!
//! ```
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
//! # runtime.block_on(async {
//! use quorlock::{AcquireOptions, Client};
//! use std::time::Duration;
//!
//! // Five servers in production; here one embedded node, no server needed.
//! let client = Client::connect(["memory://"])?;
//! let options = AcquireOptions::new().ttl(Duration::from_secs(5)).wait(Duration::from_secs(1));
//! let guard = client.mutex("invoice:42").acquire(options).await?;
//! // … the work, with guard.fencing_token() on every write …
//! guard.check()?;
//! guard.release().await?;
//! # Ok::<(), quorlock::Error>(())
//! # }).unwrap();
//! ```
//!
//! For code that blocks, [`blocking::Client`] is the same from any thread. To hand a held lock to
//! another process, [`Guard::detach`] gives a [`Ticket`] and [`Client::adopt`] takes it.
#![forbid(unsafe_code)]

/// The README's examples compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}

mod client;
mod config;
mod error;
mod node;
mod protocol;
mod quorum;
#[cfg(feature = "testing")]
pub mod testing;

pub use client::{
    Canceller, Client, ClientBuilder, Election, Event, EventKind, Guard, Health, HeldSlot,
    Inspection, ModeLock, Multi, Mutex, NodeHealth, NodeView, Once, Pending, Pulse, RwLock,
    Semaphore, SharerView, Stats, Warning, blocking, span_from_ms, span_from_seconds,
};
pub use config::{AcquireOptions, Fencing, FencingToken, Mode, RestartGuard, Ticket};
pub use error::{Error, ErrorKind, Fault, FaultClass, NodeOutcome, NodeStatus, Result};
pub use quorum::{Loss, Released};
