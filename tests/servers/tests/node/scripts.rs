//! Every command on every kind of server: what the scripts answer and leave behind.

use quorlock::FaultClass;
use quorlock::testing::config::{TicketId, Ttl};
use quorlock::testing::node::Link;
use quorlock::testing::protocol::{
    Claim, Command, Counted, Grant, LeaseWord, RefusalKind, Release, ReleaseWord, Renewal, Reply,
    Spent, Wake,
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

fn counted(reply: Result<Reply, quorlock::Fault>) -> u64 {
    match granted(reply).counted {
        Counted::At(token) => token.get(),
        other => panic!("no token: {other:?}"),
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
        assert_eq!(counted(node.ask(fenced("n", &mine, 1000)).await), 1000);
        let again = counted(node.ask(fenced("n", &mine, 900)).await);
        assert_eq!(again, 1001, "whether it was counted before is not known");
        let raise = |to, past| Command::Raise {
            keys: keys("n"),
            token: mine.clone(),
            to,
            past,
        };
        let raised = |number| Ok(Reply::Raised(Some(fence(number))));
        assert_eq!(node.ask(raise(5000, false)).await, raised(5000));
        assert_eq!(node.ask(raise(4000, false)).await, raised(5000));
        assert_eq!(node.ask(raise(4000, true)).await, raised(5001));
        node.ask(release("n", &mine)).await.expect("released");
        for past in [false, true] {
            assert_eq!(node.ask(raise(9000, past)).await, Ok(Reply::Raised(None)));
        }
        assert_eq!(counted(node.ask(fenced("n", &token(), 1)).await), 5002);
        let far = counted(node.ask(fenced("far", &token(), 1 << 52)).await);
        let time = server.command(&["TIME"]);
        let seconds: u64 = time.items()[0]
            .text()
            .expect("text")
            .parse()
            .expect("a number");
        let bound = (seconds + 2) * 1_000_000;
        assert!(far > bound - 60_000_000 && far <= bound, "{far}");
        // A release lifts the counter as well.
        let release = Release {
            fence: Some(fence(far + 7)),
            ..release_of("far", &token())
        };
        node.ask(Command::Release(release)).await.expect("answered");
        let score = server.command(&["ZSCORE", &keys("far").fence(), "token"]);
        let score: f64 = score.text().expect("a number").parse().expect("a number");
        assert_eq!(score as u64, far + 7);
        assert_eq!(
            server.command(&["TTL", &keys("far").fence()]).int(),
            Some(-1),
            "counters do not end"
        );
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
            stance: None,
        };
        let leases = vec![lease("mine"), lease("gone"), lease("other"), lease("hash")];
        use LeaseWord::{FilledIn, Missing, Other, Renewed};
        let extend = |fill_in| Command::Extend {
            leases: leases.clone(),
            fill_in,
        };
        let said = node.ask(extend(None)).await;
        assert_eq!(
            said,
            Ok(Reply::Extended(vec![Renewed, Missing, Other, Other]))
        );
        assert!(server.command(&["PTTL", "app:mine"]).int() > Some(60_000));
        let said = node.ask(extend(Some(TicketId::fresh(&Dice)))).await;
        assert_eq!(
            said,
            Ok(Reply::Extended(vec![Renewed, FilledIn, Other, Other]))
        );
        assert_eq!(
            server
                .command(&["ZSCORE", &keys("mine").fence(), "token"])
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
            seen_ms: 60_000,
        };
        assert_eq!(
            refused(node.ask(adopt(&new)).await).why,
            RefusalKind::Missing
        );
        let first = counted(node.ask(fenced("t", &old, 40)).await);
        let unadopt = |tomb_ms| Command::Unadopt {
            keys: keys("t"),
            from: old.clone(),
            to: late.clone(),
            ticket: ticket.clone(),
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
        assert!(counted(node.ask(adopt(&new)).await) > first);
        assert!(granted(node.ask(adopt(&new)).await).again);
        let refusal = refused(node.ask(adopt(&token())).await);
        assert_eq!(refusal.owner.as_deref(), Some(new.as_bytes()));
        let back = Command::Unadopt {
            keys: keys("t"),
            from: old.clone(),
            to: new.clone(),
            ticket: ticket.clone(),
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
            spent: Some(Spent {
                ticket: ticket.clone(),
                from: token(),
                retention_ms: 60_000,
            }),
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

fn in_plain_words(server: &Server) -> Driven {
    let wish = Wish {
        plain_claims: true,
        ..Wish::default()
    };
    Driven::with(&server.url(), wish)
}

#[tokio::test]
async fn claims_go_in_plain_words_where_the_server_has_them() {
    for kind in ServerKind::ALL {
        let server = Server::start(kind);
        let node = in_plain_words(&server);
        let (_, can) = node.up().await;
        let is_old = kind == ServerKind::Redis62;
        assert_eq!(can.plain, !is_old, "{kind:?}: {can:?}");
        let monitor = server.monitor();
        let (mine, other) = (token(), token());
        let plain = |token| {
            Command::Release(Release {
                wake: Wake::Nobody,
                ..release_of("p", token)
            })
        };
        let heeding = Command::Acquire(Claim {
            heed_queue: true,
            ..claim("p", &mine)
        });
        assert_eq!(counted(node.ask(fenced("p", &mine, 500)).await), 500);
        let again = granted(node.ask(fenced("p", &mine, 400)).await);
        assert!(again.again, "{again:?}");
        if !is_old {
            assert_eq!(again.counted, Counted::Behind);
        }
        let refusal = refused(node.ask(acquire("p", &other)).await);
        assert_eq!(refusal.why, RefusalKind::Held);
        let released = |word| Ok(Reply::Released(word));
        let said = node.ask(plain(&other)).await;
        assert_eq!(said, released(ReleaseWord::Missing), "it does not tell");
        let said = node.ask(plain(&mine)).await;
        assert_eq!(said, released(ReleaseWord::Done));
        granted(node.ask(heeding).await);
        let names: Vec<String> = monitor
            .tcp_commands()
            .iter()
            .map(|seen| seen.name())
            .collect();
        let (twice, delete) = match kind {
            ServerKind::Valkey => (["SET", "ZADD", "SET", "ZADD", "SET"], ["DELIFEQ"; 2]),
            _ => (["SET", "ZADD", "SET", "ZADD", "SET"], ["EVAL", "EVALSHA"]),
        };
        let expected = [&twice[..], &delete, &["SET", "EXISTS"]].concat();
        if !is_old {
            assert_eq!(names, expected, "{kind:?}");
        }
    }
}

#[tokio::test]
async fn a_claim_in_plain_words_gives_way_to_the_queue() {
    let server = Server::start(ServerKind::Valkey);
    let node = in_plain_words(&server);
    node.up().await;
    let (holder, first) = (token(), token());
    granted(node.ask(acquire("q", &holder)).await);
    let poll = Command::Poll(claim("q", &first), place(1, None));
    assert_eq!(refused(node.ask(poll).await).why, RefusalKind::Held);
    node.ask(release("q", &holder)).await.expect("released");
    let barging = token();
    let heeding = Command::Acquire(Claim {
        heed_queue: true,
        ..claim("q", &barging)
    });
    assert_eq!(refused(node.ask(heeding).await).why, RefusalKind::Queued);
    // It has the key, and whoever asked gives it back.
    assert_eq!(
        node.ask(release("q", &barging)).await,
        Ok(Reply::Released(ReleaseWord::Done))
    );
}

#[tokio::test]
async fn a_proposal_far_ahead_goes_to_a_script() {
    let server = Server::start(ServerKind::Valkey);
    let node = in_plain_words(&server);
    node.up().await;
    let far = counted(node.ask(fenced("far", &token(), 1 << 52)).await);
    let time = server.command(&["TIME"]);
    let seconds = time.items()[0].text().expect("text");
    let seconds: u64 = seconds.parse().expect("a number");
    let limit = (seconds + 2) * 1_000_000;
    assert!(far > limit - 60_000_000 && far <= limit, "{far}");
}

#[tokio::test]
async fn a_new_connection_ends_what_the_old_one_holds() {
    let server = Server::start(ServerKind::Valkey);
    let node = in_plain_words(&server);
    let (epoch, _) = node.up().await;
    let ended = || {
        let stats = server.command(&["INFO", "commandstats"]).text();
        let stats = stats.expect("text");
        let line = stats
            .lines()
            .find_map(|line| line.strip_prefix("cmdstat_client|kill:calls="));
        line.and_then(|line| line.split(',').next()?.parse::<u64>().ok())
    };
    assert_eq!(ended(), Some(1), "asked whether it may");
    let ids = server.command(&["CLIENT", "LIST", "TYPE", "pubsub"]);
    let ids = ids.text().expect("a list");
    let id = ids
        .lines()
        .find_map(|line| line.split(' ').next()?.strip_prefix("id="));
    server.command(&["CLIENT", "KILL", "ID", id.expect("the node's connection")]);
    node.link(|link| matches!(link, Link::Up { epoch: now, .. } if *now > epoch))
        .await;
    assert_eq!(ended(), Some(3), "ours, and the node's");
}
