//! The lock is lost while the command runs: it has to end.

use std::time::{Duration, Instant};

use quorlock_test_support::{ServerKind, Servers, eventually};

use crate::rig::{LONG, Running, is_alive, quorlock, steal};

#[test]
fn the_command_is_asked_to_end_and_the_code_tells_why() {
    let script = "trap 'echo asked; exit 0' TERM; echo ready; while :; do sleep 0.05; done";
    let running = Running::start(&[
        "run",
        "losing:asked",
        "--ttl",
        "1s",
        "--",
        "sh",
        "-c",
        script,
    ]);
    assert_eq!(running.line(), "ready");
    steal("losing:asked");
    assert_eq!(running.line(), "asked");
    let ran = running.end();
    assert_eq!(ran.code, Some(80), "{ran:?}");
    assert!(ran.err.contains("\"losing:asked\" is lost"), "{ran:?}");
}

#[test]
fn a_command_that_does_not_listen_is_killed() {
    let script = "trap '' TERM; echo $$; while :; do sleep 0.05; done";
    let running = Running::start(&[
        "run",
        "losing:deaf",
        "--ttl",
        "1s",
        "--kill-after",
        "300ms",
        "-q",
        "--",
        "sh",
        "-c",
        script,
    ]);
    let child: u32 = running.line().parse().expect("a pid");
    steal("losing:deaf");
    let ran = running.end();
    assert_eq!((ran.code, &ran.err[..]), (Some(80), ""), "{ran:?}");
    assert!(!is_alive(child));
}

#[test]
fn what_the_command_left_in_its_group_is_killed_as_well() {
    let script = "(trap '' TERM; while :; do sleep 0.05; done) & echo $!; wait";
    let running = Running::start(&[
        "run",
        "losing:rest",
        "--ttl",
        "1s",
        "--kill-after",
        "300ms",
        "--",
        "sh",
        "-c",
        script,
    ]);
    let grandchild: u32 = running.line().parse().expect("a pid");
    steal("losing:rest");
    assert_eq!(running.end().code, Some(80));
    eventually(LONG, "the grandchild is gone", || !is_alive(grandchild));
}

#[test]
fn servers_that_hang_cost_the_lock_by_its_deadline() {
    let servers = Servers::start(3, ServerKind::Valkey);
    let mut command = quorlock();
    command.env("QUORLOCK_NODES", servers.urls().join(","));
    command.args([
        "run",
        "losing:hang",
        "--ttl",
        "1s",
        "--",
        "sh",
        "-c",
        "echo ready; exec sleep 60",
    ]);
    let running = Running::spawn(command);
    assert_eq!(running.line(), "ready");
    let begun = Instant::now();
    servers.iter().for_each(|server| server.pause());
    let ran = running.end();
    assert_eq!(ran.code, Some(80), "{ran:?}");
    assert!(
        begun.elapsed() > Duration::from_millis(300),
        "not before it is certain"
    );
}

#[test]
fn the_time_it_may_be_held_ends() {
    let running = Running::start(&[
        "run",
        "losing:limit",
        "--ttl",
        "1s",
        "--hold-max",
        "1s",
        "--",
        "sleep",
        "60",
    ]);
    let ran = running.end();
    assert_eq!(ran.code, Some(80), "{ran:?}");
    assert!(ran.err.contains("longest time"), "{ran:?}");
}

#[test]
fn a_loss_that_shows_only_at_the_end_is_told_too() {
    // Both stand still for longer than the ttl; the command then ends well, but without the lock.
    let running = Running::start(&[
        "run",
        "losing:late",
        "--ttl",
        "500ms",
        "--",
        "sh",
        "-c",
        "echo ready; sleep 0.3",
    ]);
    assert_eq!(running.line(), "ready");
    running.signal("STOP");
    std::thread::sleep(Duration::from_millis(900));
    running.signal("CONT");
    let ran = running.end();
    assert_eq!(ran.code, Some(80), "{ran:?}");
    assert!(ran.err.contains("losing:late"), "{ran:?}");
}
