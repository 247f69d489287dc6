//! One lock that everybody wants: how fast it goes from hand to hand, and how fairly.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::arguments::Arguments;
use crate::figure::{Figures, Limit};
use crate::floor::Floor;
use crate::relay::{Leg, Turn, contend, contend_in};
use crate::rig::{self, Commands};
use crate::sample::{median, percentile};
use crate::wire::Dialect;

/// Rounds; between them the floor's round trip is measured anew.
const ROUNDS: u32 = 5;

/// Long enough for other processes to start and connect.
const START: Duration = Duration::from_millis(400);

/// What one round says.
struct Round {
    handovers_per_s: f64,
    gap_p50_us: f64,
    gap_p99_us: f64,
    wait_max_ms: f64,
    /// Turns of the waiter with fewest by those of the one with most.
    fairness: f64,
    scripts_per_turn: f64,
    published_per_turn: f64,
    executed_per_turn: f64,
    round_trip_us: f64,
}

/// Measures all cases.
pub(crate) fn run(arguments: &Arguments, figures: &mut Figures) {
    let servers = rig::servers(5);
    let urls = servers.urls();
    println!(
        "  {:<26} {:>9} {:>8} {:>8} {:>6} {:>9} {:>8} {:>7} {:>7} {:>7}",
        "5 nodes",
        "to other/s",
        "gap p50",
        "gap p99",
        "× trip",
        "wait max",
        "fairness",
        "scripts",
        "publish",
        "all"
    );
    for (processes, waiters) in [(1, 2), (1, 20), (4, 1), (4, 5)] {
        let case = match processes {
            1 => format!("1 process, {waiters} waiters"),
            many => format!("{many} processes, {} waiters", many * waiters),
        };
        let rounds: Vec<Round> = (0..ROUNDS)
            .map(|round| {
                let trip_us = round_trip_us(&urls, arguments.span / ROUNDS / 4);
                let before = Commands::of(&servers);
                let name = format!("relay:{processes}:{waiters}:{round}");
                let span = arguments.span.max(Duration::from_millis(500)) / ROUNDS * 2;
                let turns = if processes == 1 {
                    contend(&Leg::new(
                        &urls,
                        &name,
                        waiters,
                        Duration::from_millis(50),
                        span,
                    ))
                } else {
                    contend_in(processes, &Leg::new(&urls, &name, waiters, START, span))
                };
                evaluate(turns, Commands::of(&servers).since(before), trip_us)
            })
            .collect();
        report(&case, &rounds, figures);
    }
}

fn round_trip_us(urls: &[String], span: Duration) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let trips: Vec<u64> = runtime.expect("a runtime starts").block_on(async {
        let floor = Floor::connect(urls, Dialect::Plain).await;
        let mut lane = floor.lane();
        let until = std::time::Instant::now() + span.max(Duration::from_millis(50));
        let mut trips = Vec::new();
        while std::time::Instant::now() < until {
            trips.push(lane.timed_round_trip("relay:floor").await);
        }
        lane.finish().await;
        trips
    });
    percentile(&trips, 0.5) / 1e3
}

fn evaluate(mut turns: Vec<Turn>, commands: Commands, round_trip_us: f64) -> Round {
    turns.sort_by_key(|turn| turn.acquired_ns);
    let (mut gaps, mut counts) = (Vec::new(), BTreeMap::<_, u32>::new());
    for pair in turns.windows(2) {
        let [before, after] = pair else { continue };
        assert!(
            after.acquired_ns >= before.released_ns,
            "two holders at once"
        );
        if after.waiter != before.waiter {
            gaps.push(after.acquired_ns - before.released_ns);
        }
    }
    for turn in &turns {
        *counts.entry(turn.waiter).or_default() += 1;
    }
    let first = turns.first().map_or(0, |turn| turn.acquired_ns);
    let span_ns = turns
        .last()
        .map_or(1, |turn| (turn.released_ns - first).max(1));
    let longest = turns
        .iter()
        .map(|turn| turn.acquired_ns - turn.called_ns)
        .max()
        .unwrap_or(0);
    let per_turn = |count: u64| count as f64 / turns.len().max(1) as f64;
    let most = counts.values().max().copied().unwrap_or(1);
    Round {
        handovers_per_s: gaps.len() as f64 * 1e9 / span_ns as f64,
        gap_p50_us: percentile(&gaps, 0.5) / 1e3,
        gap_p99_us: percentile(&gaps, 0.99) / 1e3,
        wait_max_ms: longest as f64 / 1e6,
        fairness: f64::from(counts.values().min().copied().unwrap_or(0)) / f64::from(most),
        scripts_per_turn: per_turn(commands.scripts),
        published_per_turn: per_turn(commands.published),
        executed_per_turn: per_turn(commands.all),
        round_trip_us,
    }
}

fn report(case: &str, rounds: &[Round], figures: &mut Figures) {
    let of = |pick: fn(&Round) -> f64| median(rounds.iter().map(pick));
    let trips = of(|round| round.gap_p50_us / round.round_trip_us);
    let longest = rounds
        .iter()
        .map(|round| round.wait_max_ms)
        .fold(0.0, f64::max);
    let values = [
        ("hand-overs", of(|round| round.handovers_per_s), "1/s"),
        ("gap p50", of(|round| round.gap_p50_us), "µs"),
        ("gap p99", of(|round| round.gap_p99_us), "µs"),
        ("gap p50 in round trips", trips, "×"),
        ("longest wait", longest, "ms"),
        ("fewest turns by most", of(|round| round.fairness), ""),
        (
            "scripts called per section",
            of(|round| round.scripts_per_turn),
            "",
        ),
        (
            "published per section",
            of(|round| round.published_per_turn),
            "",
        ),
        (
            "commands executed per section",
            of(|round| round.executed_per_turn),
            "",
        ),
        ("floor round trip", of(|round| round.round_trip_us), "µs"),
    ];
    println!(
        "    {case:<24} {:>9.0} {:>6.0}µs {:>6.0}µs {:>6.1} {:>7.0}ms {:>8.2} {:>7.1} {:>7.2} {:>7.1}",
        values[0].1,
        values[1].1,
        values[2].1,
        trips,
        longest,
        values[5].1,
        values[6].1,
        values[7].1,
        values[8].1
    );
    figures.add("handover", case, "async", &values);
    figures.target(
        format!("hand-over gap p50, {case}"),
        trips,
        "round trips",
        Limit::AtMost(3.0),
    );
}
