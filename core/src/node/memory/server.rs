//! An embedded server: data, a clock, and the clients that listen to it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::UnboundedSender;

use crate::config::Clock;
use crate::error::Fault;
use crate::node::memory::node::MemoryNode;
use crate::node::memory::store::{MemoryStore, ServerTime};
use crate::protocol::{ClientId, Command, Reply};

/// A server inside this process, shared by all clients that connect to it.
pub struct MemoryServer {
    clock: Arc<dyn Clock>,
    run_id: String,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    store: MemoryStore,
    /// A client that lists this server twice listens twice.
    listeners: BTreeMap<ClientId, Vec<Listener>>,
    connections: u64,
}

struct Listener {
    connection: u64,
    wake: UnboundedSender<u64>,
}

impl MemoryServer {
    /// A server without data that goes by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        // Unlike within the process is all that is asked of a run id.
        static SERVERS: AtomicU64 = AtomicU64::new(0);
        let run_id = format!("memory-{}", SERVERS.fetch_add(1, Ordering::Relaxed));
        Arc::new(MemoryServer {
            clock,
            run_id,
            inner: Mutex::default(),
        })
    }

    /// Connects a client; the numbers of its waiters that are woken go to `wake` until the node is
    /// closed or dropped.
    pub fn connect(
        self: &Arc<Self>,
        address: String,
        client: ClientId,
        wake: UnboundedSender<u64>,
    ) -> MemoryNode {
        let mut inner = self.lock();
        inner.connections += 1;
        let connection = inner.connections;
        inner
            .listeners
            .entry(client.clone())
            .or_default()
            .push(Listener { connection, wake });
        MemoryNode::new(self.clone(), address, client, connection)
    }

    /// Looks into the server's data, or changes them behind the clients' backs.
    #[cfg(any(test, feature = "testing"))]
    pub fn with_store<T>(&self, with: impl FnOnce(&mut MemoryStore, ServerTime) -> T) -> T {
        let now = self.now();
        with(&mut self.lock().store, now)
    }

    /// Runs a command of a connection; `None` once that was disconnected.
    pub(super) fn run(
        &self,
        client: &ClientId,
        connection: u64,
        command: &Command,
    ) -> Option<Result<Reply, Fault>> {
        let Inner {
            store, listeners, ..
        } = &mut *self.lock();
        if !listeners
            .get(client)?
            .iter()
            .any(|listener| listener.connection == connection)
        {
            return None;
        }
        let mut publish = |client: &ClientId, waiter: u64| {
            let there = listeners.get(client).map_or(&[][..], Vec::as_slice);
            // All of them, not just the first.
            there
                .iter()
                .filter(|listener| listener.wake.send(waiter).is_ok())
                .count()
                > 0
        };
        let mut result = store.apply(self.now(), command, &mut publish);
        if let Ok(Reply::Facts(facts)) = &mut result {
            facts.run_id = Some(self.run_id.clone());
        }
        Some(result)
    }

    /// Ends a connection: nothing of it runs any more, and its channel is gone.
    pub(super) fn disconnect(&self, client: &ClientId, connection: u64) {
        let mut inner = self.lock();
        if let Some(there) = inner.listeners.get_mut(client) {
            there.retain(|listener| listener.connection != connection);
            if there.is_empty() {
                inner.listeners.remove(client);
            }
        }
    }

    fn now(&self) -> ServerTime {
        ServerTime {
            elapsed_micros: self.clock.now().as_nanos() / 1000,
            wall_micros: self.clock.wall_micros(),
        }
    }

    /// A panic of one client is not the others': every command leaves whole data behind.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
