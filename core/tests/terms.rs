//! The terms of a lease at their bounds: waits, caps and renewals.

use std::time::Duration;

use quorlock::{AcquireOptions, Client, ErrorKind, Loss};
use tokio::time::timeout;

/// Longer than anything takes unless it hangs.
const LONG: Duration = Duration::from_secs(20);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn client(test: &str) -> Client {
    Client::connect([format!("memory://terms-{test}")]).expect("valid")
}

#[tokio::test]
async fn without_a_wait_a_held_lock_is_contended_whoever_holds_it() {
    let (here, there) = (client("contended"), client("contended"));
    let guard = here.mutex("a").acquire(()).await.expect("free");
    let waiting = here.mutex("a").start_acquire(().into());
    tokio::time::sleep(ms(50)).await;
    for client in [&here, &there] {
        let once = AcquireOptions::new().wait(Duration::ZERO);
        let error = client.mutex("a").acquire(once).await.expect_err("held");
        assert_eq!(error.kind(), ErrorKind::Contended, "{error}");
    }
    drop((guard, waiting));
}

#[tokio::test]
async fn more_waiters_than_allowed_are_refused_and_make_room_when_they_leave() {
    let node = ["memory://terms-waiters"];
    let client = Client::builder()
        .waiters_max(3)
        .connect(node)
        .expect("valid");
    let guard = client.mutex("a").acquire(()).await.expect("free");
    let mut waiting: Vec<_> = (0..3)
        .map(|_| client.mutex("a").start_acquire(().into()))
        .collect();
    tokio::time::sleep(ms(50)).await;
    let error = client.mutex("b").acquire(()).await.expect_err("full");
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::Contended, Some("acquire"))
    );
    assert!(
        client
            .mutex("b")
            .try_acquire(())
            .await
            .expect("a result")
            .is_none()
    );
    assert_eq!(client.stats().expect("open").failed, 1);
    drop(waiting.pop());
    let next = timeout(LONG, async {
        loop {
            if let Ok(next) = client.mutex("b").acquire(()).await {
                break next;
            }
        }
    });
    drop(next.await.expect("room again"));
    drop(guard);
    for waiter in waiting {
        waiter
            .await
            .expect("its turn")
            .release()
            .await
            .expect("held");
    }
}

#[tokio::test]
async fn a_lease_extended_by_hand_ends_at_its_cap_too() {
    let client = client("by-hand");
    let options = AcquireOptions::new()
        .ttl(ms(300))
        .renew(false)
        .hold_max(ms(600));
    let guard = client.mutex("a").acquire(options).await.expect("free");
    let lost = timeout(LONG, async {
        loop {
            if guard.extend().await.is_err() {
                break guard.lost().await;
            }
            tokio::time::sleep(ms(20)).await;
        }
    });
    assert_eq!(lost.await.expect("lost"), Loss::HoldLimit);
}

#[tokio::test]
async fn a_cap_as_long_as_the_ttl_and_a_single_renewal() {
    let client = client("caps");
    let lost = async |client: &Client, options| {
        let guard = client.mutex("a").acquire(options).await.expect("free");
        let loss = timeout(LONG, guard.lost()).await.expect("lost");
        assert!(!guard.is_held());
        guard.release().await.expect("idempotent");
        loss
    };
    let capped = AcquireOptions::new().ttl(ms(200)).hold_max(ms(200));
    assert_eq!(lost(&client, capped).await, Loss::HoldLimit);
    let node = ["memory://terms-caps"];
    let once = Client::builder()
        .renewals_max(1)
        .connect(node)
        .expect("valid");
    let options = AcquireOptions::new().ttl(ms(200));
    assert_eq!(lost(&once, options).await, Loss::RenewalLimit);
    assert_eq!(once.stats().expect("open").renewed, 1);
}

#[test]
fn the_order_of_options_means_nothing() {
    let node = ["memory://terms-order"];
    let (long, short) = (Duration::from_secs(20), Duration::from_secs(5));
    for builder in [
        Client::builder().ttl(long).hold_max(short),
        Client::builder().hold_max(short).ttl(long),
    ] {
        let error = builder.connect(node).expect_err("the cap is below the ttl");
        assert_eq!(error.field(), Some("hold_ms_max"));
    }
    // Where no cap was named, it is no obstacle.
    let day = Duration::from_secs(24 * 60 * 60);
    assert!(Client::builder().ttl(day).connect(node).is_ok());
}
