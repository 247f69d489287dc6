//! Acquire, and fencing tokens.

use super::*;
use crate::node::memory::store::ClaimLine;
use crate::protocol::Raw;

#[test]
fn a_free_key_is_granted_and_a_held_one_is_not() {
    let mut desk = Desk::new();
    assert_eq!(desk.acquire(1), granted(1));
    desk.pass_ms(250);
    assert_eq!(desk.acquire(2), held(750));
    assert_eq!(desk.acquire(1), granted_again(2), "and counted again");
    let locks = desk.store.dump(desk.now);
    assert_eq!(
        (locks.len(), &*locks[0].key, locks[0].ttl_ms),
        (1, "t:door", Some(750))
    );
    assert_eq!(locks[0].value, token(1).as_bytes());
}

#[test]
fn a_key_is_free_at_the_very_moment_its_ttl_ends() {
    let mut desk = Desk::new();
    desk.acquire(1);
    desk.pass_micros(TTL_MS * 1000 - 1);
    assert_eq!(desk.acquire(2), held(1));
    desk.pass_micros(1);
    assert!(desk.store.dump(desk.now).is_empty());
    assert_eq!(desk.acquire(2), granted(2));
}

#[test]
fn without_a_proposal_nothing_counts() {
    let mut desk = Desk::new();
    let plain = Claim {
        proposal: None,
        ..claim(1)
    };
    let reply = desk.run(&Command::Acquire(plain.clone()));
    assert_eq!(
        reply,
        Reply::Granted(Grant {
            counted: Counted::No,
            again: false,
            score: None,
            slots: Vec::new(),
        })
    );
    let reply = desk.run(&Command::Acquire(plain));
    assert_eq!(
        reply,
        Reply::Granted(Grant {
            counted: Counted::No,
            again: true,
            score: None,
            slots: Vec::new(),
        })
    );
    assert_eq!(desk.view().counter, None);
    // Whoever asks for a token gets the next one.
    assert_eq!(desk.acquire(1), granted_again(1));
}

#[test]
fn a_proposal_lifts_the_token_up_to_a_second_past_the_wall_clock() {
    let mut desk = Desk::new();
    let propose = |desk: &mut Desk, owner, proposal| {
        desk.run(&Command::Acquire(Claim {
            proposal: Some(proposal),
            ..claim(owner)
        }))
    };
    assert_eq!(propose(&mut desk, 1, 500), granted(500));
    desk.release(1);
    assert_eq!(propose(&mut desk, 2, 3), granted(501), "never back");
    desk.release(2);
    assert_eq!(
        propose(&mut desk, 3, WALL + 1_000_000),
        granted(WALL + 1_000_000)
    );
    desk.release(3);
    assert_eq!(
        propose(&mut desk, 4, u64::MAX),
        granted(WALL + 1_000_001),
        "cut, and past the last"
    );
}

#[test]
fn tokens_rise_for_ever_and_over_all_that_share_a_counter() {
    let mut desk = Desk::new();
    desk.acquire(1);
    desk.run(&Command::Raise {
        keys: keys(),
        token: token(1),
        to: 40,
        past: false,
    });
    desk.release(1);
    desk.pass_ms(10 * 86_400_000);
    assert_eq!(desk.view().counter, fence(40));
    assert_eq!(desk.acquire(2), granted(41));
    let names = (0..).map(|number| Keys::new("t:", &format!("window-{number}")).expect("valid"));
    let (sharing, other): (Vec<_>, Vec<_>) = names
        .take(20_000)
        .partition(|window| window.fence() == keys().fence());
    let acquire = |desk: &mut Desk, keys: &Keys| {
        desk.run(&Command::Acquire(Claim {
            keys: keys.clone(),
            ..claim(3)
        }))
    };
    assert_eq!(acquire(&mut desk, &sharing[0]), granted(42));
    assert_eq!(acquire(&mut desk, &other[0]), granted(1));
    let elsewhere = Keys::new("u:", "door").expect("valid");
    assert_eq!(acquire(&mut desk, &elsewhere), granted(1), "per prefix");
}

#[test]
fn in_plain_words_the_counter_goes_up_to_exactly_the_proposal_or_not_at_all() {
    let mut desk = Desk::new();
    let proposing = |owner, proposal| Claim {
        proposal: Some(proposal),
        ..claim(owner)
    };
    let all = [ClaimLine::Set, ClaimLine::Count, ClaimLine::Queue];
    let mut say = |claim: &Claim| all.map(|line| desk.store.run_line(desk.now, claim, line));
    let [first, second, third] = [(1, 5), (2, 7), (1, 7)].map(|(owner, to)| proposing(owner, to));
    assert_eq!(say(&first), [Raw::Nil, Raw::Int(1), Raw::Int(0)]);
    let owner = Raw::Bytes(token(1).as_bytes().to_vec());
    assert_eq!(
        say(&second),
        [owner.clone(), Raw::Int(1), Raw::Int(0)],
        "who does not get the key counts all the same"
    );
    assert_eq!(say(&third), [owner, Raw::Int(0), Raw::Int(0)]);
    let past = Command::Raise {
        keys: keys(),
        token: token(1),
        to: 7,
        past: true,
    };
    assert_eq!(desk.run(&past), Reply::Raised(fence(8)));
    desk.poll(3, 3);
    assert_eq!(
        desk.store.run_line(desk.now, &first, ClaimLine::Queue),
        Raw::Int(1)
    );
}

#[test]
fn a_used_up_counter_is_a_fault_and_stays_one() {
    let mut desk = Desk::new();
    desk.acquire(1);
    let last = FencingToken::LIMIT - 1;
    let raise = Command::Raise {
        keys: keys(),
        token: token(1),
        to: last,
        past: false,
    };
    assert_eq!(desk.run(&raise), Reply::Raised(fence(last)));
    desk.release(1);
    for _ in 0..2 {
        assert_eq!(
            class(desk.try_run(&Command::Acquire(claim(2)))),
            FaultClass::Protocol
        );
    }
}

#[test]
fn foreign_locks_are_respected() {
    let mut desk = Desk::new();
    desk.store
        .set_foreign(desk.now, "t:door", b"uuid", Some(500));
    let why = Refusal {
        ttl_ms: Some(500),
        ..Refusal::bare(RefusalKind::Foreign)
    };
    assert_eq!(desk.acquire(1), Reply::Refused(why));
    assert_eq!(desk.release(1), released(ReleaseWord::Other));
    desk.store.set_foreign(desk.now, "t:door", b"uuid", None);
    assert_eq!(desk.acquire(1), refused(RefusalKind::Foreign));
    desk.store.set_other_type(desk.now, "t:door", Some(500));
    assert_eq!(
        class(desk.try_run(&Command::Acquire(claim(1)))),
        FaultClass::ForeignFormat
    );
    let view = desk.view();
    assert_eq!(
        (view.value, view.other_type, view.ttl_ms),
        (None, true, Some(500))
    );
    desk.pass_ms(500);
    assert_eq!(desk.acquire(1), granted(1));
}

#[test]
fn a_counter_of_another_type_leaves_no_lock_behind() {
    let mut desk = Desk::new();
    desk.store.set_other_type(desk.now, &keys().fence(), None);
    assert_eq!(
        class(desk.try_run(&Command::Acquire(claim(1)))),
        FaultClass::ForeignFormat
    );
    assert!(desk.store.dump(desk.now).is_empty());
}

#[test]
fn a_tombstone_stops_a_late_acquire_until_it_ends() {
    let mut desk = Desk::new();
    let buried = Release {
        tomb_ms: 50,
        ..release(1)
    };
    assert_eq!(
        desk.run(&Command::Release(buried.clone())),
        released(ReleaseWord::Missing)
    );
    assert_eq!(desk.acquire(1), refused(RefusalKind::Buried));
    let poll = desk.poll(1, 1);
    assert!(
        matches!(
            poll,
            Reply::Refused(Refusal {
                why: RefusalKind::Buried,
                place: None,
                ..
            })
        ),
        "{poll:?}"
    );
    desk.run(&Command::Leave {
        keys: keys(),
        waiter: place("a", 1).waiter,
    });
    assert_eq!(desk.acquire(2), granted(1), "another attempt may");
    assert_eq!(
        desk.run(&Command::Release(buried)),
        released(ReleaseWord::Other),
        "one more tombstone"
    );
    desk.release(2);
    desk.pass_micros(49_999);
    assert_eq!(desk.acquire(1), refused(RefusalKind::Buried));
    desk.pass_micros(1);
    assert_eq!(desk.acquire(1), granted(2));
}

#[test]
fn a_release_that_found_its_key_buries_the_other_copies_of_its_acquire() {
    let mut desk = Desk::new();
    desk.acquire(1);
    let reply = desk.run(&Command::Release(Release {
        tomb_ms: 50,
        ..release(1)
    }));
    assert_eq!(reply, released(ReleaseWord::Done));
    assert_eq!(desk.acquire(1), refused(RefusalKind::Buried));
    assert_eq!(desk.acquire(2), granted(2));
}

#[test]
fn losing_all_data_loses_all_data() {
    let mut desk = Desk::new();
    desk.acquire(1);
    desk.store.wipe();
    assert_eq!(
        desk.view(),
        View {
            waiters: Some(0),
            ..View::default()
        }
    );
    assert_eq!(desk.acquire(2), granted(1));
}
