//! Every example runs, over the embedded node and over five real servers.

use std::process::Command;

use quorlock_test_support::{ServerKind, Servers};

/// The examples, and what each says when it went as it should.
const EXAMPLES: [(&str, &str, &str); 7] = [
    (
        "01-mutex",
        env!("CARGO_BIN_EXE_01-mutex"),
        "balance 100 of 100",
    ),
    (
        "02-auto-renew",
        env!("CARGO_BIN_EXE_02-auto-renew"),
        "held four times the ttl, then Released",
    ),
    (
        "03-try-lock",
        env!("CARGO_BIN_EXE_03-try-lock"),
        "scheduler 2: free again",
    ),
    (
        "04-handoff",
        env!("CARGO_BIN_EXE_04-handoff"),
        "has the lock, and a larger token: true",
    ),
    (
        "05-fencing",
        env!("CARGO_BIN_EXE_05-fencing"),
        "slow: written false\nstored: by quick",
    ),
    (
        "07-semaphore",
        env!("CARGO_BIN_EXE_07-semaphore"),
        "at most 3 printed at a time\nmaintenance has 3 printers",
    ),
    (
        "08-multi",
        env!("CARGO_BIN_EXE_08-multi"),
        "balances [100, 100], together 200",
    ),
];

fn run(nodes: Option<&str>) {
    for (name, program, expected) in EXAMPLES {
        let mut command = Command::new(program);
        command.env_remove("QUORLOCK_NODES");
        if let Some(nodes) = nodes {
            command.env("QUORLOCK_NODES", nodes);
        }
        let output = command.output().expect("the example starts");
        let (said, complained) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "{name}: {said}{complained}");
        assert!(said.contains(expected), "{name}: {said}{complained}");
    }
}

#[test]
fn over_the_embedded_node() {
    run(None);
}

#[test]
fn over_five_servers() {
    let servers = Servers::start(5, ServerKind::Valkey);
    run(Some(&servers.urls().join(", ")));
}
