//! The demo: several processes contend for one resource over five servers, while servers and a
//! process fail. At the end it shows that no update was lost, or fails.
//!
//! ```text
//! cargo run --release -p quorlock-examples --bin contention-demo -- [--seconds S] [--workers N]
//! ```
//!
//! Each worker adds one to a ledger file by reading it and writing it back a moment later: with two
//! workers at once an addition would be lost. Nothing but the lock keeps them apart. The ledger
//! also checks fencing tokens, as a careful store does.

mod crew;
mod faults;
mod interrupt;
mod ledger;
mod nodes;
mod options;
mod report;
mod screen;
mod worker;

use std::process::ExitCode;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use quorlock_test_support::TempDir;

use crew::Crew;
use faults::Faults;
use ledger::Ledger;
use nodes::Nodes;
use options::{Mode, Options};
use screen::Screen;

/// How often the screen is drawn anew.
const FRAME: Duration = Duration::from_millis(100);
/// How long workers may take to end their last section: a dead one's lease runs out meanwhile.
const LAST_SECTIONS: Duration = Duration::from_secs(10);
/// The exit code of a run that could not be made.
const NOT_RUN: u8 = 2;
/// The exit code of a program ended by Ctrl-C, as shells expect it.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Mode::Demo(options)) => options,
        Ok(Mode::Worker(task)) => return worker::run(&task),
        Err(complaint) => {
            eprintln!("{complaint}");
            return ExitCode::from(NOT_RUN);
        }
    };
    let interrupted = interrupt::listen();
    match demo(&options, &interrupted) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("the demo cannot run: {error}");
            ExitCode::from(NOT_RUN)
        }
    }
}

fn demo(options: &Options, interrupted: &interrupt::Flag) -> std::io::Result<ExitCode> {
    let mut nodes = Nodes::start()?;
    let mut screen = Screen::new();
    screen.headline(&format!(
        "{} processes, one resource, five servers; two servers and a process will fail",
        options.workers
    ));
    let dir = TempDir::new()?;
    let ledger = Ledger::create(dir.path())?;
    let mut crew = Crew::start(options.workers, &nodes.urls(), dir.path())?;
    let mut faults = Faults::new(options.span, &nodes);

    let begun = Instant::now();
    let mut next_frame = begun;
    while begun.elapsed() < options.span && !interrupted.is_set() {
        let now = Instant::now();
        if now >= next_frame {
            next_frame = now + FRAME;
            faults.act(begun, &mut nodes, &mut crew, &mut screen);
            screen.draw(begun.elapsed(), &nodes, &crew);
        }
        match crew
            .news
            .recv_timeout(next_frame.saturating_duration_since(now))
        {
            Ok(news) => {
                if let Some(event) = crew.learn(news, begun) {
                    faults.note(event, &mut screen);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    if interrupted.is_set() {
        screen.clear();
        println!("interrupted: ending workers and servers");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    crew.finish(begun, LAST_SECTIONS);
    screen.clear();
    let safe = report::print(&screen, &crew, &faults, &ledger, begun.elapsed())?;
    Ok(if safe {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
