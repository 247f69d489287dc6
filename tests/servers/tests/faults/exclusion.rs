//! Mutual exclusion as users mean it: no update of a counter is lost, whatever a minority does.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use quorlock_server_tests::{PlainStore, Worker};
use quorlock_test_support::{Flow, ServerKind, Servers, TempDir, holds_within};

use crate::rig::{LONG, five, five_durable, nothing_held, proxies, worker};

const PROCESSES: u64 = 3;
const THREADS: u64 = 3;

/// A counter under contention of several processes and threads.
struct Counting {
    workers: Vec<Worker>,
    file: PathBuf,
    total: u64,
    _dir: TempDir,
}

impl Counting {
    fn start(nodes: &[String], times: u64) -> Counting {
        let dir = TempDir::new().expect("a folder");
        let file = dir.join("counter");
        PlainStore::open(&file).expect("a file");
        let mut workers: Vec<Worker> = (0..PROCESSES)
            .map(|_| worker(nodes, 10_000, true))
            .collect();
        for worker in &mut workers {
            worker.say(&format!("count sum {} {THREADS} {times}", file.display()));
        }
        Counting {
            workers,
            file,
            total: PROCESSES * THREADS * times,
            _dir: dir,
        }
    }

    fn count(&self) -> u64 {
        // Somebody may be writing just now.
        let read = || PlainStore::open(&self.file).and_then(|store| store.read());
        std::iter::repeat_with(read)
            .find_map(Result::ok)
            .expect("some day")
            .0
    }

    /// Waits until `sections` more have passed through; false once there are none.
    fn go_on(&self, sections: u64) -> bool {
        let target = (self.count() + sections).min(self.total);
        assert!(
            holds_within(LONG, || self.count() >= target),
            "stuck at {} of {}",
            self.count(),
            self.total
        );
        self.count() < self.total
    }

    /// The exact count, and no complaint of anybody.
    fn check(mut self) {
        let began = Instant::now();
        for worker in &mut self.workers {
            let ended = worker.hear_within("counted", LONG * 2);
            let complaints: Vec<_> = worker
                .heard()
                .iter()
                .filter(|line| line.starts_with("violation"))
                .collect();
            assert!(complaints.is_empty(), "{complaints:?}");
            assert!(
                ended.is_some(),
                "not done {:?} after the last fault",
                began.elapsed()
            );
        }
        assert_eq!(self.count(), self.total);
    }
}

#[test]
fn nothing_is_lost_in_quiet_on_any_kind_of_server() {
    for kind in ServerKind::ALL {
        let servers = Servers::start(5, kind);
        Counting::start(&servers.urls(), 40).check();
        nothing_held(&servers);
    }
}

#[test]
fn nothing_is_lost_while_a_minority_is_killed_and_restarted() {
    let servers = five_durable();
    let counting = Counting::start(&servers.urls(), 70);
    for pair in [[0, 1], [2, 3], [4, 0], [1, 2], [3, 4]] {
        pair.iter().for_each(|&node| servers[node].kill());
        let goes_on = counting.go_on(40);
        pair.iter().for_each(|&node| servers[node].start_again());
        // Both must have caught up before two others go: more than a minority may not be behind.
        if !goes_on || !counting.go_on(40) {
            break;
        }
    }
    counting.check();
    nothing_held(&servers);
}

#[test]
fn nothing_is_lost_while_a_minority_is_stopped() {
    let servers = five();
    let counting = Counting::start(&servers.urls(), 70);
    for pair in [[0, 1], [2, 3], [4, 0], [1, 2], [3, 4], [0, 2]] {
        pair.iter().for_each(|&node| servers[node].pause());
        let goes_on = counting.go_on(40);
        pair.iter().for_each(|&node| servers[node].resume());
        if !goes_on || !counting.go_on(20) {
            break;
        }
    }
    counting.check();
    nothing_held(&servers);
}

#[test]
fn nothing_is_lost_while_the_way_to_a_minority_is_slow_or_cut() {
    let servers = five();
    let proxies = proxies(&servers);
    let nodes: Vec<String> = proxies.iter().map(|proxy| proxy.url()).collect();
    let counting = Counting::start(&nodes, 70);
    let slow = Flow::delay_between(Duration::from_millis(5), Duration::from_millis(400));
    for step in 0..12 {
        let (late, cut) = (&proxies[step % 5], &proxies[(step + 2) % 5]);
        late.both(slow);
        cut.hold_replies_then_cut();
        let goes_on = counting.go_on(20);
        cut.cut();
        late.pass();
        cut.pass();
        if !goes_on || !counting.go_on(20) {
            break;
        }
    }
    counting.check();
    nothing_held(&servers);
}

/// The oracle sees: without a lock that excludes, updates are lost.
#[test]
fn without_exclusion_the_count_is_short() {
    let dir = TempDir::new().expect("a folder");
    let file = dir.join("counter");
    PlainStore::open(&file).expect("a file");
    // Each process asks a server of its own, so that nobody excludes anybody.
    let servers = Servers::start(2, ServerKind::Valkey);
    let mut workers: Vec<Worker> = servers
        .iter()
        .map(|server| worker(&[server.url()], 10_000, true))
        .collect();
    for worker in &mut workers {
        worker.say(&format!("count sum {} 1 50", file.display()));
    }
    let mut complaints = 0;
    for worker in &mut workers {
        worker.hear("counted", LONG);
        complaints += worker
            .heard()
            .iter()
            .filter(|line| line.starts_with("violation"))
            .count();
    }
    let short = count_in(&file).is_none_or(|count| count < 100);
    assert!(complaints > 0 || short, "two holders at once went unseen");
}

fn count_in(file: &Path) -> Option<u64> {
    PlainStore::open(file)
        .and_then(|store| store.read())
        .ok()
        .map(|(count, _)| count)
}
