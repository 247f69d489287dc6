//! Order on one node, whatever happens to scripts and connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use quorlock::FaultClass;
use quorlock::testing::node::{RedisPipeline, Void};
use quorlock::testing::protocol::{Command, Release, ReleaseWord, Reply};
use quorlock_test_support::{Flow, Proxy, Server, ServerKind};

use crate::harness::{Driven, LONG, Wish, acquire, release, release_of, token};

/// So small that commands wait for a place in the pipe.
const TINY: RedisPipeline = RedisPipeline { commands_max: 6 };

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_release_never_overtakes_its_acquire() {
    let server = Server::start(ServerKind::Valkey);
    for plain_claims in [false, true] {
        for pipeline in [TINY, RedisPipeline::default()] {
            let wish = Wish {
                pipeline,
                plain_claims,
                ..Wish::default()
            };
            let node = Arc::new(Driven::with(&server.url(), wish));
            node.up().await;
            let submitters: Vec<_> = (0..100)
                .map(|submitter| {
                    let node = Arc::clone(&node);
                    tokio::spawn(async move {
                        for round in 0..50 {
                            let (name, token) = (format!("{submitter}:{round}"), token());
                            let void = Void::default();
                            // Both at once, and nobody waits for the first: the order is the node's.
                            let first = node.submit(acquire(&name, &token), &void);
                            let second = node.submit(release(&name, &token), &void);
                            assert!(matches!(first.get().await, Ok(Reply::Granted(_))));
                            let done = Ok(Reply::Released(ReleaseWord::Done));
                            assert_eq!(second.get().await, done, "{name}");
                        }
                    })
                })
                .collect();
            for submitter in submitters {
                submitter.await.expect("no panic");
            }
            assert_eq!(server.command(&["DBSIZE"]).int(), Some(0), "no orphan");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_of_lost_scripts_changes_nothing() {
    let server = Arc::new(Server::start(ServerKind::Valkey));
    let node = Arc::new(Driven::with(
        &server.url(),
        Wish {
            pipeline: TINY,
            ..Wish::default()
        },
    ));
    node.up().await;
    let over = Arc::new(AtomicBool::new(false));
    let storm = std::thread::spawn({
        let (server, over) = (Arc::clone(&server), Arc::clone(&over));
        move || {
            while !over.load(Ordering::SeqCst) {
                server.command(&["SCRIPT", "FLUSH"]);
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    });
    let submitters: Vec<_> = (0..30)
        .map(|submitter| {
            let node = Arc::clone(&node);
            tokio::spawn(async move {
                for round in 0..100 {
                    let (name, token) = (format!("{submitter}:{round}"), token());
                    let void = Void::default();
                    let first = node.submit(acquire(&name, &token), &void);
                    if round % 2 == 0 {
                        let first = first.get().await;
                        assert!(matches!(first, Ok(Reply::Granted(_))), "{first:?}");
                        let second = node.ask(release(&name, &token)).await;
                        assert_eq!(second, Ok(Reply::Released(ReleaseWord::Done)));
                    } else {
                        // Given up at once: the acquire may have run or not, but never last.
                        void.set();
                        let second = node.submit(release(&name, &token), &void).get().await;
                        assert!(matches!(second, Ok(Reply::Released(_))), "{second:?}");
                        match first.get().await {
                            Ok(Reply::Granted(_)) => {}
                            Err(fault) => assert!(!fault.may_have_run, "{fault}"),
                            other => panic!("{other:?}"),
                        }
                    }
                }
            })
        })
        .collect();
    for submitter in submitters {
        submitter.await.expect("no panic");
    }
    over.store(true, Ordering::SeqCst);
    storm.join().expect("no panic");
    assert_eq!(server.command(&["DBSIZE"]).int(), Some(0), "no orphan");
    let lost = server
        .command(&["INFO", "errorstats"])
        .text()
        .unwrap_or_default();
    assert!(lost.contains("NOSCRIPT"), "the storm was felt: {lost}");
}

#[tokio::test]
async fn a_lost_reply_is_unresolved_and_the_next_connection_finds_the_key() {
    let server = Server::start(ServerKind::Valkey);
    let proxy = Proxy::start(server.addr());
    let node = Driven::to(&proxy.url());
    let (epoch, _) = node.up().await;
    let mine = token();
    // The script is known there from now on.
    node.ask(acquire("b", &mine)).await.expect("granted");
    proxy.hold_replies_then_cut();
    let fault = node
        .ask(acquire("a", &mine))
        .await
        .expect_err("the reply is lost");
    assert_eq!(
        (fault.class, fault.may_have_run),
        (FaultClass::Disconnected, true)
    );
    assert_eq!(server.command(&["EXISTS", "app:a"]).int(), Some(1));
    let released = node.ask(release("a", &mine)).await;
    assert_eq!(released, Ok(Reply::Released(ReleaseWord::Done)));
    assert_eq!(node.up().await.0, epoch + 1);
}

#[tokio::test]
async fn what_the_old_connection_still_carries_cannot_run_late() {
    let server = Server::start(ServerKind::Valkey);
    let proxy = Proxy::start(server.addr());
    let stall_after = Duration::from_millis(50);
    let node = Driven::with(
        &proxy.url(),
        Wish {
            stall_after,
            ..Wish::default()
        },
    );
    node.up().await;
    let mine = token();
    // The acquire hangs on the way; the node gives the connection up and dials again.
    let old = proxy.existing();
    old.requests(Flow::Hold);
    let fault = node.ask(acquire("a", &mine)).await.expect_err("no reply");
    assert_eq!(
        (fault.class, fault.may_have_run),
        (FaultClass::Disconnected, true)
    );
    let tomb = Release {
        tomb_ms: 60_000,
        ..release_of("a", &mine)
    };
    let released = node.ask(Command::Release(tomb)).await;
    assert_eq!(released, Ok(Reply::Released(ReleaseWord::Missing)));
    old.requests(Flow::Pass);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(
        server.command(&["EXISTS", "app:a"]).int(),
        Some(0),
        "the late SET left nothing"
    );
}

#[tokio::test]
async fn a_stalled_server_gets_no_more_acquires_but_every_release() {
    let server = Server::start(ServerKind::Valkey);
    let stall_after = Duration::from_millis(100);
    let node = Driven::with(
        &server.url(),
        Wish {
            stall_after,
            ..Wish::default()
        },
    );
    node.up().await;
    let (held, first, later) = (token(), token(), token());
    node.ask(acquire("held", &held)).await.expect("granted");
    server.pause();
    let first_answer = node.submit(acquire("first", &first), &Void::default());
    tokio::time::sleep(Duration::from_millis(150)).await;
    let before = tokio::time::Instant::now();
    let fault = node
        .ask(acquire("later", &later))
        .await
        .expect_err("stalled");
    assert_eq!(
        (fault.class, fault.may_have_run),
        (FaultClass::Stalled, false)
    );
    assert!(
        before.elapsed() < Duration::from_millis(50),
        "answered at once"
    );
    let released = node.submit(release("held", &held), &Void::default());
    server.resume();
    assert!(matches!(first_answer.get().await, Ok(Reply::Granted(_))));
    assert_eq!(released.get().await, Ok(Reply::Released(ReleaseWord::Done)));
    assert!(
        matches!(
            node.ask(acquire("later", &later)).await,
            Ok(Reply::Granted(_))
        ),
        "lifted"
    );
}

#[tokio::test]
async fn a_server_silent_for_long_loses_its_connection_and_gets_another() {
    let server = Server::start(ServerKind::Valkey);
    let stall_after = Duration::from_millis(50);
    let connect_timeout = Duration::from_millis(300);
    let wish = Wish {
        stall_after,
        connect_timeout,
        ..Wish::default()
    };
    let node = Driven::with(&server.url(), wish);
    let (epoch, _) = node.up().await;
    server.pause();
    let begin = tokio::time::Instant::now();
    let fault = node.ask(acquire("a", &token())).await.expect_err("silence");
    assert_eq!(
        (fault.class, fault.may_have_run),
        (FaultClass::Disconnected, true)
    );
    let took = begin.elapsed();
    assert!(
        took > Duration::from_millis(900) && took < Duration::from_millis(1500),
        "{took:?}"
    );
    node.down(FaultClass::Timeout).await;
    let fault = node
        .ask(acquire("a", &token()))
        .await
        .expect_err("still silent");
    assert!(!fault.may_have_run, "{fault}");
    server.resume();
    let link = tokio::time::timeout(LONG, node.up())
        .await
        .expect("connected again");
    assert!(link.0 > epoch);
}
