//! Fencing tokens: numbers that tell a late writer from the current holder.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// A number that strictly increases over the successive holders of one resource.
///
/// Hand it to every store you write to while holding the lock; the store rejects a token smaller
/// than the largest it has seen, and accepts an equal one only from the same lease. It stays below
/// 2^53, so that a JavaScript number holds it exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FencingToken(u64);

impl FencingToken {
    /// One past the largest token.
    pub const LIMIT: u64 = 1 << 53;

    /// The token with this number, if it is one.
    pub fn new(number: u64) -> Option<Self> {
        (1..Self::LIMIT)
            .contains(&number)
            .then_some(FencingToken(number))
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for FencingToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether leases carry a fencing token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fencing {
    /// Where a majority of the nodes can count (they allow scripts): the default.
    #[default]
    Auto,
    /// Always: an acquire that cannot get a token fails with `Config`.
    Required,
    /// Never: one script call less work for the servers.
    Off,
}

impl FromStr for Fencing {
    type Err = Error;

    /// `auto`, `required` or `off`.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "auto" => Ok(Fencing::Auto),
            "required" => Ok(Fencing::Required),
            "off" => Ok(Fencing::Off),
            _ => Err(Error::invalid("fencing", "must be auto, required or off")),
        }
    }
}
