//! A process that forks, and one that ends with locks in its hands.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use quorlock_server_tests::Worker;
use quorlock_test_support::{ServerKind, Servers, TempDir};

use crate::rig::{LONG, blocking, nothing_held, within, worker};

/// Children of one process in one test run.
const CHILDREN: usize = 30;

fn fork_while(mode: &str) {
    let servers = Servers::start(3, ServerKind::Valkey);
    let tokens = TempDir::new().expect("a folder");
    let folder = tokens.path().display().to_string();
    let args = [
        servers.urls().join(","),
        mode.to_owned(),
        CHILDREN.to_string(),
        folder,
    ];
    let began = Instant::now();
    let mut forker = Worker::start(env!("CARGO_BIN_EXE_forker"), &args);
    let status = forker.finish(Duration::from_secs(120));
    let mut said = Vec::new();
    for entry in std::fs::read_dir(tokens.path())
        .expect("a folder")
        .flatten()
    {
        let text = std::fs::read_to_string(entry.path()).expect("a file");
        let name = entry.file_name().into_string().expect("ASCII");
        assert!(!name.starts_with("failed"), "{name}: {text}");
        said.push(text.split(':').nth(4).expect("a token").to_owned());
    }
    assert!(status.success(), "{status:?} {:?}", forker.heard());
    assert_eq!(forker.heard(), ["done"]);
    assert_eq!(
        said.len(),
        CHILDREN + CHILDREN / 5,
        "children and grandchildren"
    );
    let distinct: HashSet<&String> = said.iter().collect();
    assert_eq!(distinct.len(), said.len(), "a token was made twice");
    println!("{mode}: {} children in {:?}", said.len(), began.elapsed());
    nothing_held(&servers);
}

#[test]
fn children_of_an_idle_process_are_on_their_own() {
    fork_while("idle");
}

#[test]
fn children_of_an_acquiring_process_are_on_their_own() {
    fork_while("acquiring");
}

#[test]
fn children_of_a_renewing_process_are_on_their_own() {
    fork_while("renewing");
}

/// The caller's own runtime has no threads in a child: calls there hung.
#[test]
fn children_of_a_process_with_a_runtime_of_its_own_are_on_their_own() {
    fork_while("foreign");
}

#[test]
fn a_process_ends_clean_and_quick_with_locks_in_its_hands() {
    let servers = Servers::start(3, ServerKind::Valkey);
    let client = blocking(&servers.urls());
    for way in ["exit", "return"] {
        for turn in 0..3 {
            let name = format!("{way}-{turn}");
            let mut holder = worker(&servers.urls(), 1_500, true);
            holder.say(&format!("acquire {name} 30000"));
            holder.hear("acquired", LONG);
            let began = Instant::now();
            holder.say(way);
            let status = holder.finish(LONG);
            assert_eq!(status.code(), Some(0), "{way}");
            println!("{way}: ended after {:?}", began.elapsed());
            assert!(
                began.elapsed() < Duration::from_secs(5),
                "{way}: {:?}",
                began.elapsed()
            );
        }
        client
            .mutex(format!("{way}-0"))
            .acquire(within(30_000))
            .expect("after a ttl at most")
            .release()
            .expect("held");
    }
}
