//! Starting an engine: nodes from addresses, and the parts that tests replace.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::client::clock::SystemClock;
use crate::client::engine::Engine;
use crate::client::entropy::SystemEntropy;
use crate::client::host::Host;
use crate::client::locked;
use crate::client::process::ProcessLocal;
use crate::client::runtime::Executor;
use crate::config::{
    Entropy, NodeAddress, OwnerLabel, Planted, Settings, Target, marker_key, random_hex,
    wake_channel,
};
use crate::error::Result;
use crate::node::{GuardTerms, MemoryServer, Node, RedisNode, RedisSettings};
use crate::protocol::ClientId;
use crate::quorum::{Crowd, Fleet, Proposals, Spawn};

type MemoryServers = Arc<Mutex<BTreeMap<String, Arc<MemoryServer>>>>;

/// The embedded nodes of this process, by name.
static MEMORY: ProcessLocal<MemoryServers> = ProcessLocal::empty();

/// An engine over real or embedded nodes, on the process's own runtime or the caller's.
pub(crate) fn engine(
    nodes: &[NodeAddress],
    settings: &Settings,
    runtime: Option<&Handle>,
    host: Host,
    closed: Arc<AtomicBool>,
) -> Result<Arc<Engine>> {
    let executor = match runtime {
        Some(handle) => Executor::Foreign(handle.clone()),
        None => Executor::own()?,
    };
    let spawner: Arc<dyn Spawn> = Arc::new(executor);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let guard = guard(settings, nodes.len());
    let id = client_id(&*entropy);
    let (wake, numbers) = mpsc::unbounded_channel();
    let mut connected: Vec<Arc<dyn Node>> = Vec::with_capacity(nodes.len());
    for address in nodes {
        connected.push(match &address.target {
            Target::Memory { name } => {
                let servers = MEMORY.get_or_make(|| Ok(MemoryServers::default()))?;
                let make = || MemoryServer::new(Arc::new(SystemClock));
                let server = Arc::clone(locked(&servers).entry(name.clone()).or_insert_with(make));
                Arc::new(server.connect(address.to_string(), id.clone(), wake.clone()))
            }
            Target::Tcp { .. } | Target::Unix { .. } => {
                let redis = RedisSettings {
                    connect_timeout: settings.connect_timeout,
                    stall_after: settings.node_timeout(settings.ttl),
                    tls_ca_pem: settings.tls_ca_pem.clone(),
                    tls_verify: settings.tls_verify,
                    wake_channel: wake_channel(&settings.key_prefix, &id.0),
                    key_prefix: settings.key_prefix.clone(),
                    plain_claims: true,
                    guard: guard.clone(),
                    entropy: Arc::clone(&entropy),
                };
                let (node, driver) = RedisNode::new(address.clone(), redis, wake.clone());
                spawner.spawn(Box::pin(driver));
                Arc::new(node)
            }
        });
    }
    let machine = nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok());
    let machine = machine.unwrap_or_else(|| "unknown-host".to_owned());
    let label = OwnerLabel::new(
        &machine,
        std::process::id(),
        &settings.language,
        &settings.owner,
    );
    let fleet = Arc::new(Fleet {
        nodes: connected,
        clock: Arc::new(SystemClock),
        entropy,
        spawner,
        busy: Arc::default(),
        crowd: Crowd::default(),
        proposals: Proposals::default(),
        guard,
        settings: settings.clone(),
        label,
        planted: Planted::default(),
    });
    Ok(Engine::start(fleet, id, numbers, host, closed))
}

/// What keeps nodes that lost data from voting.
fn guard(settings: &Settings, nodes: usize) -> Option<GuardTerms> {
    let key = marker_key(&settings.key_prefix);
    let is_on = settings.restart_guard.is_on(nodes);
    is_on.then(|| GuardTerms::new(key, settings.ttl))
}

fn client_id(entropy: &dyn Entropy) -> ClientId {
    ClientId(random_hex(entropy)[..16].into())
}

/// Makes a client's nodes, given its id and where wake-ups go.
#[cfg(feature = "testing")]
pub type MakeNodes = dyn FnOnce(ClientId, mpsc::UnboundedSender<u64>) -> Vec<Arc<dyn Node>>;

/// What a test puts in place of the real world.
#[cfg(feature = "testing")]
pub struct Parts {
    /// The client's options.
    pub settings: Settings,
    /// Makes the nodes.
    pub nodes: Box<MakeNodes>,
    /// The client's clock.
    pub clock: Arc<dyn crate::config::Clock>,
    /// Its randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Runs its tasks: a test can stop them all for a while, as if the process were paused.
    pub spawner: Arc<dyn Spawn>,
    /// The planted bug, if any.
    pub planted: Planted,
}

#[cfg(feature = "testing")]
impl crate::client::Client {
    /// A client made of `parts`.
    pub fn from_parts(parts: Parts) -> Self {
        let spawner = parts.spawner;
        let id = client_id(&*parts.entropy);
        let (wake, numbers) = mpsc::unbounded_channel();
        let nodes = (parts.nodes)(id.clone(), wake);
        let guard = guard(&parts.settings, nodes.len());
        let fleet = Arc::new(Fleet {
            nodes,
            clock: parts.clock,
            entropy: parts.entropy,
            spawner,
            busy: Arc::default(),
            crowd: Crowd::default(),
            proposals: Proposals::default(),
            guard,
            settings: parts.settings.clone(),
            label: OwnerLabel::new("test", 0, &parts.settings.language, &id.0),
            planted: parts.planted,
        });
        let closed = Arc::<AtomicBool>::default();
        let engine = Engine::start(fleet, id, numbers, Host::default(), Arc::clone(&closed));
        let made = ProcessLocal::empty();
        // The slot is empty, so the engine just made is the one that is kept.
        drop(made.get_or_make(|| Ok(engine)));
        crate::client::Client {
            shared: Arc::new(crate::client::Shared {
                nodes: Arc::new(Vec::new()),
                settings: parts.settings,
                runtime: None,
                host: Host::default(),
                closed,
                engine: made,
            }),
        }
    }
}
