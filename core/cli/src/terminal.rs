//! The terminal, which belongs to one process group at a time.
//!
//! The command runs in a group of its own, so that signals reach all of it. A group that reads from
//! the terminal without having it is stopped by the system: then, and only then, it gets it. A
//! pipeline that we are part of so keeps its terminal as long as nobody asks for it.

use std::fs::File;

use nix::sys::signal::{SigSet, Signal, raise};
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

/// Our controlling terminal, if there is one.
pub(crate) struct Terminal {
    device: Option<File>,
    handed: bool,
}

impl Terminal {
    /// Opens it.
    pub(crate) fn open() -> Terminal {
        Terminal {
            device: File::open("/dev/tty").ok(),
            handed: false,
        }
    }

    /// Gives it to `group`; false where it is not ours to give.
    pub(crate) fn hand_to(&mut self, group: Pid) -> bool {
        let Some(device) = &self.device else {
            return false;
        };
        let owner = tcgetpgrp(device).ok();
        let ours = owner == Some(getpgrp()) || owner == Some(group);
        self.handed = ours && give(device, group);
        self.handed
    }

    /// Takes it back, if it was given away.
    pub(crate) fn take_back(&mut self) {
        if let (true, Some(device)) = (self.handed, &self.device) {
            self.handed = !give(device, getpgrp());
        }
    }

    /// Stops us as the user's stop key would; returns when the shell lets us go on.
    pub(crate) fn stop_ourselves(&mut self) {
        self.take_back();
        // It cannot fail: the signal exists and the receiver is this process.
        let _ = raise(Signal::SIGSTOP);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.take_back();
    }
}

/// A group in the background may hand the terminal over only with SIGTTOU out of the way.
fn give(device: &File, group: Pid) -> bool {
    let signals: SigSet = [Signal::SIGTTOU].into_iter().collect();
    let Ok(before) = signals.thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_BLOCK) else {
        return false;
    };
    let given = tcsetpgrp(device, group).is_ok();
    // Setting back what was read a moment ago cannot fail.
    let _ = before.thread_set_mask();
    given
}
