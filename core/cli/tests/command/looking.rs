//! What `inspect`, `health`, `watch` and `bench` show.

use crate::rig::{Ran, Running, quorlock, ran, run, servers, steal};

fn holder(key: &str) -> Running {
    let holder = Running::start(&[
        "run",
        key,
        "--ttl",
        "30s",
        "--",
        "sh",
        "-c",
        "echo in; sleep 60",
    ]);
    assert_eq!(holder.line(), "in");
    holder
}

/// Every server is there: a majority won without the last one, which may be late.
fn settled(key: &str) {
    quorlock_test_support::eventually(crate::rig::LONG, "on every server", || {
        servers()
            .iter()
            .all(|server| server.command(&["EXISTS", key]).int() == Some(1))
    });
}

#[test]
fn inspect_shows_the_holder_on_every_node() {
    let running = holder("looking:held");
    settled("looking:held");
    let ran = run(&["inspect", "looking:held"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let owner = format!("/{}/rust/sh", running.child.id());
    assert_eq!(ran.out.matches(&owner).count(), 4, "{}", ran.out);
    assert!(ran.out.starts_with("looking:held: held by "), "{}", ran.out);
    assert!(ran.out.contains("0 waiting"), "{}", ran.out);
    let json = run(&["inspect", "looking:held", "--json"]);
    assert_eq!(json.out.matches(&owner).count(), 4, "{}", json.out);
    for url in servers().urls() {
        assert!(ran.out.contains(&url) && json.out.contains(&url));
    }
    for field in [
        "\"fencing_token\": 1",
        "\"waiters\": 0",
        "\"quorum\": 2",
        "\"remaining_ms\": ",
    ] {
        assert!(json.out.contains(field), "{field} in {}", json.out);
    }
}

#[test]
fn inspect_tells_free_and_foreign_from_held() {
    let free = run(&["inspect", "looking:free"]);
    assert!(
        free.out.starts_with("looking:free: free, 0 waiting"),
        "{free:?}"
    );
    assert!(
        run(&["inspect", "looking:free", "--json"])
            .out
            .contains("\"holder\": null")
    );
    let foreign = "an-other-library's-secret";
    for server in servers() {
        server.command(&["SET", "looking:foreign", foreign, "PX", "60000"]);
    }
    let ran = run(&["inspect", "looking:foreign"]);
    assert!(ran.out.contains("held by foreign"), "{ran:?}");
    assert!(!ran.out.contains(foreign));
    steal("looking:foreign");
    servers()[0].command(&["SET", "looking:foreign", foreign, "PX", "60000"]);
    let ran = run(&["inspect", "looking:foreign"]);
    assert!(
        ran.out
            .contains("free: 1 of 3 nodes have a key, 2 are needed"),
        "{ran:?}"
    );
}

#[test]
fn without_a_majority_nothing_is_claimed() {
    let nodes = format!(
        "{},redis://127.0.0.1:1,redis://u:hunter2@127.0.0.1:2",
        servers()[0].url()
    );
    let of = |args: &[&str]| {
        ran(quorlock()
            .args(args)
            .args(["--nodes", &nodes])
            .output()
            .expect("it starts"))
    };
    for (args, said) in [
        (
            &["inspect", "looking:alone"][..],
            "unknown: 1 of 3 nodes answer, 2 are needed",
        ),
        (
            &["inspect", "looking:alone", "--json"],
            "\"class\": \"unreachable\"",
        ),
        (&["health"], "NO QUORUM: 1 of 3 nodes answer, 2 are needed"),
        (&["health", "--json"], "\"has_quorum\": false"),
    ] {
        let Ran { code, out, err } = of(args);
        assert_eq!(code, Some(69), "{args:?} {out} {err}");
        assert!(out.contains(said), "{said}: {out}");
        assert!(
            !out.contains("hunter2") && !err.contains("hunter2"),
            "{out} {err}"
        );
    }
    let watched = of(&["watch", "looking:alone", "--count", "1"]);
    assert!(watched.out.contains("unknown: 1 of 3"), "{watched:?}");
    let bench = of(&["bench", "--seconds", "1"]);
    assert_eq!(bench.code, Some(69), "{bench:?}");
}

#[test]
fn health_tells_what_is_wrong() {
    let ran = run(&["health"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.out
            .starts_with("quorum: 3 of 3 nodes answer, 2 are needed"),
        "{}",
        ran.out
    );
    assert_eq!(ran.out.matches("valkey 9.").count(), 3, "{}", ran.out);
    assert_eq!(
        ran.out.matches("warning: ").count(),
        3,
        "no persistence: {}",
        ran.out
    );
    let one = servers()[0].url();
    let json = run(&["health", "--json", "--nodes", &one]);
    for field in [
        "\"has_quorum\": true",
        "\"role\": \"master\"",
        "\"append_only\": false",
        "use 3 or 5",
    ] {
        assert!(json.out.contains(field), "{field} in {}", json.out);
    }
}

#[test]
fn watch_shows_holder_and_waiters_as_plain_lines() {
    let running = holder("looking:watched");
    let waiter = Running::start(&["run", "looking:watched", "--", "true"]);
    let watch = Running::start(&[
        "watch",
        "looking:watched",
        "looking:nobody",
        "--interval",
        "100ms",
    ]);
    let owner = format!("held by {}", "");
    loop {
        let line = watch.line();
        if line.contains("looking:nobody") {
            assert!(line.ends_with("free, 0 waiting"), "{line}");
            continue;
        }
        assert!(
            line.contains(&owner) && line.contains(&format!("/{}/", running.child.id())),
            "{line}"
        );
        assert!(!line.contains('\x1b'), "{line}");
        if line.ends_with(", 1 waiting") {
            break;
        }
    }
    running.signal("TERM");
    // The waiter holds it, and gives it back.
    while !watch.line().contains("looking:watched: free") {}
    assert_eq!(waiter.end().code, Some(0));
}

#[test]
fn watch_ends_by_its_count_and_speaks_json() {
    let Ran { code, out, .. } = run(&[
        "watch",
        "looking:json",
        "--json",
        "--count",
        "3",
        "--interval",
        "20ms",
    ]);
    assert_eq!((code, out.lines().count()), (Some(0), 3), "{out}");
    for line in out.lines() {
        assert!(
            line.starts_with("{\"elapsed_ms\":") && line.contains("\"holder\":null"),
            "{line}"
        );
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut watch = quorlock();
    watch.args(["watch", "looking:pipe", "--interval", "10ms"]);
    watch
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut watch = watch.spawn().expect("it starts");
    drop(watch.stdout.take());
    let ran = ran(watch.wait_with_output().expect("it ends"));
    assert_eq!((ran.code, &ran.err[..]), (Some(0), ""), "{ran:?}");
}

#[test]
fn bench_measures_both_parts_and_leaves_no_lock() {
    let ran = run(&["bench", "--seconds", "1", "--concurrency", "4"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.out.lines().count(), 5, "{}", ran.out);
    assert_eq!(
        (
            ran.out.matches("acquire").count(),
            ran.out.matches("release").count()
        ),
        (2, 2)
    );
    let json = run(&["bench", "--seconds", "1", "--concurrency", "4", "--json"]);
    assert_eq!(json.out.matches("\"failed\": 0").count(), 2, "{}", json.out);
    assert!(json.out.contains("\"workers\": 4"), "{}", json.out);
    for server in servers() {
        let keys = server.command(&["KEYS", "quorlock-bench:*"]);
        assert!(keys.items().is_empty(), "{keys:?}");
    }
}
