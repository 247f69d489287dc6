//! A lock re-entered by its owner: several guards, one lease.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use quorlock::blocking::Client;
use quorlock::{AcquireOptions, ErrorKind, Loss, Released};

fn client(test: &str) -> Client {
    let nodes = (0..3).map(|node| format!("memory://reenter-{test}-{node}"));
    Client::connect(nodes).expect("valid")
}

fn is_free(client: &Client) -> bool {
    let other = client.mutex("a").try_acquire(()).expect("answered");
    other.is_some_and(|guard| guard.release().is_ok())
}

#[test]
fn the_lock_is_given_back_with_the_last_guard() {
    let (ours, theirs) = (client("last"), client("last"));
    let outer = ours.mutex("a").acquire(()).expect("free");
    let inner = outer.reenter().expect("held");
    let third = inner.reenter().expect("held");
    assert_eq!(inner.fencing_token(), outer.fencing_token());
    // The first to go is the guard that the others came from.
    assert_eq!(outer.release().expect("held"), Released::StillHeld);
    assert_eq!(outer.release().expect("held"), Released::StillHeld, "again");
    assert!(!outer.is_held() && outer.remaining().is_zero());
    assert_eq!(outer.check().expect_err("over").kind(), ErrorKind::NotHeld);
    assert_eq!(
        outer.reenter().expect_err("over").kind(),
        ErrorKind::NotHeld
    );
    assert_eq!(outer.extend().expect_err("over").kind(), ErrorKind::NotHeld);
    assert!(inner.is_held() && third.is_held());
    assert!(!is_free(&theirs));
    drop(third);
    assert!(!is_free(&theirs));
    inner.extend().expect("held");
    assert_eq!(inner.release().expect("held"), Released::Released);
    assert_eq!(inner.release().expect("held"), Released::Released, "again");
    assert!(is_free(&theirs));
    assert_eq!(
        inner.reenter().expect_err("over").kind(),
        ErrorKind::NotHeld
    );
}

#[test]
fn dropping_the_last_guard_gives_the_lock_back() {
    let (ours, theirs) = (client("drop"), client("drop"));
    let outer = ours.mutex("a").acquire(()).expect("free");
    let inner = outer.reenter().expect("held");
    drop(outer);
    assert!(!is_free(&theirs));
    drop(inner);
    let soon = AcquireOptions::new().wait(Duration::from_secs(5));
    theirs.mutex("a").acquire(soon).expect("given back");
}

#[test]
fn a_loss_reaches_every_guard_that_is_left() {
    let ours = client("loss");
    let terms = AcquireOptions::new()
        .ttl(Duration::from_millis(100))
        .renew(false);
    let outer = ours.mutex("a").acquire(terms).expect("free");
    let (inner, gone) = (
        outer.reenter().expect("held"),
        outer.reenter().expect("held"),
    );
    let heard = Arc::new(AtomicU32::new(0));
    for (guard, worth) in [(&outer, 1), (&inner, 10), (&gone, 100)] {
        let heard = Arc::clone(&heard);
        guard.on_lost(move |_| {
            heard.fetch_add(worth, Ordering::SeqCst);
        });
    }
    assert_eq!(gone.release().expect("held"), Released::StillHeld);
    for _ in 0..1000 {
        if heard.load(Ordering::SeqCst) >= 11 {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(heard.load(Ordering::SeqCst), 11);
    assert_eq!(outer.loss(), Some(Loss::Expired));
    assert_eq!(inner.loss(), Some(Loss::Expired));
    assert_eq!(gone.loss(), None);
    assert_eq!(
        inner.check().expect_err("lost").kind(),
        ErrorKind::LeaseLost
    );
    // The key outlives the validity by the drift.
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(inner.release().expect("a result"), Released::AlreadyExpired);
    assert_eq!(outer.loss(), Some(Loss::Expired), "still");
}

#[test]
fn only_one_guard_can_hand_the_lock_over() {
    let ours = client("detach");
    let outer = ours.mutex("a").acquire(()).expect("free");
    let inner = outer.reenter().expect("held");
    let error = outer.detach().expect_err("two guards");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    assert_eq!(error.field(), Some("guard"));
    assert!(outer.is_held() && inner.is_held());
    drop(inner);
    let ticket = outer.detach().expect("one guard");
    assert_eq!(
        outer.reenter().expect_err("over").kind(),
        ErrorKind::NotHeld
    );
    ours.adopt(&ticket)
        .expect("handed over")
        .release()
        .expect("held");
}

#[test]
fn closing_releases_a_lock_whatever_guards_are_left() {
    let (ours, theirs) = (client("close"), client("close"));
    let outer = ours.mutex("a").acquire(()).expect("free");
    let inner = outer.reenter().expect("held");
    assert!(ours.close(Duration::from_secs(5)).expect("closes"));
    assert!(!outer.is_held() && !inner.is_held());
    assert!(is_free(&theirs));
}
