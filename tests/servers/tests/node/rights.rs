//! Users with few rights, wrong passwords, and what each finds out.

use std::time::Duration;

use quorlock::FaultClass;
use quorlock::testing::node::Node;
use quorlock::testing::protocol::{
    Command, CompareDelete, Counted, RefusalKind, ReleaseWord, Reply,
};
use quorlock_test_support::{Server, ServerKind, ServerOptions};

use crate::harness::{Driven, Wish, acquire, claim, keys, place, release, token};

const SECRET: &str = "hunter2hunter2";
const LEAST: &str =
    "on >hunter2hunter2 ~app:* resetchannels -@all +set +get +del +pexpire +eval +evalsha";

fn with_user(kind: ServerKind, rules: &str) -> Server {
    Server::start_with(&ServerOptions::new(kind).user("lock", rules)).expect("starts")
}

#[tokio::test]
async fn a_wrong_password_is_told_at_once_and_never_shown() {
    for kind in ServerKind::ALL {
        let server =
            Server::start_with(&ServerOptions::new(kind).password(SECRET)).expect("starts");
        let wrong = "wrong-canary-7";
        for url in [
            server.url_as("", wrong),
            server.url_as("nobody", wrong),
            server.url(),
        ] {
            let node = Driven::to(&url);
            let link = node.down(FaultClass::Permission).await;
            let fault = node
                .ask(acquire("a", &token()))
                .await
                .expect_err("not logged in");
            assert_eq!(
                (fault.class, fault.may_have_run),
                (FaultClass::Permission, false)
            );
            let shown = format!("{link} {link:?} {fault} {fault:?} {}", node.node.address());
            assert!(!shown.contains(wrong) && !shown.contains(SECRET), "{shown}");
        }
        // Somebody may set the password right: the node goes on trying.
        let node = Driven::to(&server.url_as("", wrong));
        node.down(FaultClass::Permission).await;
        assert!(
            server
                .command(&["CONFIG", "SET", "requirepass", wrong])
                .is_ok()
        );
        node.up().await;
    }
}

#[tokio::test]
async fn six_commands_are_enough() {
    for kind in ServerKind::ALL {
        let server = with_user(kind, LEAST);
        let node = Driven::to(&server.url_as("lock", SECRET));
        let (_, can) = node.up().await;
        assert!(
            can.scripts && !can.time && !can.fencing && !can.queue && !can.plain,
            "{kind:?}: {can:?}"
        );
        let (mine, other) = (token(), token());
        let claim = quorlock::testing::protocol::Claim {
            proposal: Some(1 << 50),
            ..claim("a", &mine)
        };
        let Ok(Reply::Granted(grant)) = node.ask(Command::Acquire(claim)).await else {
            panic!("{kind:?}: not granted")
        };
        assert_eq!(grant.counted, Counted::No, "tokens need two more");
        let Ok(Reply::Refused(refusal)) = node.ask(acquire("a", &other)).await else {
            panic!("{kind:?}: not refused")
        };
        assert_eq!((refusal.why, refusal.ttl_ms), (RefusalKind::Held, None));
        let poll = Command::Poll(crate::harness::claim("a", &other), place(1, None));
        let fault = node.ask(poll).await.expect_err("no queue");
        assert_eq!(fault.class, FaultClass::Unsupported, "{fault}");
        let Ok(Reply::Facts(facts)) = node.ask(Command::Facts).await else {
            panic!("no facts")
        };
        assert_eq!(facts.version.as_deref(), Some(server.version().as_str()));
        assert_eq!(facts.run_id, None);
        let Ok(Reply::View(view)) = node.ask(Command::Inspect { keys: keys("a") }).await else {
            panic!("{kind:?}: no view")
        };
        assert_eq!(
            (view.value.as_deref(), view.waiters),
            (Some(mine.as_bytes()), None)
        );
        let released = node.ask(release("a", &mine)).await;
        assert_eq!(released, Ok(Reply::Released(ReleaseWord::Done)));
    }
}

#[tokio::test]
async fn two_more_give_fencing_tokens() {
    for kind in ServerKind::ALL {
        let server = with_user(kind, &format!("{LEAST} +zadd +zscore"));
        let node = Driven::to(&server.url_as("lock", SECRET));
        let (_, can) = node.up().await;
        assert!(
            can.fencing && !can.time && !can.queue && !can.plain,
            "{kind:?}: {can:?}"
        );
        let claim = quorlock::testing::protocol::Claim {
            proposal: Some(1 << 50),
            ..claim("a", &token())
        };
        let Ok(Reply::Granted(grant)) = node.ask(Command::Acquire(claim)).await else {
            panic!("{kind:?}: not granted")
        };
        let first = quorlock::FencingToken::new(1).expect("a token");
        assert_eq!(
            grant.counted,
            Counted::At(first),
            "no clock bounds a proposal"
        );
    }
}

#[tokio::test]
async fn the_rights_for_plain_words_are_found_out() {
    let rules = "on >hunter2hunter2 ~app:* &app:quorlock:wake:* -@all +@read +@write +@scripting \
                 +@pubsub +time +info";
    let faster = format!("{rules} +client|info +client|kill");
    for (rules, plain) in [(rules, false), (&faster, true)] {
        let server = with_user(ServerKind::Valkey, rules);
        let node = Driven::with(
            &server.url_as("lock", SECRET),
            Wish {
                plain_claims: true,
                ..Wish::default()
            },
        );
        let (_, can) = node.up().await;
        assert!(can.fencing && can.queue && can.wake, "{can:?}");
        assert_eq!(can.plain, plain, "{can:?}");
    }
}

#[tokio::test]
async fn two_commands_are_enough_on_valkey_9() {
    let rules = "on >hunter2hunter2 ~app:* resetchannels -@all +set +delifeq";
    let server = with_user(ServerKind::Valkey, rules);
    let node = Driven::to(&server.url_as("lock", SECRET));
    let (_, can) = node.up().await;
    assert!(!can.scripts && !can.queue && !can.wake, "{can:?}");
    assert_eq!(can.compare_delete, Some(CompareDelete::DelIfEq));
    let (mine, other) = (token(), token());
    // `SET … GET` needs the right to read, which the rule for SET gives on these keys.
    assert!(matches!(node.ask(acquire("a", &mine)).await, Ok(Reply::Granted(g)) if !g.again));
    assert!(matches!(node.ask(acquire("a", &mine)).await, Ok(Reply::Granted(g)) if g.again));
    assert!(matches!(
        node.ask(acquire("a", &other)).await,
        Ok(Reply::Refused(_))
    ));
    let leases = vec![quorlock::testing::protocol::Renewal {
        keys: keys("a"),
        token: mine.clone(),
        ttl: quorlock::testing::config::Ttl::from_millis(90_000).expect("in bounds"),
        fence: None,
        stance: None,
    }];
    let extended = node
        .ask(Command::Extend {
            leases,
            fill_in: None,
        })
        .await;
    assert_eq!(
        extended,
        Ok(Reply::Extended(vec![
            quorlock::testing::protocol::LeaseWord::Renewed
        ]))
    );
    assert!(server.command(&["PTTL", "app:a"]).int() > Some(60_000));
    assert_eq!(
        node.ask(release("a", &other)).await,
        Ok(Reply::Released(ReleaseWord::Missing))
    );
    assert_eq!(
        node.ask(release("a", &mine)).await,
        Ok(Reply::Released(ReleaseWord::Done))
    );
    let Ok(Reply::Facts(facts)) = node.ask(Command::Facts).await else {
        panic!("no facts")
    };
    assert_eq!(facts.server.as_deref(), Some("valkey"));
}

#[tokio::test]
async fn too_few_rights_are_permanent_and_say_so() {
    let cases = [
        ("on >hunter2hunter2 ~app:* resetchannels -@all +set", true),
        (
            "on >hunter2hunter2 ~other:* resetchannels -@all +set +get +del +pexpire +eval +evalsha",
            false,
        ),
    ];
    for kind in ServerKind::ALL {
        for (rules, connects) in cases {
            let server = with_user(kind, rules);
            let node = Driven::to(&server.url_as("lock", SECRET));
            if connects {
                node.up().await;
            } else {
                let fault = node.down(FaultClass::Permission).await;
                assert!(fault.detail.contains("key prefix"), "{kind:?}: {fault}");
            }
            let fault = node
                .ask(acquire("a", &token()))
                .await
                .expect_err("no rights");
            assert_eq!(
                (fault.class, fault.may_have_run),
                (FaultClass::Permission, false)
            );
        }
        // A command that only the script needs is missing.
        let server = with_user(kind, &LEAST.replace("+pexpire ", "").replace("+set ", ""));
        let node = Driven::to(&server.url_as("lock", SECRET));
        node.up().await;
        let fault = node
            .ask(acquire("a", &token()))
            .await
            .expect_err("no rights");
        assert_eq!(fault.class, FaultClass::Permission, "{kind:?}: {fault}");
    }
}

#[tokio::test]
async fn a_full_server_still_tells_what_may_be_done() {
    for kind in ServerKind::ALL {
        let server = Server::start(kind);
        for line in [["maxmemory-policy", "noeviction"], ["maxmemory", "1"]] {
            assert!(server.command(&["CONFIG", "SET", line[0], line[1]]).is_ok());
        }
        let node = Driven::to(&server.url());
        let (_, can) = node.up().await;
        assert!(
            can.scripts && can.time && can.queue && can.wake,
            "{kind:?}: {can:?}"
        );
        let fault = node.ask(acquire("a", &token())).await.expect_err("full");
        assert_eq!(fault.class, FaultClass::Operator, "{kind:?}: {fault}");
        assert!(server.command(&["CONFIG", "SET", "maxmemory", "0"]).is_ok());
        let mine = token();
        node.ask(acquire("a", &mine)).await.expect("granted");
        assert!(server.command(&["CONFIG", "SET", "maxmemory", "1"]).is_ok());
        let released = node.ask(release("a", &mine)).await;
        assert_eq!(released, Ok(Reply::Released(ReleaseWord::Done)), "{kind:?}");
    }
}

#[tokio::test]
async fn a_busy_server_is_not_one_without_scripts() {
    for kind in ServerKind::ALL {
        let options = ServerOptions::new(kind).config("lua-time-limit 10");
        let server = Server::start_with(&options).expect("starts");
        let mut busy = server.connect().expect("connects");
        busy.set_timeout(Duration::from_secs(10)).expect("set");
        let spinning =
            std::thread::spawn(move || busy.command(&["EVAL", "while true do end", "0"]));
        std::thread::sleep(Duration::from_millis(100));
        let node = Driven::with(&server.url(), Wish::default());
        node.down(FaultClass::Transient).await;
        assert!(server.command(&["SCRIPT", "KILL"]).is_ok());
        let _ = spinning.join().expect("no panic");
        let (_, can) = node.up().await;
        assert!(can.scripts && can.queue, "{kind:?}: {can:?}");
    }
}
