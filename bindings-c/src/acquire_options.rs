//! What one call may set apart from its client.

use std::sync::Arc;

use engine::{AcquireOptions, span_from_ms};

use crate::canceller::{Canceller, CancellerHandle};
use crate::client_options::{UNSET, flag_given};
use crate::handle::Live;
use crate::outs::{Versioned, size_given};
use crate::report::Report;

/// What one `acquire`, `try_acquire` or `adopt` sets apart from the client's options. Start from
/// `QUORLOCK_ACQUIRE_OPTIONS_INIT`; NULL means the same as that.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct AcquireOptionsGiven {
    /// `sizeof(quorlock_acquire_options)`, set by the `_INIT` macro.
    pub size: usize,
    /// How long the lease lives without renewal: 10 ms to 24 h.
    pub ttl_ms: u64,
    /// How long to wait for the lock at most; 0 means one try.
    pub wait_ms: u64,
    /// How long the lease may be held in all; renewal stops there and the lease is lost.
    pub hold_ms_max: u64,
    /// Whether the lease is renewed in the background: 1 or 0.
    pub renew: i32,
    /// Unused, 0.
    pub reserved: i32,
    /// Gives the call up from another thread; NULL for none. Must live until the call returns.
    pub canceller: *const CancellerHandle,
}

// SAFETY: `repr(C)`, `size` first, integers and a pointer.
unsafe impl Versioned for AcquireOptionsGiven {
    const SIZE_MIN: usize = size_of::<Self>();
}

/// The engine's options and the canceller.
pub(crate) type Given = (AcquireOptions, Option<Arc<Live<Canceller>>>);

impl AcquireOptionsGiven {
    /// What the caller set.
    ///
    /// # Safety
    /// `place` is NULL, or its first field holds the number of bytes that can be read there.
    pub(crate) unsafe fn read(place: *const Self) -> Result<Given, Box<Report>> {
        let mut options = AcquireOptions::new();
        if place.is_null() {
            return Ok((options, None));
        }
        // SAFETY: the caller's promise, handed on; a size that is too small is refused, so that
        // the whole struct can be read.
        let given = unsafe {
            size_given("options", place)?;
            place.read_unaligned()
        };
        if given.ttl_ms != UNSET {
            options = options.ttl(span_from_ms("acquire.ttl_ms", given.ttl_ms as f64)?);
        }
        if given.wait_ms != UNSET {
            options = options.wait(span_from_ms("acquire.wait_ms", given.wait_ms as f64)?);
        }
        if given.hold_ms_max != UNSET {
            let hold_max = span_from_ms("acquire.hold_ms_max", given.hold_ms_max as f64)?;
            options = options.hold_max(hold_max);
        }
        if let Some(renew) = flag_given("acquire.renew", given.renew)? {
            options = options.renew(renew);
        }
        Ok((options, Canceller::of(given.canceller)?))
    }
}
