//! The process of a test server.

use std::fs;
use std::io;
use std::process::{Child, Command};
use std::time::Duration;

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use crate::{holds_within, reaper};

/// The process, or nothing while the server is down. What has ended is dropped here at once: its id may soon mean
/// another process, which no signal must reach.
#[derive(Debug, Default)]
pub(crate) struct ServerProcess {
    child: Option<Child>,
    pid: u32,
}

impl ServerProcess {
    pub(crate) fn spawn(&mut self, command: &mut Command) -> io::Result<()> {
        self.kill();
        let child = command.spawn()?;
        reaper::register(child.id());
        self.pid = child.id();
        self.child = Some(child);
        Ok(())
    }

    /// Of the process that runs, else of the last one.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) fn is_running(&mut self) -> bool {
        let running = self
            .child
            .as_mut()
            .is_some_and(|child| matches!(child.try_wait(), Ok(None)));
        if !running && let Some(ended) = self.child.take() {
            reaper::forget(ended.id());
        }
        running
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            reaper::forget(child.id());
            // It may have ended by itself, which is as good.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Stops it, and returns when it has stopped: a command that it was about to execute shall not slip through.
    pub(crate) fn pause(&mut self) -> io::Result<()> {
        let pid = self.signal(Signal::SIGSTOP)?;
        holds_within(Duration::from_millis(200), || {
            matches!(state_of(pid), None | Some('T' | 't'))
        });
        Ok(())
    }

    pub(crate) fn resume(&mut self) -> io::Result<()> {
        self.signal(Signal::SIGCONT).map(|_| ())
    }

    fn signal(&mut self, signal: Signal) -> io::Result<Pid> {
        if !self.is_running() {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "the server is not running",
            ));
        }
        let pid = Pid::from_raw(i32::try_from(self.pid).map_err(io::Error::other)?);
        signal::kill(pid, signal)?;
        Ok(pid)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The letter of `/proc/<pid>/stat`, where there is one. It comes after the name, which may hold anything but ends with
/// the last `)`.
fn state_of(pid: Pid) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}
