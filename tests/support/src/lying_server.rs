//! A server that answers what a test wants.

mod action;
mod conversation;
mod full_queue;
mod hello;
mod options;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::{PortReservation, lock};

pub use action::Action;
use conversation::converse;
use full_queue::FullQueue;
pub use hello::Hello;
pub use options::{LyingServerOptions, Phase};

/// A TCP server that completes the handshake as a server would (`HELLO` with or without `AUTH`, `AUTH`, `SELECT`, all of
/// `CLIENT`), and answers everything else by a function, down to garbage and silence. Commands in a pipeline are answered
/// one after the other. It ends, with its connections, when it is dropped.
pub struct LyingServer {
    port: PortReservation,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
    /// Instead of the acceptor, for [`Phase::Connect`].
    full_queue: Option<FullQueue>,
}

struct Shared {
    options: Mutex<LyingServerOptions>,
    seen: Mutex<Seen>,
    ended: AtomicBool,
}

#[derive(Default)]
struct Seen {
    connections: usize,
    /// Of every connection, of the handshake too.
    commands: Vec<Vec<Vec<u8>>>,
    /// Those that are open, to be closed from outside.
    streams: BTreeMap<usize, TcpStream>,
}

impl LyingServer {
    /// A proper handshake, then answers by the function: an [`Action`], or just the bytes to send.
    pub fn start<A: Into<Action>>(
        answer: impl FnMut(&[Vec<u8>]) -> A + Send + 'static,
    ) -> LyingServer {
        LyingServerOptions::answering(answer).start()
    }

    /// A proper handshake, then answers by command name: see [`LyingServerOptions::table`].
    pub fn table(rows: &[(&str, Action)]) -> LyingServer {
        LyingServerOptions::table(rows).start()
    }

    /// Says nothing from that phase on, and closes nothing.
    pub fn tarpit(phase: Phase) -> LyingServer {
        LyingServerOptions::answering(|_| Action::Nothing)
            .silent_from(phase)
            .start()
    }

    fn start_with(options: LyingServerOptions) -> io::Result<LyingServer> {
        let deaf = options.silent_from == Some(Phase::Connect);
        let shared = Shared {
            options: Mutex::new(options),
            seen: Mutex::default(),
            ended: AtomicBool::new(false),
        };
        let mut server = LyingServer {
            port: PortReservation::new()?,
            shared: Arc::new(shared),
            acceptor: None,
            full_queue: None,
        };
        if deaf {
            server.full_queue = Some(FullQueue::new(server.addr())?);
        } else {
            let listener = TcpListener::bind(server.addr())?;
            let shared = Arc::clone(&server.shared);
            let accept = move || {
                while let Ok((stream, _)) = listener.accept() {
                    if shared.ended.load(Ordering::Acquire) {
                        return;
                    }
                    shared.welcome(stream);
                }
            };
            server.acceptor = Some(
                thread::Builder::new()
                    .name("lying-server".to_owned())
                    .spawn(accept)?,
            );
        }
        Ok(server)
    }

    /// Where clients connect.
    pub fn addr(&self) -> SocketAddr {
        self.port.addr()
    }

    /// `redis://127.0.0.1:port`
    pub fn url(&self) -> String {
        format!("redis://{}", self.addr())
    }

    /// How many connections were accepted: how often clients have dialled.
    pub fn connections(&self) -> usize {
        lock(&self.shared.seen).connections
    }

    /// How many connections are open now.
    pub fn open_connections(&self) -> usize {
        lock(&self.shared.seen).streams.len()
    }

    /// Every command so far, of the handshake too, in the order in which they were read.
    pub fn commands(&self) -> Vec<Vec<Vec<u8>>> {
        lock(&self.shared.seen).commands.clone()
    }

    /// Answers by another function from now on.
    pub fn answer<A: Into<Action>>(
        &self,
        mut answer: impl FnMut(&[Vec<u8>]) -> A + Send + 'static,
    ) {
        lock(&self.shared.options).answer = Box::new(move |command| answer(command).into());
    }

    /// Sends bytes on every open connection, unasked: a push, or trailing garbage.
    pub fn send_to_all(&self, bytes: &[u8]) {
        for mut stream in lock(&self.shared.seen).streams.values() {
            // A connection may be closing.
            let _ = io::Write::write_all(&mut stream, bytes);
        }
    }
}

impl Shared {
    /// Gives the connection a thread of its own, which ends with the connection.
    fn welcome(self: &Arc<Self>, stream: TcpStream) {
        // Answers are small, and their delay would be the test's.
        let _ = stream.set_nodelay(true);
        let Ok(handle) = stream.try_clone() else {
            return;
        };
        let mut seen = lock(&self.seen);
        let id = seen.connections;
        seen.connections += 1;
        seen.streams.insert(id, handle);
        drop(seen);
        let shared = Arc::clone(self);
        let talk = move || {
            // How it ends is of no interest: the client has gone, or has sent what is no command.
            let _ = converse(&shared, id, &stream);
            // Not just dropped: the clone in the list would keep it open.
            let _ = stream.shutdown(Shutdown::Both);
            lock(&shared.seen).streams.remove(&id);
        };
        thread::Builder::new()
            .name("lying-server".to_owned())
            .spawn(talk)
            .expect("a thread for a connection");
    }
}

impl Drop for LyingServer {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Release);
        if let Some(acceptor) = self.acceptor.take() {
            // Wakes it up; it sees that it is to end.
            let _ = TcpStream::connect_timeout(&self.addr(), Duration::from_secs(1));
            let _ = acceptor.join();
        }
        for stream in lock(&self.shared.seen).streams.values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl fmt::Debug for LyingServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LyingServer")
            .field("addr", &self.addr())
            .finish_non_exhaustive()
    }
}
