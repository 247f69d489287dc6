//! What servers see of the library: guarded commands, fresh tokens, and no server counted twice.

use std::collections::HashSet;

use quorlock::ErrorKind;
use quorlock_server_tests::locks;
use quorlock_test_support::{Monitor, Observed, ServerKind, Servers, Source};

use crate::rig::{blocking, five, in_use, nothing_held, within};

#[test]
fn servers_see_only_guarded_commands_and_no_token_twice() {
    let servers = five();
    let monitors: Vec<Monitor> = servers.iter().map(|server| server.monitor()).collect();
    let rivals: Vec<_> = (0..4)
        .map(|rival| {
            let client = blocking(&servers.urls());
            std::thread::spawn(move || {
                for round in 0..25 {
                    if rival == 0 && round % 5 == 0 {
                        drop(client.mutex("a").try_acquire(()).expect("healthy"));
                        continue;
                    }
                    let guard = client
                        .mutex("a")
                        .acquire(within(30_000))
                        .expect("its turn comes");
                    guard.extend().expect("held");
                    if round % 8 == 0 {
                        let ticket = guard.detach().expect("held");
                        client
                            .adopt(&ticket)
                            .expect("nobody else")
                            .release()
                            .expect("held");
                    } else {
                        guard.release().expect("held");
                    }
                }
            })
        })
        .collect();
    for rival in rivals {
        rival.join().expect("no panic");
    }
    nothing_held(&servers);
    for monitor in &monitors {
        let commands = monitor.commands();
        let (mut claimed, mut released) = (HashSet::new(), HashSet::new());
        for command in &commands {
            let told = || {
                format!(
                    "{:?} {} {:?}",
                    command.source,
                    command.name(),
                    command.args.get(1)
                )
            };
            match command.source {
                Source::Tcp(_) => {
                    let Some(token) = command.args.iter().find(|arg| arg.starts_with("q1.")) else {
                        assert!(touches_no_lock(command), "{}", told());
                        continue;
                    };
                    // By the number of keys: a release has six, a claim five.
                    let keys = command.args.get(2).map(String::as_str);
                    match (command.name().as_str(), keys) {
                        ("SET", _) | ("EVAL" | "EVALSHA", Some("5")) => {
                            let guarded = command.name() != "SET"
                                || command.args[3..6] == ["NX", "GET", "PX"];
                            assert!(guarded, "{}", told());
                            assert!(
                                !released.contains(token),
                                "claimed after its release: {token}"
                            );
                            claimed.insert((token, command.source.clone()));
                        }
                        ("DELIFEQ", _) | ("EVAL" | "EVALSHA", Some("6")) => {
                            released.insert(token);
                        }
                        ("EVAL" | "EVALSHA", _) => {}
                        _ => panic!("{}", told()),
                    }
                }
                Source::Script if command.args.get(1).is_some_and(|key| key == "a") => {
                    check_script(command)
                }
                _ => {}
            }
        }
        let tokens: HashSet<_> = claimed.iter().map(|(token, _)| token).collect();
        assert!(tokens.len() >= 90, "{} claims seen", tokens.len());
        assert_eq!(tokens.len(), claimed.len(), "a token of two clients");
    }
}

/// What a client says without a token: about itself, about counters and queues, and to find out what
/// it may do.
fn touches_no_lock(command: &Observed) -> bool {
    let about = command.args.get(1).map_or("", String::as_str);
    match command.name().as_str() {
        "HELLO" | "SUBSCRIBE" | "CLIENT" | "SELECT" | "TIME" | "EVAL" | "EVALSHA" => true,
        "INFO" | "CONFIG" => true,
        "ZADD" => about.starts_with("quorlock:fence:") || about == "quorlock:probe",
        "EXISTS" => about.ends_with(":queue") || about == "quorlock:probe",
        "DELIFEQ" | "DELEX" => about == "quorlock:probe",
        _ => false,
    }
}

/// The lock key is only touched as its owner: a key is deleted after it was compared (that is in the
/// script, which is atomic), and set with NX, or swapped by an adoption with a ttl.
fn check_script(command: &Observed) {
    let has = |word: &str| {
        command
            .args
            .iter()
            .any(|arg| arg.eq_ignore_ascii_case(word))
    };
    match command.name().as_str() {
        "SET" => assert!(
            has("PX") || has("KEEPTTL"),
            "a key without an end: {}",
            command.args.len()
        ),
        "GET" | "DEL" | "PEXPIRE" | "PTTL" | "EXISTS" => {}
        other => panic!("{other} on the lock key"),
    }
}

#[test]
fn one_server_under_two_names_is_a_configuration_error() {
    for kind in ServerKind::ALL {
        let servers = Servers::start(2, kind);
        let twin = format!("redis://localhost:{}", servers[0].port());
        let urls = [servers[0].url(), twin, servers[1].url()];
        // Where no majority comes about without counting it twice, the first attempt finds out.
        in_use(&servers);
        servers[1].kill();
        for nodes in [&urls[..2], &urls[..]] {
            let client = blocking(nodes);
            let error = client
                .mutex("a")
                .acquire(within(5_000))
                .expect_err("one server votes twice");
            assert_eq!(error.kind(), ErrorKind::Config, "{error}");
            let field = error.field().expect("named");
            assert!(field == "nodes[0]" || field == "nodes[1]", "{error}");
        }
        servers[1].start_again();
        in_use(&servers);
        nothing_held(&servers);
        // Two real servers of three entries make an honest majority; it counts no more than that.
        let client = blocking(&urls);
        for _ in 0..20 {
            match client.mutex("a").acquire(within(5_000)) {
                Ok(guard) => {
                    let holders = servers
                        .iter()
                        .filter(|server| locks(server) == ["a"])
                        .count();
                    assert_eq!(holders, 2, "{kind:?}");
                    drop(guard.release());
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::Config, "{error}"),
            }
        }
        nothing_held(&servers);
    }
}
