//! How a lying server behaves.

use std::fmt;

use super::{Action, Hello, LyingServer};

/// Called with each command that is not part of the handshake, on whichever connection it came.
pub(super) type Answer = Box<dyn FnMut(&[Vec<u8>]) -> Action + Send>;

/// Where a tarpit stops answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The connection is not even made: the packets that ask for one are dropped.
    Connect,
    /// The connection is made, and nothing is said: `HELLO` (or a TLS handshake) gets no answer.
    Hello,
    /// `HELLO` is answered, and nothing after it: `SELECT` and `CLIENT SETINFO` get no answer.
    Setup,
    /// The handshake is answered; commands are not.
    Commands,
}

/// How a [`LyingServer`] behaves.
pub struct LyingServerOptions {
    pub(super) greeting: Action,
    pub(super) hello: Hello,
    pub(super) hello_instead: Option<Action>,
    pub(super) silent_from: Option<Phase>,
    pub(super) answer: Answer,
}

impl LyingServerOptions {
    /// A proper handshake, then answers by the function: an [`Action`], or just the bytes to send.
    pub fn answering<A: Into<Action>>(
        mut answer: impl FnMut(&[Vec<u8>]) -> A + Send + 'static,
    ) -> LyingServerOptions {
        LyingServerOptions {
            greeting: Action::Nothing,
            hello: Hello::default(),
            hello_instead: None,
            silent_from: None,
            answer: Box::new(move |command| answer(command).into()),
        }
    }

    /// A proper handshake, then answers by command name in any case; one that is missing gets `-ERR unknown command`.
    pub fn table(rows: &[(&str, Action)]) -> LyingServerOptions {
        let rows: Vec<(String, Action)> = rows
            .iter()
            .map(|(name, action)| ((*name).to_owned(), action.clone()))
            .collect();
        LyingServerOptions::answering(move |command| {
            let name = command.first().map(Vec::as_slice).unwrap_or_default();
            let row = rows
                .iter()
                .find(|(row, _)| row.as_bytes().eq_ignore_ascii_case(name));
            row.map_or_else(
                || Action::send("-ERR unknown command\r\n"),
                |(_, action)| action.clone(),
            )
        })
    }

    /// What is done when a connection is accepted, before anything is read: `-ERR max number of clients reached` comes
    /// so, for example.
    #[must_use]
    pub fn greeting(mut self, action: Action) -> LyingServerOptions {
        self.greeting = action;
        self
    }

    /// What `HELLO` tells of the server.
    #[must_use]
    pub fn hello(mut self, hello: Hello) -> LyingServerOptions {
        self.hello = hello;
        self
    }

    /// What is done at `HELLO` instead of a proper answer.
    #[must_use]
    pub fn hello_instead(mut self, action: Action) -> LyingServerOptions {
        self.hello_instead = Some(action);
        self
    }

    /// From this phase on nothing is answered, and what comes is read.
    #[must_use]
    pub fn silent_from(mut self, phase: Phase) -> LyingServerOptions {
        self.silent_from = Some(phase);
        self
    }

    /// Starts it; panics with the reason if that fails.
    pub fn start(self) -> LyingServer {
        LyingServer::start_with(self).unwrap_or_else(|error| panic!("no lying server: {error}"))
    }

    pub(super) fn is_silent_at(&self, phase: Phase) -> bool {
        self.silent_from.is_some_and(|from| from <= phase)
    }
}

impl fmt::Debug for LyingServerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LyingServerOptions")
            .field("silent_from", &self.silent_from)
            .finish_non_exhaustive()
    }
}
