//! Looking at a resource without changing it.

use std::sync::Arc;
use std::time::Duration;

use crate::config::{FencingToken, Keys, Mode, OwnerLabel};
use crate::error::{Fault, FaultClass, NodeOutcome, NodeStatus};
use crate::node::Node;
use crate::protocol::{Command, Reply, Request, Sharer, Sharers, View};
use crate::quorum::{Fleet, Round};

/// Who holds a resource, node by node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// The resource.
    pub resource: String,
    /// What each node shows, in the order of the configuration.
    pub nodes: Vec<NodeView>,
    /// The owner whose key a majority of the nodes shows, as it labelled itself:
    /// `host/pid/language/text`, or `foreign` where another library wrote the key.
    pub holder: Option<String>,
    /// Votes that make a majority.
    pub quorum: usize,
    /// The slots of a semaphore that a majority of the nodes shows as taken; empty for any other lock.
    pub slots: Vec<HeldSlot>,
}

/// A slot of a semaphore and who holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldSlot {
    /// The slot's number.
    pub slot: u32,
    /// The owner, as it labelled itself.
    pub holder: String,
}

/// What one node shows of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeView {
    /// The node's address.
    pub node: String,
    /// The label of the owner; `foreign` where another library wrote the key, `None` where there
    /// is no key.
    pub owner: Option<String>,
    /// How long the key still lives.
    pub remaining: Option<Duration>,
    /// The resource's fencing counter there.
    pub fencing_counter: Option<FencingToken>,
    /// Waiters in the queue there; `None` where the user may not ask.
    pub waiters: Option<u64>,
    /// How long its answers do not count, where it came back without its data: what it shows is no vote.
    pub guarded: Option<Duration>,
    /// Who holds the read/write lock of the name there: the strongest first, readers in the order in
    /// which their time ends.
    pub sharers: Vec<SharerView>,
    /// Waiters for the read/write lock; `None` where the user may not ask.
    pub sharers_waiting: Option<u64>,
    /// Why the node did not answer, if it did not.
    pub fault: Option<Fault>,
}

/// One holder of a read/write lock, as one node shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharerView {
    /// How it is held.
    pub mode: Mode,
    /// The owner's label.
    pub owner: String,
    /// How long its place still lives.
    pub remaining: Duration,
}

/// Asks every node and waits for all of them, one node timeout at most.
pub(crate) async fn inspect(fleet: &Arc<Fleet>, keys: &Keys) -> Inspection {
    let timeout = fleet.settings.node_timeout(fleet.settings.ttl);
    fleet
        .connected(tokio::time::Instant::now() + fleet.settings.connect_timeout)
        .await;
    let mut round = Round::new(fleet, timeout);
    let command = Arc::<Request>::from(Command::Inspect { keys: keys.clone() });
    for node in 0..fleet.size() {
        round.ask(node, &command);
    }
    let mut views: Vec<Option<View>> = vec![None; fleet.size()];
    while let Some(answered) = round.next().await {
        views[answered.node] = match answered.result {
            Ok(Reply::View(view)) => Some(view),
            Err(fault) if fault.class == FaultClass::ForeignFormat => Some(View {
                other_type: true,
                ..View::default()
            }),
            _ => None,
        };
    }
    let standing =
        |node: &Arc<dyn Node>| node.standing().and_then(|standing| standing.guarded_for());
    let guarded: Vec<Option<Duration>> = fleet.nodes.iter().map(standing).collect();
    let voting = views
        .iter()
        .zip(&guarded)
        .filter(|(_, guarded)| guarded.is_none());
    let values = voting.filter_map(|(view, _)| view.as_ref()?.value.as_ref());
    let most = values
        .clone()
        .max_by_key(|value| values.clone().filter(|other| other == value).count());
    let count = most.map_or(0, |value| {
        values.clone().filter(|other| *other == value).count()
    });
    let holder = most
        .filter(|_| count >= fleet.quorum())
        .map(|value| label(value));
    let counted: Vec<Option<View>> = views
        .iter()
        .zip(&guarded)
        .map(|(view, guarded)| view.clone().filter(|_| guarded.is_none()))
        .collect();
    let slots = held_slots(keys, &counted, fleet.quorum());
    let sharers = sharers(fleet, keys, timeout).await.into_iter();
    let nodes = views.into_iter().zip(sharers).zip(round.outcomes());
    let nodes = nodes
        .zip(guarded)
        .map(|(((view, sharers), outcome), guarded)| NodeView {
            guarded,
            ..node_view(view, sharers, outcome)
        });
    Inspection {
        resource: keys.name().to_owned(),
        nodes: nodes.collect(),
        holder,
        quorum: fleet.quorum(),
        slots,
    }
}

/// The slots that so many nodes show in the same hands.
fn held_slots(keys: &Keys, views: &[Option<View>], quorum: usize) -> Vec<HeldSlot> {
    let mut held = Vec::new();
    for slot in 0..keys.limit() {
        let shown = views.iter().flatten().flat_map(|view| &view.slots);
        let values = shown
            .filter(|shown| shown.slot == slot)
            .map(|shown| &shown.value);
        let in_hands = |value: &&Vec<u8>| values.clone().filter(|other| other == value).count();
        if let Some(value) = values.clone().find(|value| in_hands(value) >= quorum) {
            let holder = label(value);
            held.push(HeldSlot { slot, holder });
        }
    }
    held
}

/// What the nodes show of the read/write lock of the name, where they can.
async fn sharers(fleet: &Arc<Fleet>, keys: &Keys, timeout: Duration) -> Vec<Option<Sharers>> {
    let mut round = Round::new(fleet, timeout);
    let command = Arc::<Request>::from(Command::Sharers { keys: keys.clone() });
    for node in 0..fleet.size() {
        round.ask(node, &command);
    }
    let mut sharers = vec![None; fleet.size()];
    while let Some(answered) = round.next().await {
        if let Ok(Reply::Sharers(said)) = answered.result {
            sharers[answered.node] = Some(said);
        }
    }
    sharers
}

fn sharer_view(sharer: &Sharer) -> SharerView {
    SharerView {
        mode: sharer.mode,
        owner: label(&sharer.owner),
        remaining: Duration::from_millis(sharer.ttl_ms),
    }
}

fn node_view(view: Option<View>, sharers: Option<Sharers>, outcome: NodeOutcome) -> NodeView {
    let fault = match outcome.status {
        NodeStatus::Faulted(fault) => Some(fault),
        _ => None,
    };
    let known = view.unwrap_or_default();
    let foreign = known.other_type.then(|| "foreign".to_owned());
    NodeView {
        node: outcome.node,
        owner: known.value.as_deref().map(label).or(foreign),
        remaining: known.ttl_ms.map(Duration::from_millis),
        fencing_counter: known.counter,
        waiters: known.waiters,
        guarded: None,
        sharers_waiting: sharers.as_ref().map(|sharers| sharers.waiters),
        sharers: sharers.map_or_else(Vec::new, |sharers| {
            sharers.held.iter().map(sharer_view).collect()
        }),
        fault,
    }
}

/// The owner's label; nothing of a foreign value is shown, because it is that library's secret.
fn label(value: &[u8]) -> String {
    OwnerLabel::of_value(value)
        .map_or_else(|| "foreign".to_owned(), |label| label.as_str().to_owned())
}
