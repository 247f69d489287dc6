//! One client's engine in one process: its nodes, its tasks, and what its calls share.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use crate::client::events::Events;
use crate::client::hints::Hints;
use crate::client::host::Host;
use crate::client::lease::Lease;
use crate::client::leases::Leases;
use crate::client::line::Lines;
use crate::client::pending::{Call, Pending};
use crate::client::pulse::Pulse;
use crate::client::renewal;
use crate::client::wakeups::WakeUps;
use crate::config::Moment;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::ClientId;
use crate::quorum::{Fleet, Work, watch};

/// A client's engine.
pub(crate) struct Engine {
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) id: ClientId,
    pub(crate) pid: u32,
    pub(crate) lines: Arc<Lines>,
    pub(crate) wakeups: Arc<WakeUps>,
    pub(crate) hints: Hints,
    /// Held while renewals are submitted and while a lease ends, so that no renewal of a lease is
    /// sent after its release.
    pub(crate) renewal_gate: Mutex<()>,
    renewals: mpsc::UnboundedSender<u64>,
    pub(crate) leases: Arc<Leases>,
    pub(crate) events: Arc<Events>,
    /// The pulse of the caller's loop, and how long it may be silent.
    pub(crate) pulse: Option<(Pulse, Duration)>,
    closed: Arc<AtomicBool>,
    closing: Notify,
}

impl Engine {
    /// An engine over `fleet`, whose nodes publish wake-ups as numbers on `numbers`.
    pub(crate) fn start(
        fleet: Arc<Fleet>,
        id: ClientId,
        numbers: mpsc::UnboundedReceiver<u64>,
        host: Host,
        closed: Arc<AtomicBool>,
    ) -> Arc<Self> {
        let (renewals, inbox) = mpsc::unbounded_channel();
        let leases = Arc::new(Leases::default());
        let wakeups = Arc::new(WakeUps::default());
        fleet
            .spawner
            .spawn(Box::pin(Arc::clone(&wakeups).run(numbers)));
        fleet.spawner.spawn(Box::pin(renewal::run(
            Arc::clone(&fleet),
            Arc::clone(&leases),
            inbox,
        )));
        let own = id.0.bytes().fold(0_u64, |own, byte| {
            own.wrapping_mul(31).wrapping_add(u64::from(byte))
        });
        let events = Arc::new(Events::new(host.observer));
        if let Some(terms) = fleet.guard.clone() {
            let (told, nodes) = (Arc::clone(&events), Arc::clone(&fleet));
            let tell = move |change| told.node_changed(&nodes, change);
            fleet
                .spawner
                .spawn(Box::pin(watch(Arc::clone(&fleet), terms, tell)));
        }
        Arc::new(Engine {
            fleet,
            hints: Hints::new(own),
            id,
            pid: std::process::id(),
            lines: Arc::default(),
            wakeups,
            renewal_gate: Mutex::new(()),
            renewals,
            leases,
            events,
            pulse: host.pulse,
            closed,
            closing: Notify::new(),
        })
    }

    /// An error where the client was closed.
    pub(crate) fn usable(&self) -> Result<()> {
        usable(&self.closed)
    }

    /// Ends once the client is closed: whoever waits need not wait any longer.
    pub(crate) async fn closed(&self) -> Error {
        loop {
            let closing = self.closing.notified();
            if let Err(closed) = self.usable() {
                return closed;
            }
            closing.await;
        }
    }

    /// Runs `operation` as a task of the engine. Dropping the result cancels it; what it had begun
    /// is undone, and what it had won is given back.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        operation: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Pending<T> {
        self.run_beside(Some(self.fleet.busy.begin()), operation)
    }

    /// Runs the closing of the engine, which waits for all work and so is none itself.
    pub(crate) fn run_closing<T: Send + 'static>(
        &self,
        operation: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Pending<T> {
        self.run_beside(None, operation)
    }

    fn run_beside<T: Send + 'static>(
        &self,
        work: Option<Work>,
        operation: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Pending<T> {
        let (running, pending) = Call::begin();
        // Boxed by itself: the future around it would hold it twice, before and while it runs.
        let operation = Box::pin(operation);
        self.fleet.spawner.spawn(Box::pin(async move {
            running.run(operation).await;
            drop(work);
        }));
        pending
    }

    /// Asks the caller's loop whether it runs.
    pub(crate) fn feel_pulse(&self) {
        if let Some((pulse, _)) = &self.pulse {
            pulse.feel(self.fleet.now());
        }
    }

    /// True where the caller's loop has owed an answer for too long.
    pub(crate) fn host_is_silent(&self, now: Moment) -> bool {
        let silent = |(pulse, most): &(Pulse, Duration)| pulse.silence(now) > *most;
        self.pulse.as_ref().is_some_and(silent)
    }

    /// Watches a new lease: renews it, and notices its loss.
    pub(crate) fn watch(&self, lease: &Arc<Lease>) {
        self.leases.add(lease.number, lease);
        self.look_at(lease);
    }

    /// Has the renewal look at a watched lease now.
    pub(crate) fn look_at(&self, lease: &Lease) {
        // The task ends only with the engine.
        let _ = self.renewals.send(lease.number);
    }

    /// Closes: nothing new begins, nobody waits for a lock any more, every lease is released, and what
    /// else is under way may end within `limit`. True where all of it did.
    pub(crate) async fn close(&self, limit: Duration) -> bool {
        if !self.closed.swap(true, Ordering::SeqCst) {
            self.closing.notify_waiters();
            for lease in self.leases.all() {
                lease.release_in_background();
            }
        }
        let drained = timeout(limit, self.fleet.busy.idle()).await.is_ok();
        for node in &self.fleet.nodes {
            node.close();
        }
        drained
    }
}

/// An error where the client was closed.
pub(crate) fn usable(closed: &AtomicBool) -> Result<()> {
    if closed.load(Ordering::SeqCst) {
        return Err(Error::new(ErrorKind::Closed, "the client was closed"));
    }
    Ok(())
}

impl Drop for Engine {
    fn drop(&mut self) {
        for node in &self.fleet.nodes {
            node.close();
        }
    }
}
