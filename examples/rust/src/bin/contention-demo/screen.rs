//! The live view: drawn in place on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use crate::crew::{Crew, Worker};
use crate::nodes::{Nodes, State};

/// Widest bar of a worker's sections.
const BAR: usize = 32;
/// How often a line is written where nothing can be drawn in place.
const PLAIN_EVERY: Duration = Duration::from_secs(1);

/// Colours by meaning.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ink {
    /// As it should be.
    Good,
    /// As it must not be.
    Bad,
    /// Not as usual.
    Odd,
    /// Less important.
    Faint,
    /// More important.
    Strong,
}

/// Where the demo shows itself.
pub(crate) struct Screen {
    in_place: bool,
    coloured: bool,
    /// Lines drawn in place at present.
    drawn: usize,
    next_plain: Duration,
}

impl Screen {
    /// The standard output.
    pub(crate) fn new() -> Screen {
        let named = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let in_place = std::io::stdout().is_terminal() && !dumb;
        Screen {
            in_place,
            coloured: in_place && !named("NO_COLOR"),
            drawn: 0,
            next_plain: PLAIN_EVERY,
        }
    }

    /// `text` in `ink`, where there are colours.
    pub(crate) fn ink(&self, ink: Ink, text: &str) -> String {
        if !self.coloured {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Good => 32,
            Ink::Bad => 31,
            Ink::Odd => 33,
            Ink::Faint => 2,
            Ink::Strong => 1,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// The first line.
    pub(crate) fn headline(&self, text: &str) {
        println!("{} {text}\n", self.ink(Ink::Strong, "Quorlock"));
    }

    /// Something that happened; it stays.
    pub(crate) fn event(&mut self, at: Duration, what: &str) {
        self.clear();
        println!(
            "{} {}",
            self.ink(Ink::Odd, &format!("{:>5.1} s", at.as_secs_f64())),
            what
        );
    }

    /// How things stand.
    pub(crate) fn draw(&mut self, at: Duration, nodes: &Nodes, crew: &Crew) {
        if !self.in_place {
            if at >= self.next_plain {
                self.next_plain += PLAIN_EVERY;
                println!("{:>5.1} s {}", at.as_secs_f64(), plain(at, nodes, crew));
            }
            return;
        }
        let mut lines = vec![String::new()];
        for (index, node) in nodes.nodes.iter().enumerate() {
            let state = match node.state {
                State::Up => self.ink(Ink::Good, "● up"),
                State::Killed => self.ink(Ink::Bad, "✗ killed"),
                State::Paused => self.ink(Ink::Odd, "‖ paused"),
            };
            lines.push(format!("  server {}  {:<14} {state}", index + 1, node.name));
        }
        lines.push(String::new());
        let most = crew
            .workers
            .iter()
            .map(|worker| worker.waits_us.len())
            .max()
            .unwrap_or(0)
            .max(1);
        for (index, worker) in crew.workers.iter().enumerate() {
            let sections = worker.waits_us.len();
            let bar = "█".repeat(sections * BAR / most);
            let bar = format!("{bar:<BAR$}");
            let (ink, mark) = if worker.killed {
                (Ink::Bad, " killed")
            } else {
                (Ink::Good, "")
            };
            let line = format!(
                "  worker {}  {} {sections:>6}{mark}",
                index + 1,
                self.ink(ink, &bar)
            );
            lines.push(line);
        }
        lines.push(String::new());
        let total = self.ink(Ink::Strong, &crew.updates.len().to_string());
        let rate = per_second(at, crew);
        lines.push(format!(
            "  {:>5.1} s   {total} updates, {rate} per second",
            at.as_secs_f64()
        ));
        self.clear();
        self.drawn = lines.len();
        let mut out = std::io::stdout().lock();
        // A terminal that has gone is noticed by its signal, not here.
        let _ = writeln!(out, "{}", lines.join("\n"));
        let _ = out.flush();
    }

    /// Takes away what was drawn in place.
    pub(crate) fn clear(&mut self) {
        if self.drawn > 0 {
            print!("\x1b[{}A\x1b[J", self.drawn);
            self.drawn = 0;
        }
    }
}

/// Everything on one line.
fn plain(at: Duration, nodes: &Nodes, crew: &Crew) -> String {
    let down: Vec<String> = nodes
        .nodes
        .iter()
        .enumerate()
        .filter(|(_, node)| node.state != State::Up)
        .map(|(index, node)| {
            format!(
                "server {} {}",
                index + 1,
                format!("{:?}", node.state).to_lowercase()
            )
        })
        .collect();
    let down = if down.is_empty() {
        "all servers up".to_owned()
    } else {
        down.join(", ")
    };
    let alive = |worker: &&Worker| !worker.killed;
    format!(
        "{:>6} updates, {:>4} per second, {} workers, {down}",
        crew.updates.len(),
        per_second(at, crew),
        crew.workers.iter().filter(alive).count()
    )
}

/// Updates in the last second.
fn per_second(at: Duration, crew: &Crew) -> usize {
    let since = at.saturating_sub(Duration::from_secs(1));
    crew.updates
        .iter()
        .rev()
        .take_while(|&&update| update > since)
        .count()
}
