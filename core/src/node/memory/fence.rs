//! Fencing counters, as the shared part of the scripts keeps them.

use crate::config::FencingToken;
use crate::error::{Fault, FaultClass};
use crate::node::memory::keyspace::{Keyspace, Value};
use crate::node::memory::store::ServerTime;

/// How long a resource's counter outlives its last change; the floor stays for ever.
const COUNTER_MS: u64 = 600_000;

/// How far past the server's clock a proposal may lie.
const PROPOSAL_AHEAD_MICROS: u64 = 1_000_000;

/// One resource's counter and the node's floor.
pub(super) struct Fence<'a> {
    pub(super) keys: &'a mut Keyspace,
    pub(super) counter: &'a str,
    pub(super) floor: &'a str,
    pub(super) now: ServerTime,
}

impl Fence<'_> {
    /// Lifts counter and floor, which is never below it, to at least `to`; gives the counter.
    pub(super) fn raise(&mut self, to: u64) -> Result<u64, Fault> {
        let now_micros = self.now.elapsed_micros;
        let counter = self.number(self.counter)?.unwrap_or(0);
        if counter >= to {
            return Ok(counter);
        }
        let (key, value) = (self.counter, Value::Counter(to));
        self.keys.set(key, value, Some(COUNTER_MS), now_micros);
        if self.number(self.floor)?.unwrap_or(0) < to {
            self.keys
                .set(self.floor, Value::Counter(to), None, now_micros);
        }
        Ok(to)
    }

    /// The counter; 0 where there is none.
    pub(super) fn counter(&self) -> Result<u64, Fault> {
        Ok(self.number(self.counter)?.unwrap_or(0))
    }

    /// The next token: past every earlier one, and at the proposal where that is larger.
    pub(super) fn next(&mut self, proposal: u64) -> Result<u64, Fault> {
        let counter = match self.number(self.counter)? {
            Some(counter) => counter,
            None => self.number(self.floor)?.unwrap_or(0),
        };
        // A counter never comes past the first number that is no token.
        let next = counter.saturating_add(1).min(FencingToken::LIMIT);
        let limit = self.now.wall_micros.saturating_add(PROPOSAL_AHEAD_MICROS);
        let token = next.max(proposal.min(limit));
        self.raise(token)?;
        Ok(token)
    }

    /// The token of a key that is the caller's already; the next one where the counter was lost.
    pub(super) fn again(&mut self, proposal: u64) -> Result<u64, Fault> {
        match self.number(self.counter)? {
            None | Some(0) => self.next(proposal),
            Some(counter) => Ok(counter),
        }
    }

    /// A key as a number; `None` where it is missing or holds another string.
    fn number(&self, key: &str) -> Result<Option<u64>, Fault> {
        let text = self.keys.text(key, self.now.elapsed_micros)?;
        Ok(text.and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok()))
    }
}

/// A counter as a token; the fault of a reply that carries none, where it is used up.
pub(super) fn token_of(counter: u64) -> Result<FencingToken, Fault> {
    let used_up = || {
        Fault::unresolved(
            FaultClass::Protocol,
            "the fencing counter is no fencing token",
        )
    };
    FencingToken::new(counter).ok_or_else(used_up)
}
