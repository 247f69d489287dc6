//! Fencing counters, as the shared part of the scripts keeps them.

use crate::config::FencingToken;
use crate::error::{Fault, FaultClass};
use crate::node::memory::keyspace::{Keyspace, Value};
use crate::node::memory::store::ServerTime;

/// How far past the server's clock a proposal may lie.
const PROPOSAL_AHEAD_MICROS: u64 = 1_000_000;

/// One counter.
pub(super) struct Fence<'a> {
    pub(super) keys: &'a mut Keyspace,
    pub(super) counter: &'a str,
    pub(super) now: ServerTime,
}

impl Fence<'_> {
    /// Lifts the counter to at least `to`; gives what it is then.
    pub(super) fn raise(&mut self, to: u64) -> Result<u64, Fault> {
        let counter = self.counter()?.unwrap_or(0);
        if counter >= to {
            return Ok(counter);
        }
        let now_micros = self.now.elapsed_micros;
        self.keys
            .set(self.counter, Value::Counter(to), None, now_micros);
        Ok(to)
    }

    /// The next token: past every earlier one, and at the proposal where that is larger.
    pub(super) fn next(&mut self, proposal: u64) -> Result<u64, Fault> {
        let counter = self.counter()?.unwrap_or(0);
        // A counter never comes past the first number that is no token.
        let next = counter.saturating_add(1).min(FencingToken::LIMIT);
        self.raise(next.max(proposal.min(Fence::proposals_max(self.now))))
    }

    /// The largest proposal that counts now.
    pub(super) fn proposals_max(now: ServerTime) -> u64 {
        now.wall_micros.saturating_add(PROPOSAL_AHEAD_MICROS)
    }

    /// The counter, if there is one.
    pub(super) fn counter(&self) -> Result<Option<u64>, Fault> {
        self.keys.counter(self.counter, self.now.elapsed_micros)
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
