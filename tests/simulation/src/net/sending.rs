//! How commands leave a client: at once, late, twice or never.

use std::sync::Arc;

use quorlock::testing::node::Submission;
use quorlock::testing::protocol::Request;
use quorlock::{Fault, FaultClass};

use crate::counts::Count;
use crate::net::calendar::{Arrival, Event};
use crate::net::wire::{Unanswered, is_given_up};
use crate::net::{GIVE_UP_MIN_MICROS, Net, micros};

impl Net {
    /// Submits a command: sends it, or lets it wait.
    pub(crate) fn submit(&mut self, now: u64, index: usize, submission: Submission) {
        let wire = &mut self.wires[index];
        if self.is_over || wire.is_closed {
            let fault = Fault::refused(FaultClass::Closed, "the client was closed");
            return self.told.push((submission.answer, Err(fault)));
        }
        let client = wire.client;
        let risk = self.plan.freeze_at_send_per_myriad;
        if !self.is_quiet && self.rng.rarely(risk) && client < self.plan.clients {
            // Between reading the clock and sending.
            let span = self.rng.within(self.plan.scenario.trouble_percent);
            let until = now + 1000 + micros(self.plan.ttl) * span / 100;
            self.freeze(client, until);
        }
        let wire = &mut self.wires[index];
        if self.processes[client].is_frozen() {
            wire.waiting.push_back(submission);
        } else if wire.is_up() {
            self.send(now, index, submission);
        } else if let Some(fault) = &wire.resting {
            self.told.push((submission.answer, Err(fault.clone())));
        } else {
            let by = submission.connect_by;
            let left = by.saturating_duration_since(tokio::time::Instant::now());
            wire.waiting.push_back(submission);
            self.calendar
                .enter(now + micros(left), Event::Refuse { wire: index });
        }
    }

    pub(crate) fn send_waiting(&mut self, now: u64, index: usize) {
        for submission in std::mem::take(&mut self.wires[index].waiting) {
            self.send(now, index, submission);
        }
    }

    fn send(&mut self, now: u64, index: usize, submission: Submission) {
        let wire = &mut self.wires[index];
        if is_given_up(&submission) {
            let fault = Fault::refused(FaultClass::Timeout, "given up before it was sent");
            return self.told.push((submission.answer, Err(fault)));
        }
        let stalled = !self.plan.hostile && wire.is_stalled(now, self.stall_after);
        if stalled && submission.command.leaves_state() {
            let fault = Fault::refused(FaultClass::Stalled, "an older command is unanswered");
            return self.told.push((submission.answer, Err(fault)));
        }
        self.requests += 1;
        let (request, command) = (self.requests, submission.command);
        self.counts.add(Count::Sent);
        let numbers = [wire.client as u64, wire.node as u64, request];
        self.trace
            .note(now, "send", &numbers, || format!("{command:?}"));
        let unanswered = Unanswered {
            answer: submission.answer,
            sent: now,
            ran: false,
        };
        wire.unanswered.insert(request, unanswered);
        if self.plan.hostile && !self.is_quiet {
            self.send_hostile(now, index, request, &command);
        } else {
            self.send_orderly(now, index, request, command);
        }
    }

    fn send_hostile(&mut self, now: u64, index: usize, request: u64, command: &Arc<Request>) {
        let copies = match self.rng.below(100) {
            0..4 => 0,
            4..16 => 2,
            _ => 1,
        };
        self.counts.add(match copies {
            0 => Count::Cut,
            1 => Count::Ran,
            _ => Count::Twice,
        });
        let wire = &self.wires[index];
        let (delay, connection, blocked) = (wire.delay, wire.connection, wire.blocked_until);
        for _ in 0..copies {
            let held_up = match self.rng.below(100) {
                0..6 => self.rng.below(2 * micros(self.plan.ttl)),
                6..20 => self.rng.below(self.stall_after),
                _ => 0,
            };
            let at = (now + self.rng.within(delay)).max(blocked) + held_up;
            let arrival = Arrival {
                wire: index,
                connection,
                request,
                sent: now,
                command: Arc::clone(command),
                late: true,
            };
            self.calendar.enter(at, Event::Arrive(arrival));
        }
    }

    fn send_orderly(&mut self, now: u64, index: usize, request: u64, command: Arc<Request>) {
        let is_lost = !self.is_quiet && self.rng.rarely(self.plan.drop_per_myriad);
        let wire = &mut self.wires[index];
        let connection = wire.connection;
        if is_lost && !wire.is_cut {
            wire.is_cut = true;
            self.counts.add(Count::Cut);
            let noticed = match self.rng.below(10) {
                0..7 => self.rng.within((500, 20_000)),
                _ => self.rng.within((500, 400_000)),
            };
            self.calendar.enter(
                now + noticed,
                Event::Break {
                    wire: index,
                    connection,
                    class: FaultClass::Disconnected,
                },
            );
        }
        if !wire.is_watched {
            wire.is_watched = true;
            let at = now + GIVE_UP_MIN_MICROS.max(4 * self.stall_after);
            self.calendar.enter(
                at,
                Event::Silence {
                    wire: index,
                    connection,
                },
            );
        }
        if wire.is_cut {
            wire.swallowed.push((request, now, command));
            return;
        }
        let at = now + self.rng.within(wire.delay);
        wire.arrives = at.max(wire.arrives).max(wire.blocked_until);
        let arrival = Arrival {
            wire: index,
            connection,
            request,
            sent: now,
            command,
            late: false,
        };
        self.calendar.enter(wire.arrives, Event::Arrive(arrival));
    }
}
