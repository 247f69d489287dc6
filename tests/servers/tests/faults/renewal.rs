//! Renewal and validity against real servers: what must not be sent after a release, what must not
//! stop renewal, and that the holder's clock always stops first.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use quorlock::{AcquireOptions, Client, ErrorKind, Guard};
use quorlock_test_support::{Flow, Monitor, Proxy, Server, ServerKind, Servers, Source};

use crate::rig::{client, nothing_held, patient, proxies};

fn urls(proxies: &[Proxy]) -> Vec<String> {
    proxies.iter().map(Proxy::url).collect()
}

/// once an owner's key was deleted, nothing of that owner comes any more.
#[tokio::test]
async fn no_renewal_of_a_lease_is_sent_after_its_release() {
    let servers = Servers::start(3, ServerKind::Valkey);
    let monitors: Vec<Monitor> = servers.iter().map(Server::monitor).collect();
    let client = client(&servers.urls());
    let tasks: Vec<_> = (0..12)
        .map(|task| {
            let client = client.clone();
            tokio::spawn(async move {
                // Due every 30 ms, and released at every point of that.
                let short = AcquireOptions::new().ttl(Duration::from_millis(90));
                for turn in 0..12 {
                    let mutex = client.mutex(format!("r-{task}"));
                    let Ok(guard) = mutex.acquire(short.clone()).await else {
                        continue;
                    };
                    tokio::time::sleep(Duration::from_millis(24 + (task + turn) % 12)).await;
                    guard.release().await.expect("ours");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    nothing_held(&servers);
    let mut renewals = 0;
    for monitor in &monitors {
        let (mut speaker, mut released) = (Vec::new(), HashSet::new());
        for command in monitor.commands() {
            if command.source == Source::Script {
                match command.name().as_str() {
                    "DEL" => released.extend(speaker.drain(..)),
                    "PEXPIRE" => renewals += 1,
                    _ => {}
                }
                continue;
            }
            let tokens = command.args.iter().filter(|word| word.starts_with("q1."));
            speaker = tokens.cloned().collect();
            for token in &speaker {
                assert!(!released.contains(token), "after its release: {command:?}");
            }
            if command.name() == "DELIFEQ" {
                released.extend(speaker.drain(..));
            }
        }
        assert!(!released.is_empty());
    }
    assert!(renewals > 0, "the race was run");
}

/// An extension by hand that fails must not keep the background renewal from trying again.
#[tokio::test]
async fn a_failed_extension_does_not_cost_the_lease() {
    let servers = Servers::start(3, ServerKind::Valkey);
    let proxies = proxies(&servers);
    let client = patient().connect(urls(&proxies)).expect("valid");
    let ttl = Duration::from_secs(3);
    let lease = AcquireOptions::new().ttl(ttl);
    let guard = client.mutex("a").acquire(lease).await.expect("free");
    let began = Instant::now();
    // Under way when the first renewal is due, and over long after.
    tokio::time::sleep(ttl.mul_f64(0.3)).await;
    proxies[..2]
        .iter()
        .for_each(|proxy| proxy.replies(Flow::Hold));
    let error = guard.extend().await.expect_err("a majority is silent");
    assert_eq!(error.kind(), ErrorKind::QuorumUnavailable, "{error}");
    proxies.iter().for_each(Proxy::pass);
    tokio::time::sleep((ttl + Duration::from_millis(500)).saturating_sub(began.elapsed())).await;
    assert!(guard.is_held(), "{:?}", guard.loss());
    guard.release().await.expect("held");
}

/// Servers that answer later than a caller would wait still renew: an answer counts while the lease
/// is valid, and in the background nobody waits for it.
#[tokio::test]
async fn slow_servers_cost_no_lease() {
    let servers = Servers::start(3, ServerKind::Valkey);
    let proxies = proxies(&servers);
    let client = Client::connect(urls(&proxies)).expect("valid");
    let ttl = Duration::from_secs(3);
    let lease = AcquireOptions::new().ttl(ttl);
    let guard = client.mutex("a").acquire(lease).await.expect("free");
    let late = Duration::from_millis(120);
    for proxy in &proxies {
        proxy.replies(Flow::Delay {
            min: late,
            max: late,
        });
    }
    // More than twice the node timeout of 50 ms, and well below the time between two renewals.
    tokio::time::sleep(ttl * 2).await;
    assert!(guard.is_held(), "{:?}", guard.loss());
    proxies.iter().for_each(Proxy::pass);
    guard.release().await.expect("held");
}

/// whenever a holder looks, every server of its majority keeps the key for longer.
#[tokio::test]
async fn the_holders_clock_stops_before_any_server_of_its_majority() {
    let servers = Servers::start(3, ServerKind::Valkey);
    let proxies = proxies(&servers);
    let client = patient().connect(urls(&proxies)).expect("valid");
    for proxy in &proxies {
        // Long enough to show an hour-glass that was turned when the answers came.
        proxy.replies(Flow::delay_between(
            Duration::from_millis(10),
            Duration::from_millis(40),
        ));
    }
    for ttl_ms in [200, 1_000, 5_000, 60_000] {
        let options = AcquireOptions::new()
            .ttl(Duration::from_millis(ttl_ms))
            .renew(false);
        for _ in 0..10 {
            let guard = client
                .mutex("a")
                .acquire(options.clone())
                .await
                .expect("free");
            outlived(&servers, &guard);
            if ttl_ms >= 1_000 {
                guard.extend().await.expect("held");
                outlived(&servers, &guard);
            }
            guard.release().await.expect("held");
        }
    }
}

#[track_caller]
fn outlived(servers: &[Server], guard: &Guard) {
    let looked = Instant::now();
    let remaining = guard.remaining();
    let longer = servers.iter().filter(|server| {
        let left = server
            .command(&["PTTL", guard.resource()])
            .int()
            .unwrap_or(-1);
        let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
        // The server was asked later than the guard.
        left + looked.elapsed() > remaining
    });
    let longer = longer.count();
    assert!(
        longer >= 2,
        "{longer} of 3 keep it for longer than {remaining:?}"
    );
}

/// the nodes are asked at the same time, not one after the other.
#[tokio::test]
async fn all_nodes_are_asked_at_once() {
    let servers = Servers::start(5, ServerKind::Valkey);
    let proxies = proxies(&servers);
    let client = patient().connect(urls(&proxies)).expect("valid");
    let first = client.mutex("a").acquire(()).await.expect("free");
    first.release().await.expect("held");
    let slow = Duration::from_millis(60);
    proxies
        .iter()
        .for_each(|proxy| proxy.replies(Flow::delay(slow)));
    let mut spreads = Vec::new();
    for turn in 0..20 {
        // All is quiet, so that what comes next is the acquire.
        tokio::time::sleep(2 * slow).await;
        proxies.iter().for_each(Proxy::clear_request_marks);
        let mutex = client.mutex(format!("s-{turn}"));
        let guard = mutex.acquire(()).await.expect("free");
        let firsts = proxies.iter().map(|proxy| proxy.request_marks()[0].at);
        let firsts: Vec<Instant> = firsts.collect();
        let spread = *firsts.iter().max().expect("five") - *firsts.iter().min().expect("five");
        assert!(spread < slow, "before any answer could be: {spread:?}");
        spreads.push(spread);
        guard.release().await.expect("held");
    }
    let median = crate::rig::median(spreads);
    println!("first bytes to five nodes: {median:?} apart");
    assert!(median < Duration::from_millis(10), "{median:?}");
}
