//! Ways to a server: Unix socket, database, wake-up channel.

use std::time::Duration;

use quorlock::FaultClass;
use quorlock::testing::protocol::{Command, Reply};
use quorlock_test_support::{Server, ServerKind};
use tokio::time::timeout;

use crate::harness::{Driven, LONG, acquire, claim, place, release, token};

#[tokio::test]
async fn a_unix_socket_and_a_database() {
    for kind in ServerKind::ALL {
        let server = Server::start(kind);
        let urls = [
            format!("{}?db=3", server.unix_url()),
            format!("{}/3", server.url()),
        ];
        for url in urls {
            let node = Driven::to(&url);
            let mine = token();
            assert!(
                matches!(node.ask(acquire("a", &mine)).await, Ok(Reply::Granted(_))),
                "{url}"
            );
            assert_eq!(
                server.command(&["DBSIZE"]).int(),
                Some(0),
                "not in database 0"
            );
            node.ask(release("a", &mine)).await.expect("released");
        }
        let node = Driven::to(&format!("{}/99", server.url()));
        node.down(FaultClass::Permission).await;
    }
}

#[tokio::test]
async fn a_name_is_resolved() {
    let server = Server::start(ServerKind::Valkey);
    let node = Driven::to(&format!("redis://localhost:{}", server.port()));
    node.up().await;
}

#[tokio::test]
async fn a_release_wakes_the_first_waiter_of_this_client() {
    for kind in ServerKind::ALL {
        let server = Server::start(kind);
        let mut node = Driven::to(&server.url());
        let (holder, waiting) = (token(), token());
        node.ask(acquire("w", &holder)).await.expect("granted");
        let poll = Command::Poll(claim("w", &waiting), place(41, None));
        assert!(matches!(
            node.ask(poll.clone()).await,
            Ok(Reply::Refused(_))
        ));
        node.ask(release("w", &holder)).await.expect("released");
        let woken = timeout(LONG, node.woken.recv()).await.expect("woken");
        assert_eq!(woken, Some(41));
        assert!(matches!(node.ask(poll).await, Ok(Reply::Granted(_))));
        // What is no waiter, or not on our channel, is passed over.
        server.command(&["PUBLISH", "app:quorlock:wake:c1", "nonsense"]);
        server.command(&["PUBLISH", "app:quorlock:wake:c2", "c2:7:s"]);
        server.command(&["PUBLISH", "app:quorlock:wake:c1", "c1:8:s"]);
        let woken = timeout(LONG, node.woken.recv()).await.expect("woken");
        assert_eq!(woken, Some(8));
    }
}

#[tokio::test]
async fn the_old_connection_is_ended_by_the_new_one() {
    let server = Server::start(ServerKind::Valkey);
    let proxy = quorlock_test_support::Proxy::start(server.addr());
    let stall_after = Duration::from_millis(50);
    let wish = crate::harness::Wish {
        stall_after,
        ..Default::default()
    };
    let node = Driven::with(&proxy.url(), wish);
    let (epoch, _) = node.up().await;
    let clients = || {
        let list = server
            .command(&["CLIENT", "LIST", "TYPE", "PUBSUB"])
            .text()
            .unwrap_or_default();
        list.lines().count()
    };
    assert_eq!(clients(), 1);
    // Half open: the server hears neither the command nor the end of the old connection.
    proxy.existing().both(quorlock_test_support::Flow::Swallow);
    let fault = node
        .ask(acquire("a", &token()))
        .await
        .expect_err("swallowed");
    assert_eq!(
        (fault.class, fault.may_have_run),
        (FaultClass::Disconnected, true)
    );
    node.link(
        |link| matches!(link, quorlock::testing::node::Link::Up { epoch: now, .. } if *now > epoch),
    )
    .await;
    quorlock_test_support::eventually_async(LONG, "the old one is gone", || clients() == 1).await;
}
