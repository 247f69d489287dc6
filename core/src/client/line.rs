//! The local line: callers of one client that want the same resource stand first in, first out,
//! and only the first talks to the servers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::client::locked;
use crate::config::Keys;
use crate::error::{Error, ErrorKind, Result};

/// The lines of one client, one per resource in use.
#[derive(Default)]
pub(crate) struct Lines {
    lines: Mutex<HashMap<Keys, Arc<Line>>>,
    waiting: AtomicUsize,
}

struct Line {
    /// The one turn to talk to the servers; the semaphore serves its waiters in order.
    turn: Arc<Semaphore>,
    holders: AtomicUsize,
    /// Counts releases by this client, and wakes who waits for the next.
    releases: AtomicU64,
    released: Notify,
}

/// A place in a line, kept while waiting and while holding.
pub(crate) struct Seat {
    lines: Weak<Lines>,
    keys: Keys,
    line: Option<Arc<Line>>,
    waiting: bool,
    holding: bool,
}

impl Lines {
    /// Takes a place at the end; refuses the caller where `most` wait already.
    pub(crate) fn stand(self: &Arc<Self>, keys: &Keys, most: usize) -> Result<Seat> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= most {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::new(
                ErrorKind::Contended,
                format!("{most} callers of this client wait already"),
            ));
        }
        let mut lines = locked(&self.lines);
        let fresh = || {
            Arc::new(Line {
                turn: Arc::new(Semaphore::new(1)),
                holders: AtomicUsize::new(0),
                releases: AtomicU64::new(0),
                released: Notify::new(),
            })
        };
        let line = Arc::clone(lines.entry(keys.clone()).or_insert_with(fresh));
        Ok(Seat {
            lines: Arc::downgrade(self),
            keys: keys.clone(),
            line: Some(line),
            waiting: true,
            holding: false,
        })
    }
}

impl Seat {
    fn line(&self) -> Option<&Arc<Line>> {
        self.line.as_ref()
    }

    /// Waits for the turn to talk to the servers.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        let turn = Arc::clone(&self.line()?.turn);
        turn.acquire_owned().await.ok()
    }

    /// The turn, if nobody has it or waits for it.
    pub(crate) fn turn_now(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.line()?.turn).try_acquire_owned().ok()
    }

    /// True where a guard of this client holds the resource, so that asking for it is idle.
    pub(crate) fn is_held_here(&self) -> bool {
        self.line()
            .is_some_and(|line| line.holders.load(Ordering::Relaxed) > 0)
    }

    /// How often this client has released the resource.
    pub(crate) fn releases(&self) -> u64 {
        self.line()
            .map_or(0, |line| line.releases.load(Ordering::Acquire))
    }

    /// Ends once this client has released the resource again since it had done so `seen` times.
    pub(crate) async fn released_since(&self, seen: u64) {
        let Some(line) = self.line() else {
            return std::future::pending().await;
        };
        loop {
            let mut released = std::pin::pin!(line.released.notified());
            released.as_mut().enable();
            if self.releases() != seen {
                return;
            }
            released.await;
        }
    }

    /// The release is on its way: whoever is next here need not wait to hear of it from a server.
    pub(crate) fn call_next(&self) {
        if let Some(line) = self.line() {
            line.releases.fetch_add(1, Ordering::AcqRel);
            line.released.notify_waiters();
        }
    }

    /// The caller has the lock now and no longer counts as waiting.
    pub(crate) fn hold(&mut self) {
        self.stop_waiting();
        if let Some(line) = self.line().filter(|_| !self.holding) {
            line.holders.fetch_add(1, Ordering::Relaxed);
            self.holding = true;
        }
    }

    /// The caller's lock has ended.
    pub(crate) fn let_go(&mut self) {
        if let Some(line) = self.line().filter(|_| self.holding) {
            line.holders.fetch_sub(1, Ordering::Relaxed);
            self.holding = false;
        }
    }

    fn stop_waiting(&mut self) {
        if let Some(lines) = self.lines.upgrade().filter(|_| self.waiting) {
            lines.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        self.waiting = false;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.stop_waiting();
        self.let_go();
        let (Some(lines), Some(line)) = (self.lines.upgrade(), self.line.take()) else {
            return;
        };
        let mut lines = locked(&lines.lines);
        // The map's and ours: nobody else stands here, and nobody can come while the map is locked.
        if Arc::strong_count(&line) == 2 {
            lines.remove(&self.keys);
        }
        // Before the map is free again: the next to leave counts who is still here.
        drop(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_turn_in_order_and_nothing_left() {
        let lines = Arc::new(Lines::default());
        let keys = Keys::new("", "a").expect("valid");
        let first = lines.stand(&keys, 2).expect("room");
        let second = lines.stand(&keys, 2).expect("room");
        assert!(lines.stand(&keys, 2).is_err());
        let turn = first.turn().await;
        assert!(second.turn_now().is_none());
        drop(turn);
        assert!(second.turn_now().is_some());
        drop((first, second));
        assert!(locked(&lines.lines).is_empty());
        assert_eq!(lines.waiting.load(Ordering::Relaxed), 0);
    }
}
