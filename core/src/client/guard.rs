//! The guard: a held lock, and the only thing here that has state.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::client::ending::Releasing;
use crate::client::handing::detach;
use crate::client::lease::Lease;
use crate::client::once::told;
use crate::client::pending::{Pending, forked};
use crate::client::share::Share;
use crate::client::upgrading::{downgrade, upgrade};
use crate::config::{AcquireOptions, FencingToken, Keys, Mode, PlantedBug, Ticket, Ttl};
use crate::error::{Error, ErrorKind, Result};
use crate::quorum::{Loss, Released, Standing, start_release};

/// A held lock.
///
/// The engine renews it in the background until it is released, handed over, lost, or the cap on
/// its total hold time is reached. Dropping the guard releases it in the background; of a lock that
/// came by a ticket only [`Guard::release`] says that the work is done, dropping it does not.
///
/// *Threads*: all methods may be called from any thread. *Fork*: in a forked child the guard is
/// inert: it is not held there, and neither extends nor releases what the parent holds.
pub struct Guard {
    lease: Arc<Lease>,
    share: Share,
}

impl Guard {
    pub(crate) fn new(lease: Arc<Lease>) -> Self {
        let share = Share::new(0);
        Guard { lease, share }
    }

    /// Ends the lease as a leader's who resigns: every guard of it hears of that.
    pub(crate) fn resign(&self) {
        let (fleet, held) = (&self.lease.engine.fleet, &self.lease.held);
        if fleet.planted.has(PlantedBug::ResignLeavesGuards) {
            drop(start_release(fleet, held));
            return;
        }
        self.lease.lose_now(Loss::Resigned);
    }

    /// One more guard of the same lock, for the same owner: a part of the work that locks for itself
    /// gets it from whoever has the lock already. No I/O.
    ///
    /// Each guard is released, or dropped, by itself; the lock is given back with the last one, on
    /// whose word its work counts as done or not. A loss reaches all.
    ///
    /// ```
    /// # use quorlock::{blocking::Client, Released};
    /// # let client = Client::connect(["memory://reenter-doc"])?;
    /// let outer = client.mutex("invoice:42").acquire(())?;
    /// let inner = outer.reenter()?;
    /// assert_eq!(inner.release()?, Released::StillHeld);
    /// assert!(outer.is_held());
    /// assert_eq!(outer.release()?, Released::Released);
    /// # Ok::<(), quorlock::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Guard::check`].
    pub fn reenter(&self) -> Result<Guard> {
        self.check()?;
        let sign = |error: Error| {
            error
                .with_operation("reenter")
                .with_resource(self.resource())
        };
        let share = self.lease.reenter().map_err(sign)?;
        let lease = Arc::clone(&self.lease);
        Ok(Guard { lease, share })
    }

    /// The resource this lock is for, as it was named; of several, all of them.
    pub fn resource(&self) -> &str {
        self.lease.held.keys.name()
    }

    /// The resources this lock is for: one, or those of a multi-resource lock in the order of their names.
    pub fn resources(&self) -> Vec<&str> {
        let keys = &self.lease.held.keys;
        if keys.is_pool() {
            return vec![keys.name()];
        }
        keys.parts().iter().map(Keys::name).collect()
    }

    /// The slots of a semaphore that are held, each a number below its limit that nobody else has
    /// meanwhile; empty for any other lock.
    pub fn slots(&self) -> &[u32] {
        self.lease.held.keys.slots()
    }

    /// True where the lock may be used at this moment. Local, no I/O, well under a microsecond; it
    /// tells the truth also after the process was paused, whether or not the loss was signalled yet.
    pub fn is_held(&self) -> bool {
        !self.share.is_left() && self.lease.is_held()
    }

    /// How long the lock may still be used unless it is renewed; zero once it may not. Local.
    pub fn remaining(&self) -> Duration {
        if self.share.is_left() {
            return Duration::ZERO;
        }
        self.lease.remaining()
    }

    /// The fencing token: hand it to every store you write to. `None` where fencing is off or a
    /// majority of the nodes cannot count.
    pub fn fencing_token(&self) -> Option<FencingToken> {
        self.lease.fence()
    }

    /// True where this lock came by a ticket, without a gap since the publisher acquired it.
    pub fn is_adopted(&self) -> bool {
        let ticket = self.lease.held.ticket.as_ref();
        ticket.is_some_and(|spent| !spent.ticket.is_once())
    }

    /// True where this lock is of a job that is done once: releasing it says that the job is done,
    /// abandoning it does not.
    pub fn is_once(&self) -> bool {
        self.lease.terms.done_ms.is_some()
    }

    /// Ends when the lock is lost, with the reason; never where it is released or handed over
    /// first. Given once per lease, within 50 ms of the deadline, also when every server hangs.
    /// Dropping the future changes nothing.
    pub async fn lost(&self) -> Loss {
        if self.is_elsewhere() {
            return std::future::pending().await;
        }
        match self.lease.ended().await {
            Some(loss) if !self.share.is_left() => loss,
            _ => std::future::pending().await,
        }
    }

    /// Why the lock was lost; `None` where it was not, and in a forked child.
    pub fn loss(&self) -> Option<Loss> {
        if self.is_elsewhere() || self.share.is_left() {
            return None;
        }
        self.lease.loss()
    }

    /// Calls `callback` once if the lock is lost, on the engine's thread: it must be short and
    /// must not block. Where the lock is lost already it is called here and now; in a forked child
    /// never.
    pub fn on_lost(&self, callback: impl FnOnce(Loss) + Send + 'static) {
        if self.is_elsewhere() {
            return;
        }
        self.lease.on_lost(&self.share, Box::new(callback));
    }

    /// True in a forked child: its locks may be held by threads that do not exist there.
    fn is_elsewhere(&self) -> bool {
        self.lease.engine.pid != std::process::id()
    }

    /// An error where the lock may not be used now: put it before each step that needs the lock.
    ///
    /// # Errors
    /// `LeaseLost` where it was lost, `NotHeld` where it was released or handed over, `Forked` in
    /// a forked child.
    pub fn check(&self) -> Result<()> {
        if self.is_elsewhere() {
            return Err(forked());
        }
        let error = match self.lease.standing() {
            _ if self.share.is_left() => Error::new(ErrorKind::NotHeld, "this guard was released"),
            Standing::Held => return Ok(()),
            Standing::Lost(loss) => Error::new(ErrorKind::LeaseLost, loss.to_string()),
            Standing::Ended => Error::new(ErrorKind::NotHeld, "it was released or handed over"),
        };
        Err(error.with_operation("check").with_resource(self.resource()))
    }

    /// Gives the lock back: on every node, in one round, within one node timeout.
    ///
    /// It may be called again, and tells the same each time. Cancelled, the release still goes on.
    /// Where the lock came by a ticket, the ticket is used up: a duplicate delivery is told to stop.
    /// Where other guards of the lock are left ([`Guard::reenter`]), this one alone ends, without I/O,
    /// and the result is [`Released::StillHeld`].
    ///
    /// # Errors
    /// `NotHeld` where the lock was handed over, `Forked` in a forked child. That the lease had
    /// expired, or that too few nodes answered, is a result and not an error.
    pub async fn release(&self) -> Result<Released> {
        self.start_release().await
    }

    /// Begins [`Guard::release`]: the same, to be waited for, awaited or delivered.
    pub fn start_release(&self) -> Pending<Released> {
        if self.is_elsewhere() {
            return Pending::ready(Err(forked()));
        }
        if !self.lease.leave(&self.share) {
            return Pending::ready(Ok(Released::StillHeld));
        }
        let releasing = Releasing(Arc::clone(&self.lease));
        self.lease.engine.run(async move {
            let name = releasing.0.held.keys.name();
            let handed_over = || Error::new(ErrorKind::NotHeld, "it was handed over");
            let released = releasing.0.release().await;
            released.ok_or_else(|| handed_over().with_operation("release").with_resource(name))
        })
    }

    /// Gives the lock back, and makes sure that it counts: an error where a majority was not told, as a job
    /// that is done once wants to know.
    ///
    /// # Errors
    /// As [`Guard::release`]; `LeaseLost` where the lease was gone before, `QuorumUnavailable` where too few
    /// nodes confirmed in time (the engine goes on telling them).
    pub async fn complete(&self) -> Result<()> {
        self.start_complete().await
    }

    /// Begins [`Guard::complete`].
    pub fn start_complete(&self) -> Pending<()> {
        let releasing = self.start_release();
        if self.is_elsewhere() {
            return Pending::ready(Err(forked()));
        }
        let lease = Arc::clone(&self.lease);
        self.lease.engine.run(async move {
            let sign = |error: Error| error.with_resource(lease.held.keys.name());
            told(&releasing.await?).map_err(|error| sign(error.with_operation("complete")))
        })
    }

    /// Gives the lock back in the background, as dropping the guard does, and without saying that the
    /// work is done: a ticket that the lock came by is not used up, so that a redelivery of the job
    /// may go on. For work that failed. Does nothing once the lock is released or handed over, and in
    /// a forked child.
    pub fn abandon(&self) {
        if !self.is_elsewhere() && self.lease.leave(&self.share) {
            self.lease.release_in_background();
        }
    }

    /// Renews the lock now, beside the background renewal.
    ///
    /// # Errors
    /// `LeaseLost` where it is lost, `QuorumUnavailable` where too few nodes confirmed in time (the
    /// old validity stands), `NotHeld` where it was released or handed over, `Forked` in a child.
    pub async fn extend(&self) -> Result<()> {
        self.start_extend().await
    }

    /// Begins [`Guard::extend`].
    pub fn start_extend(&self) -> Pending<()> {
        if let Err(error) = self.check() {
            return Pending::ready(Err(error));
        }
        let lease = Arc::clone(&self.lease);
        self.lease
            .engine
            .run(async move { crate::client::handing::extend(&lease).await })
    }

    /// How a read/write lock is held; `None` for every other lock. Local, no I/O.
    pub fn mode(&self) -> Option<Mode> {
        self.lease.mode()
    }

    /// Makes this guard of a read/write lock a writer's, with a new, larger fencing token.
    ///
    /// An upgradeable guard waits until the readers have left, for as long as the options or the
    /// client's settings say; no new reader comes in meanwhile. A reader is tried once, whatever the
    /// wait: two that waited would wait for each other. A writer stays one. On an error, and where the
    /// future is dropped, the guard holds the lock as it did before. Of the options only the wait counts.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    /// # runtime.block_on(async {
    /// use quorlock::{Client, Mode};
    /// let client = Client::connect(["memory://upgrade-doc"])?;
    /// let guard = client.rwlock("page").upgradeable().acquire(()).await?;
    /// guard.upgrade(()).await?;
    /// assert_eq!(guard.mode(), Some(Mode::Write));
    /// guard.downgrade().await?;
    /// assert_eq!(guard.mode(), Some(Mode::Read));
    /// # Ok::<(), quorlock::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `Timeout`, or `Contended` where the wait is zero: others are reading. `QuorumUnavailable`,
    /// `LeaseLost`, `NotHeld`, `Closed`, `Forked`; `InvalidArgument`, field `guard`, where it is no
    /// read/write lock or was re-entered.
    pub async fn upgrade(&self, options: impl Into<AcquireOptions>) -> Result<()> {
        self.start_upgrade(options.into()).await
    }

    /// Begins [`Guard::upgrade`].
    pub fn start_upgrade(&self, options: AcquireOptions) -> Pending<()> {
        let lease = Arc::clone(&self.lease);
        let sign = |error: Error| {
            error
                .with_operation("upgrade")
                .with_resource(self.resource())
        };
        let terms = options.resolve_over(&lease.engine.fleet.settings, lease.terms.ttl);
        match (self.check(), terms.map_err(sign)) {
            (Err(error), _) | (_, Err(error)) => Pending::ready(Err(error)),
            (Ok(()), Ok(terms)) => {
                let engine = Arc::clone(&lease.engine);
                engine.run(upgrade(lease, terms))
            }
        }
    }

    /// Makes this guard of a read/write lock a reader's, at once: [`Guard::mode`] says so when this
    /// returns, and other readers come in. It keeps its validity and its fencing token.
    ///
    /// # Errors
    /// `LeaseLost`, `NotHeld`, `Forked`; `InvalidArgument`, field `guard`, where it is no read/write
    /// lock or was re-entered.
    pub async fn downgrade(&self) -> Result<()> {
        self.start_downgrade().await
    }

    /// Begins [`Guard::downgrade`].
    pub fn start_downgrade(&self) -> Pending<()> {
        if let Err(error) = self.check() {
            return Pending::ready(Err(error));
        }
        let lease = Arc::clone(&self.lease);
        let engine = Arc::clone(&lease.engine);
        engine.run(async move { downgrade(&lease).await })
    }

    /// Hands the lock over: the guard ends here, and whoever adopts the ticket goes on with it.
    ///
    /// The lease is renewed once on all nodes, so that the ticket is good for one ttl from now;
    /// nothing renews it until it is adopted. Dropping the future before it is done may leave the
    /// lock either held by this guard or waiting for its ttl.
    ///
    /// # Errors
    /// `LeaseLost`, `NotHeld`, `QuorumUnavailable` (the guard still holds the lock), `Forked`;
    /// `InvalidArgument`, field `guard`, where other guards hold it as well.
    pub async fn detach(&self) -> Result<Ticket> {
        self.start_detach(None).await
    }

    /// Like [`Guard::detach`], with a ticket that is good for `ttl` from now: how long the job may
    /// stay in its queue. 10 ms to 24 h; the lease's own ttl where that is longer.
    ///
    /// # Errors
    /// As [`Guard::detach`]; `InvalidArgument` where `ttl` is out of bounds.
    pub async fn detach_for(&self, ttl: Duration) -> Result<Ticket> {
        self.start_detach(Some(ttl)).await
    }

    /// Begins [`Guard::detach`], or [`Guard::detach_for`] where a ttl is given.
    pub fn start_detach(&self, ttl: Option<Duration>) -> Pending<Ticket> {
        let ttl = ttl.map_or(Ok(self.lease.terms.ttl), |ttl| {
            Ttl::from_span("detach.ttl_ms", ttl)
        });
        match (self.check(), ttl) {
            (Err(error), _) | (_, Err(error)) => Pending::ready(Err(error)),
            (Ok(()), Ok(ttl)) => {
                let lease = Arc::clone(&self.lease);
                self.lease
                    .engine
                    .run(async move { detach(&lease, ttl).await })
            }
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.is_elsewhere() {
            self.abandon();
            return;
        }
        // The parent's: its locks may be held by threads that do not exist here, so nothing of it
        // may be touched, not even to be freed.
        std::mem::forget(Arc::clone(&self.lease));
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("resource", &self.resource())
            .field("is_held", &self.is_held())
            .field("remaining", &self.remaining())
            .field("fencing_token", &self.fencing_token())
            .finish()
    }
}
