//! The C binding: every `quorlock_…` function of `quorlock.h`. It converts, calls, maps errors and
//! frees; what a lock is lives in the engine.
//!
//! The documentation of the exported items is the header's text, so it speaks C.

mod acquire_options;
mod boundary;
mod callback;
mod canceller;
mod client;
mod client_options;
mod error;
mod guard;
mod handle;
mod health;
mod inspection;
mod loss;
mod mutex;
mod outs;
mod report;
mod stats;
mod status;
mod text;
mod ticket;
mod version;
mod wait;
