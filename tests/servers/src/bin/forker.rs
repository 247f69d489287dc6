//! Forks while a client is idle, acquiring or renewing, and checks both sides.
//!
//! `forker <nodes, by comma> <idle|acquiring|renewing|foreign> <times> <folder for tokens>`. Says `done` and
//! ends with 0 if everything held; else it says what did not. A test-only program: Rust cannot fork
//! without `unsafe`, and children of a process with threads are the point here.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use quorlock::blocking::{Client, Guard};
use quorlock::{AcquireOptions, ErrorKind};
use quorlock_test_support::{RespConnection, eventually};

/// Longer than a child needs unless it hangs, on a busy machine too.
const CHILD_MAX: Duration = Duration::from_secs(20);

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [nodes, mode, times, folder] = &args[..] else {
        panic!("forker <nodes> <mode> <times> <folder>")
    };
    let mut builder = Client::builder().node_timeout(Duration::from_millis(500));
    let theirs = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    if mode == "foreign" {
        builder = builder.runtime(theirs.handle().clone());
    }
    let client = Client::from(builder.connect(nodes.split(',')).expect("valid nodes"));
    let guard = client.mutex("parent").acquire(()).expect("free");
    let server = nodes
        .split(',')
        .next()
        .and_then(|url| url.strip_prefix("redis://"))
        .expect("a node");
    let mut eyes = RespConnection::tcp(server.parse().expect("an address")).expect("up");
    // A majority won, perhaps without this node; its grant is on its way.
    let mut owner = || eyes.command(&["GET", "parent"]).expect("up");
    eventually(CHILD_MAX, "the first node grants", || !owner().is_nil());
    let owner = owner();
    let over = Arc::new(AtomicBool::new(false));
    let busy = keep_busy(mode, &client, &over);
    let times: u32 = times.parse().expect("a number");
    for number in 0..times {
        // At every point of what the other threads do.
        thread::sleep(Duration::from_micros(u64::from(number % 10) * 300));
        let status = fork_once(&client, &guard, Path::new(folder), number, 0);
        assert_eq!(status, Ok(0), "{mode}: child {number}");
        assert!(
            guard.is_held(),
            "{mode}: the parent's lock after child {number}"
        );
        assert_eq!(
            eyes.command(&["GET", "parent"]).expect("up"),
            owner,
            "{mode}: after child {number}"
        );
        let left = eyes.command(&["PTTL", "parent"]).expect("up").int();
        assert!(
            left.is_some_and(|left| left > 0),
            "{mode}: {left:?} after child {number}"
        );
    }
    over.store(true, Ordering::Relaxed);
    for thread in busy {
        thread.join().expect("no panic");
    }
    guard.extend().expect("held");
    guard.release().expect("held");
    assert!(
        client.close(Duration::from_secs(10)).expect("own"),
        "drained"
    );
    println!("done");
}

/// What the parent does while it forks.
fn keep_busy(mode: &str, client: &Client, over: &Arc<AtomicBool>) -> Vec<thread::JoinHandle<()>> {
    let threads = match mode {
        "idle" | "foreign" => 0,
        "acquiring" => 3,
        "renewing" => 1,
        _ => panic!("not a mode: {mode}"),
    };
    let work = |thread: usize| {
        let (client, over, renewing) = (client.clone(), Arc::clone(over), mode == "renewing");
        thread::spawn(move || {
            // Renewed each 200 ms, each at its own moment.
            let ttl = AcquireOptions::new().ttl(Duration::from_millis(600));
            let leases = if renewing { 40 } else { 0 };
            let leases: Vec<Guard> = (0..leases)
                .filter_map(|lease| {
                    client
                        .mutex(format!("lease-{lease}"))
                        .acquire(ttl.clone())
                        .ok()
                })
                .collect();
            while !over.load(Ordering::Relaxed) {
                if renewing {
                    thread::sleep(Duration::from_millis(5));
                } else {
                    let guard = client
                        .mutex(format!("busy-{thread}"))
                        .acquire(())
                        .expect("free");
                    guard.release().expect("held");
                }
            }
            drop(leases);
        })
    };
    (0..threads).map(work).collect()
}

/// Forks, and gives how the child ended.
fn fork_once(
    client: &Client,
    guard: &Guard,
    folder: &Path,
    number: u32,
    depth: u32,
) -> Result<i32, String> {
    // SAFETY: the child of a process with threads may only do what needs no lock of a thread that
    // is gone. It allocates, which glibc makes safe over fork, and calls the library, whose promise
    // to work here is what is under test.
    let forked = unsafe { fork() }.map_err(|error| error.to_string())?;
    match forked {
        ForkResult::Parent { child } => end_of(child),
        ForkResult::Child => {
            let lived = catch_unwind(AssertUnwindSafe(|| {
                live(client, guard, folder, number, depth)
            }));
            // At once: what the parent's runtime left here would join threads that do not exist.
            exit(lived.unwrap_or(99));
        }
    }
}

/// A child's life; what went wrong, as its exit code.
fn live(client: &Client, guard: &Guard, folder: &Path, number: u32, depth: u32) -> i32 {
    if guard.is_held() || !guard.remaining().is_zero() {
        return 10;
    }
    for refused in [
        guard.check(),
        guard.release().map(drop),
        guard.extend(),
        guard.detach().map(drop),
    ] {
        match refused {
            Err(error) if error.kind() == ErrorKind::Forked => {}
            _ => return 11,
        }
    }
    let name = format!("child-{depth}-{}", number % 5);
    let options = AcquireOptions::new().wait(Duration::from_secs(10));
    let own = match client.mutex(name.as_str()).acquire(options) {
        Ok(own) => own,
        Err(error) => {
            let _ = fs::write(
                folder.join(format!("failed-{}", std::process::id())),
                error.to_string(),
            );
            return 12;
        }
    };
    if !own.is_held() {
        return 13;
    }
    // What this child's randomness made, for the parent to compare with its siblings'.
    let Ok(ticket) = own.detach() else { return 14 };
    let token = ticket.encode();
    if fs::write(folder.join(format!("token-{}", std::process::id())), token).is_err() {
        return 15;
    }
    let Ok(own) = client.adopt(&ticket) else {
        return 16;
    };
    if own.release().is_err() {
        return 17;
    }
    if depth == 0 && number.is_multiple_of(5) {
        return match fork_once(client, guard, folder, number, depth + 1) {
            Ok(0) => 0,
            Ok(code) => 100 + code,
            Err(_) => 18,
        };
    }
    0
}

/// Waits for a child, not for ever.
fn end_of(child: Pid) -> Result<i32, String> {
    let by = Instant::now() + CHILD_MAX;
    loop {
        match waitpid(child, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(_, code)) => return Ok(code),
            Ok(WaitStatus::StillAlive) if Instant::now() < by => {
                thread::sleep(Duration::from_millis(1))
            }
            Ok(WaitStatus::StillAlive) => {
                let _ = kill(child, Signal::SIGKILL).and_then(|()| waitpid(child, None));
                return Err("the child hangs".to_owned());
            }
            other => return Err(format!("{other:?}")),
        }
    }
}
