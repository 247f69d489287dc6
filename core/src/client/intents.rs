//! A writer's intent, made known on every node: while it stands, no new reader comes in.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::time::Instant;

use crate::client::engine::Engine;
use crate::config::Keys;
use crate::node::{Answer, Mailbox, Submission, Void};
use crate::protocol::{Command, Place, Request, WaiterId};

/// The intents of one waiting writer. Each counts for as long as three polls, is renewed by every
/// poll, and is taken back when this is dropped.
pub(crate) struct Intents {
    engine: Arc<Engine>,
    keys: Keys,
    upgrades: bool,
    waiter: Option<WaiterId>,
    stood: BTreeSet<usize>,
}

impl Intents {
    /// None yet, of a writer that has the lock as upgradeable or not at all.
    pub(crate) fn new(engine: &Arc<Engine>, keys: &Keys, upgrades: bool) -> Self {
        Intents {
            engine: Arc::clone(engine),
            keys: keys.clone(),
            upgrades,
            waiter: None,
            stood: BTreeSet::new(),
        }
    }

    /// Renews them on every node but the `home`, which is polled.
    pub(crate) fn renew(&mut self, home: usize, place: &Place) {
        self.waiter = Some(place.waiter.clone());
        let others = (0..self.engine.fleet.size()).filter(|node| *node != home);
        let others: Vec<usize> = others.collect();
        self.stood.extend(&others);
        self.tell(&others, place.beat_ms);
    }

    fn tell(&self, nodes: &[usize], beat_ms: u64) {
        let Some(waiter) = &self.waiter else {
            return;
        };
        let command = Arc::<Request>::from(Command::Intend {
            keys: self.keys.clone(),
            waiter: waiter.clone(),
            upgrades: self.upgrades,
            beat_ms,
        });
        for &node in nodes {
            self.engine.fleet.nodes[node].submit(Submission {
                command: Arc::clone(&command),
                connect_by: Instant::now(),
                void: Void::default(),
                answer: Answer::new(node, Mailbox::new()),
            });
        }
    }
}

impl Drop for Intents {
    fn drop(&mut self) {
        let stood: Vec<usize> = self.stood.iter().copied().collect();
        self.tell(&stood, 0);
    }
}
