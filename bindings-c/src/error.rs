//! The calling thread's last error, for C to read.

use std::ffi::c_char;

use crate::boundary::boundary_or;
use crate::outs::{OutStruct, Outs, Versioned};
use crate::report::{Outcome, Report};
use crate::status::{Status, quorlock_status_is_retryable, quorlock_status_name};
use crate::text::{micros, pointer};

/// Why a call failed. Set `size` with `QUORLOCK_ERROR_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ErrorGiven {
    /// `sizeof(quorlock_error)`.
    pub size: usize,
    /// What the call returned.
    pub status: Status,
    /// How many rounds were tried.
    pub attempts: u32,
    /// The status's code, such as `QUORLOCK_TIMEOUT`.
    pub code: *const c_char,
    /// What went wrong, in words, without the outcomes.
    pub message: *const c_char,
    /// The argument or option that is wrong, such as `acquire.ttl_ms` or `nodes[2]`; NULL if none.
    pub field: *const c_char,
    /// The resource the call was about; NULL if none.
    pub resource: *const c_char,
    /// The operation, such as `acquire`; NULL if none.
    pub operation: *const c_char,
    /// How long the operation ran.
    pub elapsed_us: u64,
    /// How many outcomes `quorlock_last_error_outcome` can read: one per node that was asked.
    pub outcome_count: usize,
    /// True where the same call, made again later, can succeed with nothing else changed.
    pub is_retryable: bool,
}

// SAFETY: `repr(C)`, `size` first; zero is `QUORLOCK_OK`, NULL and false.
unsafe impl Versioned for ErrorGiven {
    const SIZE_MIN: usize = size_of::<Self>();
}

/// What one node said. Set `size` with `QUORLOCK_OUTCOME_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct OutcomeGiven {
    /// `sizeof(quorlock_outcome)`.
    pub size: usize,
    /// The node's address, without user, password or query.
    pub node: *const c_char,
    /// `granted`, `held_by_another`, `queued`, `missing`, `spent`, `faulted`, `unheard` or
    /// `not_asked`.
    pub status: *const c_char,
    /// The class of its fault, such as `timeout` or `unreachable`; NULL where it has none.
    pub fault: *const c_char,
    /// A few words on the fault; NULL where it has none.
    pub detail: *const c_char,
    /// From sending to the answer, or to the end of waiting for one.
    pub elapsed_us: u64,
}

// SAFETY: `repr(C)`, `size` first, integers and pointers.
unsafe impl Versioned for OutcomeGiven {
    const SIZE_MIN: usize = size_of::<Self>();
}

impl OutcomeGiven {
    /// The outcome, with texts that live as long as it does.
    pub(crate) fn of(outcome: &Outcome) -> Self {
        OutcomeGiven {
            size: size_of::<Self>(),
            node: outcome.node.as_ptr(),
            status: outcome.status.as_ptr(),
            fault: pointer(outcome.fault.as_ref()),
            detail: pointer(outcome.detail.as_ref()),
            elapsed_us: micros(outcome.elapsed),
        }
    }
}

/// A reader of the last error: it changes nothing, whatever comes of it.
fn reading<O: Outs>(outs: O, read: impl FnOnce(O, &Report) -> Option<()>) -> Status {
    let mut outs = outs;
    let ready = outs.blank().is_ok();
    boundary_or(Status::QUORLOCK_INTERNAL, || {
        let done = Report::last(|last| read(outs, last.filter(|_| ready)?));
        match done {
            Some(()) => Status::QUORLOCK_OK,
            None => Status::QUORLOCK_INVALID_ARGUMENT,
        }
    })
}

/// The calling thread's last error: that of its last call which did not return `QUORLOCK_OK`. The
/// texts live until this thread's next call that does not return `QUORLOCK_OK`, or its end.
///
/// `QUORLOCK_INVALID_ARGUMENT` where no call of this thread has failed yet, and for a NULL or a
/// wrong size. Reading changes nothing, also where it fails. Threads: each has its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_last_error(error_out: *mut ErrorGiven) -> Status {
    // SAFETY: the caller's promise: NULL or a struct of the size it says.
    let out = unsafe { OutStruct::new("error_out", error_out) };
    reading(out, |out, report| {
        out.set(ErrorGiven {
            size: size_of::<ErrorGiven>(),
            status: report.status,
            attempts: report.attempts,
            code: quorlock_status_name(report.status as i32),
            message: report.message.as_ptr(),
            field: pointer(report.field.as_ref()),
            resource: pointer(report.resource.as_ref()),
            operation: pointer(report.operation.as_ref()),
            elapsed_us: micros(report.elapsed),
            outcome_count: report.outcomes.len(),
            is_retryable: quorlock_status_is_retryable(report.status as i32),
        });
        Some(())
    })
}

/// The last error in one line for a log: operation, resource, field, message, rounds, time and what
/// each node said. Empty where no call of this thread has failed yet; never NULL. It lives as long
/// as the texts of `quorlock_last_error`.
///
/// Threads: each has its own.
#[unsafe(no_mangle)]
pub extern "C" fn quorlock_last_error_message() -> *const c_char {
    boundary_or(c"".as_ptr(), || {
        Report::last(|last| last.map_or(c"".as_ptr(), |report| report.text.as_ptr()))
    })
}

/// What one node said in the call that failed, from index 0. `QUORLOCK_INVALID_ARGUMENT` beyond the
/// last. The texts live as long as those of `quorlock_last_error`.
///
/// Threads: each has its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn quorlock_last_error_outcome(
    index: usize,
    outcome_out: *mut OutcomeGiven,
) -> Status {
    // SAFETY: the caller's promise: NULL or a struct of the size it says.
    let out = unsafe { OutStruct::new("outcome_out", outcome_out) };
    reading(out, |out, report| {
        out.set(OutcomeGiven::of(report.outcomes.get(index)?));
        Some(())
    })
}
