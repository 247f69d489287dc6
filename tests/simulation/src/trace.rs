//! The record of a run: a hash over every event always, and every event in words where asked for.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Everything that happened, in order.
pub struct Trace {
    inner: Mutex<Inner>,
}

struct Inner {
    hash: u64,
    events: u64,
    lines: Option<Vec<String>>,
}

impl Trace {
    /// Nothing yet; `verbose` keeps every event in words.
    pub fn new(verbose: bool) -> Self {
        Trace {
            inner: Mutex::new(Inner {
                hash: 0xcbf2_9ce4_8422_2325,
                events: 0,
                lines: verbose.then(Vec::new),
            }),
        }
    }

    /// Notes an event at `at` microseconds: its kind, its numbers, and the rest in words.
    pub fn note(&self, at: u64, kind: &str, numbers: &[u64], words: impl FnOnce() -> String) {
        let mut inner = self.lock();
        inner.events += 1;
        let mut hash = inner.hash;
        let mut mix = |bytes: &[u8]| {
            for byte in bytes {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        };
        mix(&at.to_le_bytes());
        mix(kind.as_bytes());
        numbers.iter().for_each(|number| mix(&number.to_le_bytes()));
        if let Some(lines) = &mut inner.lines {
            let words = words();
            mix(words.as_bytes());
            let (ms, micros) = (at / 1000, at % 1000);
            lines.push(format!("{ms:>7}.{micros:03} {kind:<9} {numbers:?} {words}"));
        }
        inner.hash = hash;
    }

    /// The hash so far, and how many events went into it.
    pub fn digest(&self) -> (u64, u64) {
        let inner = self.lock();
        (inner.hash, inner.events)
    }

    /// Takes the events in words, where they were kept.
    pub fn take_lines(&self) -> Vec<String> {
        self.lock().lines.take().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
