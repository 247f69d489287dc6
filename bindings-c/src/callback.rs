//! Calling back into C: which thread is inside, and how a callback is stopped for good.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use engine::Error;

use crate::report::Report;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// An error where the calling thread is inside a callback: a call that waits would wait for itself.
pub(crate) fn may_block() -> Result<(), Box<Report>> {
    if is_inside() {
        return Err(
            Error::invalid("callback", "a callback must not make a call that waits").into(),
        );
    }
    Ok(())
}

fn is_inside() -> bool {
    DEPTH.get() > 0
}

/// Runs a callback of the user.
pub(crate) fn call(callback: impl FnOnce()) {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            DEPTH.set(DEPTH.get() - 1);
        }
    }
    DEPTH.set(DEPTH.get() + 1);
    let _leave = Leave;
    callback();
}

/// Lets callbacks through until it is shut. Atomics only, since a forked child inherits it.
pub(crate) struct Door {
    open: AtomicBool,
    inside: AtomicUsize,
    pid: u32,
}

impl Door {
    pub(crate) fn new() -> Self {
        Door {
            open: AtomicBool::new(true),
            inside: AtomicUsize::new(0),
            pid: std::process::id(),
        }
    }

    /// Runs a callback unless the door is shut.
    pub(crate) fn pass(&self, callback: impl FnOnce()) {
        struct Inside<'a>(&'a AtomicUsize);
        impl Drop for Inside<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        self.inside.fetch_add(1, Ordering::SeqCst);
        let _inside = Inside(&self.inside);
        if self.open.load(Ordering::SeqCst) {
            call(callback);
        }
    }

    /// Lets no further callback through and waits for those under way, so that what they use can be
    /// freed. Inside a callback it does not wait, which would be for itself; nor in a forked child,
    /// where the threads of the parent do not exist.
    pub(crate) fn shut(&self) {
        self.open.store(false, Ordering::SeqCst);
        if is_inside() || self.pid != std::process::id() {
            return;
        }
        while self.inside.load(Ordering::SeqCst) > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
