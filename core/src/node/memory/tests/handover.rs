//! Adopt, unadopt and spent tickets.

use super::*;

fn adopt(from: u8, to: u8) -> Command {
    Command::Adopt {
        claim: claim(to),
        from: token(from),
        ticket: ticket("t"),
        seen_ms: 5000,
    }
}

fn unadopt(from: u8, to: u8, tomb_ms: u64) -> Command {
    Command::Unadopt {
        keys: keys(),
        from: token(from),
        to: token(to),
        ticket: ticket("t"),
        tomb_ms,
    }
}

fn spent(retention_ms: u64) -> Spent {
    Spent {
        ticket: ticket("t"),
        from: token(1),
        retention_ms,
    }
}

#[test]
fn an_adoption_swaps_the_owner_renews_and_counts_on() {
    let mut desk = Desk::new();
    assert_eq!(desk.run(&adopt(1, 2)), refused(RefusalKind::Missing));
    desk.acquire(1);
    desk.pass_ms(700);
    assert_eq!(desk.run(&adopt(1, 2)), granted(2));
    assert_eq!(desk.view().ttl_ms, Some(TTL_MS));
    assert_eq!(desk.run(&adopt(1, 2)), granted_again(3));
    assert_eq!(
        desk.release(1),
        released(ReleaseWord::Other),
        "the old owner is out"
    );
    let why = Refusal {
        ttl_ms: Some(TTL_MS),
        owner: Some(token(2).as_bytes().to_vec()),
        ..Refusal::bare(RefusalKind::Held)
    };
    assert_eq!(desk.run(&adopt(1, 3)), Reply::Refused(why), "one adopter");
}

#[test]
fn an_adoption_is_taken_back_with_the_time_it_had() {
    let mut desk = Desk::new();
    desk.acquire(1);
    desk.run(&adopt(1, 2));
    desk.pass_ms(300);
    assert_eq!(desk.run(&unadopt(1, 2, 50)), released(ReleaseWord::Done));
    let view = desk.view();
    assert_eq!(
        (view.value.as_deref(), view.ttl_ms),
        (Some(token(1).as_bytes()), Some(TTL_MS - 300))
    );
    assert_eq!(
        desk.run(&adopt(1, 2)),
        refused(RefusalKind::Buried),
        "another copy of it comes late"
    );
    assert_eq!(desk.run(&adopt(1, 3)), granted(3));
}

#[test]
fn an_adoption_taken_back_before_it_came_is_buried() {
    let mut desk = Desk::new();
    assert_eq!(desk.run(&unadopt(1, 2, 50)), released(ReleaseWord::Missing));
    desk.acquire(1);
    assert_eq!(desk.run(&adopt(1, 2)), refused(RefusalKind::Buried));
    assert_eq!(desk.run(&unadopt(1, 3, 0)), released(ReleaseWord::Other));
    assert_eq!(
        desk.run(&adopt(1, 3)),
        granted(2),
        "no tombstone was asked for"
    );
    desk.run(&unadopt(1, 3, 0));
    desk.pass_ms(50);
    assert_eq!(desk.run(&adopt(1, 2)), granted(3));
}

#[test]
fn a_spent_ticket_is_refused_until_the_mark_ends() {
    let mut desk = Desk::new();
    desk.acquire(1);
    desk.run(&adopt(1, 2));
    let done = Release {
        spent: Some(spent(2000)),
        ..release(2)
    };
    assert_eq!(
        desk.run(&Command::Release(done)),
        released(ReleaseWord::Done)
    );
    desk.acquire(1);
    assert_eq!(desk.run(&adopt(1, 3)), refused(RefusalKind::Spent));
    let other = Command::Adopt {
        claim: claim(3),
        from: token(9),
        ticket: ticket("u"),
        seen_ms: 5000,
    };
    assert!(matches!(
        desk.run(&other),
        Reply::Refused(Refusal {
            why: RefusalKind::Held,
            ..
        })
    ));
    desk.pass_micros(1_999_999);
    assert_eq!(desk.run(&adopt(1, 3)), refused(RefusalKind::Spent));
    desk.pass_micros(1);
    assert_eq!(desk.run(&adopt(1, 3)), refused(RefusalKind::Missing));
}

/// Found by the simulation: a key of the publisher's stayed where an adopter had taken its try back.
#[test]
fn a_ticket_whose_work_is_done_leaves_no_old_owner() {
    let done = || {
        Command::Release(Release {
            spent: Some(spent(2000)),
            ..release(3)
        })
    };
    let mut desk = Desk::new();
    desk.acquire(1);
    assert_eq!(desk.run(&done()), released(ReleaseWord::Missing));
    assert_eq!(desk.view().value, None, "it was taken back before");
    let mut desk = Desk::new();
    desk.acquire(1);
    desk.run(&adopt(1, 2));
    assert_eq!(desk.run(&done()), released(ReleaseWord::Other));
    assert_eq!(desk.run(&unadopt(1, 2, 0)), released(ReleaseWord::Done));
    assert_eq!(desk.view().value, None, "it is taken back after");
}

#[test]
fn a_mark_for_no_time_is_none() {
    let mut desk = Desk::new();
    desk.run(&Command::Release(Release {
        spent: Some(spent(0)),
        ..release(2)
    }));
    assert_eq!(desk.run(&adopt(1, 3)), refused(RefusalKind::Missing));
}

#[test]
fn a_foreign_owner_is_shown_to_the_adopter() {
    let mut desk = Desk::new();
    desk.store.set_foreign(desk.now, "t:door", b"12345", None);
    let why = Refusal {
        owner: Some(b"12345".to_vec()),
        ..Refusal::bare(RefusalKind::Foreign)
    };
    assert_eq!(desk.run(&adopt(1, 2)), Reply::Refused(why));
}
