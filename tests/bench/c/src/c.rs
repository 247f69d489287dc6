//! The program in C, and what it says.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::{Cycles, Renewals};

/// The program under way.
pub(crate) struct Bench {
    child: Child,
    orders: Option<ChildStdin>,
    figures: BufReader<ChildStdout>,
}

impl Bench {
    /// Starts it over these nodes.
    pub(crate) fn start(program: &str, nodes: &[String]) -> Self {
        let mut child = Command::new(program)
            .args(nodes)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        let figures = BufReader::new(child.stdout.take().expect("piped"));
        Bench {
            orders: child.stdin.take(),
            figures,
            child,
        }
    }

    fn order(&mut self, order: &str) -> Vec<f64> {
        let orders = self.orders.as_mut().expect("open until it ends");
        writeln!(orders, "{order}").expect("the program reads");
        let mut line = String::new();
        self.figures.read_line(&mut line).expect("text");
        let figures: Result<Vec<f64>, _> = line.split_whitespace().map(str::parse).collect();
        figures
            .ok()
            .filter(|figures| figures.len() > 1)
            .unwrap_or_else(|| panic!("{order}: the program said {line:?}"))
    }

    /// Nanoseconds of the calls that stay in the process.
    pub(crate) fn local(&mut self, count: usize) -> Vec<f64> {
        self.order(&format!("local {count}"))
    }

    /// Acquire + release for so long.
    pub(crate) fn cycles(&mut self, lanes: usize, span: Duration) -> Cycles {
        let figures = self.order(&format!("cycle {lanes} {}", span.as_millis()));
        Cycles {
            per_second: figures[0] / span.as_secs_f64(),
            median_us: figures[1] / 1e3,
        }
    }

    /// Holds so many leases.
    pub(crate) fn renew(&mut self, leases: usize, span: Duration) -> Renewals {
        let figures = self.order(&format!("renew {leases} {}", span.as_millis()));
        Renewals {
            renewed: figures[0] as u64,
            lost: figures[1] as u64,
            cpu_us: figures[2],
            margin_min_ms: figures[3] / 1e3,
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.orders = None;
        // It ends by itself now; a failure of it was said where it mattered.
        let _ = self.child.wait();
    }
}
