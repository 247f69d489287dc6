//! What bindings stand on: results delivered to a callback, calls given up from elsewhere, events,
//! counts, and the pulse of the caller's loop.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use quorlock::blocking::Client as BlockingClient;
use quorlock::{AcquireOptions, Client, ErrorKind, Loss, Pulse};

const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_result_is_delivered_on_the_engine_thread() {
    let client = Client::connect(["memory://bridge-deliver"]).expect("valid");
    let (said, heard) = mpsc::channel();
    let pending = client.mutex("a").start_acquire(().into());
    let canceller = pending.deliver(move |done| {
        let thread = std::thread::current().name().map(str::to_owned);
        said.send((done, thread)).expect("open");
    });
    let (done, thread) = heard.recv_timeout(SOON).expect("delivered");
    assert!(done.expect("free").is_held());
    assert!(thread.is_some());
    canceller.cancel();
}

#[test]
fn a_waiting_call_can_be_given_up_from_another_thread() {
    let client = Client::connect(["memory://bridge-cancel"]).expect("valid");
    let holder = BlockingClient::from(client.clone());
    let guard = holder.mutex("a").acquire(()).expect("free");
    let (said, heard) = mpsc::channel();
    let canceller = client
        .mutex("a")
        .start_acquire(().into())
        .deliver(move |done| said.send(done.map(drop)).expect("open"));
    assert!(heard.recv_timeout(Duration::from_millis(50)).is_err());
    std::thread::spawn(move || canceller.cancel());
    let error = heard
        .recv_timeout(SOON)
        .expect("delivered")
        .expect_err("given up");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    guard.release().expect("held");
    let next = holder
        .mutex("a")
        .acquire(())
        .expect("nobody waits any more");
    next.release().expect("held");
}

#[test]
fn a_release_given_up_at_once_still_goes_on() {
    let client = Client::connect(["memory://bridge-release"]).expect("valid");
    let mutex = client.mutex("a");
    for _ in 0..50 {
        let guard = mutex.start_acquire(().into()).wait().expect("free");
        drop(guard.start_release());
        let next = mutex.start_acquire(().into()).wait();
        drop(next.expect("given back, though the guard is there"));
        drop(guard);
    }
}

#[test]
fn waiting_in_slices_gets_the_result() {
    let client = Client::connect(["memory://bridge-slices"]).expect("valid");
    let mut pending = client.mutex("a").start_acquire(().into());
    let guard = loop {
        if let Some(done) = pending.wait_for(Duration::from_millis(50)) {
            break done.expect("free");
        }
    };
    assert!(guard.is_held());
}

#[test]
fn events_and_counts_tell_what_happened() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&seen);
    let client = Client::builder()
        .on_event(move |event| {
            let said = (
                event.kind.name(),
                event.resource.clone(),
                event.detail.to_string(),
            );
            keep.lock().expect("no panic").push(said);
        })
        .connect(["memory://bridge-events"])
        .expect("valid");
    let client = BlockingClient::from(client);
    let guard = client.mutex("a").acquire(()).expect("free");
    assert!(
        client
            .mutex("a")
            .try_acquire(())
            .expect("answered")
            .is_none()
    );
    guard.extend().expect("held");
    let ticket = guard.detach().expect("held");
    let adopted = client.adopt(&ticket).expect("fresh");
    adopted.release().expect("held");
    client.adopt(&ticket).expect_err("spent");
    let stats = client.stats().expect("open");
    let counts = [
        stats.acquired,
        stats.contended,
        stats.failed,
        stats.lost,
        stats.released,
        stats.detached,
        stats.adopted,
    ];
    assert_eq!(counts, [1, 1, 1, 0, 1, 1, 1]);
    assert!(stats.renewed >= 1 && stats.renewal_margin_min.is_some());
    let seen = seen.lock().expect("no panic");
    let kinds: Vec<&str> = seen
        .iter()
        .map(|(kind, ..)| *kind)
        .filter(|kind| *kind != "renewed")
        .collect();
    assert_eq!(
        kinds,
        [
            "acquired",
            "contended",
            "detached",
            "adopted",
            "released",
            "failed"
        ]
    );
    assert!(seen.iter().all(|(_, resource, _)| resource == "a"));
    let id = seen
        .iter()
        .find(|(kind, ..)| *kind == "detached")
        .map(|(.., detail)| detail.as_str());
    assert_eq!(id, Some(ticket.id()));
    assert_eq!(
        seen.last().map(|(.., detail)| detail.as_str()),
        Some("QUORLOCK_NOT_HELD")
    );
}

#[test]
fn a_loop_that_answers_keeps_its_lock_and_a_silent_one_loses_it() {
    let options = || AcquireOptions::new().ttl(Duration::from_millis(300));
    let hold = |answers: bool| {
        let (ask, asked) = mpsc::channel();
        let ask = Mutex::new(ask);
        // A host that has gone does not listen any more.
        let pulse = Pulse::new(move || ask.lock().expect("no panic").send(()).unwrap_or_default());
        let client = Client::builder()
            .pulse(&pulse, Duration::from_millis(400))
            .connect(["memory://bridge-pulse"])
            .expect("valid");
        if answers {
            std::thread::spawn(move || asked.iter().for_each(|()| pulse.beat()));
        }
        let client = BlockingClient::from(client);
        let guard = client.mutex("a").acquire(options()).expect("free");
        let (said, heard) = mpsc::channel();
        guard.on_lost(move |loss| said.send(loss).expect("open"));
        heard
            .recv_timeout(if answers {
                Duration::from_millis(1500)
            } else {
                SOON
            })
            .ok()
    };
    assert_eq!(hold(false), Some(Loss::HostSilent));
    assert_eq!(hold(true), None);
}

#[test]
fn a_silence_too_short_is_refused() {
    let pulse = Pulse::new(|| {});
    let built = Client::builder()
        .pulse(&pulse, Duration::from_millis(99))
        .connect(["memory://bridge-short"]);
    assert_eq!(
        built.expect_err("too short").field(),
        Some("silence_ms_max")
    );
}

#[test]
fn an_abandoned_lock_does_not_use_its_ticket_up() {
    let client = BlockingClient::connect(["memory://bridge-abandon"]).expect("valid");
    let hand_over = || {
        let ticket = client.mutex("a").acquire(()).expect("free").detach();
        let ticket = ticket.expect("held");
        (client.adopt(&ticket).expect("fresh"), ticket)
    };
    let said = |ticket| {
        let refused = client.adopt(ticket).map(drop).expect_err("used");
        refused.message().contains("work is done")
    };
    let (guard, ticket) = hand_over();
    guard.abandon();
    assert!(!guard.is_held());
    drop(client.mutex("a").acquire(()).expect("given back"));
    assert!(!said(&ticket));
    let (guard, ticket) = hand_over();
    guard.release().expect("held");
    assert!(said(&ticket));
}
