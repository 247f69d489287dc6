//! The `quorlock` command: run a command under a distributed lock, and look at locks and nodes.
//!
//! Only translation: arguments to calls of the `quorlock` crate, results to text and exit codes.

mod admit;
mod arguments;
mod bench;
mod child;
mod exit;
mod failure;
mod health;
mod inspect;
mod nodes;
mod output;
mod run;
mod signals;
mod span;
mod table;
mod terminal;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};
use crate::failure::{Failure, usage};

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(error),
    };
    // One thread, the main one: the child's life is tied to the thread that starts it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let done = runtime.map_err(Failure::system).and_then(|runtime| {
        runtime.block_on(async {
            match arguments.command {
                Command::Run(arguments) => run::run(arguments).await,
                Command::Inspect(arguments) => inspect::run(arguments).await,
                Command::Health(arguments) => health::run(arguments).await,
                Command::Admit(arguments) => admit::run(arguments).await,
                Command::Watch(arguments) => watch::run(arguments).await,
                Command::Bench(arguments) => bench::run(arguments).await,
            }
        })
    });
    match done {
        Ok(code) => ExitCode::from(code),
        Err(failure) => failure.report(),
    }
}
