//! Whether a node's answers count: the same rule for every kind of node.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::config::{Entropy, Ttl, random_hex};
use crate::error::{Fault, FaultClass};
use crate::protocol::{Command, Mark, MarkWord, Marker, MarkerState, Reply};

/// Where a node stands, as far as its present connection knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nobody asks: there is no guard, or the node cannot lose data.
    Unasked,
    /// The user may not keep the marker, so the node votes unguarded.
    Blind,
    /// The marker could not be read.
    Unread(Fault),
    /// The node's marker.
    Marked(Arc<Marker>),
}

impl Standing {
    /// True where the node's answers count.
    pub fn votes(&self) -> bool {
        match self {
            Standing::Unasked | Standing::Blind => true,
            Standing::Unread(_) => false,
            Standing::Marked(marker) => marker.state == MarkerState::Open,
        }
    }

    /// True where it may change at once, as soon as the other nodes have been asked.
    pub fn is_unsettled(&self) -> bool {
        let fresh = |marker: &Marker| matches!(marker.state, MarkerState::New | MarkerState::Lost);
        matches!(self, Standing::Marked(marker) if fresh(marker))
    }

    /// How long the node will not vote, where that is so.
    pub fn guarded_for(&self) -> Option<Duration> {
        let marker = self.marker().filter(|_| !self.votes())?;
        Some(Duration::from_millis(marker.left_ms))
    }

    /// The marker, where there is one.
    pub fn marker(&self) -> Option<&Arc<Marker>> {
        match self {
            Standing::Marked(marker) => Some(marker),
            _ => None,
        }
    }

    /// Why `command` must not be sent: its answer would not count. Nothing where it may be.
    pub fn refusal(&self, command: &Command) -> Option<Fault> {
        if !command.votes() || self.votes() {
            return None;
        }
        Some(self.fault())
    }

    /// An answer as it counts, given what the node turned out to be meanwhile.
    pub fn counted(&self, command: &Command, result: Result<Reply, Fault>) -> Result<Reply, Fault> {
        match (
            self.refusal(command).or_else(|| self.shortfall(command)),
            result,
        ) {
            (Some(fault), Ok(_)) => Err(Fault {
                may_have_run: true,
                ..fault
            }),
            (_, result) => result,
        }
    }

    /// Why an answer does not count though the node votes: it does not know yet for how long it would have
    /// to be kept from voting once it lost its data.
    fn shortfall(&self, command: &Command) -> Option<Fault> {
        let (known, ttl) = (self.marker()?.ttl_max_ms, command.ttl_max()?);
        let why = "the node has not taken note of the ttl";
        (ttl.as_millis() > known).then(|| Fault::refused(FaultClass::Guarded, why))
    }

    fn fault(&self) -> Fault {
        match self {
            Standing::Unread(fault) => Fault {
                may_have_run: false,
                ..fault.clone()
            },
            Standing::Marked(marker) if !self.is_unsettled() => {
                let seconds = marker.left_ms.div_ceil(1000);
                let why = format!(
                    "the node came back without its data and does not vote for {seconds} s"
                );
                Fault::refused(FaultClass::Guarded, why)
            }
            _ => Fault::refused(
                FaultClass::Guarded,
                "the node was found without its data, and the other nodes are not all heard yet",
            ),
        }
    }
}

/// What the guard of one client goes by, shared by its nodes.
#[derive(Debug, Clone)]
pub struct GuardTerms {
    /// The key of the markers.
    pub key: Arc<str>,
    /// The longest ttl that this client has used, in milliseconds.
    ttl_max_ms: Arc<AtomicU64>,
}

impl GuardTerms {
    /// Markers at `key`, of a client whose leases live for `ttl` unless told otherwise.
    pub fn new(key: String, ttl: Ttl) -> Self {
        GuardTerms {
            key: key.into(),
            ttl_max_ms: Arc::new(AtomicU64::new(ttl.as_millis())),
        }
    }

    /// The longest ttl that this client has used.
    pub fn ttl_max(&self) -> Ttl {
        Ttl::from_millis(self.ttl_max_ms.load(Ordering::Relaxed)).unwrap_or(Ttl::MAX)
    }

    /// Notes that this client is about to use `ttl`.
    pub fn note(&self, ttl: Ttl) {
        self.ttl_max_ms
            .fetch_max(ttl.as_millis(), Ordering::Relaxed);
    }

    /// A mark with what this client knows by itself.
    pub fn mark(&self, word: MarkWord, entropy: &dyn Entropy) -> Mark {
        Mark {
            key: Arc::clone(&self.key),
            word,
            ttl_max: self.ttl_max(),
            fresh_id: random_hex(entropy)[..16].to_owned(),
            run: None,
            keeps: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(state: MarkerState) -> Standing {
        Standing::Marked(Arc::new(Marker {
            state,
            id: "a".to_owned(),
            left_ms: 1_001,
            ttl_max_ms: 10_000,
            with: Vec::new(),
        }))
    }

    #[test]
    fn only_an_open_node_votes_and_others_are_not_asked() {
        let unread = Fault::refused(FaultClass::Operator, "READONLY: this is a replica");
        let cases = [
            (Standing::Unasked, None),
            (Standing::Blind, None),
            (marked(MarkerState::Open), None),
            (marked(MarkerState::New), Some(FaultClass::Guarded)),
            (marked(MarkerState::Blank), Some(FaultClass::Guarded)),
            (marked(MarkerState::Lost), Some(FaultClass::Guarded)),
            (marked(MarkerState::Guarded), Some(FaultClass::Guarded)),
            (Standing::Unread(unread), Some(FaultClass::Operator)),
        ];
        let extend = Command::Extend {
            leases: Vec::new(),
            fill_in: None,
        };
        for (standing, class) in cases {
            assert_eq!(standing.votes(), class.is_none(), "{standing:?}");
            let refusal = standing.refusal(&extend);
            assert_eq!(refusal.map(|fault| fault.class), class, "{standing:?}");
            assert_eq!(
                standing.refusal(&Command::Facts),
                None,
                "others may be asked"
            );
            let counted = standing.counted(&extend, Ok(Reply::Extended(Vec::new())));
            match class {
                None => assert!(counted.is_ok(), "{standing:?}"),
                // It was run all the same.
                Some(_) => assert!(counted.is_err_and(|fault| fault.may_have_run)),
            }
        }
        let told = marked(MarkerState::Guarded).fault().detail.into_owned();
        assert!(told.contains("2 s"), "{told}");
    }
}
