//! Several keys held as one, and slots of a semaphore.

use quorlock::testing::protocol::{Command, Place, Release, Renewal};

use crate::rig::{ABLE, Rig};
use crate::step::*;

#[test]
fn several_names() {
    let mut rig = Rig::new("several names", ABLE);
    let (both, second) = (
        "door+roof",
        Place {
            at: 1,
            ..place("a", 1)
        },
    );
    rig.run([
        acquire(both, 1),
        acquire(both, 1),
        acquire("roof", 2),
        acquire("roof+shed", 2),
        acquire("shed", 3),
        extend(vec![renewal(both, 1), renewal("shed", 3)], None),
        raise(both, 1, 70),
        raise("roof+shed", 1, 80),
        release(both, 2),
        release(both, 1),
        // One is there and the other is not: nothing is taken, and what is told is which.
        acquire("roof", 2),
        poll(both, 4, place("a", 1)),
        poll(both, 4, second.clone()),
        poll(
            both,
            5,
            Place {
                at: 1,
                ..place("b", 2)
            },
        ),
        release("roof", 2),
        poll(
            both,
            5,
            Place {
                at: 1,
                ..place("b", 2)
            },
        ),
        acquire(both, 6),
        leave("door", waiter("a", 1)),
        leave("roof", waiter("b", 2)),
        poll(both, 4, second.clone()),
        acquire("door", 7),
        Step::Run(Command::Release(Release {
            put_back: Some(Place {
                score: Some(OWN_SCORE),
                ..second.clone()
            }),
            ..giving_back(both, 4)
        })),
        acquire("door", 7),
        acquire(both, 8),
        // A lease of which a part is gone is not renewed as a whole.
        Step::Remove(keys("door").lock().to_owned()),
        leave("roof", waiter("a", 1)),
        acquire(both, 9),
        Step::Remove(keys("roof").lock().to_owned()),
        extend(vec![renewal(both, 9)], None),
        extend(vec![renewal(both, 9)], Some(ticket(9))),
        release("door", 9),
        release(both, 9),
    ]);
}

#[test]
fn several_names_from_hand_to_hand() {
    let mut rig = Rig::new("several names from hand to hand", ABLE);
    let both = "door+roof";
    let done = Release {
        spent: Some(spent(1, 1, LONG_MS)),
        ..giving_back(both, 3)
    };
    rig.run([
        adopt(both, 1, 2, 1),
        acquire(both, 1),
        adopt(both, 1, 2, 1),
        adopt(both, 1, 2, 1),
        adopt(both, 1, 3, 1),
        unadopt(both, 1, 2, LONG_MS),
        adopt(both, 1, 2, 1),
        adopt(both, 1, 3, 1),
        // Another adopter's try stands on one of them.
        unadopt("roof", 1, 3, 0),
        unadopt(both, 1, 4, 0),
        Step::Run(Command::Release(done)),
        adopt(both, 1, 5, 1),
        acquire(both, 6),
    ]);
}

#[test]
fn slots_and_whose_turn_it_is() {
    let mut rig = Rig::new("slots", ABLE);
    let (one, two) = ("pool#4#1", "pool#4#2");
    let all = "pool#4#4";
    rig.run([
        poll(
            one,
            1,
            Place {
                at: 3,
                ..place("a", 1)
            },
        ),
        poll(
            one,
            1,
            Place {
                at: 3,
                ..place("a", 1)
            },
        ),
        poll(
            two,
            2,
            Place {
                at: 2,
                ..place("a", 2)
            },
        ),
        acquire("pool#4#1#1", 3),
        acquire("pool#4#2#0,1", 4),
        poll(all, 5, place("b", 5)),
        poll(two, 6, place("gone", 6)),
        poll(one, 7, place("b", 7)),
        release("pool#4#1#3", 1),
        release("pool#4#2#2,0", 2),
        // The large one waits for all, and those behind it pass.
        poll(all, 5, place("b", 5)),
        poll(one, 8, place("a", 8)),
        poll(two, 9, place("a", 9)),
        acquire("pool#4#1#3", 1),
        extend(
            vec![
                renewal("pool#4#1#1", 3),
                Renewal {
                    fence: Some(token(90)),
                    ..renewal("pool#4#2#2,3", 9)
                },
            ],
            None,
        ),
        leave(all, waiter("b", 5)),
        release(one, 8),
        release(two, 9),
        poll(one, 1, place("a", 1)),
    ]);
}

#[test]
fn a_large_waiter_is_passed_only_so_often() {
    let mut rig = Rig::new("passes", ABLE);
    rig.run([acquire("pool#2#1#0", 1), poll("pool#2#2", 2, place("a", 2))]);
    for _ in 0..20 {
        rig.run([poll("pool#2#1", 3, place("b", 3)), release("pool#2#1", 3)]);
    }
    rig.run([
        leave("pool#2#1", waiter("b", 3)),
        release("pool#2#1#0", 1),
        poll("pool#2#2", 2, place("a", 2)),
    ]);
}
