//! Test doors: every room of the engine, and a client made of replaced parts. Not covered by
//! semantic versioning; never enable the `testing` feature in production.

/// Values with rules.
pub mod config {
    pub use crate::config::*;
}
/// One server as the engine sees it.
pub mod node {
    pub use crate::node::*;
}
/// Commands, scripts and replies.
pub mod protocol {
    pub use crate::protocol::*;
}
/// Majorities.
pub mod quorum {
    pub use crate::quorum::*;
}
pub use crate::client::Parts;
