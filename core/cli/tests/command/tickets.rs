//! A lock goes from one command to the next by a ticket.

use std::time::Duration;

use quorlock_test_support::eventually;

use crate::rig::{LONG, Ran, Running, is_locked, quorlock, ran, run};

fn detach(key: &str, more: &[&str]) -> String {
    let args = [&["run", key, "--detach"], more].concat();
    let ran = run(&args);
    assert_eq!((ran.code, &ran.err[..]), (Some(0), ""), "{ran:?}");
    assert_eq!(ran.out.lines().count(), 1);
    ran.out.trim().to_owned()
}

/// As a consumer would be started: the ticket in the environment.
fn adopt(ticket: &str, args: &[&str]) -> Ran {
    let mut command = quorlock();
    command.env("QUORLOCK_TICKET", ticket).args(args);
    ran(command.output().expect("it starts"))
}

#[test]
fn the_next_command_goes_on_with_the_lock_and_duplicates_are_refused() {
    let ticket = detach("tickets:once", &[]);
    assert!(is_locked("tickets:once"), "held between the two");
    let show = "echo $QUORLOCK_RESOURCE ${QUORLOCK_TICKET-none} ${QUORLOCK_FENCING_TOKEN:+token}";
    let first = adopt(&ticket, &["run", "--", "sh", "-c", show]);
    assert_eq!(
        (first.code, &first.out[..]),
        (Some(0), "tickets:once none token\n"),
        "{first:?}"
    );
    eventually(LONG, "given back", || !is_locked("tickets:once"));
    let again = adopt(&ticket, &["run", "--", "echo", "no"]);
    assert_eq!((again.code, &again.out[..]), (Some(77), ""), "{again:?}");
    assert!(again.err.contains("its work is done"), "{again:?}");
    let id = ticket.split(':').nth(4).expect("the owner's field");
    assert!(!again.err.contains(id), "no secret: {again:?}");
}

#[test]
fn a_redelivery_while_the_first_works_is_refused() {
    let ticket = detach("tickets:busy", &[]);
    let first = Running::start(&[
        "run",
        "--ticket",
        &ticket,
        "--",
        "sh",
        "-c",
        "echo in; sleep 60",
    ]);
    assert_eq!(first.line(), "in");
    let second = adopt(&ticket, &["run", "tickets:busy", "--", "echo", "no"]);
    assert_eq!((second.code, &second.out[..]), (Some(77), ""), "{second:?}");
    assert!(second.err.contains("another adopter"), "{second:?}");
    first.signal("TERM");
    assert_eq!(first.end().code, Some(143));
}

#[test]
fn a_scheduled_resource_is_not_scheduled_twice() {
    let _ticket = detach("tickets:scheduled", &["--ttl", "30s"]);
    let twice = run(&["run", "tickets:scheduled", "--detach", "--wait", "0"]);
    assert_eq!((twice.code, &twice.out[..]), (Some(75), ""), "{twice:?}");
}

#[test]
fn a_ticket_lives_as_long_as_it_was_made_for() {
    let dead = detach("tickets:dead", &["--ttl", "500ms"]);
    let long = detach("tickets:long", &["--ttl", "500ms", "--ticket-ttl", "60s"]);
    std::thread::sleep(Duration::from_millis(900));
    let refused = adopt(&dead, &["run", "--", "echo", "no"]);
    assert_eq!(
        (refused.code, &refused.out[..]),
        (Some(77), ""),
        "{refused:?}"
    );
    assert!(
        refused.err.contains("acquire the lock afresh"),
        "{refused:?}"
    );
    let adopted = adopt(&long, &["run", "--", "echo", "yes"]);
    assert_eq!(
        (adopted.code, &adopted.out[..]),
        (Some(0), "yes\n"),
        "{adopted:?}"
    );
}

#[test]
fn an_adopted_lock_can_be_handed_on() {
    let first = detach("tickets:chain", &[]);
    let second = adopt(&first, &["run", "--detach"]);
    assert_eq!(second.code, Some(0), "{second:?}");
    let end = adopt(second.out.trim(), &["run", "--", "echo", "end"]);
    assert_eq!((end.code, &end.out[..]), (Some(0), "end\n"), "{end:?}");
}
