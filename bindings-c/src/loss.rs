//! Losing a lock: the reason, and who is told.

use std::ffi::{CStr, c_char, c_void};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::boundary::boundary_or;
use crate::callback::Door;

/// Why a lock was lost.
///
/// cbindgen:rename-all=QualifiedScreamingSnakeCase
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// It was not lost.
    None = 0,
    /// A majority of the nodes no longer has the key.
    Majority = 1,
    /// The validity ran out before a majority confirmed a renewal.
    Expired = 2,
    /// The longest time a lease may be held was reached.
    HoldLimit = 3,
    /// The largest number of renewals was reached.
    RenewalLimit = 4,
    /// The event loop that uses it was silent for too long. The C binding has no such loop.
    HostSilent = 5,
    /// The leader resigned.
    Resigned = 6,
}

impl Loss {
    pub(crate) fn of(loss: Option<engine::Loss>) -> Self {
        match loss {
            None => Loss::None,
            Some(engine::Loss::Majority) => Loss::Majority,
            Some(engine::Loss::HoldLimit) => Loss::HoldLimit,
            Some(engine::Loss::RenewalLimit) => Loss::RenewalLimit,
            Some(engine::Loss::HostSilent) => Loss::HostSilent,
            Some(engine::Loss::Resigned) => Loss::Resigned,
            // Open for new reasons; that it ran out is true of any of them.
            Some(_) => Loss::Expired,
        }
    }
}

/// Told once that a lock was lost.
///
/// It runs on the engine's thread, or on the thread that registers it where the lock is lost
/// already; it must be short, must not wait, must not throw or `longjmp`. Functions that do not
/// wait may be called; those that wait return `QUORLOCK_INVALID_ARGUMENT`.
pub type LossCallback = Option<unsafe extern "C" fn(loss: Loss, user_data: *mut c_void)>;

/// A reason in one stable word, such as `expired`; `none` where the lock was not lost, `unknown`
/// for a number that is no reason. Never NULL; static.
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn quorlock_loss_name(loss: i32) -> *const c_char {
    boundary_or(c"unknown", || name(loss)).as_ptr()
}

fn name(loss: i32) -> &'static CStr {
    match loss {
        0 => c"none",
        1 => c"majority",
        2 => c"expired",
        3 => c"hold_limit",
        4 => c"renewal_limit",
        5 => c"host_silent",
        6 => c"resigned",
        _ => c"unknown",
    }
}

/// Everybody who wants to know of the loss of one lock.
pub(crate) struct LossWatch {
    state: Mutex<State>,
    changed: Condvar,
    pub(crate) door: Door,
}

#[derive(Default)]
struct State {
    end: Option<End>,
    callbacks: Vec<Callback>,
}

/// How a lease ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Lost(engine::Loss),
    /// Released, handed over or freed.
    ByHolder,
}

struct Callback {
    function: unsafe extern "C" fn(Loss, *mut c_void),
    user_data: *mut c_void,
}

// SAFETY: the header says that a callback and its user data are used on another thread.
unsafe impl Send for Callback {}

impl LossWatch {
    /// A watch over the lease of `guard`.
    pub(crate) fn over(guard: &engine::Guard) -> Arc<Self> {
        let watch = Arc::new(LossWatch {
            state: Mutex::default(),
            changed: Condvar::new(),
            door: Door::new(),
        });
        let bell = Bell(Arc::clone(&watch));
        guard.on_lost(move |loss| bell.0.end(End::Lost(loss)));
        watch
    }

    /// Calls `function` once the lock is lost: now, where it is already.
    pub(crate) fn add(
        &self,
        function: unsafe extern "C" fn(Loss, *mut c_void),
        user_data: *mut c_void,
    ) {
        let callback = Callback {
            function,
            user_data,
        };
        let mut state = self.state();
        match state.end {
            None => state.callbacks.push(callback),
            Some(End::ByHolder) => {}
            Some(End::Lost(loss)) => {
                drop(state);
                self.tell(&callback, loss);
            }
        }
    }

    /// Waits for the end, `limit` at most; `None` where it has not come.
    pub(crate) fn wait(&self, limit: Duration) -> Option<End> {
        let held = |state: &mut State| state.end.is_none();
        let waited = self.changed.wait_timeout_while(self.state(), limit, held);
        waited.unwrap_or_else(PoisonError::into_inner).0.end
    }

    /// The lease has ended, the first time it is said.
    fn end(&self, end: End) {
        let mut state = self.state();
        if state.end.is_some() {
            return;
        }
        state.end = Some(end);
        let callbacks = std::mem::take(&mut state.callbacks);
        drop(state);
        self.changed.notify_all();
        if let End::Lost(loss) = end {
            for callback in callbacks {
                self.tell(&callback, loss);
            }
        }
    }

    fn tell(&self, callback: &Callback, loss: engine::Loss) {
        self.door.pass(|| {
            // SAFETY: the function and its data are good until the guard is freed, which shuts the
            // door and waits for this to end.
            unsafe { (callback.function)(Loss::of(Some(loss)), callback.user_data) };
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the engine holds: rung with the reason, or dropped where the lease ended without a loss.
struct Bell(Arc<LossWatch>);

impl Drop for Bell {
    fn drop(&mut self) {
        self.0.end(End::ByHolder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_number_and_name() {
        let reasons = [
            engine::Loss::Majority,
            engine::Loss::Expired,
            engine::Loss::HoldLimit,
            engine::Loss::RenewalLimit,
            engine::Loss::HostSilent,
            engine::Loss::Resigned,
        ];
        for (index, reason) in reasons.into_iter().enumerate() {
            let loss = Loss::of(Some(reason)) as i32;
            assert_eq!(loss, index as i32 + 1);
            assert_eq!(name(loss).to_str(), Ok(reason.name()));
        }
    }
}
