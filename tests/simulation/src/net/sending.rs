//! How commands leave a client: at once, late, twice or never.

use quorlock::testing::config::PlantedBug;
use quorlock::testing::node::{ClaimLine, Submission};
use quorlock::testing::protocol::{Abilities, Command};
use quorlock::{Fault, FaultClass};

use crate::counts::Count;
use crate::net::calendar::{Arrival, Event};
use crate::net::wire::{Unanswered, is_given_up};
use crate::net::{GIVE_UP_MIN_MICROS, Net, micros};
use crate::rng::Rng;

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
        let counts = self.bug == Some(PlantedBug::GuardedAnswersCount);
        if let Some(fault) = wire
            .standing
            .refusal(&submission.command)
            .filter(|_| !counts)
        {
            self.counts.add(Count::Guarded);
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
            can: wire.abilities_for(&command),
            ran: None,
            said: Vec::new(),
        };
        let arrival = Arrival {
            wire: index,
            connection: wire.connection,
            run: wire.run,
            request,
            sent: now,
            command,
            copy: 0,
            line: None,
            late: false,
        };
        let lines = self.lines_of(&arrival.command, &unanswered.can);
        self.wires[index].unanswered.insert(request, unanswered);
        if self.plan.hostile && !self.is_quiet {
            self.send_hostile(now, &arrival, &lines);
        } else {
            self.send_orderly(now, &arrival, &lines);
        }
    }

    /// The lines of a claim in plain words; nothing where a command is one for the server, too.
    fn lines_of(&self, command: &Command, can: &Abilities) -> Vec<ClaimLine> {
        let Command::Acquire(claim) = command else {
            return Vec::new();
        };
        if !claim.is_plain(can) {
            return Vec::new();
        }
        let mut lines = vec![ClaimLine::Set];
        let first = self.bug == Some(PlantedBug::CountBeforeSet);
        if claim.proposal.is_some() && can.fencing {
            lines.insert(usize::from(!first), ClaimLine::Count);
        }
        lines.extend((claim.heed_queue && can.queue).then_some(ClaimLine::Queue));
        lines
    }

    fn send_hostile(&mut self, now: u64, arrival: &Arrival, lines: &[ClaimLine]) {
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
        let wire = &self.wires[arrival.wire];
        let (delay, blocked) = (wire.delay, wire.blocked_until);
        let (ttl, stall_after) = (micros(self.plan.ttl), self.stall_after);
        for copy in 0..copies {
            let mut held_up = |rng: &mut Rng| match rng.below(100) {
                0..6 => rng.below(2 * ttl),
                6..20 => rng.below(stall_after),
                _ => 0,
            };
            let at = (now + self.rng.within(delay)).max(blocked) + held_up(&mut self.rng);
            let arrival = Arrival {
                copy,
                late: true,
                ..arrival.clone()
            };
            self.enter_lines(at, &arrival, lines, &mut held_up);
        }
    }

    /// Enters a command, or each of its lines behind the one before. Gives when the last arrives.
    fn enter_lines(
        &mut self,
        mut at: u64,
        arrival: &Arrival,
        lines: &[ClaimLine],
        held_up: &mut dyn FnMut(&mut Rng) -> u64,
    ) -> u64 {
        if lines.is_empty() {
            self.calendar.enter(at, Event::Arrive(arrival.clone()));
        }
        for (index, &line) in lines.iter().enumerate() {
            // Most often they travel together.
            if index > 0 && self.rng.chance(150) {
                at += held_up(&mut self.rng);
            }
            let arrival = Arrival {
                line: Some(line),
                ..arrival.clone()
            };
            self.calendar.enter(at, Event::Arrive(arrival));
        }
        at
    }

    fn send_orderly(&mut self, now: u64, arrival: &Arrival, lines: &[ClaimLine]) {
        let (index, connection) = (arrival.wire, arrival.connection);
        let is_lost = !self.is_quiet && self.rng.rarely(self.plan.drop_per_myriad);
        let wire = &mut self.wires[index];
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
            let late = |line| Arrival {
                line,
                late: true,
                ..arrival.clone()
            };
            if lines.is_empty() {
                wire.swallowed.push(late(None));
            }
            wire.swallowed
                .extend(lines.iter().map(|&line| late(Some(line))));
            return;
        }
        let delay = wire.delay;
        let at = now + self.rng.within(delay);
        let at = at.max(wire.arrives).max(wire.blocked_until);
        let end = self.enter_lines(at, arrival, lines, &mut |rng| rng.within(delay));
        self.wires[index].arrives = end;
    }
}
