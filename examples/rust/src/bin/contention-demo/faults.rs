//! What goes wrong during the demo, when, and for how long work stood still because of it.

use std::time::{Duration, Instant};

use crate::crew::{Crew, Event};
use crate::nodes::Nodes;
use crate::screen::Screen;

/// What is done.
#[derive(Debug, Clone, Copy)]
enum Fault {
    KillHome,
    PauseNextHome,
    StartAgain,
    Resume,
    FreezeWorker,
}

/// The faults, each at its share of the whole time. For a while one server is down and another one
/// hangs: three of five are left, which is exactly a majority.
const PLAN: [(f64, Fault); 5] = [
    (0.17, Fault::KillHome),
    (0.33, Fault::PauseNextHome),
    (0.50, Fault::StartAgain),
    (0.62, Fault::Resume),
    (0.75, Fault::FreezeWorker),
];

/// Something that happened.
pub(crate) struct Happening {
    /// When, since the beginning.
    pub(crate) at: Duration,
    /// What.
    pub(crate) what: String,
}

/// The plan and what became of it.
pub(crate) struct Faults {
    due: Vec<(Duration, Fault)>,
    home: usize,
    next_home: usize,
    nodes: usize,
    /// What happened so far.
    pub(crate) happened: Vec<Happening>,
}

impl Faults {
    /// The plan for a demo of `span`.
    pub(crate) fn new(span: Duration, nodes: &Nodes) -> Faults {
        let names: Vec<&str> = nodes.nodes.iter().map(|node| &node.name[..]).collect();
        let what = format!("five servers: {}", names.join(", "));
        Faults {
            // The next one last, where it is taken from.
            due: PLAN
                .iter()
                .rev()
                .map(|&(share, fault)| (span.mul_f64(share), fault))
                .collect(),
            home: 0,
            next_home: 0,
            nodes: nodes.nodes.len(),
            happened: vec![Happening {
                at: Duration::ZERO,
                what,
            }],
        }
    }

    /// Does what is due.
    pub(crate) fn act(
        &mut self,
        begun: Instant,
        nodes: &mut Nodes,
        crew: &mut Crew,
        screen: &mut Screen,
    ) {
        while let Some(&(when, fault)) = self.due.last() {
            if begun.elapsed() < when {
                return;
            }
            self.due.pop();
            // Before the deed, which may take a moment: it works at once.
            let at = begun.elapsed();
            let what = match fault {
                Fault::KillHome => {
                    self.home = nodes.home();
                    nodes.kill(self.home);
                    format!(
                        "{} killed (kill -9); it kept the queue of waiters",
                        self.server(self.home, nodes)
                    )
                }
                Fault::PauseNextHome => {
                    self.next_home = nodes.home();
                    if self.next_home == self.home {
                        self.next_home = (self.home + 1) % self.nodes;
                    }
                    nodes.pause(self.next_home);
                    format!(
                        "{} paused (SIGSTOP); it had taken over the queue",
                        self.server(self.next_home, nodes)
                    )
                }
                Fault::StartAgain => {
                    nodes.start_again(self.home);
                    format!(
                        "{} started again with the data it had",
                        self.server(self.home, nodes)
                    )
                }
                Fault::Resume => {
                    nodes.resume(self.next_home);
                    format!("{} continued (SIGCONT)", self.server(self.next_home, nodes))
                }
                Fault::FreezeWorker => {
                    crew.freeze(crew.workers.len() / 2);
                    continue;
                }
            };
            self.happened(Happening { at, what }, screen);
        }
    }

    /// Notes what the workers made happen.
    pub(crate) fn note(&mut self, event: Event, screen: &mut Screen) {
        let Event::KilledInSection { worker, at } = event;
        let what = format!(
            "worker {} killed in the middle of its section, holding the lock",
            worker + 1
        );
        self.happened(Happening { at, what }, screen);
    }

    fn happened(&mut self, happening: Happening, screen: &mut Screen) {
        screen.event(happening.at, &happening.what);
        self.happened.push(happening);
    }

    fn server(&self, index: usize, nodes: &Nodes) -> String {
        format!("server {} ({})", index + 1, nodes.nodes[index].name)
    }
}
