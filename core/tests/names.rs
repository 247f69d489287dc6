//! Names: any that fits is a lock of its own, whatever Quorlock writes beside other locks.

use std::collections::BTreeMap;
use std::time::Duration;

use quorlock::testing::config::{Entropy, Keys, OwnerLabel, OwnerToken, TicketId};
use quorlock::{AcquireOptions, Client, ErrorKind, Fencing};

struct Ones;

impl Entropy for Ones {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0x11);
    }
}

/// Every key that stands for the resource, the lock first.
fn keys_of(keys: &Keys) -> Vec<String> {
    let token = OwnerToken::fresh(&Ones, &OwnerLabel::new("h", 1, "rust", ""));
    let spent = keys.spent(&TicketId::fresh(&Ones));
    let own = [keys.lock().to_string(), keys.queue().to_string()];
    let beside = [keys.beats().to_string(), keys.tombstone(&token), spent];
    own.into_iter().chain(beside).collect()
}

/// No two resources share a key that is theirs alone, and no name is another's key.
#[test]
fn no_name_is_beside_another() {
    for prefix in ["", "app:"] {
        let mut names: Vec<String> = [
            "a", "{a}", "{{a}", "a}", "{a}b", "a{b}", "{a}:x", "{}", "}{",
        ]
        .map(str::to_owned)
        .to_vec();
        // Names that look like what stands beside these, twice over.
        for _ in 0..2 {
            for name in names.clone() {
                let Ok(keys) = Keys::new(prefix, &name) else {
                    continue;
                };
                let beside = keys_of(&keys).into_iter().chain([keys.fence().to_string()]);
                names.extend(beside.map(|key| key.trim_start_matches(prefix).to_owned()));
            }
        }
        names.sort();
        names.dedup();
        let mut owners: BTreeMap<String, String> = BTreeMap::new();
        for name in names {
            match Keys::new(prefix, &name) {
                Ok(keys) => {
                    for key in keys_of(&keys) {
                        let other = owners.insert(key.clone(), name.clone());
                        assert_eq!(other, None, "{key:?} is of {name:?} as well");
                    }
                }
                Err(error) => {
                    let said = (error.kind(), error.field());
                    assert_eq!(said, (ErrorKind::InvalidArgument, Some("name")), "{name:?}");
                    assert!(name.starts_with("quorlock:"), "{name:?}: {error}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_waiter_for_one_name_holds_up_no_other() {
    let client = || Client::connect(["memory://names-queue"]).expect("valid");
    let (holder, waiting, other) = (client(), client(), client());
    let guard = holder.mutex("{a}").acquire(()).await.expect("free");
    let waiter = tokio::spawn(async move { waiting.mutex("{a}").acquire(()).await });
    while holder.inspect("{a}").await.expect("open").nodes[0].waiters != Some(1) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let found = other.mutex("a").try_acquire(()).await.expect("answered");
    assert!(found.is_some(), "nobody has or wants \"a\"");
    guard.release().await.expect("held");
    drop(waiter.await.expect("no panic").expect("its turn"));
}

#[tokio::test]
async fn names_of_any_shape_lock_apart() {
    let long = "x".repeat(1024);
    let names = [
        "a",
        "A",
        " a",
        "a ",
        "a\0",
        "\0",
        "a\n",
        "\r\n$1\r\nx",
        "ü",
        "u\u{308}",
        "🔒",
        "%00",
        "*",
        "{}",
        "{a",
        "a}",
        "{a}",
        "a{b}c{d}",
        ":fence",
        "a:fence",
        "{a}:queue",
        "spent:",
        "'; --",
        &long,
        &long[1..],
    ];
    let (one, two) = (
        Client::connect(["memory://names-shapes"]).expect("valid"),
        Client::connect(["memory://names-shapes"]).expect("valid"),
    );
    let mut held = Vec::new();
    for name in names {
        let options = AcquireOptions::new().wait(Duration::ZERO);
        held.push(one.mutex(name).acquire(options).await.expect(name));
    }
    for name in names {
        let found = two.mutex(name).try_acquire(()).await.expect(name);
        assert!(found.is_none(), "{name:?}");
        let view = two.inspect(name).await.expect(name);
        assert!(view.holder.is_some() && view.resource == name, "{view:?}");
    }
    assert!(held.iter().all(|guard| guard.is_held()));
}

#[test]
fn the_longest_prefix_and_the_longest_name() {
    let prefixed = |bytes: usize| {
        Client::builder()
            .key_prefix("p".repeat(bytes))
            .fencing(Fencing::Auto)
            .connect(["memory://names-long"])
    };
    assert!(prefixed(256).is_ok());
    assert_eq!(prefixed(257).expect_err("long").field(), Some("key_prefix"));
    let client = quorlock::blocking::Client::from(prefixed(256).expect("valid"));
    let name = |bytes: usize| client.mutex("n".repeat(bytes)).acquire(());
    name(768).expect("fits").release().expect("held");
    assert_eq!(name(769).expect_err("long").field(), Some("name"));
}
