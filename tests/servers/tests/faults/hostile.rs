//! a server that announces what it never sends takes no memory and no process down.

use std::time::Duration;

use quorlock_server_tests::Worker;
use quorlock_test_support::LyingServer;

use crate::rig::{LONG, worker};

/// The most memory the process ever had, in KiB.
fn peak_kib(worker: &Worker) -> u64 {
    let path = format!("/proc/{}/status", worker.pid());
    let status = std::fs::read_to_string(path).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    number.expect("a size").trim().parse().expect("a number")
}

#[test]
fn announced_sizes_are_not_believed() {
    let nested = "*1\r\n".repeat(100_000);
    let line = format!("+{}", "x".repeat(4 * 1024 * 1024));
    let bombs = [
        "$536870912\r\n",
        "*1000000000\r\n",
        "%99999999\r\n:1\r\n",
        "~9223372036854775807\r\n",
        "$-2147483648\r\n",
        "*3\r\n$99999999\r\n",
        &nested,
        &line,
        ">2\r\n$7\r\nmessage\r\n*99999999\r\n",
    ];
    let calm = {
        let honest = LyingServer::start(|_| "-LOADING later\r\n");
        let mut worker = worker(&[honest.url()], 1_000, false);
        worker.say("acquire a 200");
        worker.hear("error", LONG);
        peak_kib(&worker)
    };
    for bomb in bombs {
        let bytes = bomb.as_bytes().to_vec();
        let hostile = LyingServer::start(move |_| bytes.clone());
        let mut worker = worker(&[hostile.url()], 1_000, false);
        for _ in 0..3 {
            worker.say("acquire a 200");
            worker.hear("error", LONG);
        }
        let (peak, what) = (peak_kib(&worker), &bomb[..bomb.len().min(24)]);
        println!("{what:?}: {peak} KiB at most, {calm} KiB in calm");
        // 1 MiB for the connection, and what an allocator makes of it.
        assert!(
            peak < calm + 4 * 1024,
            "{what:?}: {peak} KiB, {calm} KiB in calm"
        );
        worker.say("exit");
        assert!(worker.finish(Duration::from_secs(20)).success(), "{what:?}");
    }
}
