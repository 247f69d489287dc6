//! What is done to every target in turn, and the small world it is done in.

use quorlock::testing::config::{
    Entropy, FencingToken, Keys, Mode, OwnerToken, Stance, TicketId, Ttl,
};
use quorlock::testing::protocol::{
    Claim, ClientId, Command, Place, Release, Renewal, Spent, WaiterId, Wake,
};

/// Clients that are subscribed to their channels; every other one is gone.
pub(crate) const LISTENING: [&str; 2] = ["a", "b"];

/// The prefix of all keys.
pub(crate) const PREFIX: &str = "t:";

/// A score that stands for the one the target itself told the waiter last.
pub(crate) const OWN_SCORE: u64 = u64::MAX;

/// Long enough not to end within a test.
pub(crate) const LONG_MS: u64 = 60_000;

/// One step.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Run(Command),
    Set(String, &'static str, Option<u64>),
    SetHash(String),
    Remove(String),
}

/// The keys of `door`, of `door+roof` as one lock, of two slots of three of a semaphore (`pool#3#2`), or
/// of these very ones (`pool#3#2#0,2`).
pub(crate) fn keys(name: &str) -> Keys {
    let fields: Vec<&str> = name.split('#').collect();
    let number = |text: &str| text.parse().expect("a number");
    let keys = match fields[..] {
        [names] if names.contains('+') => {
            Keys::several(PREFIX, &names.split('+').collect::<Vec<_>>())
        }
        [name] => Keys::new(PREFIX, name),
        [name, limit, wanted, ref slots @ ..] => {
            let slots = slots.iter().flat_map(|slots| slots.split(',')).map(number);
            let slots: Vec<u32> = slots.collect();
            let pool = Keys::pool(PREFIX, name, number(limit), number(wanted));
            pool.map(|pool| pool.with_slots(&slots))
        }
        _ => panic!("{name}"),
    };
    keys.expect("valid")
}

pub(crate) fn owner(number: u64) -> OwnerToken {
    OwnerToken::parse(&format!("q1.{number:040x}.test/1/rust/")).expect("well formed")
}

pub(crate) fn ticket(number: u8) -> TicketId {
    struct Same(u8);
    impl Entropy for Same {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }
    TicketId::fresh(&Same(number))
}

pub(crate) fn claim(name: &str, by: u64) -> Claim {
    Claim {
        keys: keys(name),
        token: owner(by),
        ttl: ttl(LONG_MS),
        proposal: Some(1),
        heed_queue: true,
    }
}

pub(crate) fn ttl(ms: u64) -> Ttl {
    Ttl::from_millis(ms).expect("in bounds")
}

pub(crate) fn token(number: u64) -> FencingToken {
    FencingToken::new(number).expect("a token")
}

pub(crate) fn waiter(client: &str, number: u64) -> WaiterId {
    WaiterId {
        client: ClientId(client.into()),
        number,
    }
}

pub(crate) fn place(client: &str, number: u64) -> Place {
    Place {
        waiter: waiter(client, number),
        beat_ms: LONG_MS,
        score: None,
        at: 0,
    }
}

pub(crate) fn acquire(name: &str, by: u64) -> Step {
    Step::Run(Command::Acquire(claim(name, by)))
}

pub(crate) fn poll(name: &str, by: u64, place: Place) -> Step {
    Step::Run(Command::Poll(claim(name, by), place))
}

pub(crate) fn leave(name: &str, waiter: WaiterId) -> Step {
    Step::Run(Command::Leave {
        keys: keys(name),
        waiter,
    })
}

pub(crate) fn call(name: &str) -> Step {
    Step::Run(Command::Call { keys: keys(name) })
}

pub(crate) fn giving_back(name: &str, by: u64) -> Release {
    Release {
        keys: keys(name),
        token: owner(by),
        fence: None,
        tomb_ms: 0,
        spent: None,
        wake: Wake::First,
        put_back: None,
    }
}

pub(crate) fn release(name: &str, by: u64) -> Step {
    Step::Run(Command::Release(giving_back(name, by)))
}

pub(crate) fn renewal(name: &str, by: u64) -> Renewal {
    Renewal {
        keys: keys(name),
        token: owner(by),
        ttl: ttl(LONG_MS),
        fence: None,
        stance: None,
    }
}

pub(crate) fn extend(leases: Vec<Renewal>, fill_in: Option<TicketId>) -> Step {
    Step::Run(Command::Extend { leases, fill_in })
}

pub(crate) fn raise(name: &str, by: u64, to: u64) -> Step {
    Step::Run(Command::Raise {
        keys: keys(name),
        token: owner(by),
        to,
        past: false,
    })
}

/// A ticket whose work is done.
pub(crate) fn spent(number: u8, from: u64, retention_ms: u64) -> Spent {
    Spent {
        ticket: ticket(number),
        from: owner(from),
        retention_ms,
    }
}

pub(crate) fn adopt(name: &str, from: u64, to: u64, by_ticket: u8) -> Step {
    let (claim, from, ticket) = (claim(name, to), owner(from), ticket(by_ticket));
    Step::Run(Command::Adopt {
        claim,
        from,
        ticket,
        seen_ms: LONG_MS,
    })
}

/// The same step about a read/write lock, in this mode and operation.
pub(crate) fn shared(mode: Mode, op: u64, step: Step) -> Step {
    let stance = Stance { mode, op };
    match step {
        Step::Run(Command::Extend { leases, fill_in }) => {
            let stance = Some(stance);
            let leases = leases.into_iter();
            let leases = leases.map(|lease| Renewal { stance, ..lease }).collect();
            Step::Run(Command::Extend { leases, fill_in })
        }
        Step::Run(command) => Step::Run(Command::Shared(stance, Box::new(command))),
        step => step,
    }
}

pub(crate) fn intend(name: &str, waiter: WaiterId, upgrades: bool, beat_ms: u64) -> Step {
    Step::Run(Command::Intend {
        keys: keys(name),
        waiter,
        upgrades,
        beat_ms,
    })
}

pub(crate) fn shift(name: &str, by: u64, mode: Mode, op: u64, undo: bool) -> Step {
    Step::Run(Command::Shift {
        keys: keys(name),
        token: owner(by),
        to: Stance { mode, op },
        undo,
        wake: true,
    })
}

pub(crate) fn unadopt(name: &str, from: u64, to: u64, tomb_ms: u64) -> Step {
    Step::Run(Command::Unadopt {
        keys: keys(name),
        from: owner(from),
        to: owner(to),
        ticket: ticket(1),
        tomb_ms,
    })
}
