//! The driver of Rust: `quorlock-driver-rust async` or `blocking`. See `tests/scenarios/DRIVER.md`.

mod answer;
mod async_actor;
mod blocking_actor;
mod log;
mod request;

use std::io::BufRead;
use std::process::ExitCode;

use request::Request;

fn main() -> ExitCode {
    log::to_stderr();
    match std::env::args().nth(1).as_deref() {
        Some("async") => async_actor::run(),
        Some("blocking") => blocking_actor::run(),
        _ => {
            eprintln!("usage: quorlock-driver-rust async|blocking");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// The requests on standard input, one after the other, to its end.
fn requests() -> impl Iterator<Item = Request> {
    let lines = std::io::stdin().lock().lines().map_while(Result::ok);
    lines.map(|line| Request::parse(&line))
}
