//! Passwords and access rights: what is refused for good fails at once, and the least rights serve.

use std::thread;
use std::time::{Duration, Instant};

use quorlock::{ErrorKind, Fencing, Released, blocking};
use quorlock_server_tests::locks;
use quorlock_test_support::{Monitor, ServerKind, ServerOptions, Servers, eventually};

use crate::rig::{LONG, blocking, in_use, is_unavailable, nothing_held, patient, within};

const LEAST: &str = "on >pw ~app:* resetchannels -@all +set +get +del +pexpire +eval +evalsha";
const LEAST_PLAIN: &str = "on >pw ~app:* resetchannels -@all +set +delifeq";

fn as_user(servers: &Servers, fencing: Fencing) -> blocking::Client {
    let urls: Vec<String> = servers
        .iter()
        .map(|server| server.url_as("locker", "pw"))
        .collect();
    patient()
        .key_prefix("app:")
        .fencing(fencing)
        .connect(&urls)
        .expect("valid")
        .into()
}

#[test]
fn a_wrong_or_missing_password_on_a_majority_fails_at_once() {
    for kind in ServerKind::ALL {
        let locked = Servers::start(2, ServerOptions::new(kind).password("right"));
        let open = Servers::start(1, kind);
        let missing: Vec<String> = locked.urls();
        let wrong: Vec<String> = locked
            .iter()
            .map(|server| server.url_as("", "wrong"))
            .collect();
        for mut urls in [missing, wrong] {
            urls.extend(open.urls());
            let client = blocking(&urls);
            let began = Instant::now();
            let error = client
                .mutex("a")
                .acquire(within(60_000))
                .expect_err("refused for good");
            is_unavailable(&error, 3, 2, &[quorlock::FaultClass::Permission]);
            assert_eq!(error.attempts(), 1, "{error}");
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "{:?}",
                began.elapsed()
            );
        }
        nothing_held(&open);
        // On a minority nobody minds, once the cluster was in use.
        in_use(&open);
        in_use(&locked);
        let urls: Vec<String> = open
            .urls()
            .into_iter()
            .chain([locked[0].url_as("", "right"), locked[1].url()])
            .collect();
        let guard = blocking(&urls)
            .mutex("a")
            .acquire(within(10_000))
            .expect("two of three");
        guard.release().expect("held");
    }
}

#[test]
fn the_least_rights_serve_the_whole_mutex() {
    for kind in ServerKind::ALL {
        let rules = format!("{LEAST} +zadd +zscore");
        let servers = Servers::start(3, ServerOptions::new(kind).user("locker", &rules));
        let (ours, theirs) = (
            as_user(&servers, Fencing::Required),
            as_user(&servers, Fencing::Required),
        );
        let first = ours.mutex("a").acquire(within(10_000)).expect("allowed");
        assert!(
            theirs
                .mutex("a")
                .try_acquire(())
                .expect("answered")
                .is_none()
        );
        first.extend().expect("allowed");
        // Waiting without queue and publish: by looking again.
        let waiting = thread::spawn(move || theirs.mutex("a").acquire(within(30_000)));
        eventually(LONG, "the key has our prefix", || {
            locks(&servers[0]) == ["app:a"]
        });
        let ticket = first.detach().expect("allowed");
        let adopted = ours.adopt(&ticket).expect("allowed");
        assert!(adopted.fencing_token() > first.fencing_token());
        assert_eq!(adopted.release().expect("held"), Released::Released);
        let second = waiting.join().expect("no panic").expect("its turn");
        assert!(second.fencing_token() > adopted.fencing_token(), "{kind:?}");
        second.release().expect("held");
        ours.inspect("a").expect("a report");
        ours.health().expect("a report");
        nothing_held(&servers);
    }
}

#[test]
fn without_the_right_to_count_there_are_locks_and_no_tokens() {
    for kind in ServerKind::ALL {
        let servers = Servers::start(3, ServerOptions::new(kind).user("locker", LEAST));
        let client = as_user(&servers, Fencing::Auto);
        let guard = client.mutex("a").acquire(within(10_000)).expect("allowed");
        assert_eq!(guard.fencing_token(), None, "{kind:?}");
        guard.extend().expect("allowed");
        let ticket = guard.detach().expect("allowed");
        let adopted = client.adopt(&ticket).expect("allowed");
        assert_eq!(adopted.release().expect("held"), Released::Released);
        let strict = as_user(&servers, Fencing::Required);
        let error = strict.mutex("a").acquire(within(10_000));
        let error = error.expect_err("a token is required");
        assert_eq!(error.field(), Some("fencing"), "{error}");
        nothing_held(&servers);
    }
}

#[test]
fn two_commands_serve_where_the_server_compares_and_deletes() {
    let servers = Servers::start(
        3,
        ServerOptions::new(ServerKind::Valkey).user("locker", LEAST_PLAIN),
    );
    let (ours, theirs) = (
        as_user(&servers, Fencing::Auto),
        as_user(&servers, Fencing::Auto),
    );
    let monitors: Vec<Monitor> = servers.iter().map(|server| server.monitor()).collect();
    let first = ours.mutex("a").acquire(within(10_000)).expect("allowed");
    assert_eq!(first.fencing_token(), None, "nobody can count");
    assert!(
        theirs
            .mutex("a")
            .try_acquire(())
            .expect("answered")
            .is_none()
    );
    first.extend().expect("SET IFEQ");
    let waiting = thread::spawn(move || theirs.mutex("a").acquire(within(30_000)));
    assert_eq!(first.release().expect("held"), Released::Released);
    waiting
        .join()
        .expect("no panic")
        .expect("its turn")
        .release()
        .expect("held");
    nothing_held(&servers);
    for command in monitors.iter().flat_map(Monitor::tcp_commands) {
        let guarded = command.args.iter().any(|arg| {
            ["NX", "IFEQ"]
                .iter()
                .any(|word| arg.eq_ignore_ascii_case(word))
        });
        match command.name().as_str() {
            "SET" => assert!(guarded, "SET with no condition"),
            "DELIFEQ" | "HELLO" | "CLIENT" => {}
            other => panic!("{other} is not needed"),
        }
    }
    // Fencing that is demanded and cannot be had is said at once.
    let demanding = as_user(&servers, Fencing::Required);
    let error = demanding
        .mutex("a")
        .acquire(within(60_000))
        .expect_err("nobody can count");
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert_eq!(error.field(), Some("fencing"), "{error}");
    nothing_held(&servers);
}

#[test]
fn a_user_without_rights_is_refused_for_good() {
    for kind in ServerKind::ALL {
        for rules in [
            "on >pw ~app:* -@all",
            "on >pw ~other:* +@all",
            "on >pw ~app:* -@all +get +eval +evalsha",
        ] {
            let servers = Servers::start(3, ServerOptions::new(kind).user("locker", rules));
            let error = as_user(&servers, Fencing::Auto)
                .mutex("a")
                .acquire(within(60_000))
                .expect_err("no rights");
            assert_eq!(
                error.kind(),
                ErrorKind::QuorumUnavailable,
                "{kind:?} {rules}: {error}"
            );
            assert_eq!(error.attempts(), 1, "{kind:?} {rules}: {error}");
        }
    }
}
