//! The mutex: one holder at a time, over all processes that use the same nodes and name.

use std::ffi::c_char;

use engine::ErrorKind;

use crate::acquire_options::AcquireOptionsGiven;
use crate::boundary::boundary;
use crate::client::{ClientHandle, client_of};
use crate::guard::{GuardHandle, hold};
use crate::outs::Out;
use crate::report::Report;
use crate::status::Status;
use crate::text::{given, owned};
use crate::wait::wait_or_cancel;

/// Takes the lock `name`, waiting for it: first in, first out over all processes. Waits for
/// `wait_ms` at most.
///
/// `QUORLOCK_TIMEOUT` where somebody else has it for all the wait (`QUORLOCK_CONTENDED` where the
/// wait is 0), `QUORLOCK_QUORUM_UNAVAILABLE` where too few nodes answered, `QUORLOCK_CANCELLED`,
/// `QUORLOCK_CLOSED`, `QUORLOCK_INVALID_ARGUMENT`. After any of them no lock is left behind.
///
/// Ownership: free the guard with `quorlock_guard_free`. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_mutex_acquire(
    client: *const ClientHandle,
    name: *const c_char,
    options: *const AcquireOptionsGiven,
    guard_out: *mut *mut GuardHandle,
) -> Status {
    // SAFETY: the caller's promise: NULL or valid for writing.
    let out = unsafe { Out::new("guard_out", guard_out) };
    boundary(out, |out| {
        let held = client_of(client)?;
        // SAFETY: the caller's promise: NULL or a string.
        let mutex = held.client.mutex(unsafe { given("name", name) }?);
        drop(held);
        // SAFETY: the caller's promise: NULL or a struct of the size it says.
        let (options, canceller) = unsafe { AcquireOptionsGiven::read(options) }?;
        let guard = wait_or_cancel(canceller, || mutex.start_acquire(options))?;
        out.set(hold(guard)?);
        Ok(())
    })
}

/// Takes the lock `name` if it can be had at once; `QUORLOCK_CONTENDED` where somebody else has it.
/// Waits for the nodes' answers only.
///
/// Other statuses as `quorlock_mutex_acquire`, without `QUORLOCK_TIMEOUT`. Ownership: free the
/// guard with `quorlock_guard_free`. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_mutex_try_acquire(
    client: *const ClientHandle,
    name: *const c_char,
    options: *const AcquireOptionsGiven,
    guard_out: *mut *mut GuardHandle,
) -> Status {
    // SAFETY: the caller's promise: NULL or valid for writing.
    let out = unsafe { Out::new("guard_out", guard_out) };
    boundary(out, |out| {
        let held = client_of(client)?;
        // SAFETY: the caller's promise: NULL or a string.
        let mutex = held.client.mutex(unsafe { given("name", name) }?);
        drop(held);
        // SAFETY: the caller's promise: NULL or a struct of the size it says.
        let (options, canceller) = unsafe { AcquireOptionsGiven::read(options) }?;
        let guard = wait_or_cancel(canceller, || mutex.start_try_acquire(options))?;
        let taken = || contended(mutex.name());
        out.set(hold(guard.ok_or_else(taken)?)?);
        Ok(())
    })
}

/// What the engine gives as a result, C gives as a status.
fn contended(name: &str) -> Box<Report> {
    let mut report = Report::new(ErrorKind::Contended, "somebody else holds it");
    report.operation = Some(owned("try_acquire"));
    report.resource = Some(owned(name));
    report
}
