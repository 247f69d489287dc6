//! Lifetimes: clients, calls and guards that outlive each other, and many that come and go.

use std::time::{Duration, Instant};

use quorlock::blocking::Client;
use quorlock::{AcquireOptions, ErrorKind};

/// Longer than anything takes unless it hangs.
const LONG: Duration = Duration::from_secs(20);

/// Threads and open files of this process.
#[cfg(target_os = "linux")]
fn held_by_process() -> [usize; 2] {
    ["/proc/self/task", "/proc/self/fd"].map(|path| std::fs::read_dir(path).expect("Linux").count())
}

/// In one test: what it counts is the process's.
#[test]
fn everything_ends_with_its_last_user() {
    let node = ["memory://lifetimes"];
    let short = AcquireOptions::new().ttl(Duration::from_millis(400));
    let client = Client::connect(node).expect("valid");
    let other = Client::connect(node).expect("valid");

    // A guard outlives its client and is renewed; a call outlives it too.
    let guard = client.mutex("a").acquire(short).expect("free");
    let waiting = quorlock::Client::connect(node)
        .expect("valid")
        .mutex("a")
        .start_acquire(().into());
    drop(client);
    std::thread::sleep(Duration::from_secs(1));
    assert!(guard.is_held(), "{:?}", guard.loss());
    guard.release().expect("held");
    drop(waiting.wait().expect("its turn"));
    other
        .mutex("a")
        .acquire(())
        .expect("given back")
        .release()
        .expect("held");

    // One guard in the hands of sixteen threads.
    let guard = other.mutex("a").acquire(()).expect("free");
    let ends: Vec<_> = std::thread::scope(|scope| {
        let guard = &guard;
        let hand = |number: u32| {
            scope.spawn(move || {
                for _ in 0..20 {
                    let _ = (guard.is_held(), guard.remaining(), guard.loss());
                    match guard.extend() {
                        Ok(()) => {}
                        Err(error) => assert_eq!(error.kind(), ErrorKind::NotHeld, "{error}"),
                    }
                }
                (number.is_multiple_of(4)).then(|| guard.release().expect("not handed over"))
            })
        };
        let hands: Vec<_> = (0..16).map(hand).collect();
        hands
            .into_iter()
            .filter_map(|hand| hand.join().expect("no panic"))
            .collect()
    });
    assert!(
        ends.len() == 4 && ends.iter().all(|end| *end == ends[0]),
        "{ends:?}"
    );

    #[cfg(target_os = "linux")]
    {
        let before = held_by_process();
        for turn in 0..300 {
            // A server that is there, and one where nobody listens.
            let client =
                Client::connect(["memory://lifetimes", "redis://127.0.0.1:1"]).expect("valid");
            match turn % 3 {
                0 => drop(client.mutex("b").try_acquire(())),
                1 => drop(client.close(Duration::from_millis(100))),
                _ => {}
            }
        }
        let by = Instant::now() + LONG;
        while held_by_process() > before && Instant::now() < by {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(
            held_by_process() <= before,
            "{before:?}, now {:?}",
            held_by_process()
        );
    }
}
