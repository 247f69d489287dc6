//! `quorlock watch`: who holds and who waits, as it changes.

use std::io::IsTerminal;
use std::time::Duration;

use quorlock::{Client, Inspection};
use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::arguments::Watch;
use crate::exit;
use crate::failure::Failure;
use crate::inspect::{View, fencing_token, state, waiters};
use crate::output;
use crate::span::short;
use crate::table::{row, table};

const INTERVAL_MIN: Duration = Duration::from_millis(10);

/// Looks again and again.
pub(crate) async fn run(arguments: Watch) -> Result<u8, Failure> {
    if arguments.interval < INTERVAL_MIN {
        let message = format!("--interval: must be at least {}", short(INTERVAL_MIN));
        return Err(Failure::new(exit::USAGE, message));
    }
    let client = arguments.nodes.connect(|builder| builder)?;
    let mut subjects: Vec<Subject> = arguments.keys.iter().map(|key| Subject::new(key)).collect();
    let live = std::io::stdout().is_terminal() && !arguments.json;
    let begun = Instant::now();
    let mut ticks = interval(arguments.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut looks = 0;
    while arguments.count.is_none_or(|count| looks < count) {
        ticks.tick().await;
        look(&client, &mut subjects).await?;
        if arguments.json {
            for subject in &subjects {
                output::write_json(&Line::new(begun, subject), true)?;
            }
        } else if live {
            let back = if looks == 0 { 0 } else { subjects.len() + 1 };
            output::write(&screen(&subjects, back))?;
        } else {
            output::write(&lines(begun, &subjects))?;
        }
        looks += 1;
    }
    Ok(exit::OK)
}

/// One resource and what is known of it.
struct Subject {
    key: String,
    seen: Option<Inspection>,
    /// The holder, and since when it is seen.
    holding: Option<(Holding, Instant)>,
}

/// Tells a holder from the next one, also where both are one process.
#[derive(PartialEq)]
struct Holding {
    holder: String,
    fencing_token: Option<u64>,
}

impl Subject {
    fn new(key: &str) -> Subject {
        Subject {
            key: key.to_owned(),
            seen: None,
            holding: None,
        }
    }

    fn see(&mut self, inspection: Inspection, at: Instant) {
        let holding = inspection.holder.clone().map(|holder| Holding {
            holder,
            fencing_token: fencing_token(&inspection),
        });
        self.holding = holding.map(|holding| match self.holding.take() {
            Some((before, since)) if before == holding => (before, since),
            _ => (holding, at),
        });
        self.seen = Some(inspection);
    }

    fn state(&self) -> String {
        self.seen.as_ref().map_or_else(String::new, state)
    }

    fn since(&self) -> String {
        let held = self.holding.as_ref();
        held.map_or_else(|| "-".to_owned(), |(_, since)| short(since.elapsed()))
    }

    fn waiters(&self) -> u64 {
        self.seen.as_ref().map_or(0, waiters)
    }
}

/// Asks for all resources at once: a node that hangs costs its timeout once.
async fn look(client: &Client, subjects: &mut [Subject]) -> Result<(), Failure> {
    let asked: Vec<_> = subjects
        .iter()
        .map(|subject| {
            let (client, key) = (client.clone(), subject.key.clone());
            tokio::spawn(async move { client.inspect(&key).await })
        })
        .collect();
    let at = Instant::now();
    for (subject, asked) in subjects.iter_mut().zip(asked) {
        let inspection = asked.await.map_err(|error| Failure::system(error.into()))?;
        subject.see(inspection?, at);
    }
    Ok(())
}

fn screen(subjects: &[Subject], back: usize) -> String {
    let mut rows = vec![row(["resource", "seen for", "waiting", "state"])];
    for subject in subjects {
        rows.push(vec![
            subject.key.clone(),
            subject.since(),
            subject.waiters().to_string(),
            subject.state(),
        ]);
    }
    let up = if back == 0 {
        String::new()
    } else {
        format!("\x1b[{back}A\x1b[J")
    };
    format!("{up}{}", table(&rows))
}

fn lines(begun: Instant, subjects: &[Subject]) -> String {
    let line = |subject: &Subject| {
        let since = if subject.holding.is_some() {
            format!(", seen for {}", subject.since())
        } else {
            String::new()
        };
        format!(
            "{:8.1}s  {}: {}{since}, {} waiting\n",
            begun.elapsed().as_secs_f64(),
            subject.key,
            subject.state(),
            subject.waiters()
        )
    };
    subjects.iter().map(line).collect()
}

#[derive(Serialize)]
struct Line<'a> {
    elapsed_ms: u128,
    #[serde(flatten)]
    view: Option<View<'a>>,
    seen_for_ms: Option<u128>,
}

impl<'a> Line<'a> {
    fn new(begun: Instant, subject: &'a Subject) -> Line<'a> {
        let held = subject.holding.as_ref();
        Line {
            elapsed_ms: begun.elapsed().as_millis(),
            view: subject.seen.as_ref().map(View::from),
            seen_for_ms: held.map(|(_, since)| since.elapsed().as_millis()),
        }
    }
}
