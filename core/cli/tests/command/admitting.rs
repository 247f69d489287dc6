//! `health` shows a node that came back without its data, and `admit` lets it vote.

use quorlock_test_support::{ServerKind, Servers, eventually};

use crate::rig::{LONG, Ran, quorlock, ran};

#[test]
fn a_node_that_lost_its_data_is_shown_and_can_be_admitted() {
    let servers = Servers::start(3, ServerKind::Valkey);
    let nodes = servers.urls().join(",");
    let of = |args: &[&str]| -> Ran {
        let mut command = quorlock();
        command.args(args).env("QUORLOCK_NODES", &nodes);
        ran(command.output().expect("it starts"))
    };
    let long = ["run", "admitting", "--ttl", "1h", "--", "true"];
    assert_eq!(of(&long).code, Some(0));
    servers[1].restart_empty();
    eventually(LONG, "health tells", || {
        of(&["health"]).out.contains("! does not vote for ")
    });
    let told = of(&["health"]);
    assert_eq!(told.code, Some(0), "two are enough: {told:?}");
    let quorum = "quorum: 2 of 3 nodes answer, 2 are needed";
    assert!(told.out.starts_with(quorum), "{told:?}");
    assert!(
        told.out.contains("came back without its data"),
        "{}",
        told.out
    );
    let shown = of(&["inspect", "admitting"]);
    assert_eq!(
        shown.out.matches("! does not vote").count(),
        1,
        "{}",
        shown.out
    );
    let json = of(&["health", "--json"]);
    assert_eq!(json.out.matches("\"guarded_ms\": null").count(), 2);
    let wrong = of(&["admit", "redis://127.0.0.1:1"]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    let admitted = of(&["admit", &servers[1].url()]);
    assert_eq!(admitted.code, Some(0), "{admitted:?}");
    let told = of(&["health"]);
    assert!(told.out.starts_with("quorum: 3 of 3"), "{}", told.out);
}
