//! `quorlock health`: are the nodes fit to keep locks?

use quorlock::NodeHealth;
use serde::Serialize;

use crate::arguments::Health;
use crate::exit;
use crate::failure::Failure;
use crate::inspect::FaultJson;
use crate::output;
use crate::span::{short, whole_ms};
use crate::table::{row, table};

/// Shows the report; the exit code tells whether a majority can be reached.
pub(crate) async fn run(arguments: Health) -> Result<u8, Failure> {
    let client = arguments.nodes.connect(|builder| builder)?;
    let health = client.health().await?;
    if arguments.json {
        output::write_json(&Report::from(&health), false)?;
    } else {
        output::write(&shown(&health))?;
    }
    Ok(if health.has_quorum() {
        exit::OK
    } else {
        exit::NO_QUORUM
    })
}

fn voting(health: &quorlock::Health) -> usize {
    let nodes = health.nodes.iter();
    nodes
        .filter(|node| node.fault.is_none() && node.guarded.is_none())
        .count()
}

fn shown(health: &quorlock::Health) -> String {
    let mut rows = vec![row([
        "node",
        "server",
        "role",
        "keeps data",
        "eviction",
        "answer",
    ])];
    let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    for node in &health.nodes {
        let server = [&node.server, &node.version].map(|text| text.clone().unwrap_or_default());
        let keeps = match node.append_only {
            Some(true) => "yes",
            Some(false) => "no",
            None => "-",
        };
        rows.push(vec![
            node.node.clone(),
            if node.server.is_some() {
                server.join(" ")
            } else {
                "-".to_owned()
            },
            known(&node.role),
            keeps.to_owned(),
            known(&node.eviction),
            match (&node.fault, node.guarded) {
                (Some(fault), _) => format!("! {fault}"),
                (None, Some(left)) => format!("! does not vote for {}", short(left)),
                (None, None) => format!("{:.1}ms", ms(node)),
            },
        ]);
    }
    let quorum = if health.has_quorum() {
        "quorum"
    } else {
        "NO QUORUM"
    };
    let mut text = format!(
        "{quorum}: {} of {} nodes answer, {} are needed\n\n{}",
        voting(health),
        health.nodes.len(),
        health.quorum,
        table(&rows)
    );
    for (index, warning) in health.warnings.iter().enumerate() {
        let gap = if index == 0 { "\n" } else { "" };
        text.push_str(&format!("{gap}warning: {warning}\n"));
    }
    text
}

fn ms(node: &NodeHealth) -> f64 {
    node.round_trip.as_secs_f64() * 1e3
}

#[derive(Serialize)]
struct Report<'a> {
    has_quorum: bool,
    quorum: usize,
    nodes: Vec<NodeJson<'a>>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct NodeJson<'a> {
    node: &'a str,
    round_trip_ms: f64,
    server: Option<&'a str>,
    version: Option<&'a str>,
    mode: Option<&'a str>,
    role: Option<&'a str>,
    append_only: Option<bool>,
    eviction: Option<&'a str>,
    replicas: Option<u64>,
    guarded_ms: Option<u64>,
    fault: Option<FaultJson<'a>>,
}

impl<'a> From<&'a quorlock::Health> for Report<'a> {
    fn from(health: &'a quorlock::Health) -> Report<'a> {
        Report {
            has_quorum: health.has_quorum(),
            quorum: health.quorum,
            nodes: health.nodes.iter().map(NodeJson::from).collect(),
            warnings: health.warnings.iter().map(ToString::to_string).collect(),
        }
    }
}

impl<'a> From<&'a NodeHealth> for NodeJson<'a> {
    fn from(node: &'a NodeHealth) -> NodeJson<'a> {
        NodeJson {
            node: &node.node,
            round_trip_ms: ms(node),
            server: node.server.as_deref(),
            version: node.version.as_deref(),
            mode: node.mode.as_deref(),
            role: node.role.as_deref(),
            append_only: node.append_only,
            eviction: node.eviction.as_deref(),
            replicas: node.replicas,
            guarded_ms: node.guarded.map(whole_ms),
            fault: node.fault.as_ref().map(FaultJson::from),
        }
    }
}
