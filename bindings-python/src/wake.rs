//! A file descriptor that becomes readable when somebody has something to say: an eventfd, or a
//! socket pair where there is none.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
#[cfg(not(target_os = "linux"))]
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
#[cfg(target_os = "linux")]
use nix::sys::eventfd::{EfdFlags, EventFd};

/// The descriptor, and its other end.
pub(crate) struct Wake {
    #[cfg(target_os = "linux")]
    event: EventFd,
    #[cfg(not(target_os = "linux"))]
    pair: (UnixStream, UnixStream),
}

#[cfg(target_os = "linux")]
impl Wake {
    pub(crate) fn new() -> io::Result<Self> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        Ok(Wake {
            event: EventFd::from_flags(flags)?,
        })
    }

    /// Makes it readable. It can fail only where it is readable beyond measure already.
    pub(crate) fn up(&self) {
        let _ = self.event.write(1);
    }

    /// Makes it unreadable.
    pub(crate) fn settle(&self) {
        let _ = self.event.read();
    }
}

#[cfg(not(target_os = "linux"))]
impl Wake {
    pub(crate) fn new() -> io::Result<Self> {
        let pair = UnixStream::pair()?;
        pair.0.set_nonblocking(true)?;
        pair.1.set_nonblocking(true)?;
        Ok(Wake { pair })
    }

    /// Makes it readable. It can fail only where it is readable beyond measure already.
    pub(crate) fn up(&self) {
        let _ = io::Write::write(&mut &self.pair.1, &[1]);
    }

    /// Makes it unreadable.
    pub(crate) fn settle(&self) {
        let mut bytes = [0; 64];
        while io::Read::read(&mut &self.pair.0, &mut bytes).is_ok_and(|read| read == bytes.len()) {}
    }
}

impl Wake {
    /// What a loop watches.
    pub(crate) fn fileno(&self) -> RawFd {
        self.end().as_raw_fd()
    }

    /// Blocks until it is readable, or for `limit`.
    pub(crate) fn wait(&self, limit: Duration) {
        let timeout = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
        // Interrupted or not, the caller looks again.
        let _ = poll(&mut [PollFd::new(self.end(), PollFlags::POLLIN)], timeout);
    }

    #[cfg(target_os = "linux")]
    fn end(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }

    #[cfg(not(target_os = "linux"))]
    fn end(&self) -> BorrowedFd<'_> {
        self.pair.0.as_fd()
    }
}
