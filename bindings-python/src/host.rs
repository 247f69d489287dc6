//! Python's side of one client: which events it wants to hear, where it hears them, and the pulse
//! of its event loop.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use quorlock::{Event, EventKind, Pulse};

use crate::outbox::{Delivery, Outbox};

/// One client's host. Nothing of it needs the GIL: the engine's thread uses it.
pub(crate) struct Host {
    /// How Python finds the client.
    key: u64,
    /// Events below this level of `logging` are not told.
    level_min: AtomicU8,
    outbox: ArcSwapOption<Outbox>,
    pulse: OnceLock<Pulse>,
}

impl Host {
    pub(crate) fn new(key: u64, level_min: u8) -> Arc<Self> {
        Arc::new(Host {
            key,
            level_min: AtomicU8::new(level_min),
            outbox: ArcSwapOption::empty(),
            pulse: OnceLock::new(),
        })
    }

    /// A pulse that asks the loop this client was used on last.
    pub(crate) fn pulse(self: &Arc<Self>) -> &Pulse {
        self.pulse.get_or_init(|| {
            let host = Arc::downgrade(self);
            Pulse::new(move || {
                if let Some(host) = host.upgrade() {
                    let pulse = Delivery::Pulse(Arc::clone(&host));
                    host.push(pulse);
                }
            })
        })
    }

    /// The loop runs.
    pub(crate) fn beat(&self) {
        if let Some(pulse) = self.pulse.get() {
            pulse.beat();
        }
    }

    /// From now on `outbox` takes what is for this client.
    pub(crate) fn attach(&self, outbox: &Arc<Outbox>) {
        self.outbox.store(Some(Arc::clone(outbox)));
    }

    /// From now on events of `level_min` and above are told.
    pub(crate) fn listen(&self, level_min: u8) {
        self.level_min.store(level_min, Ordering::Relaxed);
    }

    /// Passes on `event` if anybody wants to hear it.
    pub(crate) fn observe(&self, event: &Event) {
        if level(event.kind) >= self.level_min.load(Ordering::Relaxed) {
            self.push(Delivery::Happened(self.key, event.clone()));
        }
    }

    fn push(&self, delivery: Delivery) {
        if let Some(outbox) = &*self.outbox.load() {
            outbox.push(delivery);
        }
    }
}

/// The level at which `logging` shows events of `kind`.
pub(crate) fn level(kind: EventKind) -> u8 {
    match kind {
        EventKind::Lost => 30,
        EventKind::Failed | EventKind::Detached | EventKind::Adopted => 20,
        _ => 10,
    }
}
