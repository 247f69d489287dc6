//! What depends on time: expiry, and proposals cut by the server's clock.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use quorlock::testing::protocol::{Claim, Command, Counted, Grant, Place, Release, Reply};

use crate::rig::{ABLE, Rig};
use crate::step::*;
use crate::target::micros;

/// Long enough that a busy machine looks at a key before it ends.
const BRIEF_MS: u64 = 500;

#[test]
fn everything_expires() {
    let mut rig = Rig::new("expiry", ABLE);
    let short = |name, by| Claim {
        ttl: ttl(BRIEF_MS),
        ..claim(name, by)
    };
    let brief = |number| Place {
        beat_ms: BRIEF_MS,
        ..place("a", number)
    };
    let mark = |release| {
        Step::Run(Command::Release(Release {
            tomb_ms: BRIEF_MS,
            spent: Some(spent(1, 9, BRIEF_MS)),
            ..release
        }))
    };
    rig.run([
        Step::Run(Command::Acquire(short("door", 1))),
        poll("roof", 1, brief(1)),
        poll("roof", 2, brief(2)),
        mark(giving_back("door", 2)),
        mark(giving_back("roof", 3)),
        acquire("window", 1),
    ]);
    let mut long = short("window", 1);
    long.token = owner(4);
    rig.run([Step::Run(Command::Adopt {
        claim: long,
        from: owner(1),
        ticket: ticket(2),
        seen_ms: BRIEF_MS,
    })]);
    // The queue is kept for a second after the last beat.
    thread::sleep(Duration::from_millis(BRIEF_MS + 1500));
    rig.run([
        adopt("window", 4, 5, 2),
        extend(vec![renewal("door", 1)], None),
        release("door", 1),
        acquire("door", 2),
        adopt("door", 2, 3, 1),
        leave("roof", waiter("a", 2)),
        release("roof", 1),
        acquire("roof", 3),
    ]);
}

#[test]
fn proposals_are_cut_by_the_servers_clock() {
    let mut rig = Rig::new("proposals", ABLE);
    let wall = || {
        micros(
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .expect("after 1970"),
        )
    };
    let (before, ahead) = (wall(), 1_000_000);
    let answers = rig.answers(&Command::Acquire(Claim {
        proposal: Some(u64::MAX),
        ..claim("door", 1)
    }));
    let after = wall();
    for (name, reply) in answers {
        let Reply::Granted(Grant {
            counted: Counted::At(token),
            ..
        }) = reply
        else {
            panic!("{name}: {reply:?}")
        };
        assert!(
            (before + ahead..=after + ahead).contains(&token.get()),
            "{name}: {token}"
        );
    }
    let exact = before / 2;
    rig.run([
        Step::Remove(keys("door").fence()),
        Step::Run(Command::Acquire(Claim {
            proposal: Some(exact),
            ..claim("roof", 1)
        })),
        release("roof", 1),
        Step::Run(Command::Acquire(Claim {
            proposal: Some(exact),
            ..claim("roof", 2)
        })),
    ]);
}
