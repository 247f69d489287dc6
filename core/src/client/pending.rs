//! A call under way: who waits for it, how its result reaches them, and how it is given up.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use tokio::sync::Notify;

use crate::client::{locked, may_block};
use crate::error::{Error, ErrorKind, Result};

type Sink<T> = Box<dyn FnOnce(Result<T>) + Send>;

/// The engine's end of a call. Whatever becomes of it, the caller hears: dropped without a result,
/// because its task panicked or the runtime it was to run on is gone, it says that.
pub(crate) struct Running<T> {
    call: Option<Arc<Call<T>>>,
}

impl<T> Running<T> {
    /// Runs `operation` to its end, or until the caller gives it up; then it is dropped, which
    /// undoes it.
    pub(crate) async fn run(mut self, operation: impl Future<Output = Result<T>>) {
        let Some(call) = &self.call else { return };
        let done = tokio::select! {
            biased;
            () = call.given_up.notified() => {
                Err(Error::new(ErrorKind::Cancelled, "the caller gave up"))
            }
            done = operation => done,
        };
        if let Some(call) = self.call.take() {
            call.finish(done);
        }
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        let Some(call) = self.call.take() else {
            return;
        };
        if call.is_elsewhere() {
            std::mem::forget(call);
            return;
        }
        let ended = if std::thread::panicking() {
            Error::new(ErrorKind::Internal, "the engine's task panicked")
        } else {
            let message = "the runtime that the client was given has been shut down";
            Error::new(ErrorKind::Closed, message)
        };
        call.finish(Err(ended));
    }
}

/// What the engine's task and the caller share.
pub(crate) struct Call<T> {
    state: Mutex<State<T>>,
    given_up: Notify,
    pid: u32,
}

enum State<T> {
    /// Under way, and nobody looks yet.
    Open,
    /// Under way; to be woken.
    Awaited(Waker),
    /// Under way; to be called with the result.
    Subscribed(Sink<T>),
    /// There.
    Done(Result<T>),
    /// Taken, or nobody wants it any more.
    Over,
}

impl<T> Call<T> {
    fn new(state: State<T>) -> Arc<Self> {
        Arc::new(Call {
            state: Mutex::new(state),
            given_up: Notify::new(),
            pid: std::process::id(),
        })
    }

    /// A call under way: the engine's end of it, and the caller's.
    pub(crate) fn begin() -> (Running<T>, Pending<T>) {
        let call = Call::new(State::Open);
        let pending = Pending {
            call: Some(Arc::clone(&call)),
        };
        (Running { call: Some(call) }, pending)
    }

    fn finish(&self, done: Result<T>) {
        let mut state = locked(&self.state);
        match std::mem::replace(&mut *state, State::Over) {
            State::Open => *state = State::Done(done),
            State::Awaited(waker) => {
                *state = State::Done(done);
                drop(state);
                waker.wake();
            }
            State::Subscribed(sink) => {
                drop(state);
                sink(done);
            }
            // Nobody takes it: dropping what was won gives it back.
            State::Done(_) | State::Over => drop(state),
        }
    }

    fn is_elsewhere(&self) -> bool {
        self.pid != std::process::id()
    }
}

pub(crate) fn forked() -> Error {
    let message = "belongs to the parent of this forked process; make a new one here";
    Error::new(ErrorKind::Forked, message)
}

/// The result of a call under way, to be awaited, waited for, or delivered. Dropping it cancels the
/// call: what it had begun is undone, and what it had won is given back.
#[must_use = "dropping it cancels the call"]
pub struct Pending<T> {
    call: Option<Arc<Call<T>>>,
}

impl<T> Pending<T> {
    /// A result that is there already.
    pub(crate) fn ready(result: Result<T>) -> Self {
        Pending {
            call: Some(Call::new(State::Done(result))),
        }
    }

    /// Blocks the calling thread until the result is there.
    ///
    /// # Errors
    /// Those of the call; `InvalidArgument` inside an async runtime or on the engine's own thread,
    /// which must not be blocked; `Forked` where the call was begun before a fork.
    pub fn wait(mut self) -> Result<T> {
        loop {
            if let Some(done) = self.wait_for(Duration::MAX) {
                return done;
            }
        }
    }

    /// Blocks the calling thread until the result is there, for `limit` at most; it may return a
    /// little early. `None` where the call is still under way: look after other things and ask again.
    ///
    /// # Errors
    /// As [`Pending::wait`].
    pub fn wait_for(&mut self, limit: Duration) -> Option<Result<T>> {
        if let Err(error) = may_block() {
            return Some(Err(error));
        }
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        if let Poll::Ready(done) = Pin::new(&mut *self).poll(&mut context) {
            return Some(done);
        }
        std::thread::park_timeout(limit);
        match Pin::new(self).poll(&mut context) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        }
    }

    /// Calls `sink` with the result, exactly once: on the engine's thread, or here and now where the
    /// result is there already. It must be short and must not block. For bridges to other runtimes.
    ///
    /// A call begun before a fork delivers `Forked` in the child.
    pub fn deliver(mut self, sink: impl FnOnce(Result<T>) + Send + 'static) -> Canceller
    where
        T: Send + 'static,
    {
        let Some(call) = self.call.take() else {
            sink(Err(gone()));
            return Canceller { call: None };
        };
        if call.is_elsewhere() {
            std::mem::forget(call);
            sink(Err(forked()));
            return Canceller { call: None };
        }
        let mut state = locked(&call.state);
        match std::mem::replace(&mut *state, State::Over) {
            State::Done(done) => {
                drop(state);
                sink(done);
            }
            _ => {
                *state = State::Subscribed(Box::new(sink));
                drop(state);
            }
        }
        Canceller { call: Some(call) }
    }
}

/// Wakes a thread that waits for a result.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl<T> Future for Pending<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        let Some(call) = &self.call else {
            return Poll::Ready(Err(gone()));
        };
        if call.is_elsewhere() {
            // Its lock may be held by a thread that does not exist here.
            return Poll::Ready(Err(forked()));
        }
        let mut state = locked(&call.state);
        let done = match std::mem::replace(&mut *state, State::Over) {
            State::Done(done) => done,
            State::Awaited(waker) if waker.will_wake(context.waker()) => {
                *state = State::Awaited(waker);
                return Poll::Pending;
            }
            _ => {
                *state = State::Awaited(context.waker().clone());
                return Poll::Pending;
            }
        };
        drop(state);
        self.call = None;
        Poll::Ready(done)
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        let Some(call) = self.call.take() else {
            return;
        };
        if call.is_elsewhere() {
            // Cancelling would wake a task of the parent's runtime, behind locks nobody frees here.
            std::mem::forget(call);
            return;
        }
        let before = std::mem::replace(&mut *locked(&call.state), State::Over);
        call.given_up.notify_one();
        drop(before);
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").finish_non_exhaustive()
    }
}

/// Gives up a call whose result is delivered. Dropping it changes nothing.
#[derive(Clone)]
pub struct Canceller {
    call: Option<Arc<dyn GiveUp>>,
}

impl Canceller {
    /// Gives the call up: it ends with `Cancelled` unless it had ended before, and leaves nothing
    /// behind. Callable from any thread, any number of times; does nothing in a forked child.
    pub fn cancel(&self) {
        if let Some(call) = &self.call {
            call.give_up();
        }
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canceller").finish_non_exhaustive()
    }
}

impl Drop for Canceller {
    fn drop(&mut self) {
        // The parent's call must not even be freed here: that can run the caller's own code.
        if let Some(call) = self.call.take_if(|call| call.is_elsewhere()) {
            std::mem::forget(call);
        }
    }
}

trait GiveUp: Send + Sync {
    fn give_up(&self);
    fn is_elsewhere(&self) -> bool;
}

impl<T: Send> GiveUp for Call<T> {
    fn give_up(&self) {
        if !Call::is_elsewhere(self) {
            self.given_up.notify_one();
        }
    }

    fn is_elsewhere(&self) -> bool {
        Call::is_elsewhere(self)
    }
}

fn gone() -> Error {
    Error::new(
        ErrorKind::Internal,
        "the result of this call was taken before",
    )
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn end<T>(mut running: Running<T>, done: Result<T>) {
        running.call.take().expect("running").finish(done);
    }

    #[test]
    fn a_result_is_delivered_once_whenever_it_comes() {
        let (said, heard) = mpsc::channel();
        let (running, pending) = Call::<u32>::begin();
        let late = said.clone();
        drop(pending.deliver(move |done| late.send(done.ok()).expect("open")));
        assert!(heard.try_recv().is_err());
        end(running, Ok(7));
        assert_eq!(heard.try_recv(), Ok(Some(7)));
        let early = said.clone();
        drop(Pending::ready(Ok(8)).deliver(move |done| early.send(done.ok()).expect("open")));
        assert_eq!(heard.try_recv(), Ok(Some(8)));
        drop(said);
        assert!(heard.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_call_given_up_ends_with_cancelled() {
        let (running, pending) = Call::<()>::begin();
        let task = tokio::spawn(running.run(std::future::pending()));
        let (said, heard) = mpsc::channel();
        let canceller = pending.deliver(move |done| said.send(done).expect("open"));
        canceller.cancel();
        canceller.cancel();
        task.await.expect("no panic");
        let error = heard.try_recv().expect("delivered").expect_err("given up");
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    }

    #[tokio::test]
    async fn dropping_a_pending_call_drops_the_operation() {
        let (running, pending) = Call::<()>::begin();
        let held = Arc::new(());
        let inside = Arc::clone(&held);
        let task = tokio::spawn(running.run(async move {
            let _inside = inside;
            std::future::pending().await
        }));
        drop(pending);
        task.await.expect("no panic");
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[test]
    fn waiting_in_slices_tells_when_there_is_nothing_yet() {
        let (running, mut pending) = Call::<u32>::begin();
        assert!(pending.wait_for(Duration::from_millis(1)).is_none());
        let other = std::thread::spawn(move || end(running, Ok(1)));
        assert_eq!(pending.wait().expect("done"), 1);
        other.join().expect("no panic");
    }

    #[test]
    fn a_call_whose_task_is_gone_ends_all_the_same() {
        let (running, pending) = Call::<()>::begin();
        drop(running.run(std::future::pending()));
        let error = pending.wait().expect_err("no result");
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    }
}
