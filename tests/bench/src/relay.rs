//! Many callers that want one lock, in this process and in others, and the record of their turns.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use quorlock::{AcquireOptions, Client};

use crate::usage::monotonic_ns;

/// What one process has to do.
#[derive(Debug, Clone)]
pub(crate) struct Leg {
    urls: Vec<String>,
    name: String,
    waiters: usize,
    /// When all processes begin and end, on the clock they share.
    begin_ns: u64,
    end_ns: u64,
}

/// One caller's turn with the lock, on the clock that all processes share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    /// Who, over all processes.
    pub(crate) waiter: (usize, usize),
    /// When it asked.
    pub(crate) called_ns: u64,
    /// When it got the lock.
    pub(crate) acquired_ns: u64,
    /// When it began to give it back.
    pub(crate) released_ns: u64,
}

impl Leg {
    /// The option under which a process is told its leg.
    pub(crate) const FLAG: &str = "--leg";

    /// A leg over `urls` that begins after `delay` and lasts for `span`.
    pub(crate) fn new(
        urls: &[String],
        name: &str,
        waiters: usize,
        delay: Duration,
        span: Duration,
    ) -> Leg {
        let nanos = |span: Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        let begin_ns = monotonic_ns() + nanos(delay);
        let end_ns = begin_ns + nanos(span);
        Leg {
            urls: urls.to_vec(),
            name: name.to_owned(),
            waiters,
            begin_ns,
            end_ns,
        }
    }

    fn encode(&self) -> String {
        let urls = self.urls.join(",");
        format!(
            "{} {} {} {} {urls}",
            self.name, self.waiters, self.begin_ns, self.end_ns
        )
    }

    /// The leg another process was told.
    pub(crate) fn decode(text: &str) -> Result<Leg, String> {
        let bad = || format!("{} {text}: not a leg", Leg::FLAG);
        let words: Vec<&str> = text.split(' ').collect();
        let [name, waiters, begin, end, urls] = words[..] else {
            return Err(bad());
        };
        Ok(Leg {
            urls: urls.split(',').map(str::to_owned).collect(),
            name: name.to_owned(),
            waiters: waiters.parse().map_err(|_| bad())?,
            begin_ns: begin.parse().map_err(|_| bad())?,
            end_ns: end.parse().map_err(|_| bad())?,
        })
    }
}

/// Runs a leg in this process.
pub(crate) fn contend(leg: &Leg) -> Vec<Turn> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime starts");
    runtime.block_on(async {
        let client = Client::connect(&leg.urls).expect("URLs of the test support");
        // Connected and known to the scripts before the first turn.
        client
            .mutex("warm-up")
            .using((), async |_| ())
            .await
            .expect("free in the end");
        let begin = Duration::from_nanos(leg.begin_ns.saturating_sub(monotonic_ns()));
        tokio::time::sleep(begin).await;
        let tasks: Vec<_> = (0..leg.waiters)
            .map(|waiter| {
                let mutex = client.mutex(&leg.name);
                let end_ns = leg.end_ns;
                tokio::spawn(async move {
                    let mut turns = Vec::new();
                    while monotonic_ns() < end_ns {
                        let called_ns = monotonic_ns();
                        let patient = AcquireOptions::new().wait(Duration::from_secs(60));
                        let guard = mutex.acquire(patient).await.expect("in time");
                        let acquired_ns = monotonic_ns();
                        assert!(guard.is_held(), "not lost that soon");
                        let released_ns = monotonic_ns();
                        guard.release().await.expect("ours");
                        turns.push(Turn {
                            waiter: (0, waiter),
                            called_ns,
                            acquired_ns,
                            released_ns,
                        });
                    }
                    turns
                })
            })
            .collect();
        let mut turns = Vec::new();
        for task in tasks {
            turns.extend(task.await.expect("no panic"));
        }
        client
            .close(Duration::from_secs(5))
            .await
            .expect("this process's own");
        turns
    })
}

/// Runs a leg and writes its turns to the standard output: what a started process does.
pub(crate) fn run_leg(leg: &Leg) {
    let turns = contend(leg);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for turn in turns {
        let Turn {
            waiter: (_, waiter),
            called_ns,
            acquired_ns,
            released_ns,
        } = turn;
        writeln!(out, "{waiter} {called_ns} {acquired_ns} {released_ns}")
            .expect("the parent reads");
    }
}

/// Runs the same leg in `processes` other processes at once.
pub(crate) fn contend_in(processes: usize, leg: &Leg) -> Vec<Turn> {
    let program = std::env::current_exe().expect("this program has a file");
    let children: Vec<_> = (0..processes)
        .map(|_| {
            let mut command = Command::new(&program);
            command
                .args([Leg::FLAG, &leg.encode()])
                .stdin(Stdio::null())
                .stdout(Stdio::piped());
            command.spawn().expect("this program starts again")
        })
        .collect();
    let mut turns = Vec::new();
    for (process, mut child) in children.into_iter().enumerate() {
        let out = child.stdout.take().expect("piped");
        for line in BufReader::new(out).lines() {
            let line = line.expect("text");
            let numbers: Vec<u64> = line
                .split(' ')
                .filter_map(|word| word.parse().ok())
                .collect();
            let [waiter, called_ns, acquired_ns, released_ns] = numbers[..] else {
                panic!("process {process} says {line}");
            };
            let waiter = (process, usize::try_from(waiter).expect("a small number"));
            turns.push(Turn {
                waiter,
                called_ns,
                acquired_ns,
                released_ns,
            });
        }
        assert!(
            child.wait().expect("a child").success(),
            "process {process} failed"
        );
    }
    turns
}
