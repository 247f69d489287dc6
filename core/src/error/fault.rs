//! Why one node could not serve a command.

use std::borrow::Cow;
use std::fmt;

use crate::error::words;

/// The class of a [`Fault`]; it decides what a vote means and whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaultClass {
    /// No connection could be made (refused, name not found, no route).
    Unreachable,
    /// The connection ended before the reply came.
    Disconnected,
    /// No reply within the node timeout.
    Timeout,
    /// The connection has an older command unanswered; nothing more is sent until it moves.
    Stalled,
    /// The server asks to come back later (`LOADING`, `BUSY`, `TRYAGAIN`, too many clients …).
    Transient,
    /// An operator must act (`OOM`, `MISCONF`, `NOREPLICAS`, `READONLY`).
    Operator,
    /// Authentication or access rights; permanent until somebody changes them.
    Permission,
    /// The node is a cluster member or was told a key of another slot.
    Topology,
    /// The server lacks a command that is needed, or is not allowed to use it.
    Unsupported,
    /// The key holds a value of another type: a foreign lock format. Never deleted.
    ForeignFormat,
    /// Not a reply to the command: wrong type, garbage, oversized.
    Protocol,
    /// The TLS handshake failed.
    Tls,
    /// An error reply of a kind this version does not know.
    Unknown,
    /// The client was closed.
    Closed,
    /// The node lost data or may have, and does not vote yet.
    Guarded,
}

impl FaultClass {
    words! {
        /// The class in one stable lower-case word, as logs and metrics show it.
        self;
        FaultClass::Unreachable => "unreachable",
        FaultClass::Disconnected => "disconnected",
        FaultClass::Timeout => "timeout",
        FaultClass::Stalled => "stalled",
        FaultClass::Transient => "transient",
        FaultClass::Operator => "operator",
        FaultClass::Permission => "permission",
        FaultClass::Topology => "topology",
        FaultClass::Unsupported => "unsupported",
        FaultClass::ForeignFormat => "foreign_format",
        FaultClass::Protocol => "protocol",
        FaultClass::Tls => "tls",
        FaultClass::Unknown => "unknown",
        FaultClass::Closed => "closed",
        FaultClass::Guarded => "guarded",
    }

    /// True where waiting cannot help: a majority of these ends a call at once.
    pub const fn is_permanent(self) -> bool {
        matches!(
            self,
            FaultClass::Permission | FaultClass::Topology | FaultClass::Unsupported
        )
    }
}

/// One node's failure to serve a command.
///
/// The detail is written by Quorlock or is a reply's first word from a known list: server text is
/// never passed on, because servers echo arguments, and an argument can be a password or a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind of failure.
    pub class: FaultClass,
    /// A few words for a human; never server text, never a secret.
    pub detail: Cow<'static, str>,
    /// False only where the command certainly did not run: never sent, or refused by the server.
    pub may_have_run: bool,
}

impl Fault {
    /// A fault of a command that certainly had no effect.
    pub fn refused(class: FaultClass, detail: impl Into<Cow<'static, str>>) -> Self {
        Fault {
            class,
            detail: detail.into(),
            may_have_run: false,
        }
    }

    /// A fault of a command that may have run: it was sent, and no definite reply came.
    pub fn unresolved(class: FaultClass, detail: impl Into<Cow<'static, str>>) -> Self {
        Fault {
            class,
            detail: detail.into(),
            may_have_run: true,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class.name(), self.detail)
    }
}
