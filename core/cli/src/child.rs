//! The command under the lock: one process group, watched until it ends.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use quorlock::Guard;
use tokio::signal::unix::{self, SignalKind};
use tokio::time::{Instant, sleep};

use crate::exit;
use crate::failure::Failure;

/// How often a group without its leader is looked at.
const GROUP_POLL: Duration = Duration::from_millis(20);

/// A running command.
pub(crate) struct Child {
    /// Of the command, and of its group.
    pid: Pid,
    changes: unix::Signal,
}

/// What happened to the command itself.
pub(crate) enum Change {
    /// It ended, with this exit code in a shell's counting.
    Ended(u8),
    /// It was stopped by this signal.
    Stopped(Signal),
}

impl Child {
    /// Starts `command`, which can find out what it holds.
    ///
    /// To be called on the main thread: where the system can do so, it ends the command with the
    /// thread that started it, so that it does not go on when nobody renews the lock.
    pub(crate) fn start(command: &[OsString], guard: &Guard) -> Result<Child, Failure> {
        // Before there is a child, so that no change is missed.
        let changes = unix::signal(SignalKind::child()).map_err(Failure::system)?;
        let (program, arguments) = match command {
            [program, arguments @ ..] => (program, arguments),
            [] => return Err(Failure::new(exit::USAGE, "no command is named after --")),
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .process_group(0)
            .env("QUORLOCK_RESOURCE", guard.resource())
            // A secret, and used up.
            .env_remove("QUORLOCK_TICKET");
        match guard.fencing_token() {
            Some(token) => command.env("QUORLOCK_FENCING_TOKEN", token.get().to_string()),
            // One that stands there is another lock's.
            None => command.env_remove("QUORLOCK_FENCING_TOKEN"),
        };
        #[cfg(target_os = "linux")]
        end_with_us(&mut command);
        let child = command.spawn().map_err(|error| {
            let code = if error.kind() == io::ErrorKind::NotFound {
                exit::NOT_FOUND
            } else {
                exit::NOT_EXECUTABLE
            };
            Failure::new(code, format!("{}: {error}", program.to_string_lossy()))
        })?;
        let pid =
            i32::try_from(child.id()).map_err(|error| Failure::system(io::Error::other(error)))?;
        Ok(Child {
            pid: Pid::from_raw(pid),
            changes,
        })
    }

    /// Its process group.
    pub(crate) fn group(&self) -> Pid {
        self.pid
    }

    /// Waits until it ends or stops. Dropping the future loses nothing.
    pub(crate) async fn changed(&mut self) -> Result<Change, Failure> {
        loop {
            match waitpid(
                self.pid,
                Some(WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED),
            ) {
                Ok(WaitStatus::Exited(_, code)) => {
                    return Ok(Change::Ended(u8::try_from(code & 0xff).unwrap_or(1)));
                }
                Ok(WaitStatus::Signaled(_, signal, _)) => {
                    return Ok(Change::Ended(signalled(signal)));
                }
                Ok(WaitStatus::Stopped(_, signal)) => return Ok(Change::Stopped(signal)),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(Failure::system(error.into())),
            }
            self.changes.recv().await;
        }
    }

    /// Sends a signal to all of the group; one that has ended needs none.
    pub(crate) fn signal(&self, signal: Signal) {
        let _ = killpg(self.pid, signal);
    }

    /// Asks all of the group to end, also what is stopped.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::SIGTERM);
        self.signal(Signal::SIGCONT);
    }

    /// Waits for what the command has left in its group, and kills it at `limit`.
    pub(crate) async fn clear_away(&self, limit: Instant) {
        while killpg(self.pid, None).is_ok() {
            if Instant::now() >= limit {
                self.signal(Signal::SIGKILL);
                return;
            }
            sleep(GROUP_POLL).await;
        }
    }
}

/// What a shell says of a program that a signal ended.
pub(crate) fn signalled(signal: Signal) -> u8 {
    u8::try_from(signal as i32).map_or(u8::MAX, |number| exit::SIGNALLED + number)
}

/// Has the kernel kill the command when the thread that starts it ends, however it ends.
#[cfg(target_os = "linux")]
fn end_with_us(command: &mut Command) {
    let parent = nix::unistd::getpid();
    let before_exec = move || {
        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
        // It may have gone before that.
        if nix::unistd::getppid() != parent {
            return Err(Errno::ESRCH.into());
        }
        Ok(())
    };
    // SAFETY: between fork and exec it makes two system calls and allocates nothing.
    unsafe {
        command.pre_exec(before_exec);
    }
}
