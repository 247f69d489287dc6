//! nobody starves. Many contenders in many clients, and the longest wait of all.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use quorlock_test_support::{ServerKind, Servers};

use crate::rig::{client, median, within};

const CLIENTS: usize = 5;
const CONTENDERS: usize = 50;

#[tokio::test]
async fn no_contender_waits_twenty_times_as_long_as_the_others() {
    let servers = Servers::start(3, ServerKind::Valkey);
    let clients: Vec<_> = (0..CLIENTS).map(|_| client(&servers.urls())).collect();
    let over = Arc::new(AtomicBool::new(false));
    let waits = Arc::new(Mutex::new(vec![Vec::new(); CONTENDERS]));
    let contenders: Vec<_> = (0..CONTENDERS)
        .map(|number| {
            let mutex = clients[number % CLIENTS].mutex("a");
            let (over, waits) = (Arc::clone(&over), Arc::clone(&waits));
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    let guard = mutex.acquire(within(60_000)).await.expect("its turn comes");
                    waits.lock().expect("no panic")[number].push(began.elapsed());
                    guard.release().await.expect("held");
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(5)).await;
    over.store(true, Ordering::Relaxed);
    for contender in contenders {
        contender.await.expect("no panic");
    }
    let waits = waits.lock().expect("no panic");
    let turns: Vec<usize> = waits.iter().map(Vec::len).collect();
    let all: Vec<Duration> = waits.iter().flatten().copied().collect();
    let (most, middle) = (*all.iter().max().expect("some"), median(all.clone()));
    println!(
        "{} turns of {CONTENDERS}: wait {middle:?} in the middle, {most:?} at most; turns from {:?} to {:?}",
        all.len(),
        turns.iter().min().expect("some"),
        turns.iter().max().expect("some")
    );
    assert!(turns.iter().all(|&turns| turns > 0), "{turns:?}");
    // A machine with much else to do may stop everybody for a while.
    let bound = (20 * middle).max(Duration::from_secs(2));
    assert!(most <= bound, "{most:?}, in the middle {middle:?}");
}
