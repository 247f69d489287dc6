//! Work of one client that is not finished yet; closing waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Counts work under way.
#[derive(Debug, Default)]
pub struct Busy {
    count: AtomicUsize,
    idle: Notify,
}

/// One piece of work; it is under way for as long as this lives.
#[derive(Debug)]
pub struct Work(Arc<Busy>);

impl Busy {
    /// Begins a piece of work.
    pub fn begin(self: &Arc<Self>) -> Work {
        self.count.fetch_add(1, Ordering::AcqRel);
        Work(Arc::clone(self))
    }

    /// Ends once nothing is under way.
    pub async fn idle(&self) {
        loop {
            let idle = self.idle.notified();
            if self.count.load(Ordering::Acquire) == 0 {
                return;
            }
            idle.await;
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}
