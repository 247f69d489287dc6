//! `quorlock bench`: how fast these nodes give locks out and take them back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use quorlock::{Client, Error};
use serde::Serialize;
use tokio::time::Instant;

use crate::arguments::Bench;
use crate::exit;
use crate::failure::Failure;
use crate::output;
use crate::table::{row, table};

/// Measures one call after the other, then many at once, each on a resource of its own.
pub(crate) async fn run(arguments: Bench) -> Result<u8, Failure> {
    let client = arguments
        .nodes
        .connect(|builder| builder.owner("quorlock bench"))?;
    let span = Duration::from_secs(arguments.seconds);
    // A name of this run: two of them do not meet.
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let name = format!("quorlock-bench:{}:{}", std::process::id(), now.as_micros());
    let mut parts = Vec::new();
    for workers in [1, arguments.concurrency] {
        parts.push(part(&client, &name, workers, span).await?);
    }
    // Keys of failed calls are cleaned up meanwhile.
    client.close(Duration::from_secs(1)).await?;
    if arguments.json {
        output::write_json(&parts, false)?;
    } else {
        output::write(&shown(&parts))?;
    }
    Ok(exit::OK)
}

/// What one part measured.
#[derive(Serialize)]
struct Part {
    workers: u64,
    locks: usize,
    locks_per_second: f64,
    failed: u64,
    acquire_ms: Percentiles,
    release_ms: Percentiles,
}

#[derive(Serialize)]
struct Percentiles {
    p50: f64,
    p90: f64,
    p99: f64,
    max: f64,
}

/// The spans of one worker's calls, and what failed.
#[derive(Default)]
struct Tally {
    acquire: Vec<Duration>,
    release: Vec<Duration>,
    failed: u64,
    last_error: Option<Error>,
}

async fn part(client: &Client, name: &str, workers: u64, span: Duration) -> Result<Part, Failure> {
    let begun = Instant::now();
    let running: Vec<_> = (0..workers)
        .map(|worker| {
            let mutex = client.mutex(format!("{name}:{worker}"));
            tokio::spawn(work(mutex, begun + span))
        })
        .collect();
    let mut sum = Tally::default();
    for worker in running {
        let tally = worker
            .await
            .map_err(|error| Failure::system(error.into()))?;
        sum.acquire.extend(tally.acquire);
        sum.release.extend(tally.release);
        sum.failed += tally.failed;
        sum.last_error = tally.last_error.or(sum.last_error);
    }
    let took = begun.elapsed();
    if let (true, Some(error)) = (sum.release.is_empty(), sum.last_error) {
        return Err(error.into());
    }
    Ok(Part {
        workers,
        locks: sum.release.len(),
        locks_per_second: sum.release.len() as f64 / took.as_secs_f64(),
        failed: sum.failed,
        acquire_ms: percentiles(sum.acquire),
        release_ms: percentiles(sum.release),
    })
}

async fn work(mutex: quorlock::Mutex, until: Instant) -> Tally {
    let mut tally = Tally::default();
    // At least once, so that there is something to tell.
    while tally.acquire.is_empty() && tally.failed == 0 || Instant::now() < until {
        let begun = Instant::now();
        let acquired = mutex.acquire(()).await;
        let acquired_at = Instant::now();
        let released = match &acquired {
            Ok(guard) => guard.release().await.map(drop),
            Err(error) => Err(error.clone()),
        };
        match released {
            Ok(()) => {
                tally.acquire.push(acquired_at - begun);
                tally.release.push(acquired_at.elapsed());
            }
            Err(error) => {
                tally.failed += 1;
                tally.last_error = Some(error);
            }
        }
    }
    tally
}

fn percentiles(mut spans: Vec<Duration>) -> Percentiles {
    spans.sort_unstable();
    let at = |share: f64| {
        let index = (spans.len() as f64 * share).ceil() as usize;
        let span = spans.get(index.clamp(1, spans.len().max(1)) - 1);
        span.map_or(0.0, |span| span.as_secs_f64() * 1e3)
    };
    Percentiles {
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        max: at(1.0),
    }
}

fn shown(parts: &[Part]) -> String {
    let head = [
        "at once", "locks", "locks/s", "failed", "", "p50", "p90", "p99", "max",
    ];
    let mut rows = vec![row(head)];
    for part in parts {
        for (call, spans) in [("acquire", &part.acquire_ms), ("release", &part.release_ms)] {
            let numbers = [
                part.workers.to_string(),
                part.locks.to_string(),
                format!("{:.0}", part.locks_per_second),
                part.failed.to_string(),
            ];
            // Once per part.
            let numbers = numbers.map(|number| {
                if call == "acquire" {
                    number
                } else {
                    String::new()
                }
            });
            let spans = [spans.p50, spans.p90, spans.p99, spans.max].map(|ms| format!("{ms:.2}ms"));
            let cells = numbers.into_iter().chain([call.to_owned()]).chain(spans);
            rows.push(cells.collect());
        }
    }
    table(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_measured_values() {
        let spans = (1..=100).rev().map(Duration::from_millis).collect();
        let Percentiles { p50, p90, p99, max } = percentiles(spans);
        assert_eq!((p50, p90, p99, max), (50.0, 90.0, 99.0, 100.0));
        assert_eq!(percentiles(vec![Duration::from_millis(7)]).p50, 7.0);
        assert_eq!(percentiles(Vec::new()).max, 0.0);
    }
}
