//! Handles: what C holds instead of objects. A handle is a number in a pointer's clothes (kind,
//! generation, slot) and is never followed, only looked up, so a stale, forged or wrong one is
//! found out and not undefined behaviour.
//!
//! No lock is taken anywhere: one held by another thread during a `fork` would never be freed in
//! the child, where inherited handles still have to be told apart.

use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

use arc_swap::ArcSwapOption;

use crate::report::Report;

#[cfg(not(target_pointer_width = "64"))]
compile_error!("handles keep 60 bits in a pointer: a 64-bit target is needed");

/// Bits of the slot's number; as many objects of one kind can live at once.
const SLOT_BITS: u32 = 24;
/// Bits of the generation; a slot used up so often is not used again.
const GENERATION_BITS: u32 = 36;
/// Slots in the first segment; each further segment is as large as all before it.
const FIRST_SLOTS: usize = 256;
/// Enough segments for every slot number.
const SEGMENTS: usize = 17;

/// The objects of one kind that C has handles of.
pub(crate) struct Table<T: 'static> {
    /// 1 to 15, in the highest four bits: no address of a user's memory looks like that.
    kind: u64,
    segments: [AtomicPtr<Slot<T>>; SEGMENTS],
    /// The slots ever used.
    used: AtomicU32,
    /// The first free slot's number plus one, below a count that makes each value unique.
    free: AtomicU64,
}

struct Slot<T> {
    /// How often it was used.
    generation: AtomicU64,
    /// The next free slot's number plus one.
    next: AtomicU32,
    live: ArcSwapOption<Live<T>>,
}

/// An object with a handle, or one that had one and is still in use by a call.
pub(crate) struct Live<T> {
    handle: u64,
    object: T,
}

impl<T> Deref for Live<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.object
    }
}

impl<T: Send + Sync> Table<T> {
    /// An empty table of this kind, a number from 1 to 15 that no other table has.
    pub(crate) const fn new(kind: u64) -> Self {
        Table {
            kind,
            segments: [const { AtomicPtr::new(ptr::null_mut()) }; SEGMENTS],
            used: AtomicU32::new(0),
            free: AtomicU64::new(0),
        }
    }

    /// A handle for `object`.
    pub(crate) fn insert<H>(&self, object: T) -> Result<*mut H, Box<Report>> {
        let number = match self.take_free() {
            Some(number) => number,
            None => self.grow()?,
        };
        let slot = self.slot(number).ok_or_else(full)?;
        let generation = slot.generation.fetch_add(1, Ordering::Relaxed) + 1;
        let handle = (self.kind << (SLOT_BITS + GENERATION_BITS))
            | (generation << SLOT_BITS)
            | u64::from(number);
        slot.live.store(Some(Arc::new(Live { handle, object })));
        Ok(ptr::without_provenance_mut(handle as usize))
    }

    /// The object of this handle; an error naming `argument` where it has none (any more).
    pub(crate) fn get<H>(
        &self,
        argument: &'static str,
        handle: *const H,
    ) -> Result<Arc<Live<T>>, Box<Report>> {
        self.find(handle.addr() as u64)
            .ok_or_else(|| stale(argument, handle.is_null()))
    }

    /// Takes the object out: its handle is stale from here on. NULL is nothing to take out.
    pub(crate) fn remove<H>(
        &self,
        argument: &'static str,
        handle: *const H,
    ) -> Result<Option<Arc<Live<T>>>, Box<Report>> {
        if handle.is_null() {
            return Ok(None);
        }
        let gone = || stale(argument, false);
        let live = self.find(handle.addr() as u64).ok_or_else(gone)?;
        let number = number_of(live.handle);
        let slot = self.slot(number).ok_or_else(gone)?;
        let current = Some(Arc::clone(&live));
        let before = slot.live.compare_and_swap(&current, None);
        if !before
            .as_ref()
            .is_some_and(|before| Arc::ptr_eq(before, &live))
        {
            // Another thread freed it in between.
            return Err(gone());
        }
        if slot.generation.load(Ordering::Relaxed) < (1 << GENERATION_BITS) - 1 {
            self.give_free(number, slot);
        }
        Ok(Some(live))
    }

    fn find(&self, handle: u64) -> Option<Arc<Live<T>>> {
        if handle >> (SLOT_BITS + GENERATION_BITS) != self.kind {
            return None;
        }
        let live = self.slot(number_of(handle))?.live.load_full()?;
        (live.handle == handle).then_some(live)
    }

    fn slot(&self, number: u32) -> Option<&Slot<T>> {
        let (segment, offset) = place(number);
        let first = NonNull::new(self.segments.get(segment)?.load(Ordering::Acquire))?;
        // SAFETY: a segment's pointer is set once, to an array of `slots_in(segment)` slots that is
        // never freed, and `place` gives an offset inside it.
        Some(unsafe { first.add(offset).as_ref() })
    }

    fn grow(&self) -> Result<u32, Box<Report>> {
        let taken = self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                (used < 1 << SLOT_BITS).then_some(used + 1)
            });
        let number = taken.map_err(|_| full())?;
        let (segment, _) = place(number);
        let place = &self.segments[segment];
        if place.load(Ordering::Acquire).is_null() {
            let fresh: Box<[Slot<T>]> = (0..slots_in(segment)).map(|_| Slot::empty()).collect();
            let length = fresh.len();
            let first = Box::into_raw(fresh).cast::<Slot<T>>();
            let set =
                place.compare_exchange(ptr::null_mut(), first, Ordering::AcqRel, Ordering::Acquire);
            if set.is_err() {
                // SAFETY: another thread was faster, so this array is still ours alone; it is the
                // one made above, with its length.
                drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(first, length)) });
            }
        }
        Ok(number)
    }

    fn take_free(&self) -> Option<u32> {
        loop {
            let head = self.free.load(Ordering::Acquire);
            let number = (head as u32).checked_sub(1)?;
            let next = self.slot(number)?.next.load(Ordering::Relaxed);
            if self.replace_free(head, next) {
                return Some(number);
            }
        }
    }

    fn give_free(&self, number: u32, slot: &Slot<T>) {
        loop {
            let head = self.free.load(Ordering::Acquire);
            slot.next.store(head as u32, Ordering::Relaxed);
            if self.replace_free(head, number + 1) {
                return;
            }
        }
    }

    /// Puts `first` in the place of `head`, unless it changed: the count in the upper half makes
    /// sure that a change is seen also where the same slot came back meanwhile.
    fn replace_free(&self, head: u64, first: u32) -> bool {
        let next = ((head >> 32).wrapping_add(1) << 32) | u64::from(first);
        self.free
            .compare_exchange(head, next, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }
}

impl<T> Slot<T> {
    fn empty() -> Self {
        Slot {
            generation: AtomicU64::new(0),
            next: AtomicU32::new(0),
            live: ArcSwapOption::const_empty(),
        }
    }
}

fn number_of(handle: u64) -> u32 {
    (handle & ((1 << SLOT_BITS) - 1)) as u32
}

/// The segment of a slot and its place in there.
fn place(number: u32) -> (usize, usize) {
    let number = number as usize;
    let segment = (number / FIRST_SLOTS)
        .checked_ilog2()
        .map_or(0, |log| log as usize + 1);
    let before = if segment == 0 {
        0
    } else {
        FIRST_SLOTS << (segment - 1)
    };
    (segment, number - before)
}

/// The number of slots in a segment.
fn slots_in(segment: usize) -> usize {
    FIRST_SLOTS << segment.saturating_sub(1)
}

fn stale(argument: &'static str, is_null: bool) -> Box<Report> {
    let message = if is_null {
        "must not be NULL"
    } else {
        "is not a live handle of its kind: freed before, or never given out"
    };
    Report::misuse(argument, message)
}

fn full() -> Box<Report> {
    Report::misuse("handle", "too many live objects of one kind: free some")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(table: &Table<u32>, handle: *const u8) -> Option<u32> {
        table.get("x", handle).ok().map(|live| **live)
    }

    #[test]
    fn a_handle_leads_to_its_object_until_it_is_freed() {
        static TABLE: Table<u32> = Table::new(3);
        let first: *mut u8 = TABLE.insert(7).expect("room");
        let second: *mut u8 = TABLE.insert(8).expect("room");
        assert_eq!(
            (find(&TABLE, first), find(&TABLE, second)),
            (Some(7), Some(8))
        );
        assert!(TABLE.remove("x", first).is_ok());
        assert!(TABLE.remove("x", first).is_err());
        let third: *mut u8 = TABLE.insert(9).expect("room");
        assert_ne!(first, third);
        assert_eq!((find(&TABLE, first), find(&TABLE, third)), (None, Some(9)));
    }

    #[test]
    fn a_handle_of_another_kind_is_none_of_ours() {
        static ONE: Table<u32> = Table::new(1);
        static TWO: Table<u32> = Table::new(2);
        let handle: *mut u8 = ONE.insert(7).expect("room");
        let other: *mut u8 = TWO.insert(8).expect("room");
        assert_eq!((find(&TWO, handle), find(&ONE, other)), (None, None));
        assert_eq!(find(&ONE, ptr::null()), None);
    }

    #[test]
    fn slots_lie_in_their_segments_without_gap() {
        let mut next = (0, 0);
        for number in 0..100_000 {
            assert_eq!(place(number), next);
            next.1 += 1;
            if next.1 == slots_in(next.0) {
                next = (next.0 + 1, 0);
            }
        }
        let (segment, offset) = place((1 << SLOT_BITS) - 1);
        assert_eq!(
            (segment, offset + 1),
            (SEGMENTS - 1, slots_in(SEGMENTS - 1))
        );
    }

    #[test]
    fn a_slot_used_up_is_left_alone() {
        static TABLE: Table<u32> = Table::new(4);
        let first: *mut u8 = TABLE.insert(1).expect("room");
        let slot = TABLE.slot(number_of(first.addr() as u64)).expect("used");
        slot.generation
            .store((1 << GENERATION_BITS) - 1, Ordering::Relaxed);
        assert!(TABLE.remove("x", first).is_ok());
        let second: *mut u8 = TABLE.insert(2).expect("room");
        assert_ne!(
            number_of(first.addr() as u64),
            number_of(second.addr() as u64)
        );
    }

    #[test]
    fn eight_threads_never_share_a_handle() {
        static TABLE: Table<u32> = Table::new(5);
        std::thread::scope(|scope| {
            for thread in 0..8_u32 {
                scope.spawn(move || {
                    for round in 0..2_000 {
                        let value = thread * 10_000 + round;
                        let handles: [*mut u8; 3] =
                            [(); 3].map(|()| TABLE.insert(value).expect("room"));
                        for handle in handles {
                            assert_eq!(find(&TABLE, handle), Some(value));
                            assert!(TABLE.remove("x", handle).is_ok());
                            assert_eq!(find(&TABLE, handle), None);
                        }
                    }
                });
            }
        });
    }
}
