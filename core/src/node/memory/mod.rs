//! The embedded node, `memory://name`: a server inside this process, for programs that need no
//! lock beyond it, and for tests.

mod call;
mod claim;
mod fence;
mod keyspace;
mod lease;
mod marker;
mod node;
mod server;
mod several;
mod shared;
mod shared_lease;
mod sharing;
mod slots;
mod store;
#[cfg(test)]
mod tests;
mod waiters;

#[cfg(any(test, feature = "testing"))]
pub use node::MemoryNode;
pub use server::MemoryServer;
#[cfg(any(test, feature = "testing"))]
pub use store::LiveLock;
#[cfg(any(test, feature = "testing"))]
pub use store::{ClaimLine, MemoryStore, ServerTime};
