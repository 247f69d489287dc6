//! Whatever failed, was given up or came late: it leaves nothing behind on any server.

use std::future::Future;
use std::task::Poll;
use std::time::{Duration, Instant};

use quorlock::{Client, ErrorKind, Released};
use quorlock_server_tests::{Dice, locks};
use quorlock_test_support::{Flow, Proxy, eventually, eventually_async};

use crate::rig::{
    LONG, blocking, client, five, is_unavailable, nothing_held, nothing_left, patient, proxies,
    set_foreign, within,
};

/// Polls `call` for so long, to the microsecond, which no timer does, and drops it.
async fn cut_off<T>(span: Duration, call: impl Future<Output = T>) -> Option<T> {
    let (mut call, began) = (std::pin::pin!(call), Instant::now());
    std::future::poll_fn(|context| match call.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if began.elapsed() >= span => Poll::Ready(None),
        Poll::Pending => {
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}

fn urls(proxies: &[Proxy]) -> Vec<String> {
    proxies.iter().map(Proxy::url).collect()
}

#[test]
fn failed_and_timed_out_attempts_leave_nothing() {
    let servers = five();
    servers[..3]
        .iter()
        .for_each(|server| set_foreign(server, "a", 600_000));
    let client = blocking(&servers.urls());
    for _ in 0..50 {
        assert!(
            client
                .mutex("a")
                .try_acquire(())
                .expect("answered")
                .is_none()
        );
    }
    for _ in 0..5 {
        let error = client.mutex("a").acquire(within(50)).expect_err("held");
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    }
    for (node, server) in servers.iter().enumerate() {
        let foreign = usize::from(node < 3);
        eventually(
            Duration::from_secs(5),
            "only the other's key is left",
            || locks(server).len() == foreign,
        );
        server.command(&["DEL", "a"]);
    }
    nothing_left(&servers);
}

#[tokio::test]
async fn calls_cancelled_at_random_leave_nothing() {
    let servers = five();
    let (ours, theirs) = (client(&servers.urls()), client(&servers.urls()));
    let mut dice = Dice::new(0x71);
    let (mut won, mut cancelled) = (0, 0);
    for round in 0..3_000 {
        let name = ["a", "b", "c"][round % 3];
        let span = Duration::from_micros(dice.below(900));
        let client = if round % 2 == 0 { &ours } else { &theirs };
        match cut_off(span, client.mutex(name).acquire(())).await {
            Some(guard) => {
                won += 1;
                // The release is cut off at a random moment too.
                let guard = guard.expect("healthy");
                let released = cut_off(span / 2, guard.release()).await;
                drop((released, guard));
            }
            None => cancelled += 1,
        }
    }
    println!("{won} won, {cancelled} cancelled");
    assert!(
        won > 100 && cancelled > 100,
        "both must have happened: {won}, {cancelled}"
    );
    nothing_held(&servers);
    // And nobody is stuck in a local line.
    for name in ["a", "b", "c"] {
        let guard = ours.mutex(name).acquire(within(5_000)).await.expect("free");
        guard.release().await.expect("held");
    }
    nothing_left(&servers);
}

#[tokio::test]
async fn waiters_cancelled_at_random_leave_the_queue() {
    let servers = five();
    let (holder, waiter) = (client(&servers.urls()), client(&servers.urls()));
    let guard = holder.mutex("a").acquire(()).await.expect("free");
    let mut dice = Dice::new(0x72);
    for _ in 0..150 {
        let span = Duration::from_micros(dice.below(15_000));
        assert!(
            cut_off(span, waiter.mutex("a").acquire(())).await.is_none(),
            "held"
        );
    }
    guard.release().await.expect("held");
    nothing_held(&servers);
    nothing_left(&servers);
}

#[tokio::test]
async fn late_replies_of_a_majority_fail_and_leave_nothing() {
    let servers = five();
    let proxies = proxies(&servers);
    // Its own node timeout: 50 ms.
    let client = Client::connect(urls(&proxies)).expect("valid");
    client
        .mutex("a")
        .acquire(())
        .await
        .expect("healthy")
        .release()
        .await
        .expect("held");
    for proxy in &proxies[..3] {
        proxy.replies(Flow::delay(Duration::from_millis(200)));
    }
    for _ in 0..5 {
        let error = client
            .mutex("a")
            .try_acquire(())
            .await
            .expect_err("too late");
        assert_eq!(error.kind(), ErrorKind::QuorumUnavailable, "{error}");
    }
    proxies.iter().for_each(Proxy::pass);
    nothing_held(&servers);
    eventually_async(LONG, "it heals", || {
        proxies.iter().all(|proxy| proxy.replies_waiting() == 0)
    })
    .await;
    client
        .mutex("a")
        .acquire(within(10_000))
        .await
        .expect("healed")
        .release()
        .await
        .expect("held");
    nothing_left(&servers);
}

/// The acquire is stuck on the old connection, the release goes ahead on the new one, and then the
/// acquire arrives: the mark that the release left keeps it from taking the key.
#[tokio::test]
async fn an_acquire_that_arrives_after_its_release_takes_nothing() {
    let servers = five();
    let proxies = proxies(&servers);
    let client = patient()
        .ttl(Duration::from_secs(20))
        .node_timeout(Duration::from_millis(50));
    let client = client.connect(urls(&proxies)).expect("valid");
    client
        .mutex("warm")
        .acquire(())
        .await
        .expect("healthy")
        .release()
        .await
        .expect("held");
    let old: Vec<_> = proxies[..3].iter().map(Proxy::existing).collect();
    let dialled: Vec<usize> = proxies.iter().map(Proxy::connections).collect();
    old.iter().for_each(|scope| scope.requests(Flow::Hold));
    let error = client
        .mutex("a")
        .try_acquire(())
        .await
        .expect_err("a majority is silent");
    assert_eq!(error.kind(), ErrorKind::QuorumUnavailable, "{error}");
    eventually_async(LONG, "the client dials again", || {
        proxies[..3]
            .iter()
            .zip(&dialled)
            .all(|(proxy, before)| proxy.connections() > *before)
    })
    .await;
    // The new connections serve, so the releases have gone out on them first, or the old ones were
    // ended from the new ones.
    client
        .mutex("b")
        .acquire(within(10_000))
        .await
        .expect("new connections")
        .release()
        .await
        .expect("held");
    old.iter().for_each(|scope| scope.requests(Flow::Pass));
    eventually_async(LONG, "what was held has passed", || {
        proxies.iter().all(|p| p.requests_waiting() == 0)
    })
    .await;
    nothing_held(&servers);
    // Ten times what a late command needs, and far less than a ttl.
    tokio::time::sleep(Duration::from_millis(200)).await;
    nothing_held(&servers);
}

#[tokio::test]
async fn half_open_connections_heal_and_leave_nothing() {
    let servers = five();
    let proxies = proxies(&servers);
    let client = Client::connect(urls(&proxies)).expect("valid");
    client
        .mutex("a")
        .acquire(())
        .await
        .expect("healthy")
        .release()
        .await
        .expect("held");
    for proxy in &proxies[..3] {
        proxy.existing().both(Flow::Swallow);
    }
    for _ in 0..3 {
        let error = client
            .mutex("a")
            .try_acquire(())
            .await
            .expect_err("a majority is silent");
        is_unavailable(
            &error,
            5,
            3,
            &[quorlock::FaultClass::Timeout, quorlock::FaultClass::Stalled],
        );
    }
    // New connections were never faulty: it comes back by itself.
    client
        .mutex("a")
        .acquire(within(25_000))
        .await
        .expect("healed")
        .release()
        .await
        .expect("held");
    nothing_held(&servers);
}

#[tokio::test]
async fn a_grant_whose_reply_was_lost_counts_once() {
    let servers = five();
    let proxies = proxies(&servers);
    let client = patient().connect(urls(&proxies)).expect("valid");
    for round in 0..10 {
        client
            .mutex("a")
            .acquire(within(10_000))
            .await
            .expect("healthy")
            .release()
            .await
            .expect("held");
        // On three nodes of five the server executes what the client does not hear of.
        proxies[..3].iter().for_each(Proxy::hold_replies_then_cut);
        let guard = client
            .mutex("a")
            .acquire(within(10_000))
            .await
            .expect("asked again");
        proxies.iter().for_each(Proxy::pass);
        assert!(guard.is_held(), "{round}");
        let with_key = || {
            servers
                .iter()
                .filter(|server| locks(server) == ["a"])
                .count()
        };
        assert!(
            with_key() >= 3,
            "held on a majority, and not on {}",
            with_key()
        );
        assert_eq!(guard.release().await.expect("held"), Released::Released);
        nothing_held(&servers);
    }
}
