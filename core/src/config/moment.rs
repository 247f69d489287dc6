//! Time as an argument: readings of the engine's clock, and the trait that gives them.

use std::ops::{Add, Sub};
use std::time::Duration;

/// A reading of a [`Clock`]: nanoseconds since an origin that means nothing outside the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(u64);

impl Moment {
    /// The reading `nanos` nanoseconds after the clock's origin.
    pub const fn from_nanos(nanos: u64) -> Self {
        Moment(nanos)
    }

    /// Nanoseconds since the clock's origin.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to this moment, zero if it lies ahead.
    pub fn since(self, earlier: Moment) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;

    fn add(self, span: Duration) -> Moment {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        Moment(self.0.saturating_add(nanos))
    }
}

impl Sub<Duration> for Moment {
    type Output = Moment;

    fn sub(self, span: Duration) -> Moment {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        Moment(self.0.saturating_sub(nanos))
    }
}

/// Where the engine reads time. Validity is judged by `now` alone; `wall_micros` only proposes
/// fencing tokens, which stay correct whatever it says.
pub trait Clock: Send + Sync + 'static {
    /// Elapsed time that counts suspend and never goes back.
    fn now(&self) -> Moment;

    /// Unix time in microseconds, as far as this machine knows.
    fn wall_micros(&self) -> u64;

    /// The longest the engine may sleep before it looks at the clock again. A timer that does not
    /// count suspend would otherwise report a lost lease late after a resume.
    fn longest_sleep(&self) -> Duration;
}

/// Where the engine takes randomness: owner tokens and the jitter of retries.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `bytes`; each call gives new bytes, also after a fork.
    fn fill(&self, bytes: &mut [u8]);
}
