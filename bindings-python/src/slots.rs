//! The calls of one event loop that are under way.

use pyo3::prelude::*;
use quorlock::Canceller;

/// Names one call. The generation tells it from earlier calls in the same place, so that a late
/// cancel hits nobody else.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlotId {
    index: u32,
    generation: u32,
}

impl SlotId {
    /// As Python keeps it.
    pub(crate) fn to_number(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.index)
    }

    pub(crate) fn of_number(number: u64) -> Self {
        SlotId {
            index: (number & u64::from(u32::MAX)) as u32,
            generation: (number >> 32) as u32,
        }
    }
}

#[derive(Default)]
struct Slot {
    generation: u32,
    future: Option<Py<PyAny>>,
    canceller: Option<Canceller>,
}

/// The table of calls.
#[derive(Default)]
pub(crate) struct Slots {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

impl Slots {
    /// A place for a call whose result goes to `future`.
    pub(crate) fn open(&mut self, future: Py<PyAny>) -> SlotId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            // 2^32 calls under way would need far more memory than there is.
            (self.slots.len() - 1) as u32
        });
        let slot = &mut self.slots[index as usize];
        slot.future = Some(future);
        SlotId {
            index,
            generation: slot.generation,
        }
    }

    /// Keeps what gives up the call `id`.
    pub(crate) fn arm(&mut self, id: SlotId, canceller: Canceller) {
        if let Some(slot) = self.get(id) {
            slot.canceller = Some(canceller);
        }
    }

    /// What gives up the call `id`, if it is under way. Its future hears nothing more.
    pub(crate) fn give_up(&mut self, id: SlotId) -> Option<(Option<Canceller>, Option<Py<PyAny>>)> {
        let slot = self.get(id)?;
        Some((slot.canceller.take(), slot.future.take()))
    }

    /// Frees the place of `id` and tells whom its result is for.
    pub(crate) fn end(&mut self, id: SlotId) -> Option<Py<PyAny>> {
        let slot = self.get(id)?;
        slot.generation = slot.generation.wrapping_add(1);
        slot.canceller = None;
        let future = slot.future.take();
        self.free.push(id.index);
        future
    }

    /// Everything that is under way, to be given up.
    pub(crate) fn cancellers(&mut self) -> Vec<Canceller> {
        let armed = self
            .slots
            .iter_mut()
            .filter_map(|slot| slot.canceller.take());
        armed.collect()
    }

    fn get(&mut self, id: SlotId) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(id.index as usize)?;
        (slot.generation == id.generation).then_some(slot)
    }
}
