//! Several resources as one lock, as users call it, over embedded nodes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use quorlock::{AcquireOptions, Client, ErrorKind, Released, Ticket, blocking};

fn client(test: &str, count: usize) -> Client {
    let nodes = (0..count).map(|node| format!("memory://multi-{test}-{node}"));
    Client::connect(nodes.collect::<Vec<_>>()).expect("valid")
}

fn within(ms: u64) -> AcquireOptions {
    AcquireOptions::new().wait(Duration::from_millis(ms))
}

async fn is_free(client: &Client, name: &str) -> bool {
    let seen = client.inspect(name).await.expect("open");
    seen.nodes.iter().all(|node| node.owner.is_none())
}

#[tokio::test]
async fn all_or_none_beside_the_mutexes_of_the_same_names() {
    for count in [1, 2, 3, 5] {
        let name = format!("all-{count}");
        let (ours, theirs) = (client(&name, count), client(&name, count));
        let both = ours.multi(["b", "a"]).acquire(()).await.expect("free");
        assert_eq!(
            (both.resource(), both.resources()),
            ("a, b", vec!["a", "b"])
        );
        assert!(both.slots().is_empty());
        for held in ["a", "b"] {
            let theirs = theirs.mutex(held).try_acquire(()).await;
            assert!(theirs.expect("answered").is_none(), "{held}");
        }
        let overlapping = theirs.multi(["b", "c"]);
        assert!(
            overlapping
                .try_acquire(())
                .await
                .expect("answered")
                .is_none()
        );
        assert!(is_free(&theirs, "c").await, "what was free was not kept");
        assert_eq!(both.release().await.expect("ours"), Released::Released);
        let next = overlapping.acquire(()).await.expect("free");
        assert!(next.fencing_token() > both.fencing_token());
        let single = theirs.mutex("a").acquire(()).await.expect("free");
        assert!(single.fencing_token() > both.fencing_token());
        drop((next, single));
    }
}

#[tokio::test]
async fn a_token_is_past_those_of_every_name() {
    let client = client("token", 5);
    for names in [["a", "b"], ["b", "c"], ["c", "a"]] {
        let mut largest = None;
        for name in names {
            let single = client.mutex(name).acquire(()).await.expect("free");
            largest = largest.max(single.fencing_token());
            single.release().await.expect("ours");
        }
        let both = client.multi(names).acquire(()).await.expect("free");
        assert!(both.fencing_token() > largest);
        let token = both.fencing_token();
        both.release().await.expect("ours");
        for name in names {
            let single = client.mutex(name).acquire(()).await.expect("free");
            assert!(single.fencing_token() > token, "{name}");
            single.release().await.expect("ours");
        }
    }
}

#[tokio::test]
async fn a_waiter_holds_nothing_and_gets_all() {
    let (ours, theirs) = (client("waiter", 5), client("waiter", 5));
    let b = ours.mutex("b").acquire(()).await.expect("free");
    let waiting =
        tokio::spawn(async move { theirs.multi(["a", "b", "c"]).acquire(within(10_000)).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(is_free(&ours, "a").await && is_free(&ours, "c").await);
    // What it waits for next is another's by then.
    let c = ours.mutex("c").acquire(()).await.expect("free");
    b.release().await.expect("ours");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished());
    c.release().await.expect("ours");
    let all = waiting.await.expect("no panic").expect("in time");
    assert_eq!(all.resources(), ["a", "b", "c"]);
}

#[tokio::test]
async fn different_orders_do_not_block_each_other() {
    let sum = Arc::new(AtomicU32::new(0));
    let sets = [
        ["a", "b"],
        ["b", "a"],
        ["b", "c"],
        ["c", "a"],
        ["a", "c"],
        ["c", "b"],
    ];
    let tasks: Vec<_> = sets
        .into_iter()
        .map(|names| {
            let (client, sum) = (client("orders", 3), Arc::clone(&sum));
            tokio::spawn(async move {
                for _ in 0..10 {
                    let work = async |_: &quorlock::Guard| {
                        // Any two of the sets share a name.
                        let seen = sum.load(Ordering::SeqCst);
                        tokio::task::yield_now().await;
                        sum.store(seen + 1, Ordering::SeqCst);
                    };
                    let done = client.multi(names).using(within(30_000), work).await;
                    done.expect("in time");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    assert_eq!(sum.load(Ordering::SeqCst), 60);
    let client = client("orders", 3);
    for name in ["a", "b", "c"] {
        let seen = client.inspect(name).await.expect("open");
        assert!(
            seen.nodes.iter().all(|node| node.waiters == Some(0)),
            "{seen:?}"
        );
    }
}

#[tokio::test]
async fn renewal_and_extension_keep_all_of_it() {
    let (ours, theirs) = (client("renewal", 3), client("renewal", 3));
    let options = AcquireOptions::new().ttl(Duration::from_millis(300));
    let both = ours.multi(["a", "b"]).acquire(options).await.expect("free");
    tokio::time::sleep(Duration::from_millis(900)).await;
    both.extend().await.expect("held");
    assert!(both.is_held());
    for name in ["a", "b"] {
        let theirs = theirs.mutex(name).try_acquire(()).await;
        assert!(theirs.expect("answered").is_none(), "{name}");
    }
}

#[tokio::test]
async fn a_ticket_hands_all_of_it_over() {
    let (ours, theirs) = (client("ticket", 3), client("ticket", 3));
    let both = ours.multi(["x,y", "ü"]).acquire(()).await.expect("free");
    let text = both.detach().await.expect("held").encode();
    assert!(text.starts_with("qlt2:"), "{text}");
    let ticket = Ticket::decode(&text).expect("own text");
    let adopted = theirs.adopt(&ticket).await.expect("first");
    assert_eq!(adopted.resources(), ["x,y", "ü"]);
    assert!(adopted.fencing_token() > ticket.fencing_token());
    let error = ours.adopt(&ticket).await.expect_err("in use");
    assert_eq!(error.kind(), ErrorKind::NotHeld);
    adopted.release().await.expect("ours");
    assert!(is_free(&ours, "x,y").await && is_free(&ours, "ü").await);
    let error = ours.adopt(&ticket).await.expect_err("used up");
    assert!(error.message().contains("work is done"), "{error}");
}

#[tokio::test]
async fn a_call_given_up_leaves_nothing() {
    let (ours, theirs) = (client("given-up", 3), client("given-up", 3));
    let held = ours.mutex("b").acquire(()).await.expect("free");
    let error = theirs.multi(["a", "b"]).acquire(within(150)).await;
    assert_eq!(error.expect_err("held").kind(), ErrorKind::Timeout);
    for name in ["a", "b"] {
        let seen = ours.inspect(name).await.expect("open");
        assert!(
            seen.nodes.iter().all(|node| node.waiters == Some(0)),
            "{seen:?}"
        );
    }
    assert!(is_free(&ours, "a").await);
    held.release().await.expect("ours");
    let both = ours.multi(["a", "b"]).acquire(()).await.expect("free");
    drop(both);
}

#[test]
fn what_is_wrong_is_told_before_any_io() {
    let client = blocking::Client::connect(["memory://multi-wrong"]).expect("valid");
    let many: Vec<String> = (0..65).map(|number| number.to_string()).collect();
    let none: [&str; 0] = [];
    let wrong = [
        client.multi(none),
        client.multi(["a", "b", "a"]),
        client.multi(many),
    ];
    for multi in wrong {
        let error = multi.acquire(()).expect_err("wrong");
        let found = (error.kind(), error.field());
        assert_eq!(found, (ErrorKind::InvalidArgument, Some("names")));
    }
    let error = client.multi(["a", ""]).acquire(()).expect_err("wrong");
    assert_eq!(error.field(), Some("names[1]"));
    for options in [
        AcquireOptions::new().permits(1),
        AcquireOptions::new().permits(0),
    ] {
        let error = client
            .multi(["a", "b"])
            .acquire(options.clone())
            .expect_err("none");
        assert_eq!(error.field(), Some("permits"));
        let error = client.mutex("a").acquire(options).expect_err("none");
        assert_eq!(error.field(), Some("permits"));
    }
    let one = client.multi(["a"]).acquire(()).expect("free");
    assert_eq!(one.resources(), ["a"]);
    assert!(
        client
            .mutex("a")
            .try_acquire(())
            .expect("answered")
            .is_none()
    );
}
