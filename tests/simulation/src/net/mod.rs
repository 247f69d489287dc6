//! The network and the servers: what is sent, when it arrives, and what is lost.
//!
//! *Orderly*: a connection keeps order; when it breaks, some of its first undelivered commands may
//! still be run late, behind those of the next connection, and the rest never. *Hostile*: a command
//! may be run at any time, once, twice or never, and answers come in any order.

pub(crate) mod calendar;
mod connecting;
pub(crate) mod faults;
pub(crate) mod node;
mod sending;
pub(crate) mod server;
pub(crate) mod wire;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use quorlock::testing::config::{OwnerToken, PlantedBug};
use quorlock::testing::node::{Answer, ClaimLine, Link, Standing};
use quorlock::testing::protocol::{ClientId, Command, Marker, Reply};
use quorlock::{Fault, FaultClass};

use crate::clock::Pace;
use crate::counts::{Count, Counts};
use crate::judge::tickets::OldOwners;
use crate::net::calendar::{Arrival, Calendar, Event};
use crate::net::server::{Health, Server};
use crate::net::wire::{Remains, Told, Wire};
use crate::net::words::{filled_in, owner_of, sum_of, word_of};
use crate::plan::Plan;
use crate::process::Process;
use crate::rng::{Rng, Span};
use crate::trace::Trace;

/// However short the node timeout, a silent server is given this long, as the real node does.
const GIVE_UP_MIN_MICROS: u64 = 1_000_000;

pub(crate) struct Net {
    pub(crate) rng: Rng,
    pub(crate) calendar: Calendar,
    pub(crate) servers: Vec<Server>,
    /// One per client and server: client times servers plus server.
    pub(crate) wires: Vec<Wire>,
    pub(crate) processes: Vec<Arc<Process>>,
    pub(crate) paces: Vec<Arc<Pace>>,
    pub(crate) clients: BTreeMap<ClientId, usize>,
    pub(crate) counts: Counts,
    pub(crate) old_owners: OldOwners,
    /// Owners of whom something may be left for one ttl: their claim was run after their clean-up
    /// had ended with the ttl, because the server hung for longer; or the renewal of a detach was
    /// run after its connection and set the key again, which no tombstone stops.
    pub(crate) stale: BTreeSet<OwnerToken>,
    pub(crate) trace: Arc<Trace>,
    /// What clients are to be told.
    pub(crate) told: Told,
    /// The faults have stopped.
    pub(crate) is_quiet: bool,
    /// The run has ended: nothing is sent any more.
    pub(crate) is_over: bool,
    /// When the pump will look at the calendar again.
    pub(crate) looks_at: u64,
    remains: BTreeMap<u64, Remains>,
    /// Connections that their servers were told to end: nothing of them arrives any more.
    ended: BTreeSet<u64>,
    bug: Option<PlantedBug>,
    plan: Arc<Plan>,
    stall_after: u64,
    stale_after: u64,
    requests: u64,
    connections: u64,
}

impl Net {
    pub(crate) fn new(
        plan: &Arc<Plan>,
        seed: u64,
        bug: Option<PlantedBug>,
        trace: &Arc<Trace>,
    ) -> Self {
        let rng = Rng::stream(seed, 4);
        let mut paces = Rng::stream(seed, 5);
        let servers = (0..plan.nodes).map(|_| Server::new(pace(&mut paces, plan), plan.keeps, bug));
        Net {
            servers: servers.collect(),
            // One more client looks after the run at its end.
            paces: (0..=plan.clients).map(|_| pace(&mut paces, plan)).collect(),
            rng,
            calendar: Calendar::default(),
            wires: Vec::new(),
            processes: Vec::new(),
            clients: BTreeMap::new(),
            counts: Counts::default(),
            old_owners: OldOwners::new(plan.nodes),
            stale: BTreeSet::new(),
            stale_after: micros(plan.ttl) * 9 / 10,
            trace: Arc::clone(trace),
            told: Told::new(),
            is_quiet: false,
            is_over: false,
            looks_at: 0,
            remains: BTreeMap::new(),
            ended: BTreeSet::new(),
            bug,
            plan: Arc::clone(plan),
            stall_after: micros(plan.node_timeout),
            requests: 0,
            connections: 0,
        }
    }

    /// How long one way takes on a new wire: some are long.
    pub(crate) fn wire_delay(&mut self) -> Span {
        let (low, high) = self.plan.scenario.delay_micros;
        let high = if self.plan.calm {
            high.min(self.healthy_delay())
        } else {
            high
        };
        let most = self.rng.within((low.min(high), high));
        (low.min(most), most)
    }

    /// Ends the run: nothing is sent any more. Gives the answers that do not come, to be dropped.
    pub(crate) fn end(&mut self) -> Vec<Answer> {
        self.is_over = true;
        self.calendar = Calendar::default();
        let ways = self.wires.iter_mut().flat_map(|wire| {
            let sent = std::mem::take(&mut wire.unanswered).into_values();
            let waiting = std::mem::take(&mut wire.waiting).into_iter();
            let waiting = waiting.map(|submission| submission.answer);
            sent.map(|sent| sent.answer).chain(waiting)
        });
        ways.collect()
    }

    /// The longest one way through a network on which every round is in time.
    fn healthy_delay(&self) -> u64 {
        self.stall_after / 4
    }

    /// Lets everything happen that is due; gives the time of the next thing to come.
    pub(crate) fn run_due(&mut self, now: u64) -> Option<u64> {
        while let Some((at, event)) = self.calendar.due(now) {
            match event {
                Event::Arrive(arrival) => self.arrive(at, arrival),
                Event::Reply {
                    wire,
                    connection,
                    request,
                    result,
                } => self.reply(at, (wire, connection, request), result),
                Event::Wake { wire, number } => {
                    let wire = &self.wires[wire];
                    if wire.is_up() {
                        // A client that is gone listens no more.
                        let _ = wire.wake.send(number);
                    }
                }
                Event::Break {
                    wire,
                    connection,
                    class,
                } => {
                    if self.wires[wire].connection == connection {
                        self.break_wire(at, wire, class);
                    }
                }
                Event::Dial { wire } => self.dial(at, wire),
                Event::Refuse { wire } => self.refuse_late(wire),
                Event::Silence { wire, connection } => self.look_for_silence(at, wire, connection),
                Event::Trouble(trouble) => self.trouble(at, &trouble),
                Event::Look => self.calendar.enter(at + 20_000, Event::Look),
            }
        }
        self.calendar.next()
    }

    pub(crate) fn arrive(&mut self, at: u64, mut arrival: Arrival) {
        let wire = &self.wires[arrival.wire];
        if self.ended.contains(&arrival.connection) {
            return;
        }
        let is_stale = arrival.connection != wire.connection || !wire.is_up();
        if is_stale && !arrival.late {
            let Some(remains) = self.remains.get(&arrival.connection).copied() else {
                return;
            };
            // The cut may go through a command that is several for the server.
            let is_cut_off = arrival.request == remains.last
                && arrival.line.is_some_and(|line| line != ClaimLine::Set)
                && self.rng.chance(500);
            if arrival.request > remains.last || is_cut_off {
                return;
            }
            arrival.late = true;
            self.calendar
                .enter(at + remains.delay, Event::Arrive(arrival));
            return;
        }
        let node = wire.node;
        match self.servers[node].health {
            Health::Up => self.run(at, &arrival, is_stale),
            Health::Hung => self.servers[node].inbox.push(arrival),
            Health::Down => {}
        }
    }

    fn run(&mut self, at: u64, arrival: &Arrival, is_stale: bool) {
        let (index, request) = (arrival.wire, arrival.request);
        let (client, node) = (self.wires[index].client, self.wires[index].node);
        let (wires, clients, nodes) = (&self.wires, &self.clients, self.servers.len());
        let mut called = Vec::new();
        let mut listeners = |id: &ClientId, number: u64| {
            let there = clients.get(id).map(|client| client * nodes + node);
            let there = there.filter(|&wire| wires[wire].is_up() && !wires[wire].is_closed);
            called.extend(there.map(|wire| (wire, number)));
            there.is_some()
        };
        let line = match (&**arrival.command, arrival.line) {
            (Command::Acquire(claim), Some(line)) => {
                let raw = self.servers[node].run_line(at, claim, line);
                Some((line, raw))
            }
            _ => None,
        };
        let result = match &line {
            // The reply comes with the last line.
            Some(_) => None,
            None => Some(match &**arrival.command {
                Command::Mark(mark) => {
                    let wall = self.paces[client].wall_micros(at);
                    self.servers[node].run_mark(at, mark, arrival.run, wall)
                }
                command => self.servers[node].run(at, command, &mut listeners),
            }),
        };
        self.counts
            .add(if is_stale { Count::Late } else { Count::Ran });
        let sum = result.as_ref().map_or(0, sum_of);
        let numbers = [client as u64, node as u64, request, sum];
        self.trace.note(at, "run", &numbers, || {
            let late = if is_stale { "late " } else { "" };
            format!("{late}{} {line:?} {result:?}", word_of(&arrival.command))
        });
        if at > arrival.sent + self.stale_after {
            self.stale.extend(owner_of(&arrival.command).cloned());
        }
        if let Some(result) = &result {
            if is_stale {
                self.stale
                    .extend(filled_in(&arrival.command, result).cloned());
            }
            self.old_owners.see(node, &arrival.command, result);
        }
        for (wire, number) in called {
            self.wake(at, wire, number);
        }
        let hostile = self.plan.hostile && !self.is_quiet;
        let wire = &mut self.wires[index];
        let Some(unanswered) = wire.unanswered.get_mut(&request) else {
            return;
        };
        if arrival.connection != wire.connection || wire.is_cut {
            return;
        }
        if unanswered.ran.is_none() {
            unanswered.ran = Some(arrival.copy);
        } else if line.is_none() || unanswered.ran != Some(arrival.copy) {
            return;
        }
        let result = match (line, result) {
            (None, Some(result)) => result,
            (Some(line), _) => match unanswered.hear(&arrival.command, line) {
                Some(result) => result,
                None => return,
            },
            (None, None) => return,
        };
        let due = at + self.rng.within(wire.delay);
        let due = if hostile {
            match self.rng.below(100) {
                0..3 => return,
                3..9 => due + self.rng.below(2 * self.stall_after),
                _ => due.max(wire.blocked_until),
            }
        } else {
            wire.replies = due.max(wire.replies).max(wire.blocked_until);
            wire.replies
        };
        let reply = Event::Reply {
            wire: index,
            connection: arrival.connection,
            request,
            result,
        };
        self.calendar.enter(due, reply);
    }

    fn wake(&mut self, at: u64, wire: usize, number: u64) {
        let is_lost =
            !self.is_quiet && !self.plan.calm && self.rng.chance(self.plan.scenario.wake_loss);
        self.counts.add(if is_lost {
            Count::WakeLost
        } else {
            Count::Woken
        });
        if !is_lost {
            let at = at + self.rng.within(self.wires[wire].delay);
            self.calendar.enter(at, Event::Wake { wire, number });
        }
    }

    fn reply(
        &mut self,
        at: u64,
        (index, connection, request): (usize, u64, u64),
        result: Result<Reply, Fault>,
    ) {
        let wire = &mut self.wires[index];
        if wire.connection != connection || !wire.is_up() {
            return;
        }
        // An answer can be lost as a command can.
        let is_lost = !self.is_quiet && !self.plan.hostile;
        if is_lost && self.rng.rarely(self.plan.drop_per_myriad) {
            self.counts.add(Count::Cut);
            return self.break_wire(at, index, FaultClass::Disconnected);
        }
        let numbers = [wire.client as u64, wire.node as u64, request];
        self.trace.note(at, "reply", &numbers, String::new);
        if let Ok(Reply::Marker(marker)) = &result {
            wire.stand(Standing::Marked(Arc::new(Marker::clone(marker))));
        }
        wire.answer(at, request, result, &mut self.told);
        if wire.is_closed && wire.unanswered.is_empty() {
            self.break_wire(at, index, FaultClass::Closed);
        }
    }
}

fn pace(rng: &mut Rng, plan: &Plan) -> Arc<Pace> {
    let ppm = i64::try_from(plan.scenario.drift_ppm).unwrap_or(0);
    // The ends of the bound show most.
    let ppm = match rng.below(4) {
        0 => -ppm,
        1 => ppm,
        _ => i64::try_from(rng.below(2 * plan.scenario.drift_ppm + 1)).unwrap_or(0) - ppm,
    };
    let wall = plan.scenario.wall_ms * 1000;
    let off = i64::try_from(rng.below(2 * wall + 1)).unwrap_or(0);
    Pace::new(
        rng.below(1 << 40),
        ppm,
        off - i64::try_from(wall).unwrap_or(0),
    )
}

/// A span in whole microseconds.
pub(crate) fn micros(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// The link of a client that closed.
fn closed() -> Link {
    Link::Down(Fault::refused(FaultClass::Closed, "the client was closed"))
}
