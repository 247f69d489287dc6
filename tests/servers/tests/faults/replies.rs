//! Real servers in every state in which they answer something else than a lock library hopes for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use quorlock::{ErrorKind, FaultClass, Released, blocking};
use quorlock_test_support::{
    LyingServer, Reply, Server, ServerKind, ServerOptions, Servers, eventually,
};

use crate::rig::{
    LONG, blocking, five, in_use, is_unavailable, nothing_held, set_foreign, value, within,
};

/// A majority of `servers` is put in a bad state while a lock is held; nothing new can be had then,
/// and everything can once it is over.
fn a_majority_in(
    servers: &[Server],
    class: FaultClass,
    begin: impl Fn(&Server),
    end: impl Fn(&Server),
) {
    let urls: Vec<String> = servers.iter().map(Server::url).collect();
    let client = blocking(&urls);
    let held = client.mutex("held").acquire(()).expect("healthy");
    servers[..3].iter().for_each(&begin);
    let error = client
        .mutex("a")
        .acquire(within(200))
        .expect_err("a majority refuses");
    is_unavailable(&error, 5, 3, &[class]);
    assert!(held.is_held(), "the old deadline stands");
    servers[..3].iter().for_each(end);
    let guard = client.mutex("a").acquire(within(20_000)).expect("over");
    guard.release().expect("held");
    held.release().expect("held");
    nothing_held(servers);
}

fn set(server: &Server, name: &str, value: &str) {
    let reply: Reply = server.command(&["CONFIG", "SET", name, value]);
    assert!(reply.is_ok(), "{name} {value}: {reply:?}");
}

#[test]
fn without_memory_nothing_is_taken_and_everything_can_be_released() {
    for kind in ServerKind::ALL {
        let servers = Servers::start(
            5,
            ServerOptions::new(kind).config("maxmemory-policy noeviction"),
        );
        let client = blocking(&servers.urls());
        let held = client.mutex("held").acquire(()).expect("healthy");
        servers[..3]
            .iter()
            .for_each(|server| set(server, "maxmemory", "1"));
        let error = client
            .mutex("a")
            .acquire(within(100))
            .expect_err("no memory");
        is_unavailable(&error, 5, 3, &[FaultClass::Operator]);
        assert!(error.to_string().contains("OOM"), "{error}");
        assert_eq!(
            held.release().expect("held"),
            Released::Released,
            "{kind:?}"
        );
        nothing_held(&servers);
    }
}

#[test]
fn replicas_refuse_and_are_found_again_when_they_are_none() {
    let servers = five();
    let nowhere = |server: &Server| drop(server.command(&["REPLICAOF", "127.0.0.1", "1"]));
    let nobody = |server: &Server| drop(server.command(&["REPLICAOF", "NO", "ONE"]));
    a_majority_in(&servers, FaultClass::Operator, nowhere, nobody);
}

#[test]
fn missing_replicas_refuse() {
    let servers = five();
    let demand = |server: &Server| set(server, "min-replicas-to-write", "1");
    a_majority_in(&servers, FaultClass::Operator, demand, |server| {
        set(server, "min-replicas-to-write", "0")
    });
}

#[test]
fn a_server_that_cannot_save_refuses() {
    let servers = five();
    let spoil = |server: &Server| {
        let dir = server.command(&["CONFIG", "GET", "dir"]).items()[1]
            .text()
            .expect("a path");
        // A folder in the place of the dump: not even root can write it.
        std::fs::create_dir_all(std::path::Path::new(&dir).join("dump.rdb/x")).expect("a folder");
        set(server, "save", "3600 1");
        server.command(&["BGSAVE"]);
        eventually(LONG, "saving has failed", || {
            let info = server
                .command(&["INFO", "persistence"])
                .text()
                .unwrap_or_default();
            info.contains("rdb_last_bgsave_status:err")
        });
    };
    a_majority_in(&servers, FaultClass::Operator, spoil, |server| {
        set(server, "save", "")
    });
}

#[test]
fn a_script_that_does_not_end_is_waited_out() {
    let servers = Servers::start(
        5,
        ServerOptions::new(ServerKind::Valkey).config("lua-time-limit 20"),
    );
    let spin = |server: &Server| {
        let mut connection = server.connect().expect("up");
        connection
            .send(&["EVAL", "while true do end", "0"])
            .expect("sent");
        eventually(LONG, "it is busy", || {
            server
                .command(&["PING"])
                .error()
                .is_some_and(|message| message.starts_with("BUSY"))
        });
        // It goes on until it is killed; dropping the connection changes nothing.
        drop(connection);
    };
    let stop = |server: &Server| {
        eventually(LONG, "it is stopped", || {
            server.command(&["SCRIPT", "KILL"]);
            server.command(&["PING"]).error().is_none()
        });
    };
    a_majority_in(&servers, FaultClass::Transient, spin, stop);
}

#[test]
fn a_server_that_loads_its_data_is_transient() {
    let loading = || LyingServer::start(|_| "-LOADING Redis is loading the dataset in memory\r\n");
    let liars = [loading(), loading(), loading()];
    let servers = Servers::start(2, ServerKind::Valkey);
    let urls: Vec<String> = liars
        .iter()
        .map(LyingServer::url)
        .chain(servers.urls())
        .collect();
    let error = blocking(&urls)
        .mutex("a")
        .acquire(within(300))
        .expect_err("a majority loads");
    is_unavailable(&error, 5, 3, &[FaultClass::Transient]);
    nothing_held(&servers);
}

#[test]
fn a_server_without_a_connection_left_is_transient() {
    for kind in ServerKind::ALL {
        let servers = Servers::start(3, kind);
        in_use(&servers);
        // The test's own connection is the one that is allowed.
        servers[..2]
            .iter()
            .for_each(|server| set(server, "maxclients", "1"));
        let client = blocking(&servers.urls());
        let error = client
            .mutex("a")
            .acquire(within(300))
            .expect_err("a majority is full");
        is_unavailable(&error, 3, 2, &[FaultClass::Transient]);
        servers[..2]
            .iter()
            .for_each(|server| set(server, "maxclients", "100"));
        client
            .mutex("a")
            .acquire(within(20_000))
            .expect("room")
            .release()
            .expect("held");
    }
}

#[test]
fn a_key_of_another_type_is_told_and_never_deleted() {
    for kind in ServerKind::ALL {
        let servers = Servers::start(3, kind);
        for server in &servers {
            server.command(&["HSET", "a", "field", "1"]);
        }
        let client = blocking(&servers.urls());
        let error = client.mutex("a").acquire(within(100)).expect_err("held");
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(
            error.to_string().contains("\"a\"") && error.to_string().contains("foreign"),
            "{error}"
        );
        assert!(
            client
                .mutex("a")
                .try_acquire(())
                .expect("answered")
                .is_none()
        );
        for server in &servers {
            assert_eq!(
                server.command(&["HGET", "a", "field"]).text().as_deref(),
                Some("1")
            );
            assert_eq!(server.command(&["TTL", "a"]).int(), Some(-1));
        }
        // The same of another library's string.
        servers
            .iter()
            .for_each(|server| set_foreign(server, "b", 60_000));
        let before = value(&servers[0], "b");
        assert!(
            client
                .mutex("b")
                .try_acquire(())
                .expect("answered")
                .is_none()
        );
        assert_eq!(value(&servers[0], "b"), before);
    }
}

/// Lock sections of two rivals while `storm` is called again and again; all must succeed.
fn sections_in_a_storm(servers: &Servers, storm: impl Fn(usize) + Send + Sync, sections: usize) {
    let over = AtomicBool::new(false);
    let rival = |client: blocking::Client| {
        for _ in 0..sections {
            let guard = client
                .mutex("a")
                .acquire(within(30_000))
                .expect("its turn comes");
            guard.check().expect("held");
            guard.extend().expect("a majority answers");
            // A node whose connection was killed may not tell; that is seen through later.
            guard.release().expect("not handed over");
        }
    };
    thread::scope(|scope| {
        let storming = scope.spawn(|| {
            let mut step = 0;
            while !over.load(Ordering::Relaxed) {
                storm(step);
                step += 1;
                thread::sleep(Duration::from_millis(10));
            }
            step
        });
        let rivals = [0, 1].map(|_| blocking(&servers.urls()));
        let rivals = rivals.map(|client| scope.spawn(|| rival(client)));
        let ended = rivals.map(|rival| rival.join());
        over.store(true, Ordering::Relaxed);
        let steps = storming.join().expect("no panic");
        println!("{sections} sections each in a storm of {steps} gusts");
        assert!(ended.iter().all(Result::is_ok) && steps > 0);
    });
    nothing_held(servers);
}

#[test]
fn a_storm_of_script_flushes_changes_no_outcome() {
    for kind in [ServerKind::Valkey, ServerKind::Redis62] {
        let servers = Servers::start(5, kind);
        let flush = |_| {
            servers
                .iter()
                .for_each(|server| drop(server.command(&["SCRIPT", "FLUSH"])))
        };
        sections_in_a_storm(&servers, flush, 250);
    }
}

#[test]
fn a_storm_of_killed_connections_changes_no_outcome() {
    let servers = five();
    // One node at a time, so that a majority always answers.
    let kill = |step: usize| {
        if step.is_multiple_of(4) {
            servers[step / 4 % 5].command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        }
    };
    sections_in_a_storm(&servers, kill, 150);
}

#[test]
fn paused_clients_of_a_minority_are_not_noticed() {
    let servers = five();
    let pause = |step: usize| {
        if step.is_multiple_of(30) {
            let node = step / 30 % 5;
            for server in [&servers[node], &servers[(node + 1) % 5]] {
                server.command(&["CLIENT", "PAUSE", "200"]);
            }
        }
    };
    sections_in_a_storm(&servers, pause, 40);
}

#[test]
fn paused_clients_of_a_majority_are_waited_for() {
    let servers = five();
    let client = Arc::new(blocking(&servers.urls()));
    client
        .mutex("a")
        .acquire(())
        .expect("healthy")
        .release()
        .expect("held");
    for server in &servers[..3] {
        server.command(&["CLIENT", "PAUSE", "1500"]);
    }
    let began = Instant::now();
    let guard = client
        .mutex("a")
        .acquire(within(20_000))
        .expect("after the pause");
    assert!(
        guard.is_held() && began.elapsed() >= Duration::from_millis(900),
        "{:?}",
        began.elapsed()
    );
    guard.release().expect("held");
    nothing_held(&servers);
}

#[test]
fn cluster_members_are_told_apart() {
    for kind in ServerKind::ALL {
        let servers = Servers::start(3, ServerOptions::new(kind).config("cluster-enabled yes"));
        let client = blocking(&servers.urls());
        let error = client
            .mutex("a")
            .acquire(within(200))
            .expect_err("cluster members");
        is_unavailable(&error, 3, 2, &[FaultClass::Topology]);
        assert_eq!(error.attempts(), 1, "{error}");
        assert!(error.to_string().contains("cluster member"), "{error}");
        let health = client.health().expect("open");
        assert!(
            health
                .warnings
                .iter()
                .any(|warning| warning.to_string().contains("cluster")),
            "{health:?}"
        );
    }
}
