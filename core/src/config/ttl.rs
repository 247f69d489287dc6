//! How long a lease lives without renewal.

use std::time::Duration;

use crate::error::{Error, Result};

/// A lease's time to live: whole milliseconds, 10 ms to 24 h.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ttl(u64);

impl Ttl {
    /// The shortest ttl: below it the drift and a server's clock tick leave no validity.
    pub const MIN: Ttl = Ttl(10);
    /// The longest ttl.
    pub const MAX: Ttl = Ttl(24 * 60 * 60 * 1000);

    /// A ttl of `ms` milliseconds, if within bounds.
    pub fn from_millis(ms: u64) -> Result<Self> {
        Self::checked("ttl_ms", ms)
    }

    /// A ttl of `span`, rounded down to milliseconds, if within bounds.
    pub(crate) fn from_span(field: &str, span: Duration) -> Result<Self> {
        Self::checked(field, u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
    }

    fn checked(field: &str, ms: u64) -> Result<Self> {
        if (Self::MIN.0..=Self::MAX.0).contains(&ms) {
            return Ok(Ttl(ms));
        }
        let message = format!(
            "must be from {} ms to {} ms (24 h), is {ms} ms",
            Self::MIN.0,
            Self::MAX.0
        );
        Err(Error::invalid(field, message))
    }

    /// In milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// As a duration.
    pub const fn as_duration(self) -> Duration {
        Duration::from_millis(self.0)
    }
}
