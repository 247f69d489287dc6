//! The preflight report: are these nodes fit to keep locks?

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Fault, NodeStatus, words};
use crate::node::Standing;
use crate::protocol::{Command, Facts, Reply};
use crate::quorum::{Fleet, Round};

/// What is known of the nodes, and what is wrong with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Each node, in the order of the configuration.
    pub nodes: Vec<NodeHealth>,
    /// Votes that make a majority.
    pub quorum: usize,
    /// Everything worth a look, most serious first.
    pub warnings: Vec<Warning>,
}

impl Health {
    /// True where a majority of the nodes can be reached and votes: locks can be had.
    pub fn has_quorum(&self) -> bool {
        self.nodes
            .iter()
            .filter(|node| node.fault.is_none() && node.guarded.is_none())
            .count()
            >= self.quorum
    }
}

/// What one node says of itself, as far as its user may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeHealth {
    /// The node's address.
    pub node: String,
    /// Why it did not answer, if it did not.
    pub fault: Option<Fault>,
    /// How long the answer took.
    pub round_trip: Duration,
    /// `redis`, `valkey` or `memory`.
    pub server: Option<String>,
    /// The server's version.
    pub version: Option<String>,
    /// `standalone`, `cluster` or `sentinel`.
    pub mode: Option<String>,
    /// `master` or `slave`.
    pub role: Option<String>,
    /// Whether an append-only file is on.
    pub append_only: Option<bool>,
    /// The eviction policy.
    pub eviction: Option<String>,
    /// Connected replicas.
    pub replicas: Option<u64>,
    /// How long its answers do not count, where it came back without its data.
    pub guarded: Option<Duration>,
}

/// One thing worth a look.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// Two entries of the node list are one server, which would vote twice.
    SameServer(String, String),
    /// The node is a replica and takes no writes.
    NotPrimary(String),
    /// The node belongs to a cluster or is a sentinel.
    Mode(String, String),
    /// The node may evict locks: they are the keys with a ttl.
    Evicts(String, String),
    /// The node came back without its data; its answers do not count for so long.
    Guarded(String, Duration),
    /// The user's rights do not suffice to tell whether the node lost data: it votes unguarded.
    Unguarded(String),
    /// The node forgets everything when it restarts: it is kept from voting then, or, unguarded, can let a
    /// second holder in.
    NoPersistence(String),
    /// The node cannot be reached.
    Unreachable(String, Fault),
    /// An even number of nodes needs one vote more and survives no more failures.
    EvenNodes(usize),
    /// With one or two nodes, no node may fail.
    NoSpare(usize),
}

impl Warning {
    words! {
        /// The warning in one stable lower-case word.
        &self;
        Warning::SameServer(..) => "same_server",
        Warning::NotPrimary(_) => "not_primary",
        Warning::Mode(..) => "mode",
        Warning::Evicts(..) => "evicts",
        Warning::Guarded(..) => "guarded",
        Warning::Unguarded(_) => "unguarded",
        Warning::NoPersistence(_) => "no_persistence",
        Warning::Unreachable(..) => "unreachable",
        Warning::EvenNodes(_) => "even_nodes",
        Warning::NoSpare(_) => "no_spare",
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::SameServer(a, b) => {
                write!(f, "{a} and {b} are the same server and would vote twice")
            }
            Warning::NotPrimary(node) => write!(f, "{node} is a replica and takes no writes"),
            Warning::Mode(node, mode) => write!(f, "{node} runs in {mode} mode, not standalone"),
            Warning::Evicts(node, policy) => {
                write!(
                    f,
                    "{node} has maxmemory-policy {policy} and may evict locks; set noeviction"
                )
            }
            Warning::NoPersistence(node) => write!(
                f,
                "{node} keeps nothing on disk: restarted, it does not vote for the longest ttl, or, with \
                 restart_guard off, can let a second holder in; set appendonly yes with appendfsync always"
            ),
            Warning::Guarded(node, left) => write!(
                f,
                "{node} came back without its data and does not vote for another {:.1} s",
                left.as_secs_f64()
            ),
            Warning::Unguarded(node) => write!(
                f,
                "{node} could lose data unnoticed: its user may not run scripts with get, set and time"
            ),
            Warning::Unreachable(node, fault) => write!(f, "{node} does not answer: {fault}"),
            Warning::EvenNodes(nodes) => write!(
                f,
                "{nodes} nodes survive no more failures than {} and need one vote more",
                nodes - 1
            ),
            Warning::NoSpare(nodes) => {
                write!(f, "with {nodes} node(s) no node may fail; use 3 or 5")
            }
        }
    }
}

/// Asks every node about itself.
pub(crate) async fn check(fleet: &Arc<Fleet>) -> Health {
    let timeout = fleet.settings.connect_timeout;
    fleet.connected(tokio::time::Instant::now() + timeout).await;
    let mut round = Round::new(fleet, timeout);
    let command = Command::Facts.into();
    for node in 0..fleet.size() {
        round.ask(node, &command);
    }
    let mut facts: Vec<Facts> = vec![Facts::default(); fleet.size()];
    while let Some(answered) = round.next().await {
        if let Ok(Reply::Facts(said)) = answered.result {
            facts[answered.node] = *said;
        }
    }
    let mut nodes = Vec::new();
    let standings: Vec<_> = fleet.nodes.iter().map(|node| node.standing()).collect();
    let told = facts.iter().zip(round.outcomes()).zip(&standings);
    for ((facts, outcome), standing) in told {
        let fault = match (outcome.status, standing) {
            (NodeStatus::Faulted(fault), _) => Some(fault),
            (_, Some(Standing::Unread(fault))) => Some(fault.clone()),
            _ => None,
        };
        nodes.push(NodeHealth {
            node: outcome.node,
            fault,
            round_trip: outcome.elapsed,
            server: facts.server.clone(),
            version: facts.version.clone(),
            mode: facts.mode.clone(),
            role: facts.role.clone(),
            append_only: facts.append_only,
            eviction: facts.eviction.clone(),
            replicas: facts.replicas,
            guarded: standing.as_ref().and_then(Standing::guarded_for),
        });
    }
    let mut warnings = warnings(&nodes, &facts);
    let blind = nodes.iter().zip(&standings);
    let blind = blind.filter(|(_, standing)| **standing == Some(Standing::Blind));
    warnings.extend(blind.map(|(node, _)| Warning::Unguarded(node.node.clone())));
    Health {
        nodes,
        quorum: fleet.quorum(),
        warnings,
    }
}

fn warnings(nodes: &[NodeHealth], facts: &[Facts]) -> Vec<Warning> {
    let mut found = Vec::new();
    for (index, one) in facts.iter().enumerate() {
        let twin = facts[..index]
            .iter()
            .position(|other| one.run_id.is_some() && one.run_id == other.run_id);
        if let Some(twin) = twin {
            found.push(Warning::SameServer(
                nodes[twin].node.clone(),
                nodes[index].node.clone(),
            ));
        }
    }
    for node in nodes {
        let name = || node.node.clone();
        if let Some(fault) = &node.fault {
            found.push(Warning::Unreachable(name(), fault.clone()));
        }
        if let Some(left) = node.guarded {
            found.push(Warning::Guarded(name(), left));
        }
        if node.role.as_deref() == Some("slave") {
            found.push(Warning::NotPrimary(name()));
        }
        match node.mode.as_deref() {
            None | Some("standalone") => {}
            Some(mode) => found.push(Warning::Mode(name(), mode.to_owned())),
        }
        match node.eviction.as_deref() {
            None | Some("noeviction") => {}
            Some(policy) => found.push(Warning::Evicts(name(), policy.to_owned())),
        }
        if node.append_only == Some(false) {
            found.push(Warning::NoPersistence(name()));
        }
    }
    if nodes.len() < 3 {
        found.push(Warning::NoSpare(nodes.len()));
    } else if nodes.len().is_multiple_of(2) {
        found.push(Warning::EvenNodes(nodes.len()));
    }
    found
}
