//! Wake-ups by publish: one subscription per client and node, and here the waiters behind it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::{Notify, mpsc};

use crate::client::locked;

/// The waiters of one client that listen for their number.
#[derive(Default)]
pub(crate) struct WakeUps {
    waiters: Mutex<HashMap<u64, Arc<Notify>>>,
    last: AtomicU64,
}

/// One waiter's ear. Dropping it stops listening.
pub(crate) struct Ear {
    wakeups: Arc<WakeUps>,
    number: u64,
    called: Arc<Notify>,
}

impl WakeUps {
    /// A new waiter with a number of its own.
    pub(crate) fn listen(self: &Arc<Self>) -> Ear {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let called = Arc::new(Notify::new());
        locked(&self.waiters).insert(number, Arc::clone(&called));
        Ear {
            wakeups: Arc::clone(self),
            number,
            called,
        }
    }

    /// Passes on what the nodes publish, until the last node is gone.
    pub(crate) async fn run(self: Arc<Self>, mut numbers: mpsc::UnboundedReceiver<u64>) {
        while let Some(number) = numbers.recv().await {
            // A number nobody listens for is a waiter that has just left; the queue hears of that.
            if let Some(called) = locked(&self.waiters).get(&number) {
                called.notify_one();
            }
        }
    }
}

impl Ear {
    /// The waiter's number.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Ends once the waiter was called since it last listened.
    pub(crate) async fn called(&self) {
        self.called.notified().await;
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        locked(&self.wakeups.waiters).remove(&self.number);
    }
}
