//! Keys, values and when they expire.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::error::Fault;
use crate::node::memory::marker::Kept;
use crate::node::memory::sharing::Sharing;
use crate::node::memory::waiters::Waiters;
use crate::protocol::classify;

/// Expired entries removed with every entry written: twice as many as can come to be, so that
/// memory shrinks again however many keys were used once and never looked at any more.
const SWEPT_PER_WRITE: usize = 2;

/// What a key holds.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// The owner of a lock.
    Owner(Vec<u8>),
    /// A fencing counter.
    Counter(u64),
    /// A tombstone or a mark of a ticket.
    Mark(&'static str),
    /// A queue and its beats, which servers keep under two keys of one lifetime.
    Waiters(Waiters),
    /// The marker of the node.
    Marker(Box<Kept>),
    /// A read/write lock, which servers keep under several keys.
    Sharing(Box<Sharing>),
    /// A type that no command of ours reads: another library's lock format.
    #[cfg(any(test, feature = "testing"))]
    Other,
}

#[derive(Debug, Clone)]
struct Entry {
    value: Value,
    /// In microseconds of the clock that expiry goes by; the entry is gone at this very moment.
    expires_micros: Option<u64>,
}

/// All keys of one node. Time is an argument: what has expired is not there, removed or not.
#[derive(Debug, Default, Clone)]
pub(super) struct Keyspace {
    entries: BTreeMap<Arc<str>, Entry>,
    expiries: BTreeSet<(u64, Arc<str>)>,
}

impl Keyspace {
    /// The value of a key.
    pub(super) fn get(&self, key: &str, now_micros: u64) -> Option<&Value> {
        self.entry(key, now_micros).map(|entry| &entry.value)
    }

    /// The value of a key, to change it in place; its expiry stays.
    pub(super) fn get_mut(&mut self, key: &str, now_micros: u64) -> Option<&mut Value> {
        let entry = self
            .entries
            .get_mut(key)
            .filter(|entry| entry.lives_at(now_micros))?;
        Some(&mut entry.value)
    }

    /// A key as a string; a fault where it is none.
    pub(super) fn text(&self, key: &str, now_micros: u64) -> Result<Option<Cow<'_, [u8]>>, Fault> {
        match self.get(key, now_micros) {
            None => Ok(None),
            Some(Value::Owner(owner)) => Ok(Some(Cow::Borrowed(owner))),
            Some(Value::Mark(word)) => Ok(Some(Cow::Borrowed(word.as_bytes()))),
            Some(_) => Err(wrong_type()),
        }
    }

    /// The counter under a key; a fault where it holds something else.
    pub(super) fn counter(&self, key: &str, now_micros: u64) -> Result<Option<u64>, Fault> {
        match self.get(key, now_micros) {
            None => Ok(None),
            Some(Value::Counter(number)) => Ok(Some(*number)),
            Some(_) => Err(wrong_type()),
        }
    }

    /// The waiters under a key; a fault where it holds something else.
    pub(super) fn waiters(
        &mut self,
        key: &str,
        now_micros: u64,
    ) -> Result<Option<&mut Waiters>, Fault> {
        match self.get_mut(key, now_micros) {
            None => Ok(None),
            Some(Value::Waiters(waiters)) => Ok(Some(waiters)),
            Some(_) => Err(wrong_type()),
        }
    }

    /// Takes the read/write lock under a key out; a fault where it holds something else.
    pub(super) fn take_sharing(
        &mut self,
        key: &str,
        now_micros: u64,
    ) -> Result<Option<Sharing>, Fault> {
        let sharing = match self.get_mut(key, now_micros) {
            None => return Ok(None),
            Some(Value::Sharing(sharing)) => std::mem::take(&mut **sharing),
            Some(_) => return Err(wrong_type()),
        };
        self.remove(key);
        Ok(Some(sharing))
    }

    /// How long a key still lives, rounded up; `None` for ever or no key.
    pub(super) fn remaining_ms(&self, key: &str, now_micros: u64) -> Option<u64> {
        let expires = self.entry(key, now_micros)?.expires_micros?;
        Some((expires - now_micros).div_ceil(1000))
    }

    /// Writes a key, whatever it held, to live for `ttl_ms` or for ever.
    pub(super) fn set(&mut self, key: &str, value: Value, ttl_ms: Option<u64>, now_micros: u64) {
        self.sweep(now_micros);
        self.remove(key);
        let key: Arc<str> = key.into();
        let expires_micros = ttl_ms.map(|ms| after(now_micros, ms));
        self.expiries
            .extend(expires_micros.map(|at| (at, key.clone())));
        self.entries.insert(
            key,
            Entry {
                value,
                expires_micros,
            },
        );
    }

    /// Lets a key live for `ttl_ms` from now, if it is there.
    pub(super) fn expire(&mut self, key: &str, ttl_ms: u64, now_micros: u64) {
        let Some((key, entry)) = self.entries.get_key_value(key) else {
            return;
        };
        if !entry.lives_at(now_micros) {
            return;
        }
        let (key, old, new) = (key.clone(), entry.expires_micros, after(now_micros, ttl_ms));
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.expires_micros = Some(new);
        }
        if let Some(old) = old {
            self.expiries.remove(&(old, key.clone()));
        }
        self.expiries.insert((new, key));
    }

    /// Removes a key.
    pub(super) fn remove(&mut self, key: &str) {
        let Some((key, entry)) = self.entries.remove_entry(key) else {
            return;
        };
        if let Some(at) = entry.expires_micros {
            self.expiries.remove(&(at, key));
        }
    }

    /// Every key that lives, in order.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn iter(&self, now_micros: u64) -> impl Iterator<Item = (&str, &Value)> {
        let live = self
            .entries
            .iter()
            .filter(move |(_, entry)| entry.lives_at(now_micros));
        live.map(|(key, entry)| (&**key, &entry.value))
    }

    /// Entries in memory, expired or not.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn entry(&self, key: &str, now_micros: u64) -> Option<&Entry> {
        self.entries
            .get(key)
            .filter(|entry| entry.lives_at(now_micros))
    }

    fn sweep(&mut self, now_micros: u64) {
        for _ in 0..SWEPT_PER_WRITE {
            match self.expiries.first() {
                Some((at, _)) if *at <= now_micros => {}
                _ => return,
            }
            if let Some((_, key)) = self.expiries.pop_first() {
                self.entries.remove(&key);
            }
        }
    }
}

impl Entry {
    fn lives_at(&self, now_micros: u64) -> bool {
        self.expires_micros.is_none_or(|at| now_micros < at)
    }
}

/// The fault of a key that holds another type, in the words a server's reply is turned into.
fn wrong_type() -> Fault {
    classify("WRONGTYPE", "")
}

fn after(now_micros: u64, ms: u64) -> u64 {
    now_micros.saturating_add(ms.saturating_mul(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_gone_at_the_moment_it_expires() {
        let mut keys = Keyspace::default();
        keys.set("a", Value::Mark("1"), Some(10), 5_000);
        assert_eq!(keys.remaining_ms("a", 5_000), Some(10));
        assert_eq!(keys.remaining_ms("a", 14_999), Some(1));
        assert!(keys.get("a", 14_999).is_some());
        assert!(keys.get("a", 15_000).is_none());
        keys.expire("a", 10, 15_000);
        assert!(
            keys.get("a", 15_000).is_none(),
            "an expired key is not revived"
        );
        keys.set("b", Value::Mark("1"), None, 5_000);
        assert!(keys.get("b", u64::MAX).is_some());
    }

    #[test]
    fn keys_used_once_do_not_stay() {
        let mut keys = Keyspace::default();
        for index in 0..1000 {
            keys.set(&index.to_string(), Value::Mark("1"), Some(1), 0);
        }
        assert_eq!(keys.len(), 1000);
        for index in 0..500 {
            keys.set("other", Value::Mark("1"), Some(1), 1_000 + index);
        }
        assert_eq!((keys.len(), keys.expiries.len()), (1, 1));
    }

    #[test]
    fn a_new_expiry_replaces_the_old_one() {
        let mut keys = Keyspace::default();
        keys.set("a", Value::Mark("1"), Some(1), 0);
        keys.expire("a", 5, 0);
        keys.set("b", Value::Mark("1"), Some(9), 1_000);
        assert!(
            keys.get("a", 4_999).is_some(),
            "the sweep goes by the new expiry"
        );
        keys.remove("a");
        keys.remove("b");
        assert!(keys.expiries.is_empty());
    }
}
