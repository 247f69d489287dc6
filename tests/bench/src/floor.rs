//! The floor: a lock with the bare client library and nothing of what makes one safe.
//!
//! One multiplexed connection per node, all nodes at once, back at the majority. No validity, no
//! clean-up, no waiting, no renewal, no time limit per node.

use std::cell::Cell;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, IntoConnectionInfo, ProtocolVersion, RedisResult, Value,
};

use crate::wire::{Ask, Dialect, PATIENCE, Words, scripts};

/// No benchmark has more callers.
const LANES_MAX: usize = 100;

/// Connections to all nodes.
pub(crate) struct Floor {
    dialect: Dialect,
    nodes: Vec<MultiplexedConnection>,
    release_digest: String,
    last: Cell<u64>,
}

/// Which half of a cycle an answer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Step(u64);

async fn put(mut node: MultiplexedConnection, ask: Ask, step: Step) -> (Step, RedisResult<Value>) {
    let answer = match ask {
        Ask::One(command) => node.send_packed_command(&command).await,
        Ask::Many(commands) => {
            let answers = node
                .send_packed_commands(&commands, 0, commands.len())
                .await;
            answers.map(Value::Array)
        }
    };
    (step, answer)
}

impl Floor {
    /// Connects and teaches the scripts; on the runtime that will drive the cycles.
    pub(crate) async fn connect(urls: &[String], dialect: Dialect) -> Floor {
        let mut floor = Floor {
            dialect,
            nodes: Vec::new(),
            release_digest: String::new(),
            last: Cell::new(0),
        };
        for url in urls {
            let info = url
                .as_str()
                .into_connection_info()
                .expect("a URL of the test support");
            let login = info
                .redis_settings()
                .clone()
                .set_protocol(ProtocolVersion::RESP3);
            let info = info
                .set_redis_settings(login)
                .set_tcp_settings(TcpSettings::default().set_nodelay(true));
            // With room for every lane: one that waits for room can be overtaken by its own release.
            let config = AsyncConnectionConfig::new()
                .set_response_timeout(None)
                .set_pipeline_buffer_size(LANES_MAX * 2);
            let client = Client::open(info).expect("a URL of the test support");
            let connected = client
                .get_multiplexed_async_connection_with_config(&config)
                .await;
            let mut node = connected.expect("the server runs");
            for script in scripts(dialect) {
                let mut load = redis::cmd("SCRIPT");
                load.arg("LOAD").arg(script);
                let digest: String = load
                    .query_async(&mut node)
                    .await
                    .expect("the script compiles");
                floor.release_digest = digest;
            }
            floor.nodes.push(node);
        }
        floor
    }

    /// One caller's way through cycles.
    pub(crate) fn lane(&self) -> Lane<'_> {
        Lane {
            floor: self,
            pending: FuturesUnordered::new(),
        }
    }

    /// Takes and gives back `name` once.
    fn words(&self, name: &str) -> Words {
        self.last.set(self.last.get() + 1);
        Words::new(self.dialect, name, self.last.get(), &self.release_digest)
    }
}

/// A caller of the floor. Answers after the majority are left to finish while it goes on: a future
/// that is dropped would un-send its command.
pub(crate) struct Lane<'a> {
    floor: &'a Floor,
    pending: FuturesUnordered<Asking>,
}

type Asking = std::pin::Pin<Box<dyn Future<Output = (Step, RedisResult<Value>)>>>;

impl Lane<'_> {
    /// Acquires and releases.
    pub(crate) async fn cycle(&mut self, name: &str) {
        let words = self.floor.words(name);
        self.round(words.acquire()).await;
        self.round(words.release()).await;
    }

    /// Acquires alone: one round trip to the majority, in nanoseconds; the release is not timed.
    pub(crate) async fn timed_round_trip(&mut self, name: &str) -> u64 {
        let words = self.floor.words(name);
        let begun = crate::usage::monotonic_ns();
        self.round(words.acquire()).await;
        let took = crate::usage::monotonic_ns() - begun;
        self.round(words.release()).await;
        took
    }

    /// The same to all nodes; ends once a majority said yes.
    async fn round(&mut self, ask: Ask) {
        self.floor.last.set(self.floor.last.get() + 1);
        let step = Step(self.floor.last.get());
        for node in &self.floor.nodes {
            self.pending
                .push(Box::pin(put(node.clone(), ask.clone(), step)));
        }
        let quorum = self.floor.nodes.len() / 2 + 1;
        let mut yes = 0;
        while yes < quorum {
            let (of, answer) = self.pending.next().await.expect("a majority says yes");
            let answer = answer.expect("the server answers");
            if of == step && Words::is_yes(&answer) {
                yes += 1;
            }
        }
    }

    /// Waits for what is still under way.
    pub(crate) async fn finish(mut self) {
        let rest = async { while self.pending.next().await.is_some() {} };
        tokio::time::timeout(PATIENCE, rest)
            .await
            .expect("the servers answer");
    }
}
