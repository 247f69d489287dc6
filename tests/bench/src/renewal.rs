//! Many leases kept alive over five nodes: what that costs, and that none is lost.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use quorlock::{Client, Guard};
use quorlock_test_support::{Server, Servers};

use crate::arguments::Arguments;
use crate::figure::{Figures, Limit};
use crate::rig::{self, Commands};
use crate::usage;

/// Short enough for nine renewals of each lease in a run.
const TTL: Duration = Duration::from_secs(5);
/// Acquired at once while the leases are taken.
const LANES: usize = 200;

/// Measures 1,000 and 10,000 leases for 15 s each, or in proportion to `--seconds`.
pub(crate) fn run(arguments: &Arguments, figures: &mut Figures) {
    let span = arguments.span.mul_f64(7.5).max(TTL);
    println!(
        "  {:<22} {:>11} {:>11} {:>11} {:>11} {:>9} {:>6}",
        "5 nodes, ttl 5 s", "client CPU", "servers CPU", "renewals/s", "µs/renewal", "RSS", "lost"
    );
    for leases in [1_000, 10_000] {
        let servers = rig::servers(5);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime
            .expect("a runtime starts")
            .block_on(measure(leases, &servers, span, figures));
    }
}

async fn measure(leases: usize, servers: &Servers, span: Duration, figures: &mut Figures) {
    let before_bytes = usage::resident_bytes(std::process::id());
    let client = Client::builder()
        .ttl(TTL)
        .connect(servers.urls())
        .expect("URLs of the test support");
    let guards = acquire(&client, leases).await;
    let pids = || servers.iter().map(Server::pid);
    let (commands, begun) = (Commands::of(servers), Instant::now());
    let (client_cpu, server_cpu) = (usage::own_cpu(), usage::cpu_of(pids()));
    tokio::time::sleep(span).await;
    let wall = begun.elapsed().as_secs_f64();
    let client_cpu = (usage::own_cpu() - client_cpu).as_secs_f64();
    let server_cpu = (usage::cpu_of(pids()) - server_cpu).as_secs_f64();
    let expires = Commands::of(servers).since(commands).expires;
    let renewals = expires as f64 / servers.len() as f64;
    let lost = guards.iter().filter(|guard| !guard.is_held()).count();
    let mut reasons = std::collections::BTreeMap::<String, usize>::new();
    for loss in guards.iter().filter_map(Guard::loss) {
        *reasons.entry(loss.to_string()).or_default() += 1;
    }
    let rss = usage::resident_bytes(std::process::id()).saturating_sub(before_bytes);
    let values = [
        ("client CPU", client_cpu / wall * 100.0, "%"),
        ("servers CPU", server_cpu / wall * 100.0, "%"),
        ("renewals", renewals / wall, "1/s"),
        (
            "client CPU per renewal",
            client_cpu * 1e6 / renewals.max(1.0),
            "µs",
        ),
        ("resident memory", rss as f64 / 1e6, "MB"),
        ("lost", lost as f64, ""),
    ];
    println!(
        "    {:<20} {:>10.1}% {:>10.1}% {:>11.0} {:>11.1} {:>6.0} MB {:>6}",
        format!("{leases} leases"),
        values[0].1,
        values[1].1,
        values[2].1,
        values[3].1,
        values[4].1,
        lost
    );
    for (reason, count) in reasons {
        println!("      lost {count}: {reason}");
    }
    let case = format!("{leases} leases");
    figures.add("renewal", &case, "async", &values);
    figures.target(
        format!("lost of {leases} renewed leases"),
        lost as f64,
        "leases",
        Limit::AtMost(0.0),
    );
    drop(guards);
    client
        .close(Duration::from_secs(10))
        .await
        .expect("this process's own");
}

/// Takes that many locks, a bounded number at once.
async fn acquire(client: &Client, leases: usize) -> Vec<Guard> {
    let mut guards = Vec::with_capacity(leases);
    let mut under_way = FuturesUnordered::new();
    for lease in 0..leases {
        if under_way.len() == LANES
            && let Some(guard) = under_way.next().await
        {
            guards.push(guard);
        }
        let mutex = client.mutex(format!("lease:{lease}"));
        under_way.push(async move { mutex.acquire(()).await.expect("free") });
    }
    guards.extend(under_way.collect::<Vec<Guard>>().await);
    guards
}
