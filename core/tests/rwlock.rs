//! The read/write lock over embedded nodes: modes, phases, upgrades, hand-over, endings.

use std::time::Duration;

use quorlock::{AcquireOptions, Client, ErrorKind, FencingToken, Guard, Mode, Released, Ticket};
use tokio::time::{sleep, timeout};

fn client(name: &str, nodes: usize) -> Client {
    let nodes = (0..nodes).map(|node| format!("memory://rw-{name}-{node}"));
    Client::connect(nodes).expect("valid")
}

fn waiting(ms: u64) -> AcquireOptions {
    AcquireOptions::new().wait(Duration::from_millis(ms))
}

fn token(guard: &Guard) -> FencingToken {
    guard.fencing_token().expect("a token")
}

#[tokio::test]
async fn which_modes_go_together() {
    use Mode::{Read, Upgradeable, Write};
    let (one, other) = (client("together", 3), client("together", 3));
    for first in [Read, Upgradeable, Write] {
        for second in [Read, Upgradeable, Write] {
            let name = format!("{first:?}-{second:?}");
            let guard = one.rwlock(&name).in_mode(first).acquire(()).await;
            let guard = guard.expect("free");
            assert_eq!(guard.mode(), Some(first));
            let beside = other.rwlock(&name).in_mode(second).try_acquire(()).await;
            let beside = beside.expect("the nodes answer");
            let may = matches!(
                (first, second),
                (Read, Read | Upgradeable) | (Upgradeable, Read)
            );
            assert_eq!(beside.is_some(), may, "{name}");
            if let Some(beside) = &beside {
                assert!(beside.is_held() && guard.is_held());
            }
            drop(beside);
            assert_eq!(guard.release().await.expect("ours"), Released::Released);
            let alone = other.rwlock(&name).write().acquire(waiting(5000)).await;
            alone.expect("nothing is left");
        }
    }
}

#[tokio::test]
async fn a_mutex_of_the_same_name_is_another_lock() {
    let client = client("mutex", 3);
    let _mutex = client.mutex("a").acquire(()).await.expect("free");
    let write = client.rwlock("a").write().try_acquire(()).await;
    let write = write.expect("the nodes answer").expect("free");
    assert_eq!(write.resource(), "a");
    assert!(
        client
            .mutex("b")
            .acquire(())
            .await
            .expect("free")
            .mode()
            .is_none()
    );
}

#[tokio::test]
async fn tokens_grow_from_holder_to_holder_in_every_mode() {
    let (one, other) = (client("tokens", 3), client("tokens", 3));
    let mut last = FencingToken::new(1).expect("in range");
    for round in 0..30 {
        let mode = [Mode::Read, Mode::Upgradeable, Mode::Write][round % 3];
        let client = if round % 2 == 0 { &one } else { &other };
        let guard = client.rwlock("a").in_mode(mode).acquire(()).await;
        let guard = guard.expect("free");
        assert!(token(&guard) > last, "{mode:?}");
        last = token(&guard);
        if mode == Mode::Upgradeable {
            guard.upgrade(()).await.expect("nobody reads");
            assert!(token(&guard) > last);
            last = token(&guard);
        }
        guard.release().await.expect("ours");
    }
}

#[tokio::test]
async fn a_waiting_writer_keeps_new_readers_out_and_gets_in() {
    let (reading, writing) = (client("waiting", 3), client("waiting", 3));
    let inside = reading.rwlock("a").read().acquire(()).await.expect("free");
    let writer = writing.rwlock("a").write();
    let writer = tokio::spawn(async move { writer.acquire(waiting(10_000)).await });
    let read = reading.rwlock("a").read();
    // Readers come and go until the intent stands.
    loop {
        match read.try_acquire(()).await.expect("the nodes answer") {
            Some(guard) => drop(guard),
            None => break,
        }
        sleep(Duration::from_millis(1)).await;
    }
    let late = tokio::spawn(async move { read.acquire(waiting(10_000)).await });
    sleep(Duration::from_millis(100)).await;
    assert!(!writer.is_finished() && !late.is_finished());
    inside.release().await.expect("ours");
    let writer = writer.await.expect("no panic").expect("its turn");
    assert!(!late.is_finished());
    writer.release().await.expect("ours");
    late.await.expect("no panic").expect("its turn");
}

#[tokio::test]
async fn readers_that_were_refused_go_before_the_next_writer() {
    let clients: Vec<Client> = (0..6).map(|_| client("phases", 3)).collect();
    let first = clients[0]
        .rwlock("a")
        .write()
        .acquire(())
        .await
        .expect("free");
    let write = clients[1].rwlock("a").write();
    let second = tokio::spawn(async move { write.acquire(waiting(20_000)).await });
    sleep(Duration::from_millis(150)).await;
    let readers = clients[2..].iter().map(|client| {
        let read = client.rwlock("a").read();
        tokio::spawn(async move { read.acquire(waiting(20_000)).await })
    });
    let readers: Vec<_> = readers.collect();
    sleep(Duration::from_millis(150)).await;
    first.release().await.expect("ours");
    let mut held = Vec::new();
    for reader in readers {
        held.push(reader.await.expect("no panic").expect("its turn"));
        assert!(!second.is_finished(), "the writer came later");
    }
    drop(held);
    let second = second.await.expect("no panic").expect("its turn");
    assert!(second.is_held());
}

#[tokio::test]
async fn a_writer_that_gives_up_lets_the_readers_in() {
    let (reading, writing) = (client("gives-up", 3), client("gives-up", 3));
    let _inside = reading.rwlock("a").read().acquire(()).await.expect("free");
    let error = writing.rwlock("a").write().acquire(waiting(300)).await;
    assert_eq!(error.expect_err("read").kind(), ErrorKind::Timeout);
    // Well before its intent would have run out.
    let soon = reading.rwlock("a").read().acquire(waiting(450)).await;
    soon.expect("nobody waits to write");
    let acquiring = writing.rwlock("a").write();
    let cancelled = timeout(Duration::from_millis(300), acquiring.acquire(())).await;
    assert!(cancelled.is_err());
    let soon = reading.rwlock("a").read().acquire(waiting(450)).await;
    soon.expect("nobody waits to write");
}

#[tokio::test]
async fn an_upgrade_waits_for_the_readers_and_then_is_alone() {
    let (one, other) = (client("upgrade", 3), client("upgrade", 3));
    let guard = one
        .rwlock("a")
        .upgradeable()
        .acquire(())
        .await
        .expect("free");
    let reader = other.rwlock("a").read().acquire(()).await.expect("beside");
    let error = guard.upgrade(waiting(0)).await.expect_err("somebody reads");
    assert_eq!(error.kind(), ErrorKind::Contended);
    assert_eq!(
        (guard.mode(), guard.is_held()),
        (Some(Mode::Upgradeable), true)
    );
    let before = token(&guard);
    let error = guard
        .upgrade(waiting(250))
        .await
        .expect_err("somebody reads");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(error.operation(), Some("upgrade"));
    let again = other.rwlock("a").read().acquire(waiting(2000)).await;
    drop(again.expect("an upgrade that failed keeps nobody out"));
    let leaving = async {
        sleep(Duration::from_millis(250)).await;
        reader.release().await.expect("ours");
    };
    let (upgraded, ()) = tokio::join!(guard.upgrade(waiting(10_000)), leaving);
    upgraded.expect("nobody reads any more");
    assert_eq!(guard.mode(), Some(Mode::Write));
    assert!(token(&guard) > before && guard.is_held());
    let read = other.rwlock("a").read();
    assert!(read.try_acquire(()).await.expect("answers").is_none());
    guard.upgrade(()).await.expect("it is a writer already");
    guard.downgrade().await.expect("it is held");
    assert_eq!(guard.mode(), Some(Mode::Read));
    let beside = read
        .acquire(waiting(2000))
        .await
        .expect("readers go together");
    guard.extend().await.expect("held as a reader");
    drop(beside);
    assert_eq!(guard.release().await.expect("ours"), Released::Released);
}

#[tokio::test]
async fn readers_are_upgraded_only_where_they_are_alone() {
    let (one, other) = (client("try", 3), client("try", 3));
    let guard = one.rwlock("a").read().acquire(()).await.expect("free");
    let reader = other.rwlock("a").read().acquire(()).await.expect("beside");
    let error = guard
        .upgrade(waiting(5000))
        .await
        .expect_err("somebody reads");
    assert_eq!(error.kind(), ErrorKind::Contended);
    assert!(guard.is_held() && guard.mode() == Some(Mode::Read));
    reader.release().await.expect("ours");
    guard.upgrade(()).await.expect("it is alone");
    assert_eq!(guard.mode(), Some(Mode::Write));
    guard.extend().await.expect("held as a writer");
}

#[tokio::test]
async fn what_cannot_be_upgraded_says_so() {
    let client = client("refused", 1);
    let mutex = client.mutex("a").acquire(()).await.expect("free");
    let error = mutex.upgrade(()).await.expect_err("a mutex");
    assert_eq!(
        (error.kind(), error.field()),
        (ErrorKind::InvalidArgument, Some("guard"))
    );
    let error = mutex.downgrade().await.expect_err("a mutex");
    assert_eq!(error.field(), Some("guard"));
    let guard = client.rwlock("b").write().acquire(()).await.expect("free");
    let inner = guard.reenter().expect("held");
    assert_eq!(
        guard.downgrade().await.expect_err("two guards").field(),
        Some("guard")
    );
    inner.release().await.expect("ours");
    guard.downgrade().await.expect("one guard");
    guard.release().await.expect("ours");
    assert_eq!(
        guard.upgrade(()).await.expect_err("released").kind(),
        ErrorKind::NotHeld
    );
    assert_eq!(
        guard.downgrade().await.expect_err("released").kind(),
        ErrorKind::NotHeld
    );
    let error = client
        .rwlock("")
        .read()
        .acquire(())
        .await
        .expect_err("no name");
    assert_eq!(error.field(), Some("name"));
}

#[tokio::test]
async fn a_cancelled_upgrade_changes_nothing() {
    let (one, other) = (client("cancel", 3), client("cancel", 3));
    let guard = one
        .rwlock("a")
        .upgradeable()
        .acquire(())
        .await
        .expect("free");
    let _reader = other.rwlock("a").read().acquire(()).await.expect("beside");
    let given_up = timeout(Duration::from_millis(250), guard.upgrade(waiting(10_000))).await;
    assert!(given_up.is_err());
    let beside = other.rwlock("a").read().acquire(waiting(2000)).await;
    beside.expect("the intent is taken back");
    assert_eq!(guard.mode(), Some(Mode::Upgradeable));
    guard.extend().await.expect("still held");
}

#[tokio::test]
async fn every_mode_is_handed_over() {
    let (one, other) = (client("tickets", 3), client("tickets", 3));
    for mode in [Mode::Read, Mode::Upgradeable, Mode::Write] {
        let name = mode.name();
        let guard = one
            .rwlock(name)
            .in_mode(mode)
            .acquire(())
            .await
            .expect("free");
        let before = token(&guard);
        let text = guard.detach().await.expect("held").encode();
        assert!(text.contains(&format!(":rwlock:{name}:{name}:")), "{name}");
        let ticket = Ticket::decode(&text).expect("own text");
        let adopted = other.adopt(&ticket).await.expect("the first adopter");
        assert_eq!(adopted.mode(), Some(mode));
        assert!(adopted.is_adopted() && token(&adopted) > before);
        let again = one.adopt(&ticket).await.expect_err("a redelivery");
        assert_eq!(again.kind(), ErrorKind::NotHeld);
        let writer = one.rwlock(name).write().try_acquire(()).await;
        assert!(writer.expect("the nodes answer").is_none());
        if mode == Mode::Upgradeable {
            adopted.upgrade(()).await.expect("nobody reads");
        }
        assert_eq!(adopted.release().await.expect("ours"), Released::Released);
        let error = one.adopt(&ticket).await.expect_err("used up");
        assert!(error.to_string().contains("its work is done"), "{error}");
        let free = one.rwlock(name).write().try_acquire(()).await;
        free.expect("the nodes answer").expect("nothing is left");
    }
}

#[tokio::test]
async fn the_dead_free_their_places_by_their_own_time() {
    let (dying, living) = (client("dead", 3), client("dead", 3));
    let short = AcquireOptions::new()
        .ttl(Duration::from_millis(150))
        .renew(false);
    for mode in [Mode::Read, Mode::Upgradeable, Mode::Write] {
        let guard = dying.rwlock("a").in_mode(mode).acquire(short.clone()).await;
        let guard = guard.expect("free");
        // Nobody gives it back.
        std::mem::forget(guard);
        let writer = living.rwlock("a").write().acquire(waiting(5000)).await;
        writer
            .expect("its time is over")
            .release()
            .await
            .expect("ours");
    }
    // One reader's death does not wait for another's life.
    let living_reader = living.rwlock("a").read().acquire(()).await.expect("free");
    let dead = dying
        .rwlock("a")
        .read()
        .acquire(short)
        .await
        .expect("beside");
    assert!(dead.remaining() < living_reader.remaining());
    let loss = timeout(Duration::from_secs(5), dead.lost()).await;
    loss.expect("it is lost in time");
    living_reader.extend().await.expect("still held");
    living_reader.release().await.expect("ours");
    let writer = living.rwlock("a").write().acquire(waiting(5000)).await;
    writer.expect("nobody is left");
}

#[tokio::test]
async fn inspect_shows_who_holds_it_and_how() {
    let (one, other) = (client("inspect", 3), client("inspect", 3));
    let guard = one
        .rwlock("a")
        .upgradeable()
        .acquire(())
        .await
        .expect("free");
    let _reader = other.rwlock("a").read().acquire(()).await.expect("beside");
    let seen = one.inspect("a").await.expect("the client is open");
    assert!(seen.holder.is_none(), "the mutex of the name is free");
    for node in &seen.nodes {
        let modes: Vec<Mode> = node.sharers.iter().map(|sharer| sharer.mode).collect();
        assert_eq!(modes, [Mode::Upgradeable, Mode::Read]);
        assert_eq!(node.sharers_waiting, Some(0));
        let own = format!("/{}/rust/", std::process::id());
        assert!(
            node.sharers
                .iter()
                .all(|sharer| sharer.owner.contains(&own))
        );
        assert!(
            node.sharers
                .iter()
                .all(|sharer| !sharer.remaining.is_zero())
        );
    }
    guard.release().await.expect("ours");
}

#[tokio::test]
async fn renewal_keeps_all_modes_through_upgrades() {
    let client = client("renewal", 3);
    let short = AcquireOptions::new().ttl(Duration::from_millis(200));
    let guard = client
        .rwlock("a")
        .upgradeable()
        .acquire(short)
        .await
        .expect("free");
    for _ in 0..2 {
        sleep(Duration::from_millis(300)).await;
        guard.upgrade(()).await.expect("nobody reads");
        sleep(Duration::from_millis(300)).await;
        assert!(guard.is_held(), "{:?}", guard.loss());
        guard.downgrade().await.expect("held");
        sleep(Duration::from_millis(300)).await;
        assert!(guard.is_held(), "{:?}", guard.loss());
    }
}

#[tokio::test]
async fn many_tasks_of_many_clients_exclude_each_other() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};
    let inside = Arc::new(AtomicI64::new(0));
    let mut tasks = Vec::new();
    for number in 0..12 {
        let (client, inside) = (client("crowd", 5), Arc::clone(&inside));
        tasks.push(tokio::spawn(async move {
            for round in 0..8 {
                let lock = client.rwlock("a");
                if (number + round) % 4 == 0 {
                    let guard = lock
                        .write()
                        .acquire(waiting(30_000))
                        .await
                        .expect("its turn");
                    assert_eq!(inside.swap(-1, Ordering::SeqCst), 0);
                    sleep(Duration::from_millis(1)).await;
                    inside.store(0, Ordering::SeqCst);
                    guard.release().await.expect("ours");
                } else {
                    let guard = lock
                        .read()
                        .acquire(waiting(30_000))
                        .await
                        .expect("its turn");
                    assert!(inside.fetch_add(1, Ordering::SeqCst) >= 0);
                    sleep(Duration::from_millis(1)).await;
                    inside.fetch_sub(1, Ordering::SeqCst);
                    guard.release().await.expect("ours");
                }
            }
        }));
    }
    for task in tasks {
        task.await.expect("no panic");
    }
}
