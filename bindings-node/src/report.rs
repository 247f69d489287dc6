//! What the engine tells, as plain JavaScript objects.

use napi_derive::napi;
use quorlock::{Event, Fault, Health, Inspection, NodeHealth, NodeView, Released, Stats};

use crate::failure::OutcomeReport;
use crate::guard::number_of;

/// A node's failure to serve.
#[napi(object, use_nullable = true)]
pub struct FaultReport {
    pub class: String,
    pub detail: String,
}

impl From<Fault> for FaultReport {
    fn from(fault: Fault) -> Self {
        FaultReport {
            class: fault.class.name().to_owned(),
            detail: fault.detail.into_owned(),
        }
    }
}

/// What became of a release; the nodes that did not answer.
#[napi(object, use_nullable = true)]
pub struct ReleaseReport {
    pub result: String,
    pub nodes: Vec<OutcomeReport>,
}

impl From<&Released> for ReleaseReport {
    fn from(released: &Released) -> Self {
        let nodes = match released {
            Released::Unknown(nodes) => nodes.iter().map(OutcomeReport::from).collect(),
            Released::Released | Released::AlreadyExpired | Released::StillHeld => Vec::new(),
        };
        ReleaseReport {
            result: released.name().to_owned(),
            nodes,
        }
    }
}

/// Who holds a resource.
#[napi(object, use_nullable = true)]
pub struct InspectionReport {
    pub resource: String,
    pub holder: Option<String>,
    pub quorum: u32,
    pub nodes: Vec<NodeViewReport>,
}

/// What one node shows of a resource.
#[napi(object, use_nullable = true)]
pub struct NodeViewReport {
    pub node: String,
    pub owner: Option<String>,
    pub remaining_ms: Option<f64>,
    pub fencing_counter: Option<f64>,
    pub waiters: Option<f64>,
    pub fault: Option<FaultReport>,
}

impl From<NodeView> for NodeViewReport {
    fn from(view: NodeView) -> Self {
        NodeViewReport {
            node: view.node,
            owner: view.owner,
            remaining_ms: view.remaining.map(|left| left.as_secs_f64() * 1e3),
            fencing_counter: view.fencing_counter.map(number_of),
            waiters: view.waiters.map(|count| count as f64),
            fault: view.fault.map(FaultReport::from),
        }
    }
}

impl From<Inspection> for InspectionReport {
    fn from(seen: Inspection) -> Self {
        InspectionReport {
            resource: seen.resource,
            holder: seen.holder,
            quorum: size(seen.quorum),
            nodes: seen.nodes.into_iter().map(NodeViewReport::from).collect(),
        }
    }
}

/// What is known of the nodes.
#[napi(object, use_nullable = true)]
pub struct HealthReport {
    pub has_quorum: bool,
    pub quorum: u32,
    pub nodes: Vec<NodeHealthReport>,
    pub warnings: Vec<WarningReport>,
}

/// What one node says of itself.
#[napi(object, use_nullable = true)]
pub struct NodeHealthReport {
    pub node: String,
    pub fault: Option<FaultReport>,
    pub round_trip_ms: f64,
    pub server: Option<String>,
    pub version: Option<String>,
    pub mode: Option<String>,
    pub role: Option<String>,
    pub append_only: Option<bool>,
    pub eviction: Option<String>,
    pub replicas: Option<f64>,
    pub guarded_ms: Option<f64>,
}

impl From<NodeHealth> for NodeHealthReport {
    fn from(node: NodeHealth) -> Self {
        NodeHealthReport {
            node: node.node,
            fault: node.fault.map(FaultReport::from),
            round_trip_ms: node.round_trip.as_secs_f64() * 1e3,
            server: node.server,
            version: node.version,
            mode: node.mode,
            role: node.role,
            append_only: node.append_only,
            eviction: node.eviction,
            replicas: node.replicas.map(|count| count as f64),
            guarded_ms: node.guarded.map(|left| left.as_secs_f64() * 1e3),
        }
    }
}

/// One thing worth a look.
#[napi(object, use_nullable = true)]
pub struct WarningReport {
    pub name: String,
    pub message: String,
}

impl From<Health> for HealthReport {
    fn from(health: Health) -> Self {
        HealthReport {
            has_quorum: health.has_quorum(),
            quorum: size(health.quorum),
            warnings: health
                .warnings
                .iter()
                .map(|warning| WarningReport {
                    name: warning.name().to_owned(),
                    message: warning.to_string(),
                })
                .collect(),
            nodes: health
                .nodes
                .into_iter()
                .map(NodeHealthReport::from)
                .collect(),
        }
    }
}

/// One thing that happened to a lock.
#[napi(object, use_nullable = true)]
pub struct EventReport {
    pub kind: String,
    pub resource: String,
    pub detail: String,
    pub span_ms: f64,
    pub attempts: u32,
}

impl From<Event> for EventReport {
    fn from(event: Event) -> Self {
        EventReport {
            kind: event.kind.name().to_owned(),
            resource: event.resource,
            detail: event.detail.into_owned(),
            span_ms: event.span.as_secs_f64() * 1e3,
            attempts: event.attempts,
        }
    }
}

/// What a client counts.
#[napi(object, use_nullable = true)]
pub struct StatsReport {
    pub acquired: f64,
    pub contended: f64,
    pub failed: f64,
    pub renewed: f64,
    pub lost: f64,
    pub released: f64,
    pub detached: f64,
    pub adopted: f64,
    pub node_faults: f64,
    pub rounds: f64,
    pub waited_ms: f64,
    pub held_ms: f64,
    pub renewal_margin_ms_min: Option<f64>,
}

impl From<Stats> for StatsReport {
    fn from(stats: Stats) -> Self {
        StatsReport {
            acquired: stats.acquired as f64,
            contended: stats.contended as f64,
            failed: stats.failed as f64,
            renewed: stats.renewed as f64,
            lost: stats.lost as f64,
            released: stats.released as f64,
            detached: stats.detached as f64,
            adopted: stats.adopted as f64,
            node_faults: stats.node_faults as f64,
            rounds: stats.rounds as f64,
            waited_ms: stats.waited.as_secs_f64() * 1e3,
            held_ms: stats.held.as_secs_f64() * 1e3,
            renewal_margin_ms_min: stats
                .renewal_margin_min
                .map(|left| left.as_secs_f64() * 1e3),
        }
    }
}

fn size(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
