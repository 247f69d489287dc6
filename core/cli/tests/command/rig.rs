//! What the subjects share: servers, and the command as a process.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use nix::sys::signal::{SigHandler, Signal};
use quorlock_test_support::{ServerKind, Servers, holds_within};

/// Longer than anything takes unless it hangs, on a busy machine too.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// Three servers for all tests, which use keys of their own. They end with the test process.
static SERVERS: LazyLock<Servers> = LazyLock::new(|| Servers::start(3, ServerKind::Valkey));

pub(crate) fn servers() -> &'static Servers {
    &SERVERS
}

pub(crate) fn nodes() -> String {
    servers().urls().join(",")
}

/// The command without arguments, with nothing set in its environment but the nodes and patience.
pub(crate) fn quorlock() -> Command {
    let mut command = bare();
    command
        .env("QUORLOCK_NODES", nodes())
        .env("QUORLOCK_NODE_TIMEOUT", "500ms");
    command
}

/// The command with nothing of Quorlock in its environment.
pub(crate) fn bare() -> Command {
    hear_every_signal();
    let mut command = Command::new(env!("CARGO_BIN_EXE_quorlock"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("QUORLOCK_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// What a shell in the background or `nohup` has ignored would stay ignored in everything started here,
/// as it should be, and would not be passed on.
fn hear_every_signal() {
    for heard in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT] {
        // SAFETY: the default action runs no code of this process.
        unsafe { nix::sys::signal::signal(heard, SigHandler::SigDfl) }
            .expect("a signal to be heard");
    }
}

/// Runs it to its end.
pub(crate) fn run(args: &[&str]) -> Ran {
    ran(quorlock().args(args).output().expect("it starts"))
}

/// What a finished command said, and its exit code.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A running command whose lines can be waited for. Killed with this value.
pub(crate) struct Running {
    pub(crate) child: Child,
    lines: Receiver<String>,
}

impl Running {
    pub(crate) fn start(args: &[&str]) -> Running {
        let mut command = quorlock();
        command.args(args);
        Running::spawn(command)
    }

    pub(crate) fn spawn(mut command: Command) -> Running {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let (sink, lines) = channel();
        let stdout = child.stdout.take().expect("piped");
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sink.send(line).is_err() {
                    return;
                }
            }
        });
        Running { child, lines }
    }

    /// The next line it writes.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        let line = self.lines.recv_timeout(LONG);
        line.expect("it says something")
    }

    /// The exit code and what it wrote to standard error.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ran {
        let ended = holds_within(LONG, || {
            self.child.try_wait().is_ok_and(|status| status.is_some())
        });
        assert!(ended, "it goes on");
        let code = self.child.wait().expect("ended").code();
        let mut err = String::new();
        let stderr = self.child.stderr.take().expect("piped");
        std::io::Read::read_to_string(&mut BufReader::new(stderr), &mut err).expect("text");
        let mut out = String::new();
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(1)) {
            out.push_str(&line);
            out.push('\n');
        }
        Ran { code, out, err }
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal by its name; to a group where the id is negative.
pub(crate) fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill")
        .args(["-s", name, &pid.to_string()])
        .status();
    assert!(sent.expect("kill is there").success());
}

/// Whether a process is there and no zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    status.is_ok_and(|stat| !stat.contains(") Z "))
}

/// Takes a lock away from whoever has it, on all servers.
pub(crate) fn steal(key: &str) {
    for server in servers() {
        server.command(&["DEL", key]);
    }
}

/// Whether any server has the key.
pub(crate) fn is_locked(key: &str) -> bool {
    let mut servers = servers().iter();
    servers.any(|server| server.command(&["EXISTS", key]).int() == Some(1))
}
