//! Release, extend, raise, inspect.

use super::*;

#[test]
fn a_release_deletes_its_own_key_alone() {
    let mut desk = Desk::new();
    assert_eq!(desk.release(1), released(ReleaseWord::Missing));
    desk.acquire(1);
    assert_eq!(desk.release(2), released(ReleaseWord::Other));
    assert_eq!(desk.release(1), released(ReleaseWord::Done));
    assert_eq!(desk.release(1), released(ReleaseWord::Missing));
}

#[test]
fn a_release_lifts_the_counter_whatever_it_finds() {
    let mut desk = Desk::new();
    desk.run(&Command::Release(Release {
        fence: fence(7),
        ..release(1)
    }));
    assert_eq!(desk.view().counter, fence(7));
    desk.acquire(2);
    desk.run(&Command::Release(Release {
        fence: fence(20),
        ..release(1)
    }));
    assert_eq!(desk.acquire(2), granted_again(21));
    desk.run(&Command::Release(Release {
        fence: fence(3),
        ..release(2)
    }));
    assert_eq!(desk.view().counter, fence(21), "never down");
}

#[test]
fn an_extension_renews_from_now() {
    let mut desk = Desk::new();
    desk.acquire(1);
    desk.pass_ms(900);
    let extend = Command::Extend {
        leases: vec![renewal(1, fence(1))],
        fill_in: None,
    };
    assert_eq!(desk.run(&extend), extended(LeaseWord::Renewed));
    assert_eq!(desk.view().ttl_ms, Some(TTL_MS));
    desk.pass_ms(TTL_MS);
    assert_eq!(desk.run(&extend), extended(LeaseWord::Missing));
    assert_eq!(desk.view().value, None);
    desk.acquire(2);
    assert_eq!(desk.run(&extend), extended(LeaseWord::Other));
}

#[test]
fn filling_in_sets_a_missing_key_and_no_other() {
    let mut desk = Desk::new();
    let extend = Command::Extend {
        leases: vec![renewal(1, fence(9))],
        fill_in: Some(ticket("t")),
    };
    assert_eq!(desk.run(&extend), extended(LeaseWord::FilledIn));
    assert_eq!(desk.run(&extend), extended(LeaseWord::Renewed));
    let view = desk.view();
    assert_eq!(
        (view.value.as_deref(), view.ttl_ms, view.counter),
        (Some(token(1).as_bytes()), Some(TTL_MS), fence(9))
    );
    let other = Command::Extend {
        leases: vec![renewal(2, None)],
        fill_in: Some(ticket("t")),
    };
    assert_eq!(desk.run(&other), extended(LeaseWord::Other));
}

/// Found by the simulation: a ticket's old owner came back so, and was adopted once more.
#[test]
fn filling_in_comes_too_late_once_the_ticket_was_seen() {
    let mut desk = Desk::new();
    let adopt = |ticket| Command::Adopt {
        claim: claim(2),
        from: token(1),
        ticket,
        seen_ms: 5000,
    };
    let extend = Command::Extend {
        leases: vec![renewal(1, fence(1))],
        fill_in: Some(ticket("t")),
    };
    desk.run(&adopt(ticket("u")));
    assert_eq!(desk.run(&extend), extended(LeaseWord::FilledIn));
    desk.release(1);
    // There was no key to adopt here; on other nodes there may have been.
    assert_eq!(desk.run(&adopt(ticket("t"))), refused(RefusalKind::Missing));
    assert_eq!(desk.run(&extend), extended(LeaseWord::Missing));
}

#[test]
fn many_leases_are_answered_in_order() {
    let mut desk = Desk::new();
    desk.acquire(1);
    desk.store.set_other_type(desk.now, "t:hash", None);
    let other = |name| Renewal {
        keys: Keys::new("t:", name).expect("valid"),
        ..renewal(1, None)
    };
    let leases = vec![
        other("window"),
        renewal(1, None),
        renewal(2, None),
        other("hash"),
    ];
    let words = vec![
        LeaseWord::Missing,
        LeaseWord::Renewed,
        LeaseWord::Other,
        LeaseWord::Other,
    ];
    assert_eq!(
        desk.run(&Command::Extend {
            leases,
            fill_in: None
        }),
        Reply::Extended(words)
    );
    let none = Command::Extend {
        leases: Vec::new(),
        fill_in: None,
    };
    assert_eq!(desk.run(&none), Reply::Extended(Vec::new()));
}

#[test]
fn a_token_is_written_back_by_the_owner_alone() {
    let mut desk = Desk::new();
    let raise = |owner, to| Command::Raise {
        keys: keys(),
        token: token(owner),
        to,
        past: false,
    };
    assert_eq!(desk.run(&raise(1, 5)), Reply::Raised(None));
    desk.acquire(1);
    assert_eq!(desk.run(&raise(2, 5)), Reply::Raised(None));
    assert_eq!(desk.run(&raise(1, 5)), Reply::Raised(fence(5)));
    assert_eq!(
        desk.run(&raise(1, 4)),
        Reply::Raised(fence(5)),
        "what stands there is returned"
    );
}

#[test]
fn inspect_shows_and_changes_nothing() {
    let mut desk = Desk::new();
    assert_eq!(
        desk.view(),
        View {
            waiters: Some(0),
            ..View::default()
        }
    );
    desk.acquire(1);
    desk.poll(2, 2);
    desk.pass_ms(400);
    let view = View {
        value: Some(token(1).as_bytes().to_vec()),
        other_type: false,
        ttl_ms: Some(600),
        counter: fence(1),
        waiters: Some(1),
        slots: Vec::new(),
    };
    assert_eq!((desk.view(), desk.view()), (view.clone(), view));
    desk.store.set_other_type(desk.now, &keys().fence(), None);
    assert_eq!(desk.view().counter, None);
}

#[test]
fn facts_say_what_it_is() {
    let Reply::Facts(facts) = Desk::new().run(&Command::Facts) else {
        panic!("facts")
    };
    assert_eq!(
        (facts.server.as_deref(), facts.role.as_deref()),
        (Some("memory"), Some("master"))
    );
}
