//! Callers' own code inside the engine: observers, loss callbacks, pulses and sinks that panic, block
//! or call back. None of it may cost a lock, a caller, or the engine's thread.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Once, mpsc};
use std::time::Duration;

use quorlock::blocking::Client as BlockingClient;
use quorlock::{AcquireOptions, Client, ErrorKind, EventKind, Loss, Pulse};

/// Longer than anything takes unless it hangs.
const LONG: Duration = Duration::from_secs(20);

fn ttl(ms: u64) -> AcquireOptions {
    AcquireOptions::new().ttl(Duration::from_millis(ms))
}

/// Runs `test` on a thread of its own, so that a caller that hangs is a failure and not a hang.
#[track_caller]
fn in_time<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    // A backtrace takes longer than a short lease lives, and these panics are on the engine's thread.
    static SHORT: Once = Once::new();
    SHORT.call_once(|| std::panic::set_hook(Box::new(|panic| eprintln!("{panic}"))));
    let (said, heard) = mpsc::channel();
    let thread = std::thread::spawn(move || said.send(test()));
    match heard.recv_timeout(LONG) {
        Ok(value) => value,
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            std::panic::resume_unwind(thread.join().expect_err("said nothing"))
        }
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("a caller hangs"),
    }
}

#[test]
fn an_observer_that_panics_costs_nobody_anything() {
    in_time(|| {
        let told = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&told);
        let client = Client::builder()
            .on_event(move |_| {
                count.fetch_add(1, Ordering::SeqCst);
                panic!("an observer's own bug");
            })
            .connect(["memory://callbacks-observer"]);
        let client = BlockingClient::from(client.expect("valid"));
        let guard = client.mutex("a").acquire(ttl(400)).expect("free");
        assert!(
            client
                .mutex("a")
                .try_acquire(())
                .expect("answered")
                .is_none()
        );
        // Several ttls: the renewal, which tells the observer too, has to live.
        std::thread::sleep(Duration::from_millis(1000));
        assert!(guard.is_held());
        let ticket = guard.detach().expect("held");
        let adopted = client.adopt(&ticket).expect("fresh");
        adopted.release().expect("held");
        client.adopt(&ticket).expect_err("spent");
        let stats = client.stats().expect("open");
        assert!(stats.renewed >= 2, "{stats:?}");
        assert!(told.load(Ordering::SeqCst) >= 7, "told of each event");
        assert!(client.close(LONG).expect("own"));
    });
}

#[test]
fn a_loss_is_told_to_everybody_though_one_panics() {
    in_time(|| {
        let client = Client::builder()
            .on_event(|event| assert_ne!(event.kind, EventKind::Lost, "an observer's own bug"))
            .connect(["memory://callbacks-lost"]);
        let client = BlockingClient::from(client.expect("valid"));
        let options = ttl(400).hold_max(Duration::from_millis(500));
        let guard = client.mutex("a").acquire(options).expect("free");
        let (said, heard) = mpsc::channel();
        guard.on_lost(|_| panic!("a callback's own bug"));
        guard.on_lost(move |loss| said.send(loss).expect("open"));
        assert_eq!(heard.recv_timeout(LONG), Ok(Loss::HoldLimit));
        // The engine's thread and its renewal are well.
        let next = client.mutex("b").acquire(ttl(400)).expect("free");
        std::thread::sleep(Duration::from_millis(1000));
        assert!(next.is_held());
    });
}

#[test]
fn a_pulse_that_panics_does_not_end_renewal() {
    in_time(|| {
        let pulse = Pulse::new(|| panic!("a host's own bug"));
        let client = Client::builder()
            .pulse(&pulse, Duration::from_secs(60))
            .connect(["memory://callbacks-pulse"]);
        let client = BlockingClient::from(client.expect("valid"));
        let guard = client.mutex("a").acquire(ttl(400)).expect("free");
        std::thread::sleep(Duration::from_millis(1000));
        assert!(guard.is_held(), "{:?}", guard.loss());
    });
}

#[test]
fn a_sink_that_panics_leaves_the_engine_alive() {
    in_time(|| {
        let client = Client::connect(["memory://callbacks-sink"]).expect("valid");
        let held = BlockingClient::from(client.clone());
        let guard = held.mutex("a").acquire(()).expect("free");
        let (began, begun) = mpsc::channel();
        drop(
            client
                .mutex("a")
                .start_acquire(().into())
                .deliver(move |done| {
                    began.send(()).expect("open");
                    // The guard it was given goes with it.
                    panic!("a sink's own bug, given {}", done.is_ok());
                }),
        );
        guard.release().expect("held");
        begun.recv_timeout(LONG).expect("delivered");
        let next = held.mutex("a").acquire(()).expect("given back");
        next.release().expect("held");
    });
}

#[test]
fn callbacks_may_call_back_but_not_block() {
    in_time(|| {
        let client = Client::connect(["memory://callbacks-back"]).expect("valid");
        let blocking = BlockingClient::from(client.clone());
        let options = ttl(400).hold_max(Duration::from_millis(450));
        let guard = Arc::new(blocking.mutex("a").acquire(options).expect("free"));
        let (said, heard) = mpsc::channel();
        let (inner, again) = (Arc::clone(&guard), said.clone());
        guard.on_lost(move |loss| {
            assert_eq!((inner.is_held(), inner.loss()), (false, Some(loss)));
            assert_eq!(
                inner.check().map_err(|error| error.kind()),
                Err(ErrorKind::LeaseLost)
            );
            // Registered after the loss: at once, from inside the first.
            inner.on_lost(move |loss| again.send(format!("again {loss:?}")).expect("open"));
            let refused = blocking.mutex("b").acquire(()).expect_err("would block");
            said.send(format!("{:?}", refused.kind())).expect("open");
            let begun = client.mutex("b").start_acquire(().into());
            drop(begun.deliver(move |done| {
                said.send(format!("acquired {}", done.is_ok()))
                    .expect("open")
            }));
        });
        let mut heard: Vec<String> = (0..3)
            .map(|_| heard.recv_timeout(LONG).expect("told"))
            .collect();
        heard.sort();
        assert_eq!(
            heard,
            ["InvalidArgument", "acquired true", "again HoldLimit"]
        );
    });
}
