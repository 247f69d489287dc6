//! The pulse of the caller's event loop: a loop that stopped for good shall not keep its locks.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::client::shield::shielded;
use crate::config::Moment;

/// Asks a host, such as an event loop, whether it still runs. While leases are renewed the engine
/// calls the pulse's `ask` on its own thread; the host answers with [`Pulse::beat`] from wherever it
/// runs. A host that stays silent for too long loses its locks with `Loss::HostSilent`, though
/// renewal would go on: otherwise a dead-locked process holds them up to the hold limit.
///
/// See [`ClientBuilder::pulse`](crate::ClientBuilder::pulse). Cloning it is cheap and shares everything.
#[derive(Clone)]
pub struct Pulse {
    inner: Arc<Inner>,
}

struct Inner {
    ask: Box<dyn Fn() + Send + Sync>,
    /// When the question without an answer was asked, in nanoseconds; 0 where none is open.
    asked: AtomicU64,
}

impl Pulse {
    /// A pulse that is felt by `ask`, which must be short and must not block.
    pub fn new(ask: impl Fn() + Send + Sync + 'static) -> Self {
        Pulse {
            inner: Arc::new(Inner {
                ask: Box::new(ask),
                asked: AtomicU64::new(0),
            }),
        }
    }

    /// The host's answer: it runs.
    pub fn beat(&self) {
        self.inner.asked.store(0, Ordering::Release);
    }

    /// Asks the host, unless a question is open.
    pub(crate) fn feel(&self, now: Moment) {
        let asked = now.as_nanos().max(1);
        let open = self
            .inner
            .asked
            .compare_exchange(0, asked, Ordering::AcqRel, Ordering::Acquire);
        if open.is_ok() {
            shielded(|| (self.inner.ask)());
        }
    }

    /// How long the host has owed an answer.
    pub(crate) fn silence(&self, now: Moment) -> Duration {
        match self.inner.asked.load(Ordering::Acquire) {
            0 => Duration::ZERO,
            asked => now.since(Moment::from_nanos(asked)),
        }
    }
}

impl fmt::Debug for Pulse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pulse").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[test]
    fn silence_counts_from_the_question_without_an_answer() {
        let asked = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&asked);
        let pulse = Pulse::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
        });
        let at = |ms: u64| Moment::from_nanos(1) + Duration::from_millis(ms);
        assert_eq!(pulse.silence(at(5)), Duration::ZERO);
        pulse.feel(at(10));
        pulse.feel(at(20));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        assert_eq!(pulse.silence(at(40)), Duration::from_millis(30));
        pulse.beat();
        assert_eq!(pulse.silence(at(40)), Duration::ZERO);
        pulse.feel(at(50));
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }
}
