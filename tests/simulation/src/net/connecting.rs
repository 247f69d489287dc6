//! How connections break and are made again.

use quorlock::testing::node::{Link, Standing};
use quorlock::testing::protocol::MarkWord;
use quorlock::{Fault, FaultClass};
use tokio::time::Instant;

use crate::counts::Count;
use crate::net::calendar::Event;
use crate::net::server::Health;
use crate::net::wire::Remains;
use crate::net::{GIVE_UP_MIN_MICROS, Net, closed, micros};
use crate::rng::{Rng, SeededEntropy};

/// A dial of a server that hangs or cannot be reached is tried again after so long.
const REDIAL_MICROS: u64 = 20_000;

impl Net {
    /// Ends a connection. Some of its first undelivered commands may still be run, late.
    pub(crate) fn break_wire(&mut self, at: u64, index: usize, class: FaultClass) {
        // Late, but within half a ttl: longer than the mark that a release leaves, and a command
        // could only be harmless, not without a trace.
        let most = micros(self.plan.ttl) / 2;
        let delay = match self.rng.below(3) {
            0 => 0,
            1 => self.rng.below(5000.min(most)),
            _ => self.rng.below(most),
        };
        let open: Vec<u64> = self.wires[index].unanswered.keys().copied().collect();
        let last = match self.rng.below(3) {
            0 => 0,
            1 => open.last().copied().unwrap_or(0),
            _ => open[..]
                .get(self.rng.index(open.len()))
                .copied()
                .unwrap_or(0),
        };
        self.end_connection(at, index, class, Remains { last, delay });
    }

    /// Ends a connection whose server is gone, and with it everything on its way.
    pub(crate) fn break_by_crash(&mut self, at: u64, index: usize) {
        let nothing = Remains { last: 0, delay: 0 };
        self.end_connection(at, index, FaultClass::Disconnected, nothing);
    }

    fn end_connection(&mut self, at: u64, index: usize, class: FaultClass, remains: Remains) {
        let wire = &mut self.wires[index];
        if !wire.is_up() {
            return;
        }
        self.counts.add(Count::Broken);
        let numbers = [wire.client as u64, wire.node as u64, wire.epoch];
        self.trace
            .note(at, "break", &numbers, || format!("{remains:?}"));
        let connection = wire.connection;
        self.remains.insert(connection, remains);
        for arrival in std::mem::take(&mut wire.swallowed) {
            if arrival.request <= remains.last {
                self.calendar
                    .enter(at + remains.delay, Event::Arrive(arrival));
            }
        }
        wire.fail_unanswered(class, &mut self.told);
        if wire.is_closed {
            wire.set_link(closed());
            return;
        }
        let fault = Fault::refused(class, "the connection broke");
        wire.set_link(Link::Down(fault.clone()));
        // As the real node: short pauses let commands wait, long ones refuse them at once.
        let pause = match self.rng.below(10) {
            0..7 => self.rng.within((100, 4000)),
            _ => {
                wire.resting = Some(fault.clone());
                wire.refuse_waiting(&fault, &mut self.told);
                self.rng.within((5000, 80_000))
            }
        };
        self.calendar.enter(at + pause, Event::Dial { wire: index });
    }

    pub(crate) fn dial(&mut self, at: u64, index: usize) {
        let wire = &mut self.wires[index];
        if wire.is_closed || wire.is_up() {
            return;
        }
        let blocked = wire.blocked_until > at;
        let health = self.servers[wire.node].health;
        let frozen = self.processes[wire.client].is_frozen();
        if health == Health::Up && !blocked && !frozen {
            self.connections += 1;
            if wire.abilities.plain {
                // The server was told to end the connection before.
                self.ended.insert(wire.connection);
            }
            let clock = self.servers[wire.node].wall_micros(at);
            let (client, node) = (wire.client, wire.node);
            let stands = self.stands(at, client, node);
            let wire = &mut self.wires[index];
            wire.connect(at, self.connections, clock, stands);
            let numbers = [wire.client as u64, wire.node as u64, wire.epoch];
            self.trace.note(at, "connect", &numbers, String::new);
            self.send_waiting(at, index);
            return;
        }
        if health == Health::Down && !frozen {
            let fault = Fault::refused(FaultClass::Unreachable, "connection refused");
            wire.resting = Some(fault.clone());
            wire.refuse_waiting(&fault, &mut self.told);
            wire.set_link(Link::Down(fault));
        }
        self.calendar
            .enter(at + REDIAL_MICROS, Event::Dial { wire: index });
    }

    /// What a new connection's greeting tells: which run of the server it is, and where it stands.
    fn stands(&mut self, at: u64, client: usize, node: usize) -> (u64, Standing) {
        let run = self.servers[node].run_number();
        let Some(terms) = self.plan.guard(client) else {
            return (run, Standing::Unasked);
        };
        let mark = terms.mark(
            MarkWord::Look,
            &SeededEntropy::new(Rng::stream(self.rng.draw(), 8)),
        );
        let wall = self.paces[client].wall_micros(at);
        (run, self.servers[node].mark(at, &mark, wall))
    }

    /// Refuses those who waited for a connection until their time was up.
    pub(crate) fn refuse_late(&mut self, index: usize) {
        let wire = &mut self.wires[index];
        if self.processes[wire.client].is_frozen() {
            return;
        }
        let now = Instant::now();
        for _ in 0..wire.waiting.len() {
            let Some(submission) = wire.waiting.pop_front() else {
                break;
            };
            if submission.connect_by <= now {
                let fault = Fault::refused(FaultClass::Timeout, "no connection in time");
                self.told.push((submission.answer, Err(fault)));
            } else {
                wire.waiting.push_back(submission);
            }
        }
    }

    /// Sees to it that those who wait are refused when their time is up.
    pub(crate) fn refuse_in_time(&mut self, at: u64, index: usize) {
        let now = Instant::now();
        for submission in &self.wires[index].waiting {
            let left = micros(submission.connect_by.saturating_duration_since(now));
            self.calendar
                .enter(at + left, Event::Refuse { wire: index });
        }
    }

    /// Gives a connection up whose server has not answered for long.
    pub(crate) fn look_for_silence(&mut self, at: u64, index: usize, connection: u64) {
        let wire = &mut self.wires[index];
        if wire.connection != connection || !wire.is_up() {
            return;
        }
        let Some(first) = wire.unanswered.values().next() else {
            wire.is_watched = false;
            return;
        };
        let give_up =
            first.sent.max(wire.last_reply) + GIVE_UP_MIN_MICROS.max(4 * self.stall_after);
        if at >= give_up {
            self.break_wire(at, index, FaultClass::Disconnected);
        } else {
            let event = Event::Silence {
                wire: index,
                connection,
            };
            self.calendar.enter(give_up, event);
        }
    }

    /// Closes a client's way: what was sent is still answered, nothing new is taken.
    pub(crate) fn close_wire(&mut self, now: u64, index: usize) {
        let wire = &mut self.wires[index];
        if std::mem::replace(&mut wire.is_closed, true) {
            return;
        }
        let fault = Fault::refused(FaultClass::Closed, "the client was closed");
        wire.refuse_waiting(&fault, &mut self.told);
        if !wire.is_up() {
            wire.set_link(closed());
        } else if wire.unanswered.is_empty() {
            self.break_wire(now, index, FaultClass::Closed);
        } else {
            let connection = wire.connection;
            let at = now + micros(self.plan.settings(0).connect_timeout);
            let event = Event::Break {
                wire: index,
                connection,
                class: FaultClass::Closed,
            };
            self.calendar.enter(at, event);
        }
    }
}
