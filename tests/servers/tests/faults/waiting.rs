//! Waiting: in order, woken and not polling, and past everybody who has died.

use std::thread;
use std::time::{Duration, Instant};

use quorlock::{Client, blocking};
use quorlock_server_tests::{Worker, requests};
use quorlock_test_support::{Server, eventually, eventually_async};

use crate::rig::{
    LONG, blocking, client, five, home_of, nothing_held, owner, set_foreign, within, worker,
};

fn calls(servers: &[Server]) -> u64 {
    servers.iter().map(requests).sum()
}

/// Waits until so many stand in the queue of the home node.
fn queued(client: &blocking::Client, waiters: u64) {
    let most = || {
        let view = client.inspect("a").expect("open");
        view.nodes.iter().filter_map(|node| node.waiters).max()
    };
    eventually(LONG, "they stand in the queue", || most() == Some(waiters));
}

#[test]
fn processes_are_served_in_the_order_they_came() {
    let servers = five();
    let client = blocking(&servers.urls());
    let guard = client.mutex("a").acquire(()).expect("free");
    let mut waiters: Vec<Worker> = Vec::new();
    for turn in 0..8 {
        let mut waiter = worker(&servers.urls(), 10_000, true);
        waiter.say("acquire a 60000");
        queued(&client, turn + 1);
        waiters.push(waiter);
    }
    guard.release().expect("held");
    let mut last = guard.fencing_token().map_or(0, |token| token.get());
    for (turn, waiter) in waiters.iter_mut().enumerate() {
        let token: u64 = waiter.hear("acquired", LONG).parse().expect("a token");
        assert!(token > last, "turn {turn}");
        last = token;
        waiter.say("release");
        assert_eq!(waiter.hear("released", LONG), "Released");
    }
    nothing_held(&servers);
}

#[test]
fn twenty_waiters_are_woken_and_do_not_poll() {
    let servers = five();
    let clients: Vec<_> = (0..20).map(|_| blocking(&servers.urls())).collect();
    let holder = blocking(&servers.urls());
    // All connections are up, so that the home has the key as well: where it has not, the first in
    // the queue takes it there and insists on the others.
    holder.health().expect("open");
    let guard = holder.mutex("a").acquire(()).expect("free");
    owner(&servers, "a");
    let waiting: Vec<_> = clients
        .iter()
        .map(|client| {
            let client = client.clone();
            thread::spawn(move || {
                let guard = client
                    .mutex("a")
                    .acquire(within(60_000))
                    .expect("its turn comes");
                guard.release().expect("held");
            })
        })
        .collect();
    queued(&holder, 20);
    let before = calls(&servers);
    // A measurement over time: there is nothing to wait for.
    thread::sleep(Duration::from_secs(2));
    let quiet = calls(&servers) - before;
    println!("20 waiters, 2 s: {quiet} requests on 5 nodes");
    // A beat each 200 ms on one node makes 200. Polling each 20 ms on all would make 10,000.
    assert!(quiet < 600, "{quiet} requests of 20 quiet waiters in 2 s");
    let (before, began) = (calls(&servers), Instant::now());
    guard.release().expect("held");
    for thread in waiting {
        thread.join().expect("no panic");
    }
    let (each, took) = ((calls(&servers) - before) / 20, began.elapsed() / 20);
    println!("then {each} requests and {took:?} per section");
    assert!(each < 60, "{each} requests per critical section");
    // A beat apart would be 200 ms: they were called.
    assert!(took < Duration::from_millis(150), "{took:?} per section");
    nothing_held(&servers);
}

/// A release that expects nobody only looks, and calls whom it sees.
#[test]
fn the_first_waiter_is_called_though_nobody_expected_it() {
    let servers = five();
    let (holder, waiter) = (blocking(&servers.urls()), blocking(&servers.urls()));
    for client in [&holder, &waiter] {
        client.health().expect("open");
    }
    let mut waited = Duration::ZERO;
    for round in 0..10 {
        let name = format!("a:{round}");
        let guard = holder.mutex(&name).acquire(()).expect("free");
        let waiting = thread::spawn({
            let (waiter, name) = (waiter.clone(), name.clone());
            move || {
                let guard = waiter.mutex(name).acquire(within(60_000));
                guard.expect("its turn comes").release().expect("held");
                Instant::now()
            }
        });
        eventually(LONG, "it stands in the queue", || {
            let view = holder.inspect(&name).expect("open");
            view.nodes.iter().any(|node| node.waiters == Some(1))
        });
        let released = Instant::now();
        guard.release().expect("held");
        let served = waiting.join().expect("no panic");
        waited += served.saturating_duration_since(released);
    }
    // By its beat each 200 ms alone, it would find the lock free after a second in all.
    assert!(waited < Duration::from_millis(600), "{waited:?}");
    nothing_held(&servers);
}

/// The holder won without the home, which is back now and has no key: a waiter that gets it there
/// must not storm the others for as long as the holder works.
#[test]
fn a_home_without_the_key_is_no_reason_to_storm() {
    let servers = five();
    let home = &servers[home_of("a", 5)];
    home.kill();
    let holder = blocking(&servers.urls());
    let guard = holder.mutex("a").acquire(()).expect("four of five");
    home.start_again();
    let waiter = blocking(&servers.urls());
    waiter.health().expect("open");
    let waiting = thread::spawn(move || {
        let guard = waiter
            .mutex("a")
            .acquire(within(60_000))
            .expect("its turn comes");
        guard.release().expect("held");
    });
    queued(&holder, 1);
    let before = calls(&servers);
    thread::sleep(Duration::from_secs(1));
    let quiet = calls(&servers) - before;
    println!("one waiter, a home without the key, 1 s: {quiet} requests");
    // It insists for 30 ms at a time, with longer and longer pauses; without them it was 730.
    assert!(quiet < 550, "{quiet} requests of one waiter in 1 s");
    guard.release().expect("held");
    waiting.join().expect("no panic");
    nothing_held(&servers);
}

#[tokio::test]
async fn a_thousand_local_waiters_are_one_to_the_servers() {
    let servers = five();
    let client = client(&servers.urls());
    let guard = client.mutex("a").acquire(()).await.expect("free");
    let waiting: Vec<_> = (0..1_000)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                let guard = client
                    .mutex("a")
                    .acquire(within(100_000))
                    .await
                    .expect("its turn comes");
                guard.release().await.expect("held");
            })
        })
        .collect();
    let shows = || {
        servers
            .iter()
            .any(|server| server.command(&["ZCARD", "quorlock:{a}:queue"]).int() == Some(1))
    };
    eventually_async(LONG, "one of them stands in the queue", shows).await;
    let before = calls(&servers);
    let began = Instant::now();
    guard.release().await.expect("held");
    for task in waiting {
        task.await.expect("no panic");
    }
    let per_release = (calls(&servers) - before) as f64 / 1_000.0;
    println!(
        "1000 local waiters: {per_release:.1} requests per release, {:?}",
        began.elapsed()
    );
    // An acquire and a release on each node are ten; place keeping and second tries are the rest.
    assert!(per_release < 30.0, "{per_release} requests per release");
    nothing_held(&servers);
}

#[test]
fn a_dead_process_at_the_head_does_not_hold_the_others_up() {
    let servers = five();
    let client = blocking(&servers.urls());
    let guard = client.mutex("a").acquire(()).expect("free");
    let mut head = worker(&servers.urls(), 10_000, true);
    head.say("acquire a 60000");
    queued(&client, 1);
    let mut next = worker(&servers.urls(), 10_000, true);
    next.say("acquire a 60000");
    queued(&client, 2);
    head.kill();
    let began = Instant::now();
    guard.release().expect("held");
    next.hear("acquired", LONG);
    println!("past a dead head after {:?}", began.elapsed());
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_stopped_process_at_the_head_is_passed_by() {
    let servers = five();
    let client = blocking(&servers.urls());
    let guard = client.mutex("a").acquire(()).expect("free");
    let mut head = worker(&servers.urls(), 10_000, true);
    head.say("acquire a 60000");
    queued(&client, 1);
    head.pause();
    let mut next = worker(&servers.urls(), 10_000, true);
    next.say("acquire a 60000");
    let began = Instant::now();
    guard.release().expect("held");
    next.hear("acquired", LONG);
    println!("past a stopped head after {:?}", began.elapsed());
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    head.resume();
    next.say("release");
    next.hear("released", LONG);
    head.hear("acquired", LONG);
    head.say("release");
    head.hear("released", LONG);
    nothing_held(&servers);
}

#[test]
fn another_node_keeps_the_queue_when_the_home_dies() {
    for hang in [false, true] {
        let servers = five();
        let client = blocking(&servers.urls());
        let guard = client.mutex("a").acquire(()).expect("free");
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let client = blocking(&servers.urls());
                thread::spawn(move || {
                    let guard = client
                        .mutex("a")
                        .acquire(within(60_000))
                        .expect("its turn comes");
                    guard.release().expect("held");
                })
            })
            .collect();
        queued(&client, 3);
        let home = home_of("a", 5);
        if hang {
            servers[home].pause()
        } else {
            servers[home].kill()
        }
        let next = &servers[(home + 1) % 5];
        eventually(LONG, "the next in the ring keeps the queue", || {
            next.command(&["ZCARD", "quorlock:{a}:queue"]).int() == Some(3)
        });
        let began = Instant::now();
        guard.release().expect("held");
        for thread in waiting {
            thread.join().expect("no panic");
        }
        println!(
            "hang {hang}: three sections without the home in {:?}",
            began.elapsed()
        );
        if hang {
            servers[home].resume();
            nothing_held(&servers);
        }
    }
}

#[test]
fn behind_another_library_one_waits_until_its_key_runs_out() {
    let servers = five();
    servers
        .iter()
        .for_each(|server| set_foreign(server, "a", 1_500));
    let began = Instant::now();
    let guard = blocking(&servers.urls())
        .mutex("a")
        .acquire(within(60_000))
        .expect("it runs out");
    println!(
        "had it {:?} after a foreign key of 1.5 s was set",
        began.elapsed()
    );
    assert!(
        began.elapsed() < Duration::from_secs(6),
        "{:?}",
        began.elapsed()
    );
    guard.release().expect("held");
    nothing_held(&servers);
}

#[test]
fn one_subscription_serves_all_waiters_of_a_client() {
    let servers = five();
    let holder = blocking(&servers.urls());
    let names = ["a", "b", "c", "d"];
    let guards = names.map(|name| holder.mutex(name).acquire(()).expect("free"));
    let waiter: Client = client(&servers.urls());
    let waiting: Vec<_> = (0..40)
        .map(|index: usize| {
            let client = blocking::Client::from(waiter.clone());
            thread::spawn(move || {
                drop(
                    client
                        .mutex(names[index % 4])
                        .acquire(within(60_000))
                        .expect("its turn"),
                )
            })
        })
        .collect();
    queued(&holder, 1);
    for server in &servers {
        let channels = server.command(&["PUBSUB", "CHANNELS", "*"]);
        let channels: Vec<String> = channels
            .items()
            .iter()
            .filter_map(|name| name.text())
            .collect();
        assert_eq!(channels.len(), 2, "one each of two clients: {channels:?}");
        for channel in channels {
            assert_eq!(
                server.command(&["PUBSUB", "NUMSUB", &channel]).items()[1].int(),
                Some(1)
            );
        }
    }
    guards
        .iter()
        .for_each(|guard| drop(guard.release().expect("held")));
    for thread in waiting {
        thread.join().expect("no panic");
    }
    nothing_held(&servers);
}
