//! Benchmarks of Quorlock as ratios to a raw redis-crate floor of the same run.
//!
//! Absolute figures of a shared machine say little; so every contender is measured in turn with a
//! floor that does the same work on the wire with the bare client library, round after round, and
//! the medians of the rounds' ratios are what counts.

mod arguments;
mod contender;
mod figure;
mod floor;
mod guard;
mod handover;
mod json;
mod machine;
mod relay;
mod renewal;
mod rig;
mod sample;
mod semaphore;
mod several;
mod uncontended;
mod usage;
mod wire;

use std::process::ExitCode;

use arguments::{Arguments, Wish};
use figure::Figures;

/// A benchmark: its name, what it is about, how it is run.
type Bench = (&'static str, &'static str, fn(&Arguments, &mut Figures));

/// Every benchmark, in the order they run.
const BENCHES: [Bench; 6] = [
    (
        "uncontended",
        "acquire + release of a free lock",
        uncontended::run,
    ),
    ("handover", "one lock that everybody wants", handover::run),
    ("renewal", "many leases kept alive", renewal::run),
    ("several", "several resources as one lock", several::run),
    (
        "semaphore",
        "permits that more and more callers want",
        semaphore::run,
    ),
    ("guard", "what a holder asks its guard", guard::run),
];

fn main() -> ExitCode {
    let arguments =
        match Arguments::parse(std::env::args().skip(1), &BENCHES.map(|(name, ..)| name)) {
            Ok(Wish::Run(arguments)) => arguments,
            Ok(Wish::Relay(leg)) => {
                relay::run_leg(&leg);
                return ExitCode::SUCCESS;
            }
            Ok(Wish::Help) => {
                help();
                return ExitCode::SUCCESS;
            }
            Err(complaint) => {
                eprintln!("{complaint}; see --help");
                return ExitCode::from(2);
            }
        };
    if let Err(error) = rig::kind() {
        eprintln!("{error}");
        return ExitCode::from(2);
    }
    let mut figures = Figures::new(machine::Machine::here());
    for (name, about, run) in BENCHES {
        if arguments.wants(name) {
            println!("\n{name}: {about}\n");
            run(&arguments, &mut figures);
        }
    }
    figures.print_targets();
    if let Some(path) = &arguments.json
        && let Err(error) = std::fs::write(path, figures.to_json())
    {
        eprintln!("cannot write {}: {error}", path.display());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn help() {
    println!("usage: quorlock-bench [name…] [--seconds S] [--json FILE]\n");
    for (name, about, _) in BENCHES {
        println!("  {name:<12} {about}");
    }
    println!("\n  --seconds S  how long each contender is measured in each case (2)");
    println!("  --json FILE  all figures as JSON, for tests/bench/plot.py");
}
