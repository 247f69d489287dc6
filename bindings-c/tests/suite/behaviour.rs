//! The behaviour that every client sees, with good handles and bad ones, over threads and forks.

use quorlock_test_support::{ServerKind, Servers};

use crate::program::run;

#[test]
fn over_the_embedded_node() {
    run("behaviour", None);
}

#[test]
fn over_five_servers() {
    let servers = Servers::start(5, ServerKind::Valkey);
    run("behaviour", Some(&servers.urls().join(",")));
}

#[test]
fn over_three_older_servers() {
    let servers = Servers::start(3, ServerKind::Redis62);
    run("behaviour", Some(&servers.urls().join(",")));
}

#[test]
fn handles_that_are_not_live_are_found_out() {
    run("handles", None);
}

#[test]
fn eight_threads_use_and_free_the_same_handles() {
    run("hammer", None);
}

#[test]
fn forked_children_leave_the_parents_locks_alone() {
    let servers = Servers::start(3, ServerKind::Valkey);
    run("fork", Some(&servers.urls().join(",")));
}
