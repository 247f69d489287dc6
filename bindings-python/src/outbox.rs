//! From the engine's thread to Python's: a queue and a descriptor that wakes whoever drains it.
//!
//! The engine's thread never takes the GIL. It pushes, and writes the descriptor only where the
//! queue was empty: however much happens while the interpreter is busy, it is woken once.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quorlock::{Event, Loss, Result};

use crate::host::Host;
use crate::reports::Yield;
use crate::slots::SlotId;
use crate::wake::Wake;

/// The most events that wait to be told; beyond them events are dropped and counted.
const EVENTS_MAX: usize = 10_000;

/// Something for Python.
pub(crate) enum Delivery {
    /// A call ended.
    Ended(SlotId, Result<Yield>),
    /// The guard of this key lost its lock.
    Lost(u64, Loss),
    /// Something happened to a lock of the client of this key.
    Happened(u64, Event),
    /// The engine asks whether the loop runs.
    Pulse(Arc<Host>),
}

/// The queue, in one process.
pub(crate) struct Outbox {
    pid: u32,
    items: Mutex<Items>,
    pub(crate) wake: Wake,
}

#[derive(Default)]
struct Items {
    waiting: Vec<Delivery>,
    events: usize,
    events_dropped: u64,
    is_closed: bool,
}

/// What a drain takes: everything that waited, and how many events there was no room for.
pub(crate) struct Drained {
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) events_dropped: u64,
}

impl Outbox {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Outbox {
            pid: std::process::id(),
            items: Mutex::default(),
            wake: Wake::new()?,
        })
    }

    /// True in a forked child: the queue's lock may be held by a thread that does not exist there.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.pid != std::process::id()
    }

    /// Queues `delivery`. Where nobody drains any more it is dropped here and now, which gives back
    /// a lock that was won.
    pub(crate) fn push(&self, delivery: Delivery) {
        if self.is_elsewhere() {
            mem::forget(delivery);
            return;
        }
        let mut items = self.items();
        if items.is_closed {
            drop(items);
            return;
        }
        if matches!(delivery, Delivery::Happened(..)) {
            if items.events >= EVENTS_MAX {
                items.events_dropped += 1;
                return;
            }
            items.events += 1;
        }
        let was_empty = items.waiting.is_empty();
        items.waiting.push(delivery);
        drop(items);
        if was_empty {
            self.wake.up();
        }
    }

    /// Takes what waits.
    pub(crate) fn drain(&self) -> Drained {
        self.wake.settle();
        let mut items = self.items();
        items.events = 0;
        Drained {
            deliveries: mem::take(&mut items.waiting),
            events_dropped: mem::take(&mut items.events_dropped),
        }
    }

    /// Ends it: what waits and whatever still comes is dropped.
    pub(crate) fn close(&self) {
        let mut items = self.items();
        items.is_closed = true;
        let waiting = mem::take(&mut items.waiting);
        drop(items);
        drop(waiting);
        self.wake.up();
    }

    pub(crate) fn has_closed(&self) -> bool {
        self.items().is_closed
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items().waiting.is_empty()
    }

    fn items(&self) -> MutexGuard<'_, Items> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
