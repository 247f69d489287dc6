//! Who holds what: exclusion, the order of fencing tokens, and what becomes of a lease.

use std::sync::{Arc, Weak};

use quorlock::{Guard, Loss, Mode};

use crate::counts::Count;
use crate::judge::sharing::together;
use crate::judge::{Judge, Oracle};

/// A loss is signalled this soon after the deadline or the thaw: 50 ms, and the ticks of timers.
const SIGNAL_MICROS: u64 = 55_000;

/// One guard under watch.
pub(crate) struct Holder {
    pub(crate) number: u64,
    pub(crate) client: usize,
    /// What it holds, and its place among the holders of each; `None` where its validity was over
    /// before it was received.
    pub(crate) resources: Vec<(usize, Option<u64>)>,
    pub(crate) guard: Weak<Guard>,
    pub(crate) token: Option<u64>,
    /// Seen not held: when, and how long its process had run by then.
    ended: Option<(u64, u64)>,
    /// The holder gave it back, or is about to.
    is_given_up: bool,
    signals: u32,
}

impl Judge {
    /// A guard was received. Gives its number.
    pub(crate) fn acquired(
        &mut self,
        now: u64,
        (client, resources): (usize, &[usize]),
        guard: &Arc<Guard>,
    ) -> u64 {
        let number = self.number();
        let is_held = guard.is_held();
        let mode = guard.mode();
        let token = guard.fencing_token().map(|token| token.get());
        let first = resources.first().copied().unwrap_or(0);
        let numbers = [client as u64, first as u64, number, token.unwrap_or(0)];
        self.trace
            .note(now, "acquired", &numbers, || format!("{guard:?}"));
        let mut objection = None;
        let mut in_order = Vec::with_capacity(resources.len());
        for &resource in resources {
            if !is_held {
                in_order.push((resource, None));
                continue;
            }
            let log = &mut self.resources[resource];
            log.holders += 1;
            in_order.push((resource, Some(log.holders)));
            if log.last_client.replace(client) != Some(client) && log.holders > 1 {
                self.counts.add(Count::Passed);
            }
            match token {
                None if self.fenced => {
                    objection = Some("a lease without a fencing token".to_owned());
                }
                Some(token) if mode.is_some() => {
                    let larger = mode.and_then(|mode| log.shared.object_to(mode, token));
                    objection = larger.map(|last| {
                        let name = &log.name;
                        format!(
                            "{name}: client {client} got token {token} behind {last} ({mode:?})"
                        )
                    });
                }
                Some(token) if token <= log.last_token => {
                    let last = log.last_token;
                    objection = Some(format!(
                        "{}: client {client} got token {token}, an earlier holder had {last}",
                        log.name
                    ));
                }
                Some(token) => log.last_token = token,
                None => {}
            }
        }
        if let Some(what) = objection {
            self.object(now, Oracle::Fencing, what);
        }
        if !is_held && !self.closing.contains(&client) {
            let what = format!("client {client} was given a lock whose validity was over");
            self.object(now, Oracle::Honesty, what);
        }
        self.holders.push(Holder {
            number,
            client,
            resources: in_order,
            guard: Arc::downgrade(guard),
            // Of a read/write lock only writers write.
            token: token.filter(|_| mode.is_none_or(|mode| mode == Mode::Write)),
            ended: None,
            is_given_up: self.closing.contains(&client),
            signals: 0,
        });
        self.look_at_holders(now);
        number
    }

    /// A holder became a writer.
    pub(crate) fn upgraded(&mut self, now: u64, number: u64) {
        let Some(holder) = self.holder(number) else {
            return;
        };
        let client = holder.client;
        let Some(&(resource, _)) = holder.resources.first() else {
            return;
        };
        let guard = holder.guard.upgrade().filter(|guard| guard.is_held());
        let Some(guard) = guard else { return };
        let token = guard.fencing_token().map(|token| token.get());
        let log = &mut self.resources[resource];
        log.holders += 1;
        let order = log.holders;
        let larger = token.and_then(|token| log.shared.object_to(Mode::Write, token));
        let name = log.name.clone();
        if let Some(holder) = self.holder(number) {
            holder.resources = vec![(resource, Some(order))];
            holder.token = token;
        }
        if let Some(last) = larger {
            let what = format!("{name}: client {client} upgraded to {token:?} behind {last}");
            self.object(now, Oracle::Fencing, what);
        }
    }

    /// The holder is about to give its guard back, or could not after all.
    pub(crate) fn giving_up(&mut self, number: u64, is_given_up: bool) {
        let closing = self.closing.clone();
        if let Some(holder) = self.holder(number) {
            holder.is_given_up = is_given_up || closing.contains(&holder.client);
            holder.ended = None;
        }
    }

    /// Every guard of a client is about to end.
    pub(crate) fn closing(&mut self, client: usize) {
        self.closing.insert(client);
        for holder in &mut self.holders {
            holder.is_given_up |= holder.client == client;
        }
    }

    /// The loss of a lease was signalled.
    pub(crate) fn lost(&mut self, now: u64, number: u64, loss: Loss) {
        self.count(Count::Lost);
        self.trace
            .note(now, "lost", &[number], || format!("{loss:?}"));
        let Some(holder) = self.holder(number) else {
            return;
        };
        holder.signals += 1;
        let (client, signals) = (holder.client, holder.signals);
        let is_held = holder.guard.upgrade().is_some_and(|guard| guard.is_held());
        if signals > 1 {
            let what = format!("client {client} was told {signals} times of one loss");
            self.object(now, Oracle::Loss, what);
        }
        if is_held {
            let what = format!("client {client} holds what it was told to have lost");
            self.object(now, Oracle::Loss, what);
        }
    }

    /// Exclusion and losses, at this moment.
    pub(crate) fn look_at_holders(&mut self, now: u64) {
        let mut objections = Vec::new();
        let mut holding: Vec<Vec<(usize, Option<Mode>)>> = vec![Vec::new(); self.resources.len()];
        let processes = &self.processes;
        let resources = &self.resources;
        self.holders.retain_mut(|holder| {
            let Some(guard) = holder.guard.upgrade() else {
                return false;
            };
            let client = holder.client;
            let name = |resource: usize| &resources[resource].name;
            let first = holder.resources.first().map_or(0, |(first, _)| *first);
            if guard.is_held() {
                if holder.ended.is_some() {
                    let what = format!(
                        "{}: client {client} holds again what it had lost",
                        name(first)
                    );
                    objections.push((Oracle::Loss, what));
                }
                let mode = guard.mode();
                let may = |other: Option<Mode>| {
                    let both = mode.zip(other);
                    both.is_some_and(|(mode, other)| together(mode, other))
                };
                for &(resource, _) in &holder.resources {
                    let there = &mut holding[resource];
                    if let Some((other, how)) = there.iter().find(|(_, other)| !may(*other)) {
                        let name = name(resource);
                        let what = format!(
                            "{name}: clients {other} and {client} both hold it ({how:?}, {mode:?})"
                        );
                        objections.push((Oracle::Exclusion, what));
                    }
                    there.push((client, mode));
                }
                return true;
            }
            let run = processes[client].run_micros();
            let (ended, ended_run) = *holder.ended.get_or_insert((now, run));
            if !holder.is_given_up && holder.signals == 0 && run > ended_run + SIGNAL_MICROS {
                let what = format!(
                    "{}: client {client} was not told of a loss at {ended} µs, {} µs later",
                    name(first),
                    now - ended
                );
                objections.push((Oracle::Loss, what));
                return false;
            }
            true
        });
        let mut leading: Vec<Option<usize>> = vec![None; self.resources.len()];
        self.elections.retain(|(client, resource, election)| {
            let Some(election) = election.upgrade() else {
                return false;
            };
            if election.is_leader() {
                let other = leading[*resource].replace(*client);
                // Its own guard is one of the holders.
                let other = other.or(holding[*resource]
                    .first()
                    .map(|(holder, _)| *holder)
                    .filter(|holder| holder != client));
                if let Some(other) = other {
                    let name = &resources[*resource].name;
                    let what = format!("{name}: client {client} leads and so does client {other}");
                    objections.push((Oracle::Exclusion, what));
                }
            }
            true
        });
        for (oracle, what) in objections {
            self.object(now, oracle, what);
        }
    }

    pub(crate) fn holder(&mut self, number: u64) -> Option<&mut Holder> {
        self.holders
            .iter_mut()
            .find(|holder| holder.number == number)
    }
}
