//! The caller's own runtime: the engine runs on it, and no call hangs when it is gone.

use std::sync::mpsc;
use std::time::Duration;

use quorlock::blocking::Client as BlockingClient;
use quorlock::{AcquireOptions, Client, ErrorKind};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime")
}

#[test]
fn calls_end_when_the_runtime_was_shut_down_and_the_lease_runs_out() {
    let theirs = runtime();
    let client = Client::builder()
        .runtime(theirs.handle().clone())
        .connect(["memory://runtimes-shut-down"]);
    let client = BlockingClient::from(client.expect("valid"));
    let options = AcquireOptions::new().ttl(Duration::from_millis(200));
    let guard = client.mutex("a").acquire(options).expect("free");
    let held = client.mutex("waited-for").acquire(()).expect("free");
    let (said, heard) = mpsc::channel();
    let waiting = client.clone();
    let waiter = std::thread::spawn(move || {
        said.send(()).expect("open");
        waiting.mutex("waited-for").acquire(())
    });
    heard.recv().expect("began");
    std::thread::sleep(Duration::from_millis(50));
    theirs.shutdown_timeout(Duration::from_secs(5));
    let ended = [
        waiter
            .join()
            .expect("no panic")
            .map(drop)
            .expect_err("shut down"),
        client
            .mutex("b")
            .acquire(())
            .map(drop)
            .expect_err("shut down"),
        guard.release().map(drop).expect_err("shut down"),
        client
            .close(Duration::from_secs(5))
            .map(drop)
            .expect_err("shut down"),
    ];
    for error in ended {
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
        assert!(error.message().contains("runtime"), "{error}");
    }
    drop(guard);
    // Nothing renews it any more, and nobody is told that it does.
    std::thread::sleep(held.remaining().min(Duration::from_millis(250)));
    drop(held);
}

#[test]
fn a_runtime_without_timers_is_an_error_and_no_hang() {
    let theirs = Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .expect("a runtime");
    let client = Client::builder()
        .runtime(theirs.handle().clone())
        .connect(["memory://runtimes-no-timers"]);
    let client = BlockingClient::from(client.expect("valid"));
    let error = client
        .mutex("a")
        .acquire(())
        .map(drop)
        .expect_err("no timers");
    assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
}
