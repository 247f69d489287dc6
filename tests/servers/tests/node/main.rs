//! The Redis/Valkey node against real servers, faulty networks and servers that lie.

mod faults;
mod harness;
mod hostile;
mod order;
mod reach;
mod rights;
mod scripts;
mod tls;
