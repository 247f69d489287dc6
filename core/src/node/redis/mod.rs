//! A Redis or Valkey server as a node.
//!
//! One driver per node owns everything: the queue of submissions, the connection and its state. The
//! driver is a plain future; whoever makes the node decides where it runs.

mod backoff;
mod connection;
mod dial;
mod greeting;
mod guard;
mod owner;
mod serve;
mod tls;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::config::{Entropy, NodeAddress};
use crate::error::{Fault, FaultClass};
use crate::node::{GuardTerms, Link, Node, Submission};
use crate::protocol::Abilities;

use owner::{Order, Owner, Plan};
pub use tls::check_ca_pem;

/// How a node is reached and watched.
pub struct RedisSettings {
    /// The most time for each phase of connecting: to reach the server, TLS, the login.
    pub connect_timeout: Duration,
    /// After so long without a reply to what was sent, nothing that leaves state is sent.
    pub stall_after: Duration,
    /// Certificates of authorities to trust besides the usual ones, as PEM text.
    pub tls_ca_pem: Option<String>,
    /// False accepts any certificate.
    pub tls_verify: bool,
    /// The channel that wake-ups of this client's waiters come on.
    pub wake_channel: String,
    /// What every key of this client begins with.
    pub key_prefix: String,
    /// False puts every claim to a script, as users get it whose rights do not suffice for more.
    pub plain_claims: bool,
    /// What keeps this node from voting once it lost data; `None` lets it vote whatever happens.
    pub guard: Option<GuardTerms>,
    /// Where the jitter of reconnects comes from.
    pub entropy: Arc<dyn Entropy>,
}

/// How much is under way at a time.
#[derive(Debug, Clone, Copy)]
pub struct RedisPipeline {
    /// The most commands sent and not yet answered.
    pub commands_max: usize,
}

impl Default for RedisPipeline {
    fn default() -> Self {
        RedisPipeline { commands_max: 8192 }
    }
}

/// One Redis or Valkey server.
pub struct RedisNode {
    shown: String,
    orders: mpsc::UnboundedSender<Order>,
    link: watch::Receiver<Link>,
}

impl RedisNode {
    /// A node and the future that drives it. Nothing happens until the driver is polled; it dials
    /// at once then, and ends after [`Node::close`] or when the node is dropped.
    ///
    /// The numbers of waiters that a server wakes go to `wake`.
    pub fn new(
        address: NodeAddress,
        settings: RedisSettings,
        wake: mpsc::UnboundedSender<u64>,
    ) -> (RedisNode, impl Future<Output = ()> + Send + 'static) {
        Self::with_pipeline(address, settings, wake, RedisPipeline::default())
    }

    /// The same with another pipeline than the usual one.
    pub fn with_pipeline(
        address: NodeAddress,
        settings: RedisSettings,
        wake: mpsc::UnboundedSender<u64>,
        pipeline: RedisPipeline,
    ) -> (RedisNode, impl Future<Output = ()> + Send + 'static) {
        let shown = address.to_string();
        let (orders, inbox) = mpsc::unbounded_channel();
        let (link_tx, link) = watch::channel(Link::Connecting);
        let plan = Plan::new(address, settings, wake, pipeline);
        let driver = Owner::new(plan, inbox, link_tx).run();
        (
            RedisNode {
                shown,
                orders,
                link,
            },
            driver,
        )
    }
}

impl Node for RedisNode {
    fn address(&self) -> &str {
        &self.shown
    }

    fn submit(&self, submission: Submission) {
        if let Err(mpsc::error::SendError(Order::Submit(submission))) =
            self.orders.send(Order::Submit(submission))
        {
            submission.answer.give(Err(closed()));
        }
    }

    fn link(&self) -> watch::Receiver<Link> {
        self.link.clone()
    }

    fn epoch(&self) -> Option<u64> {
        self.link.borrow().epoch()
    }

    fn abilities(&self) -> Option<Abilities> {
        self.link.borrow().abilities()
    }

    fn votes(&self) -> bool {
        self.link.borrow().votes()
    }

    fn close(&self) {
        // A driver that has ended needs no telling.
        let _ = self.orders.send(Order::Close);
    }
}

fn closed() -> Fault {
    Fault::refused(FaultClass::Closed, "the client was closed")
}
