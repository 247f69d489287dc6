//! What the subjects share: servers, clients, and the worker program.

use std::time::Duration;

use quorlock::testing::config::Keys;
use quorlock::{
    AcquireOptions, Client, ClientBuilder, ErrorKind, FaultClass, NodeStatus, blocking,
};
use quorlock_server_tests::{Worker, leftovers, locks};
use quorlock_test_support::{Proxy, Reply, Server, ServerKind, ServerOptions, Servers, eventually};

/// Longer than anything takes unless it hangs, on a busy machine too.
pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) fn five() -> Servers {
    Servers::start(5, ServerKind::Valkey)
}

/// Five servers that keep their data when they are killed.
pub(crate) fn five_durable() -> Servers {
    Servers::start(5, ServerOptions::new(ServerKind::Valkey).append_only())
}

pub(crate) fn proxies(servers: &[Server]) -> Vec<Proxy> {
    servers
        .iter()
        .map(|server| Proxy::start(server.addr()))
        .collect()
}

/// A builder that does not take a busy machine for a broken node.
pub(crate) fn patient() -> ClientBuilder {
    Client::builder().node_timeout(Duration::from_millis(500))
}

pub(crate) fn client(nodes: &[String]) -> Client {
    patient().connect(nodes).expect("valid nodes")
}

pub(crate) fn blocking(nodes: &[String]) -> blocking::Client {
    client(nodes).into()
}

/// Makes them nodes that were in use before. With a node missing, blank ones would wait for a ttl.
pub(crate) fn in_use(servers: &[Server]) {
    for server in servers {
        server.command(&["SET", "quorlock:marker", "o before - 1 0 0 -"]);
    }
}

/// With a ttl of so many milliseconds.
pub(crate) fn short_lived(nodes: &[String], ttl_ms: u64) -> blocking::Client {
    let ttl = Duration::from_millis(ttl_ms);
    let built = Client::builder()
        .ttl(ttl)
        .node_timeout(ttl / 3)
        .connect(nodes);
    built.expect("valid nodes").into()
}

pub(crate) fn within(ms: u64) -> AcquireOptions {
    AcquireOptions::new().wait(Duration::from_millis(ms))
}

/// A worker process over these nodes, ready.
pub(crate) fn worker(nodes: &[String], ttl_ms: u64, renew: bool) -> Worker {
    let args = [nodes.join(","), ttl_ms.to_string(), renew.to_string()];
    let mut worker = Worker::start(env!("CARGO_BIN_EXE_worker"), &args);
    worker.hear("ready", LONG);
    worker
}

/// The index of the node that keeps the queue of `name`.
pub(crate) fn home_of(name: &str, nodes: usize) -> usize {
    let hash = Keys::new("", name).expect("valid").hash();
    usize::try_from(hash % nodes as u64).expect("small")
}

/// The value of a key.
pub(crate) fn value(server: &Server, key: &str) -> Option<String> {
    server.command(&["GET", key]).text()
}

/// The value of a lock, once every server has it: a majority won without the last ones.
#[track_caller]
pub(crate) fn owner(servers: &[Server], key: &str) -> String {
    let first = || value(&servers[0], key);
    eventually(LONG, "one owner everywhere", || {
        first().is_some() && servers.iter().all(|server| value(server, key) == first())
    });
    first().expect("held")
}

/// A lock of another library.
pub(crate) fn set_foreign(server: &Server, key: &str, ttl_ms: u64) {
    let token = "0f2c86aa-4c5b-4a6e-9c3a-5c1f7c9d1b7e";
    let set: Reply = server.command(&["SET", key, token, "NX", "PX", &ttl_ms.to_string()]);
    assert!(set.is_ok(), "{set:?}");
}

/// No lock and no queue is left, long before a ttl could have taken it away.
#[track_caller]
pub(crate) fn nothing_held(servers: &[Server]) {
    for server in servers {
        eventually(Duration::from_secs(5), "no lock is left", || {
            locks(server).is_empty()
        });
    }
}

/// Nothing but counters is left once everything with a ttl has gone.
#[track_caller]
pub(crate) fn nothing_left(servers: &[Server]) {
    for server in servers {
        let what = format!("nothing is left, there is {:?}", leftovers(server));
        eventually(LONG, &what, || leftovers(server).is_empty());
    }
}

/// Too few nodes answered: one outcome per node, and of those that fault, in one of `classes`, as
/// many are named as it takes to rule a majority out, and `faulted` at most.
#[track_caller]
pub(crate) fn is_unavailable(
    error: &quorlock::Error,
    nodes: usize,
    faulted: usize,
    classes: &[FaultClass],
) {
    assert_eq!(error.kind(), ErrorKind::QuorumUnavailable, "{error}");
    assert_eq!(error.outcomes().len(), nodes, "{error}");
    let mut expected = 0;
    for outcome in error.outcomes() {
        match &outcome.status {
            NodeStatus::Faulted(fault) => {
                assert!(classes.contains(&fault.class), "{error}");
                expected += 1;
            }
            // A call that cannot be won any more does not wait for who is left.
            NodeStatus::Granted | NodeStatus::Unheard => {}
            other => panic!("{other:?}: {error}"),
        }
    }
    let needed = (nodes - nodes / 2).min(faulted);
    assert!((needed..=faulted).contains(&expected), "{error}");
}

/// The middle of these.
pub(crate) fn median(mut spans: Vec<Duration>) -> Duration {
    spans.sort();
    spans[spans.len() / 2]
}
