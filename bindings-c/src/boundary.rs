//! The border itself: no panic crosses it, and out-parameters are written on every path.

use std::panic::{AssertUnwindSafe, catch_unwind};

use engine::ErrorKind;

use crate::outs::Outs;
use crate::report::Report;
use crate::status::Status;

/// Blanks the out-parameters, then runs the body of an exported function; what goes wrong in it
/// becomes the thread's last error.
pub(crate) fn boundary<O: Outs>(
    mut outs: O,
    body: impl FnOnce(O) -> Result<(), Box<Report>>,
) -> Status {
    let ready = outs.blank();
    let done = catch_unwind(AssertUnwindSafe(|| {
        injection::panic_if_asked();
        ready?;
        body(outs)
    }));
    match done {
        Ok(Ok(())) => Status::QUORLOCK_OK,
        Ok(Err(report)) => report.keep(),
        Err(_) => caught(),
    }
}

/// The body of an exported function that cannot fail; `fallback` where it panics.
pub(crate) fn boundary_or<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    let done = catch_unwind(AssertUnwindSafe(|| {
        injection::panic_if_asked();
        body()
    }));
    done.unwrap_or(fallback)
}

fn caught() -> Status {
    let report = || Report::new(ErrorKind::Internal, "a bug in Quorlock: it panicked").keep();
    catch_unwind(report).unwrap_or(Status::QUORLOCK_INTERNAL)
}

#[cfg(not(feature = "panic-injection"))]
mod injection {
    pub(super) fn panic_if_asked() {}
}

#[cfg(feature = "panic-injection")]
mod injection {
    use std::cell::Cell;

    thread_local! {
        static ASKED: Cell<bool> = const { Cell::new(false) };
    }

    pub(super) fn panic_if_asked() {
        assert!(!ASKED.replace(false), "a test asked for it");
    }

    /// Test door: the calling thread's next call panics inside.
    #[unsafe(no_mangle)]
    pub extern "C" fn quorlock_test_panic_next() {
        ASKED.set(true);
    }
}
