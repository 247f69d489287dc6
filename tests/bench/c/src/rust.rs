//! The same work through the Rust client.

use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use quorlock::blocking::Client;

use crate::{Cycles, Renewals};

/// A client over these nodes.
pub(crate) fn client(nodes: &[String]) -> Client {
    Client::connect(nodes).expect("valid")
}

fn cycle(client: &Client, name: &str) {
    let guard = client.mutex(name).acquire(()).expect("free");
    guard.release().expect("held");
}

/// Nanoseconds of the calls that stay in the process.
pub(crate) fn local(count: usize) -> Vec<f64> {
    let near = client(&["memory://bench".to_owned()]);
    let guard = near.mutex("local").acquire(()).expect("free");
    let time = |count: usize, call: &dyn Fn()| {
        let before = Instant::now();
        for _ in 0..count {
            call();
        }
        before.elapsed().as_nanos() as f64 / count as f64
    };
    vec![
        time(count, &|| assert!(std::hint::black_box(&guard).is_held())),
        time(count, &|| {
            std::hint::black_box(&guard).check().expect("held")
        }),
        time(count, &|| {
            assert!(!std::hint::black_box(&guard).remaining().is_zero())
        }),
        time(count / 100, &|| cycle(&near, "cycle")),
    ]
}

/// Acquire + release for so long.
pub(crate) fn cycles(client: &Client, lanes: usize, span: Duration) -> Cycles {
    let until = Instant::now() + span;
    let mut samples: Vec<u64> = Vec::new();
    std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..lanes)
            .map(|lane| {
                scope.spawn(move || {
                    let name = format!("rust:{lane}");
                    let mut samples = Vec::new();
                    let mut before = Instant::now();
                    while before < until {
                        cycle(client, &name);
                        let after = Instant::now();
                        samples
                            .push(u64::try_from((after - before).as_nanos()).unwrap_or(u64::MAX));
                        before = after;
                    }
                    samples
                })
            })
            .collect();
        for lane in lanes {
            samples.extend(lane.join().expect("no panic"));
        }
    });
    samples.sort_unstable();
    Cycles {
        per_second: samples.len() as f64 / span.as_secs_f64(),
        median_us: samples.get(samples.len() / 2).copied().unwrap_or(0) as f64 / 1e3,
    }
}

fn cpu_us() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("always there");
    (usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64
}

/// Holds so many leases.
pub(crate) fn renew(client: &Client, leases: usize, span: Duration) -> Renewals {
    let hold = |number| {
        client
            .mutex(format!("rust:lease:{number}"))
            .acquire(())
            .expect("free")
    };
    let guards: Vec<_> = (0..leases).map(hold).collect();
    let (before, cpu) = (client.stats().expect("open"), cpu_us());
    std::thread::sleep(span);
    let (after, cpu) = (client.stats().expect("open"), cpu_us() - cpu);
    Renewals {
        renewed: after.renewed - before.renewed,
        lost: guards.iter().filter(|guard| !guard.is_held()).count() as u64,
        cpu_us: cpu,
        margin_min_ms: after.renewal_margin_min.unwrap_or_default().as_secs_f64() * 1e3,
    }
}
