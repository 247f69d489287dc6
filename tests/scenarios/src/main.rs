//! The supervisor: starts servers, proxies and drivers, plays scenarios, and judges what the drivers say.
//!
//! See `README.md` for how scenarios are written, and `DRIVER.md` for what drivers must do.

mod arguments;
mod case;
mod cast;
mod counting;
mod driver;
mod known;
mod matcher;
mod player;
mod run;
mod secrets;
mod step;
mod transcript;
mod troupe;
mod variables;
mod vectors;
mod world;

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Instant;

use arguments::Arguments;
use cast::Run;
use known::Known;
use run::Outcome;
use troupe::Troupe;
use world::Pool;

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(complaint) => {
            eprintln!("{complaint}");
            return ExitCode::FAILURE;
        }
    };
    match supervise(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(complaint) => {
            eprintln!("{complaint}");
            ExitCode::FAILURE
        }
    }
}

/// Plays what is wanted; true where all of it went well.
fn supervise(arguments: &Arguments) -> Result<bool, String> {
    let folder = player::root().join("tests/scenarios");
    let known = Known::read(&folder.join("known-failures.toml"))?;
    let cases = case::read_all(arguments.cases.as_deref().unwrap_or(&folder.join("cases")))?;
    let (players, missing) = player::players(arguments.languages.as_deref());
    if !missing.is_empty() {
        return Err(format!(
            "not every language can play; leave out with --languages what is not to:\n  {}",
            missing.join("\n  ")
        ));
    }
    let mut runs = cast::runs(cases, &players, arguments.alone, arguments.mixed);
    runs.retain(|run| arguments.wants(&run.case.name));
    if runs.is_empty() {
        return Err("no scenario has such a name".to_owned());
    }
    if arguments.list {
        runs.iter()
            .for_each(|run| println!("{}: {}", run.name, run.case.about));
        return Ok(true);
    }
    // The long ones first, so that the end is not one of them alone.
    runs.sort_by_key(|run| std::cmp::Reverse(run.case.least_ms()));
    let began = Instant::now();
    let (mut passed, mut failed) = (0, Vec::new());
    let troupe = Troupe::default();
    let all = play_all(&runs, arguments.jobs, &troupe, |outcome| {
        let failure = known.judge(&outcome.name, outcome.failure.as_deref());
        let word = match (&failure, &outcome.failure) {
            (Some(_), _) => "FAIL",
            (None, Some(_)) => "known",
            (None, None) => "ok",
        };
        println!(
            "{word:5} {:6.2} s  {}",
            outcome.took.as_secs_f64(),
            outcome.name
        );
        if arguments.verbose || failure.is_some() {
            println!("{}", outcome.transcript.text());
        }
        match failure {
            None => passed += 1,
            Some(failure) => {
                println!("  {}: {failure}", outcome.name);
                failed.push((outcome.name, failure));
            }
        }
    });
    failed.extend(
        troupe
            .dismiss_all()
            .into_iter()
            .map(|complaint| ("the end of all".to_owned(), complaint)),
    );
    for (name, failure) in &failed {
        println!("FAIL  {name}: {failure}");
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{passed} passed, {} failed, in {seconds:.1} s",
        failed.len()
    );
    Ok(all && failed.is_empty())
}

/// Plays these runs, `jobs` at a time; false where one of the threads did not come back.
fn play_all(runs: &[Run], jobs: usize, troupe: &Troupe, mut each: impl FnMut(Outcome)) -> bool {
    let (pool, next) = (Pool::default(), AtomicUsize::new(0));
    let (said, heard) = mpsc::channel();
    let mut count = 0;
    std::thread::scope(|scope| {
        for _ in 0..jobs.min(runs.len()) {
            let (said, pool, next) = (said.clone(), &pool, &next);
            scope.spawn(move || {
                while let Some(run) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // Heard until the last thread ends.
                    let _ = said.send(run::play(run, pool, troupe));
                }
            });
        }
        drop(said);
        for outcome in heard {
            count += 1;
            each(outcome);
        }
    });
    count == runs.len()
}
