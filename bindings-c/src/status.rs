//! The frozen numbers of the error table, as C sees them.

use std::ffi::{CStr, c_char};

use engine::ErrorKind;

use crate::boundary::boundary_or;

/// What a call came to. 0 is success; the numbers are frozen and the same in every version.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(non_camel_case_types)] // The names C users type, without the enum's own in between.
pub enum Status {
    /// It went well.
    QUORLOCK_OK = 0,
    /// Somebody else holds the lock, and the call was not to wait.
    QUORLOCK_CONTENDED = -1,
    /// The wait ended before the lock became free.
    QUORLOCK_TIMEOUT = -2,
    /// Too few nodes answered, so nobody can tell who holds the lock.
    QUORLOCK_QUORUM_UNAVAILABLE = -3,
    /// The lease ended while it was in use.
    QUORLOCK_LEASE_LOST = -4,
    /// The lock is not held any more: released, handed over, or a ticket that is used up.
    QUORLOCK_NOT_HELD = -5,
    /// The call was given up through its canceller.
    QUORLOCK_CANCELLED = -6,
    /// An argument is wrong (a handle that is not live counts too); nothing was sent.
    QUORLOCK_INVALID_ARGUMENT = -10,
    /// The node list is wrong, or the servers contradict the options.
    QUORLOCK_INVALID_CONFIG = -11,
    /// The client was closed.
    QUORLOCK_CLOSED = -12,
    /// The handle belongs to the parent of this forked process.
    QUORLOCK_FORKED = -13,
    /// A server broke the protocol.
    QUORLOCK_PROTOCOL = -20,
    /// A bug in Quorlock; the library stays usable.
    QUORLOCK_INTERNAL = -99,
}

impl Status {
    /// The status of an error's kind.
    pub(crate) fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Contended => Status::QUORLOCK_CONTENDED,
            ErrorKind::Timeout => Status::QUORLOCK_TIMEOUT,
            ErrorKind::QuorumUnavailable => Status::QUORLOCK_QUORUM_UNAVAILABLE,
            ErrorKind::LeaseLost => Status::QUORLOCK_LEASE_LOST,
            ErrorKind::NotHeld => Status::QUORLOCK_NOT_HELD,
            ErrorKind::Cancelled => Status::QUORLOCK_CANCELLED,
            ErrorKind::InvalidArgument => Status::QUORLOCK_INVALID_ARGUMENT,
            ErrorKind::Config => Status::QUORLOCK_INVALID_CONFIG,
            ErrorKind::Closed => Status::QUORLOCK_CLOSED,
            ErrorKind::Forked => Status::QUORLOCK_FORKED,
            ErrorKind::Protocol => Status::QUORLOCK_PROTOCOL,
            // The table is open for new rows; the test below fails when one is missing here.
            _ => Status::QUORLOCK_INTERNAL,
        }
    }
}

/// The row of the error table with this number.
fn kind_of(status: i32) -> Option<ErrorKind> {
    let mut rows = ErrorKind::ALL.iter().copied();
    rows.find(|kind| kind.number() == status)
}

/// The code of a status in one stable word, such as `QUORLOCK_TIMEOUT`: the same word that Node
/// shows as `error.code`. `QUORLOCK_UNKNOWN` for a number that is no status. Never NULL; static.
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn quorlock_status_name(status: i32) -> *const c_char {
    let name = boundary_or(c"QUORLOCK_UNKNOWN", || code(status));
    name.as_ptr()
}

/// True where the same call, made again later, can succeed with nothing else changed.
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn quorlock_status_is_retryable(status: i32) -> bool {
    boundary_or(false, || {
        kind_of(status).is_some_and(ErrorKind::is_retryable)
    })
}

fn code(status: i32) -> &'static CStr {
    match status {
        0 => c"QUORLOCK_OK",
        -1 => c"QUORLOCK_CONTENDED",
        -2 => c"QUORLOCK_TIMEOUT",
        -3 => c"QUORLOCK_QUORUM_UNAVAILABLE",
        -4 => c"QUORLOCK_LEASE_LOST",
        -5 => c"QUORLOCK_NOT_HELD",
        -6 => c"QUORLOCK_CANCELLED",
        -10 => c"QUORLOCK_INVALID_ARGUMENT",
        -11 => c"QUORLOCK_INVALID_CONFIG",
        -12 => c"QUORLOCK_CLOSED",
        -13 => c"QUORLOCK_FORKED",
        -20 => c"QUORLOCK_PROTOCOL",
        -99 => c"QUORLOCK_INTERNAL",
        _ => c"QUORLOCK_UNKNOWN",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_has_its_status() {
        for &kind in ErrorKind::ALL {
            assert_eq!(Status::of(kind) as i32, kind.number(), "{}", kind.name());
            let name = code(kind.number()).to_str().expect("ascii");
            assert_eq!(name, kind.code());
        }
    }

    #[test]
    fn what_is_no_status_has_no_code() {
        for number in [1, -7, -98, i32::MIN, i32::MAX] {
            assert_eq!(code(number), c"QUORLOCK_UNKNOWN");
            assert!(!quorlock_status_is_retryable(number));
        }
    }
}
