//! The mutex as users call it, over embedded nodes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use quorlock::{AcquireOptions, Client, ErrorKind, Released, Ticket, blocking};

fn nodes(test: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|node| format!("memory://{test}-{node}"))
        .collect()
}

fn client(test: &str, count: usize) -> Client {
    Client::connect(nodes(test, count)).expect("valid")
}

fn within(ms: u64) -> AcquireOptions {
    AcquireOptions::new().wait(Duration::from_millis(ms))
}

#[tokio::test]
async fn one_holder_at_a_time_for_every_number_of_nodes() {
    for count in 1..=31 {
        let name = format!("exclusive-{count}");
        let (ours, theirs) = (client(&name, count), client(&name, count));
        let guard = ours.mutex("a").acquire(()).await.expect("free");
        assert!(guard.is_held());
        assert!(
            theirs
                .mutex("a")
                .try_acquire(())
                .await
                .expect("answered")
                .is_none()
        );
        let error = theirs
            .mutex("a")
            .acquire(within(5))
            .await
            .expect_err("held");
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert_eq!(guard.release().await.expect("ours"), Released::Released);
        assert_eq!(guard.release().await.expect("ours"), Released::Released);
        assert!(!guard.is_held());
        let again = theirs
            .mutex("a")
            .try_acquire(())
            .await
            .expect("answered")
            .expect("free");
        assert!(again.fencing_token() > guard.fencing_token());
    }
}

#[tokio::test]
async fn waiters_are_served_in_order_over_clients() {
    let holder = client("order", 5);
    let guard = holder.mutex("a").acquire(()).await.expect("free");
    let served = Arc::new(AtomicU32::new(0));
    let mut waiters = Vec::new();
    for turn in 0..8 {
        let (waiter, served) = (client("order", 5), Arc::clone(&served));
        waiters.push(tokio::spawn(async move {
            let guard = waiter
                .mutex("a")
                .acquire(within(10_000))
                .await
                .expect("in time");
            assert_eq!(served.fetch_add(1, Ordering::SeqCst), turn);
            guard.release().await.expect("ours");
        }));
        while holder
            .inspect("a")
            .await
            .expect("open")
            .nodes
            .iter()
            .all(|node| node.waiters != Some(u64::from(turn) + 1))
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    guard.release().await.expect("ours");
    for waiter in waiters {
        waiter.await.expect("no panic");
    }
}

#[tokio::test]
async fn local_callers_share_one_place() {
    let client = client("local", 3);
    let sum = Arc::new(AtomicU32::new(0));
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let (client, sum) = (client.clone(), Arc::clone(&sum));
            tokio::spawn(async move {
                let mutex = client.mutex("sum");
                let work = mutex.using(within(20_000), async |_| {
                    let seen = sum.load(Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    sum.store(seen + 1, Ordering::SeqCst);
                });
                work.await.expect("in time");
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    assert_eq!(sum.load(Ordering::SeqCst), 200);
}

#[tokio::test]
async fn renewal_outlives_the_ttl_and_ends_with_the_release() {
    let client = client("renewal", 3);
    let short = AcquireOptions::new().ttl(Duration::from_millis(60));
    let guard = client.mutex("a").acquire(short).await.expect("free");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(guard.is_held());
    guard.release().await.expect("ours");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(
        client
            .inspect("a")
            .await
            .expect("open")
            .nodes
            .iter()
            .all(|node| node.owner.is_none())
    );
}

#[tokio::test]
async fn the_cap_on_hold_time_ends_the_lease() {
    let client = client("cap", 3);
    let capped = AcquireOptions::new()
        .ttl(Duration::from_millis(60))
        .hold_max(Duration::from_millis(150));
    let guard = client.mutex("a").acquire(capped).await.expect("free");
    let loss = tokio::time::timeout(Duration::from_secs(5), guard.lost())
        .await
        .expect("signalled");
    assert_eq!(loss, quorlock::Loss::HoldLimit);
    assert_eq!(
        guard.check().expect_err("lost").kind(),
        ErrorKind::LeaseLost
    );
}

/// Found by the scenarios: it was said to have expired.
#[tokio::test]
async fn the_cap_on_renewals_ends_the_lease_and_is_named() {
    let client = Client::builder()
        .renewals_max(2)
        .connect(nodes("renewals", 3))
        .expect("valid");
    let short = AcquireOptions::new().ttl(Duration::from_millis(90));
    let guard = client.mutex("a").acquire(short).await.expect("free");
    let loss = tokio::time::timeout(Duration::from_secs(5), guard.lost()).await;
    assert_eq!(loss.expect("signalled"), quorlock::Loss::RenewalLimit);
    assert_eq!(guard.loss(), Some(quorlock::Loss::RenewalLimit));
    assert!(!guard.is_held());
}

#[tokio::test]
async fn a_ticket_is_adopted_once_and_spent() {
    let (publisher, worker, other) = (
        client("ticket", 5),
        client("ticket", 5),
        client("ticket", 5),
    );
    let guard = publisher.mutex("a").acquire(()).await.expect("free");
    let first = guard.fencing_token();
    let text = guard.detach().await.expect("held").encode();
    assert!(!guard.is_held());
    assert_eq!(
        guard.release().await.expect_err("gone").kind(),
        ErrorKind::NotHeld
    );
    drop(guard);
    let ticket = Ticket::decode(&text).expect("own text");
    let adopted = worker.adopt(&ticket).await.expect("first");
    assert!(adopted.is_adopted() && adopted.fencing_token() > first);
    let error = other.adopt(&ticket).await.expect_err("in use");
    assert_eq!(error.kind(), ErrorKind::NotHeld);
    assert!(error.message().contains("another adopter"), "{error}");
    adopted.release().await.expect("ours");
    let error = other.adopt(&ticket).await.expect_err("spent");
    assert!(error.message().contains("work is done"), "{error}");
}

#[tokio::test]
async fn four_deliveries_one_adopter() {
    for round in 0..30 {
        let name = format!("deliveries-{round}");
        let publisher = client(&name, 5);
        let ticket = publisher
            .mutex("a")
            .acquire(())
            .await
            .expect("free")
            .detach()
            .await
            .expect("held");
        let adopters = (0..4).map(|_| {
            let (client, ticket) = (client(&name, 5), ticket.clone());
            tokio::spawn(async move { client.adopt(&ticket).await })
        });
        let mut won = Vec::new();
        for adopter in adopters.collect::<Vec<_>>() {
            won.extend(adopter.await.expect("no panic").ok());
        }
        assert_eq!(won.len(), 1);
        assert!(won[0].is_held());
    }
}

#[tokio::test]
async fn cancelled_and_dropped_calls_leave_nothing() {
    let (ours, theirs) = (client("cancel", 3), client("cancel", 3));
    for step in 0..50 {
        let guard = ours.mutex("a").acquire(within(5_000)).await.expect("free");
        let mutex = theirs.mutex("a");
        let waiting = tokio::time::timeout(Duration::from_micros(step * 100), mutex.acquire(()));
        assert!(waiting.await.is_err());
        drop(guard);
    }
    let guard = ours.mutex("a").acquire(within(5_000)).await.expect("free");
    guard.release().await.expect("ours");
    let view = ours.inspect("a").await.expect("open");
    assert!(
        view.nodes
            .iter()
            .all(|node| node.owner.is_none() && node.waiters == Some(0)),
        "{view:?}"
    );
}

#[tokio::test]
async fn close_releases_and_refuses() {
    let (closing, other) = (client("close", 3), client("close", 3));
    let guard = closing.mutex("a").acquire(()).await.expect("free");
    assert!(closing.close(Duration::from_secs(5)).await.expect("own"));
    assert!(!guard.is_held());
    assert_eq!(
        closing
            .mutex("b")
            .acquire(())
            .await
            .expect_err("closed")
            .kind(),
        ErrorKind::Closed
    );
    assert!(
        other
            .mutex("a")
            .try_acquire(())
            .await
            .expect("answered")
            .is_some()
    );
}

/// Found by the scenarios: a caller that waited kept `close` waiting for its whole limit.
#[tokio::test]
async fn close_ends_those_who_wait() {
    let (closing, other) = (client("close-waiting", 3), client("close-waiting", 3));
    let guard = other.mutex("a").acquire(()).await.expect("free");
    let mutex = closing.mutex("a");
    let waiting = tokio::spawn(async move { mutex.acquire(within(60_000)).await });
    while (other.inspect("a").await.expect("open").nodes.iter()).all(|node| node.waiters == Some(0))
    {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(closing.close(Duration::from_secs(30)).await.expect("own"));
    let error = waiting.await.expect("no panic").expect_err("closed");
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert!(
        error
            .to_string()
            .starts_with("acquire \"a\": the client was closed"),
        "{error}"
    );
    guard.release().await.expect("ours");
}

#[test]
fn blocking_calls_work_from_any_thread_and_refuse_to_block_a_runtime() {
    let client = blocking::Client::connect(nodes("blocking", 3)).expect("valid");
    let sum = Arc::new(AtomicU32::new(0));
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (client, sum) = (client.clone(), Arc::clone(&sum));
            std::thread::spawn(move || {
                for _ in 0..50 {
                    let guard = client
                        .mutex("sum")
                        .acquire(within(20_000))
                        .expect("in time");
                    let seen = sum.load(Ordering::SeqCst);
                    std::thread::yield_now();
                    sum.store(seen + 1, Ordering::SeqCst);
                    guard.release().expect("ours");
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("no panic");
    }
    assert_eq!(sum.load(Ordering::SeqCst), 400);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("runtime");
    let error = runtime
        .block_on(async { client.mutex("a").acquire(()) })
        .expect_err("inside a runtime");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.message().contains("async runtime"), "{error}");
}

#[tokio::test]
async fn bad_input_is_named_before_any_io() {
    let client = client("bad", 1);
    for name in ["".to_owned(), "x".repeat(1025)] {
        let error = client.mutex(name).acquire(()).await.expect_err("bad name");
        assert_eq!(
            (error.kind(), error.field()),
            (ErrorKind::InvalidArgument, Some("name"))
        );
    }
    let error = client
        .mutex("a")
        .acquire(AcquireOptions::new().ttl(Duration::ZERO))
        .await
        .expect_err("ttl");
    assert_eq!(error.field(), Some("acquire.ttl_ms"));
    assert!(
        error
            .to_string()
            .starts_with("acquire \"a\": acquire.ttl_ms: must be from 10 ms"),
        "{error}"
    );
}

/// Found by the simulation: a ticket handed on was adopted once more, much later, from stale keys.
#[tokio::test]
async fn a_ticket_whose_lock_was_handed_on_is_used_up() {
    let (publisher, relay, other) = (client("relay", 3), client("relay", 3), client("relay", 3));
    let guard = publisher.mutex("a").acquire(()).await.expect("free");
    let first = guard.detach().await.expect("held");
    let second = relay
        .adopt(&first)
        .await
        .expect("first")
        .detach()
        .await
        .expect("held");
    let error = other.adopt(&first).await.expect_err("used up");
    assert!(error.message().contains("work is done"), "{error}");
    let guard = other.adopt(&second).await.expect("not used yet");
    guard.release().await.expect("ours");
}
