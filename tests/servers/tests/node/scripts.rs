//! Every command on every kind of server: what the scripts answer and leave behind.

use quorlock::FaultClass;
use quorlock::testing::config::{TicketId, Ttl};
use quorlock::testing::protocol::{
    Claim, Command, Grant, LeaseWord, RefusalKind, Release, ReleaseWord, Renewal, Reply,
};
use quorlock_test_support::{Server, ServerKind};

use crate::harness::{
    Dice, Driven, Wish, acquire, claim, fence, keys, place, release, release_of, token, waiter,
};

fn granted(reply: Result<Reply, quorlock::Fault>) -> Grant {
    match reply {
        Ok(Reply::Granted(grant)) => grant,
        other => panic!("not granted: {other:?}"),
    }
}

fn refused(reply: Result<Reply, quorlock::Fault>) -> quorlock::testing::protocol::Refusal {
    match reply {
        Ok(Reply::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

fn fenced(name: &str, token: &quorlock::testing::config::OwnerToken, proposal: u64) -> Command {
    Command::Acquire(Claim {
        proposal: Some(proposal),
        ..claim(name, token)
    })
}

async fn on_every_server(test: impl AsyncFn(&Server, &Driven)) {
    for kind in ServerKind::ALL {
        let server = Server::start(kind);
        let node = Driven::to(&server.url());
        let (_, can) = node.up().await;
        assert!(
            can.scripts && can.time && can.queue && can.wake,
            "{kind:?}: {can:?}"
        );
        test(&server, &node).await;
    }
}

#[tokio::test]
async fn acquire_again_and_release() {
    on_every_server(async |server, node| {
        let (mine, other) = (token(), token());
        assert!(!granted(node.ask(acquire("a", &mine)).await).again);
        assert!(granted(node.ask(acquire("a", &mine)).await).again);
        let refusal = refused(node.ask(acquire("a", &other)).await);
        assert_eq!(refusal.why, RefusalKind::Held);
        assert!(
            refusal
                .ttl_ms
                .is_some_and(|ms| (50_000..=60_000).contains(&ms)),
            "{refusal:?}"
        );
        assert_eq!(
            node.ask(release("a", &other)).await,
            Ok(Reply::Released(ReleaseWord::Other))
        );
        assert_eq!(
            node.ask(release("a", &mine)).await,
            Ok(Reply::Released(ReleaseWord::Done))
        );
        assert_eq!(
            node.ask(release("a", &mine)).await,
            Ok(Reply::Released(ReleaseWord::Missing))
        );
        server.command(&["SET", "app:f", "somebody"]);
        assert_eq!(
            refused(node.ask(acquire("f", &mine)).await).why,
            RefusalKind::Foreign
        );
        server.command(&["DEL", "app:f"]);
        assert_eq!(server.command(&["DBSIZE"]).int(), Some(0));
    })
    .await;
}

#[tokio::test]
async fn another_type_is_told_and_left() {
    on_every_server(async |server, node| {
        server.command(&["HSET", "app:h", "a", "1"]);
        let fault = node.ask(acquire("h", &token())).await.expect_err("a hash");
        assert_eq!(fault.class, FaultClass::ForeignFormat, "{fault}");
        let fault = node.ask(release("h", &token())).await.expect_err("a hash");
        assert_eq!(fault.class, FaultClass::ForeignFormat, "{fault}");
        let view = node.ask(Command::Inspect { keys: keys("h") }).await;
        assert!(
            matches!(view, Ok(Reply::View(view)) if view.other_type),
            "{}",
            server.version()
        );
        assert_eq!(
            server.command(&["HGET", "app:h", "a"]).text().as_deref(),
            Some("1")
        );
    })
    .await;
}

#[tokio::test]
async fn fencing_tokens_rise_and_are_bounded_by_the_servers_clock() {
    on_every_server(async |server, node| {
        let mine = token();
        let first = granted(node.ask(fenced("n", &mine, 1000)).await)
            .fence
            .expect("fenced");
        assert_eq!(first.get(), 1000);
        assert_eq!(
            granted(node.ask(fenced("n", &mine, 2000)).await).fence,
            Some(first)
        );
        let raise = Command::Raise {
            keys: keys("n"),
            token: mine.clone(),
            to: fence(5000),
        };
        assert_eq!(
            node.ask(raise.clone()).await,
            Ok(Reply::Raised(Some(fence(5000))))
        );
        node.ask(release("n", &mine)).await.expect("released");
        assert_eq!(node.ask(raise).await, Ok(Reply::Raised(None)));
        let second = granted(node.ask(fenced("n", &token(), 1)).await)
            .fence
            .expect("fenced");
        assert_eq!(second.get(), 5001);
        let far = granted(node.ask(fenced("far", &token(), 1 << 52)).await)
            .fence
            .expect("fenced");
        let time = server.command(&["TIME"]);
        let seconds: u64 = time.items()[0]
            .text()
            .expect("text")
            .parse()
            .expect("a number");
        let bound = (seconds + 2) * 1_000_000;
        assert!(
            far.get() > bound - 60_000_000 && far.get() <= bound,
            "{far}"
        );
        // The counter is gone, the floor stands.
        server.command(&["DEL", "app:quorlock:{app:n}:fence"]);
        let release = Release {
            fence: Some(fence(7)),
            ..release_of("far", &token())
        };
        node.ask(Command::Release(release)).await.expect("answered");
        let fresh = granted(node.ask(fenced("m", &token(), 1)).await)
            .fence
            .expect("fenced");
        assert_eq!(fresh.get(), far.get() + 1);
    })
    .await;
}

#[tokio::test]
async fn a_release_that_came_first_buries_its_acquire() {
    on_every_server(async |_, node| {
        let late = token();
        let first = Release {
            tomb_ms: 60_000,
            ..release_of("b", &late)
        };
        assert_eq!(
            node.ask(Command::Release(first)).await,
            Ok(Reply::Released(ReleaseWord::Missing))
        );
        assert_eq!(
            refused(node.ask(acquire("b", &late)).await).why,
            RefusalKind::Buried
        );
        let poll = Command::Poll(claim("b", &late), place(1, None));
        assert_eq!(refused(node.ask(poll).await).why, RefusalKind::Buried);
        granted(node.ask(Command::Acquire(claim("b", &token()))).await);
    })
    .await;
}

#[tokio::test]
async fn extend_tells_each_lease() {
    on_every_server(async |server, node| {
        let (mine, other) = (token(), token());
        node.ask(acquire("mine", &mine)).await.expect("granted");
        node.ask(acquire("other", &other)).await.expect("granted");
        server.command(&["HSET", "app:hash", "a", "1"]);
        let lease = |name: &str| Renewal {
            keys: keys(name),
            token: mine.clone(),
            ttl: Ttl::from_millis(90_000).expect("in bounds"),
            fence: Some(fence(9)),
        };
        let leases = vec![lease("mine"), lease("gone"), lease("other"), lease("hash")];
        use LeaseWord::{FilledIn, Missing, Other, Renewed};
        let extend = |fill_in| Command::Extend {
            leases: leases.clone(),
            fill_in,
        };
        let said = node.ask(extend(false)).await;
        assert_eq!(
            said,
            Ok(Reply::Extended(vec![Renewed, Missing, Other, Other]))
        );
        assert!(server.command(&["PTTL", "app:mine"]).int() > Some(60_000));
        let said = node.ask(extend(true)).await;
        assert_eq!(
            said,
            Ok(Reply::Extended(vec![Renewed, FilledIn, Other, Other]))
        );
        assert_eq!(
            server
                .command(&["GET", "app:quorlock:{app:mine}:fence"])
                .text()
                .as_deref(),
            Some("9")
        );
    })
    .await;
}

#[tokio::test]
async fn the_queue_goes_in_order_and_wakes() {
    on_every_server(async |server, node| {
        let (holder, first, second) = (token(), token(), token());
        node.ask(acquire("q", &holder)).await.expect("granted");
        let poll = |token, number, score| Command::Poll(claim("q", token), place(number, score));
        let one = refused(node.ask(poll(&first, 1, None)).await);
        assert_eq!((one.why, one.place), (RefusalKind::Held, Some(0)));
        let two = refused(node.ask(poll(&second, 2, None)).await);
        assert_eq!((two.why, two.place), (RefusalKind::Held, Some(1)));
        assert!(one.score < two.score, "{one:?} {two:?}");
        node.ask(release("q", &holder)).await.expect("released");
        // The waiter's number has come by the channel: the caller reads it.
        let barging = Command::Acquire(Claim {
            heed_queue: true,
            ..claim("q", &holder)
        });
        assert_eq!(refused(node.ask(barging).await).why, RefusalKind::Queued);
        let early = refused(node.ask(poll(&second, 2, None)).await);
        assert_eq!((early.why, early.place), (RefusalKind::Queued, Some(1)));
        let grant = granted(node.ask(poll(&first, 1, None)).await);
        assert_eq!(grant.score, one.score);
        assert!(granted(node.ask(poll(&first, 1, None)).await).again);
        // A winner without a majority goes back to its place.
        let back = Release {
            put_back: Some(place(1, one.score)),
            ..release_of("q", &first)
        };
        node.ask(Command::Release(back)).await.expect("released");
        let early = refused(node.ask(poll(&second, 2, None)).await);
        assert_eq!((early.why, early.place), (RefusalKind::Queued, Some(1)));
        let leave = |number| Command::Leave {
            keys: keys("q"),
            waiter: waiter(number),
        };
        assert_eq!(node.ask(leave(1)).await, Ok(Reply::Left(true)));
        assert_eq!(node.ask(leave(1)).await, Ok(Reply::Left(false)));
        granted(node.ask(poll(&second, 2, None)).await);
        assert_eq!(
            server
                .command(&["EXISTS", "app:quorlock:{app:q}:queue"])
                .int(),
            Some(0)
        );
    })
    .await;
}

#[tokio::test]
async fn adoption_swaps_and_swaps_back() {
    on_every_server(async |_, node| {
        let (old, new, late) = (token(), token(), token());
        let ticket = TicketId::fresh(&Dice);
        let adopt = |to: &quorlock::testing::config::OwnerToken| Command::Adopt {
            claim: Claim {
                proposal: Some(50),
                ..claim("t", to)
            },
            from: old.clone(),
            ticket: ticket.clone(),
        };
        assert_eq!(
            refused(node.ask(adopt(&new)).await).why,
            RefusalKind::Missing
        );
        let first = granted(node.ask(fenced("t", &old, 40)).await)
            .fence
            .expect("fenced");
        let unadopt = |tomb_ms| Command::Unadopt {
            keys: keys("t"),
            from: old.clone(),
            to: late.clone(),
            tomb_ms,
        };
        assert_eq!(
            node.ask(unadopt(60_000)).await,
            Ok(Reply::Released(ReleaseWord::Other))
        );
        assert_eq!(
            refused(node.ask(adopt(&late)).await).why,
            RefusalKind::Buried
        );
        let grant = granted(node.ask(adopt(&new)).await);
        assert!(grant.fence > Some(first) && !grant.again, "{grant:?}");
        assert!(granted(node.ask(adopt(&new)).await).again);
        let refusal = refused(node.ask(adopt(&token())).await);
        assert_eq!(refusal.owner.as_deref(), Some(new.as_bytes()));
        let back = Command::Unadopt {
            keys: keys("t"),
            from: old.clone(),
            to: new.clone(),
            tomb_ms: 0,
        };
        assert_eq!(
            node.ask(back.clone()).await,
            Ok(Reply::Released(ReleaseWord::Done))
        );
        assert!(
            granted(node.ask(fenced("t", &old, 1)).await).again,
            "the old owner stands again"
        );
        let done = Release {
            spent: Some((ticket.clone(), 60_000)),
            ..release_of("t", &old)
        };
        assert_eq!(
            node.ask(Command::Release(done)).await,
            Ok(Reply::Released(ReleaseWord::Done))
        );
        assert_eq!(
            node.ask(back).await,
            Ok(Reply::Released(ReleaseWord::Missing))
        );
        assert_eq!(
            refused(node.ask(adopt(&token())).await).why,
            RefusalKind::Spent
        );
    })
    .await;
}

#[tokio::test]
async fn inspect_and_facts() {
    on_every_server(async |server, node| {
        let view = |reply| match reply {
            Ok(Reply::View(view)) => view,
            other => panic!("no view: {other:?}"),
        };
        let inspect = || Command::Inspect { keys: keys("i") };
        let empty = view(node.ask(inspect()).await);
        assert_eq!(
            (empty.value, empty.ttl_ms, empty.waiters),
            (None, None, Some(0))
        );
        let mine = token();
        node.ask(fenced("i", &mine, 77)).await.expect("granted");
        let poll = Command::Poll(claim("i", &token()), place(1, None));
        node.ask(poll).await.expect("answered");
        let held = view(node.ask(inspect()).await);
        assert_eq!(held.value.as_deref(), Some(mine.as_bytes()));
        assert_eq!((held.counter, held.waiters), (Some(fence(77)), Some(1)));
        let Ok(Reply::Facts(facts)) = node.ask(Command::Facts).await else {
            panic!("no facts")
        };
        assert_eq!(facts.version.as_deref(), Some(server.version().as_str()));
        assert_eq!(facts.role.as_deref(), Some("master"));
        let expected = if server.kind() == ServerKind::Valkey {
            "valkey"
        } else {
            "redis"
        };
        assert_eq!(facts.server.as_deref(), Some(expected));
        assert!(
            facts.run_id.is_some() && facts.eviction.is_some(),
            "{facts:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn plain_words_where_they_suffice() {
    let server = Server::start(ServerKind::Valkey);
    let node = Driven::with(
        &server.url(),
        Wish {
            plain_preferred: true,
            ..Wish::default()
        },
    );
    let (_, can) = node.up().await;
    assert!(can.scripts && can.compare_delete.is_some(), "{can:?}");
    let monitor = server.monitor();
    let (mine, other) = (token(), token());
    granted(node.ask(acquire("p", &mine)).await);
    assert!(granted(node.ask(acquire("p", &mine)).await).again);
    assert_eq!(
        refused(node.ask(acquire("p", &other)).await).why,
        RefusalKind::Held
    );
    assert_eq!(
        node.ask(release("p", &other)).await,
        Ok(Reply::Released(ReleaseWord::Missing))
    );
    assert_eq!(
        node.ask(release("p", &mine)).await,
        Ok(Reply::Released(ReleaseWord::Done))
    );
    let names: Vec<String> = monitor
        .tcp_commands()
        .iter()
        .map(|seen| seen.name())
        .collect();
    assert_eq!(names, ["SET", "SET", "SET", "DELIFEQ", "DELIFEQ"]);
    // What only a script can do still goes by script.
    assert!(
        granted(node.ask(fenced("p", &mine, 5)).await)
            .fence
            .is_some()
    );
}
