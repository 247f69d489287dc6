//! A program of this package that runs beside a test.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use quorlock_test_support::holds_within;

/// A running program: commands go in and words come out, line by line. It is killed with this value,
/// and ends by itself when the test process does, because its standard input closes.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    heard: Vec<String>,
    taken: usize,
}

impl Worker {
    /// Starts `binary`.
    pub fn start(binary: impl AsRef<Path>, args: &[String]) -> Worker {
        let mut command = Command::new(binary.as_ref());
        command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("a program of this package starts");
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().expect("piped");
        let (sink, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sink.send(line).is_err() {
                    return;
                }
            }
        });
        Worker {
            child,
            stdin,
            lines,
            heard: Vec::new(),
            taken: 0,
        }
    }

    /// Gives it a command.
    pub fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("open");
        writeln!(stdin, "{line}").expect("it reads");
    }

    /// The next line that begins with `word`, what follows the word; other lines are passed over.
    #[track_caller]
    pub fn hear(&mut self, word: &str, within: Duration) -> String {
        let heard = self.hear_within(word, within);
        heard.unwrap_or_else(|| panic!("no {word:?} within {within:?}; heard {:?}", self.heard))
    }

    /// The same, or `None` where it does not come.
    pub fn hear_within(&mut self, word: &str, within: Duration) -> Option<String> {
        let by = Instant::now() + within;
        loop {
            while let Some(line) = self.heard.get(self.taken) {
                self.taken += 1;
                if let Some(rest) = line.strip_prefix(word) {
                    return Some(rest.trim().to_owned());
                }
            }
            let left = by.saturating_duration_since(Instant::now());
            self.heard.push(self.lines.recv_timeout(left).ok()?);
        }
    }

    /// Every line so far.
    pub fn heard(&mut self) -> &[String] {
        self.heard.extend(self.lines.try_iter());
        &self.heard
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGSTOP; returns when it has stopped, as it may run on for a moment on a busy machine.
    pub fn pause(&self) {
        self.signal(Signal::SIGSTOP);
        let stopped = waitpid(self.id(), Some(WaitPidFlag::WUNTRACED));
        assert!(
            matches!(stopped, Ok(WaitStatus::Stopped(..))),
            "{stopped:?}"
        );
    }

    /// SIGCONT.
    pub fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    /// Waits for its end; panics if that does not come.
    #[track_caller]
    pub fn finish(&mut self, within: Duration) -> ExitStatus {
        let ended = holds_within(within, || self.has_ended());
        assert!(
            ended,
            "not ended within {within:?}; heard {:?}",
            self.heard()
        );
        let status = self.child.wait().expect("an own child");
        // The reader ends with the pipe.
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(1)) {
            self.heard.push(line);
        }
        status
    }

    fn signal(&self, signal: Signal) {
        kill(self.id(), signal).expect("an own child that was not waited for");
    }

    fn id(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a pid"))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}
