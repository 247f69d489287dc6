//! What every worker saw, what happened, and the verdict.

use std::io;
use std::time::Duration;

use crate::crew::{Crew, Worker};
use crate::faults::Faults;
use crate::ledger::{Entry, Ledger};
use crate::screen::{Ink, Screen};

/// Prints the report; true where no update was lost and everything is as it must be.
pub(crate) fn print(
    screen: &Screen,
    crew: &Crew,
    faults: &Faults,
    ledger: &Ledger,
    end: Duration,
) -> io::Result<bool> {
    let entries = ledger.entries()?;
    workers(screen, crew, &entries);
    timeline(screen, crew, faults, end);
    Ok(verdict(screen, crew, &entries, ledger.read()?))
}

fn workers(screen: &Screen, crew: &Crew, entries: &[Entry]) {
    println!("\n{}\n", screen.ink(Ink::Strong, "What each worker saw"));
    let head = format!(
        "  {:<9} {:>7} {:>8} {:>12} {:>10} {:>10} {:>10} {:>5} {:>5} {:>6}",
        "worker",
        "pid",
        "updates",
        "from others",
        "wait p50",
        "p99",
        "longest",
        "lost",
        "late",
        "failed"
    );
    println!("{}", screen.ink(Ink::Faint, &head));
    for (number, worker) in crew.workers.iter().enumerate() {
        let mut waits = worker.waits_us.clone();
        waits.sort_unstable();
        let wait = |share: f64| {
            let index = ((waits.len() as f64 * share) as usize).min(waits.len().saturating_sub(1));
            format!(
                "{:.1} ms",
                waits.get(index).map_or(0.0, |&us| us as f64 / 1e3)
            )
        };
        println!(
            "  {:<9} {:>7} {:>8} {:>12} {:>10} {:>10} {:>10} {:>5} {:>5} {:>6}{}",
            number + 1,
            worker.pid,
            waits.len(),
            handed_to(number, entries),
            wait(0.5),
            wait(0.99),
            wait(1.0),
            worker.lost,
            worker.late,
            worker.failed,
            if worker.killed {
                screen.ink(Ink::Bad, "  killed")
            } else {
                String::new()
            }
        );
    }
}

/// How often `worker` got the lock from somebody else.
fn handed_to(worker: usize, entries: &[Entry]) -> usize {
    let to = |pair: &&[Entry]| pair[0].worker != worker && pair[1].worker == worker;
    entries.windows(2).filter(to).count()
}

fn timeline(screen: &Screen, crew: &Crew, faults: &Faults, end: Duration) {
    println!(
        "\n{}\n",
        screen.ink(
            Ink::Strong,
            "What happened, and how long nothing moved after it"
        )
    );
    for (index, happening) in faults.happened.iter().enumerate() {
        let next = faults.happened.get(index + 1).map_or(end, |next| next.at);
        let (pause, updates) = standstill(&crew.updates, happening.at, next);
        println!(
            "  {:>5.1} s  {}\n           {}",
            happening.at.as_secs_f64(),
            happening.what,
            screen.ink(
                Ink::Faint,
                &format!(
                    "then {updates} updates, longest pause {} ms",
                    pause.as_millis()
                )
            )
        );
    }
}

/// The longest time without an update between `from` and `to`, and how many there were.
fn standstill(updates: &[Duration], from: Duration, to: Duration) -> (Duration, usize) {
    let (mut longest, mut last, mut count) = (Duration::ZERO, None, 0);
    for &update in updates
        .iter()
        .filter(|&&update| update >= from && update < to)
    {
        // The start-up of the processes is no pause.
        let since = last.unwrap_or(if from.is_zero() { update } else { from });
        longest = longest.max(update.saturating_sub(since));
        last = Some(update);
        count += 1;
    }
    (longest, count)
}

fn verdict(screen: &Screen, crew: &Crew, entries: &[Entry], count: u64) -> bool {
    let made: usize = crew
        .workers
        .iter()
        .map(|worker| worker.waits_us.len())
        .sum();
    let made = made as u64;
    let rising = entries.windows(2).all(|pair| pair[0].token < pair[1].token);
    let in_steps = entries
        .iter()
        .zip(1u64..)
        .all(|(entry, step)| entry.count == step);
    let well = |worker: &Worker| worker.killed || worker.ended_well == Some(true);
    let ended = crew.workers.iter().filter(|worker| well(worker)).count();
    let lost = made.abs_diff(count);
    println!("\n{}\n", screen.ink(Ink::Strong, "Verdict"));
    let line = |good: bool, what: &str, value: String| {
        let mark = if good {
            screen.ink(Ink::Good, "✓")
        } else {
            screen.ink(Ink::Bad, "✗")
        };
        println!("  {mark} {what:<46} {value:>10}");
    };
    line(
        made > 0,
        "updates made by the workers (expected count)",
        made.to_string(),
    );
    line(
        made == count,
        "count in the ledger (actual)",
        count.to_string(),
    );
    line(in_steps && lost == 0, "lost updates", lost.to_string());
    line(
        rising,
        "fencing tokens strictly increasing",
        if rising { "yes" } else { "NO" }.to_owned(),
    );
    let workers = format!("{ended} of {}", crew.workers.len());
    line(
        ended == crew.workers.len(),
        "workers that ended as they should",
        workers,
    );
    println!();
    made > 0 && lost == 0 && in_steps && rising && ended == crew.workers.len()
}
