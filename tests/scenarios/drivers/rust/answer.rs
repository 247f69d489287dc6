//! What the driver says.

use std::io::Write;

use quorlock::{
    Error, ErrorKind, FencingToken, Health, Inspection, NodeStatus, Released, Stats, Ticket,
};
use serde_json::{Value, json};

/// Why a request failed: the library's error, or the driver's own.
pub(crate) struct Failure(Value);

impl Failure {
    /// The request makes no sense.
    pub(crate) fn of_driver(message: impl Into<String>) -> Failure {
        Failure(json!({ "code": "DRIVER", "message": message.into() }))
    }

    /// The call was given up: Rust drops it, so nobody else can say so.
    pub(crate) fn cancelled() -> Failure {
        Failure(json!({ "code": ErrorKind::Cancelled.code(), "message": "the call was dropped" }))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let outcomes = error.outcomes().iter().map(|outcome| {
            let fault = match &outcome.status {
                NodeStatus::Faulted(fault) => Some(fault.class.name()),
                _ => None,
            };
            json!({ "node": outcome.node, "status": outcome.status.name(), "fault": fault })
        });
        Failure(json!({
            "code": error.code(),
            "field": error.field(),
            "resource": error.resource(),
            "operation": error.operation(),
            "attempts": error.attempts(),
            "message": error.to_string(),
            "outcomes": outcomes.collect::<Vec<_>>(),
        }))
    }
}

/// What a request comes to.
pub(crate) type Answer = Result<Value, Failure>;

/// Writes one line.
pub(crate) fn give(id: u64, answer: Answer) {
    let line = match answer {
        Ok(value) => json!({ "id": id, "ok": value }),
        Err(Failure(error)) => json!({ "id": id, "error": error }),
    };
    let mut out = std::io::stdout().lock();
    // The supervisor is gone: standard input ends as well.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

pub(crate) fn hello(variant: &str) -> Value {
    json!({ "language": "rust", "variant": variant, "version": env!("CARGO_PKG_VERSION") })
}

pub(crate) fn guard(
    resource: &str,
    token: Option<FencingToken>,
    remaining: std::time::Duration,
    is_adopted: bool,
) -> Value {
    json!({
        "resource": resource,
        "fencing_token": token.map(FencingToken::get),
        "remaining_ms": ms(remaining),
        "is_adopted": is_adopted,
    })
}

pub(crate) fn released(released: &Released) -> Value {
    let nodes: Vec<&str> = match released {
        Released::Unknown(outcomes) => outcomes
            .iter()
            .map(|outcome| outcome.node.as_str())
            .collect(),
        _ => Vec::new(),
    };
    json!({ "result": released.name(), "nodes": nodes })
}

pub(crate) fn ticket(ticket: &Ticket) -> Value {
    json!({
        "id": ticket.id(),
        "resource": ticket.resource(),
        "ttl_ms": ms(ticket.ttl()),
        "fencing_token": ticket.fencing_token().map(FencingToken::get),
    })
}

pub(crate) fn inspection(seen: &Inspection) -> Value {
    let nodes = seen.nodes.iter().map(|node| {
        json!({
            "node": node.node,
            "owner": node.owner,
            "remaining_ms": node.remaining.map(ms),
            "fencing_counter": node.fencing_counter.map(FencingToken::get),
            "waiters": node.waiters,
            "fault": node.fault.as_ref().map(|fault| fault.class.name()),
        })
    });
    json!({ "holder": seen.holder, "quorum": seen.quorum, "nodes": nodes.collect::<Vec<_>>() })
}

pub(crate) fn health(health: &Health) -> Value {
    let nodes = health.nodes.iter().map(|node| {
        json!({ "node": node.node, "fault": node.fault.as_ref().map(|fault| fault.class.name()) })
    });
    let warnings = health
        .warnings
        .iter()
        .map(|warning| json!({ "name": warning.name(), "message": warning.to_string() }));
    json!({
        "has_quorum": health.has_quorum(),
        "quorum": health.quorum,
        "nodes": nodes.collect::<Vec<_>>(),
        "warnings": warnings.collect::<Vec<_>>(),
    })
}

pub(crate) fn stats(stats: &Stats) -> Value {
    json!({
        "acquired": stats.acquired,
        "contended": stats.contended,
        "failed": stats.failed,
        "renewed": stats.renewed,
        "lost": stats.lost,
        "released": stats.released,
        "detached": stats.detached,
        "adopted": stats.adopted,
    })
}

pub(crate) fn ms(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
