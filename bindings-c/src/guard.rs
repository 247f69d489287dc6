//! The guard: a held lock.

use std::ffi::{CString, c_char, c_void};
use std::sync::{Arc, OnceLock};

use engine::{ErrorKind, FencingToken, Released, span_from_ms};

use crate::boundary::{boundary, boundary_or};
use crate::callback::may_block;
use crate::client_options::UNSET;
use crate::error::OutcomeGiven;
use crate::handle::{Live, Table};
use crate::loss::{End, Loss, LossCallback, LossWatch};
use crate::outs::{Blank, Out, OutStruct};
use crate::report::{Outcome, Report};
use crate::status::Status;
use crate::text::{millis, owned};
use crate::ticket::{TicketHandle, keep};
use crate::wait::wait;

/// A held lock. The engine renews it in the background until it is released, handed over or lost,
/// or the cap on its total hold time is reached.
///
/// Threads: may be used by any number of threads at once. Fork: in a child it is not held, and its
/// functions return `QUORLOCK_FORKED`; nothing there extends or releases what the parent holds.
pub struct GuardHandle {
    _opaque: [u8; 0],
}

/// What became of a release.
///
/// cbindgen:rename-all=QualifiedScreamingSnakeCase
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseResult {
    /// Nothing: the call failed.
    None = 0,
    /// A majority deleted the key: the lock is free.
    Released = 1,
    /// The lease was already gone on a majority; there was nothing to give back.
    AlreadyExpired = 2,
    /// Too few nodes answered to tell. The engine goes on releasing until they answer or the ttl
    /// has passed; `quorlock_guard_release_outcome` names them.
    Unknown = 3,
    /// Other guards of the lock are left, which was re-entered: it is held until the last is released.
    StillHeld = 4,
}

impl Blank for ReleaseResult {
    const BLANK: Self = ReleaseResult::None;
}

impl Blank for Loss {
    const BLANK: Self = Loss::None;
}

static GUARDS: Table<HeldGuard> = Table::new(2);

/// What a guard handle stands for.
pub(crate) struct HeldGuard {
    guard: engine::Guard,
    pid: u32,
    resource: OnceLock<CString>,
    watch: OnceLock<Arc<LossWatch>>,
    /// The nodes an unknown release still has to hear of.
    open: OnceLock<Vec<Outcome>>,
}

impl HeldGuard {
    /// An error in a forked child: the locks below may be held by threads that do not exist there.
    fn here(&self) -> Result<(), Box<Report>> {
        if self.pid != std::process::id() {
            return Err(Report::forked());
        }
        Ok(())
    }

    fn watch(&self) -> &Arc<LossWatch> {
        self.watch.get_or_init(|| LossWatch::over(&self.guard))
    }
}

/// A handle for a lock just won.
pub(crate) fn hold(guard: engine::Guard) -> Result<*mut GuardHandle, Box<Report>> {
    GUARDS.insert(HeldGuard {
        guard,
        pid: std::process::id(),
        resource: OnceLock::new(),
        watch: OnceLock::new(),
        open: OnceLock::new(),
    })
}

fn guard_of(handle: *const GuardHandle) -> Result<Arc<Live<HeldGuard>>, Box<Report>> {
    let held = GUARDS.get("guard", handle)?;
    held.here()?;
    Ok(held)
}

/// True where the lock may be used at this moment: ask before each step that needs it. Local, no
/// I/O, and true also right after the process was paused. False for a handle that is not live, and
/// in a forked child. Leaves the last error alone.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn quorlock_guard_is_held(guard: *const GuardHandle) -> bool {
    boundary_or(false, || {
        GUARDS
            .get("guard", guard)
            .is_ok_and(|held| held.guard.is_held())
    })
}

/// How long the lock may still be used unless it is renewed; 0 once it may not. Local.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_guard_remaining(
    guard: *const GuardHandle,
    remaining_ms_out: *mut u64,
) -> Status {
    // SAFETY: the caller's promise: NULL or valid for writing.
    let out = unsafe { Out::new("remaining_ms_out", remaining_ms_out) };
    boundary(out, |out| {
        out.set(millis(guard_of(guard)?.guard.remaining()));
        Ok(())
    })
}

/// The fencing token: a number that grows with every holder of the resource. Hand it to every store
/// you write to. 0 where fencing is off or a majority of the nodes cannot count. Local.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_guard_fencing_token(
    guard: *const GuardHandle,
    token_out: *mut u64,
) -> Status {
    // SAFETY: the caller's promise: NULL or valid for writing.
    let out = unsafe { Out::new("token_out", token_out) };
    boundary(out, |out| {
        let token = guard_of(guard)?.guard.fencing_token();
        out.set(token.map_or(0, FencingToken::get));
        Ok(())
    })
}

/// Whether this lock came by a ticket, without a gap since the publisher acquired it. Local.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_guard_is_adopted(
    guard: *const GuardHandle,
    adopted_out: *mut bool,
) -> Status {
    // SAFETY: the caller's promise: NULL or valid for writing.
    let out = unsafe { Out::new("adopted_out", adopted_out) };
    boundary(out, |out| {
        out.set(guard_of(guard)?.guard.is_adopted());
        Ok(())
    })
}

/// The resource this lock is for. The text lives until the guard is freed. Local.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_guard_resource(
    guard: *const GuardHandle,
    resource_out: *mut *const c_char,
) -> Status {
    // SAFETY: the caller's promise: NULL or valid for writing.
    let out = unsafe { Out::new("resource_out", resource_out) };
    boundary(out, |out| {
        let held = guard_of(guard)?;
        let resource = held.resource.get_or_init(|| owned(held.guard.resource()));
        out.set(resource.as_ptr());
        Ok(())
    })
}

/// `QUORLOCK_OK` where the lock may be used now, else the reason: `QUORLOCK_LEASE_LOST`,
/// `QUORLOCK_NOT_HELD` (released or handed over), `QUORLOCK_FORKED`. Local.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn quorlock_guard_check(guard: *const GuardHandle) -> Status {
    boundary((), |()| Ok(guard_of(guard)?.guard.check()?))
}

/// Renews the lock now, beside the background renewal. Waits for one node timeout at most.
///
/// `QUORLOCK_LEASE_LOST`, `QUORLOCK_QUORUM_UNAVAILABLE` where too few nodes confirmed in time (the
/// old validity stands), `QUORLOCK_NOT_HELD`, `QUORLOCK_FORKED`. Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn quorlock_guard_extend(guard: *const GuardHandle) -> Status {
    boundary((), |()| {
        let held = guard_of(guard)?;
        wait(|| held.guard.start_extend())
    })
}

/// Gives the lock back: on every node, in one round. Waits for one node timeout at most. It may be
/// called again and tells the same each time. `result_out` may be NULL.
///
/// That the lease had expired, or that too few nodes answered, is a result and not an error.
/// `QUORLOCK_NOT_HELD` where the lock was handed over, `QUORLOCK_FORKED`. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_guard_release(
    guard: *const GuardHandle,
    result_out: *mut ReleaseResult,
) -> Status {
    // SAFETY: the caller's promise: NULL or valid for writing.
    let out = unsafe { Out::optional("result_out", result_out) };
    boundary(out, |out| {
        let held = guard_of(guard)?;
        let released = wait(|| held.guard.start_release())?;
        out.set(match &released {
            Released::Released => ReleaseResult::Released,
            Released::AlreadyExpired => ReleaseResult::AlreadyExpired,
            Released::StillHeld => ReleaseResult::StillHeld,
            Released::Unknown(open) => {
                held.open
                    .get_or_init(|| open.iter().map(Outcome::from).collect());
                ReleaseResult::Unknown
            }
        });
        Ok(())
    })
}

/// The result of a release in one stable word: `released`, `already_expired`, `unknown` or
/// `still_held`; `none` for a number that is no result. Never NULL; static.
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn quorlock_release_result_name(result: i32) -> *const c_char {
    let name = boundary_or(c"none", || match result {
        1 => c"released",
        2 => c"already_expired",
        3 => c"unknown",
        4 => c"still_held",
        _ => c"none",
    });
    name.as_ptr()
}

/// The nodes that an unknown release still has to hear of, one by one from index 0.
/// `QUORLOCK_INVALID_ARGUMENT` beyond the last. The texts live until the guard is freed. Local.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_guard_release_outcome(
    guard: *const GuardHandle,
    index: usize,
    outcome_out: *mut OutcomeGiven,
) -> Status {
    // SAFETY: the caller's promise: NULL or a struct of the size it says.
    let out = unsafe { OutStruct::new("outcome_out", outcome_out) };
    boundary(out, |out| {
        let held = guard_of(guard)?;
        let outcome = held.open.get().and_then(|open| open.get(index));
        let beyond = || Report::misuse("index", "is beyond the last outcome");
        out.set(OutcomeGiven::of(outcome.ok_or_else(beyond)?));
        Ok(())
    })
}

/// Hands the lock over: the guard ends here, and whoever adopts the ticket goes on with the lock.
/// The ticket is good for `ttl_ms` from now, or for the lease's own ttl with `QUORLOCK_UNSET`;
/// nothing renews it until it is adopted. Waits for one node timeout at most.
///
/// `QUORLOCK_LEASE_LOST`, `QUORLOCK_NOT_HELD`, `QUORLOCK_QUORUM_UNAVAILABLE` (the guard still holds
/// the lock), `QUORLOCK_FORKED`. Ownership: free the ticket with `quorlock_ticket_free`, and the
/// guard with `quorlock_guard_free` as always. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_guard_detach(
    guard: *const GuardHandle,
    ttl_ms: u64,
    ticket_out: *mut *mut TicketHandle,
) -> Status {
    // SAFETY: the caller's promise: NULL or valid for writing.
    let out = unsafe { Out::new("ticket_out", ticket_out) };
    boundary(out, |out| {
        let held = guard_of(guard)?;
        let ttl = match ttl_ms {
            UNSET => None,
            ms => Some(span_from_ms("detach.ttl_ms", ms as f64)?),
        };
        out.set(keep(wait(|| held.guard.start_detach(ttl))?)?);
        Ok(())
    })
}

/// Why the lock was lost; `QUORLOCK_LOSS_NONE` where it was not. Local.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_guard_loss(
    guard: *const GuardHandle,
    loss_out: *mut Loss,
) -> Status {
    // SAFETY: the caller's promise: NULL or valid for writing.
    let out = unsafe { Out::new("loss_out", loss_out) };
    boundary(out, |out| {
        out.set(Loss::of(guard_of(guard)?.guard.loss()));
        Ok(())
    })
}

/// Waits until the lock is lost and tells why; `QUORLOCK_LOSS_NONE` where that has not happened
/// within `within_ms`. `QUORLOCK_NOT_HELD` as soon as the lock is released or handed over instead.
///
/// Threads: any, also while other threads use the guard.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_guard_wait_lost(
    guard: *const GuardHandle,
    within_ms: u64,
    loss_out: *mut Loss,
) -> Status {
    // SAFETY: the caller's promise: NULL or valid for writing.
    let out = unsafe { Out::new("loss_out", loss_out) };
    boundary(out, |out| {
        may_block()?;
        let within = span_from_ms("within_ms", within_ms as f64)?;
        // Only the watch: a guard that is freed meanwhile must not live on because of this.
        let watch = Arc::clone(guard_of(guard)?.watch());
        match watch.wait(within) {
            None => Ok(()),
            Some(End::Lost(loss)) => {
                out.set(Loss::of(Some(loss)));
                Ok(())
            }
            Some(End::ByHolder) => {
                let message = "it was released or handed over";
                Err(Report::new(ErrorKind::NotHeld, message))
            }
        }
    })
}

/// Calls `callback` with `user_data` once if the lock is lost; never if it is released or handed
/// over. Any number of callbacks may be registered. Where the lock is lost already, the callback
/// runs here and now.
///
/// Lifetime: `user_data` must stay good until `quorlock_guard_free` returns: from then on the
/// callback neither runs nor ever will. Threads: any; see `quorlock_loss_callback` for the one it
/// runs on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_guard_on_lost(
    guard: *const GuardHandle,
    callback: LossCallback,
    user_data: *mut c_void,
) -> Status {
    boundary((), |()| {
        let held = guard_of(guard)?;
        let missing = || Report::misuse("callback", "must not be NULL");
        let watch = Arc::clone(held.watch());
        drop(held);
        watch.add(callback.ok_or_else(missing)?, user_data);
        Ok(())
    })
}

/// Frees a guard; a lock that is still held is released in the background. When this returns, no
/// loss callback of the guard is running or ever will, unless this is called inside a callback:
/// then one may run until that callback returns. NULL is fine. In a forked child it frees nothing
/// of the parent's.
///
/// Threads: any; calls of other threads on this guard end with their result or with
/// `QUORLOCK_INVALID_ARGUMENT`.
#[unsafe(no_mangle)]
pub extern "C" fn quorlock_guard_free(guard: *mut GuardHandle) -> Status {
    boundary((), |()| {
        let Some(held) = GUARDS.remove("guard", guard)? else {
            return Ok(());
        };
        // A watch of the parent's has callbacks that a child never runs.
        if let Some(watch) = held.watch.get().filter(|_| held.here().is_ok()) {
            watch.door.shut();
        }
        Ok(())
    })
}
