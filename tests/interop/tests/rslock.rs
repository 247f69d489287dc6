//! `rslock` from crates.io and Quorlock on the same key of the same servers: each waits for the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use quorlock::{AcquireOptions, Client};
use quorlock_test_support::{ServerKind, Servers};
use rslock::LockManager;

const TTL: Duration = Duration::from_secs(10);

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("threads")
}

fn both(servers: &Servers) -> (Client, LockManager) {
    let ours = Client::connect(servers.urls()).expect("valid");
    let mut theirs = LockManager::new(servers.urls());
    theirs.set_retry(1, Duration::from_millis(10));
    (ours, theirs)
}

fn wait(ms: u64) -> AcquireOptions {
    AcquireOptions::new().wait(Duration::from_millis(ms))
}

#[test]
fn what_they_hold_we_do_not_get() {
    let servers = Servers::start(5, ServerKind::Valkey);
    let (ours, theirs) = both(&servers);
    runtime().block_on(async {
        let lock = theirs.lock("shared", TTL).await.expect("free");
        assert!(
            ours.mutex("shared")
                .try_acquire(())
                .await
                .expect("answered")
                .is_none()
        );
        let seen = ours.inspect("shared").await.expect("answered");
        assert_eq!(seen.holder.as_deref(), Some("foreign"));
        theirs.unlock(&lock).await;
        let guard = ours
            .mutex("shared")
            .acquire(wait(5_000))
            .await
            .expect("free again");
        guard.release().await.expect("held");
    });
}

#[test]
fn what_we_hold_they_do_not_get() {
    let servers = Servers::start(5, ServerKind::Redis62);
    let (ours, theirs) = both(&servers);
    runtime().block_on(async {
        let guard = ours.mutex("shared").acquire(()).await.expect("free");
        assert!(theirs.lock("shared", TTL).await.is_err());
        guard.check().expect("their failed try took nothing away");
        guard.release().await.expect("held");
        let lock = theirs.lock("shared", TTL).await.expect("free again");
        theirs.unlock(&lock).await;
    });
}

/// Holders at this moment, and how often each side held.
#[derive(Default)]
struct Count {
    inside: AtomicU32,
    ours: AtomicU32,
    theirs: AtomicU32,
}

impl Count {
    async fn hold(&self, side: &AtomicU32) {
        assert_eq!(self.inside.fetch_add(1, Ordering::SeqCst), 0, "two holders");
        tokio::time::sleep(Duration::from_millis(2)).await;
        self.inside.fetch_sub(1, Ordering::SeqCst);
        side.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn both_at_once_exclude_each_other() {
    let servers = Servers::start(5, ServerKind::Valkey);
    let count = Arc::new(Count::default());
    let until = Instant::now() + Duration::from_secs(4);
    runtime().block_on(async {
        let mut tasks = Vec::new();
        for _ in 0..2 {
            let ((ours, theirs), of_ours) = (both(&servers), Arc::clone(&count));
            tasks.push(tokio::spawn(async move {
                while Instant::now() < until {
                    if let Ok(guard) = ours.mutex("shared").acquire(wait(1_000)).await {
                        of_ours.hold(&of_ours.ours).await;
                        guard.release().await.expect("held");
                    }
                }
            }));
            let of_theirs = Arc::clone(&count);
            tasks.push(tokio::spawn(async move {
                while Instant::now() < until {
                    if let Ok(lock) = theirs.lock("shared", TTL).await {
                        of_theirs.hold(&of_theirs.theirs).await;
                        theirs.unlock(&lock).await;
                    }
                }
            }));
        }
        for task in tasks {
            task.await.expect("never two holders");
        }
    });
    let (ours, theirs) = (
        count.ours.load(Ordering::SeqCst),
        count.theirs.load(Ordering::SeqCst),
    );
    println!("held {ours} times by Quorlock, {theirs} times by rslock");
    assert!(ours > 0 && theirs > 0, "held {ours} and {theirs} times");
}
