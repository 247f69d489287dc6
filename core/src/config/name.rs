//! What is locked, and the keys that stand for it on a server.

use std::fmt;
use std::sync::Arc;

use crate::config::{OwnerToken, TicketId};
use crate::error::{Error, Result};

/// The longest key, prefix included.
pub const KEY_BYTES_MAX: usize = 1024;

/// How everything that Quorlock keeps beside locks begins, behind the prefix. No lock may be named so:
/// it would be another lock's queue or counter.
const OWN: &str = "quorlock:";

/// The keys of one resource on one node.
///
/// The lock key is what the caller named, behind the prefix, so that other libraries on the same
/// key exclude us and we them. Everything Quorlock adds stands in companion keys with the lock
/// key's hash tag and prefix, so that a cluster keeps them together and an ACL on the prefix
/// covers them.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Keys(Arc<Inner>);

#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Inner {
    name: String,
    lock: String,
    companion: String,
    floor: String,
    fence: String,
    queue: String,
    beats: String,
}

impl Keys {
    /// The keys of `name` behind `prefix`; refuses an empty or too long name.
    pub fn new(prefix: &str, name: &str) -> Result<Self> {
        if name.is_empty() {
            return Err(Error::invalid("name", "must not be empty"));
        }
        let lock = format!("{prefix}{name}");
        if lock.len() > KEY_BYTES_MAX {
            let message = format!(
                "must be at most {KEY_BYTES_MAX} bytes with its prefix, is {}",
                lock.len()
            );
            return Err(Error::invalid("name", message));
        }
        if name.starts_with(OWN) {
            let message =
                "must not begin with quorlock: which is where Quorlock keeps its own keys";
            return Err(Error::invalid("name", message));
        }
        // The mark keeps "a" and "{a}" apart.
        let companion = if has_hash_tag(&lock) {
            format!("{prefix}{OWN}={lock}")
        } else {
            format!("{prefix}{OWN}{{{lock}}}")
        };
        Ok(Keys(Arc::new(Inner {
            name: name.to_owned(),
            floor: format!("{prefix}quorlock:floor"),
            fence: format!("{companion}:fence"),
            queue: format!("{companion}:queue"),
            beats: format!("{companion}:beats"),
            lock,
            companion,
        })))
    }

    /// The name as the caller gave it.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The lock key itself.
    pub fn lock(&self) -> &str {
        &self.0.lock
    }

    /// The fencing counter of this resource.
    pub fn fence(&self) -> &str {
        &self.0.fence
    }

    /// The highest fencing token ever set on the node, over all resources behind the prefix.
    pub fn floor(&self) -> &str {
        &self.0.floor
    }

    /// The waiters in order of arrival.
    pub fn queue(&self) -> &str {
        &self.0.queue
    }

    /// Until when each waiter counts as alive.
    pub fn beats(&self) -> &str {
        &self.0.beats
    }

    /// The mark left where a release came before its acquire.
    pub fn tombstone(&self, token: &OwnerToken) -> String {
        format!("{}:tomb:{}", self.0.companion, token.id())
    }

    /// The mark that a ticket's work is done.
    pub fn spent(&self, ticket: &TicketId) -> String {
        format!("{}:spent:{}", self.0.companion, ticket.as_str())
    }

    /// A stable number from the key, which chooses the resource's home node.
    pub fn hash(&self) -> u64 {
        // FNV-1a: the same in every version and language, which a standard hasher does not promise.
        self.0
            .lock
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
            })
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0.lock)
    }
}

/// The channel on which nodes call the waiters of one client. Scripts derive it from the floor key.
pub fn wake_channel(prefix: &str, client: &str) -> String {
    format!("{prefix}quorlock:wake:{client}")
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
        assert_eq!(keys.fence(), "app:quorlock:{app:invoice:42}:fence");
        assert_eq!(keys.floor(), "app:quorlock:floor");
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
