//! Validity arithmetic: how long a lock won over several clocks may be used.
//!
//! From the Redlock specification: `validity = ttl - elapsed - drift`, with the elapsed time
//! measured from the moment before the first byte was sent. Every rounding is against the holder.

use std::time::Duration;

use crate::config::{Moment, Ttl};

/// The constant part of the drift: a key's expiry is rounded to milliseconds on the server, and
/// measured keys lived up to 0.6 ms less than they should.
pub(crate) const DRIFT_CONSTANT: Duration = Duration::from_millis(2);

/// One part in this many of the ttl is allowed for clocks of different speed (1 %).
pub(crate) const DRIFT_DIVISOR: u64 = 100;

/// The share of a ttl that is given up for clocks that run apart: 1 % rounded up, plus 2 ms.
pub fn drift(ttl: Ttl) -> Duration {
    Duration::from_millis(ttl.as_millis().div_ceil(DRIFT_DIVISOR)) + DRIFT_CONSTANT
}

/// The instant from which a lease with `ttl`, asked for at `sent`, may no longer be used.
pub fn deadline(sent: Moment, ttl: Ttl) -> Moment {
    sent + ttl.as_duration().saturating_sub(drift(ttl))
}

/// The votes that make a majority of `nodes` configured nodes: floor(N/2) + 1.
pub const fn quorum(nodes: usize) -> usize {
    nodes / 2 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drift_is_rounded_up() {
        for (ttl_ms, drift_ms) in [(10, 3), (99, 3), (100, 3), (101, 4), (10_000, 102)] {
            let ttl = Ttl::from_millis(ttl_ms).expect("in bounds");
            assert_eq!(drift(ttl), Duration::from_millis(drift_ms), "{ttl_ms}");
        }
    }

    #[test]
    fn a_majority_of_every_size() {
        let expected = [1, 2, 2, 3, 3, 4, 4, 5, 5];
        for (index, q) in expected.into_iter().enumerate() {
            assert_eq!(quorum(index + 1), q);
        }
        assert_eq!(quorum(31), 16);
    }
}
