//! The real engine in a simulated world: virtual time, faulty network, clocks that drift, frozen
//! processes, all drawn from a seed; and oracles that see whether a promise is broken.

pub mod bugs;
pub mod campaign;
mod clock;
pub mod counts;
mod judge;
mod net;
pub mod plan;
mod process;
mod rng;
mod run;
pub mod scenario;
mod sharing;
mod trace;
mod user;
mod wanted;
mod world;

pub use judge::{Oracle, Violation};
pub use run::{Outcome, run};
