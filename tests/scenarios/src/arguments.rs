//! What the command line asks for.

use std::path::PathBuf;

/// How the supervisor is called.
pub(crate) const USAGE: &str = "\
usage: scenarios [NAME...] [options]

Plays the scenarios of tests/scenarios/cases whose name contains one of the NAMEs (all without any),
each by every player alone, and mixed where it has two actors or more.

  --languages LIST   only these languages or players, by comma: rust,python-async
  --alone            not mixed
  --mixed            only mixed
  --jobs N           so many runs at once (6)
  --cases DIR        other scenarios
  --list             say what would be played
  --verbose          show the transcript of every run";

/// A run of scenarios.
pub(crate) struct Arguments {
    pub(crate) names: Vec<String>,
    pub(crate) languages: Option<Vec<String>>,
    pub(crate) alone: bool,
    pub(crate) mixed: bool,
    pub(crate) jobs: usize,
    pub(crate) cases: Option<PathBuf>,
    pub(crate) list: bool,
    pub(crate) verbose: bool,
}

impl Arguments {
    /// The wish in `words`; a complaint where they make no sense.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
        let mut arguments = Arguments {
            names: Vec::new(),
            languages: None,
            alone: true,
            mixed: true,
            jobs: 6,
            cases: None,
            list: false,
            verbose: false,
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--languages" => {
                    arguments.languages = Some(value()?.split(',').map(str::to_owned).collect());
                }
                "--alone" => arguments.mixed = false,
                "--mixed" => arguments.alone = false,
                "--jobs" => {
                    let jobs = value()?.parse().ok().filter(|jobs| (1..=64).contains(jobs));
                    arguments.jobs = jobs.ok_or("--jobs must be from 1 to 64")?;
                }
                "--cases" => arguments.cases = Some(value()?.into()),
                "--list" => arguments.list = true,
                "--verbose" => arguments.verbose = true,
                "--help" | "-h" => return Err(USAGE.to_owned()),
                option if option.starts_with('-') => {
                    return Err(format!("{option}: no such option\n{USAGE}"));
                }
                _ => arguments.names.push(word),
            }
        }
        Ok(arguments)
    }

    /// True where a scenario of this name is to be played.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.names.is_empty()
            || self
                .names
                .iter()
                .any(|wanted| name.contains(wanted.as_str()))
    }
}
