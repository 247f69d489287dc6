//! Clocks that run apart: one per client and per server, all functions of the run's virtual time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use quorlock::testing::config::{Clock, Moment};
use quorlock::testing::node::ServerTime;
use tokio::time::Instant;

/// Unix time at the beginning of every run, in microseconds.
const BEGAN_MICROS: u64 = 1_790_000_000_000_000;

/// How one machine's clocks go.
#[derive(Debug)]
pub struct Pace {
    /// What its elapsed time shows at the beginning, in microseconds.
    offset_micros: u64,
    /// How much faster than true time it runs, in millionths.
    ppm: i64,
    /// How far its calendar is off.
    wall_micros: AtomicI64,
    /// How far its elapsed time has jumped; only a broken assumption makes it jump.
    jumped_micros: AtomicI64,
}

impl Pace {
    /// A clock that is `ppm` millionths fast and whose calendar is off by `wall_micros`.
    pub fn new(offset_micros: u64, ppm: i64, wall_micros: i64) -> Arc<Self> {
        Arc::new(Pace {
            offset_micros,
            ppm,
            wall_micros: AtomicI64::new(wall_micros),
            jumped_micros: AtomicI64::new(0),
        })
    }

    /// Steps the calendar, as an administrator or a time service does.
    pub fn step_wall(&self, by_micros: i64) {
        self.wall_micros.fetch_add(by_micros, Ordering::Relaxed);
    }

    /// Steps elapsed time, which no sane clock does.
    pub fn jump(&self, by_micros: i64) {
        self.jumped_micros.fetch_add(by_micros, Ordering::Relaxed);
    }

    fn elapsed_nanos(&self, true_nanos: u64) -> u64 {
        let drift = i128::from(true_nanos) * i128::from(self.ppm) / 1_000_000;
        let start = i128::from(self.offset_micros) * 1000;
        let jumped = i128::from(self.jumped_micros.load(Ordering::Relaxed)) * 1000;
        u64::try_from(start + i128::from(true_nanos) + drift + jumped).unwrap_or(0)
    }

    /// What its calendar shows at `true_micros`.
    pub fn wall_micros(&self, true_micros: u64) -> u64 {
        self.wall(true_micros)
    }

    fn wall(&self, true_micros: u64) -> u64 {
        (BEGAN_MICROS + true_micros).saturating_add_signed(self.wall_micros.load(Ordering::Relaxed))
    }

    /// What a server's clocks show at `true_micros`. Its expiry goes by whole milliseconds, so a key
    /// may live up to one millisecond less than it should, as on real servers.
    pub fn server_time(&self, true_micros: u64) -> ServerTime {
        let elapsed_micros = self.elapsed_nanos(true_micros * 1000) / 1000;
        ServerTime {
            elapsed_micros: elapsed_micros - elapsed_micros % 1000,
            wall_micros: self.wall(true_micros),
        }
    }
}

/// One client's clock.
pub struct ClientClock {
    began: Instant,
    pace: Arc<Pace>,
}

impl ClientClock {
    /// A clock that began with the run and goes at `pace`.
    pub fn new(began: Instant, pace: Arc<Pace>) -> Self {
        ClientClock { began, pace }
    }
}

impl Clock for ClientClock {
    fn now(&self) -> Moment {
        let nanos = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Moment::from_nanos(self.pace.elapsed_nanos(nanos))
    }

    fn wall_micros(&self) -> u64 {
        let micros = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.pace.wall(micros)
    }

    fn longest_sleep(&self) -> Duration {
        Duration::from_millis(50)
    }
}
