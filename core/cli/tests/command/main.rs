//! The real `quorlock` binary against real servers.

mod admitting;
mod holding;
mod looking;
mod losing;
mod rig;
mod running;
mod signals;
mod terminal;
mod tickets;
mod usage;
