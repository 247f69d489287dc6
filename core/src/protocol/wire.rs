//! The words that travel between client and server, and what a server can do with them.

use crate::protocol::script::Script;

/// What a server and its user can do, found out at connect without any secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Abilities {
    /// Scripts may run.
    pub scripts: bool,
    /// The server's clock may be read, so a proposal of a fencing token can be bounded.
    pub time: bool,
    /// Sorted sets and publish may be used: this node can keep a queue.
    pub queue: bool,
    /// The client's wake-up channel is subscribed.
    pub wake: bool,
    /// A compare-and-delete command, where scripts may not run or plain claims need none.
    pub compare_delete: Option<CompareDelete>,
}

/// A compare-and-delete command of newer servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareDelete {
    /// Valkey 9.
    DelIfEq,
    /// Redis 8.4.
    DelEx,
}

/// One command for a server.
#[derive(Clone)]
pub enum Wire {
    /// Words.
    Words(Vec<Vec<u8>>),
    /// A script call.
    Call {
        /// Which script.
        script: &'static Script,
        /// Its keys.
        keys: Vec<String>,
        /// Its other arguments.
        args: Vec<Vec<u8>>,
    },
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
