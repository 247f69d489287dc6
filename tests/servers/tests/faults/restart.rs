//! Held locks while servers die, come back or hang, and while the holder itself is stopped.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use quorlock::{AcquireOptions, ErrorKind, Loss, Released, blocking};
use quorlock_test_support::{Flow, Proxy, Server, ServerKind, Servers, eventually, holds_within};

use crate::rig::{
    LONG, blocking, five, five_durable, nothing_held, owner, short_lived, value, within, worker,
};

/// Acquires with this ttl, and tells the losses that are signalled, with their time.
fn hold(
    client: &blocking::Client,
    ttl_ms: u64,
) -> (blocking::Guard, std::sync::mpsc::Receiver<(Loss, Instant)>) {
    let (sink, losses) = channel();
    let options = AcquireOptions::new()
        .ttl(Duration::from_millis(ttl_ms))
        .wait(LONG);
    let guard = client.mutex("a").acquire(options).expect("healthy");
    guard.on_lost(move |loss| {
        let _ = sink.send((loss, Instant::now()));
    });
    (guard, losses)
}

#[test]
fn a_majority_that_comes_back_with_its_data_keeps_the_lock() {
    let servers = five_durable();
    let (ours, theirs) = (blocking(&servers.urls()), blocking(&servers.urls()));
    let (guard, losses) = hold(&ours, 20_000);
    let token = owner(&servers, "a");
    servers[..3].iter().for_each(Server::kill);
    assert!(guard.is_held());
    let error = theirs.mutex("b").try_acquire(()).expect_err("no majority");
    assert_eq!(error.kind(), ErrorKind::QuorumUnavailable, "{error}");
    servers[..3].iter().for_each(Server::start_again);
    for server in &servers {
        assert_eq!(value(server, "a").as_ref(), Some(&token), "kept");
    }
    eventually(LONG, "it can be renewed again", || guard.extend().is_ok());
    eventually(LONG, "the others see it held", || {
        matches!(theirs.mutex("a").try_acquire(()), Ok(None))
    });
    assert!(guard.is_held() && losses.try_recv().is_err());
    assert_eq!(guard.release().expect("held"), Released::Released);
    nothing_held(&servers);
}

#[test]
fn a_majority_that_comes_back_empty_loses_the_lock_once() {
    let servers = five();
    let client = blocking(&servers.urls());
    let (guard, losses) = hold(&client, 3_000);
    servers[..3].iter().for_each(Server::restart_empty);
    let (loss, _) = losses.recv_timeout(LONG).expect("signalled");
    assert!(matches!(loss, Loss::Majority | Loss::Expired), "{loss:?}");
    assert!(!guard.is_held());
    assert_eq!(
        guard.check().expect_err("lost").kind(),
        ErrorKind::LeaseLost
    );
    assert_eq!(
        guard.extend().expect_err("lost").kind(),
        ErrorKind::LeaseLost
    );
    assert_ne!(guard.release().expect("a result"), Released::Released);
    assert!(
        losses.recv_timeout(Duration::from_millis(300)).is_err(),
        "signalled twice"
    );
    // What the minority still had was given back as well.
    nothing_held(&servers);
}

#[test]
fn renewal_survives_the_restart_of_a_minority() {
    let servers = five();
    let client = blocking(&servers.urls());
    let (guard, losses) = hold(&client, 1_500);
    servers[..2].iter().for_each(Server::kill);
    // Longer than a ttl with two of them down, and again when they are back without the key.
    let lost = || !guard.is_held();
    assert!(
        !holds_within(Duration::from_millis(2_000), lost),
        "lost with three of five"
    );
    servers[..2].iter().for_each(Server::start_again);
    assert!(
        !holds_within(Duration::from_millis(2_000), lost),
        "lost with three of five"
    );
    assert!(losses.try_recv().is_err());
    assert_eq!(guard.release().expect("held"), Released::Released);
    nothing_held(&servers);
}

#[test]
fn a_majority_that_dies_or_hangs_is_told_once_and_not_before_the_deadline() {
    for hang in [true, false] {
        let servers = five();
        let client = blocking(&servers.urls());
        let began = Instant::now();
        let (guard, losses) = hold(&client, 1_200);
        let broken = Instant::now();
        servers[..3]
            .iter()
            .for_each(|server| if hang { server.pause() } else { server.kill() });
        let (loss, when) = losses.recv_timeout(LONG).expect("signalled");
        assert!(!guard.is_held() && guard.remaining() == Duration::ZERO);
        assert_eq!(loss, Loss::Expired);
        assert_eq!(guard.loss(), Some(Loss::Expired));
        println!("hang {hang}: told {:?} after the fault", when - broken);
        // The last renewal before the fault reaches to a ttl after it at most; never early, as the
        // keys are still there.
        assert!(
            when >= began + Duration::from_millis(1_000),
            "given up early: {:?}",
            when - began
        );
        assert!(
            when <= broken + Duration::from_millis(1_200 + 4_000),
            "late: {:?}",
            when - broken
        );
        assert!(
            losses.recv_timeout(Duration::from_millis(300)).is_err(),
            "signalled twice"
        );
        let released = guard.release().expect("a result");
        assert!(
            matches!(released, Released::Unknown(_) | Released::AlreadyExpired),
            "{released:?}"
        );
        servers[..3].iter().for_each(|server| {
            if hang {
                server.resume()
            } else {
                server.start_again()
            }
        });
        client
            .mutex("a")
            .acquire(within(30_000))
            .expect("healed")
            .release()
            .expect("held");
        nothing_held(&servers);
    }
}

#[test]
fn a_stopped_holder_wakes_up_without_its_lock() {
    let servers = Servers::start(3, ServerKind::Valkey);
    let theirs = short_lived(&servers.urls(), 2_000);
    for _ in 0..3 {
        let mut holder = worker(&servers.urls(), 600, true);
        holder.say("acquire a 30000");
        let token: u64 = holder.hear("acquired", LONG).parse().expect("a token");
        holder.pause();
        // It can answer nothing now, and its key runs out: another one has the lock.
        let guard = theirs
            .mutex("a")
            .acquire(within(30_000))
            .expect("the key runs out");
        assert!(guard.fencing_token().map_or(0, |token| token.get()) > token);
        holder.say("is_held");
        holder.resume();
        assert_eq!(holder.hear("is_held", LONG), "false");
        eventually(LONG, "the loss is told", || {
            holder.heard().iter().any(|line| line.starts_with("lost"))
        });
        holder.say("release");
        assert_ne!(holder.hear("released", LONG), "Released");
        assert!(guard.is_held(), "untouched by the late one");
        guard.extend().expect("untouched");
        holder.say("return");
        assert!(holder.finish(LONG).success());
        let lost = holder
            .heard()
            .iter()
            .filter(|line| line.starts_with("lost"))
            .count();
        assert_eq!(lost, 1, "{:?}", holder.heard());
        guard.release().expect("held");
    }
    nothing_held(&servers);
}

/// Stopped between sending and reading: what was granted meanwhile is too old to be a lock.
#[test]
fn a_client_stopped_while_it_acquires_gets_nothing_late() {
    let servers = Servers::start(3, ServerKind::Valkey);
    let proxies = crate::rig::proxies(&servers);
    let nodes: Vec<String> = proxies.iter().map(|proxy| proxy.url()).collect();
    let granted = || servers.iter().all(|server| value(server, "a").is_some());
    let mut late_grants = 0;
    for _ in 0..20 {
        let mut late = worker(&nodes, 1_000, false);
        late.say("acquire a 30000");
        late.hear("acquired", LONG);
        late.say("release");
        late.hear("released", LONG);
        nothing_held(&servers);
        proxies.iter().for_each(|proxy| proxy.replies(Flow::Hold));
        late.say("acquire a 0");
        // Where this test is too slow itself, the worker has given up before it is stopped.
        let seen = holds_within(Duration::from_millis(500), granted);
        late.pause();
        late_grants += usize::from(seen && granted());
        proxies.iter().for_each(Proxy::pass);
        eventually(LONG, "the keys have run out", || {
            servers.iter().all(|server| value(server, "a").is_none())
        });
        late.resume();
        late.hear("error", LONG);
        let acquired = late
            .heard()
            .iter()
            .filter(|line| line.starts_with("acquired"))
            .count();
        assert_eq!(acquired, 1, "{:?}", late.heard());
        if late_grants == 3 {
            break;
        }
    }
    assert!(late_grants > 0, "never stopped in time");
    nothing_held(&servers);
}
