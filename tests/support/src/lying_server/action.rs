//! What a lying server does instead of serving.

use std::io::{self, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

/// What is done upon one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send these bytes, whatever they are.
    Send(Vec<u8>),
    /// Send these bytes after a time; what the client sends meanwhile waits.
    SendAfter(Duration, Vec<u8>),
    /// Send these bytes and close.
    SendAndClose(Vec<u8>),
    /// Send these bytes again and again until the client closes: a reply without end.
    SendForever(Vec<u8>),
    /// Close without a word.
    Close,
    /// Say nothing, and stay.
    Nothing,
}

impl Action {
    /// [`Action::Send`]
    pub fn send(bytes: impl Into<Vec<u8>>) -> Action {
        Action::Send(bytes.into())
    }

    /// [`Action::SendAndClose`]
    pub fn send_and_close(bytes: impl Into<Vec<u8>>) -> Action {
        Action::SendAndClose(bytes.into())
    }

    /// Returns whether the connection goes on.
    pub(super) fn perform(self, mut stream: &TcpStream) -> io::Result<bool> {
        match self {
            Action::Send(bytes) => stream.write_all(&bytes).map(|()| true),
            Action::SendAfter(time, bytes) => {
                thread::sleep(time);
                stream.write_all(&bytes).map(|()| true)
            }
            Action::SendAndClose(bytes) => stream.write_all(&bytes).map(|()| false),
            Action::SendForever(bytes) => {
                assert!(!bytes.is_empty(), "nothing, sent for ever, would spin");
                loop {
                    stream.write_all(&bytes)?;
                }
            }
            Action::Close => Ok(false),
            Action::Nothing => Ok(true),
        }
    }
}

impl From<Vec<u8>> for Action {
    fn from(bytes: Vec<u8>) -> Action {
        Action::Send(bytes)
    }
}

impl From<&str> for Action {
    fn from(text: &str) -> Action {
        Action::send(text)
    }
}
