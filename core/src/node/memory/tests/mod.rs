//! The store against what the scripts say, and the node around it.

mod claim;
mod handover;
mod lease;
mod node;
mod queue;

use crate::config::{FencingToken, Keys, OwnerToken, TicketId, Ttl};
use crate::error::{Fault, FaultClass};
use crate::node::memory::store::{MemoryStore, ServerTime};
use crate::protocol::{
    Claim, ClientId, Command, Counted, Grant, LeaseWord, Place, Refusal, RefusalKind, Release,
    ReleaseWord, Renewal, Reply, Spent, View, WaiterId, Wake,
};

/// Where every desk's clocks begin: not 0, and not equal, so that mixed up clocks show.
const ELAPSED: u64 = 7_000_000;
const WALL: u64 = 1_700_000_000_000_000;

/// The ttl of every claim.
const TTL_MS: u64 = 1000;

/// A store with a hand on its clock and an ear on its channels.
struct Desk {
    store: MemoryStore,
    now: ServerTime,
    /// Clients that listen.
    live: Vec<ClientId>,
    woken: Vec<u64>,
}

impl Desk {
    fn new() -> Self {
        let now = ServerTime {
            elapsed_micros: ELAPSED,
            wall_micros: WALL,
        };
        Desk {
            store: MemoryStore::new(),
            now,
            live: vec![client("a"), client("b")],
            woken: Vec::new(),
        }
    }

    fn pass_micros(&mut self, micros: u64) {
        self.now.elapsed_micros += micros;
        self.now.wall_micros += micros;
    }

    fn pass_ms(&mut self, ms: u64) {
        self.pass_micros(ms * 1000);
    }

    fn try_run(&mut self, command: &Command) -> Result<Reply, Fault> {
        let Desk {
            store,
            now,
            live,
            woken,
        } = self;
        store.apply(*now, command, &mut |client, waiter| {
            let listens = live.contains(client);
            woken.extend(listens.then_some(waiter));
            listens
        })
    }

    fn run(&mut self, command: &Command) -> Reply {
        self.try_run(command).expect("no fault")
    }

    fn acquire(&mut self, owner: u8) -> Reply {
        self.run(&Command::Acquire(claim(owner)))
    }

    fn poll(&mut self, owner: u8, waiter: u64) -> Reply {
        self.run(&Command::Poll(claim(owner), place("a", waiter)))
    }

    fn release(&mut self, owner: u8) -> Reply {
        self.run(&Command::Release(release(owner)))
    }

    fn view(&mut self) -> View {
        match self.run(&Command::Inspect { keys: keys() }) {
            Reply::View(view) => view,
            other => panic!("{other:?}"),
        }
    }
}

fn keys() -> Keys {
    Keys::new("t:", "door").expect("valid")
}

fn token(owner: u8) -> OwnerToken {
    OwnerToken::parse(&format!("q1.{owner:040x}.test/1/rust/")).expect("well formed")
}

fn client(name: &str) -> ClientId {
    ClientId(name.into())
}

fn ticket(id: &str) -> TicketId {
    let entropy = Same(id.bytes().next().unwrap_or(0));
    TicketId::fresh(&entropy)
}

struct Same(u8);

impl crate::config::Entropy for Same {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

fn claim(owner: u8) -> Claim {
    let ttl = Ttl::from_millis(TTL_MS).expect("in bounds");
    Claim {
        keys: keys(),
        token: token(owner),
        ttl,
        proposal: Some(0),
        heed_queue: true,
    }
}

fn place(name: &str, number: u64) -> Place {
    Place {
        waiter: WaiterId {
            client: client(name),
            number,
        },
        beat_ms: 100,
        score: None,
        at: 0,
    }
}

fn release(owner: u8) -> Release {
    Release {
        keys: keys(),
        token: token(owner),
        fence: None,
        tomb_ms: 0,
        spent: None,
        wake: Wake::First,
        put_back: None,
    }
}

fn fence(number: u64) -> Option<FencingToken> {
    FencingToken::new(number)
}

fn counted(number: u64) -> Counted {
    Counted::At(fence(number).expect("a token"))
}

fn granted(number: u64) -> Reply {
    Reply::Granted(Grant {
        counted: counted(number),
        again: false,
        score: None,
        slots: Vec::new(),
    })
}

fn granted_again(number: u64) -> Reply {
    Reply::Granted(Grant {
        counted: counted(number),
        again: true,
        score: None,
        slots: Vec::new(),
    })
}

fn refused(why: RefusalKind) -> Reply {
    Reply::Refused(Refusal::bare(why))
}

fn held(ttl_ms: u64) -> Reply {
    Reply::Refused(Refusal {
        ttl_ms: Some(ttl_ms),
        ..Refusal::bare(RefusalKind::Held)
    })
}

fn released(word: ReleaseWord) -> Reply {
    Reply::Released(word)
}

fn renewal(owner: u8, fence: Option<FencingToken>) -> Renewal {
    Renewal {
        keys: keys(),
        token: token(owner),
        ttl: Ttl::from_millis(TTL_MS).expect("in bounds"),
        fence,
        stance: None,
    }
}

fn extended(word: LeaseWord) -> Reply {
    Reply::Extended(vec![word])
}

fn class(result: Result<Reply, Fault>) -> FaultClass {
    result.expect_err("a fault").class
}
