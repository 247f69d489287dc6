//! The five servers of the demo, and in which state each is.

use std::io;
use std::thread;

use quorlock::blocking::Client;
use quorlock_test_support::{Server, ServerKind, ServerOptions};

use crate::worker::RESOURCE;

const COUNT: usize = 5;

/// What the demo did to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing.
    Up,
    /// `kill -9`.
    Killed,
    /// `SIGSTOP`: connections stand, nothing is answered.
    Paused,
}

/// One server.
pub(crate) struct Node {
    server: Server,
    /// Kind and version.
    pub(crate) name: String,
    /// Its state.
    pub(crate) state: State,
}

/// All servers.
pub(crate) struct Nodes {
    /// In the order in which clients name them.
    pub(crate) nodes: Vec<Node>,
    observer: Client,
}

impl Nodes {
    /// Starts five servers: of several kinds where there are several.
    pub(crate) fn start() -> io::Result<Nodes> {
        let found: Vec<ServerKind> = ServerKind::ALL
            .into_iter()
            .filter(|kind| kind.binary().is_ok())
            .collect();
        if found.is_empty() {
            let message = "no Valkey or Redis server found; run `make setup` to fetch them";
            return Err(io::Error::new(io::ErrorKind::NotFound, message));
        }
        let kinds = found.into_iter().cycle().take(COUNT);
        let starting: Vec<_> = kinds
            .map(|kind| thread::spawn(move || Node::start(kind)))
            .collect();
        let nodes: io::Result<Vec<Node>> = starting
            .into_iter()
            .map(|node| node.join().expect("starting a server does not panic"))
            .collect();
        let nodes = nodes?;
        let urls = nodes.iter().map(|node| node.server.url());
        let observer = Client::connect(urls).map_err(io::Error::other)?;
        Ok(Nodes { nodes, observer })
    }

    /// The URL of each.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.server.url()).collect()
    }

    /// The server that keeps the queue of waiters at this moment.
    pub(crate) fn home(&self) -> usize {
        let seen = self
            .observer
            .inspect(RESOURCE)
            .map(|seen| seen.nodes)
            .unwrap_or_default();
        let waiters = |index: usize| seen.get(index).and_then(|node| node.waiters).unwrap_or(0);
        (0..COUNT).max_by_key(|&index| waiters(index)).unwrap_or(0)
    }

    /// Ends a server at once.
    pub(crate) fn kill(&mut self, index: usize) {
        self.nodes[index].server.kill();
        self.nodes[index].state = State::Killed;
    }

    /// Starts a killed server again, with the data of its append-only file.
    pub(crate) fn start_again(&mut self, index: usize) {
        self.nodes[index].server.start_again();
        self.nodes[index].state = State::Up;
    }

    /// Stops a server without ending it.
    pub(crate) fn pause(&mut self, index: usize) {
        self.nodes[index].server.pause();
        self.nodes[index].state = State::Paused;
    }

    /// Lets a paused server go on.
    pub(crate) fn resume(&mut self, index: usize) {
        self.nodes[index].server.resume();
        self.nodes[index].state = State::Up;
    }
}

impl Node {
    fn start(kind: ServerKind) -> io::Result<Node> {
        // What was acknowledged survives kill -9 without a sync per write: the kernel has it.
        let options = ServerOptions::new(kind)
            .append_only()
            .config("appendfsync everysec");
        let server = options.start()?;
        let product = if kind == ServerKind::Valkey {
            "Valkey"
        } else {
            "Redis"
        };
        let name = format!("{product} {}", server.version());
        Ok(Node {
            server,
            name,
            state: State::Up,
        })
    }
}
