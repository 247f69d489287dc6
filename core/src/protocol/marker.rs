//! The marker of a node: by which a server that lost data is told from one that kept it.

use std::sync::Arc;

use crate::config::Ttl;

/// Something done to a node's marker. Whatever it is, a marker that is missing is set, one of another
/// run of the server is set back, and its longest ttl is raised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The marker's key.
    pub key: Arc<str>,
    /// What to do besides.
    pub word: MarkWord,
    /// The longest ttl that any client is known to use.
    pub ttl_max: Ttl,
    /// Random: what the node is called from now on, should it turn out to have lost its data.
    pub fresh_id: String,
    /// Which run of the server this connection goes to; `None` where it may not be asked.
    pub run: Option<Arc<str>>,
    /// Whether the server keeps all that it acknowledged; `None` where it may not be asked.
    pub keeps: Option<bool>,
}

/// What to do to a marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarkWord {
    /// Nothing more.
    Look,
    /// Let the node vote at once: it was found blank together with all others.
    Open {
        /// The id it had then.
        id: String,
        /// The ids of all nodes that were found so.
        with: Vec<String>,
    },
    /// Let the node vote once the longest ttl has passed since it was first seen.
    Guard {
        /// The id it was seen with.
        id: String,
        /// True where other nodes remember that the cluster was in use.
        in_use: bool,
    },
    /// Let the node vote now, as its operator wants.
    Admit,
}

/// Where a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkerState {
    /// Found without a marker; the other nodes have not been asked yet.
    New,
    /// Found without a marker, and nobody who was asked remembers a use of the cluster.
    Blank,
    /// Restarted; the longest ttl that the other nodes know has not been asked for yet.
    Lost,
    /// Restarted; it votes again when its time is over.
    Guarded,
    /// It votes.
    Open,
}

/// A node's marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// Where the node stands.
    pub state: MarkerState,
    /// What it is called since it was last seen without its data.
    pub id: String,
    /// How long until it votes, by its own clock.
    pub left_ms: u64,
    /// The longest ttl it knows of.
    pub ttl_max_ms: u64,
    /// The ids of the nodes it was opened together with, blank as they all were.
    pub with: Vec<String>,
}

impl MarkerState {
    /// The letter that stands for it on the server.
    pub const fn letter(self) -> &'static str {
        match self {
            MarkerState::New => "n",
            MarkerState::Blank => "b",
            MarkerState::Lost => "l",
            MarkerState::Guarded => "g",
            MarkerState::Open => "o",
        }
    }

    /// The state that a letter stands for.
    pub fn of_letter(letter: &[u8]) -> Option<Self> {
        use MarkerState::{Blank, Guarded, Lost, New, Open};
        let all = [New, Blank, Lost, Guarded, Open];
        all.into_iter()
            .find(|state| state.letter().as_bytes() == letter)
    }

    /// True where nothing on the node tells that the cluster was ever in use.
    pub const fn is_blank(self) -> bool {
        matches!(self, MarkerState::New | MarkerState::Blank)
    }
}

impl Mark {
    /// Several ids as the one word they are kept as.
    pub fn joined(ids: &[String]) -> String {
        if ids.is_empty() {
            return "-".to_owned();
        }
        ids.join(",")
    }

    /// The ids in such a word.
    pub fn split(word: &str) -> Vec<String> {
        let ids = word.split(',').filter(|id| !id.is_empty() && *id != "-");
        ids.map(str::to_owned).collect()
    }
}
