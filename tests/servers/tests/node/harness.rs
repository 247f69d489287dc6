//! A node with its driver, and short ways to say commands.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use quorlock::testing::config::{
    Entropy, FencingToken, Keys, NodeAddress, OwnerLabel, OwnerToken, Ttl,
};
use quorlock::testing::node::{
    Answer, Link, Mailbox, Node, RedisNode, RedisPipeline, RedisSettings, Submission, Void,
};
use quorlock::testing::protocol::{
    Abilities, Claim, ClientId, Command, Place, Release, Reply, WaiterId, Wake,
};
use quorlock::{Fault, FaultClass};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

pub(crate) const PREFIX: &str = "app:";
pub(crate) const CLIENT: &str = "c1";
/// Longer than anything takes unless it hangs.
pub(crate) const LONG: Duration = Duration::from_secs(10);

/// Fresh bits; good enough for tokens that only must differ.
pub(crate) struct Dice;

impl Entropy for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let number = RandomState::new().build_hasher().finish();
            chunk.copy_from_slice(&number.to_le_bytes()[..chunk.len()]);
        }
    }
}

/// What a test may want otherwise.
pub(crate) struct Wish {
    pub(crate) stall_after: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) prefix: &'static str,
    pub(crate) plain_claims: bool,
    pub(crate) pipeline: RedisPipeline,
    pub(crate) tls_ca_pem: Option<String>,
    pub(crate) tls_verify: bool,
}

impl Default for Wish {
    fn default() -> Self {
        Wish {
            stall_after: Duration::from_secs(2),
            connect_timeout: Duration::from_secs(2),
            prefix: PREFIX,
            plain_claims: false,
            pipeline: RedisPipeline::default(),
            tls_ca_pem: None,
            tls_verify: true,
        }
    }
}

/// A node that is driven.
pub(crate) struct Driven {
    pub(crate) node: Arc<RedisNode>,
    pub(crate) woken: mpsc::UnboundedReceiver<u64>,
    pub(crate) driver: JoinHandle<()>,
    connect_timeout: Duration,
}

impl Driven {
    pub(crate) fn to(url: &str) -> Driven {
        Driven::with(url, Wish::default())
    }

    pub(crate) fn with(url: &str, wish: Wish) -> Driven {
        let address = NodeAddress::parse("nodes[0]", url).expect("a valid URL");
        let (wake, woken) = mpsc::unbounded_channel();
        let settings = RedisSettings {
            connect_timeout: wish.connect_timeout,
            stall_after: wish.stall_after,
            tls_ca_pem: wish.tls_ca_pem,
            tls_verify: wish.tls_verify,
            wake_channel: format!("{}quorlock:wake:{CLIENT}", wish.prefix),
            key_prefix: wish.prefix.to_owned(),
            entropy: Arc::new(Dice),
            plain_claims: wish.plain_claims,
            guard: None,
        };
        let (node, driver) = RedisNode::with_pipeline(address, settings, wake, wish.pipeline);
        let connect_timeout = wish.connect_timeout;
        Driven {
            node: Arc::new(node),
            woken,
            driver: tokio::spawn(driver),
            connect_timeout,
        }
    }

    /// Submits and gives where the answer will come.
    pub(crate) fn submit(&self, command: Command, void: &Void) -> Pending {
        self.submit_within(self.connect_timeout, command, void)
    }

    /// Submits what may wait so long for a connection.
    pub(crate) fn submit_within(&self, wait: Duration, command: Command, void: &Void) -> Pending {
        let answers = Mailbox::new();
        self.node.submit(Submission {
            command: command.into(),
            connect_by: Instant::now() + wait,
            void: void.clone(),
            answer: Answer::new(0, answers.clone()),
        });
        Pending(answers)
    }

    pub(crate) async fn ask(&self, command: Command) -> Result<Reply, Fault> {
        self.submit(command, &Void::default()).get().await
    }

    /// Waits for a link that is as wished.
    pub(crate) async fn link(&self, mut wished: impl FnMut(&Link) -> bool) -> Link {
        let mut link = self.node.link();
        let found = timeout(LONG, link.wait_for(|link| wished(link))).await;
        found
            .expect("the link comes to it")
            .expect("the driver lives")
            .clone()
    }

    /// Waits for a connection: its number and what can be done there.
    pub(crate) async fn up(&self) -> (u64, Abilities) {
        match self.link(|link| matches!(link, Link::Up { .. })).await {
            Link::Up {
                epoch, abilities, ..
            } => (epoch, abilities),
            other => panic!("not up: {other:?}"),
        }
    }

    /// Waits until the link is down for a reason of this class.
    pub(crate) async fn down(&self, class: FaultClass) -> Fault {
        match self
            .link(|link| matches!(link, Link::Down(fault) if fault.class == class))
            .await
        {
            Link::Down(fault) => fault,
            other => panic!("not down: {other:?}"),
        }
    }
}

/// An answer that is to come.
pub(crate) struct Pending(Arc<Mailbox>);

impl Pending {
    /// The answer. That there is only one needs no look: giving it uses the way back up.
    pub(crate) async fn get(self) -> Result<Reply, Fault> {
        let answered = timeout(LONG, self.0.next()).await;
        answered.expect("every submission is answered").result
    }
}

pub(crate) fn keys(name: &str) -> Keys {
    Keys::new(PREFIX, name).expect("a valid name")
}

pub(crate) fn token() -> OwnerToken {
    OwnerToken::fresh(&Dice, &OwnerLabel::new("host", 1, "test", ""))
}

pub(crate) fn claim(name: &str, token: &OwnerToken) -> Claim {
    let ttl = Ttl::from_millis(60_000).expect("in bounds");
    Claim {
        keys: keys(name),
        token: token.clone(),
        ttl,
        proposal: None,
        heed_queue: false,
    }
}

pub(crate) fn acquire(name: &str, token: &OwnerToken) -> Command {
    Command::Acquire(claim(name, token))
}

pub(crate) fn release_of(name: &str, token: &OwnerToken) -> Release {
    let (keys, token) = (keys(name), token.clone());
    Release {
        keys,
        token,
        fence: None,
        tomb_ms: 0,
        spent: None,
        wake: Wake::First,
        put_back: None,
    }
}

pub(crate) fn release(name: &str, token: &OwnerToken) -> Command {
    Command::Release(release_of(name, token))
}

pub(crate) fn waiter(number: u64) -> WaiterId {
    WaiterId {
        client: ClientId(CLIENT.into()),
        number,
    }
}

pub(crate) fn place(number: u64, score: Option<u64>) -> Place {
    Place {
        waiter: waiter(number),
        beat_ms: 60_000,
        score,
        at: 0,
    }
}

pub(crate) fn fence(number: u64) -> FencingToken {
    FencingToken::new(number).expect("in bounds")
}
