//! Semaphores and several resources at once on real servers, whose answers take any time.

use std::time::Duration;

use quorlock::AcquireOptions;
use quorlock_server_tests::{Worker, worker::VIOLATION};
use quorlock_test_support::{Flow, Proxy, ServerKind, Servers, TempDir};

use crate::rig::{LONG, blocking, five, nothing_held, proxies, worker};

const PROCESSES: usize = 4;

/// Every command and every answer takes up to 3 ms, each another time: what makes counting semaphores
/// that are kept node by node admit too many.
fn delayed(servers: &Servers) -> (Vec<Proxy>, Vec<String>) {
    let proxies = proxies(servers);
    for proxy in &proxies {
        proxy.both(Flow::delay_between(
            Duration::ZERO,
            Duration::from_millis(3),
        ));
    }
    let urls = proxies.iter().map(Proxy::url).collect();
    (proxies, urls)
}

/// Has all workers do what `order` says, until each has answered with `word`.
fn all_do(nodes: &[String], order: &str, word: &str) {
    let start = |_| worker(nodes, 10_000, true);
    let mut workers: Vec<Worker> = (0..PROCESSES).map(start).collect();
    for worker in &mut workers {
        worker.say(order);
    }
    for mut worker in workers {
        let done = worker.hear_within(word, LONG * 4);
        let heard = worker.heard();
        let complaints = heard.iter().filter(|line| line.starts_with(VIOLATION));
        let complaints: Vec<_> = complaints.collect();
        assert!(complaints.is_empty(), "{order}: {complaints:?}");
        assert!(done.is_some(), "{order}: not done");
    }
}

#[test]
fn no_delay_lets_one_holder_more_in_than_there_are_permits() {
    let servers = five();
    let (_proxies, nodes) = delayed(&servers);
    for limit in [1, 2, 4, 10] {
        let folder = TempDir::new().expect("a folder");
        let order = format!("permits s{limit} {limit} {} 2 25", folder.path().display());
        all_do(&nodes, &order, "permitted");
    }
    nothing_held(&servers);
}

#[test]
fn several_resources_are_had_alone_in_whatever_order_they_are_named() {
    let servers = five();
    let (_proxies, nodes) = delayed(&servers);
    let folder = TempDir::new().expect("a folder");
    let order = format!("bundles {} 2 20", folder.path().display());
    all_do(&nodes, &order, "bundled");
    nothing_held(&servers);
}

#[test]
fn every_kind_of_server_serves_both() {
    for kind in ServerKind::ALL {
        let servers = Servers::start(3, kind);
        let (ours, theirs) = (blocking(&servers.urls()), blocking(&servers.urls()));
        let both = ours.multi(["a", "b"]).acquire(()).expect("free");
        assert!(
            theirs
                .mutex("b")
                .try_acquire(())
                .expect("answered")
                .is_none()
        );
        let ticket = both.detach().expect("held");
        let both = theirs.adopt(&ticket).expect("first");
        assert!(both.fencing_token() > ticket.fencing_token());
        both.extend().expect("held");
        both.release().expect("ours");
        let two = AcquireOptions::new().permits(2);
        let two = ours.semaphore("s", 3).acquire(two).expect("free");
        let one = theirs.semaphore("s", 3).acquire(()).expect("one is free");
        let seen = theirs.semaphore("s", 3).inspect().expect("open");
        assert_eq!(seen.slots.len(), 3, "{kind:?}: {seen:?}");
        assert!(
            ours.semaphore("s", 3)
                .try_acquire(())
                .expect("answered")
                .is_none()
        );
        let adopted = theirs.adopt(&two.detach().expect("held")).expect("first");
        assert_eq!(adopted.slots().len(), 2);
        adopted.release().expect("ours");
        one.release().expect("ours");
        nothing_held(&servers);
    }
}
