//! Closing a client: it is bounded, final, and leaves nothing, whatever is under way.

use std::time::{Duration, Instant};

use quorlock::{AcquireOptions, Client, ErrorKind};
use tokio::time::timeout;

/// Longer than anything takes unless it hangs.
const LONG: Duration = Duration::from_secs(20);

fn client(test: &str) -> Client {
    let nodes = [0, 1, 2].map(|node| format!("memory://closing-{test}-{node}"));
    Client::connect(nodes).expect("valid")
}

async fn free(client: &Client, name: &str) -> bool {
    let view = client.inspect(name).await.expect("open");
    let blank = |node: &quorlock::NodeView| node.owner.is_none() && node.waiters == Some(0);
    view.nodes.iter().all(blank)
}

#[tokio::test]
async fn any_limit_is_taken() {
    for limit in [Duration::ZERO, Duration::MAX] {
        let client = client("limit");
        let _guard = client.mutex("a").acquire(()).await.expect("free");
        let closed = timeout(LONG, client.close(limit))
            .await
            .expect("ends")
            .expect("own");
        assert!(closed || limit.is_zero());
        // And once more.
        assert!(client.close(limit).await.is_ok());
    }
}

#[tokio::test]
async fn waiters_are_told_at_once() {
    let (holder, closing) = (client("waiters"), client("waiters"));
    let guard = holder.mutex("a").acquire(()).await.expect("free");
    let waiters: Vec<_> = (0..5)
        .map(|_| {
            let mutex = closing.mutex("a");
            tokio::spawn(async move { mutex.acquire(()).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    assert!(closing.close(LONG).await.expect("own"), "all of it ended");
    for waiter in waiters {
        let error = waiter
            .await
            .expect("no panic")
            .expect_err("the client is closed");
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
        assert_eq!(
            (error.operation(), error.resource()),
            (Some("acquire"), Some("a"))
        );
    }
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    guard.release().await.expect("held");
    assert!(free(&holder, "a").await, "nobody stands in the queue");
}

#[tokio::test]
async fn whatever_races_with_it_ends_closed_or_gives_back() {
    let (publisher, other) = (client("races"), client("races"));
    for round in 0..200u32 {
        let closing = client("races");
        let handed = publisher.mutex("handed").acquire(()).await.expect("free");
        let ticket = handed.detach().await.expect("held");
        let own = closing.mutex("own").acquire(()).await.expect("free");
        let acquiring = closing.mutex("fresh").start_acquire(().into());
        let adopting = closing.start_adopt(&ticket, &().into());
        let extending = own.start_extend();
        for _ in 0..round % 7 {
            tokio::task::yield_now().await;
        }
        assert!(closing.close(LONG).await.expect("own"), "round {round}");
        let ended = |error: quorlock::Error| {
            let kinds = [ErrorKind::Closed, ErrorKind::NotHeld];
            assert!(kinds.contains(&error.kind()), "round {round}: {error}");
        };
        extending.await.unwrap_or_else(ended);
        // Kept to the end: what closing forgot would stay locked.
        let kept = (
            acquiring.await.map_err(ended),
            adopting.await.map_err(ended),
        );
        for guard in [&kept.0, &kept.1].into_iter().flatten() {
            assert!(!guard.is_held(), "round {round}: a closed client holds it");
        }
        assert!(free(&other, "fresh").await && free(&other, "own").await);
        if kept.1.is_ok() {
            assert!(free(&other, "handed").await, "round {round}");
        } else {
            // Not taken: its ticket is as good as before, or was given up and is not spent.
            match other.adopt(&ticket).await {
                Ok(guard) => drop(guard.release().await.expect("held")),
                Err(error) => assert!(error.message().contains("acquire the lock afresh")),
            }
        }
    }
}

/// The work behind a ticket is done when somebody says so, and not when its guard is lost sight of.
#[tokio::test]
async fn a_closed_client_does_not_use_a_ticket_up() {
    let (publisher, closing, other) = (client("ticket"), client("ticket"), client("ticket"));
    for given_up in ["closed", "dropped", "cancelled"] {
        let guard = publisher.mutex("a").acquire(()).await.expect("free");
        let ticket = guard.detach().await.expect("held");
        match given_up {
            "dropped" => drop(other.adopt(&ticket).await.expect("fresh")),
            "cancelled" => {
                let pending = other.start_adopt(&ticket, &().into());
                while free_of(&publisher, &guard).await {
                    tokio::task::yield_now().await;
                }
                drop(pending);
            }
            _ => {
                let _guard = closing.adopt(&ticket).await.expect("fresh");
                assert!(closing.close(LONG).await.expect("own"));
            }
        }
        let error = loop {
            let error = other.adopt(&ticket).await.expect_err("given up");
            if !error.message().contains("another adopter") {
                break error;
            }
        };
        assert!(
            error.message().contains("acquire the lock afresh"),
            "{given_up}: {error}"
        );
    }
}

/// True while nobody has adopted: the fencing counter stands where the publisher left it.
async fn free_of(client: &Client, guard: &quorlock::Guard) -> bool {
    let view = client.inspect(guard.resource()).await.expect("open");
    let counters = view.nodes.iter().map(|node| node.fencing_counter);
    counters.max().flatten() == guard.fencing_token()
}

#[tokio::test]
async fn a_client_closed_before_its_first_call_stays_closed() {
    let client = client("first");
    assert!(client.close(LONG).await.expect("own"));
    assert!(client.close(LONG).await.expect("own"), "twice is once");
    for error in [
        client
            .mutex("a")
            .acquire(())
            .await
            .map(drop)
            .expect_err("closed"),
        client
            .mutex("a")
            .try_acquire(AcquireOptions::new())
            .await
            .map(drop)
            .expect_err("closed"),
        client.inspect("a").await.map(drop).expect_err("closed"),
        client.health().await.map(drop).expect_err("closed"),
        client.stats().map(drop).expect_err("closed"),
    ] {
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    }
}

#[tokio::test]
async fn a_node_that_is_down_does_not_hold_it_up() {
    // Nobody listens on port 1.
    let nodes = [
        "memory://closing-down-0",
        "memory://closing-down-1",
        "redis://127.0.0.1:1",
    ];
    let client = Client::connect(nodes).expect("valid");
    for name in ["a", "b"] {
        let guard = client.mutex(name).acquire(()).await.expect("a majority");
        let released = guard.release().await.expect("held");
        assert_eq!(released, quorlock::Released::Released);
    }
    let _held = client.mutex("c").acquire(()).await.expect("a majority");
    let began = Instant::now();
    // The ttl is 10 s: so long something might have been left there.
    assert!(client.close(LONG).await.expect("own"));
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
}
