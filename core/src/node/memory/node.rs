//! One client's way to an embedded server.

use std::sync::Arc;

use tokio::sync::watch;

use crate::error::{Fault, FaultClass};
use crate::node::memory::server::MemoryServer;
use crate::node::{Link, Node, Standing, Submission};
use crate::protocol::{Abilities, ClientId};

/// What an embedded server can do. A script costs no more here than plain words, and says more.
pub(super) const ABILITIES: Abilities = Abilities {
    scripts: true,
    time: true,
    fencing: true,
    queue: true,
    wake: true,
    plain: false,
    compare_delete: None,
};

/// A [`MemoryServer`] as one client's node. Every command is run and answered before `submit`
/// returns, so the link is up from the first moment to the last.
pub struct MemoryNode {
    server: Arc<MemoryServer>,
    address: String,
    client: ClientId,
    connection: u64,
    link: watch::Sender<Link>,
}

impl MemoryNode {
    pub(super) fn new(
        server: Arc<MemoryServer>,
        address: String,
        client: ClientId,
        connection: u64,
    ) -> Self {
        let link = watch::Sender::new(Link::Up {
            epoch: 1,
            abilities: ABILITIES,
            // Whoever lost its data is gone with it.
            standing: Standing::Unasked,
        });
        MemoryNode {
            server,
            address,
            client,
            connection,
            link,
        }
    }
}

impl Node for MemoryNode {
    fn address(&self) -> &str {
        &self.address
    }

    fn submit(&self, submission: Submission) {
        let Submission {
            command,
            void,
            answer,
            ..
        } = submission;
        if void.is_set() && command.leaves_state() {
            answer.give(Err(Fault::refused(
                FaultClass::Timeout,
                "the attempt was given up before it was sent",
            )));
            return;
        }
        let result = self.server.run(&self.client, self.connection, &command);
        answer.give(result.unwrap_or_else(|| Err(closed())));
    }

    fn link(&self) -> watch::Receiver<Link> {
        self.link.subscribe()
    }

    fn epoch(&self) -> Option<u64> {
        self.link.borrow().epoch()
    }

    fn abilities(&self) -> Option<Abilities> {
        self.link.borrow().abilities()
    }

    fn close(&self) {
        self.server.disconnect(&self.client, self.connection);
        self.link.send_replace(Link::Down(closed()));
    }
}

impl Drop for MemoryNode {
    fn drop(&mut self) {
        self.server.disconnect(&self.client, self.connection);
    }
}

fn closed() -> Fault {
    Fault::refused(FaultClass::Closed, "the client was closed")
}
