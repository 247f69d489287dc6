//! One command at work, and what commands share.

use crate::config::{Keys, OwnerToken, Planted, TicketId};
use crate::error::Fault;
use crate::node::memory::fence::Fence;
use crate::node::memory::keyspace::{Keyspace, Value};
use crate::node::memory::store::ServerTime;
use crate::node::memory::waiters::Waiters;
use crate::protocol::{ClientId, ReleaseWord, waiter_number};

/// The mark of a ticket whose work is done.
pub(super) const SPENT: &str = "spent";
/// The mark of a ticket that somebody tried to adopt.
pub(super) const SEEN: &str = "seen";

/// How much longer than its last waiter's beat a queue is kept.
const QUEUE_EXTRA_MS: u64 = 1000;

/// A command's view of the server.
pub(super) struct Call<'a> {
    pub(super) keys: &'a mut Keyspace,
    pub(super) now: ServerTime,
    pub(super) listeners: &'a mut dyn FnMut(&ClientId, u64) -> bool,
    /// Safety rules of the scripts broken on purpose, in tests.
    pub(super) planted: Planted,
}

impl Call<'_> {
    pub(super) fn text(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self
            .keys
            .text(key, self.now.elapsed_micros)?
            .map(|text| text.into_owned()))
    }

    /// Whether a lock is `token`'s.
    pub(super) fn found(&self, keys: &Keys, token: &OwnerToken) -> Result<ReleaseWord, Fault> {
        Ok(
            match self.keys.text(keys.lock(), self.now.elapsed_micros)? {
                Some(owner) if *owner == *token.as_bytes() => ReleaseWord::Done,
                Some(_) => ReleaseWord::Other,
                None => ReleaseWord::Missing,
            },
        )
    }

    pub(super) fn own(&mut self, keys: &Keys, token: &OwnerToken, ttl_ms: u64) {
        let owner = Value::Owner(token.as_bytes().to_vec());
        self.keys
            .set(keys.lock(), owner, Some(ttl_ms), self.now.elapsed_micros);
    }

    pub(super) fn fenced<T>(&mut self, keys: &Keys, with: impl FnOnce(&mut Fence<'_>) -> T) -> T {
        self.counter(&keys.fence(), with)
    }

    /// Works on the fencing counter under a key.
    pub(super) fn counter<T>(
        &mut self,
        counter: &str,
        with: impl FnOnce(&mut Fence<'_>) -> T,
    ) -> T {
        with(&mut Fence {
            keys: self.keys,
            counter,
            now: self.now,
        })
    }

    /// Sets a tombstone or a mark of a ticket; for no time at all, none.
    pub(super) fn mark(&mut self, key: &str, word: &'static str, ms: u64) {
        if ms > 0 {
            self.keys
                .set(key, Value::Mark(word), Some(ms), self.now.elapsed_micros);
        }
    }

    /// True where a ticket's work is done.
    pub(super) fn is_spent(&self, keys: &Keys, ticket: &TicketId) -> Result<bool, Fault> {
        let mark = self.text(&keys.spent(ticket))?;
        Ok(mark.is_some_and(|mark| mark == SPENT.as_bytes()))
    }

    /// Works on a queue that may be there, and drops it once it is empty.
    pub(super) fn in_queue<T>(
        &mut self,
        keys: &Keys,
        with: impl FnOnce(&mut Waiters) -> T,
    ) -> Result<Option<T>, Fault> {
        let key = keys.queue();
        let Some(waiters) = self.keys.waiters(&key, self.now.elapsed_micros)? else {
            return Ok(None);
        };
        let outcome = with(waiters);
        if waiters.is_empty() {
            self.keys.remove(&key);
        }
        Ok(Some(outcome))
    }

    /// Works on a queue, made if need be, that is kept for one more beat.
    pub(super) fn stand<T>(
        &mut self,
        keys: &Keys,
        beat_ms: u64,
        with: impl FnOnce(&mut Waiters) -> T,
    ) -> Result<T, Fault> {
        let (key, now_micros) = (keys.queue(), self.now.elapsed_micros);
        let kept_ms = beat_ms.saturating_add(QUEUE_EXTRA_MS);
        match self.keys.waiters(&key, now_micros)? {
            Some(waiters) => {
                let outcome = with(waiters);
                self.keys.expire(&key, kept_ms, now_micros);
                Ok(outcome)
            }
            None => {
                let mut waiters = Waiters::default();
                let outcome = with(&mut waiters);
                self.keys
                    .set(&key, Value::Waiters(waiters), Some(kept_ms), now_micros);
                Ok(outcome)
            }
        }
    }

    /// Tells the first waiter that the lock is free; those whose client is gone are dropped.
    pub(super) fn wake(&mut self, keys: &Keys) -> Result<(), Fault> {
        let key = keys.queue();
        let Some(waiters) = self.keys.waiters(&key, self.now.elapsed_micros)? else {
            return Ok(());
        };
        while let Some(head) = waiters.head().map(str::to_owned) {
            let client = ClientId(head.split(':').next().unwrap_or_default().into());
            if waiter_number(head.as_bytes())
                .is_some_and(|number| (self.listeners)(&client, number))
            {
                break;
            }
            waiters.remove(&head);
        }
        if waiters.is_empty() {
            self.keys.remove(&key);
        }
        Ok(())
    }
}

/// Until when a waiter that beats now counts as alive.
pub(super) fn until(now: ServerTime, beat_ms: u64) -> u64 {
    now.elapsed_micros
        .saturating_add(beat_ms.saturating_mul(1000))
}
