//! The signals that quorlock gets and passes on.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

use nix::libc;
use nix::sys::signal::Signal;
use tokio::signal::unix::{self, SignalKind};

/// What a user or a supervisor sends to end or to steer a program.
const PASSED_ON: [Signal; 8] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGALRM,
    Signal::SIGWINCH,
];

/// The signals that came.
pub(crate) struct Signals {
    streams: Vec<(Signal, unix::Signal)>,
}

impl Signals {
    /// Listens from now on. A signal that whoever started us ignores stays ignored, by the command
    /// too: that is how `nohup` works.
    pub(crate) fn listen() -> io::Result<Signals> {
        let mut signals = Signals {
            streams: Vec::new(),
        };
        for signal in PASSED_ON {
            if !is_ignored(signal)? {
                signals.add(signal)?;
            }
        }
        Ok(signals)
    }

    /// Listens for the stop key as well, once there is a command to stop.
    pub(crate) fn listen_for_stop(&mut self) -> io::Result<()> {
        if is_ignored(Signal::SIGTSTP)? {
            return Ok(());
        }
        self.add(Signal::SIGTSTP)
    }

    /// The next one. Dropping the future loses none.
    pub(crate) async fn next(&mut self) -> Signal {
        poll_fn(|context| {
            for (signal, stream) in &mut self.streams {
                if let Poll::Ready(Some(())) = stream.poll_recv(context) {
                    return Poll::Ready(*signal);
                }
            }
            Poll::Pending
        })
        .await
    }

    fn add(&mut self, signal: Signal) -> io::Result<()> {
        let stream = unix::signal(SignalKind::from_raw(signal as i32))?;
        self.streams.push((signal, stream));
        Ok(())
    }
}

/// Whether a signal would end us if nobody listened: the rest is not meant to.
pub(crate) fn ends_a_program(signal: Signal) -> bool {
    signal != Signal::SIGWINCH
}

fn is_ignored(signal: Signal) -> io::Result<bool> {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: with a null new action this only writes the present one to `action`.
    let asked =
        unsafe { libc::sigaction(signal as libc::c_int, std::ptr::null(), action.as_mut_ptr()) };
    if asked != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so it has filled `action` in.
    Ok(unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN)
}
