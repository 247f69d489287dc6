//! What the command line asks for.

use std::path::PathBuf;
use std::time::Duration;

use crate::relay::Leg;

/// The most seconds per contender; a typing error shall not run for a day.
const SECONDS_MAX: f64 = 600.0;

/// A run of benchmarks.
pub(crate) struct Arguments {
    names: Vec<String>,
    /// How long each contender is measured in each case.
    pub(crate) span: Duration,
    /// Where the figures go besides the terminal.
    pub(crate) json: Option<PathBuf>,
}

/// What this process is to do.
pub(crate) enum Wish {
    /// Measure.
    Run(Arguments),
    /// Be one of several processes that contend: how a run starts its helpers.
    Relay(Leg),
    /// Explain.
    Help,
}

impl Arguments {
    /// The wish in `words`; a complaint where they make no sense.
    pub(crate) fn parse(
        mut words: impl Iterator<Item = String>,
        known: &[&str],
    ) -> Result<Wish, String> {
        let mut arguments = Arguments {
            names: Vec::new(),
            span: Duration::from_secs(2),
            json: None,
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--help" | "-h" => return Ok(Wish::Help),
                Leg::FLAG => return Leg::decode(&value()?).map(Wish::Relay),
                "--json" => arguments.json = Some(value()?.into()),
                "--seconds" => {
                    let value = value()?;
                    let seconds = value
                        .parse::<f64>()
                        .ok()
                        .filter(|s| (0.1..=SECONDS_MAX).contains(s));
                    let complaint =
                        || format!("--seconds {value}: must be from 0.1 to {SECONDS_MAX}");
                    arguments.span = Duration::from_secs_f64(seconds.ok_or_else(complaint)?);
                }
                name if known.contains(&name) => arguments.names.push(name.to_owned()),
                other => return Err(format!("{other}: no such benchmark or option")),
            }
        }
        Ok(Wish::Run(arguments))
    }

    /// True where benchmark `name` shall run; without any name all do.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|wanted| wanted == name)
    }
}
