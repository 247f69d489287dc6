//! Servers that come back without their data, or with less of it: their answers do not count until it
//! is safe.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use quorlock::{
    AcquireOptions, ErrorKind, Event, EventKind, FaultClass, NodeStatus, RestartGuard, Warning,
    blocking,
};
use quorlock_test_support::{Flow, Proxy, Server, ServerKind, ServerOptions, Servers, eventually};

use crate::rig::{LONG, nothing_held, patient, within};

/// Longer than any test lasts: whatever waits for it is not seen to vote.
const HOUR: Duration = Duration::from_secs(3600);

fn with_ttl(urls: &[String], ttl: Duration) -> blocking::Client {
    let builder = patient().ttl(ttl).connect_timeout(Duration::from_secs(5));
    blocking::Client::from(builder.connect(urls).expect("valid"))
}

/// How long a node will not vote, as a client's report has it.
fn guarded(client: &blocking::Client, node: usize) -> Option<Duration> {
    client.health().expect("a report").nodes[node].guarded
}

fn marker(server: &Server) -> String {
    server
        .command(&["GET", "quorlock:marker"])
        .text()
        .unwrap_or_default()
}

#[test]
fn a_blank_cluster_needs_no_wait_and_one_that_must_not_be_assumed_new_waits_once() {
    for kind in ServerKind::ALL {
        let servers = Servers::start(3, kind);
        let clients: Vec<_> = (0..4).map(|_| with_ttl(&servers.urls(), HOUR)).collect();
        for client in &clients {
            let guard = client.mutex("a").acquire(within(10_000)).expect("at once");
            guard.release().expect("held");
        }
        for server in &servers {
            assert!(marker(server).starts_with("o "), "{}", marker(server));
        }
        nothing_held(&servers);
    }
    let servers = Servers::start(3, ServerKind::Valkey);
    let ttl = Duration::from_millis(2_500);
    let builder = patient().ttl(ttl).assume_fresh(false);
    let client = blocking::Client::from(builder.connect(servers.urls()).expect("valid"));
    let began = Instant::now();
    let guard = client.mutex("a").acquire(within(30_000)).expect("in time");
    assert!(began.elapsed() >= ttl * 9 / 10, "{:?}", began.elapsed());
    guard.release().expect("held");
}

/// The scene of the restart in `safety.md`: the holder has two of three nodes, one of them forgets, and
/// the third never knew. Gives what somebody else gets then.
fn scene(guard: RestartGuard, forget: impl FnOnce(&Server)) -> bool {
    let servers = Servers::start(3, ServerKind::Valkey);
    let proxy = Proxy::start(servers[2].addr());
    let apart = [servers[0].url(), servers[1].url(), proxy.url()];
    let connect = |urls: &[String]| {
        let ttl = Duration::from_secs(20);
        let builder = patient().ttl(ttl).renew(false).restart_guard(guard);
        blocking::Client::from(builder.connect(urls).expect("valid"))
    };
    let (ours, theirs) = (connect(&apart), connect(&servers.urls()));
    theirs
        .mutex("b")
        .acquire(within(10_000))
        .expect("free")
        .release()
        .expect("held");
    ours.mutex("b")
        .acquire(within(10_000))
        .expect("free")
        .release()
        .expect("held");
    proxy.requests(Flow::Swallow);
    let held = ours
        .mutex("a")
        .acquire(within(10_000))
        .expect("two of three");
    assert!(servers[2].command(&["EXISTS", "a"]).int() == Some(0));
    // Past the last look at the marker, which may be so old.
    std::thread::sleep(Duration::from_millis(200));
    forget(&servers[0]);
    // Long enough to connect again, and to be refused many times.
    let until = Instant::now() + Duration::from_secs(3);
    let mut got = false;
    while Instant::now() < until && !got {
        got = matches!(theirs.mutex("a").try_acquire(()), Ok(Some(_)));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(held.is_held());
    got
}

/// A majority knows that the job is done; of it one node forgets and one is away. The third, which never
/// knew, and the one that forgot must not make a majority that says it was never done.
#[test]
fn a_node_restarted_empty_does_not_make_a_done_job_undone() {
    let servers = Servers::start(3, ServerKind::Valkey);
    let client = with_ttl(&servers.urls(), HOUR);
    let job = client.once("job", HOUR);
    let guard = job
        .begin(within(10_000))
        .expect("open")
        .expect("to be done");
    guard.release().expect("held");
    let mark = || {
        servers[2]
            .command(&["KEYS", "*spent*"])
            .items()
            .first()?
            .text()
    };
    eventually(LONG, "the mark is everywhere", || mark().is_some());
    servers[2].command(&["DEL", &mark().expect("it is there")]);
    servers[0].restart_empty();
    eventually(LONG, "the guard is seen", || guarded(&client, 0).is_some());
    servers[1].kill();
    let error = job.is_done().expect_err("one vote is no majority");
    assert_eq!(error.kind(), ErrorKind::QuorumUnavailable, "{error}");
}

#[test]
fn a_node_restarted_empty_lets_nobody_in_beside_the_holder() {
    assert!(!scene(RestartGuard::Auto, Server::restart_empty));
    assert!(
        scene(RestartGuard::Off, Server::restart_empty),
        "without the guard there are two holders"
    );
}

#[test]
fn a_node_flushed_under_its_connections_lets_nobody_in_beside_the_holder() {
    let flush = |server: &Server| {
        server.command(&["FLUSHALL"]);
    };
    assert!(!scene(RestartGuard::On, flush));
    assert!(scene(RestartGuard::Off, flush));
}

#[test]
fn a_node_that_comes_back_with_an_older_state_does_not_vote_though_its_marker_is_there() {
    for kind in ServerKind::ALL {
        let servers = Servers::start(3, kind);
        let client = with_ttl(&servers.urls(), HOUR);
        let guard = client.mutex("a").acquire(within(10_000)).expect("free");
        servers[0].command(&["SAVE"]);
        servers[0].kill();
        servers[0].start_again();
        // The client may have been back before this test.
        assert_ne!(marker(&servers[0]), "", "it was saved");
        eventually(LONG, "it is guarded", || guarded(&client, 0).is_some());
        eventually(LONG, "the others were asked", || {
            marker(&servers[0]).starts_with("g ")
        });
        guard.extend().expect("two are left");
        guard.release().expect("held");
        servers[1].kill();
        let error = client.mutex("a").try_acquire(()).expect_err("one vote");
        assert_eq!(error.kind(), ErrorKind::QuorumUnavailable);
        let is_guarded = |status: &NodeStatus| matches!(status, NodeStatus::Faulted(fault) if fault.class == FaultClass::Guarded);
        assert!(is_guarded(&error.outcomes()[0].status), "{error}");
    }
}

#[test]
fn a_node_that_keeps_everything_votes_as_soon_as_it_is_back() {
    for kind in ServerKind::ALL {
        let servers = Servers::start(3, ServerOptions::new(kind).append_only());
        let client = with_ttl(&servers.urls(), HOUR);
        let guard = client.mutex("a").acquire(within(10_000)).expect("free");
        for server in &servers {
            server.kill();
            server.start_again();
            eventually(LONG, "it votes", || {
                let health = client.health().expect("a report");
                health
                    .nodes
                    .iter()
                    .all(|node| node.fault.is_none() && node.guarded.is_none())
            });
        }
        guard.extend().expect("all three have it");
        guard.release().expect("held");
        nothing_held(&servers);
    }
}

#[test]
fn a_guard_is_over_after_the_longest_ttl_of_all_clients() {
    let servers = Servers::start(3, ServerKind::Valkey);
    let brief = with_ttl(&servers.urls(), Duration::from_secs(1));
    let longer = with_ttl(&servers.urls(), Duration::from_secs(1));
    // Used once, a longer ttl is known to all nodes.
    let options = AcquireOptions::new().ttl(Duration::from_secs(4)).wait(LONG);
    let guard = longer.mutex("a").acquire(options).expect("free");
    guard.release().expect("held");
    for server in &servers {
        let ttl = marker(server).split(' ').nth(3).map(str::to_owned);
        assert_eq!(ttl.as_deref(), Some("4000"), "{}", marker(server));
    }
    drop(longer);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let watching = patient()
        .ttl(Duration::from_secs(1))
        .on_event(move |event: &Event| {
            if matches!(event.kind, EventKind::Guarded | EventKind::Admitted) {
                let mut seen = sink.lock().expect("no panic");
                seen.push((event.kind, event.detail.to_string()));
            }
        });
    let watching = blocking::Client::from(watching.connect(servers.urls()).expect("valid"));
    watching.health().expect("connected");
    servers[0].restart_empty();
    let began = Instant::now();
    eventually(LONG, "it is guarded", || guarded(&brief, 0).is_some());
    let health = brief.health().expect("a report");
    assert!(health.has_quorum(), "two vote");
    assert!(
        health
            .warnings
            .iter()
            .any(|w| matches!(w, Warning::Guarded(..))),
        "{health:?}"
    );
    let shown = brief.inspect("a").expect("shown");
    assert!(shown.nodes[0].guarded.is_some() && shown.nodes[1].guarded.is_none());
    eventually(LONG, "it votes again", || guarded(&brief, 0).is_none());
    assert!(
        began.elapsed() >= Duration::from_millis(3_500),
        "{:?}",
        began.elapsed()
    );
    eventually(LONG, "both were told", || {
        seen.lock().expect("no panic").len() >= 2
    });
    let address = servers[0].url();
    let expected = [EventKind::Guarded, EventKind::Admitted].map(|kind| (kind, address.clone()));
    assert_eq!(*seen.lock().expect("no panic"), expected);
}

#[test]
fn the_operator_can_admit_a_node_before_its_time() {
    let servers = Servers::start(3, ServerKind::Valkey);
    let client = with_ttl(&servers.urls(), HOUR);
    let guard = client.mutex("a").acquire(within(10_000)).expect("free");
    guard.release().expect("held");
    servers[0].restart_empty();
    eventually(LONG, "it is guarded", || guarded(&client, 0).is_some());
    servers[1].kill();
    client.mutex("a").try_acquire(()).expect_err("one vote");
    let other = with_ttl(&servers.urls(), HOUR);
    let unknown = other.admit("redis://localhost:1").expect_err("not ours");
    assert_eq!(unknown.field(), Some("node"), "{unknown}");
    other.admit(&servers[0].url()).expect("it answers");
    eventually(LONG, "two votes", || {
        client.mutex("a").acquire(within(2_000)).is_ok()
    });
}

#[test]
fn users_whose_rights_do_not_suffice_lock_unguarded_and_are_told() {
    let least = "on >pw ~app:* resetchannels -@all +set +get +del +pexpire +eval +evalsha";
    let servers = Servers::start(
        3,
        ServerOptions::new(ServerKind::Valkey).user("locker", least),
    );
    let urls: Vec<String> = servers
        .iter()
        .map(|server| server.url_as("locker", "pw"))
        .collect();
    let builder = patient().key_prefix("app:");
    let client = blocking::Client::from(builder.connect(&urls).expect("valid"));
    client
        .mutex("a")
        .acquire(within(10_000))
        .expect("free")
        .release()
        .expect("held");
    let health = client.health().expect("a report");
    let unguarded = health
        .warnings
        .iter()
        .filter(|w| matches!(w, Warning::Unguarded(_)));
    assert_eq!(unguarded.count(), 3, "{health:?}");
    assert!(health.has_quorum());
}
