//! One run from its beginning to the last look of the oracles.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use quorlock::testing::Parts;
use quorlock::testing::config::{OwnerLabel, OwnerToken, Planted};
use quorlock::testing::node::Node;
use quorlock::testing::protocol::Abilities;
use quorlock::{AcquireOptions, Client};
use tokio::time::{sleep, timeout};

use crate::clock::ClientClock;
use crate::counts::{Count, Counts};
use crate::judge::{Oracle, Violation};
use crate::net::calendar::Event;
use crate::net::node::SimulatedNode;
use crate::net::wire::Wire;
use crate::plan::{Order, Plan};
use crate::process::ProcessSpawner;
use crate::rng::{Rng, SeededEntropy};
use crate::user::{Stage, User};
use crate::wanted::{POOL, Wanted, places};
use crate::world::World;

/// The longest any run may take: far more than all its calls together.
const RUN_MAX: Duration = Duration::from_secs(600);

/// Clean-up tries again after one second at most, and reconnecting takes a moment.
const SETTLE: Duration = Duration::from_millis(1400);

/// What a retry may sleep, a beat, and a first connection, beyond rounds.
const RETRY_SLACK: Duration = Duration::from_millis(600);

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// The first thing an oracle objected to.
    pub violation: Option<Violation>,
    /// How often things happened.
    pub counts: Counts,
    /// A hash over every event.
    pub hash: u64,
    /// How many events went into it.
    pub events: u64,
    /// Every event in words, where asked for.
    pub lines: Vec<String>,
}

/// Runs `order` from beginning to end, in virtual time.
pub fn run(order: &Order) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    let runtime = runtime.expect("a runtime without I/O needs nothing that can be missing");
    runtime.block_on(play(order))
}

async fn play(order: &Order) -> Outcome {
    let plan = Plan::draw(order.seed, &order.scenario);
    let names: Vec<String> = (0..plan.resources).map(|n| format!("lock-{n}")).collect();
    let places = places(&names, plan.permits);
    let world = World::new(order, plan, &places);
    world.trace.note(0, "plan", &[], || {
        let mut plan = (*world.plan).clone();
        // Ranges and chances only; what was drawn from them is said.
        plan.scenario = crate::scenario::Scenario::peaceful();
        format!("{plan:?}")
    });
    let clients = (0..=world.plan.clients)
        .map(|client| connect(&world, order, client))
        .collect();
    let stage = Arc::new(Stage {
        world: Arc::clone(&world),
        clients,
        names,
    });
    drop(tokio::spawn(Arc::clone(&world).pump()));
    for (user, &(client, steps)) in world.plan.users.iter().enumerate() {
        let user = User {
            stage: Arc::clone(&stage),
            client,
            rng: Rng::stream(order.seed, 100 + user as u64),
        };
        user.start_calls(steps);
    }
    close_one(&stage);
    tokio::select! {
        biased;
        () = world.stopped.notified() => {}
        done = timeout(RUN_MAX, to_the_end(&stage)) => {
            if done.is_err() {
                let what = "the run does not end".to_owned();
                world.judge().object(world.now(), Oracle::CallEnds, what);
            }
        }
    }
    // Answers on their way refer to the engines, and they to the world: nothing would be freed.
    let unanswered = world.net().end();
    drop(unanswered);
    let mut counts = world.net().counts.clone();
    counts.merge(&world.judge().counts);
    let (hash, events) = world.trace.digest();
    let violation = world.judge().violation.clone();
    Outcome {
        seed: order.seed,
        violation,
        counts,
        hash,
        events,
        lines: world.trace.take_lines(),
    }
}

/// One client of the real engine over simulated parts.
fn connect(world: &Arc<World>, order: &Order, client: usize) -> Client {
    let planted = order.bug.map_or_else(Planted::default, Planted::one);
    let (pace, process) = {
        let net = world.net();
        (
            Arc::clone(&net.paces[client]),
            Arc::clone(&net.processes[client]),
        )
    };
    let (nodes_world, nodes) = (Arc::clone(world), world.plan.nodes);
    Client::from_parts(Parts {
        settings: world.plan.settings(client),
        nodes: Box::new(move |id, wake| {
            let world = nodes_world;
            let mut net = world.net();
            net.clients.insert(id, client);
            let mut made: Vec<Arc<dyn Node>> = Vec::with_capacity(nodes);
            for node in 0..nodes {
                // Some servers' users may not keep a queue, or not listen.
                let queue = world.plan.calm || !net.rng.chance(15);
                let abilities = Abilities {
                    scripts: true,
                    time: true,
                    fencing: true,
                    queue,
                    // Others may not end what an earlier connection holds, and use scripts alone.
                    plain: net.rng.chance(700),
                    wake: queue && (world.plan.calm || !net.rng.chance(15)),
                    compare_delete: None,
                };
                let delay = net.wire_delay();
                let wire = net.wires.len();
                net.wires
                    .push(Wire::new((client, node), wake.clone(), abilities, delay));
                let dialled = net.rng.below(3000);
                net.calendar.enter(dialled, Event::Dial { wire });
                made.push(Arc::new(SimulatedNode {
                    world: Arc::clone(&world),
                    wire,
                    address: format!("sim://{node}"),
                }));
            }
            made
        }),
        clock: Arc::new(ClientClock::new(world.began, pace)),
        entropy: Arc::new(SeededEntropy::new(Rng::stream(
            order.seed,
            50_000 + client as u64,
        ))),
        spawner: Arc::new(ProcessSpawner(process)),
        planted,
    })
}

/// Closes one client in the middle, if the plan says so.
fn close_one(stage: &Arc<Stage>) {
    let Some((client, at)) = stage.world.plan.closing else {
        return;
    };
    let stage = Arc::clone(stage);
    // Outside the process: whoever closes waits for a process that is frozen.
    drop(tokio::spawn(async move {
        sleep(Duration::from_micros(at)).await;
        stage.world.judge().closing(client);
        stage.world.judge().count(Count::Closed);
        let drained = stage.clients[client]
            .close(Duration::from_millis(200))
            .await;
        if drained.is_ok_and(|drained| drained) {
            stage.world.judge().drained.insert(client);
        }
    }));
}

/// Waits for every user, then judges what is left behind.
async fn to_the_end(stage: &Arc<Stage>) {
    let world = &stage.world;
    let quiet = Duration::from_micros(world.plan.quiet_micros);
    while !world.is_idle() || world.began.elapsed() < quiet {
        sleep(Duration::from_millis(20)).await;
    }
    world.judge().look_at_tickets(world.now());
    world.stop_if_violated();
    if world.plan.hostile {
        return;
    }
    let probes = async {
        let (client, scenario) = (&stage.clients[world.plan.clients], &world.plan.scenario);
        for name in &stage.names {
            probe(stage, name, &Wanted::One(client.mutex(name))).await;
        }
        if scenario.several > 0 && stage.names.len() > 1 {
            let all = Wanted::Several(client.multi(stage.names.iter()));
            probe(stage, "all of them", &all).await;
        }
        if scenario.semaphore > 0 {
            let permits = world.plan.permits;
            let all = Wanted::Permits(client.semaphore(POOL, permits), permits);
            probe(stage, "all permits", &all).await;
        }
    };
    let clean_up = async {
        // Long enough for any clean-up, too short for what was forgotten to run out.
        if world.plan.ttl > SETTLE * 3 / 2 {
            sleep(SETTLE).await;
            leftover(stage, "after the clean-up", false);
        }
    };
    tokio::join!(biased; probes, clean_up);
    // What dead connections still deliver may bring keys back, for the last time.
    while world.net().calendar.has_arrivals() {
        sleep(Duration::from_millis(20)).await;
    }
    sleep(world.plan.longest_life()).await;
    leftover(stage, "after every ttl", true);
}

/// After the faults the lock can be had within a ttl and two rounds.
async fn probe(stage: &Arc<Stage>, name: &str, wanted: &Wanted) {
    let world = &stage.world;
    let bound = world.plan.longest_life() + world.plan.node_timeout * 2 + RETRY_SLACK;
    let options = AcquireOptions::new().wait(bound);
    let acquired = if world.plan.shared {
        let lock = stage.clients[world.plan.clients].rwlock(name);
        lock.write().acquire(options).await
    } else {
        wanted.acquire(options).await
    };
    match acquired {
        Ok(guard) => {
            world.judge().count(Count::Probed);
            let _ = guard.release().await;
        }
        Err(error) => {
            let what = format!("{name} cannot be had after all faults: {error}");
            world.judge().object(world.now(), Oracle::Acquirable, what);
        }
    }
    world.stop_if_violated();
}

/// Objects to keys that nobody who lives should have left.
fn leftover(stage: &Arc<Stage>, when: &str, all: bool) {
    let world = &stage.world;
    let now = world.now();
    let undrained: BTreeSet<usize> = {
        let judge = world.judge();
        judge.closing.difference(&judge.drained).copied().collect()
    };
    let (found, excused, stale) = {
        let net = world.net();
        let excused: BTreeSet<String> = net
            .clients
            .iter()
            .filter(|(_, client)| {
                // The one that probes is still at work.
                net.processes[**client].is_dead()
                    || **client == world.plan.clients
                    || undrained.contains(client)
            })
            .map(|(id, _)| id.0.to_string())
            .collect();
        let locks = |(node, server): (usize, &crate::net::server::Server)| {
            let locks = server.locks(now);
            locks.into_iter().map(move |lock| (node, lock))
        };
        let found: Vec<_> = net.servers.iter().enumerate().flat_map(locks).collect();
        (found, excused, net.stale.clone())
    };
    let mut judge = world.judge();
    for (node, lock) in found {
        let owner = OwnerLabel::of_value(&lock.value).map_or_else(String::new, |label| {
            label
                .as_str()
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_owned()
        });
        let is_excused = judge
            .resources
            .iter()
            // The places of a read/write lock have keys of their own.
            .any(|resource| lock.key.contains(&resource.name) && resource.had_ticket);
        let text = String::from_utf8_lossy(&lock.value);
        let is_stale = OwnerToken::parse(&text).is_some_and(|owner| stale.contains(&owner));
        if all || !(is_stale || is_excused || excused.contains(&owner)) {
            let what = format!(
                "{} is left on node {node} {when}, by client {owner}, for {:?} ms",
                lock.key, lock.ttl_ms
            );
            judge.object(now, Oracle::Leftover, what);
        }
    }
    drop(judge);
    world.stop_if_violated();
}
