//! At a terminal the command may read from it, and its keys reach the command.

use std::process::Command;

use crate::rig::{Ran, is_locked, quorlock, ran};

/// Runs a command on a terminal of its own; writes each answer when its prompt has been seen.
const ON_A_TERMINAL: &str = r#"
import os, pty, signal, sys
signal.alarm(30)
argv, talk = sys.argv[1:sys.argv.index("::")], sys.argv[sys.argv.index("::") + 1:]
pid, terminal = pty.fork()
if pid == 0:
    os.execv(argv[0], argv)
seen, at = b"", 0
while True:
    try:
        more = os.read(terminal, 1000)
    except OSError:
        more = b""
    if not more:
        break
    seen += more
    while talk and talk[0].encode() in seen[at:]:
        at = seen.index(talk[0].encode(), at) + len(talk[0])
        if talk[1] == "stop and go":
            os.write(terminal, b"\x1a")
            os.waitpid(pid, os.WUNTRACED)
            print("stopped")
            os.kill(pid, 18)
        else:
            os.write(terminal, talk[1].encode().decode("unicode_escape").encode())
        talk = talk[2:]
print(seen.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

fn on_a_terminal(key: &str, script: &str, talk: &[&str]) -> Ran {
    let quorlock = quorlock();
    let mut python = Command::new("python3");
    for (name, value) in quorlock.get_envs() {
        match value {
            Some(value) => python.env(name, value),
            None => python.env_remove(name),
        };
    }
    python
        .args(["-c", ON_A_TERMINAL])
        .arg(quorlock.get_program());
    python.args(["run", key, "--", "sh", "-c", script, "::"]);
    ran(python.args(talk).output().expect("python3 is there"))
}

#[test]
fn the_command_reads_what_is_typed() {
    let script = "echo ready; read line; echo got $line; read line; echo and $line";
    let ran = on_a_terminal(
        "terminal:read",
        script,
        &["ready", "hello\\n", "got", "more\\n"],
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.out.contains("got hello") && ran.out.contains("and more"),
        "{ran:?}"
    );
    assert!(!is_locked("terminal:read"));
}

#[test]
fn the_interrupt_key_reaches_the_command_whoever_has_the_terminal() {
    let waits = "trap 'echo interrupted; exit 7' INT; echo ready; while :; do sleep 0.05; done";
    let reads = "trap 'echo interrupted; exit 7' INT; echo begin; read line; echo ready; read line";
    for (script, talk) in [
        (waits, &["ready", "\\x03"][..]),
        (reads, &["begin", "a\\n", "ready", "\\x03"]),
    ] {
        let ran = on_a_terminal("terminal:interrupt", script, talk);
        assert_eq!(ran.code, Some(7), "{ran:?}");
        assert_eq!(ran.out.matches("interrupted").count(), 1, "{ran:?}");
    }
}

#[test]
fn the_stop_key_stops_both_and_both_go_on() {
    let script = "echo ready; n=0; while [ $n -lt 40 ]; do sleep 0.05; n=$((n+1)); done; echo done";
    let ran = on_a_terminal("terminal:stop", script, &["ready", "stop and go"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.out.contains("stopped") && ran.out.contains("done"),
        "{ran:?}"
    );
}
