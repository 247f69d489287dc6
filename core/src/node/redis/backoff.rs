//! How long to wait before the next dial.

use std::sync::Arc;
use std::time::Duration;

use crate::config::Entropy;

/// So long at most after a break: many clients that lose one server shall not dial in one instant.
const FIRST_MAX: Duration = Duration::from_millis(5);
/// The bound of the second pause; it doubles from there.
const STEP: Duration = Duration::from_millis(20);
/// The bound of every pause.
const CAP: Duration = Duration::from_secs(1);

/// Counts dials since the server last did something useful.
pub(super) struct Backoff {
    entropy: Arc<dyn Entropy>,
    dials: u32,
}

impl Backoff {
    pub(super) fn new(entropy: Arc<dyn Entropy>) -> Self {
        Backoff { entropy, dials: 0 }
    }

    /// The pause before the next dial. The first after a working connection is short, and commands
    /// may wait for it; `None` takes its place at the very start.
    pub(super) fn next(&mut self) -> Pause {
        let dials = self.dials;
        self.dials = self.dials.saturating_add(1);
        match dials {
            0 => Pause::Short(FIRST_MAX.mul_f64(self.fraction())),
            _ => {
                let bound = STEP.saturating_mul(1 << (dials - 1).min(16)).min(CAP);
                Pause::Long(bound.mul_f64(0.5 + 0.5 * self.fraction()))
            }
        }
    }

    /// The server did something useful.
    pub(super) fn reset(&mut self) {
        self.dials = 0;
    }

    /// From 0 to 1.
    fn fraction(&self) -> f64 {
        let mut bytes = [0; 4];
        self.entropy.fill(&mut bytes);
        f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
    }
}

/// A pause before a dial.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Pause {
    /// So short that commands wait for its end.
    Short(Duration),
    /// Commands are answered at once meanwhile.
    Long(Duration),
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn pauses_grow_to_a_second_and_start_again_after_a_reply() {
        for (byte, share) in [(0, 0.5), (255, 1.0)] {
            let mut backoff = Backoff::new(Arc::new(Fixed(byte)));
            assert!(matches!(backoff.next(), Pause::Short(pause) if pause <= FIRST_MAX));
            for bound_ms in [20, 40, 80, 160, 320, 640, 1000, 1000] {
                let Pause::Long(pause) = backoff.next() else {
                    panic!("long from the second on")
                };
                assert_eq!(pause, Duration::from_millis(bound_ms).mul_f64(share));
            }
            backoff.dials = u32::MAX;
            assert_eq!(backoff.next(), Pause::Long(CAP.mul_f64(share)));
            backoff.reset();
            assert!(matches!(backoff.next(), Pause::Short(_)));
        }
    }
}
