//! Tickets: a held lock goes from one process to another, to exactly one, or to nobody.

use std::time::Duration;

use quorlock::{AcquireOptions, ErrorKind, Released, Ticket, blocking};
use quorlock_server_tests::locks;
use quorlock_test_support::{Reply, Server, ServerKind, Servers, eventually};

use crate::rig::{
    LONG, blocking, client, five, nothing_held, owner, patient, value, within, worker,
};

const DELETE_IF_MINE: &str =
    "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0";
const EXTEND_IF_MINE: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], 1000) end return 0";

/// On how many servers a script finds `token` in the lock.
fn as_owner(servers: &[Server], script: &str, token: &str) -> i64 {
    let done = servers
        .iter()
        .map(|server| server.command(&["EVAL", script, "1", "a", token]));
    done.filter_map(|reply: Reply| reply.int()).sum()
}

fn refused(result: Result<blocking::Guard, quorlock::Error>, word: &str) {
    let error = result.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::NotHeld, "{error}");
    assert!(error.message().contains(word), "{error}");
}

#[test]
fn a_lock_goes_over_to_another_process_on_every_kind_of_server() {
    for kind in ServerKind::ALL {
        let servers = Servers::start(5, kind);
        let (mut publisher, ours) = (
            worker(&servers.urls(), 10_000, true),
            blocking(&servers.urls()),
        );
        publisher.say("acquire a 10000");
        let first: u64 = publisher.hear("acquired", LONG).parse().expect("a token");
        let old = owner(&servers, "a");
        publisher.say("detach 10000");
        let ticket = Ticket::decode(&publisher.hear("ticket", LONG)).expect("whole");
        assert!(
            ours.mutex("a").try_acquire(()).expect("answered").is_none(),
            "no gap"
        );
        let adopted = ours.adopt(&ticket).expect("the first");
        assert!(adopted.is_adopted() && adopted.is_held());
        assert!(adopted.fencing_token().map_or(0, |token| token.get()) > first);
        // The old owner has no power any more, not even by raw commands.
        assert_eq!(as_owner(&servers, EXTEND_IF_MINE, &old), 0);
        assert_eq!(as_owner(&servers, DELETE_IF_MINE, &old), 0);
        assert!(adopted.is_held());
        // Delivered again while the work goes on, and after it is done.
        refused(ours.adopt(&ticket), "another adopter");
        adopted.extend().expect("held");
        assert_eq!(adopted.release().expect("held"), Released::Released);
        refused(ours.adopt(&ticket), "work is done");
        nothing_held(&servers);
    }
}

#[tokio::test]
async fn four_deliveries_of_a_hundred_tickets_have_one_adopter_each() {
    let servers = five();
    let publisher = patient()
        .ttl(Duration::from_secs(4))
        .connect(servers.urls())
        .expect("valid");
    let consumers: Vec<_> = (0..4).map(|_| client(&servers.urls())).collect();
    let mut attempts = 0;
    for number in 0..100 {
        let name = format!("job-{number}");
        let guard = publisher
            .mutex(&name)
            .acquire(within(10_000))
            .await
            .expect("free");
        let ticket = guard.detach().await.expect("held");
        let adoptions = consumers.iter().map(|consumer| {
            let (consumer, ticket) = (consumer.clone(), ticket.clone());
            tokio::spawn(async move { consumer.adopt(&ticket).await })
        });
        let mut adopted = Vec::new();
        for adoption in adoptions.collect::<Vec<_>>() {
            match adoption.await.expect("no panic") {
                Ok(guard) => adopted.push(guard),
                Err(error) => {
                    attempts += error.attempts();
                    let kinds = [ErrorKind::NotHeld, ErrorKind::Contended];
                    assert!(kinds.contains(&error.kind()), "{error}");
                }
            }
        }
        assert_eq!(adopted.len(), 1, "adopters of ticket {number}");
        assert!(adopted[0].is_held() && adopted[0].fencing_token() > guard.fencing_token());
        adopted[0].release().await.expect("held");
    }
    let left: usize = servers.iter().map(|server| locks(server).len()).sum();
    println!(
        "{:.2} attempts of those refused; {left} keys left to their ttl",
        f64::from(attempts) / 300.0
    );
    // A roll-back gives a minority back to the publisher, whose key stays there for its ttl; nobody
    // can win with it, as the ticket is spent.
    for server in &servers {
        eventually(Duration::from_secs(10), "gone with the ttl", || {
            locks(server).is_empty()
        });
    }
}

#[test]
fn a_ticket_delivered_after_its_ttl_is_refused_as_expired() {
    let servers = five();
    let client = blocking(&servers.urls());
    let short = AcquireOptions::new().ttl(Duration::from_millis(300));
    let ticket = client
        .mutex("a")
        .acquire(short)
        .expect("free")
        .detach()
        .expect("held");
    eventually(LONG, "the keys run out", || {
        servers.iter().all(|server| value(server, "a").is_none())
    });
    refused(client.adopt(&ticket), "run out");
    // Somebody else has it since.
    let guard = client.mutex("a").acquire(()).expect("free");
    assert_eq!(
        client.adopt(&ticket).expect_err("dead").kind(),
        ErrorKind::NotHeld
    );
    assert!(guard.is_held());
    guard.release().expect("held");
    nothing_held(&servers);
}

#[test]
fn a_killed_publisher_has_handed_over_all_the_same() {
    let servers = five();
    let mut publisher = worker(&servers.urls(), 20_000, true);
    publisher.say("acquire a 10000");
    publisher.hear("acquired", LONG);
    publisher.say("detach 20000");
    let ticket = Ticket::decode(&publisher.hear("ticket", LONG)).expect("whole");
    publisher.kill();
    let client = blocking(&servers.urls());
    let adopted = client.adopt(&ticket).expect("good without its publisher");
    adopted.extend().expect("held");
    assert_eq!(adopted.release().expect("held"), Released::Released);
    nothing_held(&servers);
}

#[test]
fn after_a_killed_adopter_the_lock_is_had_afresh_with_a_larger_token() {
    let servers = five();
    let client = blocking(&servers.urls());
    let short = AcquireOptions::new().ttl(Duration::from_millis(2_000));
    let ticket = client
        .mutex("a")
        .acquire(short)
        .expect("free")
        .detach()
        .expect("held");
    let mut adopter = worker(&servers.urls(), 2_000, true);
    adopter.say(&format!("adopt {}", ticket.encode()));
    let token: u64 = adopter.hear("adopted", LONG).parse().expect("a token");
    adopter.kill();
    // Perhaps it was only paused: nobody takes its work before its ttl.
    if servers.iter().all(|server| value(server, "a").is_some()) {
        let error = client
            .adopt(&ticket)
            .expect_err("in use, as far as anybody can tell");
        assert_eq!(error.kind(), ErrorKind::NotHeld, "{error}");
    }
    let guard = client
        .mutex("a")
        .acquire(within(30_000))
        .expect("the key runs out");
    assert!(!guard.is_adopted());
    assert!(guard.fencing_token().map_or(0, |token| token.get()) > token);
    guard.release().expect("held");
    nothing_held(&servers);
}
