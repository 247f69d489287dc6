//! The queue of waiters.

use super::*;

fn standing(reply: Reply) -> (RefusalKind, Option<u64>, u64) {
    match reply {
        Reply::Refused(Refusal {
            why,
            place,
            score: Some(score),
            owner: None,
            ..
        }) => (why, place, score),
        other => panic!("{other:?}"),
    }
}

fn leave(waiter: u64) -> Command {
    Command::Leave {
        keys: keys(),
        waiter: place("a", waiter).waiter,
    }
}

#[test]
fn first_come_first_served() {
    let mut desk = Desk::new();
    desk.acquire(1);
    assert_eq!(
        standing(desk.poll(2, 2)),
        (RefusalKind::Held, Some(0), WALL)
    );
    assert_eq!(
        standing(desk.poll(3, 3)),
        (RefusalKind::Held, Some(1), WALL + 1)
    );
    assert_eq!(
        standing(desk.poll(4, 4)),
        (RefusalKind::Held, Some(2), WALL + 2)
    );
    assert_eq!(
        standing(desk.poll(3, 3)),
        (RefusalKind::Held, Some(1), WALL + 1),
        "a beat keeps the place"
    );
    assert_eq!(desk.view().waiters, Some(3));
    desk.release(1);
    assert_eq!(desk.woken, [2], "the first alone is told");
    assert_eq!(
        standing(desk.poll(3, 3)),
        (RefusalKind::Queued, Some(1), WALL + 1)
    );
    assert_eq!(desk.woken, [2, 2], "and told again");
    assert_eq!(
        desk.poll(2, 2),
        Reply::Granted(Grant {
            counted: counted(2),
            again: false,
            score: Some(WALL),
            slots: Vec::new(),
        })
    );
    assert_eq!(desk.view().waiters, Some(2));
    desk.release(2);
    assert_eq!(desk.woken, [2, 2, 3]);
    assert!(matches!(desk.poll(3, 3), Reply::Granted(_)));
}

#[test]
fn who_does_not_queue_waits_for_those_who_do_unless_told_otherwise() {
    let mut desk = Desk::new();
    desk.acquire(1);
    desk.poll(2, 2);
    desk.release(1);
    desk.woken.clear();
    assert_eq!(desk.acquire(3), refused(RefusalKind::Queued));
    assert_eq!(desk.woken, [2]);
    let pushy = Claim {
        heed_queue: false,
        ..claim(3)
    };
    assert_eq!(desk.run(&Command::Acquire(pushy)), granted(2));
}

#[test]
fn a_waiter_lives_as_long_as_its_beat() {
    let mut desk = Desk::new();
    desk.acquire(1);
    desk.poll(2, 2);
    desk.release(1);
    desk.pass_ms(100);
    assert_eq!(
        desk.acquire(3),
        refused(RefusalKind::Queued),
        "alive at the last moment"
    );
    desk.pass_micros(1);
    assert_eq!(desk.acquire(3), granted(2));
    assert_eq!(desk.view().waiters, Some(0));
}

#[test]
fn the_dead_lose_their_place_to_the_next() {
    let mut desk = Desk::new();
    desk.acquire(1);
    desk.poll(2, 2);
    desk.pass_ms(60);
    desk.poll(3, 3);
    desk.pass_ms(60);
    assert_eq!(standing(desk.poll(3, 3)).1, Some(0));
    assert_eq!(desk.view().waiters, Some(1));
    assert_eq!(standing(desk.poll(2, 2)).1, Some(1), "back at the end");
}

#[test]
fn the_queue_goes_a_second_after_the_last_beat() {
    let mut desk = Desk::new();
    desk.poll(1, 1);
    desk.poll(2, 2);
    assert_eq!(desk.view().waiters, Some(1));
    desk.pass_micros(1_099_999);
    assert_eq!(desk.view().waiters, Some(1));
    desk.pass_micros(1);
    assert_eq!(desk.view().waiters, Some(0));
}

#[test]
fn waiters_of_a_client_that_listens_no_more_are_dropped() {
    let mut desk = Desk::new();
    desk.acquire(1);
    for waiter in 2..=3 {
        desk.run(&Command::Poll(claim(9), place("gone", waiter)));
    }
    desk.poll(4, 4);
    assert_eq!(desk.view().waiters, Some(3));
    desk.release(1);
    assert_eq!((desk.view().waiters, &*desk.woken), (Some(1), &[4][..]));
    desk.live.clear();
    assert_eq!(
        desk.acquire(5),
        refused(RefusalKind::Queued),
        "this time they counted"
    );
    assert_eq!(desk.view().waiters, Some(0));
    assert_eq!(desk.acquire(5), granted(2));
}

#[test]
fn a_waiter_that_is_dropped_while_it_polls_has_no_place() {
    let mut desk = Desk::new();
    desk.live.clear();
    desk.acquire(1);
    desk.poll(2, 2);
    desk.poll(3, 3);
    desk.run(&Command::Release(Release {
        put_back: Some(Place {
            score: Some(1),
            ..place("a", 4)
        }),
        ..release(1)
    }));
    assert_eq!(
        standing(desk.poll(3, 3)),
        (RefusalKind::Queued, None, WALL + 1)
    );
}

#[test]
fn leaving_tells_the_next_where_the_lock_is_free() {
    let mut desk = Desk::new();
    desk.acquire(1);
    desk.poll(2, 2);
    desk.poll(3, 3);
    assert_eq!(desk.run(&leave(9)), Reply::Left(false));
    assert!(desk.woken.is_empty(), "the lock is held");
    desk.release(1);
    assert_eq!(desk.run(&leave(2)), Reply::Left(true));
    assert_eq!(desk.woken, [2, 3]);
}

#[test]
fn a_waiter_is_put_back_to_its_place() {
    let mut desk = Desk::new();
    desk.poll(1, 1);
    desk.poll(2, 2);
    desk.poll(3, 3);
    desk.release(1);
    let Reply::Granted(Grant { score, .. }) = desk.poll(2, 2) else {
        panic!("first and free")
    };
    desk.poll(4, 4);
    desk.woken.clear();
    let put_back = Some(Place {
        score,
        ..place("a", 2)
    });
    assert_eq!(
        desk.run(&Command::Release(Release {
            put_back,
            ..release(2)
        })),
        released(ReleaseWord::Done)
    );
    assert!(desk.woken.is_empty(), "it comes back by itself");
    assert_eq!(standing(desk.poll(3, 3)).1, Some(1));
    assert_eq!(standing(desk.poll(4, 4)).1, Some(2));
    assert!(matches!(desk.poll(2, 2), Reply::Granted(_)));
}

#[test]
fn an_old_score_gives_the_old_place() {
    let mut desk = Desk::new();
    desk.acquire(1);
    desk.poll(3, 3);
    let early = Place {
        score: Some(WALL - 5),
        ..place("a", 2)
    };
    assert_eq!(
        standing(desk.run(&Command::Poll(claim(2), early))),
        (RefusalKind::Held, Some(0), WALL - 5)
    );
    let other = Place {
        score: Some(WALL + 9),
        ..place("a", 2)
    };
    assert_eq!(
        standing(desk.run(&Command::Poll(claim(2), other))).2,
        WALL - 5,
        "where it stands counts more"
    );
}

#[test]
fn without_a_score_nobody_is_put_back() {
    let mut desk = Desk::new();
    desk.acquire(1);
    desk.poll(2, 2);
    desk.run(&Command::Release(Release {
        put_back: Some(place("a", 3)),
        ..release(1)
    }));
    assert_eq!((desk.view().waiters, &*desk.woken), (Some(1), &[2][..]));
}

#[test]
fn an_owner_waits_no_more() {
    let mut desk = Desk::new();
    desk.poll(1, 1);
    let again = desk.poll(1, 1);
    assert!(
        matches!(
            again,
            Reply::Granted(Grant {
                again: true,
                score: Some(_),
                ..
            })
        ),
        "{again:?}"
    );
    assert_eq!(desk.view().waiters, Some(0));
}

#[test]
fn a_lock_of_another_type_is_waited_for() {
    let mut desk = Desk::new();
    desk.store.set_other_type(desk.now, "t:door", None);
    let poll = Command::Poll(claim(1), place("a", 1));
    assert_eq!(class(desk.try_run(&poll)), FaultClass::ForeignFormat);
    assert_eq!(desk.view().waiters, Some(1));
    desk.store.set_other_type(desk.now, &keys().queue(), None);
    assert_eq!(desk.view().waiters, None);
    assert_eq!(class(desk.try_run(&leave(1))), FaultClass::ForeignFormat);
}
