//! What a server can do with a client's words, and what it says back.

use crate::config::FencingToken;

/// What a server and its user can do, found out at connect without any secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Abilities {
    /// Scripts may run.
    pub scripts: bool,
    /// The server's clock may be read, so a proposal of a fencing token can be bounded.
    pub time: bool,
    /// Fencing counters may be read and raised.
    pub fencing: bool,
    /// Sorted sets and publish may be used: this node can keep a queue.
    pub queue: bool,
    /// The client's wake-up channel is subscribed.
    pub wake: bool,
    /// Claims may go in plain words, which cost the server a third of a script: it has the words, a
    /// proposal can be bounded here, and what an earlier connection still holds can be ended.
    pub plain: bool,
    /// A compare-and-delete command.
    pub compare_delete: Option<CompareDelete>,
}

/// The largest proposal of a fencing token that may go in plain words, `since` after a server's clock
/// said `micros`: a second ahead, as the scripts have it, and as much more as the clocks may have run
/// apart. A client with a wild calendar must not carry the counters off.
pub fn proposals_max(micros: u64, since: std::time::Duration) -> u64 {
    let since = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
    let ahead = since.saturating_add(since / 64).saturating_add(1_000_000);
    micros.saturating_add(ahead).min(FencingToken::LIMIT - 1)
}

/// A compare-and-delete command of newer servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareDelete {
    /// Valkey 9.
    DelIfEq,
    /// Redis 8.4.
    DelEx,
}

/// One reply of a server, apart from any client library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Raw {
    /// Nothing.
    Nil,
    /// `+OK`.
    Okay,
    /// A number.
    Int(i64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list; a map is a list of keys and values in turn.
    List(Vec<Raw>),
    /// An error reply: its first word and the rest.
    Error(String, String),
    /// A type no command of ours is answered with.
    Other,
}
