//! What the command line asks for.

use std::path::PathBuf;
use std::time::Duration;

const USAGE: &str = "usage: contention-demo [--seconds S] [--workers N]";

/// A demo.
pub(crate) struct Options {
    /// How long workers work.
    pub(crate) span: Duration,
    /// How many there are.
    pub(crate) workers: usize,
}

/// One worker's task, as the demo tells it to a process it starts.
pub(crate) struct Task {
    /// Which worker it is.
    pub(crate) number: usize,
    /// Where the ledger is.
    pub(crate) dir: PathBuf,
    /// The servers.
    pub(crate) urls: Vec<String>,
}

/// What this process is.
pub(crate) enum Mode {
    /// The one that the user started.
    Demo(Options),
    /// One of those that contend.
    Worker(Task),
}

impl Task {
    const FLAG: &str = "--worker";

    /// The arguments that tell a process this task.
    pub(crate) fn arguments(&self) -> [String; 4] {
        let dir = self.dir.display().to_string();
        [
            Self::FLAG.to_owned(),
            self.number.to_string(),
            dir,
            self.urls.join(","),
        ]
    }
}

impl Options {
    /// The mode in `words`; a complaint where they make no sense.
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Mode, String> {
        let words: Vec<String> = words.collect();
        if let [flag, number, dir, urls] = &words[..]
            && flag == Task::FLAG
        {
            return Ok(Mode::Worker(Task {
                number: number.parse().map_err(|_| USAGE.to_owned())?,
                dir: dir.into(),
                urls: urls.split(',').map(str::to_owned).collect(),
            }));
        }
        let mut options = Options {
            span: Duration::from_secs(12),
            workers: 6,
        };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let value = words.next().unwrap_or_default();
            match word.as_str() {
                "--seconds" => {
                    let seconds = value.parse().ok().filter(|s| (4..=3600).contains(s));
                    let complaint =
                        || format!("--seconds {value}: must be from 4 to 3600\n{USAGE}");
                    options.span = Duration::from_secs(seconds.ok_or_else(complaint)?);
                }
                "--workers" => {
                    let workers = value.parse().ok().filter(|n| (2..=32).contains(n));
                    let complaint = || format!("--workers {value}: must be from 2 to 32\n{USAGE}");
                    options.workers = workers.ok_or_else(complaint)?;
                }
                _ => return Err(USAGE.to_owned()),
            }
        }
        Ok(Mode::Demo(options))
    }
}
