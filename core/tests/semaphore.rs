//! The semaphore as users call it, over embedded nodes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use quorlock::{AcquireOptions, Client, ErrorKind, Guard, Released, Semaphore, Ticket, blocking};

fn client(test: &str, count: usize) -> Client {
    let nodes = (0..count).map(|node| format!("memory://semaphore-{test}-{node}"));
    Client::connect(nodes.collect::<Vec<_>>()).expect("valid")
}

fn within(ms: u64) -> AcquireOptions {
    AcquireOptions::new().wait(Duration::from_millis(ms))
}

fn permits(permits: u32) -> AcquireOptions {
    AcquireOptions::new().permits(permits)
}

/// How many wait on any node, once that is so many.
async fn until_so_many_wait(semaphore: &Semaphore, many: u64) {
    loop {
        let seen = semaphore.inspect().await.expect("open");
        if seen.nodes.iter().any(|node| node.waiters == Some(many)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn as_many_holders_as_permits() {
    for count in [1, 2, 3, 5] {
        let test = format!("as-many-{count}");
        let clients: Vec<Client> = (0..4).map(|_| client(&test, count)).collect();
        let mut held: Vec<Guard> = Vec::new();
        for one in 0..10 {
            let semaphore = clients[one % 4].semaphore("s", 10);
            held.push(semaphore.acquire(within(2_000)).await.expect("free"));
        }
        let mut slots: Vec<u32> = held
            .iter()
            .flat_map(|guard| guard.slots().to_vec())
            .collect();
        slots.sort_unstable();
        assert_eq!(slots, (0..10).collect::<Vec<_>>());
        for client in &clients {
            let semaphore = client.semaphore("s", 10);
            assert!(semaphore.try_acquire(()).await.expect("answered").is_none());
        }
        let error = clients[0].semaphore("s", 10).acquire(within(20)).await;
        assert_eq!(error.expect_err("full").kind(), ErrorKind::Timeout);
        let freed = held.swap_remove(3);
        assert_eq!(freed.release().await.expect("ours"), Released::Released);
        let next = clients[1].semaphore("s", 10).try_acquire(()).await;
        let next = next.expect("answered").expect("one is free");
        assert_eq!(next.slots(), freed.slots());
        assert!(next.fencing_token() > freed.fencing_token());
    }
}

#[tokio::test]
async fn never_more_than_the_limit() {
    for limit in [1, 2, 4] {
        let (inside, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let client = client(&format!("never-more-{limit}"), 3);
                let (inside, most) = (Arc::clone(&inside), Arc::clone(&most));
                tokio::spawn(async move {
                    for _ in 0..20 {
                        let semaphore = client.semaphore("s", limit);
                        let work = semaphore.using(within(30_000), async |_| {
                            let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
                            most.fetch_max(now, Ordering::SeqCst);
                            tokio::time::sleep(Duration::from_millis(1)).await;
                            inside.fetch_sub(1, Ordering::SeqCst);
                        });
                        work.await.expect("in time");
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }
        assert_eq!(
            most.load(Ordering::SeqCst),
            limit,
            "and all of them are used"
        );
        let semaphore = client(&format!("never-more-{limit}"), 3).semaphore("s", limit);
        let seen = semaphore.inspect().await.expect("open");
        assert!(seen.slots.is_empty(), "{seen:?}");
        assert!(
            seen.nodes.iter().all(|node| node.waiters == Some(0)),
            "{seen:?}"
        );
    }
}

#[tokio::test]
async fn several_permits_all_or_none() {
    let (ours, theirs) = (client("weighted", 5), client("weighted", 5));
    let three = ours
        .semaphore("s", 4)
        .acquire(permits(3))
        .await
        .expect("free");
    assert_eq!(three.slots().len(), 3);
    let semaphore = theirs.semaphore("s", 4);
    assert!(
        semaphore
            .try_acquire(permits(2))
            .await
            .expect("answered")
            .is_none()
    );
    let one = semaphore
        .try_acquire(())
        .await
        .expect("answered")
        .expect("one is free");
    let seen = semaphore.inspect().await.expect("open");
    assert_eq!(seen.slots.len(), 4);
    drop(one);
    assert_eq!(three.release().await.expect("ours"), Released::Released);
    let all = semaphore
        .acquire(permits(4).wait(Duration::from_secs(5)))
        .await
        .expect("free");
    assert_eq!(all.slots().len(), 4);
}

#[tokio::test]
async fn local_callers_use_all_permits() {
    let client = client("local", 3);
    let semaphore = client.semaphore("s", 50);
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let semaphore = semaphore.clone();
            tokio::spawn(async move { semaphore.try_acquire(()).await })
        })
        .collect();
    let mut held = Vec::new();
    for task in tasks {
        held.push(
            task.await
                .expect("no panic")
                .expect("answered")
                .expect("enough for all"),
        );
    }
    assert!(semaphore.try_acquire(()).await.expect("answered").is_none());
}

#[tokio::test]
async fn waiters_are_served_in_order_and_a_large_one_is_not_passed_for_ever() {
    let holder = client("order", 3).semaphore("s", 4);
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(holder.acquire(()).await.expect("free"));
    }
    let large = client("order", 3).semaphore("s", 4);
    let waiting = large.clone();
    let large_one = tokio::spawn(async move { waiting.acquire(permits(4)).await });
    until_so_many_wait(&holder, 1).await;
    let mut passed = 0;
    // One slot goes from hand to hand past the large one, but only so often.
    loop {
        let small = client("order", 3).semaphore("s", 4);
        let small = tokio::spawn(async move { small.acquire(within(500)).await });
        until_so_many_wait(&holder, 2).await;
        held.pop().expect("held").release().await.expect("ours");
        match small.await.expect("no panic") {
            Ok(guard) => held.push(guard),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Timeout);
                break;
            }
        }
        passed += 1;
    }
    assert_eq!(passed, 16);
    for guard in held {
        guard.release().await.expect("ours");
    }
    let all = large_one.await.expect("no panic").expect("in time");
    assert_eq!(all.slots().len(), 4);
}

#[tokio::test]
async fn the_limit_grows_at_once_and_shrinks_as_holders_leave() {
    let (old, new) = (client("limits", 3), client("limits", 3));
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(old.semaphore("s", 2).acquire(()).await.expect("free"));
    }
    // Larger, beside holders with the smaller limit.
    let mut more = Vec::new();
    for _ in 0..2 {
        more.push(
            new.semaphore("s", 4)
                .acquire(within(2_000))
                .await
                .expect("free"),
        );
    }
    assert!(
        new.semaphore("s", 4)
            .try_acquire(())
            .await
            .expect("answered")
            .is_none()
    );
    // Smaller again: what is held above stays until it is given back, and is not taken anew.
    assert!(
        old.semaphore("s", 2)
            .try_acquire(())
            .await
            .expect("answered")
            .is_none()
    );
    drop(more.pop());
    assert!(
        old.semaphore("s", 2)
            .try_acquire(())
            .await
            .expect("answered")
            .is_none()
    );
    held.pop().expect("held").release().await.expect("ours");
    let next = old
        .semaphore("s", 2)
        .acquire(within(2_000))
        .await
        .expect("one is free");
    assert!(next.slots()[0] < 2);
}

#[tokio::test]
async fn a_dead_holder_frees_its_slots_by_its_own_ttl() {
    let (dead, ours) = (client("dead", 3), client("dead", 3));
    let brief = permits(2).ttl(Duration::from_millis(200)).renew(false);
    let gone = dead.semaphore("s", 3).acquire(brief).await.expect("free");
    let kept = ours.semaphore("s", 3).acquire(()).await.expect("free");
    let options = permits(2).wait(Duration::from_secs(10));
    let next = ours
        .semaphore("s", 3)
        .acquire(options)
        .await
        .expect("expired");
    assert!(!gone.is_held());
    assert!(kept.is_held());
    assert_eq!(next.slots().len(), 2);
}

#[tokio::test]
async fn a_ticket_hands_the_slots_over() {
    let (ours, theirs) = (client("ticket", 3), client("ticket", 3));
    for wanted in [1, 2] {
        let guard = ours
            .semaphore("s", 3)
            .acquire(permits(wanted))
            .await
            .expect("free");
        let slots = guard.slots().to_vec();
        let text = guard.detach().await.expect("held").encode();
        let ticket = Ticket::decode(&text).expect("own text");
        assert_eq!(ticket.resource(), "s");
        let adopted = theirs.adopt(&ticket).await.expect("first");
        assert_eq!(adopted.slots(), slots);
        assert!(adopted.fencing_token() > ticket.fencing_token());
        assert_eq!(
            ours.adopt(&ticket).await.expect_err("in use").kind(),
            ErrorKind::NotHeld
        );
        assert_eq!(adopted.release().await.expect("ours"), Released::Released);
    }
    let all = theirs
        .semaphore("s", 3)
        .acquire(permits(3).wait(Duration::from_secs(5)))
        .await;
    assert_eq!(all.expect("all free").slots().len(), 3);
}

#[tokio::test]
async fn a_mutex_of_the_same_name_is_another_lock() {
    let client = client("names", 3);
    let _mutex = client.mutex("s").acquire(()).await.expect("free");
    let permit = client.semaphore("s", 1).acquire(()).await.expect("free");
    assert_eq!((permit.resource(), permit.resources()), ("s", vec!["s"]));
    let other = client.semaphore("t", 1).try_acquire(()).await;
    assert!(other.expect("answered").is_some());
}

#[test]
fn what_is_wrong_is_told_before_any_io() {
    let client = blocking::Client::connect(["memory://semaphore-wrong"]).expect("valid");
    for (limit, wanted) in [(0, 1), (1001, 1), (3, 0), (3, 4)] {
        let error = client
            .semaphore("s", limit)
            .acquire(permits(wanted))
            .expect_err("wrong");
        let found = (error.kind(), error.field());
        assert_eq!(found, (ErrorKind::InvalidArgument, Some("permits")));
        assert_eq!(error.resource(), Some("s"));
    }
    let error = client.semaphore("", 1).try_acquire(()).expect_err("wrong");
    assert_eq!(error.field(), Some("name"));
    let mut held = Vec::new();
    for _ in 0..1000 {
        held.push(client.semaphore("s", 1000).acquire(()).expect("free"));
    }
    assert!(
        client
            .semaphore("s", 1000)
            .try_acquire(())
            .expect("answered")
            .is_none()
    );
}
