//! Everything that was said in one run.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Lines with their time.
#[derive(Debug)]
pub(crate) struct Transcript {
    began: Instant,
    lines: Mutex<Vec<String>>,
}

impl Transcript {
    pub(crate) fn new() -> Transcript {
        Transcript {
            began: Instant::now(),
            lines: Mutex::default(),
        }
    }

    /// Notes what `who` did or said.
    pub(crate) fn note(&self, who: &str, what: &str) {
        let at = self.began.elapsed().as_secs_f64();
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(format!("{at:8.3}  {who} {what}"));
    }

    /// All lines, the long ones cut.
    pub(crate) fn text(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines
            .iter()
            .map(|line| cut(line))
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// All lines in full.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn cut(line: &str) -> String {
    const LONGEST: usize = 600;
    if line.chars().count() <= LONGEST {
        return line.to_owned();
    }
    line.chars().take(LONGEST).chain(" …".chars()).collect()
}
