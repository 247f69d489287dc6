//! Durations measured, and what they amount to.

use std::time::Duration;

/// What one contender did in one round.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    /// How long each cycle took, in nanoseconds.
    pub(crate) cycles_ns: Vec<u64>,
    /// How long the round took.
    pub(crate) wall: Duration,
    /// CPU time of this process in it.
    pub(crate) cpu: Duration,
}

impl Sample {
    /// The share `at` (0 to 1) of the cycles took at most this long, in microseconds.
    pub(crate) fn micros_at(&self, at: f64) -> f64 {
        percentile(&self.cycles_ns, at) / 1e3
    }

    /// Cycles per second.
    pub(crate) fn per_second(&self) -> f64 {
        self.cycles_ns.len() as f64 / self.wall.as_secs_f64()
    }

    /// CPU time per cycle in microseconds.
    pub(crate) fn cpu_micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.cycles_ns.len().max(1) as f64
    }
}

/// The value below which the share `at` of `values` lies; 0 where there are none.
pub(crate) fn percentile(values: &[u64], at: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let index = (sorted.len() as f64 * at) as usize;
    sorted
        .get(index.min(sorted.len().saturating_sub(1)))
        .map_or(0.0, |&value| value as f64)
}

/// The median; 0 where there are no values.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => sorted[odd / 2],
        even => f64::midpoint(sorted[even / 2 - 1], sorted[even / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_odd_even_and_nothing() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median([]), 0.0);
        assert_eq!(percentile(&[30, 10, 20], 0.5), 20.0);
        assert_eq!(percentile(&[30, 10, 20], 1.0), 30.0);
        assert_eq!(percentile(&[], 0.5), 0.0);
    }
}
