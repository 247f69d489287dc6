//! The embedded node means what the Lua scripts mean: the same commands on the store and on every
//! kind of server, and the same answers.

mod bundles;
mod clock;
mod marker;
mod random;
mod rig;
mod shared;
mod step;
mod target;

use quorlock::testing::config::{FencingToken, TicketId};
use quorlock::testing::protocol::{Abilities, Claim, Command, Place, Release, Renewal, Spent};

use crate::random::Random;
use crate::rig::{ABLE, Rig};
use crate::step::*;

/// Steps of one seed.
const STEPS: usize = 600;

fn random_steps(seed: u64, abilities: Abilities) {
    let mut rig = Rig::new(format!("seed {seed}"), abilities);
    let mut random = Random::new(seed);
    for _ in 0..STEPS {
        rig.run(random.steps());
    }
}

#[test]
fn random_commands_of_listening_clients() {
    for seed in 1..=6 {
        random_steps(seed, ABLE);
    }
}

#[test]
fn random_commands_of_polling_clients() {
    for seed in 11..=13 {
        random_steps(
            seed,
            Abilities {
                wake: false,
                ..ABLE
            },
        );
    }
}

#[test]
fn random_commands_in_plain_words() {
    for seed in 21..=24 {
        random_steps(
            seed,
            Abilities {
                plain: true,
                ..ABLE
            },
        );
    }
}

#[test]
fn claims_in_plain_words() {
    let mut rig = Rig::new(
        "plain words",
        Abilities {
            plain: true,
            ..ABLE
        },
    );
    let proposing = |by, micros| {
        Step::Run(Command::Acquire(Claim {
            proposal: Some(micros),
            ..claim("door", by)
        }))
    };
    // Past what a single-precision number could tell apart.
    let large = FencingToken::LIMIT - 3;
    rig.run([
        proposing(1, 5),
        proposing(1, 6),
        proposing(2, 6),
        proposing(2, 9),
        Step::Run(Command::Raise {
            keys: keys("door"),
            token: owner(1),
            to: 9,
            past: true,
        }),
        release("door", 1),
        proposing(2, 7),
        release("door", 2),
        proposing(3, large),
        release("door", 3),
        proposing(4, large),
        release("door", 4),
        proposing(5, large + 1),
        release("door", 5),
        poll("door", 6, place("a", 6)),
        release("door", 6),
        acquire("door", 1),
        poll("door", 7, place("b", 7)),
        release("door", 1),
        acquire("door", 2),
        release("door", 2),
        Step::SetHash(keys("door").lock().to_owned()),
        proposing(1, large + 2),
        Step::Remove(keys("door").lock().to_owned()),
        Step::SetHash(keys("door").fence()),
        proposing(1, 1),
    ]);
}

#[test]
fn leases() {
    let mut rig = Rig::new("leases", ABLE);
    let window = || renewal("window", 3);
    rig.run([
        release("door", 1),
        acquire("door", 1),
        acquire("door", 1),
        acquire("door", 2),
        raise("door", 1, 30),
        raise("door", 1, 20),
        raise("door", 2, 40),
        extend(vec![renewal("door", 1), renewal("door", 2), window()], None),
        extend(
            vec![
                window(),
                Renewal {
                    fence: Some(token(50)),
                    ..window()
                },
            ],
            Some(ticket(7)),
        ),
        extend(Vec::new(), Some(ticket(7))),
        release("door", 2),
        Step::Run(Command::Release(Release {
            fence: Some(token(60)),
            ..giving_back("door", 1)
        })),
        acquire("door", 2),
        Step::Run(Command::Acquire(Claim {
            proposal: None,
            ..claim("roof", 1)
        })),
        acquire("roof", 1),
    ]);
}

#[test]
fn hand_over() {
    let mut rig = Rig::new("hand-over", ABLE);
    let done = Release {
        spent: Some(spent(1, 1, LONG_MS)),
        ..giving_back("door", 3)
    };
    rig.run([
        adopt("door", 1, 2, 1),
        acquire("door", 1),
        adopt("door", 1, 2, 1),
        adopt("door", 1, 2, 1),
        adopt("door", 1, 3, 1),
        unadopt("door", 1, 2, LONG_MS),
        adopt("door", 1, 2, 1),
        unadopt("door", 1, 3, LONG_MS),
        adopt("door", 1, 3, 1),
        Step::Remove(keys("door").tombstone(&owner(3))),
        adopt("door", 1, 3, 1),
        Step::Run(Command::Release(done)),
        unadopt("door", 1, 3, 0),
        acquire("door", 4),
        adopt("door", 4, 5, 1),
        adopt("door", 4, 5, 2),
        Step::Set(keys("door").lock().to_owned(), "12345", None),
        adopt("door", 4, 5, 2),
    ]);
}

#[test]
fn jobs_done_once() {
    let mut rig = Rig::new("jobs done once", ABLE);
    let recall = || Step::Run(Command::Recall { keys: keys("job") });
    let remember = |ms| {
        Step::Run(Command::Remember {
            keys: keys("job"),
            ms,
        })
    };
    let done = |by| {
        Step::Run(Command::Release(Release {
            spent: Some(Spent::once(owner(by), 2 * LONG_MS)),
            ..giving_back("job", by)
        }))
    };
    let mark = keys("job").spent(&TicketId::once());
    rig.run([
        recall(),
        remember(LONG_MS),
        recall(),
        // It is told on, and never made longer.
        remember(3 * LONG_MS),
        recall(),
        Step::Remove(mark.clone()),
        acquire("job", 1),
        recall(),
        done(1),
        recall(),
        acquire("job", 2),
        done(3),
        recall(),
        release("job", 2),
        Step::Set(mark.clone(), "somebody else's", None),
        recall(),
        Step::SetHash(mark),
        recall(),
        remember(LONG_MS),
    ]);
}

#[test]
fn queue() {
    let mut rig = Rig::new("queue", ABLE);
    let back = |score| {
        Some(Place {
            score,
            ..place("a", 2)
        })
    };
    let put_back = |score| {
        Step::Run(Command::Release(Release {
            put_back: back(score),
            ..giving_back("door", 2)
        }))
    };
    rig.run([
        poll("door", 1, place("a", 1)),
        poll("door", 1, place("a", 1)),
        poll("door", 2, place("a", 2)),
        poll("door", 3, place("b", 3)),
        release("door", 1),
        acquire("door", 4),
        poll("door", 3, place("b", 3)),
        poll("door", 2, place("a", 2)),
        poll("door", 4, place("a", 4)),
        put_back(Some(OWN_SCORE)),
        poll("door", 3, place("b", 3)),
        poll("door", 2, place("a", 2)),
        put_back(None),
        leave("door", waiter("b", 3)),
        leave("door", waiter("b", 3)),
        leave("door", waiter("a", 4)),
        poll("door", 5, place("gone", 10)),
        poll("door", 6, place("gone", 9)),
        release("door", 5),
        acquire("door", 7),
        Step::Run(Command::Release(Release {
            tomb_ms: LONG_MS,
            ..giving_back("door", 8)
        })),
        release("door", 7),
        poll("door", 8, place("b", 8)),
        poll("door", 7, place("b", 8)),
    ]);
}

#[test]
fn dead_waiters() {
    let mut rig = Rig::new("dead waiters", ABLE);
    let dying = |number| Place {
        beat_ms: 0,
        ..place("a", number)
    };
    rig.run([
        acquire("door", 1),
        poll("door", 2, dying(2)),
        poll("door", 3, dying(3)),
        release("door", 1),
        acquire("door", 4),
        release("door", 4),
        acquire("roof", 1),
        poll("roof", 2, dying(2)),
        poll("roof", 3, place("b", 3)),
        poll("roof", 2, place("a", 2)),
        release("roof", 1),
        poll("roof", 2, place("a", 2)),
        poll("roof", 3, place("b", 3)),
    ]);
}

#[test]
fn keys_of_others() {
    let mut rig = Rig::new("keys of others", ABLE);
    let door = keys("door");
    let all = |by| {
        [
            acquire("door", by),
            poll("door", by, place("a", by)),
            adopt("door", by, by, 1),
            extend(
                vec![Renewal {
                    fence: Some(token(70)),
                    ..renewal("door", by)
                }],
                Some(ticket(8)),
            ),
            raise("door", by, 80),
            unadopt("door", by, by, LONG_MS),
            release("door", by),
            leave("door", waiter("a", by)),
        ]
    };
    for (number, key) in (1..).zip([door.lock().to_owned(), door.fence(), door.queue()]) {
        rig.run([Step::SetHash(key.clone())]);
        rig.run(all(number));
        rig.run([Step::Set(key.clone(), "no number", Some(LONG_MS))]);
        rig.run(all(number));
        rig.run([
            Step::Remove(key),
            Step::Remove(door.lock().to_owned()),
            Step::Remove(door.queue()),
        ]);
    }
}

#[test]
fn a_used_up_counter() {
    let mut rig = Rig::new("a used up counter", ABLE);
    let last = FencingToken::LIMIT - 1;
    rig.run([
        acquire("door", 1),
        raise("door", 1, last),
        release("door", 1),
        acquire("door", 2),
        acquire("roof", 1),
    ]);
}
