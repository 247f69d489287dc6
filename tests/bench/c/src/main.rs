//! The C binding beside the Rust client on the same servers, turn and turn about, so that what the
//! machine does meanwhile hits both: what the bridge costs.
//!
//! `quorlock-bench-c PROGRAM [--seconds S] [--leases N]`, where PROGRAM is `bench.c` built against
//! the release library.

mod c;
mod rust;

use std::process::ExitCode;
use std::time::Duration;

use quorlock_test_support::{ServerKind, Servers};

use c::Bench;

/// Rounds in which both are measured once; the medians of their ratios count.
const ROUNDS: usize = 9;
/// What C may cost of Rust's time at most.
const LIMIT: f64 = 1.1;

/// What one round of acquire + release came to.
#[derive(Clone, Copy)]
struct Cycles {
    per_second: f64,
    median_us: f64,
}

/// What holding many leases came to.
struct Renewals {
    renewed: u64,
    lost: u64,
    cpu_us: f64,
    margin_min_ms: f64,
}

struct Arguments {
    program: String,
    seconds: f64,
    leases: usize,
}

fn main() -> ExitCode {
    let Some(arguments) = arguments() else {
        eprintln!("usage: quorlock-bench-c PROGRAM [--seconds S] [--leases N]");
        return ExitCode::from(2);
    };
    local(&arguments);
    let within = [1, 5].map(|nodes| uncontended(&arguments, nodes));
    renewals(&arguments);
    if within == [true, true] {
        return ExitCode::SUCCESS;
    }
    ExitCode::FAILURE
}

fn arguments() -> Option<Arguments> {
    let mut given = std::env::args().skip(1);
    let mut arguments = Arguments {
        program: given.next()?,
        seconds: 4.0,
        leases: 10_000,
    };
    while let Some(option) = given.next() {
        let value = given.next()?;
        match option.as_str() {
            "--seconds" => arguments.seconds = value.parse().ok()?,
            "--leases" => arguments.leases = value.parse().ok()?,
            _ => return None,
        }
    }
    Some(arguments)
}

/// Calls that stay in the process: the border alone, and the way to the engine's thread and back.
fn local(arguments: &Arguments) {
    let mut bench = Bench::start(&arguments.program, &["memory://nodes".to_owned()]);
    let count = 200_000;
    let names = [
        "is_held",
        "check",
        "remaining",
        "acquire + release, no network",
    ];
    let mut ratios: Vec<Vec<(f64, f64)>> = vec![Vec::new(); names.len()];
    for _ in 0..ROUNDS {
        let (c, rust) = (bench.local(count), rust::local(count));
        for (index, pair) in c.into_iter().zip(rust).enumerate() {
            ratios[index].push(pair);
        }
    }
    println!(
        "in the process{:>32} {:>10} {:>8}",
        "C ns", "Rust ns", "C/Rust"
    );
    for (name, pairs) in names.iter().zip(&ratios) {
        let (c, rust) = (median(pairs, |pair| pair.0), median(pairs, |pair| pair.1));
        println!(
            "  {name:<34} {c:>9.1} {rust:>10.1} {:>8.2}",
            median(pairs, |pair| pair.0 / pair.1)
        );
    }
}

/// Acquire + release of free locks; true where C keeps to its limit.
fn uncontended(arguments: &Arguments, nodes: usize) -> bool {
    let servers = Servers::start(nodes, ServerKind::Valkey);
    let mut bench = Bench::start(&arguments.program, &servers.urls());
    let client = rust::client(&servers.urls());
    let slice = Duration::from_secs_f64(arguments.seconds / ROUNDS as f64);
    println!(
        "\n{nodes} node(s){:>28} {:>10} {:>10} {:>10} {:>8} {:>8}",
        "C p50 µs", "Rust", "C ops/s", "Rust", "p50 ×", "time ×"
    );
    let mut within = true;
    for lanes in [1, 100] {
        bench.cycles(lanes, slice);
        rust::cycles(&client, lanes, slice);
        let mut pairs = Vec::new();
        for round in 0..ROUNDS {
            // Who begins changes, so that neither always comes after a pause.
            let (c, rust);
            if round % 2 == 0 {
                c = bench.cycles(lanes, slice);
                rust = rust::cycles(&client, lanes, slice);
            } else {
                rust = rust::cycles(&client, lanes, slice);
                c = bench.cycles(lanes, slice);
            }
            pairs.push((c, rust));
        }
        let latency = median(&pairs, |(c, rust)| c.median_us / rust.median_us);
        let time = median(&pairs, |(c, rust)| rust.per_second / c.per_second);
        println!(
            "  {lanes:<3} at once{:>28.1} {:>10.1} {:>10.0} {:>10.0} {latency:>8.2} {time:>8.2}",
            median(&pairs, |(c, _)| c.median_us),
            median(&pairs, |(_, rust)| rust.median_us),
            median(&pairs, |(c, _)| c.per_second),
            median(&pairs, |(_, rust)| rust.per_second),
        );
        let met = time <= LIMIT;
        within &= met;
        println!(
            "    C takes {time:.2} of Rust's time, at most {LIMIT}: {}",
            if met { "met" } else { "NOT MET" }
        );
    }
    within
}

/// Many leases kept alive over five nodes, by C and then by Rust.
fn renewals(arguments: &Arguments) {
    let servers = Servers::start(5, ServerKind::Valkey);
    // Long enough for every lease to be renewed twice at the default ttl.
    let span = Duration::from_secs(8);
    println!(
        "\n{} leases on 5 nodes, {} s{:>14} {:>8} {:>16} {:>14}",
        arguments.leases,
        span.as_secs(),
        "renewals",
        "lost",
        "CPU µs/renewal",
        "margin min ms"
    );
    let mut bench = Bench::start(&arguments.program, &servers.urls());
    let rows = [
        ("C", bench.renew(arguments.leases, span)),
        (
            "Rust",
            rust::renew(&rust::client(&servers.urls()), arguments.leases, span),
        ),
    ];
    for (name, row) in rows {
        println!(
            "  {name:<36} {:>9} {:>8} {:>16.1} {:>14.0}",
            row.renewed,
            row.lost,
            row.cpu_us / row.renewed.max(1) as f64,
            row.margin_min_ms
        );
    }
}

fn median<T>(values: &[T], pick: impl Fn(&T) -> f64) -> f64 {
    let mut picked: Vec<f64> = values.iter().map(pick).collect();
    picked.sort_by(f64::total_cmp);
    picked[picked.len() / 2]
}
