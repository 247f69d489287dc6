//! How bytes pass in one direction.

use std::time::Duration;

/// What happens to the bytes of one direction of a connection. Order is always kept within a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// They pass at once.
    Pass,
    /// Each chunk passes after a time between the two, drawn when it is read. Chunks read while this holds keep their
    /// time also when the flow is changed to [`Flow::Pass`], as packets do that are under way.
    Delay {
        /// The shortest time.
        min: Duration,
        /// The longest time.
        max: Duration,
    },
    /// They are kept, with the connection open, until the flow is another.
    Hold,
    /// They are lost, also those held or delayed till now, and so is the end of the stream: a half-open connection. One
    /// that is healed has a hole in it.
    Swallow,
    /// They pass a few at a time.
    Trickle {
        /// How many bytes at a time.
        bytes: usize,
        /// How long after each.
        every: Duration,
    },
    /// They are kept, and so long after the first of them is there the connection is cut: see
    /// [`crate::Scope::hold_replies_then_cut`].
    Cut {
        /// From the first byte to the cut.
        after: Duration,
    },
}

impl Flow {
    /// A fixed delay.
    pub fn delay(delay: Duration) -> Flow {
        Flow::Delay {
            min: delay,
            max: delay,
        }
    }

    /// A random delay, per chunk.
    pub fn delay_between(min: Duration, max: Duration) -> Flow {
        Flow::Delay { min, max }
    }

    /// So many bytes at a time, with a pause after each time.
    pub fn trickle(bytes: usize, every: Duration) -> Flow {
        Flow::Trickle { bytes, every }
    }

    /// How long a chunk that is read now is to be delayed.
    pub(crate) fn delay_of_chunk(self, dice: &mut Dice) -> Duration {
        match self {
            Flow::Delay { min, max } => min + max.saturating_sub(min).mul_f64(dice.fraction()),
            _ => Duration::ZERO,
        }
    }
}

/// SplitMix64: a few lines, and the same numbers for a seed for ever.
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// At least 0 and below 1.
    fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        // The upper 53 bits are what an f64 holds.
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_stay_in_their_range_and_follow_the_seed() {
        let flow = Flow::delay_between(Duration::from_millis(2), Duration::from_millis(5));
        let draw = |seed| {
            let mut dice = Dice::new(seed);
            (0..100)
                .map(|_| flow.delay_of_chunk(&mut dice))
                .collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert!(draw(7).iter().all(|d| (2..5).contains(&d.as_millis())));
        let (low, high) = (draw(7).into_iter().min(), draw(7).into_iter().max());
        assert!(
            high > low.map(|low| low + Duration::from_millis(2)),
            "spread over the range"
        );
        assert_eq!(
            Flow::delay(Duration::from_secs(1)).delay_of_chunk(&mut Dice::new(0)),
            Duration::from_secs(1)
        );
        assert_eq!(Flow::Hold.delay_of_chunk(&mut Dice::new(0)), Duration::ZERO);
    }
}
