//! A server's data and what commands do to it. No clock and no randomness: time is an argument.

use crate::config::Planted;
use crate::error::Fault;
use crate::node::memory::call::Call;
use crate::node::memory::keyspace::Keyspace;
use crate::protocol::{ClientId, Command, Facts, Reply};

#[cfg(any(test, feature = "testing"))]
use crate::node::memory::keyspace::Value;
#[cfg(any(test, feature = "testing"))]
use crate::protocol::{Claim, Raw};

/// What a server's clocks show while it runs one command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerTime {
    /// The clock that keys and waiters expire by, in microseconds since an origin of its own.
    pub elapsed_micros: u64,
    /// Unix time in microseconds: bounds proposals of fencing tokens and orders waiters.
    pub wall_micros: u64,
}

/// One server's data: the meaning of the Lua scripts without a server.
///
/// Every command runs to its end before the next one begins, as a script does on a server.
#[derive(Debug, Default, Clone)]
pub struct MemoryStore {
    keys: Keyspace,
    planted: Planted,
}

/// One live lock key, as an oracle of a test sees it.
#[cfg(any(test, feature = "testing"))]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveLock {
    /// The key.
    pub key: String,
    /// The owner in it.
    pub value: Vec<u8>,
    /// How long it still lives, rounded up; `None` for ever.
    pub ttl_ms: Option<u64>,
}

impl MemoryStore {
    /// Runs one command.
    ///
    /// `listeners` stands for a publish on a client's wake-up channel: it passes on the number of
    /// the waiter that is woken, and says whether anybody listens; a waiter of a client that does
    /// not is dropped.
    pub fn apply(
        &mut self,
        now: ServerTime,
        command: &Command,
        listeners: &mut dyn FnMut(&ClientId, u64) -> bool,
    ) -> Result<Reply, Fault> {
        let mut call = Call {
            keys: &mut self.keys,
            now,
            listeners,
            planted: self.planted.clone(),
        };
        if let Some(result) = call.several(command) {
            return result;
        }
        match command {
            Command::Acquire(claim) => call.acquire(claim),
            Command::Poll(claim, place) => call.poll(claim, place),
            Command::Leave { keys, waiter } => call.leave(keys, Some(waiter)),
            Command::Call { keys } => call.leave(keys, None),
            Command::Release(release) => call.release(release),
            Command::Extend { leases, fill_in } if command.is_shared() => {
                call.extend_shared(leases, fill_in.as_ref())
            }
            Command::Extend { leases, fill_in } => call.extend(leases, fill_in.as_ref()),
            Command::Raise {
                keys,
                token,
                to,
                past,
            } => call.raise(keys, token, *to, *past),
            Command::Adopt {
                claim,
                from,
                ticket,
                seen_ms,
            } => call.adopt(claim, from, (ticket, *seen_ms)),
            Command::Unadopt {
                keys,
                from,
                to,
                ticket,
                tomb_ms,
            } => call.unadopt(keys, from, to, (ticket, *tomb_ms)),
            Command::Inspect { keys } => call.inspect(keys),
            Command::Recall { keys } => call.recall(keys),
            Command::Remember { keys, ms } => call.remember(keys, *ms),
            Command::Shared(stance, inner) => call.shared(*stance, inner),
            Command::Intend {
                keys,
                waiter,
                upgrades,
                beat_ms,
            } => call.intend(keys, waiter, *upgrades, *beat_ms),
            Command::Shift {
                keys,
                token,
                to,
                undo,
                wake,
            } => call.shift(keys, (token, *to), *undo, *wake),
            Command::Sharers { keys } => call.sharers(keys),
            Command::Facts => Ok(Reply::Facts(Box::new(facts()))),
            Command::Mark(mark) => call.keep_marker(mark),
        }
    }
}

/// A store by itself, and what others do to a server behind the engine's back.
#[cfg(any(test, feature = "testing"))]
impl MemoryStore {
    /// A server without data.
    pub fn new() -> Self {
        MemoryStore::default()
    }

    /// A server without data whose scripts break a rule.
    pub fn planted(planted: Planted) -> Self {
        MemoryStore {
            planted,
            ..MemoryStore::default()
        }
    }

    /// Runs one line of a claim in plain words, each of which is a command of its own on a server;
    /// `parse` makes a reply of the answers.
    pub fn run_line(&mut self, now: ServerTime, claim: &Claim, line: ClaimLine) -> Raw {
        let mut call = Call {
            keys: &mut self.keys,
            now,
            listeners: &mut |_, _| false,
            planted: self.planted.clone(),
        };
        let answer = match line {
            ClaimLine::Set => call.set_if_free(claim),
            ClaimLine::Count => call.count(claim),
            ClaimLine::Queue => call.has_queue(&claim.keys),
        };
        answer.unwrap_or_else(|_| Raw::Error("WRONGTYPE".to_owned(), String::new()))
    }

    /// Writes a key as a foreign library would, or any other key; without ttl it lives for ever,
    /// with a ttl of 0 it is gone at once.
    pub fn set_foreign(&mut self, now: ServerTime, key: &str, value: &[u8], ttl_ms: Option<u64>) {
        self.keys.set(
            key,
            Value::Owner(value.to_vec()),
            ttl_ms,
            now.elapsed_micros,
        );
    }

    /// Writes a key of another type, as another library's lock format.
    pub fn set_other_type(&mut self, now: ServerTime, key: &str, ttl_ms: Option<u64>) {
        self.keys.set(key, Value::Other, ttl_ms, now.elapsed_micros);
    }

    /// Loses all data.
    pub fn wipe(&mut self) {
        self.keys = Keyspace::default();
    }

    /// The lock keys that live, in order, and every place in a read/write lock.
    pub fn dump(&self, now: ServerTime) -> Vec<LiveLock> {
        let now_micros = now.elapsed_micros;
        let live = self.keys.iter(now_micros).flat_map(|(key, value)| {
            let lock = |value: &[u8], ttl_ms| LiveLock {
                key: key.to_owned(),
                value: value.to_owned(),
                ttl_ms,
            };
            match value {
                Value::Owner(owner) => vec![lock(owner, self.keys.remaining_ms(key, now_micros))],
                Value::Sharing(sharing) => {
                    let places = sharing.held(now_micros).into_iter();
                    let places = places.map(|(owner, place)| {
                        lock(owner.as_bytes(), Some(place.left_ms(now_micros)))
                    });
                    places.collect()
                }
                _ => Vec::new(),
            }
        });
        live.collect()
    }
}

/// The lines of a claim in plain words.
#[cfg(any(test, feature = "testing"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimLine {
    /// The key, if it is free.
    Set,
    /// The fencing counter, if it is below the proposal.
    Count,
    /// Whether there is a queue.
    Queue,
}

/// What is true of every embedded server. It has no append-only file to speak of: its data end with
/// the process that uses them.
fn facts() -> Facts {
    Facts {
        server: Some("memory".to_owned()),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        mode: Some("standalone".to_owned()),
        role: Some("master".to_owned()),
        eviction: Some("noeviction".to_owned()),
        ..Facts::default()
    }
}
