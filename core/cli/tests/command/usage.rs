//! Bad arguments: exit code 2, a message that names the flag, no secret, and nothing locked.

use crate::rig::{bare, nodes, quorlock, ran};

/// Arguments, and what the message has to say.
const WRONG: &[(&[&str], &str)] = &[
    (&[], "Usage: quorlock <COMMAND>"),
    (&["rum"], "run"),
    (&["run"], "<KEY>"),
    (&["run", "k"], "<COMMAND>"),
    (&["run", "k", "--"], "<COMMAND>"),
    (&["run", "k", "true"], "unexpected argument 'true'"),
    (&["run", "", "--", "true"], "KEY: must not be empty"),
    (&["run", "k", "--ttl", "10", "--", "true"], "--ttl"),
    (
        &["run", "k", "--ttl", "9ms", "--", "true"],
        "--ttl: must be from 10 ms",
    ),
    (
        &["run", "k", "--ttl", "25h", "--", "true"],
        "--ttl: must be from",
    ),
    (
        &["run", "k", "--ttl", "-1s", "--", "true"],
        "unexpected argument '-1'",
    ),
    (&["run", "k", "--ttl=", "--", "true"], "--ttl"),
    (&["run", "k", "--ttl"], "--ttl"),
    (
        &["run", "k", "--ttl", "1s", "--ttl", "2s", "--", "true"],
        "--ttl",
    ),
    (&["run", "k", "--wait", "soon", "--", "true"], "--wait"),
    (
        &["run", "k", "--wait", "9999h", "--", "true"],
        "--wait: must be from",
    ),
    (
        &["run", "k", "--kill-after", "x", "--", "true"],
        "--kill-after",
    ),
    (
        &["run", "k", "--hold-max", "1s", "--", "true"],
        "--hold-max: must be from",
    ),
    (&["run", "k", "--hold-max", "", "--", "true"], "--hold-max"),
    (
        &["run", "k", "--key-prefix", "a{b}", "--", "true"],
        "--key-prefix: must not contain",
    ),
    (
        &["run", "k", "--node-timeout", "20s", "--", "true"],
        "--node-timeout: must be from",
    ),
    (
        &["run", "k", "--node-timeout", "fast", "--", "true"],
        "--node-timeout",
    ),
    (
        &["run", "k", "--ca-file", "/no/such.pem", "--", "true"],
        "--ca-file /no/such.pem: ",
    ),
    (
        &["run", "k", "--ca-file", "Cargo.toml", "--", "true"],
        "--ca-file: ",
    ),
    (
        &["run", "k", "--ticket", "abc", "--", "true"],
        "--ticket: is not a Quorlock ticket",
    ),
    (
        &["run", "k", "--ticket", "qlt1:hunter2:cut", "--", "true"],
        "--ticket: is cut short",
    ),
    (
        &["run", "k", "--ticket", "qlt9:hunter2:x", "--", "true"],
        "--ticket: was made by a newer version",
    ),
    (&["run", "qlt1:hunter2", "more", "--", "true"], "more"),
    (&["run", "k", "qlt1:hunter2", "--", "true"], "not shown"),
    (&["run", "k", "--detach", "--", "true"], "--detach"),
    (
        &["run", "k", "--ticket-ttl", "1s", "--", "true"],
        "--ticket-ttl",
    ),
    (
        &["run", "k", "--detach", "--ticket-ttl", "5ms"],
        "--ticket-ttl: must be",
    ),
    (&["run", "k", "--quite", "--", "true"], "--quiet"),
    (&["run", "k", "--nodes", "", "--", "true"], "--nodes"),
    (
        &["run", "k", "--nodes", "localhost:6379", "--", "true"],
        "--nodes, URL 1: must begin with redis://",
    ),
    (
        &[
            "run",
            "k",
            "--nodes",
            "redis://a,http://u:hunter2@b",
            "--",
            "true",
        ],
        "--nodes, URL 2: must begin with",
    ),
    (
        &[
            "run",
            "k",
            "--nodes",
            "redis://a,redis://u:hunter2@a",
            "--",
            "true",
        ],
        "--nodes, URL 2: is the same server",
    ),
    (
        &["run", "k", "--nodes", "redis://a,memory://x", "--", "true"],
        "--nodes, URL 2: memory://",
    ),
    (
        &["run", "k", "--nodes", "redis://a,,redis://b", "--", "true"],
        "--nodes, URL 2: must be a URL",
    ),
    (&["health", "redis://u:hunter2@a"], "not shown"),
    (&["health", "--node", "redis://u:hunter2@a"], "--nodes"),
    (&["health", "--ttl", "redis://u:hunter2@a"], "--ttl"),
    (&["redis://u:hunter2@a"], "not shown"),
    (&["inspect"], "<KEY>"),
    (&["inspect", "a", "b"], "unexpected argument 'b'"),
    (&["inspect", ""], "KEY: must not be empty"),
    (&["health", "--json=yes"], "--json"),
    (&["watch"], "<KEY>"),
    (
        &["watch", "k", "--interval", "1ms"],
        "--interval: must be at least 10ms",
    ),
    (&["watch", "k", "--interval", "often"], "--interval"),
    (&["watch", "k", "--count", "0"], "--count"),
    (&["watch", "k", "--count", "many"], "--count"),
    (&["bench", "--seconds", "0"], "--seconds"),
    (&["bench", "--seconds", "61"], "--seconds"),
    (&["bench", "--concurrency", "0"], "--concurrency"),
    (&["bench", "--concurrency", "1001"], "--concurrency"),
];

#[test]
fn wrong_arguments_are_named() {
    for (args, said) in WRONG {
        let ran = ran(quorlock().args(*args).output().expect("it starts"));
        assert_eq!((ran.code, &ran.out[..]), (Some(2), ""), "{args:?}: {ran:?}");
        assert!(
            ran.err.contains(said),
            "{args:?} says {said:?}: {}",
            ran.err
        );
        assert!(!ran.err.contains("hunter2"), "{args:?}: {}", ran.err);
    }
}

#[test]
fn a_wrong_environment_is_named_too() {
    for (name, value, said) in [
        (
            "QUORLOCK_NODES",
            "redis://:hunter2@a,nonsense",
            "--nodes, URL 2",
        ),
        ("QUORLOCK_NODES", "", "QUORLOCK_NODES"),
        ("QUORLOCK_TTL", "redis://:hunter2@a", "--ttl"),
        ("QUORLOCK_WAIT", "ten", "--wait"),
        ("QUORLOCK_KEY_PREFIX", "{", "--key-prefix"),
        ("QUORLOCK_NODE_TIMEOUT", "hunter", "--node-timeout"),
        ("QUORLOCK_TICKET", "qlt1:hunter2", "--ticket"),
        ("QUORLOCK_CA_FILE", "/no/such", "--ca-file"),
    ] {
        let mut command = bare();
        command.env("QUORLOCK_NODES", nodes()).env(name, value);
        command.args(["run", "k", "--", "true"]);
        let ran = ran(command.output().expect("it starts"));
        assert_eq!(
            (ran.code, &ran.out[..]),
            (Some(2), ""),
            "{name}={value}: {ran:?}"
        );
        assert!(ran.err.contains(said), "{name}={value}: {}", ran.err);
        assert!(!ran.err.contains("hunter2"), "{name}: {}", ran.err);
    }
    let none = ran(bare().args(["health"]).output().expect("it starts"));
    assert_eq!(none.code, Some(2), "{none:?}");
    assert!(
        none.err.contains("--nodes") && none.err.contains("QUORLOCK_NODES"),
        "{none:?}"
    );
}

#[test]
fn a_ticket_for_something_else_is_not_used_up() {
    let of = |args: &[&str]| ran(quorlock().args(args).output().expect("it starts"));
    let ticket = of(&["run", "usage:ticket", "--detach"]).out;
    let ticket = ticket.trim();
    let other = of(&["run", "usage:other", "--ticket", ticket, "--", "true"]);
    assert_eq!(other.code, Some(2), "{other:?}");
    assert!(
        other
            .err
            .contains("\"usage:ticket\", not for \"usage:other\""),
        "{other:?}"
    );
    assert_eq!(
        of(&["run", "usage:ticket", "--ticket", ticket, "--", "true"]).code,
        Some(0)
    );
}

#[test]
fn help_is_for_every_subcommand_and_shows_no_value_of_the_environment() {
    for (args, said) in [
        (&["--help"][..], "Exit codes:"),
        (&["run", "--help"], "Examples:"),
        (&["inspect", "--help"], "node by node"),
        (&["health", "--help"], "fit to keep locks"),
        (&["watch", "--help"], "--interval"),
        (&["bench", "--help"], "--concurrency"),
        (&["--version"], env!("CARGO_PKG_VERSION")),
    ] {
        let mut command = bare();
        command
            .env("QUORLOCK_NODES", "redis://:hunter2@a")
            .env("QUORLOCK_TICKET", "hunter2");
        let ran = ran(command.args(args).output().expect("it starts"));
        assert_eq!((ran.code, &ran.err[..]), (Some(0), ""), "{args:?}");
        assert!(ran.out.contains(said), "{args:?}: {}", ran.out);
        assert!(!ran.out.contains("hunter2"), "{args:?}: {}", ran.out);
    }
}
