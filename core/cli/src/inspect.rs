//! `quorlock inspect`: who holds a lock, node by node.

use quorlock::{Fault, FencingToken, Inspection, NodeView};
use serde::Serialize;

use crate::arguments::Inspect;
use crate::exit;
use crate::failure::Failure;
use crate::output;
use crate::span::{short, whole_ms};
use crate::table::{row, table};

/// Shows it; the exit code tells whether a majority answered.
pub(crate) async fn run(arguments: Inspect) -> Result<u8, Failure> {
    let client = arguments.nodes.connect(|builder| builder)?;
    let inspection = client.inspect(&arguments.key).await?;
    if arguments.json {
        output::write_json(&View::from(&inspection), false)?;
    } else {
        output::write(&shown(&inspection))?;
    }
    Ok(if answering(&inspection) < inspection.quorum {
        exit::NO_QUORUM
    } else {
        exit::OK
    })
}

/// One line of a person's words on who holds it.
pub(crate) fn state(inspection: &Inspection) -> String {
    let (answering, all) = (answering(inspection), inspection.nodes.len());
    let keys = inspection
        .nodes
        .iter()
        .filter(|node| node.owner.is_some() && node.guarded.is_none())
        .count();
    match &inspection.holder {
        Some(holder) => format!("held by {holder}, {} left", left(inspection)),
        None if answering < inspection.quorum => {
            format!(
                "unknown: {answering} of {all} nodes answer, {} are needed",
                inspection.quorum
            )
        }
        None if keys == 0 => "free".to_owned(),
        None => format!(
            "free: {keys} of {all} nodes have a key, {} are needed",
            inspection.quorum
        ),
    }
}

/// The most waiters that a node knows of.
pub(crate) fn waiters(inspection: &Inspection) -> u64 {
    let waiters = inspection.nodes.iter().filter_map(|node| node.waiters);
    waiters.max().unwrap_or(0)
}

/// The current holder's fencing token.
pub(crate) fn fencing_token(inspection: &Inspection) -> Option<u64> {
    inspection.holder.as_ref()?;
    let counters = inspection
        .nodes
        .iter()
        .filter_map(|node| node.fencing_counter);
    counters.map(FencingToken::get).max()
}

/// How long the lock lives if nobody renews it: until the majority ends.
fn left(inspection: &Inspection) -> String {
    let mut left: Vec<_> = inspection
        .nodes
        .iter()
        .filter(|node| node.owner == inspection.holder)
        .filter_map(|node| node.remaining)
        .collect();
    left.sort_unstable_by(|a, b| b.cmp(a));
    let deciding = left.get(inspection.quorum - 1).or(left.last());
    deciding.map_or_else(|| "an unknown time".to_owned(), |left| short(*left))
}

fn answering(inspection: &Inspection) -> usize {
    let nodes = inspection.nodes.iter();
    nodes
        .filter(|node| node.guarded.is_none())
        .filter(|node| node.fault.is_none() || node.owner.is_some())
        .count()
}

fn shown(inspection: &Inspection) -> String {
    let mut rows = vec![row(["node", "owner", "left", "fencing counter", "waiters"])];
    let dash = || "-".to_owned();
    for node in &inspection.nodes {
        let owner = match (&node.owner, &node.fault) {
            _ if node.guarded.is_some() => "! does not vote".to_owned(),
            (Some(owner), _) => owner.clone(),
            (None, Some(fault)) => format!("! {fault}"),
            (None, None) => dash(),
        };
        rows.push(vec![
            node.node.clone(),
            owner,
            node.remaining.map_or_else(dash, short),
            node.fencing_counter
                .map_or_else(dash, |counter| counter.get().to_string()),
            node.waiters
                .map_or_else(dash, |waiters| waiters.to_string()),
        ]);
    }
    format!(
        "{}: {}, {} waiting\n\n{}",
        inspection.resource,
        state(inspection),
        waiters(inspection),
        table(&rows)
    )
}

/// An inspection as JSON.
#[derive(Serialize)]
pub(crate) struct View<'a> {
    resource: &'a str,
    holder: Option<&'a str>,
    fencing_token: Option<u64>,
    waiters: u64,
    quorum: usize,
    nodes: Vec<NodeJson<'a>>,
}

#[derive(Serialize)]
struct NodeJson<'a> {
    node: &'a str,
    owner: Option<&'a str>,
    remaining_ms: Option<u64>,
    fencing_counter: Option<u64>,
    waiters: Option<u64>,
    guarded_ms: Option<u64>,
    fault: Option<FaultJson<'a>>,
}

/// A fault as JSON.
#[derive(Serialize)]
pub(crate) struct FaultJson<'a> {
    class: &'static str,
    detail: &'a str,
}

impl<'a> From<&'a Inspection> for View<'a> {
    fn from(inspection: &'a Inspection) -> View<'a> {
        View {
            resource: &inspection.resource,
            holder: inspection.holder.as_deref(),
            fencing_token: fencing_token(inspection),
            waiters: waiters(inspection),
            quorum: inspection.quorum,
            nodes: inspection.nodes.iter().map(NodeJson::from).collect(),
        }
    }
}

impl<'a> From<&'a NodeView> for NodeJson<'a> {
    fn from(node: &'a NodeView) -> NodeJson<'a> {
        NodeJson {
            node: &node.node,
            owner: node.owner.as_deref(),
            remaining_ms: node.remaining.map(whole_ms),
            fencing_counter: node.fencing_counter.map(FencingToken::get),
            waiters: node.waiters,
            guarded_ms: node.guarded.map(whole_ms),
            fault: node.fault.as_ref().map(FaultJson::from),
        }
    }
}

impl<'a> From<&'a Fault> for FaultJson<'a> {
    fn from(fault: &'a Fault) -> FaultJson<'a> {
        FaultJson {
            class: fault.class.name(),
            detail: &fault.detail,
        }
    }
}
