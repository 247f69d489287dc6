//! Quorlock against real Valkey and Redis servers and injected faults: what the tests and the
//! programs they start share.

mod audit;
mod dice;
mod occupancy;
mod process;
mod store;
pub mod worker;

pub use audit::{leftovers, locks, requests};
pub use dice::Dice;
pub use occupancy::{Inside, Occupancy};
pub use process::Worker;
pub use store::{FencedStore, PlainStore};
