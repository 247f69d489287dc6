//! Values that belong to one process and are made anew in a forked child.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::error::{Error, ErrorKind, Result};

/// A value made on first use in each process. What a child inherits is leaked, never dropped:
/// dropping it would join threads that do not exist there, and touch sockets of the parent.
///
/// No lock is taken, because one held by another thread during the fork would never be freed in
/// the child.
pub(crate) struct ProcessLocal<T> {
    slot: ArcSwapOption<(u32, T)>,
}

impl<T: Clone> ProcessLocal<T> {
    /// Nothing made yet.
    pub(crate) const fn empty() -> Self {
        ProcessLocal {
            slot: ArcSwapOption::const_empty(),
        }
    }

    /// This process's value, made by `make` if there is none.
    pub(crate) fn get_or_make(&self, make: impl FnOnce() -> Result<T>) -> Result<T> {
        let pid = std::process::id();
        let present = self.slot.load_full();
        if let Some(value) = present.as_deref().filter(|(owner, _)| *owner == pid) {
            return Ok(value.1.clone());
        }
        let fresh = Arc::new((pid, make()?));
        let before = self
            .slot
            .compare_and_swap(&present, Some(Arc::clone(&fresh)));
        let ours = match (&*before, &present) {
            (None, None) => true,
            (Some(before), Some(present)) => Arc::ptr_eq(before, present),
            _ => false,
        };
        if ours {
            std::mem::forget(present);
            return Ok(fresh.1.clone());
        }
        // Another thread of this process was faster.
        drop(fresh);
        self.get()
            .ok_or_else(|| Error::new(ErrorKind::Internal, "the value of this process vanished"))
    }

    /// This process's value, if it was made here.
    pub(crate) fn get(&self) -> Option<T> {
        let present = self.slot.load_full()?;
        if present.0 == std::process::id() {
            return Some(present.1.clone());
        }
        std::mem::forget(present);
        None
    }
}

impl<T> Drop for ProcessLocal<T> {
    fn drop(&mut self) {
        let Some(value) = self.slot.swap(None) else {
            return;
        };
        if value.0 != std::process::id() {
            std::mem::forget(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_per_process_whoever_asks() {
        static VALUE: ProcessLocal<Arc<u32>> = ProcessLocal::empty();
        let threads: Vec<_> = (0..8)
            .map(|n| {
                std::thread::spawn(move || VALUE.get_or_make(|| Ok(Arc::new(n))).expect("made"))
            })
            .collect();
        let values: Vec<_> = threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .collect();
        assert!(values.iter().all(|value| Arc::ptr_eq(value, &values[0])));
    }
}
