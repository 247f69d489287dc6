//! The simulated server as the engine's node.

use std::sync::Arc;

use quorlock::testing::node::{Link, Node, Submission};
use tokio::sync::watch;

use crate::world::World;

/// One client's way to one server of the simulated world.
pub(crate) struct SimulatedNode {
    pub(crate) world: Arc<World>,
    pub(crate) wire: usize,
    pub(crate) address: String,
}

impl Node for SimulatedNode {
    fn address(&self) -> &str {
        &self.address
    }

    fn submit(&self, submission: Submission) {
        self.world.submit(self.wire, submission);
    }

    fn link(&self) -> watch::Receiver<Link> {
        self.world.net().wires[self.wire].watch()
    }

    fn epoch(&self) -> Option<u64> {
        match &self.world.net().wires[self.wire].link {
            Link::Up { epoch, .. } => Some(*epoch),
            Link::Connecting | Link::Down(_) => None,
        }
    }

    fn votes(&self) -> bool {
        let net = self.world.net();
        let wire = &net.wires[self.wire];
        wire.is_up() && wire.standing.votes()
    }

    fn close(&self) {
        self.world.close(self.wire);
    }
}
