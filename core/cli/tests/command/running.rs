//! A command under the lock: what it sees, what its end becomes, what is left.

use quorlock_test_support::eventually;

use crate::rig::{LONG, Ran, bare, is_locked, nodes, quorlock, ran, run};

#[test]
fn the_command_sees_its_resource_and_a_token_that_grows() {
    let seen = |value: &str| {
        let script = format!("echo \"{value}\"");
        run(&["run", "running:env", "--", "sh", "-c", &script])
    };
    let first = seen("$QUORLOCK_FENCING_TOKEN $QUORLOCK_RESOURCE");
    assert_eq!(first.code, Some(0), "{first:?}");
    let (token, resource) = first.out.trim().split_once(' ').expect("two words");
    assert_eq!(resource, "running:env");
    let second = seen("$QUORLOCK_FENCING_TOKEN");
    let number = |text: &str| text.trim().parse::<u64>().expect("a number");
    assert!(number(&second.out) > number(token), "{second:?} {token}");
}

#[test]
fn exit_codes_are_passed_on() {
    let cases: [(&[&str], i32); 7] = [
        (&["true"], 0),
        (&["false"], 1),
        (&["sh", "-c", "exit 42"], 42),
        (&["sh", "-c", "exit 255"], 255),
        (&["sh", "-c", "kill -TERM $$"], 143),
        (&["sh", "-c", "kill -KILL $$"], 137),
        (&["sh", "-c", "kill -USR1 $$"], 138),
    ];
    for (command, code) in cases {
        let args = [&["run", "running:codes", "--"], command].concat();
        let ran = run(&args);
        assert_eq!((ran.code, &ran.err[..]), (Some(code), ""), "{command:?}");
        assert!(!is_locked("running:codes"));
    }
}

#[test]
fn what_cannot_be_executed_is_told_as_a_shell_does_and_nothing_stays_locked() {
    let missing = run(&["run", "running:missing", "--", "no-such-command-here"]);
    assert_eq!(missing.code, Some(127), "{missing:?}");
    assert!(missing.err.contains("no-such-command-here"), "{missing:?}");
    let folder = run(&["run", "running:missing", "--", "/"]);
    assert_eq!(folder.code, Some(126), "{folder:?}");
    assert!(folder.err.contains("/: "), "{folder:?}");
    eventually(LONG, "given back", || !is_locked("running:missing"));
}

#[test]
fn arguments_and_streams_reach_the_command_unchanged() {
    use std::io::Write;
    let mut command = quorlock();
    command.args(["run", "running:streams", "--", "sh", "-c"]);
    command.args(["cat; printf '<%s>' \"$@\" >&2", "sh", "--ttl", "a b", "--"]);
    command.stdin(std::process::Stdio::piped());
    command.stdout(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(b"through\n").expect("it reads");
    drop(stdin);
    let Ran { code, out, err } = ran(child.wait_with_output().expect("it ends"));
    assert_eq!(
        (code, &out[..], &err[..]),
        (Some(0), "through\n", "<--ttl><a b><-->")
    );
}

#[test]
fn options_come_from_the_environment_too() {
    let mut command = bare();
    command.env("QUORLOCK_NODES", nodes().replace(',', " , "));
    command.env("QUORLOCK_KEY_PREFIX", "team:");
    command.env("QUORLOCK_TTL", "7s");
    command.env("QUORLOCK_NODE_TIMEOUT", "500ms");
    command.args(["run", "running:prefix", "--"]);
    command.args([
        env!("CARGO_BIN_EXE_quorlock"),
        "inspect",
        "running:prefix",
        "--json",
    ]);
    let ran = ran(command.output().expect("it starts"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let left = ran
        .out
        .lines()
        .find_map(|line| line.trim().strip_prefix("\"remaining_ms\": "));
    let left: u64 = left
        .and_then(|left| left.trim_end_matches(',').parse().ok())
        .expect("held");
    assert!((1..=7_000).contains(&left), "{ran:?}");
    assert!(!is_locked("running:prefix"));
}
