//! A long campaign of random faults against real servers: `chaos [--seconds 60] [--seed N]`.
//!
//! Five servers behind proxies, three worker processes with two threads each and one lock; kills,
//! stops, delays, cuts, lost replies, script flushes and pauses strike a minority at a time, now and
//! then a majority of them hangs, and the workers themselves are stopped for longer than a ttl.
//! At the end: the fenced counter is exact, tokens only grew, nothing is left. Exit 1 if not.

use std::process::exit;
use std::time::{Duration, Instant, SystemTime};

use quorlock_server_tests::worker::{self, VIOLATION};
use quorlock_server_tests::{Dice, FencedStore, Worker, leftovers};
use quorlock_test_support::{
    Flow, Proxy, ServerKind, ServerOptions, Servers, TempDir, holds_within,
};

const WORKERS: usize = 3;
/// Short, so that losses happen.
const TTL_MS: u64 = 700;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|first| first == "worker") {
        return worker::run(&args[1..]);
    }
    let option = |name: &str| {
        let at = args.iter().position(|arg| arg == name)?;
        Some(args.get(at + 1)?.parse::<u64>().expect("a number"))
    };
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |now| now.as_secs());
    let (seconds, seed) = (
        option("--seconds").unwrap_or(60),
        option("--seed").unwrap_or(now),
    );
    let violations = Campaign::new(seed).run(Duration::from_secs(seconds));
    for violation in &violations {
        println!("VIOLATION (seed {seed}): {violation}");
    }
    exit(i32::from(!violations.is_empty()));
}

struct Campaign {
    servers: Servers,
    proxies: Vec<Proxy>,
    workers: Vec<Worker>,
    dice: Dice,
    seed: u64,
    faults: Vec<(&'static str, u32)>,
    _dir: TempDir,
    store: FencedStore,
    path: String,
}

impl Campaign {
    fn new(seed: u64) -> Campaign {
        // An acknowledged key must outlive a kill: lost data are another guard's subject.
        let options = ServerOptions::new(ServerKind::Valkey).append_only();
        let servers = Servers::start(5, options);
        let start = |server| Proxy::start_seeded(server, seed);
        let proxies: Vec<Proxy> = servers.iter().map(|server| start(server.addr())).collect();
        let nodes: Vec<String> = proxies.iter().map(Proxy::url).collect();
        let program = std::env::current_exe().expect("a path");
        let worker = || {
            let args = [
                "worker".to_owned(),
                nodes.join(","),
                TTL_MS.to_string(),
                "true".to_owned(),
            ];
            Worker::start(&program, &args)
        };
        let workers = (0..WORKERS).map(|_| worker()).collect();
        let dir = TempDir::new().expect("a folder");
        let path = dir.join("counter");
        let store = FencedStore::open(&path).expect("a file");
        let path = path.display().to_string();
        Campaign {
            servers,
            proxies,
            workers,
            dice: Dice::new(seed),
            seed,
            faults: Vec::new(),
            _dir: dir,
            store,
            path,
        }
    }

    fn run(mut self, span: Duration) -> Vec<String> {
        for worker in &mut self.workers {
            worker.hear("ready", Duration::from_secs(30));
            worker.say(&format!("campaign a {} {}", self.path, span.as_millis()));
        }
        let mut violations = Vec::new();
        let (by, mut last) = (Instant::now() + span, 0);
        while Instant::now() < by {
            self.strike();
            let (_, token) = self.store.last().expect("a file");
            if token < last {
                violations.push(format!("the store went from token {last} back to {token}"));
            }
            last = token;
        }
        let (mut wrote, mut fenced, mut failed) = (0, 0, 0);
        for worker in &mut self.workers {
            match worker.hear_within("campaign", Duration::from_secs(60)) {
                Some(line) => {
                    let words: Vec<&str> = line.split(' ').collect();
                    let number = |index: usize| {
                        words
                            .get(index)
                            .and_then(|word| word.parse().ok())
                            .unwrap_or(0)
                    };
                    wrote += number(0);
                    fenced += number(1);
                    failed += number(2);
                    if words.get(3) != Some(&"true") {
                        violations.push("a worker's client did not drain".to_owned());
                    }
                }
                None => violations.push("a worker hangs".to_owned()),
            }
            let said = worker
                .heard()
                .iter()
                .filter(|line| line.starts_with(VIOLATION));
            violations.extend(said.cloned());
        }
        let (count, _) = self.store.last().expect("a file");
        if count != wrote {
            violations.push(format!(
                "{wrote} increments were acknowledged, the counter says {count}"
            ));
        }
        if wrote == 0 {
            violations.push("nobody got anything done".to_owned());
        }
        for server in &self.servers {
            // Marks of buried claims go with the ttl.
            if !holds_within(Duration::from_millis(10 * TTL_MS), || {
                leftovers(server).is_empty()
            }) {
                violations.push(format!("left on {}: {:?}", server.url(), leftovers(server)));
            }
        }
        self.summary(span, [wrote, fenced, failed]);
        violations
    }

    /// One fault, for a while, and its end.
    fn strike(&mut self) {
        let first = self.dice.below(5) as usize;
        let second = (first + 1 + self.dice.below(4) as usize) % 5;
        let both = [first, second];
        let span = Duration::from_millis(50 + self.dice.below(500));
        // A span of time is what a fault is made of here; nothing is waited for.
        let last = || std::thread::sleep(span);
        let kind = self.dice.below(10);
        let name = match kind {
            0 => {
                both.iter().for_each(|&node| self.servers[node].kill());
                last();
                both.iter()
                    .for_each(|&node| self.servers[node].start_again());
                "killed"
            }
            1 => {
                both.iter().for_each(|&node| self.servers[node].pause());
                last();
                both.iter().for_each(|&node| self.servers[node].resume());
                "stopped"
            }
            2 => {
                let flow = Flow::delay_between(Duration::ZERO, Duration::from_millis(150));
                both.iter().for_each(|&node| self.proxies[node].both(flow));
                last();
                both.iter().for_each(|&node| self.proxies[node].pass());
                "delayed"
            }
            3 => {
                both.iter().for_each(|&node| self.proxies[node].cut());
                "cut"
            }
            4 => {
                both.iter()
                    .for_each(|&node| self.proxies[node].hold_replies_then_cut());
                last();
                both.iter().for_each(|&node| self.proxies[node].pass());
                "replies lost"
            }
            5 => {
                // Requests that come late, on connections that may have been given up since.
                let old: Vec<_> = both
                    .iter()
                    .map(|&node| self.proxies[node].existing())
                    .collect();
                old.iter().for_each(|scope| scope.requests(Flow::Hold));
                last();
                last();
                old.iter().for_each(|scope| scope.requests(Flow::Pass));
                "requests held"
            }
            6 => {
                self.servers
                    .iter()
                    .for_each(|server| drop(server.command(&["SCRIPT", "FLUSH"])));
                "scripts flushed"
            }
            7 => {
                let millis = span.as_millis().to_string();
                both.iter().for_each(|&node| {
                    drop(self.servers[node].command(&["CLIENT", "PAUSE", &millis]))
                });
                last();
                "clients paused"
            }
            8 => {
                let third = (0..5).find(|node| !both.contains(node)).unwrap_or(0);
                let three = [first, second, third];
                three.iter().for_each(|&node| self.servers[node].pause());
                last();
                three.iter().for_each(|&node| self.servers[node].resume());
                "majority stopped"
            }
            _ => {
                let worker = &self.workers[self.dice.index(&self.workers)];
                worker.pause();
                std::thread::sleep(Duration::from_millis(TTL_MS) + span);
                worker.resume();
                "worker stopped"
            }
        };
        match self.faults.iter_mut().find(|(known, _)| *known == name) {
            Some((_, times)) => *times += 1,
            None => self.faults.push((name, 1)),
        }
        std::thread::sleep(Duration::from_millis(self.dice.below(200)));
    }

    fn summary(&self, span: Duration, [wrote, fenced, failed]: [u64; 3]) {
        println!(
            "chaos: seed {}, {} s, 5 servers, {WORKERS} processes",
            self.seed,
            span.as_secs()
        );
        println!(
            "  {wrote} increments, {fenced} stopped by their fencing token, {failed} not acquired"
        );
        let faults: Vec<String> = self
            .faults
            .iter()
            .map(|(name, times)| format!("{name} {times}"))
            .collect();
        println!("  faults: {}", faults.join(", "));
    }
}
