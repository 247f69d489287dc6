//! `quorlock run`: a command under a lock.

use std::time::Duration;

use nix::sys::signal::Signal;
use quorlock::{AcquireOptions, Client, Guard, Released, Ticket};
use tokio::time::{Instant, sleep_until};

use crate::arguments::Run;
use crate::child::{Change, Child, signalled};
use crate::exit;
use crate::failure::Failure;
use crate::inspect::state;
use crate::output;
use crate::signals::{Signals, ends_a_program};
use crate::span::short;
use crate::terminal::Terminal;

/// How long the end may wait for servers that are slow to take the lock back; it expires anyhow.
const CLOSE_MAX: Duration = Duration::from_millis(250);

/// Takes the lock, runs the command, gives the lock back.
pub(crate) async fn run(arguments: Run) -> Result<u8, Failure> {
    let quiet = arguments.quiet;
    let ticket = ticket(&arguments)?;
    let client = connect(&arguments)?;
    let done = locked(&client, &arguments, ticket).await;
    // What was begun and not finished is undone meanwhile.
    let _ = client.close(CLOSE_MAX).await;
    done.map_err(|failure| failure.hushed(quiet))
}

async fn locked(client: &Client, arguments: &Run, ticket: Option<Ticket>) -> Result<u8, Failure> {
    let mut signals = Signals::listen().map_err(Failure::system)?;
    let guard = {
        let taking = std::pin::pin!(take(client, arguments, ticket.as_ref()));
        tokio::select! {
            guard = taking => guard?,
            signal = ending(&mut signals) => return Ok(signalled(signal)),
        }
    };
    if arguments.detach {
        let ticket = match arguments.ticket_ttl {
            Some(ttl) => guard.detach_for(ttl).await?,
            None => guard.detach().await?,
        };
        output::write(&format!("{}\n", ticket.encode()))?;
        return Ok(exit::OK);
    }
    let ended = attend(&guard, arguments, &mut signals).await;
    let released = guard.release().await;
    let code = ended?;
    // The loss may come to light only now, if this process did not run meanwhile.
    if code != exit::LOST && matches!(released, Ok(Released::AlreadyExpired)) {
        let message = format!(
            "the lock on {:?} had run out before the command ended (with {code})",
            guard.resource()
        );
        return Err(Failure::new(exit::LOST, message));
    }
    Ok(code)
}

/// The ticket to adopt, which has to be for the resource that is named.
fn ticket(arguments: &Run) -> Result<Option<Ticket>, Failure> {
    let Some(text) = &arguments.ticket else {
        return Ok(None);
    };
    let ticket = Ticket::decode(text.trim())?;
    match &arguments.key {
        Some(key) if key != ticket.resource() => {
            let message = format!(
                "--ticket: it is for {:?}, not for {key:?}",
                ticket.resource()
            );
            Err(Failure::new(exit::USAGE, message))
        }
        _ => Ok(Some(ticket)),
    }
}

fn connect(arguments: &Run) -> Result<Client, Failure> {
    let program = arguments.command.first();
    let program = program.map(|program| {
        let path = std::path::Path::new(program);
        path.file_name()
            .unwrap_or(program)
            .to_string_lossy()
            .into_owned()
    });
    let owner = program.unwrap_or_else(|| "quorlock run --detach".to_owned());
    arguments.nodes.connect(|builder| {
        let builder = builder
            .owner(owner)
            .wait(arguments.wait)
            .renewals_max(u32::MAX);
        let builder = match arguments.ttl {
            Some(ttl) => builder.ttl(ttl),
            None => builder,
        };
        // Last: a longer ttl would raise it silently.
        builder.hold_max(arguments.hold_max)
    })
}

async fn take(client: &Client, arguments: &Run, ticket: Option<&Ticket>) -> Result<Guard, Failure> {
    if let Some(ticket) = ticket {
        let mut options = AcquireOptions::new();
        if let Some(ttl) = arguments.ttl {
            options = options.ttl(ttl);
        }
        return Ok(client.adopt_with(ticket, options).await?);
    }
    let key = arguments.key.as_deref().unwrap_or_default();
    match client.mutex(key).acquire(()).await {
        Ok(guard) => Ok(guard),
        Err(error) => {
            let failure = Failure::from(error);
            if failure.code() != exit::NOT_ACQUIRED {
                return Err(failure);
            }
            // Whoever was in the way may be gone by now; then it was still too late.
            let held = client.inspect(key).await;
            let held = held.map_or_else(|_| "in use".to_owned(), |inspection| state(&inspection));
            let waited = short(arguments.wait);
            let message = format!("{key:?} was not to be had within {waited}; now {held}");
            Err(Failure::new(exit::NOT_ACQUIRED, message))
        }
    }
}

/// The next signal that is meant to end us, while there is no command to pass it on to.
async fn ending(signals: &mut Signals) -> Signal {
    loop {
        let signal = signals.next().await;
        if ends_a_program(signal) {
            return signal;
        }
    }
}

/// Runs the command to its end, whoever brings that about.
async fn attend(guard: &Guard, arguments: &Run, signals: &mut Signals) -> Result<u8, Failure> {
    signals.listen_for_stop().map_err(Failure::system)?;
    let mut child = Child::start(&arguments.command, guard)?;
    let mut terminal = Terminal::open();
    let mut kill_at: Option<Instant> = None;
    let mut killed = false;
    let lost = guard.lost();
    tokio::pin!(lost);
    let code = loop {
        tokio::select! {
            loss = &mut lost, if kill_at.is_none() => {
                if !arguments.quiet {
                    let resource = guard.resource();
                    eprintln!("quorlock: the lock on {resource:?} is lost ({loss}); ending the command");
                }
                child.terminate();
                kill_at = Some(Instant::now() + arguments.kill_after);
            }
            change = child.changed() => match change? {
                Change::Ended(code) => break code,
                Change::Stopped(signal) => stopped(signal, &child, guard, &mut terminal),
            },
            signal = signals.next() => child.signal(signal),
            () = sleep_until(kill_at.unwrap_or_else(Instant::now)), if kill_at.is_some() && !killed => {
                child.signal(Signal::SIGKILL);
                killed = true;
            }
        }
    };
    if let Some(kill_at) = kill_at {
        child.clear_away(kill_at).await;
        return Ok(exit::LOST);
    }
    Ok(code)
}

/// The command stands still: it wants the terminal, or the user wants the shell back.
fn stopped(signal: Signal, child: &Child, guard: &Guard, terminal: &mut Terminal) {
    match signal {
        Signal::SIGTTIN | Signal::SIGTTOU if terminal.hand_to(child.group()) => {}
        Signal::SIGTTIN | Signal::SIGTTOU | Signal::SIGTSTP => terminal.stop_ourselves(),
        // Somebody stopped the command alone and will let it go on: it keeps its lock.
        _ => return,
    }
    // We may have been away for longer than the ttl.
    if guard.is_held() {
        child.signal(Signal::SIGCONT);
    }
}
