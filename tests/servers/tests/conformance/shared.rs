//! The read/write lock, command by command.

use quorlock::testing::config::Mode::{self, Read, Upgradeable, Write};
use quorlock::testing::protocol::{Abilities, Claim, Command, Place, Release, Renewal};

use crate::random::Random;
use crate::rig::{ABLE, Rig};
use crate::step::*;

fn claim_in(mode: Mode, by: u64) -> Step {
    shared(mode, 1, acquire("door", by))
}

fn give_up(by: u64) -> Step {
    shared(Read, 1, release("door", by))
}

fn wait_for(mode: Mode, by: u64, place: Place) -> Step {
    shared(mode, 1, poll("door", by, place))
}

#[test]
fn modes_exclude_each_other() {
    let mut rig = Rig::new("modes", ABLE);
    for first in [Read, Upgradeable, Write] {
        for second in [Read, Upgradeable, Write] {
            rig.run([
                claim_in(first, 1),
                claim_in(first, 1),
                claim_in(second, 2),
                give_up(3),
                give_up(1),
                claim_in(second, 2),
                give_up(2),
            ]);
        }
    }
}

#[test]
fn operations_behind_each_other() {
    let mut rig = Rig::new("operations", ABLE);
    let upgrade = |op, by| shared(Write, op, acquire("door", by));
    let renew = |mode, op, by| shared(mode, op, extend(vec![renewal("door", by)], None));
    rig.run([
        upgrade(2, 1),
        claim_in(Upgradeable, 1),
        claim_in(Read, 2),
        upgrade(2, 1),
        shift("door", 1, Upgradeable, 3, true),
        give_up(2),
        upgrade(2, 1),
        upgrade(4, 1),
        upgrade(4, 1),
        shift("door", 1, Upgradeable, 3, true),
        claim_in(Read, 2),
        renew(Write, 4, 1),
        renew(Upgradeable, 3, 1),
        renew(Write, 6, 1),
        shared(Write, 6, raise("door", 1, 30)),
        shared(Write, 4, raise("door", 1, 30)),
        shared(Read, 6, raise("door", 1, 30)),
        shift("door", 1, Read, 7, false),
        shift("door", 1, Upgradeable, 8, false),
        claim_in(Read, 2),
        renew(Write, 8, 1),
        renew(Read, 7, 1),
        renew(Read, 1, 2),
        renew(Upgradeable, 1, 3),
        claim_in(Write, 1),
        upgrade(9, 1),
        give_up(2),
        upgrade(9, 1),
        renew(Read, 10, 1),
        claim_in(Read, 2),
        shift("door", 4, Read, 1, false),
        give_up(1),
        give_up(2),
    ]);
}

#[test]
fn places_are_set_again_where_they_harm_nobody() {
    let mut rig = Rig::new("set again", ABLE);
    let fill = |mode, by, number| {
        shared(
            mode,
            2,
            extend(vec![renewal("door", by)], Some(ticket(number))),
        )
    };
    rig.run([
        fill(Read, 1, 1),
        fill(Write, 2, 2),
        fill(Upgradeable, 3, 3),
        fill(Read, 4, 4),
        fill(Upgradeable, 5, 5),
        give_up(3),
        give_up(1),
        give_up(4),
        fill(Write, 6, 6),
        fill(Read, 7, 7),
        give_up(6),
        Step::Run(Command::Extend {
            leases: vec![
                Renewal {
                    fence: Some(token(50)),
                    ..renewal("door", 8)
                },
                renewal("roof", 8),
            ]
            .into_iter()
            .map(|lease| Renewal {
                stance: Some(quorlock::testing::config::Stance::first(Read)),
                ..lease
            })
            .collect(),
            fill_in: Some(ticket(8)),
        }),
        claim_in(Write, 9),
    ]);
}

#[test]
fn phases() {
    let mut rig = Rig::new("phases", ABLE);
    let heeding = |mode, by| {
        let careless = Claim {
            heed_queue: false,
            ..claim("door", by)
        };
        [
            claim_in(mode, by),
            shared(mode, 1, Step::Run(Command::Acquire(careless))),
        ]
    };
    rig.run([
        claim_in(Write, 1),
        wait_for(Write, 2, place("a", 2)),
        wait_for(Read, 3, place("b", 3)),
        wait_for(Read, 4, place("gone", 4)),
        wait_for(Upgradeable, 5, place("a", 5)),
        give_up(1),
        wait_for(Read, 6, place("b", 6)),
        wait_for(Write, 2, place("a", 2)),
        wait_for(Read, 3, place("b", 3)),
        wait_for(Read, 6, place("b", 6)),
        shared(Read, 1, leave("door", waiter("b", 9))),
        give_up(3),
        wait_for(Write, 2, place("a", 2)),
    ]);
    rig.run(heeding(Read, 7));
    rig.run([
        give_up(2),
        wait_for(Upgradeable, 5, place("a", 5)),
        wait_for(Read, 6, place("b", 6)),
        wait_for(Upgradeable, 5, place("a", 5)),
        wait_for(Write, 8, place("b", 8)),
    ]);
    rig.run(heeding(Read, 7));
    rig.run([
        shared(Write, 1, leave("door", waiter("b", 8))),
        claim_in(Read, 7),
        give_up(7),
        give_up(6),
        give_up(5),
        claim_in(Write, 9),
    ]);
}

#[test]
fn intents_and_upgrades() {
    let mut rig = Rig::new("intents", ABLE);
    let upgrader = |op| {
        let first = Place {
            score: Some(0),
            ..place("a", 1)
        };
        shared(Write, op, poll("door", 1, first))
    };
    rig.run([
        claim_in(Upgradeable, 1),
        claim_in(Read, 2),
        wait_for(Write, 3, place("b", 3)),
        intend("door", waiter("a", 1), true, LONG_MS),
        upgrader(2),
        claim_in(Read, 4),
        shift("door", 1, Upgradeable, 3, true),
        give_up(2),
        upgrader(4),
        wait_for(Write, 3, place("b", 3)),
        intend("door", waiter("a", 1), true, 0),
        shift("door", 1, Read, 7, false),
        wait_for(Write, 3, place("b", 3)),
        intend("door", waiter("b", 3), false, LONG_MS),
        intend("door", waiter("b", 4), false, LONG_MS),
        give_up(1),
        wait_for(Write, 3, place("b", 3)),
        give_up(3),
        claim_in(Read, 5),
        intend("door", waiter("b", 4), false, 0),
        intend("door", waiter("b", 4), false, 0),
        claim_in(Read, 5),
    ]);
}

#[test]
fn places_that_are_put_back() {
    let mut rig = Rig::new("put back", ABLE);
    let put_back = |mode, by, at: Place| {
        let score = Some(OWN_SCORE);
        let back = Step::Run(Command::Release(Release {
            put_back: Some(Place { score, ..at }),
            ..giving_back("door", by)
        }));
        shared(mode, 1, back)
    };
    rig.run([
        wait_for(Write, 1, place("a", 1)),
        wait_for(Write, 2, place("b", 2)),
        wait_for(Read, 3, place("b", 3)),
        put_back(Write, 1, place("a", 1)),
        wait_for(Read, 3, place("b", 3)),
        wait_for(Write, 2, place("b", 2)),
        wait_for(Write, 1, place("a", 1)),
        give_up(1),
        wait_for(Read, 3, place("b", 3)),
        put_back(Read, 3, place("b", 3)),
        wait_for(Write, 2, place("b", 2)),
        wait_for(Read, 3, place("b", 3)),
    ]);
}

#[test]
fn hand_over_in_every_mode() {
    let mut rig = Rig::new("hand-over of modes", ABLE);
    for mode in [Read, Upgradeable, Write] {
        let adopting = |from, to, number| shared(mode, 1, adopt("door", from, to, number));
        let base = 10 * mode as u64;
        let number = u8::try_from(base).expect("small");
        let (one, two, three) = (base + 1, base + 2, base + 3);
        let spends = Step::Run(Command::Release(Release {
            spent: Some(spent(number, one, LONG_MS)),
            ..giving_back("door", two)
        }));
        rig.run([
            adopting(one, two, number),
            claim_in(mode, one),
            adopting(one, two, number),
            adopting(one, two, number),
            adopting(one, three, number),
            shared(mode, 1, unadopt("door", one, two, 0)),
            shared(mode, 1, unadopt("door", one, two, LONG_MS)),
            adopting(one, two, number),
            Step::Remove(keys("door").tombstone(&owner(two))),
            adopting(one, two, number),
            shared(mode, 1, spends),
            adopting(one, three, number),
            shared(Write, 1, acquire("door", 60)),
            give_up(60),
        ]);
    }
}

#[test]
fn random_commands_about_read_write_locks() {
    for (seed, wake) in [(31, true), (32, true), (33, true), (34, false)] {
        let mut rig = Rig::new(format!("seed {seed}"), Abilities { wake, ..ABLE });
        let mut random = Random::new(seed);
        for _ in 0..500 {
            let step = random.shared_step();
            rig.run([step]);
        }
    }
}
