//! What `inspect`, `health` and the metrics show, also of servers that are set up wrong.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use quorlock::{FaultClass, Health, Warning, blocking};
use quorlock_test_support::{Server, ServerKind, ServerOptions, Servers};

use crate::rig::{LONG, blocking, patient, set_foreign, short_lived, within};

fn told(health: &Health, wanted: impl Fn(&Warning) -> bool) -> usize {
    health
        .warnings
        .iter()
        .filter(|warning| wanted(warning))
        .count()
}

#[test]
fn a_good_set_of_servers_has_nothing_to_warn_of() {
    for kind in ServerKind::ALL {
        let servers = Servers::start(
            3,
            ServerOptions::new(kind)
                .append_only()
                .config("maxmemory-policy noeviction"),
        );
        let health = blocking(&servers.urls()).health().expect("a report");
        assert!(
            health.has_quorum() && health.warnings.is_empty(),
            "{kind:?}: {:?}",
            health.warnings
        );
        let family = if kind == ServerKind::Valkey {
            "valkey"
        } else {
            "redis"
        };
        for (node, server) in health.nodes.iter().zip(&servers) {
            assert_eq!(node.server.as_deref(), Some(family));
            assert_eq!(node.version, Some(server.version()));
            assert_eq!(
                (node.role.as_deref(), node.mode.as_deref()),
                (Some("master"), Some("standalone"))
            );
            assert_eq!(
                (node.append_only, node.eviction.as_deref()),
                (Some(true), Some("noeviction"))
            );
        }
    }
}

#[test]
fn every_wrong_setting_is_named() {
    for kind in ServerKind::ALL {
        let with = |line: &str| {
            Server::start_with(&ServerOptions::new(kind).append_only().config(line))
                .expect("starts")
        };
        let evicting = with("maxmemory-policy allkeys-lru");
        let replica = with("replicaof 127.0.0.1 1");
        let forgetful = Server::start(kind);
        let dead = with("loglevel notice");
        let down = dead.url();
        dead.kill();
        let twin = format!("redis://localhost:{}", forgetful.port());
        let urls = [evicting.url(), replica.url(), forgetful.url(), twin, down];
        let health = blocking(&urls[..4]).health().expect("a report");
        assert_eq!(
            told(
                &health,
                |w| matches!(w, Warning::Evicts(_, policy) if policy == "allkeys-lru")
            ),
            1,
            "{health:?}"
        );
        assert_eq!(
            told(
                &health,
                |w| matches!(w, Warning::NotPrimary(node) if node.contains(&replica.port().to_string()))
            ),
            1
        );
        assert_eq!(
            told(&health, |w| matches!(w, Warning::NoPersistence(_))),
            2,
            "{health:?}"
        );
        assert_eq!(
            told(&health, |w| matches!(w, Warning::SameServer(..))),
            1,
            "{health:?}"
        );
        assert_eq!(
            told(&health, |w| matches!(w, Warning::EvenNodes(4))),
            1,
            "{health:?}"
        );
        let health = blocking(&urls).health().expect("a report");
        let unreachable = |w: &Warning| matches!(w, Warning::Unreachable(_, fault) if fault.class == FaultClass::Unreachable);
        assert_eq!(told(&health, unreachable), 1, "{health:?}");
        assert_eq!(told(&health, |w| matches!(w, Warning::EvenNodes(_))), 0);
        let health = blocking(&urls[..2]).health().expect("a report");
        assert_eq!(
            told(&health, |w| matches!(w, Warning::NoSpare(2))),
            1,
            "{health:?}"
        );
        for warning in &health.warnings {
            assert!(!warning.to_string().is_empty());
        }
    }
}

#[test]
fn a_node_that_lets_nobody_in_is_not_healthy() {
    for kind in ServerKind::ALL {
        let servers = Servers::start(3, ServerOptions::new(kind).password("right"));
        let health = blocking(&servers.urls()).health().expect("a report");
        assert!(!health.has_quorum(), "{health:?}");
        let refused = |w: &Warning| matches!(w, Warning::Unreachable(_, fault) if fault.class == FaultClass::Permission);
        assert_eq!(told(&health, refused), 3, "{health:?}");
    }
}

#[test]
fn health_needs_no_more_rights_than_locking() {
    let least = "on >pw ~app:* resetchannels -@all +set +get +del +pexpire +eval +evalsha";
    for kind in ServerKind::ALL {
        let servers = Servers::start(3, ServerOptions::new(kind).user("locker", least));
        let urls: Vec<String> = servers
            .iter()
            .map(|server| server.url_as("locker", "pw"))
            .collect();
        let client =
            blocking::Client::from(patient().key_prefix("app:").connect(&urls).expect("valid"));
        let health = client.health().expect("a report");
        assert!(health.has_quorum(), "{kind:?}: {health:?}");
        assert_eq!(
            told(&health, |w| matches!(w, Warning::Unreachable(..))),
            0,
            "{health:?}"
        );
    }
}

#[test]
fn inspect_shows_who_holds_what_node_by_node() {
    let servers = Servers::start(3, ServerKind::Valkey);
    let named = patient()
        .owner("night-shift")
        .connect(servers.urls())
        .expect("valid");
    let client = blocking::Client::from(named);
    let free = client.inspect("a").expect("a report");
    assert!(
        free.holder.is_none()
            && free
                .nodes
                .iter()
                .all(|node| node.owner.is_none() && node.remaining.is_none())
    );
    let guard = client.mutex("a").acquire(()).expect("free");
    let (rival, held) = (
        blocking(&servers.urls()),
        client.inspect("a").expect("a report"),
    );
    assert_eq!(
        rival.inspect("a").expect("a report").holder,
        held.holder,
        "the same to everybody"
    );
    let holder = held.holder.expect("held");
    let pid = format!("/{}/rust/night-shift", std::process::id());
    assert!(holder.ends_with(&pid), "{holder}");
    for node in &held.nodes {
        assert!(
            node.remaining
                .is_some_and(|left| left > guard.remaining().saturating_sub(LONG))
        );
        assert_eq!(node.fencing_counter, guard.fencing_token());
        assert_eq!(node.waiters, Some(0));
    }
    guard.release().expect("held");
    // Of foreign locks nothing is shown, and a dead node is part of the report.
    servers
        .iter()
        .for_each(|server| set_foreign(server, "a", 60_000));
    servers[2].kill();
    let foreign = client.inspect("a").expect("a report");
    assert_eq!(foreign.holder.as_deref(), Some("foreign"));
    assert!(
        foreign.nodes[2].fault.is_some() && foreign.nodes[0].fault.is_none(),
        "{foreign:?}"
    );
    let keys = |server: &Server| server.command(&["DBSIZE"]).int();
    let before = keys(&servers[0]);
    client.inspect("never-used").expect("a report");
    assert_eq!(keys(&servers[0]), before, "read-only");
}

/// Keeps the names of all metrics of this process.
#[derive(Clone, Default)]
struct Names(Arc<Mutex<BTreeSet<String>>>);

impl Names {
    fn note(&self, key: &Key) {
        let labels: Vec<String> = key
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()))
            .collect();
        let name = format!("{}{{{}}}", key.name(), labels.join(","));
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name);
    }
}

struct Sane;

impl HistogramFn for Sane {
    fn record(&self, value: f64) {
        assert!(value.is_finite() && value >= 0.0, "{value}");
    }
}

impl Recorder for Names {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.note(key);
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.note(key);
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.note(key);
        Histogram::from_arc(Arc::new(Sane))
    }
}

#[test]
fn the_metrics_have_these_names() {
    let names = Names::default();
    // Other tests of this process are heard as well, which can only add names.
    assert!(
        metrics::set_global_recorder(names.clone()).is_ok(),
        "the only recorder"
    );
    let servers = Servers::start(3, ServerKind::Valkey);
    let client = blocking(&servers.urls());
    let guard = client.mutex("a").acquire(()).expect("free");
    guard.extend().expect("held");
    assert!(
        client
            .mutex("a")
            .try_acquire(())
            .expect("answered")
            .is_none()
    );
    client.mutex("a").acquire(within(10)).expect_err("held");
    client
        .adopt(&guard.detach().expect("held"))
        .expect("the first")
        .release()
        .expect("held");
    let brief = short_lived(&servers.urls(), 100)
        .mutex("b")
        .acquire(())
        .expect("free");
    servers[..2].iter().for_each(Server::kill);
    quorlock_test_support::eventually(LONG, "it is lost", || brief.loss().is_some());
    client
        .mutex("a")
        .acquire(within(10))
        .expect_err("no majority");
    let seen = names
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let expected = [
        "quorlock_acquire_total{outcome=acquired}",
        "quorlock_acquire_total{outcome=contended}",
        "quorlock_acquire_total{outcome=Timeout}",
        "quorlock_acquire_total{outcome=QuorumUnavailable}",
        "quorlock_acquire_seconds{}",
        "quorlock_acquire_rounds{}",
        "quorlock_node_fault_total{class=",
        "quorlock_renew_total{}",
        "quorlock_renew_margin_seconds{}",
        "quorlock_lost_total{reason=",
        "quorlock_release_total{outcome=released}",
        "quorlock_hold_seconds{}",
        "quorlock_detach_total{}",
        "quorlock_adopt_total{}",
    ];
    for name in expected {
        assert!(
            seen.iter().any(|seen| seen.starts_with(name)),
            "{name} not in {seen:#?}"
        );
    }
    let ours = |name: &&String| name.starts_with("quorlock_");
    assert!(
        seen.iter().filter(ours).all(|name| expected
            .iter()
            .any(|known| { name.split('{').next() == known.split('{').next() })),
        "a name nobody wrote down: {seen:#?}"
    );
}
