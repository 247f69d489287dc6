//! Cancellers: giving up a call that waits, from another thread.

use std::collections::HashMap;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::{ErrorKind, Pending};

use crate::boundary::boundary;
use crate::handle::{Live, Table};
use crate::outs::Out;
use crate::report::Report;
use crate::status::Status;

/// Gives up calls that wait: put it into `quorlock_acquire_options` and cancel it from any thread.
pub struct CancellerHandle {
    _opaque: [u8; 0],
}

static CANCELLERS: Table<Canceller> = Table::new(3);

/// Whether it was cancelled, and the calls under way that it would end.
pub(crate) struct Canceller {
    state: Mutex<State>,
    /// A forked child must not wait for the lock: the thread that has it may not exist there.
    pid: u32,
}

#[derive(Default)]
struct State {
    cancelled: bool,
    last: u64,
    calls: HashMap<u64, engine::Canceller>,
}

impl Canceller {
    /// The canceller of this handle; `None` for NULL.
    pub(crate) fn of(
        handle: *const CancellerHandle,
    ) -> Result<Option<Arc<Live<Canceller>>>, Box<Report>> {
        if handle.is_null() {
            return Ok(None);
        }
        let canceller = CANCELLERS.get("canceller", handle)?;
        drop(canceller.state()?);
        Ok(Some(canceller))
    }

    /// Begins a call and waits for its result, or for the end it comes to when it is cancelled.
    pub(crate) fn wait<T: Send + 'static>(
        &self,
        begin: impl FnOnce() -> Pending<T>,
    ) -> Result<T, Box<Report>> {
        if self.state()?.cancelled {
            return Err(Report::new(ErrorKind::Cancelled, "the caller gave up"));
        }
        let (said, heard) = sync_channel(1);
        // Nobody listens where this thread is gone, and then nobody wants the result.
        let call = begin().deliver(move |done| drop(said.send(done)));
        let number = self.watch(call)?;
        let done = heard.recv();
        self.state()?.calls.remove(&number);
        let lost = |_| Report::new(ErrorKind::Internal, "the result of this call vanished");
        Ok(done.map_err(lost)??)
    }

    fn watch(&self, call: engine::Canceller) -> Result<u64, Box<Report>> {
        let mut state = self.state()?;
        state.last += 1;
        let number = state.last;
        if state.cancelled {
            call.cancel();
        } else {
            state.calls.insert(number, call);
        }
        Ok(number)
    }

    fn cancel(&self) -> Result<(), Box<Report>> {
        let mut state = self.state()?;
        state.cancelled = true;
        for (_, call) in state.calls.drain() {
            call.cancel();
        }
        Ok(())
    }

    fn state(&self) -> Result<MutexGuard<'_, State>, Box<Report>> {
        if self.pid != std::process::id() {
            return Err(Report::forked());
        }
        Ok(self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Makes a canceller. One canceller may serve any number of calls, at once and one after another;
/// once cancelled it stays so, and calls begun with it end at once.
///
/// Ownership: free it with `quorlock_canceller_free`. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_canceller_new(
    canceller_out: *mut *mut CancellerHandle,
) -> Status {
    // SAFETY: the caller's promise: NULL or valid for writing.
    let out = unsafe { Out::new("canceller_out", canceller_out) };
    boundary(out, |out| {
        let canceller = Canceller {
            state: Mutex::default(),
            pid: std::process::id(),
        };
        out.set(CANCELLERS.insert(canceller)?);
        Ok(())
    })
}

/// Ends every call that waits with this canceller: each returns `QUORLOCK_CANCELLED` and leaves no
/// lock behind, unless it had its result already. May be called again.
///
/// Threads: any, also while the calls wait; not from a signal handler.
#[unsafe(no_mangle)]
pub extern "C" fn quorlock_canceller_cancel(canceller: *const CancellerHandle) -> Status {
    boundary((), |()| CANCELLERS.get("canceller", canceller)?.cancel())
}

/// Frees a canceller; calls that wait with it go on and can no longer be cancelled. NULL is fine.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn quorlock_canceller_free(canceller: *mut CancellerHandle) -> Status {
    boundary((), |()| CANCELLERS.remove("canceller", canceller).map(drop))
}
