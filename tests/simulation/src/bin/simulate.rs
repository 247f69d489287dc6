//! The simulation by hand: many seeds, one seed with its trace, or a world with something broken.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Instant;

use quorlock::testing::config::PlantedBug;
use quorlock_simulation::campaign::{Campaign, Summary, cores};
use quorlock_simulation::counts::Count;
use quorlock_simulation::plan::{Breakage, Order};
use quorlock_simulation::scenario::Scenario;
use quorlock_simulation::{Outcome, bugs, run};

const USAGE: &str = "\
simulate: runs the engine in a simulated world, each seed a run of its own

  --seeds N        how many seeds (2000)
  --from S         the first seed (0)
  --jobs N         threads (number of cores)
  --scenario NAME  what every seed draws from (the seed chooses)
  --bug NAME       plants a bug in every client
  --break WHAT     breaks an assumption: data-loss, clock-step or drift
  --seed S         runs one seed
  --trace          prints every event of it
  --list           lists scenarios and bugs

Exit code 1 where an oracle objected.";

struct Wish {
    campaign: Campaign,
    one: Option<u64>,
    trace: bool,
    /// What a replay needs besides the seed.
    extra: String,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|one| one == "--help" || one == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    if arguments.iter().any(|one| one == "--list") {
        list();
        return ExitCode::SUCCESS;
    }
    match read(&arguments) {
        Ok(wish) => match wish.one {
            Some(seed) => one(&wish, seed),
            None => many(&wish),
        },
        Err(error) => {
            eprintln!("{error}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn read(arguments: &[String]) -> Result<Wish, String> {
    let mut wish = Wish {
        campaign: Campaign {
            from: 0,
            seeds: 2000,
            jobs: cores(),
            scenario: None,
            bug: None,
        },
        one: None,
        trace: false,
        extra: String::new(),
    };
    let mut rest = arguments.iter();
    while let Some(option) = rest.next() {
        if option == "--trace" {
            wish.trace = true;
            continue;
        }
        let value = rest
            .next()
            .ok_or_else(|| format!("{option} is unknown or needs a value"))?;
        let number = || {
            value
                .parse::<u64>()
                .map_err(|_| format!("{option} needs a number, got {value}"))
        };
        match option.as_str() {
            "--seeds" => wish.campaign.seeds = number()?,
            "--from" => wish.campaign.from = number()?,
            "--seed" => wish.one = Some(number()?),
            "--jobs" => wish.campaign.jobs = usize::try_from(number()?).unwrap_or(1),
            "--scenario" => {
                let found = Scenario::all().into_iter().find(|(name, _)| name == value);
                let (_, scenario) = found.ok_or_else(|| format!("no scenario {value}"))?;
                wish.campaign.scenario = Some(scenario);
            }
            "--bug" => {
                let found = PlantedBug::ALL.iter().find(|bug| bug.name() == value);
                let bug = *found.ok_or_else(|| format!("no bug {value}"))?;
                wish.campaign.bug = Some(bug);
                wish.campaign
                    .scenario
                    .get_or_insert_with(|| bugs::scenario_of(bug));
            }
            "--break" => {
                let found = Breakage::ALL.iter().find(|one| one.name() == value);
                let breakage = found.ok_or_else(|| format!("cannot break {value}"))?;
                wish.campaign.scenario = Some(breakage.scenario());
            }
            _ => return Err(format!("{option} is unknown")),
        }
        if matches!(option.as_str(), "--scenario" | "--bug" | "--break") {
            wish.extra += &format!(" {option} {value}");
        }
    }
    Ok(wish)
}

fn list() {
    println!("scenarios:");
    for (name, _) in Scenario::all() {
        println!("  {name}");
    }
    println!("bugs:");
    for bug in PlantedBug::ALL {
        println!("  {}", bug.name());
    }
}

fn one(wish: &Wish, seed: u64) -> ExitCode {
    let order = Order {
        verbose: wish.trace,
        ..wish.campaign.order(seed)
    };
    let outcome = run(&order);
    let mut out = std::io::stdout().lock();
    for line in &outcome.lines {
        // A reader that has seen enough closes the pipe.
        if writeln!(out, "{line}").is_err() {
            break;
        }
    }
    drop(out);
    println!(
        "seed {seed}: {} events, hash {:016x}",
        outcome.events, outcome.hash
    );
    report(&outcome, wish)
}

fn many(wish: &Wish) -> ExitCode {
    let began = Instant::now();
    let seeds = wish.campaign.seeds;
    let shows_progress = std::io::stderr().is_terminal();
    let progress = |runs: u64| {
        if shows_progress && runs.is_multiple_of(100) {
            eprint!("\r{runs} of {seeds} seeds");
        }
    };
    let summary = wish.campaign.run(&progress);
    if shows_progress {
        eprintln!("\r{} of {seeds} seeds", summary.runs);
    }
    table(&summary, began);
    match &summary.caught {
        Some(outcome) => report(outcome, wish),
        None => {
            println!("no oracle objected");
            ExitCode::SUCCESS
        }
    }
}

fn table(summary: &Summary, began: Instant) {
    for (count, name) in Count::ALL {
        println!("{:>12}  {name}", summary.counts.of(*count));
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{} seeds in {seconds:.1} s, {:.0} per second",
        summary.runs,
        summary.runs as f64 / seconds
    );
}

fn report(outcome: &Outcome, wish: &Wish) -> ExitCode {
    let Some(violation) = &outcome.violation else {
        return ExitCode::SUCCESS;
    };
    println!("seed {}: {violation}", outcome.seed);
    println!(
        "replay: cargo run --release -p quorlock-simulation --bin simulate -- --seed {}{} --trace",
        outcome.seed, wish.extra
    );
    ExitCode::FAILURE
}
