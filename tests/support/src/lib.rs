//! Real servers, a TCP fault proxy and a lying server for Quorlock's tests.
//!
//! * [`Server`] and [`Servers`] run real Valkey or Redis processes on loopback ports of their own; they can be paused,
//!   killed and started again, and [`Monitor`] records every command they execute.
//! * [`Proxy`] stands between a client and one server and delays, holds, loses or cuts what passes, each direction apart.
//! * [`LyingServer`] speaks the handshake of a server and then answers whatever a test wants, down to garbage and silence.
//! * [`eventually`] waits for a condition instead of sleeping for a guess.
//!
//! Everything here is synchronous for its user: no call needs a runtime, so that the tests of the blocking facade, of the
//! engine with its own runtime and of the bindings all use the same tools. Nothing leaves the loopback interface.

mod binary;
mod connection;
mod eventually;
mod lying_server;
mod monitor;
mod port;
mod proxy;
mod reaper;
mod reply;
mod server;
mod server_options;
mod server_process;
mod servers;
mod temp_dir;

pub use binary::ServerKind;
pub use connection::RespConnection;
pub use eventually::{eventually, eventually_async, holds_within};
pub use lying_server::{Action, Hello, LyingServer, LyingServerOptions, Phase};
pub use monitor::{Monitor, Observed, Source};
pub use port::PortReservation;
pub use proxy::{Flow, Mark, NewConnections, Proxy, Scope};
pub use reply::Reply;
pub use server::Server;
pub use server_options::{ServerOptions, TlsFiles};
pub use servers::Servers;
pub use temp_dir::TempDir;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, also after a panic elsewhere: a failing test must still stop its servers.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
