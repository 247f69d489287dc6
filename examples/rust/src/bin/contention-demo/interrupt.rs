//! Ctrl-C: noticed, so that servers and folders are cleared away before the program ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::{SigSet, Signal};

/// Whether the user wants the demo to end.
#[derive(Clone)]
pub(crate) struct Flag(Arc<AtomicBool>);

impl Flag {
    /// True once the user does.
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Listens from now on; to be called before any other thread is started, which then leaves these
/// signals to the one started here.
pub(crate) fn listen() -> Flag {
    let flag = Flag(Arc::default());
    let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]
        .into_iter()
        .collect();
    if signals.thread_block().is_ok() {
        let raised = flag.clone();
        std::thread::spawn(move || {
            if signals.wait().is_ok() {
                raised.0.store(true, Ordering::SeqCst);
            }
        });
    }
    flag
}
