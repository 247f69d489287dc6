//! A semaphore under more and more demand: what an acquisition costs, how much of it is used, and how
//! long the unluckiest wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use quorlock::{AcquireOptions, Client};
use tokio::runtime::Builder;

use crate::arguments::Arguments;
use crate::figure::{Figures, Limit};
use crate::rig::{self, Commands};
use crate::sample::percentile;

const PERMITS: u32 = 100;
/// How long a permit is kept.
const HOLD: Duration = Duration::from_millis(200);
/// Clients, each with connections and a place in the queue of its own.
const CLIENTS: usize = 8;
const NODES: usize = 5;

/// Measures at half, once, twice and ten times as many callers as permits.
pub(crate) fn run(arguments: &Arguments, figures: &mut Figures) {
    println!(
        "  {:<36} {:>9} {:>9} {:>9} {:>9} {:>9}",
        format!("{PERMITS} permits, {NODES} nodes"),
        "rounds",
        "scripts",
        "use %",
        "p99 ms",
        "ideal ms"
    );
    for percent in [50, 100, 200, 1000] {
        measure(percent, arguments, figures);
    }
}

fn measure(percent: usize, arguments: &Arguments, figures: &mut Figures) {
    let servers = rig::servers(NODES);
    let (held_ns, callers) = (
        Arc::<AtomicU64>::default(),
        PERMITS as usize * percent / 100,
    );
    let clients = (0..CLIENTS).map(|_| {
        let built = Client::builder().connect(servers.urls());
        built.expect("URLs of the test support")
    });
    let clients: Vec<Client> = clients.collect();
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime starts");
    // Two rounds of everybody before, so that the queue is as long as it gets.
    let lead = HOLD * 2 * u32::try_from(percent.div_ceil(100)).unwrap_or(1);
    let begun = Instant::now();
    let (from, until) = (begun + lead, begun + lead + arguments.span.max(HOLD * 10));
    let before = Commands::of(&servers);
    let waits = runtime.block_on(async {
        let caller = |index: usize| {
            let semaphore = clients[index % CLIENTS].semaphore("bench", PERMITS);
            call(semaphore, Arc::clone(&held_ns), from, until)
        };
        let tasks: Vec<_> = (0..callers)
            .map(|index| tokio::spawn(caller(index)))
            .collect();
        let mut waits = Vec::new();
        for task in tasks {
            waits.extend(task.await.expect("no panic"));
        }
        waits
    });
    let scripts = Commands::of(&servers).since(before).scripts as f64;
    let stats = clients.iter().map(|client| client.stats().expect("open"));
    let (rounds, acquired) = stats.fold((0, 0), |(rounds, acquired), stats| {
        (rounds + stats.rounds, acquired + stats.acquired)
    });
    let (rounds, scripts) = (rounds as f64 / acquired as f64, scripts / acquired as f64);
    let whole = (until - from).as_nanos() as f64 * f64::from(PERMITS);
    let used = 100.0 * held_ns.load(Ordering::Relaxed) as f64 / whole;
    let p99 = percentile(&waits, 0.99) / 1e6;
    let ideal = HOLD.as_secs_f64() * 1e3 * (percent as f64 / 100.0 - 1.0).max(0.0);
    let title = format!("demand {} ×", percent as f64 / 100.0);
    println!("    {title:<34} {rounds:>9.2} {scripts:>9.2} {used:>9.1} {p99:>9.1} {ideal:>9.1}");
    let values = [
        ("rounds", rounds, ""),
        ("scripts", scripts, ""),
        ("use", used, "%"),
        ("p99 wait", p99, "ms"),
        ("ideal wait", ideal, "ms"),
    ];
    figures.add("semaphore", &title, "async", &values);
    if percent == 1000 {
        figures.target(format!("rounds, {title}"), rounds, "", Limit::AtMost(2.2));
        figures.target(format!("use, {title}"), used, "%", Limit::AtLeast(95.0));
    }
}

/// Takes and keeps permits until `until`; how long it waited for each since `from`.
async fn call(
    semaphore: quorlock::Semaphore,
    held_ns: Arc<AtomicU64>,
    from: Instant,
    until: Instant,
) -> Vec<u64> {
    let mut waits = Vec::new();
    while Instant::now() < until {
        let asked = Instant::now();
        let options = AcquireOptions::new().wait(Duration::from_secs(60));
        let guard = semaphore.acquire(options).await.expect("in time");
        let got = Instant::now();
        if asked >= from {
            waits.push(u64::try_from((got - asked).as_nanos()).unwrap_or(u64::MAX));
        }
        tokio::time::sleep(HOLD).await;
        let (first, last) = (got.max(from), Instant::now().min(until));
        let held = last.saturating_duration_since(first);
        held_ns.fetch_add(
            u64::try_from(held.as_nanos()).unwrap_or(0),
            Ordering::Relaxed,
        );
        guard.release().await.expect("ours");
    }
    waits
}
