//! The behaviour that every client sees.

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
