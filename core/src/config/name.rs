//! What is locked, and the keys that stand for it on a server.

use std::fmt;
use std::sync::Arc;

use crate::config::bundle::Bundle;
use crate::config::{OwnerToken, TicketId};
use crate::error::{Error, Result};

/// The longest key, prefix included.
pub const KEY_BYTES_MAX: usize = 1024;

/// How everything that Quorlock keeps beside locks begins, behind the prefix. No lock may be named so:
/// it would be another lock's queue or counter.
const OWN: &str = "quorlock:";

/// Fencing counters of one node behind one prefix. Resources share them, so that they need neither
/// expire nor be remembered elsewhere: the memory they take is bounded, and a token never goes back.
pub const COUNTERS: u64 = 4096;

/// The keys of one resource on one node.
///
/// The lock key is what the caller named, behind the prefix, so that other libraries on the same
/// key exclude us and we them. What Quorlock adds for the resource stands in companion keys with the
/// lock key's hash tag and prefix, so that an ACL on the prefix covers them.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Keys(Arc<Inner>);

#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Inner {
    hash: u64,
    /// How much of the lock key is the prefix.
    prefix_bytes: usize,
    lock: String,
    /// Where they stand for several locks held as one.
    bundle: Option<Box<Bundle>>,
    /// True where they are a read/write lock's, which is another resource than the mutex of the name.
    is_shared: bool,
}

impl Keys {
    /// The keys of `name` behind `prefix`; refuses an empty or too long name.
    pub fn new(prefix: &str, name: &str) -> Result<Self> {
        if name.is_empty() {
            return Err(Error::invalid("name", "must not be empty"));
        }
        let bytes = prefix.len() + name.len();
        if bytes > KEY_BYTES_MAX {
            let message =
                format!("must be at most {KEY_BYTES_MAX} bytes with its prefix, is {bytes}");
            return Err(Error::invalid("name", message));
        }
        if name.starts_with(OWN) {
            let message =
                "must not begin with quorlock: which is where Quorlock keeps its own keys";
            return Err(Error::invalid("name", message));
        }
        let mut lock = String::with_capacity(bytes);
        lock.push_str(prefix);
        lock.push_str(name);
        Ok(Keys::made(fnv_1a(&lock), prefix.len(), lock, None))
    }

    pub(super) fn made(
        hash: u64,
        prefix_bytes: usize,
        lock: String,
        bundle: Option<Box<Bundle>>,
    ) -> Self {
        Keys(Arc::new(Inner {
            hash,
            prefix_bytes,
            lock,
            bundle,
            is_shared: false,
        }))
    }

    pub(super) fn bundle(&self) -> Option<&Bundle> {
        self.0.bundle.as_deref()
    }

    /// The keys of the read/write lock `name`. They stand beside the mutex of that name, which they do
    /// not exclude.
    pub fn shared(prefix: &str, name: &str) -> Result<Self> {
        let Keys(mutex) = Keys::new(prefix, name)?;
        Ok(Keys(Arc::new(Inner {
            hash: mutex.hash,
            prefix_bytes: mutex.prefix_bytes,
            lock: mutex.lock.clone(),
            bundle: None,
            is_shared: true,
        })))
    }

    /// True where they are a read/write lock's.
    pub fn is_shared(&self) -> bool {
        self.0.is_shared
    }

    /// The key that everything else here is named by.
    pub fn stem(&self) -> &str {
        &self.0.lock
    }

    /// The name as the caller gave it; of several, all of them.
    pub fn name(&self) -> &str {
        match self.bundle() {
            None => &self.0.lock[self.0.prefix_bytes..],
            Some(bundle) => bundle.name(),
        }
    }

    /// The lock key itself; of several, the first.
    pub fn lock(&self) -> &str {
        &self.first().0.lock
    }

    /// The fencing counter of this resource and of all that share it; of several, the first's.
    pub fn fence(&self) -> String {
        let counter = self.first().hash() % COUNTERS;
        format!("{}{counter}", self.fences())
    }

    /// What the names of fencing counters begin with; their numbers follow, modulo [`COUNTERS`].
    pub fn fences(&self) -> String {
        format!("{}{OWN}fence:", self.prefix())
    }

    /// The waiters in order of arrival.
    pub fn queue(&self) -> String {
        self.companion("queue")
    }

    /// Until when each waiter counts as alive.
    pub fn beats(&self) -> String {
        self.companion("beats")
    }

    /// How often each waiter of a semaphore that wants much was passed.
    pub fn passes(&self) -> String {
        self.companion("passes")
    }

    /// Who writes, or may come to write, in a read/write lock.
    pub fn seat(&self) -> String {
        self.companion("seat")
    }

    /// Until when each reader of a read/write lock has its place.
    pub fn readers(&self) -> String {
        self.companion("readers")
    }

    /// What each reader did last, and whose turn it is.
    pub fn operations(&self) -> String {
        self.companion("operations")
    }

    /// Readers that wait, in order of arrival.
    pub fn reader_queue(&self) -> String {
        self.companion("readqueue")
    }

    /// Writers that wait, in order of arrival: while one does, no new reader comes in.
    pub fn writer_queue(&self) -> String {
        self.companion("writequeue")
    }

    /// Until when each of both counts as alive.
    pub fn shared_beats(&self) -> String {
        self.companion("sharedbeats")
    }

    /// The mark left where a release came before its acquire.
    pub fn tombstone(&self, token: &OwnerToken) -> String {
        self.companion(&["tomb:", token.id()].concat())
    }

    /// The mark that a ticket was seen, and that its work is done.
    pub fn spent(&self, ticket: &TicketId) -> String {
        self.companion(&["spent:", ticket.as_str()].concat())
    }

    /// What the channels of waiting clients begin with.
    pub fn channels(&self) -> String {
        wake_channel(self.prefix(), "")
    }

    /// A stable number from the key, which chooses the resource's home node and its counter.
    pub fn hash(&self) -> u64 {
        self.0.hash
    }

    pub(super) fn prefix(&self) -> &str {
        &self.0.lock[..self.0.prefix_bytes]
    }

    pub(super) fn companion(&self, what: &str) -> String {
        let (prefix, lock) = (self.prefix(), self.stem());
        if self.is_pool() {
            // The pool is a companion itself.
            return format!("{lock}:{what}");
        }
        // The mark keeps "a" and "{a}" apart.
        let (open, close) = if has_hash_tag(lock) {
            ("=", ":")
        } else {
            ("{", "}:")
        };
        [prefix, OWN, open, lock, close, what].concat()
    }
}

/// The same in every version and language, which a standard hasher does not promise.
pub(super) fn fnv_1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0.lock)?;
        match self.bundle() {
            None => Ok(()),
            Some(bundle) => bundle.fmt(f),
        }
    }
}

/// The channel on which nodes call the waiters of one client.
pub fn wake_channel(prefix: &str, client: &str) -> String {
    format!("{prefix}quorlock:wake:{client}")
}

/// The key of a node's marker, one for each prefix.
pub fn marker_key(prefix: &str) -> String {
    format!("{prefix}{OWN}marker")
}

/// True where a cluster would hash only a part of `key`, as the cluster specification defines it.
fn has_hash_tag(key: &str) -> bool {
    let Some(open) = key.find('{') else {
        return false;
    };
    key[open + 1..].find('}').is_some_and(|length| length > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn companions_share_hash_tag_and_prefix() {
        let keys = Keys::new("app:", "invoice:42").expect("valid");
        assert_eq!(keys.lock(), "app:invoice:42");
        assert_eq!(keys.name(), "invoice:42");
        assert_eq!(keys.beats(), "app:quorlock:{app:invoice:42}:beats");
        assert!(keys.fence().starts_with("app:quorlock:fence:"));
        assert_eq!(keys.channels(), "app:quorlock:wake:");
        let keys = Keys::new("", "a{b}c").expect("valid");
        assert_eq!(keys.queue(), "quorlock:=a{b}c:queue");
    }

    #[test]
    fn length_counts_the_prefix() {
        assert!(Keys::new("", &"x".repeat(1024)).is_ok());
        let error = Keys::new("p", &"x".repeat(1024)).expect_err("too long");
        assert_eq!(error.field(), Some("name"));
        assert!(Keys::new("p", "").is_err());
    }
}
