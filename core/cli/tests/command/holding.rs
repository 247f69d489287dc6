//! One holder at a time, and what the others are told.

use std::fs;
use std::time::{Duration, Instant};

use quorlock_test_support::{TempDir, eventually};

use crate::rig::{LONG, Running, is_locked, run};

#[test]
fn two_runs_exclude_each_other() {
    let dir = TempDir::new().expect("a folder");
    let inside = dir.path().join("inside");
    // Fails if somebody is inside, which a folder can tell in one step.
    let script = format!(
        "mkdir {0} || exit 9; sleep 0.05; rmdir {0}",
        inside.display()
    );
    let one_after_the_other = |_| {
        let args = [
            "run",
            "holding:two",
            "--ttl",
            "2s",
            "--",
            "sh",
            "-c",
            &script,
        ];
        (0..4).map(|_| run(&args).code).collect::<Vec<_>>()
    };
    let codes: Vec<_> = std::thread::scope(|scope| {
        let runners: Vec<_> = (0..4)
            .map(|n| scope.spawn(move || one_after_the_other(n)))
            .collect();
        runners
            .into_iter()
            .flat_map(|runner| runner.join().expect("no panic"))
            .collect()
    });
    assert_eq!(codes, vec![Some(0); 16]);
    // Without the lock the same script does collide: the test can tell.
    fs::create_dir(&inside).expect("nobody is inside");
    assert_eq!(
        run(&["run", "holding:other", "--", "sh", "-c", &script]).code,
        Some(9)
    );
}

#[test]
fn the_lock_is_renewed_for_as_long_as_the_command_runs() {
    let holder = Running::start(&[
        "run",
        "holding:renewed",
        "--ttl",
        "1s",
        "--",
        "sh",
        "-c",
        "echo in; sleep 3; echo out",
    ]);
    assert_eq!(holder.line(), "in");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(2500) {
        let other = run(&["run", "holding:renewed", "--wait", "0", "--", "true"]);
        assert_eq!(other.code, Some(75), "{other:?}");
    }
    assert_eq!(holder.line(), "out");
    assert_eq!(holder.end().code, Some(0));
}

#[test]
fn who_does_not_get_it_hears_who_has_it() {
    let holder = Running::start(&["run", "holding:busy", "--", "sh", "-c", "echo in; sleep 60"]);
    assert_eq!(holder.line(), "in");
    for wait in ["0", "200ms"] {
        let begun = Instant::now();
        let other = run(&["run", "holding:busy", "--wait", wait, "--", "echo", "no"]);
        assert_eq!((other.code, &other.out[..]), (Some(75), ""), "{other:?}");
        let holder = format!("/{}/rust/sh", holder.child.id());
        assert!(
            other.err.contains("\"holding:busy\"") && other.err.contains(&holder),
            "{other:?}"
        );
        assert!(begun.elapsed() < LONG);
    }
    let quiet = run(&["run", "holding:busy", "--wait", "0", "-q", "--", "true"]);
    assert_eq!((quiet.code, &quiet.err[..]), (Some(75), ""));
    holder.signal("TERM");
    assert_eq!(holder.end().code, Some(143));
    eventually(LONG, "given back", || !is_locked("holding:busy"));
}

#[test]
fn a_waiter_gets_the_lock_when_it_is_given_back() {
    let holder = Running::start(&[
        "run",
        "holding:next",
        "--",
        "sh",
        "-c",
        "echo in; read line < /dev/zero; sleep 60",
    ]);
    assert_eq!(holder.line(), "in");
    let next = Running::start(&["run", "holding:next", "--", "echo", "mine"]);
    std::thread::sleep(Duration::from_millis(300));
    holder.signal("TERM");
    assert_eq!(next.line(), "mine");
    assert_eq!(next.end().code, Some(0));
}

#[test]
fn too_few_nodes_is_another_code_than_somebody_else_has_it() {
    let dead = "redis://127.0.0.1:1,redis://127.0.0.1:2,redis://user:hunter2@127.0.0.1:3";
    let ran = run(&[
        "run",
        "holding:alone",
        "--nodes",
        dead,
        "--wait",
        "1s",
        "--",
        "echo",
        "no",
    ]);
    assert_eq!((ran.code, &ran.out[..]), (Some(69), ""), "{ran:?}");
    assert!(ran.err.contains("redis://127.0.0.1:3"), "{ran:?}");
    assert!(!ran.err.contains("hunter2"), "{ran:?}");
}
