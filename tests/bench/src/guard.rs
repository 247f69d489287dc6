//! What a holder asks its guard before each step: no I/O, only the clock.

use std::hint::black_box;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};
use quorlock::blocking::Client;

use crate::arguments::Arguments;
use crate::figure::Figures;
use crate::sample::median;

/// Calls between two looks at the clock.
const BATCH: u32 = 10_000;
/// Rounds in which each question is asked once.
const ROUNDS: u32 = 9;

/// Measures, with the bare clock as the floor.
pub(crate) fn run(arguments: &Arguments, figures: &mut Figures) {
    let client = Client::connect(["memory://bench"]).expect("a valid URL");
    let guard = client.mutex("guard").acquire(()).expect("free");
    let slice = arguments.span / ROUNDS / 4;
    let mut rounds: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        let clock = || clock_gettime(ClockId::CLOCK_BOOTTIME).is_ok();
        rounds[0].push(nanos_per_call(slice, clock));
        rounds[1].push(nanos_per_call(slice, || guard.is_held()));
        rounds[2].push(nanos_per_call(slice, || guard.remaining()));
        rounds[3].push(nanos_per_call(slice, || guard.check().is_ok()));
    }
    let names = [
        "clock_gettime (floor)",
        "is_held()",
        "remaining()",
        "check()",
    ];
    for (name, round) in names.into_iter().zip(&rounds) {
        let ratio = median(round.iter().zip(&rounds[0]).map(|(one, floor)| one / floor));
        let value = median(round.iter().copied());
        println!("    {name:<34} {value:>8.1} ns {ratio:>8.2} × floor");
        figures.add(
            "guard",
            "1 lease",
            name,
            &[("call", value, "ns"), ("call to floor", ratio, "×")],
        );
    }
    guard.release().expect("ours");
}

fn nanos_per_call<T>(span: Duration, call: impl Fn() -> T) -> f64 {
    let (begun, mut calls) = (Instant::now(), 0u64);
    while begun.elapsed() < span {
        for _ in 0..BATCH {
            black_box(call());
        }
        calls += u64::from(BATCH);
    }
    begun.elapsed().as_nanos() as f64 / calls as f64
}
