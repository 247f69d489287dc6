//! One client's engine in one process: its nodes, its tasks, and what its calls share.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};

use crate::client::lease::Lease;
use crate::client::line::Lines;
use crate::client::locked;
use crate::client::renewal;
use crate::client::wakeups::WakeUps;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::ClientId;
use crate::quorum::{Fleet, Spawn, Task};

/// A client's engine.
pub(crate) struct Engine {
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) id: ClientId,
    pub(crate) pid: u32,
    pub(crate) lines: Arc<Lines>,
    pub(crate) wakeups: Arc<WakeUps>,
    /// Held while renewals are submitted and while a lease ends, so that no renewal of a lease is
    /// sent after its release.
    pub(crate) renewal_gate: Mutex<()>,
    renewals: mpsc::UnboundedSender<Arc<Lease>>,
    leases: Mutex<Vec<std::sync::Weak<Lease>>>,
    closed: AtomicBool,
    forever: Arc<dyn Spawn>,
    busy: Arc<Busy>,
}

/// Tasks of an engine that are still running; `close` waits for them.
pub(crate) struct Busy(watch::Sender<usize>);

impl Busy {
    fn new() -> Arc<Self> {
        Arc::new(Busy(watch::Sender::new(0)))
    }

    async fn none_by(&self, by: Instant) -> bool {
        let mut count = self.0.subscribe();
        timeout_at(by, count.wait_for(|&count| count == 0))
            .await
            .is_ok()
    }
}

/// Counts one task for as long as it lives, aborted or not.
struct Counted(Arc<Busy>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}

/// Starts tasks and counts them, so that `close` can wait for calls and clean-up under way.
pub(crate) struct CountingSpawner {
    inner: Arc<dyn Spawn>,
    busy: Arc<Busy>,
}

impl CountingSpawner {
    /// A spawner over `inner`.
    pub(crate) fn new(inner: Arc<dyn Spawn>) -> Arc<Self> {
        Arc::new(CountingSpawner {
            inner,
            busy: Busy::new(),
        })
    }

    /// Starts a task that lasts as long as the engine, which is not waited for.
    pub(crate) fn spawn_for_good(&self, task: Task) {
        self.inner.spawn(task);
    }
}

impl Spawn for CountingSpawner {
    fn spawn(&self, task: Task) {
        self.busy.0.send_modify(|count| *count += 1);
        let counted = Counted(Arc::clone(&self.busy));
        self.inner.spawn(Box::pin(async move {
            task.await;
            drop(counted);
        }));
    }
}

impl Engine {
    /// An engine over `fleet`, whose nodes publish wake-ups as numbers on `numbers`.
    pub(crate) fn start(
        fleet: Arc<Fleet>,
        id: ClientId,
        spawner: &CountingSpawner,
        numbers: mpsc::UnboundedReceiver<u64>,
    ) -> Arc<Self> {
        let (renewals, inbox) = mpsc::unbounded_channel();
        let wakeups = Arc::new(WakeUps::default());
        spawner.spawn_for_good(Box::pin(Arc::clone(&wakeups).run(numbers)));
        spawner.spawn_for_good(Box::pin(renewal::run(Arc::clone(&fleet), inbox)));
        Arc::new(Engine {
            fleet,
            id,
            pid: std::process::id(),
            lines: Arc::default(),
            wakeups,
            renewal_gate: Mutex::new(()),
            renewals,
            leases: Mutex::default(),
            closed: AtomicBool::new(false),
            forever: Arc::clone(&spawner.inner),
            busy: Arc::clone(&spawner.busy),
        })
    }

    /// An error where this process is not the engine's, or the client was closed.
    pub(crate) fn usable(&self) -> Result<()> {
        if self.pid != std::process::id() {
            return Err(forked());
        }
        if self.closed.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Closed, "the client was closed"));
        }
        Ok(())
    }

    /// Runs `operation` as a task of the engine. Dropping the result cancels it; what it had begun
    /// is undone, and what it had won is given back.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        operation: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Pending<T> {
        self.run_on(&*self.fleet.spawner, operation)
    }

    /// Runs the closing of the engine, which waits for every counted task and so is none itself.
    pub(crate) fn run_closing<T: Send + 'static>(
        &self,
        operation: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Pending<T> {
        self.run_on(&*self.forever, operation)
    }

    fn run_on<T: Send + 'static>(
        &self,
        spawner: &dyn Spawn,
        operation: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Pending<T> {
        let (mut sink, result) = oneshot::channel();
        spawner.spawn(Box::pin(async move {
            tokio::select! {
                biased;
                () = sink.closed() => {}
                // A receiver that has just gone drops what it would have got, which gives it back.
                done = operation => drop(sink.send(done)),
            }
        }));
        Pending {
            result: Some(result),
            pid: self.pid,
        }
    }

    /// Watches a new lease: renews it, and notices its loss.
    pub(crate) fn watch(&self, lease: &Arc<Lease>) {
        let mut leases = locked(&self.leases);
        // Forgets ended leases now and then, at a cost in proportion to what is held.
        if leases.len() == leases.capacity() {
            leases.retain(|lease| lease.strong_count() > 0);
        }
        leases.push(Arc::downgrade(lease));
        drop(leases);
        // The task ends only with the engine.
        let _ = self.renewals.send(Arc::clone(lease));
    }

    /// Closes: nothing new begins, every lease is released, and what is under way may end within
    /// `limit`. True where all of it did.
    pub(crate) async fn close(&self, limit: Duration) -> bool {
        let by = Instant::now() + limit;
        if !self.closed.swap(true, Ordering::SeqCst) {
            let leases = std::mem::take(&mut *locked(&self.leases));
            for lease in leases.into_iter().filter_map(|lease| lease.upgrade()) {
                lease.release_in_background();
            }
        }
        let drained = self.busy.none_by(by).await;
        for node in &self.fleet.nodes {
            node.close();
        }
        drained
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        for node in &self.fleet.nodes {
            node.close();
        }
    }
}

pub(crate) fn forked() -> Error {
    let message = "belongs to the parent of this forked process; make a new one here";
    Error::new(ErrorKind::Forked, message)
}

/// The result of a call under way. Dropping it cancels the call.
#[must_use = "dropping it cancels the call"]
pub struct Pending<T> {
    result: Option<oneshot::Receiver<Result<T>>>,
    pid: u32,
}

impl<T> Pending<T> {
    /// A result that is there already.
    pub(crate) fn ready(result: Result<T>) -> Self {
        let (sink, receiver) = oneshot::channel();
        drop(sink.send(result));
        Pending {
            result: Some(receiver),
            pid: std::process::id(),
        }
    }

    /// Blocks the calling thread until the result is there.
    pub(crate) fn wait(mut self) -> Result<T> {
        if self.pid != std::process::id() {
            return Err(forked());
        }
        let result = self
            .result
            .take()
            .and_then(|result| result.blocking_recv().ok());
        result.unwrap_or_else(|| Err(gone()))
    }
}

impl<T> Future for Pending<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        if self.pid != std::process::id() {
            return Poll::Ready(Err(forked()));
        }
        let Some(result) = &mut self.result else {
            return Poll::Ready(Err(gone()));
        };
        Pin::new(result)
            .poll(context)
            .map(|done| done.unwrap_or_else(|_| Err(gone())))
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        if self.pid != std::process::id() {
            // Cancelling would wake a task of the parent's runtime, behind locks nobody frees here.
            std::mem::forget(self.result.take());
        }
    }
}

fn gone() -> Error {
    Error::new(ErrorKind::Internal, "the operation ended without a result")
}
