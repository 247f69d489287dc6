//! Signals reach the whole group of the command, and it does not outlive quorlock.

use std::time::Duration;

use quorlock_test_support::{eventually, holds_within};

use crate::rig::{LONG, Running, is_alive, is_locked, quorlock, signal};

#[test]
fn every_signal_is_passed_on() {
    for (name, number) in [
        ("HUP", 1),
        ("INT", 2),
        ("QUIT", 3),
        ("USR1", 10),
        ("USR2", 12),
        ("ALRM", 14),
        ("TERM", 15),
    ] {
        let script = format!(
            "trap 'echo got; exit {number}' {name}; echo ready; while :; do sleep 0.05; done"
        );
        let running = Running::start(&["run", "signals:each", "--", "sh", "-c", &script]);
        assert_eq!(running.line(), "ready");
        running.signal(name);
        assert_eq!(running.line(), "got", "{name}");
        assert_eq!(running.end().code, Some(number));
    }
    assert!(!is_locked("signals:each"));
}

#[test]
fn a_signal_reaches_the_children_of_the_command() {
    let script = "sleep 1000 & echo $!; wait";
    let running = Running::start(&["run", "signals:group", "--", "sh", "-c", script]);
    let grandchild: u32 = running.line().parse().expect("a pid");
    assert!(is_alive(grandchild));
    running.signal("TERM");
    assert_eq!(running.end().code, Some(143));
    eventually(LONG, "the grandchild is gone", || !is_alive(grandchild));
}

#[test]
fn a_command_that_ignores_a_signal_keeps_its_lock() {
    let script = "trap '' TERM; echo ready; sleep 0.5; echo done";
    let running = Running::start(&["run", "signals:stubborn", "--", "sh", "-c", script]);
    assert_eq!(running.line(), "ready");
    running.signal("TERM");
    assert!(is_locked("signals:stubborn"));
    assert_eq!(running.line(), "done");
    assert_eq!(running.end().code, Some(0));
}

#[test]
fn an_interrupted_wait_leaves_nothing() {
    let holder = Running::start(&["run", "signals:wait", "--", "sh", "-c", "echo in; sleep 60"]);
    assert_eq!(holder.line(), "in");
    let waiter = Running::start(&["run", "signals:wait", "--", "echo", "no"]);
    std::thread::sleep(Duration::from_millis(300));
    waiter.signal("INT");
    let waited = waiter.end();
    assert_eq!(
        (waited.code, &waited.out[..]),
        (Some(130), ""),
        "{waited:?}"
    );
    holder.signal("TERM");
    assert_eq!(holder.end().code, Some(143));
    assert!(!is_locked("signals:wait"));
}

#[test]
fn an_ignored_signal_stays_ignored() {
    let mut command = std::process::Command::new("sh");
    let quorlock = quorlock();
    for (name, value) in quorlock.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.args([
        "-c",
        "trap '' HUP; exec \"$0\" run signals:nohup -- sh -c 'echo ready; sleep 0.5; echo done'",
    ]);
    command.arg(quorlock.get_program());
    let running = Running::spawn(command);
    assert_eq!(running.line(), "ready");
    running.signal("HUP");
    assert_eq!(running.line(), "done");
    assert_eq!(running.end().code, Some(0));
}

#[test]
#[cfg(target_os = "linux")]
fn the_command_does_not_outlive_a_killed_quorlock() {
    let mut running = Running::start(&[
        "run",
        "signals:orphan",
        "--",
        "sh",
        "-c",
        "echo $$; exec sleep 1000",
    ]);
    let child: u32 = running.line().parse().expect("a pid");
    assert!(is_alive(child));
    running.child.kill().expect("it runs");
    eventually(LONG, "the command is gone", || !is_alive(child));
}

#[test]
fn a_command_that_is_stopped_alone_keeps_its_lock_and_goes_on() {
    let script = "echo $$; read line; echo on";
    let mut command = quorlock();
    command.args([
        "run",
        "signals:stopped",
        "--ttl",
        "1s",
        "--",
        "sh",
        "-c",
        script,
    ]);
    command.stdin(std::process::Stdio::piped());
    let mut running = Running::spawn(command);
    let child: u32 = running.line().parse().expect("a pid");
    signal(child, "STOP");
    let lost = holds_within(Duration::from_millis(2500), || {
        !is_locked("signals:stopped")
    });
    assert!(!lost, "the lock is renewed for a stopped command");
    signal(child, "CONT");
    drop(running.child.stdin.take());
    assert_eq!(running.line(), "on");
    assert_eq!(running.end().code, Some(0));
}
