//! One client's engine in one process: its nodes, its tasks, and what its calls share.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::client::lease::Lease;
use crate::client::leases::Leases;
use crate::client::line::Lines;
use crate::client::renewal;
use crate::client::wakeups::WakeUps;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::ClientId;
use crate::quorum::{Fleet, Work};

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
    renewals: mpsc::UnboundedSender<u64>,
    pub(crate) leases: Arc<Leases>,
    closed: AtomicBool,
}

impl Engine {
    /// An engine over `fleet`, whose nodes publish wake-ups as numbers on `numbers`.
    pub(crate) fn start(
        fleet: Arc<Fleet>,
        id: ClientId,
        numbers: mpsc::UnboundedReceiver<u64>,
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
        Arc::new(Engine {
            fleet,
            id,
            pid: std::process::id(),
            lines: Arc::default(),
            wakeups,
            renewal_gate: Mutex::new(()),
            renewals,
            leases,
            closed: AtomicBool::new(false),
        })
    }

    /// An error where the client was closed.
    pub(crate) fn usable(&self) -> Result<()> {
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
        let (mut sink, result) = oneshot::channel();
        // Boxed by itself: the future around it would hold it twice, before and while it runs.
        let operation = Box::pin(operation);
        self.fleet.spawner.spawn(Box::pin(async move {
            tokio::select! {
                biased;
                () = sink.closed() => {}
                // A receiver that has just gone drops what it would have got, which gives it back.
                done = operation => drop(sink.send(done)),
            }
            drop(work);
        }));
        Pending {
            result: Some(result),
            pid: self.pid,
        }
    }

    /// Watches a new lease: renews it, and notices its loss.
    pub(crate) fn watch(&self, number: u64, lease: &Arc<Lease>) {
        self.leases.add(number, lease);
        // The task ends only with the engine.
        let _ = self.renewals.send(number);
    }

    /// Closes: nothing new begins, every lease is released, and what is under way may end within
    /// `limit`. True where all of it did.
    pub(crate) async fn close(&self, limit: Duration) -> bool {
        let by = Instant::now() + limit;
        if !self.closed.swap(true, Ordering::SeqCst) {
            for lease in self.leases.all() {
                lease.release_in_background();
            }
        }
        let drained = timeout_at(by, self.fleet.busy.idle()).await.is_ok();
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
        let Some(result) = &mut self.result else {
            return Poll::Ready(Err(gone()));
        };
        let done = match Pin::new(result).poll(context) {
            Poll::Ready(done) => done,
            // Looked at only before a wait, which would have no end in a forked child.
            Poll::Pending if self.pid != std::process::id() => return Poll::Ready(Err(forked())),
            Poll::Pending => return Poll::Pending,
        };
        self.result = None;
        Poll::Ready(done.unwrap_or_else(|_| Err(gone())))
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        if self.result.is_some() && self.pid != std::process::id() {
            // Cancelling would wake a task of the parent's runtime, behind locks nobody frees here.
            std::mem::forget(self.result.take());
        }
    }
}

fn gone() -> Error {
    Error::new(ErrorKind::Internal, "the operation ended without a result")
}
