//! Several resources as one lock, against one lock, and against as many one after the other.

use std::time::{Duration, Instant};

use quorlock::blocking::Client;

use crate::arguments::Arguments;
use crate::figure::{Figures, Limit};
use crate::rig;
use crate::sample::{Sample, median};

/// Rounds in which every way is measured once; the ratios' medians are taken over them.
const ROUNDS: u32 = 9;
/// So many names at once.
const NAMES: usize = 10;

/// A way to take locks.
type Way = (&'static str, fn(&Client));

const WAYS: [Way; 3] = [
    ("one lock", one),
    ("multi of 10", multi),
    ("10 locks in turn", in_turn),
];

fn one(client: &Client) {
    let guard = client.mutex("one").acquire(()).expect("free");
    guard.release().expect("ours");
}

fn multi(client: &Client) {
    let guard = client.multi(names()).acquire(()).expect("free");
    guard.release().expect("ours");
}

fn in_turn(client: &Client) {
    let guards = names().map(|name| client.mutex(name).acquire(()).expect("free"));
    for guard in guards.collect::<Vec<_>>() {
        guard.release().expect("ours");
    }
}

fn names() -> impl Iterator<Item = String> {
    (0..NAMES).map(|name| format!("bench:{name}"))
}

/// Measures over one, three and five nodes.
pub(crate) fn run(arguments: &Arguments, figures: &mut Figures) {
    for nodes in [1, 3, 5] {
        let servers = rig::servers(nodes);
        let client = Client::connect(servers.urls()).expect("URLs of the test support");
        let slice = arguments.span / ROUNDS;
        for (_, way) in WAYS {
            cycle(&client, way, slice / 4);
        }
        let mut samples: [Vec<Sample>; WAYS.len()] = Default::default();
        for round in 0..ROUNDS as usize {
            for step in 0..WAYS.len() {
                let index = (step + round) % WAYS.len();
                samples[index].push(cycle(&client, WAYS[index].1, slice));
            }
        }
        show(nodes, &samples, figures);
    }
}

fn cycle(client: &Client, way: fn(&Client), span: Duration) -> Sample {
    let begun = Instant::now();
    let mut cycles_ns = Vec::new();
    while begun.elapsed() < span {
        let cycle = Instant::now();
        way(client);
        cycles_ns.push(u64::try_from(cycle.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    Sample {
        cycles_ns,
        wall: begun.elapsed(),
        cpu: Duration::ZERO,
    }
}

fn show(nodes: usize, samples: &[Vec<Sample>], figures: &mut Figures) {
    let title = format!("{nodes} nodes, one after the other");
    println!("  {title:<36} {:>9} {:>9}", "p50 µs", "p50 ×");
    let p50 = |sample: &Sample| sample.micros_at(0.5);
    for (index, (name, _)) in WAYS.iter().enumerate() {
        let middle = median(samples[index].iter().map(p50));
        let pairs = samples[index].iter().zip(&samples[0]);
        let ratio = median(pairs.map(|(way, one)| p50(way) / p50(one)));
        println!("    {name:<34} {middle:>9.1} {ratio:>9.2}");
        let values = [("p50", middle, "µs"), ("p50 to one lock", ratio, "×")];
        figures.add("several", &title, name, &values);
        if index == 1 && nodes == 5 {
            let what = format!("p50, {title}, {name}");
            figures.target(what, ratio, "× one lock", Limit::AtMost(1.5));
        }
    }
    println!();
}
