//! Servers that go and come, and nodes that end.

use std::time::Duration;

use quorlock::FaultClass;
use quorlock::testing::node::{Link, Node, Void};
use quorlock::testing::protocol::{ReleaseWord, Reply};
use quorlock_test_support::{
    Flow, LyingServer, NewConnections, Phase, PortReservation, Proxy, Server, ServerKind,
    ServerOptions,
};
use tokio::time::{Instant, sleep, timeout};

use crate::harness::{Driven, LONG, Wish, acquire, release, token};

#[tokio::test]
async fn a_server_that_is_killed_and_started_again_is_found_again() {
    let server = Server::start_with(&ServerOptions::new(ServerKind::Valkey).append_only());
    let server = server.expect("starts");
    let node = Driven::to(&server.url());
    let mine = token();
    node.ask(acquire("a", &mine)).await.expect("granted");
    let mut epoch = node.up().await.0;
    for _ in 0..3 {
        server.kill();
        node.down(FaultClass::Unreachable).await;
        let begin = Instant::now();
        let fault = node.ask(acquire("a", &mine)).await.expect_err("down");
        assert!(!fault.may_have_run, "{fault}");
        assert!(
            begin.elapsed() < Duration::from_millis(200),
            "{:?}",
            begin.elapsed()
        );
        server.start_again();
        let again = node.up().await.0;
        assert!(again > epoch);
        epoch = again;
    }
    assert_eq!(
        node.ask(release("a", &mine)).await,
        Ok(Reply::Released(ReleaseWord::Done))
    );
}

#[tokio::test]
async fn a_broken_connection_is_replaced_at_once_and_nobody_is_refused() {
    let server = Server::start(ServerKind::Valkey);
    let proxy = Proxy::start(server.addr());
    let node = Driven::to(&proxy.url());
    for round in 0..20 {
        let mine = token();
        node.ask(acquire("a", &mine)).await.expect("granted");
        proxy.cut();
        let link = node.link(|link| *link != Link::Connecting).await;
        assert!(matches!(link, Link::Up { .. } | Link::Down(_)));
        // Either the new connection is there already, or the command waits for it.
        let mut released = node.ask(release("a", &mine)).await;
        if released
            .as_ref()
            .is_err_and(|fault| fault.class == FaultClass::Disconnected)
        {
            released = node.ask(release("a", &mine)).await;
        }
        assert_eq!(
            released,
            Ok(Reply::Released(ReleaseWord::Done)),
            "round {round}"
        );
    }
}

#[tokio::test]
async fn dials_are_rare_while_a_server_is_down() {
    let server = Server::start(ServerKind::Valkey);
    let proxy = Proxy::start(server.addr());
    proxy.on_connect(NewConnections::Reset);
    let node = Driven::to(&proxy.url());
    sleep(Duration::from_millis(3000)).await;
    let dials = proxy.connections();
    // 0, 20, 60, 140, 300, 620 ms … at most twice as often, then once in half a second to a second.
    assert!((5..=16).contains(&dials), "{dials} dials");
    proxy.on_connect(NewConnections::Accept);
    node.up().await;
}

#[tokio::test]
async fn commands_wait_for_a_dial_no_longer_than_they_may() {
    let tarpit = LyingServer::tarpit(Phase::Hello);
    let connect_timeout = Duration::from_millis(600);
    let node = Driven::with(
        &tarpit.url(),
        Wish {
            connect_timeout,
            ..Wish::default()
        },
    );
    let begin = Instant::now();
    let wait = Duration::from_millis(100);
    let short = node.submit_within(wait, acquire("a", &token()), &Void::default());
    let long = node.submit_within(LONG, acquire("b", &token()), &Void::default());
    let fault = short.get().await.expect_err("late");
    assert_eq!(
        (fault.class, fault.may_have_run),
        (FaultClass::Timeout, false)
    );
    assert!(
        begin.elapsed() < Duration::from_millis(300),
        "{:?}",
        begin.elapsed()
    );
    let fault = long.get().await.expect_err("the dial failed");
    assert_eq!(
        (fault.class, fault.may_have_run),
        (FaultClass::Timeout, false)
    );
    assert!(
        begin.elapsed() < Duration::from_millis(1200),
        "{:?}",
        begin.elapsed()
    );
    node.down(FaultClass::Timeout).await;
}

#[tokio::test]
async fn every_phase_of_connecting_is_bounded() {
    for phase in [Phase::Connect, Phase::Hello, Phase::Setup, Phase::Commands] {
        let tarpit = LyingServer::tarpit(phase);
        let connect_timeout = Duration::from_millis(150);
        let url = format!("{}/1", tarpit.url());
        let node = Driven::with(
            &url,
            Wish {
                connect_timeout,
                ..Wish::default()
            },
        );
        let begin = Instant::now();
        node.down(FaultClass::Timeout).await;
        assert!(
            begin.elapsed() < Duration::from_millis(600),
            "{phase:?}: {:?}",
            begin.elapsed()
        );
    }
}

#[tokio::test]
async fn an_unreachable_server_is_told_as_such() {
    let nobody = PortReservation::new().expect("a port");
    let cases = [
        format!("redis://{}", nobody.addr()),
        "redis://no-such-host.invalid".to_owned(),
        "unix:///nowhere/socket".to_owned(),
    ];
    for url in cases {
        let node = Driven::to(&url);
        node.down(FaultClass::Unreachable).await;
        let fault = node
            .ask(acquire("a", &token()))
            .await
            .expect_err("nobody there");
        assert_eq!(
            (fault.class, fault.may_have_run),
            (FaultClass::Unreachable, false),
            "{url}"
        );
    }
}

#[tokio::test]
async fn a_replica_is_told_and_the_name_resolved_again() {
    let (primary, other) = (
        Server::start(ServerKind::Valkey),
        Server::start(ServerKind::Valkey),
    );
    let proxy = Proxy::start(primary.addr());
    let node = Driven::to(&proxy.url());
    let (epoch, _) = node.up().await;
    let port = other.port().to_string();
    assert!(primary.command(&["REPLICAOF", "127.0.0.1", &port]).is_ok());
    let fault = node
        .ask(acquire("a", &token()))
        .await
        .expect_err("a replica");
    assert_eq!(
        (fault.class, fault.may_have_run),
        (FaultClass::Operator, false),
        "{fault}"
    );
    proxy.redirect(other.addr());
    node.link(|link| matches!(link, Link::Up { epoch: now, .. } if *now > epoch))
        .await;
    assert!(matches!(
        node.ask(acquire("a", &token())).await,
        Ok(Reply::Granted(_))
    ));
    // As long as the name leads to a replica, dials do not come in a storm.
    proxy.redirect(primary.addr());
    proxy.cut();
    let before = proxy.connections();
    let over = Instant::now() + Duration::from_secs(1);
    while Instant::now() < over {
        let _ = node.ask(acquire("b", &token())).await;
        sleep(Duration::from_millis(1)).await;
    }
    let dials = proxy.connections() - before;
    assert!(dials <= 16, "{dials} dials");
}

#[tokio::test]
async fn close_answers_what_was_submitted_and_ends_the_driver() {
    let server = Server::start(ServerKind::Valkey);
    let proxy = Proxy::start(server.addr());
    let node = Driven::to(&proxy.url());
    node.up().await;
    proxy.replies(Flow::delay(Duration::from_millis(100)));
    let mine = token();
    let before = node.submit(acquire("a", &mine), &Void::default());
    let also = node.submit(release("a", &mine), &Void::default());
    node.node.close();
    let after = node.submit(acquire("b", &mine), &Void::default());
    assert!(matches!(before.get().await, Ok(Reply::Granted(_))));
    assert_eq!(also.get().await, Ok(Reply::Released(ReleaseWord::Done)));
    let fault = after.get().await.expect_err("closed");
    assert_eq!(
        (fault.class, fault.may_have_run),
        (FaultClass::Closed, false)
    );
    timeout(LONG, node.driver)
        .await
        .expect("ends")
        .expect("no panic");
    assert!(matches!(&*node.node.link().borrow(), Link::Down(f) if f.class == FaultClass::Closed));
}

#[tokio::test]
async fn close_is_bounded_whatever_the_server_does() {
    let server = Server::start(ServerKind::Valkey);
    let connect_timeout = Duration::from_millis(200);
    let node = Driven::with(
        &server.url(),
        Wish {
            connect_timeout,
            ..Wish::default()
        },
    );
    node.up().await;
    server.pause();
    let asked = node.submit(acquire("a", &token()), &Void::default());
    sleep(Duration::from_millis(20)).await;
    let begin = Instant::now();
    node.node.close();
    let fault = asked.get().await.expect_err("no reply");
    assert_eq!(
        (fault.class, fault.may_have_run),
        (FaultClass::Closed, true)
    );
    timeout(LONG, node.driver)
        .await
        .expect("ends")
        .expect("no panic");
    assert!(
        begin.elapsed() < Duration::from_millis(500),
        "{:?}",
        begin.elapsed()
    );
    server.resume();
}

#[tokio::test]
async fn the_driver_ends_with_its_node_and_the_node_survives_its_driver() {
    let server = Server::start(ServerKind::Valkey);
    let Driven { node, driver, .. } = Driven::to(&server.url());
    drop(node);
    timeout(LONG, driver)
        .await
        .expect("ends")
        .expect("no panic");

    let tarpit = LyingServer::tarpit(Phase::Commands);
    let node = Driven::to(&tarpit.url());
    let asked = node.submit(acquire("a", &token()), &Void::default());
    node.driver.abort();
    let fault = asked.get().await.expect_err("the driver is gone");
    assert_eq!(fault.class, FaultClass::Closed);
    let fault = node
        .ask(acquire("a", &token()))
        .await
        .expect_err("the driver is gone");
    assert_eq!(
        (fault.class, fault.may_have_run),
        (FaultClass::Closed, false)
    );
}

#[tokio::test]
async fn what_was_given_up_while_it_waited_is_not_sent() {
    let server = Server::start(ServerKind::Valkey);
    let proxy = Proxy::start(server.addr());
    proxy.both(Flow::delay(Duration::from_millis(100)));
    let node = Driven::to(&proxy.url());
    let (void, mine) = (Void::default(), token());
    let asked = node.submit(acquire("a", &mine), &void);
    void.set();
    let undone = node.submit(release("a", &mine), &void);
    let fault = asked.get().await.expect_err("given up");
    assert!(!fault.may_have_run, "{fault}");
    assert_eq!(
        undone.get().await,
        Ok(Reply::Released(ReleaseWord::Missing))
    );
    assert_eq!(server.command(&["DBSIZE"]).int(), Some(0));
}
