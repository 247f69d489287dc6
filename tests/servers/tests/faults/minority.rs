//! A broken minority costs nothing, and with a broken majority every call still ends.

use std::time::{Duration, Instant};

use quorlock::{ErrorKind, FaultClass, NodeStatus, blocking};
use quorlock_test_support::{LyingServer, Phase, ServerKind, Servers};

use crate::rig::{blocking, in_use, is_unavailable, median, set_foreign, within};

/// How nodes are broken.
#[derive(Debug, Clone, Copy)]
enum Broken {
    Hung,
    Killed,
    Deaf,
    Mute,
    Lying,
}

impl Broken {
    const ALL: [Broken; 5] = [
        Broken::Hung,
        Broken::Killed,
        Broken::Deaf,
        Broken::Mute,
        Broken::Lying,
    ];

    fn classes(self) -> &'static [FaultClass] {
        use FaultClass::{Disconnected, Protocol, Stalled, Timeout, Unreachable};
        match self {
            Broken::Hung | Broken::Deaf | Broken::Mute => &[Timeout, Stalled, Unreachable],
            Broken::Killed => &[Unreachable, Disconnected],
            // A liar is hung up on.
            Broken::Lying => &[Protocol, Disconnected, Unreachable],
        }
    }
}

/// Servers of which some are broken.
struct Fleet {
    servers: Servers,
    _liars: Vec<LyingServer>,
    client: blocking::Client,
}

impl Fleet {
    /// `broken` of `nodes` nodes are broken, after the client has connected where that can be.
    fn new(nodes: usize, broken: usize, how: Broken) -> Fleet {
        let make = || match how {
            Broken::Hung | Broken::Killed => None,
            Broken::Deaf => Some(LyingServer::tarpit(Phase::Connect)),
            Broken::Mute => Some(LyingServer::tarpit(Phase::Commands)),
            Broken::Lying => Some(LyingServer::start(|_| "+GRANTED\r\n")),
        };
        let liars: Vec<LyingServer> = (0..broken).filter_map(|_| make()).collect();
        let servers = Servers::start(nodes - liars.len(), ServerKind::Valkey);
        in_use(&servers);
        let mut urls: Vec<String> = liars.iter().map(LyingServer::url).collect();
        urls.extend(servers.urls());
        let client = blocking(&urls);
        if liars.is_empty() {
            client
                .mutex("first")
                .acquire(())
                .expect("healthy")
                .release()
                .expect("healthy");
            for server in &servers[..broken] {
                match how {
                    Broken::Killed => server.kill(),
                    _ => server.pause(),
                }
            }
        }
        Fleet {
            servers,
            _liars: liars,
            client,
        }
    }

    /// The median time of one acquire and its release.
    fn median(&self) -> Duration {
        let pair = || {
            let began = Instant::now();
            let guard = self
                .client
                .mutex("a")
                .acquire(within(5_000))
                .expect("a majority serves");
            assert!(guard.is_held() && guard.fencing_token().is_some());
            guard.release().expect("a majority serves");
            began.elapsed()
        };
        median((0..60).map(|_| pair()).collect())
    }
}

#[test]
fn a_broken_minority_costs_nothing_to_speak_of() {
    for (nodes, broken) in [(3, 1), (5, 2)] {
        let healthy = Fleet::new(nodes, 0, Broken::Killed).median();
        for how in Broken::ALL {
            let median = Fleet::new(nodes, broken, how).median();
            println!(
                "{broken} of {nodes} {how:?}: acquire and release {median:?}, healthy {healthy:?}"
            );
            assert!(
                median < healthy + Duration::from_millis(10),
                "{how:?}: {median:?}, healthy {healthy:?}"
            );
        }
    }
}

#[test]
fn a_broken_majority_is_told_node_by_node_and_in_time() {
    const WAIT: u64 = 300;
    let cases: [(usize, usize, &[Broken]); 4] = [
        (3, 2, &Broken::ALL),
        (5, 3, &Broken::ALL),
        (4, 2, &[Broken::Hung, Broken::Killed]),
        (1, 1, &[Broken::Hung, Broken::Lying]),
    ];
    for (nodes, broken, ways) in cases {
        for &how in ways {
            let fleet = Fleet::new(nodes, broken, how);
            // The first time, and when the state of the nodes is known.
            for _ in 0..2 {
                let began = Instant::now();
                let error = fleet
                    .client
                    .mutex("a")
                    .acquire(within(WAIT))
                    .expect_err("no majority");
                let took = began.elapsed();
                is_unavailable(&error, nodes, broken, how.classes());
                assert_eq!(
                    error.elapsed().as_millis() / 1_000,
                    took.as_millis() / 1_000,
                    "{error}"
                );
                // The wait, a connection being made, a round; and a machine that does much else.
                assert!(
                    took < Duration::from_millis(WAIT + 1_000 + 500 + 4_000),
                    "{how:?}: {took:?}"
                );
            }
            let error = fleet
                .client
                .mutex("a")
                .try_acquire(())
                .expect_err("no majority");
            is_unavailable(&error, nodes, broken, how.classes());
            assert!(error.elapsed() < Duration::from_secs(5), "{error}");
            drop(fleet.servers);
        }
    }
}

#[test]
fn a_vote_split_in_halves_ends() {
    for nodes in [2, 4] {
        let servers = Servers::start(nodes, ServerKind::Valkey);
        let client = blocking(&servers.urls());
        // Half is held by somebody who never gets a majority either.
        servers[..nodes / 2]
            .iter()
            .for_each(|server| set_foreign(server, "a", 60_000));
        let began = Instant::now();
        assert!(
            client
                .mutex("a")
                .try_acquire(())
                .expect("all answered")
                .is_none()
        );
        let error = client
            .mutex("a")
            .acquire(within(200))
            .expect_err("half is not enough");
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert_eq!(error.outcomes().len(), nodes, "{error}");
        let held =
            |status: &NodeStatus| matches!(status, NodeStatus::HeldByAnother { foreign: true, .. });
        assert!(
            error.outcomes().iter().any(|outcome| held(&outcome.status)),
            "{error}"
        );
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{:?}",
            began.elapsed()
        );
    }
}

#[test]
fn even_numbers_of_nodes_elect_somebody_under_contention() {
    for nodes in [2, 4] {
        let servers = Servers::start(nodes, ServerKind::Valkey);
        let rivals: Vec<_> = (0..4)
            .map(|_| {
                let client = blocking(&servers.urls());
                std::thread::spawn(move || {
                    for _ in 0..25 {
                        let guard = client
                            .mutex("a")
                            .acquire(within(30_000))
                            .expect("its turn comes");
                        guard.release().expect("held");
                    }
                })
            })
            .collect();
        for rival in rivals {
            rival.join().expect("no panic");
        }
    }
}
