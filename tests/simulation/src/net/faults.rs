//! Troubles: when they come, and what they do.

use std::sync::Arc;

use quorlock::FaultClass;

use crate::counts::Count;
use crate::net::Net;
use crate::net::calendar::Event;
use crate::net::server::{Health, Kept};
use crate::plan::Plan;
use crate::rng::{Rng, Span};

/// Something that fails, or is repaired.
#[derive(Debug, Clone)]
pub(crate) enum Trouble {
    /// A connection breaks.
    Break { wire: usize },
    /// A server hangs until then.
    Hang { node: usize, until: u64 },
    /// It serves again.
    Resume { node: usize },
    /// A server crashes until then, keeping its data or not.
    Crash { node: usize, until: u64, kept: Kept },
    /// A server saves its data.
    Save { node: usize },
    /// A process is frozen until then.
    Freeze { client: usize, until: u64 },
    /// Its time may have come.
    Thaw { client: usize },
    /// A process ends.
    Kill { client: usize },
    /// Nothing gets through between a client and some servers until then.
    Cut {
        client: usize,
        nodes: u64,
        until: u64,
    },
    /// A client's calendar steps.
    StepWall { client: usize, micros: i64 },
    /// A server's elapsed time jumps.
    Jump { node: usize, micros: i64 },
    /// One server loses its counters at the next idle moment.
    WipeWhenIdle { node: usize },
    /// All faults stop.
    Quiet,
}

/// Enters all troubles of a run.
pub(crate) fn enter_all(net: &mut Net, plan: &Plan, seed: u64) {
    net.calendar
        .enter(plan.quiet_micros, Event::Trouble(Trouble::Quiet));
    if plan.calm {
        return;
    }
    let rng = &mut Rng::stream(seed, 2);
    let scenario = &plan.scenario;
    let (nodes, clients) = (plan.nodes, plan.clients);
    let ttl = u64::try_from(plan.ttl.as_micros()).unwrap_or(0);
    let mut some = |times: Span, make: &mut dyn FnMut(&mut Rng, u64) -> Trouble| {
        for _ in 0..rng.within(times) {
            let at = rng.below(plan.quiet_micros);
            let trouble = make(rng, at);
            net.calendar.enter(at, Event::Trouble(trouble));
        }
    };
    let until =
        |rng: &mut Rng, at: u64| at + ttl * rng.within(scenario.trouble_percent) / 100 + 1000;
    let wall = i64::try_from(scenario.wall_ms * 1000).unwrap_or(0);
    some(scenario.breaks, &mut |rng, _| Trouble::Break {
        wire: rng.index(nodes * clients),
    });
    some(scenario.hangs, &mut |rng, at| Trouble::Hang {
        node: rng.index(nodes),
        until: until(rng, at),
    });
    some(scenario.crashes, &mut |rng, at| Trouble::Crash {
        node: rng.index(nodes),
        until: until(rng, at),
        kept: Kept::All,
    });
    let lose = |node, at| Trouble::Crash {
        node,
        until: at + 2000,
        kept: Kept::Nothing,
    };
    let mut twins = Rng::stream(seed, 9);
    let mut second = Vec::new();
    some(scenario.data_losses, &mut |rng, at| {
        let node = rng.index(nodes);
        if twins.chance(scenario.twin_losses) {
            let at = at + twins.below(2000);
            second.push((at, lose((node + 1) % nodes, at)));
        }
        lose(node, at)
    });
    some(scenario.freezes, &mut |rng, at| Trouble::Freeze {
        client: rng.index(clients),
        until: until(rng, at),
    });
    some(scenario.deaths, &mut |rng, _| Trouble::Kill {
        client: rng.index(clients),
    });
    some(scenario.cuts, &mut |rng, at| Trouble::Cut {
        client: rng.index(clients),
        nodes: rng.draw(),
        // What is held up arrives when all faults stop, and before servers move again: two ends at
        // one moment would run what came later first.
        until: until(rng, at).min(plan.quiet_micros.saturating_sub(1)),
    });
    some(scenario.wall_steps, &mut |rng, _| Trouble::StepWall {
        client: rng.index(clients),
        micros: i64::try_from(rng.below(2 * scenario.wall_ms * 1000 + 1)).unwrap_or(0) - wall,
    });
    some(scenario.clock_jumps, &mut |rng, _| Trouble::Jump {
        node: rng.index(nodes),
        micros: i64::try_from(ttl).unwrap_or(0),
    });
    some(scenario.tails, &mut |rng, at| Trouble::Crash {
        node: rng.index(nodes),
        until: at + 2000,
        kept: Kept::Saved,
    });
    some(scenario.saves, &mut |rng, _| Trouble::Save {
        node: rng.index(nodes),
    });
    // Always the same one: the counters on the others make a majority.
    let forgetful = Rng::stream(seed, 3).index(nodes);
    some(scenario.idle_wipes, &mut |_, _| Trouble::WipeWhenIdle {
        node: forgetful,
    });
    for (at, trouble) in second {
        net.calendar.enter(at, Event::Trouble(trouble));
    }
}

impl Net {
    pub(crate) fn trouble(&mut self, at: u64, trouble: &Trouble) {
        self.trace
            .note(at, "trouble", &[], || format!("{trouble:?}"));
        if self.is_quiet && !matches!(trouble, Trouble::Thaw { .. } | Trouble::Resume { .. }) {
            return;
        }
        match *trouble {
            Trouble::Break { wire } => self.break_wire(at, wire, FaultClass::Disconnected),
            Trouble::Hang { node, until } => {
                if self.servers[node].health == Health::Up {
                    self.counts.add(Count::Hung);
                    self.servers[node].health = Health::Hung;
                    self.calendar
                        .enter(until, Event::Trouble(Trouble::Resume { node }));
                }
            }
            Trouble::Resume { node } => self.resume(at, node),
            Trouble::Save { node } => self.servers[node].save(),
            Trouble::Crash { node, until, kept } => {
                if self.servers[node].health == Health::Up && self.is_survived(at, node, kept) {
                    self.crash(at, node, kept);
                    self.calendar
                        .enter(until, Event::Trouble(Trouble::Resume { node }));
                }
            }
            Trouble::Freeze { client, until } => self.freeze(client, until),
            Trouble::Thaw { client } => self.thaw(at, client),
            Trouble::Kill { client } => {
                // The last one lives, so that the run goes on.
                if client != 0 {
                    self.counts.add(Count::Died);
                    self.processes[client].kill();
                }
            }
            Trouble::Cut {
                client,
                nodes,
                until,
            } => {
                for node in (0..self.servers.len()).filter(|node| nodes >> node & 1 == 1) {
                    let wire = &mut self.wires[client * self.servers.len() + node];
                    wire.blocked_until = wire.blocked_until.max(until);
                }
            }
            Trouble::StepWall { client, micros } => self.paces[client].step_wall(micros),
            Trouble::Jump { node, micros } => self.servers[node].pace.jump(micros),
            Trouble::WipeWhenIdle { node } => self.wipe_when_idle(at, node),
            Trouble::Quiet => self.quiet(at),
        }
    }

    /// Stops a client's process; it goes on by itself.
    pub(crate) fn freeze(&mut self, client: usize, until: u64) {
        self.counts.add(Count::Frozen);
        self.processes[client].freeze(until);
        self.calendar
            .enter(until, Event::Trouble(Trouble::Thaw { client }));
    }

    fn thaw(&mut self, at: u64, client: usize) {
        if Arc::clone(&self.processes[client]).thaw(at) {
            self.flush(at, client);
        }
    }

    /// Sends what a process had submitted when it was stopped.
    fn flush(&mut self, at: u64, client: usize) {
        let nodes = self.servers.len();
        for wire in client * nodes..(client + 1) * nodes {
            if self.wires[wire].is_up() {
                self.send_waiting(at, wire);
            } else {
                self.refuse_in_time(at, wire);
            }
        }
    }

    fn resume(&mut self, at: u64, node: usize) {
        let server = &mut self.servers[node];
        server.health = Health::Up;
        // At once: what arrives at this very moment must not go before.
        for arrival in std::mem::take(&mut server.inbox) {
            self.arrive(at, arrival);
        }
    }

    /// True where another server remembers what this one is about to forget: where the last one forgets, only
    /// `assume_fresh = false` helps.
    fn is_survived(&self, at: u64, node: usize, kept: Kept) -> bool {
        let Some(terms) = self.plan.guard(0).filter(|_| kept != Kept::All) else {
            return true;
        };
        let mut others = self.servers.iter().enumerate();
        others.any(|(other, server)| other != node && server.remembers(at, &terms.key))
    }

    fn crash(&mut self, at: u64, node: usize, kept: Kept) {
        self.counts.add(Count::Crashed);
        let server = &mut self.servers[node];
        server.health = Health::Down;
        server.inbox.clear();
        server.restart(kept);
        match kept {
            Kept::All => {}
            Kept::Saved => self.counts.add(Count::Tailed),
            Kept::Nothing => self.counts.add(Count::Wiped),
        }
        for wire in 0..self.wires.len() {
            if self.wires[wire].node == node {
                self.break_by_crash(at, wire);
            }
        }
    }

    /// Wipes a server once no lock is held anywhere and nothing is on its way, which costs mutual
    /// exclusion nothing.
    fn wipe_when_idle(&mut self, at: u64, node: usize) {
        let idle = self.wires.iter().all(|wire| wire.unanswered.is_empty())
            && self
                .servers
                .iter()
                .all(|server| server.locks(at).is_empty());
        if idle {
            self.counts.add(Count::Wiped);
            self.servers[node].wipe();
        } else {
            self.calendar
                .enter(at + 1000, Event::Trouble(Trouble::WipeWhenIdle { node }));
        }
    }

    fn quiet(&mut self, at: u64) {
        self.is_quiet = true;
        for client in 0..self.processes.len() {
            if Arc::clone(&self.processes[client]).thaw_now() {
                self.flush(at, client);
            }
        }
        for node in 0..self.servers.len() {
            self.resume(at, node);
        }
        for wire in 0..self.wires.len() {
            self.wires[wire].blocked_until = 0;
            // A network slower than the node timeout is a fault, too.
            let (low, high) = self.wires[wire].delay;
            let fast = self.healthy_delay();
            self.wires[wire].delay = (low.min(fast), high.min(fast));
            if self.wires[wire].is_cut {
                self.break_wire(at, wire, FaultClass::Disconnected);
            }
        }
    }
}
