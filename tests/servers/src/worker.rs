//! The worker: a client in a process of its own, driven by lines on standard input.
//!
//! `worker <nodes, by comma> <ttl ms> <renew>`, then one command per line; see [`Session::obey`].
//! Each is answered by one line. It ends when its standard input closes.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use quorlock::blocking::{Client, Guard};
use quorlock::{AcquireOptions, Error, Ticket};

use crate::{Dice, FencedStore, Occupancy, PlainStore};

/// What it says if a promise is broken.
pub const VIOLATION: &str = "violation";

/// Runs a worker with these arguments.
pub fn run(args: &[String]) {
    let [nodes, ttl_ms, renew] = args else {
        panic!("worker <nodes> <ttl ms> <renew>")
    };
    let ttl_ms = ttl_ms.parse().expect("a ttl");
    let client = Client::builder()
        .ttl(Duration::from_millis(ttl_ms))
        .renew(renew == "true")
        // The tests' machines are shared: a busy node is not a broken one.
        .node_timeout(Duration::from_millis(ttl_ms.min(300)))
        .connect(nodes.split(','));
    let client = Client::from(client.expect("valid nodes"));
    let mut session = Session {
        client,
        guard: None,
    };
    say("ready");
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split(' ').collect();
        if !session.obey(&words) {
            return;
        }
    }
}

struct Session {
    client: Client,
    guard: Option<Guard>,
}

impl Session {
    /// Obeys one command; false where it is to end.
    fn obey(&mut self, words: &[&str]) -> bool {
        match *words {
            // acquire <name> <wait ms> -> acquired <token>
            ["acquire", name, wait_ms] => {
                let options = AcquireOptions::new().wait(millis(wait_ms));
                let acquired = self.client.mutex(name).acquire(options);
                self.keep("acquired", acquired);
            }
            // adopt <ticket> -> adopted <token>
            ["adopt", ticket] => {
                let ticket = Ticket::decode(ticket);
                let adopted = ticket.and_then(|ticket| self.client.adopt(&ticket));
                self.keep("adopted", adopted);
            }
            ["is_held"] => {
                let held = self.guard.as_ref().is_some_and(Guard::is_held);
                say(&format!("is_held {held}"));
            }
            ["release"] => match self.guard.take().map(|guard| guard.release()) {
                Some(Ok(released)) => say(&format!("released {released:?}")),
                Some(Err(error)) => refuse(&error),
                None => say("released nothing"),
            },
            // detach -> ticket <text>
            ["detach", ttl_ms] => match self
                .guard
                .take()
                .map(|guard| guard.detach_for(millis(ttl_ms)))
            {
                Some(Ok(ticket)) => say(&format!("ticket {}", ticket.encode())),
                Some(Err(error)) => refuse(&error),
                None => say("ticket none"),
            },
            ["count", name, file, tasks, times] => {
                count(
                    &self.client,
                    name,
                    Path::new(file),
                    number(tasks),
                    number(times),
                );
            }
            // permits <name> <limit> <folder> <threads> <times> -> permitted
            ["permits", name, limit, folder, threads, times] => {
                let limit = limit.parse().expect("a limit");
                let work = |dice: &mut Dice| {
                    permit(
                        &self.client,
                        name,
                        limit,
                        &Occupancy::of(Path::new(folder)),
                        dice,
                    )
                };
                in_threads(number(threads), number(times), &work);
                say("permitted");
            }
            // bundles <folder> <threads> <times> -> bundled
            ["bundles", folder, threads, times] => {
                let work =
                    |dice: &mut Dice| bundle(&self.client, &Occupancy::of(Path::new(folder)), dice);
                in_threads(number(threads), number(times), &work);
                say("bundled");
            }
            ["campaign", name, file, millis] => {
                campaign(&self.client, name, Path::new(file), number(millis))
            }
            // With everything it holds.
            ["exit"] => std::process::exit(0),
            ["return"] => return false,
            _ => panic!("not a command: {words:?}"),
        }
        true
    }

    fn keep(&mut self, word: &str, guard: Result<Guard, Error>) {
        match guard {
            Ok(guard) => {
                guard.on_lost(|loss| say(&format!("lost {}", loss.name())));
                say(&format!("{word} {}", token(&guard)));
                self.guard = Some(guard);
            }
            Err(error) => refuse(&error),
        }
    }
}

/// Does `work` so many times in each of so many threads; tells what goes wrong.
fn in_threads(threads: u64, times: u64, work: &(dyn Fn(&mut Dice) -> Result<(), String> + Sync)) {
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                let mut dice = Dice::new(u64::from(std::process::id()) * 100 + thread);
                for _ in 0..times {
                    if let Err(broken) = work(&mut dice) {
                        return say(&format!("{VIOLATION} {broken}"));
                    }
                }
            });
        }
    });
}

/// Takes some permits and counts who is inside.
fn permit(
    client: &Client,
    name: &str,
    limit: u32,
    occupancy: &Occupancy,
    dice: &mut Dice,
) -> Result<(), String> {
    let wanted = 1 + u32::try_from(dice.below(3)).unwrap_or(0).min(limit - 1);
    let options = AcquireOptions::new()
        .wait(Duration::from_secs(120))
        .permits(wanted);
    let guard = client.semaphore(name, limit).acquire(options);
    let guard = guard.map_err(|error| format!("not acquired: {error}"))?;
    let (inside, sum) = occupancy
        .enter(wanted as usize)
        .map_err(|error| error.to_string())?;
    if sum > limit as usize {
        return Err(format!("{sum} permits of {limit} are out"));
    }
    std::thread::sleep(Duration::from_micros(dice.below(2000)));
    guard
        .check()
        .map_err(|error| format!("lost in the middle: {error}"))?;
    drop(inside);
    let released = guard.release();
    released.map(drop).map_err(|error| error.to_string())
}

/// Takes some of four resources, in any order, and sees that it has each of them alone.
fn bundle(client: &Client, occupancy: &Occupancy, dice: &mut Dice) -> Result<(), String> {
    let mut names = vec!["a", "b", "c", "d"];
    for _ in 0..dice.below(3) {
        names.remove(dice.index(&names));
    }
    let turn = dice.index(&names);
    names.rotate_left(turn);
    let options = AcquireOptions::new().wait(Duration::from_secs(120));
    let guard = client.multi(names.iter().copied()).acquire(options);
    let guard = guard.map_err(|error| format!("not acquired: {error}"))?;
    let mut inside = Vec::new();
    for name in guard.resources() {
        let alone = occupancy.alone(name);
        inside.push(alone.map_err(|error| format!("{name} is another's as well: {error}"))?);
    }
    std::thread::sleep(Duration::from_micros(dice.below(1000)));
    guard
        .check()
        .map_err(|error| format!("lost in the middle: {error}"))?;
    drop(inside);
    let released = guard.release();
    released.map(drop).map_err(|error| error.to_string())
}

/// `tasks` threads increment the counter `times` each under nothing but the lock.
fn count(client: &Client, name: &str, file: &Path, tasks: u64, times: u64) {
    let store = PlainStore::open(file).expect("a file");
    let threads: Vec<_> = (0..tasks)
        .map(|_| {
            let (mutex, store) = (client.mutex(name), store.clone());
            std::thread::spawn(move || {
                for _ in 0..times {
                    let options = AcquireOptions::new().wait(Duration::from_secs(120));
                    let guard = match mutex.acquire(options) {
                        Ok(guard) => guard,
                        Err(error) => return say(&format!("{VIOLATION} not acquired: {error}")),
                    };
                    if let Err(broken) = increment(&store, token(&guard)) {
                        return say(&format!("{VIOLATION} {broken}"));
                    }
                    if let Err(error) = guard.check() {
                        return say(&format!("{VIOLATION} lost in the middle: {error}"));
                    }
                    let _ = guard.release();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("no panic");
    }
    say("counted");
}

fn increment(store: &PlainStore, token: u64) -> Result<(), String> {
    let (count, last) = store.read().map_err(|error| error.to_string())?;
    if token <= last {
        return Err(format!("token {token} after {last}"));
    }
    // Room for somebody else to come between.
    std::thread::sleep(Duration::from_micros(200));
    store
        .write(count + 1, token)
        .map_err(|error| error.to_string())
}

/// Increments a fenced counter for so long, whatever happens; tells how often it was let.
fn campaign(client: &Client, name: &str, file: &Path, millis: u64) {
    let store = FencedStore::open(file).expect("a file");
    let over = Arc::new(AtomicBool::new(false));
    let tally: Arc<[AtomicU64; 3]> = Arc::default();
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let (mutex, store) = (client.mutex(name), store.clone());
            let (over, tally) = (Arc::clone(&over), Arc::clone(&tally));
            std::thread::spawn(move || {
                let mut last = 0;
                while !over.load(Ordering::Relaxed) {
                    let options = AcquireOptions::new().wait(Duration::from_millis(500));
                    let Ok(guard) = mutex.acquire(options) else {
                        tally[2].fetch_add(1, Ordering::Relaxed);
                        continue;
                    };
                    let token = token(&guard);
                    if token <= last {
                        say(&format!("{VIOLATION} token {token} after own {last}"));
                    }
                    last = token;
                    let wrote = match store.read(token).expect("a file") {
                        Some(count) => {
                            // Long enough to be stopped in.
                            std::thread::sleep(Duration::from_millis(2));
                            store.write(token, count + 1).expect("a file")
                        }
                        None => false,
                    };
                    tally[usize::from(!wrote)].fetch_add(1, Ordering::Relaxed);
                    drop(guard);
                }
            })
        })
        .collect();
    std::thread::sleep(Duration::from_millis(millis));
    over.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().expect("no panic");
    }
    let drained = client.close(Duration::from_secs(10)).unwrap_or(false);
    let [wrote, fenced, failed] = [0, 1, 2].map(|index| tally[index].load(Ordering::Relaxed));
    say(&format!("campaign {wrote} {fenced} {failed} {drained}"));
}

fn token(guard: &Guard) -> u64 {
    guard.fencing_token().map_or(0, |token| token.get())
}

fn refuse(error: &Error) {
    say(&format!("error {} {error}", error.kind().name()));
}

/// One line at a time, also from several threads.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody listens any more: standard input will close as well.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn millis(text: &str) -> Duration {
    Duration::from_millis(number(text))
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}
