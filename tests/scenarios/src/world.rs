//! The servers of one run, each behind a fault proxy, and what happens to them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use quorlock_test_support::{
    Flow, NewConnections, Proxy, Reply, Server, ServerKind, ServerOptions, Servers, holds_within,
};
use serde_json::{Value, json};

use crate::case::ServerPlan;
use crate::step::{NodeFault, Nodes};

/// Servers and their proxies.
pub(crate) struct World {
    plan: ServerPlan,
    servers: Servers,
    proxies: Vec<Proxy>,
}

/// Servers that were used and are as new: starting one costs more than emptying it.
#[derive(Default)]
pub(crate) struct Pool(Mutex<HashMap<ServerPlan, Vec<Servers>>>);

impl Pool {
    fn take(&self, plan: &ServerPlan) -> Option<Servers> {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        free.get_mut(plan).and_then(Vec::pop)
    }

    fn give(&self, plan: ServerPlan, servers: Servers) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(plan)
            .or_default()
            .push(servers);
    }
}

impl World {
    /// Servers as planned, without any key.
    pub(crate) fn make(plan: &ServerPlan, pool: &Pool) -> Result<World, String> {
        let servers = match pool.take(plan) {
            Some(servers) => servers,
            None => start(plan)?,
        };
        let proxies = servers
            .iter()
            .map(|server| Proxy::start(server.addr()))
            .collect();
        Ok(World {
            plan: plan.clone(),
            servers,
            proxies,
        })
    }

    /// Gives the servers back where nothing of the run is left in them. No client may be connected any more.
    pub(crate) fn give_back(self, pool: &Pool) {
        drop(self.proxies);
        let clean = |server: &Server| {
            server.is_running()
                && server
                    .try_command(&["FLUSHALL"])
                    .is_ok_and(|reply| reply.is_ok())
                && server
                    .try_command(&["SCRIPT", "FLUSH"])
                    .is_ok_and(|reply| reply.is_ok())
        };
        if self.servers.iter().all(clean) {
            pool.give(self.plan, self.servers);
        }
    }

    /// Ends every fault, as far as servers still live.
    pub(crate) fn heal(&self) {
        for (server, proxy) in self.servers.iter().zip(&self.proxies) {
            if server.is_running() {
                server.resume();
            }
            proxy.pass();
        }
    }

    /// Where each node is, by the names that scenarios use.
    pub(crate) fn addresses(&self) -> Vec<(String, Value)> {
        let mut known = vec![("nodes".to_owned(), self.urls().into())];
        for (index, (server, proxy)) in self.servers.iter().zip(&self.proxies).enumerate() {
            known.push((format!("node{index}"), self.url(proxy).into()));
            known.push((format!("addr{index}"), proxy.addr().to_string().into()));
            known.push((format!("server{index}"), server.addr().to_string().into()));
            known.push((format!("unix{index}"), server.unix_url().into()));
            known.push((format!("port{index}"), server.port().into()));
        }
        known
    }

    /// The URL of each node.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.proxies.iter().map(|proxy| self.url(proxy)).collect()
    }

    fn url(&self, proxy: &Proxy) -> String {
        match &self.plan.password {
            Some(password) => format!("redis://:{password}@{}", proxy.addr()),
            None => proxy.url(),
        }
    }

    /// Brings a fault to some nodes, or takes it from them.
    pub(crate) fn strike(&self, fault: NodeFault, nodes: &Nodes) -> Result<(), String> {
        for index in self.indices(nodes)? {
            let (server, proxy) = (&self.servers[index], &self.proxies[index]);
            match fault {
                NodeFault::Cut => {
                    proxy.on_connect(NewConnections::Refuse);
                    proxy.cut();
                }
                NodeFault::Sever => proxy.cut(),
                NodeFault::Hold => proxy.both(Flow::Hold),
                NodeFault::Delay { ms } => proxy.replies(Flow::delay(Duration::from_millis(ms))),
                NodeFault::Heal => proxy.pass(),
                NodeFault::Pause => server.pause(),
                NodeFault::Resume => server.resume(),
                NodeFault::Kill => server.kill(),
                NodeFault::Restart => server.start_again(),
            }
        }
        Ok(())
    }

    /// What each of these servers says to a command.
    pub(crate) fn command(&self, words: &[String], nodes: &Nodes) -> Result<Vec<Value>, String> {
        let ask = |index: usize| {
            let reply = self.servers[index]
                .try_command(words)
                .map_err(|error| format!("server {index}: {error}"));
            reply.map(|reply| as_json(&reply))
        };
        self.indices(nodes)?.into_iter().map(ask).collect()
    }

    /// Every lock, queue and heartbeat on living servers, once there is none; or what there still is.
    pub(crate) fn leftovers(&self, within: Duration) -> Vec<String> {
        let mut found = Vec::new();
        holds_within(within, || {
            found = self
                .servers
                .iter()
                .filter(|server| server.is_running())
                .flat_map(locks)
                .collect();
            found.is_empty()
        });
        found
    }

    fn indices(&self, nodes: &Nodes) -> Result<Vec<usize>, String> {
        let count = self.servers.len();
        match nodes {
            Nodes::All => Ok((0..count).collect()),
            Nodes::Home(resource) => Ok(vec![home_of(resource, count)]),
            Nodes::These(indices) => match indices.iter().find(|index| **index >= count) {
                Some(index) => Err(format!("there is no node {index}")),
                None => Ok(indices.clone()),
            },
        }
    }
}

fn start(plan: &ServerPlan) -> Result<Servers, String> {
    let kind = match plan.kind.as_str() {
        "valkey" => ServerKind::Valkey,
        "redis62" => ServerKind::Redis62,
        "redis82" => ServerKind::Redis82,
        other => return Err(format!("{other:?} is no kind of server")),
    };
    let mut options = ServerOptions::new(kind);
    if plan.durable {
        options = options.append_only();
    }
    if let Some(password) = &plan.password {
        options = options.password(password);
    }
    for line in &plan.config {
        options = options.config(line);
    }
    Servers::try_start(plan.count, &options)
        .map_err(|error| format!("the servers do not start: {error}"))
}

/// Keys of locks and queues; counters, and marks that go with their ttl, are no leftovers.
fn locks(server: &Server) -> Vec<String> {
    let Ok(keys) = server.try_command(&["KEYS", "*"]) else {
        return Vec::new();
    };
    let mut found: Vec<String> = keys.items().iter().filter_map(Reply::text).collect();
    found.retain(|key| {
        let stays = key.contains("quorlock:fence:") || key.ends_with("quorlock:marker");
        !stays && !key.contains(":tomb:") && !key.contains(":spent:")
    });
    found
}

/// FNV-1a(key) mod N, as `core/docs/protocol.md` says.
fn home_of(key: &str, nodes: usize) -> usize {
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    usize::try_from(hash % nodes as u64).unwrap_or_default()
}

fn as_json(reply: &Reply) -> Value {
    match reply {
        Reply::Int(number) => json!(number),
        Reply::Array(items) => items.iter().map(as_json).collect(),
        Reply::Error(message) => json!({ "error": message }),
        other => json!(other.text()),
    }
}
