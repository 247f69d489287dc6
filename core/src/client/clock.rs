//! The only file that reads a clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};

use crate::config::{Clock, Moment};

/// The machine's clock: time since boot, suspend included where the system counts it.
pub(crate) struct SystemClock;

/// Linux counts suspend in this clock only. It never runs behind the monotonic clock, so a
/// deadline on it is the earlier of the two.
#[cfg(any(target_os = "linux", target_os = "android"))]
const COUNTS_SUSPEND: ClockId = ClockId::CLOCK_BOOTTIME;
/// Elsewhere the monotonic clock is the best there is; on macOS it counts suspend.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const COUNTS_SUSPEND: ClockId = ClockId::CLOCK_MONOTONIC;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        // A system without the boot clock (some containers' seccomp filters) still has this one.
        let reading =
            clock_gettime(COUNTS_SUSPEND).or_else(|_| clock_gettime(ClockId::CLOCK_MONOTONIC));
        reading.map_or(Moment::default(), |time| {
            Moment::default() + Duration::from(time)
        })
    }

    fn wall_micros(&self) -> u64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }

    fn longest_sleep(&self) -> Duration {
        Duration::from_millis(50)
    }
}
