//! Quorlock against real servers and injected faults, one subject per file.
//!
//! One program and not one per subject: they link in one go, and their tests, which mostly wait,
//! run beside each other.

mod campaign;
mod diagnostics;
mod exclusion;
mod fairness;
mod forgetting;
mod fork;
mod guarded;
mod handoff;
mod hostile;
mod leftovers;
mod minority;
mod renewal;
mod replies;
mod replies_access;
mod restart;
mod rig;
mod secrets;
mod several;
mod waiting;
