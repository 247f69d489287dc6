//! Runs every step on every target and compares.

use std::collections::BTreeMap;

use quorlock::FaultClass;
use quorlock::testing::config::Keys;
use quorlock::testing::protocol::{Abilities, Command, Place, Reply, WaiterId};
use quorlock_test_support::ServerKind;

use crate::step::{OWN_SCORE, PREFIX, Step};
use crate::target::{Memory, Real, Target};

/// Machines may be busy; two ttls further apart than this differ in meaning.
const TTL_SLACK_MS: u64 = 5_000;

/// Scores above are readings of a clock.
const CLOCK_SCORE_MIN: u64 = 1_000_000_000_000;

/// How many steps a failure shows.
const SHOWN: usize = 15;

pub(crate) const ABLE: Abilities = Abilities {
    scripts: true,
    time: true,
    fencing: true,
    queue: true,
    wake: true,
    plain: false,
    compare_delete: None,
};

/// The store and the servers, in the same state as long as they agree.
pub(crate) struct Rig {
    targets: Vec<Seat>,
    title: String,
    steps: Vec<String>,
}

struct Seat {
    target: Box<dyn Target>,
    /// The score each waiter was told last.
    scores: BTreeMap<(String, WaiterId), u64>,
}

/// What is compared, without what depends on the time of day.
#[derive(Debug, PartialEq)]
struct Sight {
    reply: Result<Reply, (FaultClass, bool)>,
    woken: Vec<u64>,
    /// Waiters in the order of their scores, and what `inspect` shows.
    order: Vec<(String, WaiterId)>,
    view: Option<Result<Reply, (FaultClass, bool)>>,
}

impl Rig {
    pub(crate) fn new(title: impl Into<String>, abilities: Abilities) -> Self {
        let memory: Box<dyn Target> = Box::new(Memory::new(abilities));
        // The oldest has no words for a plain claim.
        let kinds = ServerKind::ALL.into_iter();
        let kinds = kinds.filter(|kind| !abilities.plain || *kind != ServerKind::Redis62);
        let servers =
            kinds.map(|kind| Box::new(Real::start(kind, abilities, PREFIX)) as Box<dyn Target>);
        let seats = [memory].into_iter().chain(servers).map(|target| Seat {
            target,
            scores: BTreeMap::new(),
        });
        Rig {
            targets: seats.collect(),
            title: title.into(),
            steps: Vec::new(),
        }
    }

    pub(crate) fn run(&mut self, steps: impl IntoIterator<Item = Step>) {
        for step in steps {
            self.step(&step);
        }
    }

    /// Does one step everywhere and gives what the store answered.
    pub(crate) fn step(&mut self, step: &Step) -> Option<Reply> {
        self.steps.push(format!("{step:?}"));
        let mut seen = self
            .targets
            .iter_mut()
            .map(|seat| seat.step(step))
            .collect::<Vec<_>>()
            .into_iter();
        let (memory, memory_ttls) = seen.next()?;
        for (index, (server, ttls)) in seen.enumerate() {
            let close = memory_ttls.len() == ttls.len()
                && memory_ttls.iter().zip(&ttls).all(|(a, b)| near(*a, *b));
            if server != memory || !close {
                let last = self.steps.len().saturating_sub(SHOWN);
                panic!(
                    "{}, step {}: \n  {}\nmemory: {memory:?} {memory_ttls:?}\n{}: {server:?} {ttls:?}",
                    self.title,
                    self.steps.len(),
                    self.steps[last..].join("\n  "),
                    self.targets[index + 1].target.name(),
                );
            }
        }
        memory.reply.ok()
    }

    /// Runs a command everywhere, for answers that a test compares by itself.
    pub(crate) fn answers(&mut self, command: &Command) -> Vec<(String, Reply)> {
        let run = |seat: &mut Seat| {
            let name = seat.target.name();
            let reply = seat.target.run(command).result;
            (
                name.clone(),
                reply.unwrap_or_else(|fault| panic!("{name}: {fault}")),
            )
        };
        self.targets.iter_mut().map(run).collect()
    }
}

impl Seat {
    fn step(&mut self, step: &Step) -> (Sight, Vec<Option<u64>>) {
        let target = &mut self.target;
        let mut sight = Sight {
            reply: Ok(Reply::Left(false)),
            woken: Vec::new(),
            order: Vec::new(),
            view: None,
        };
        let mut ttls = Vec::new();
        match step {
            Step::Set(key, value, ttl_ms) => target.set(key, value, *ttl_ms),
            Step::SetHash(key) => target.set_hash(key),
            Step::Remove(key) => target.remove(key),
            Step::Run(command) => {
                let command = self.with_own_scores(command);
                let said = self.target.run(&command);
                sight.woken = said.woken;
                if let Ok(reply) = &said.result {
                    self.learn(&command, reply);
                }
                sight.reply = said
                    .result
                    .map_err(|fault| (fault.class, fault.may_have_run));
                ttls.extend(sight.reply.as_mut().ok().map(blur));
                if let Some(keys) = keys_of(&command) {
                    let keys = keys.clone();
                    let look = if command.is_shared() {
                        Command::Sharers { keys }
                    } else {
                        Command::Inspect { keys }
                    };
                    let view = self.target.run(&look).result;
                    let mut view = view.map_err(|fault| (fault.class, fault.may_have_run));
                    ttls.extend(view.as_mut().ok().map(blur));
                    sight.view = Some(view);
                }
            }
        }
        let mut order: Vec<_> = self
            .scores
            .iter()
            .map(|(who, score)| (score, who))
            .collect();
        order.sort();
        sight.order = order.into_iter().map(|(_, who)| who.clone()).collect();
        (sight, ttls)
    }

    /// The command with the scores that this very target told.
    fn with_own_scores(&self, command: &Command) -> Command {
        let mut command = command.clone();
        let inner = match &mut command {
            Command::Shared(_, inner) => &mut **inner,
            command => command,
        };
        let place = match inner {
            Command::Poll(claim, place) => Some((&claim.keys, place)),
            Command::Release(release) => release
                .put_back
                .as_mut()
                .map(|place| (&release.keys, place)),
            _ => None,
        };
        if let Some((
            keys,
            Place {
                waiter,
                score: score @ Some(OWN_SCORE),
                ..
            },
        )) = place
        {
            *score = self.scores.get(&(keys.queue(), waiter.clone())).copied();
        }
        command
    }

    fn learn(&mut self, command: &Command, reply: &Reply) {
        let score = match reply {
            Reply::Granted(grant) => grant.score,
            Reply::Refused(refusal) => refusal.score,
            _ => None,
        };
        let command = match command {
            Command::Shared(_, inner) => inner,
            command => command,
        };
        if let (Command::Poll(claim, place), Some(score)) = (command, score) {
            self.scores
                .insert((claim.keys.queue(), place.waiter.clone()), score);
        }
    }
}

fn keys_of(command: &Command) -> Option<&Keys> {
    match command {
        Command::Acquire(claim) | Command::Poll(claim, _) | Command::Adopt { claim, .. } => {
            Some(&claim.keys)
        }
        Command::Release(release) => Some(&release.keys),
        Command::Extend { leases, .. } => leases.first().map(|lease| &lease.keys),
        Command::Leave { keys, .. }
        | Command::Call { keys }
        | Command::Raise { keys, .. }
        | Command::Unadopt { keys, .. }
        | Command::Recall { keys }
        | Command::Remember { keys, .. } => Some(keys),
        Command::Shared(_, inner) => keys_of(inner),
        Command::Intend { keys, .. } | Command::Shift { keys, .. } => Some(keys),
        Command::Inspect { .. } | Command::Sharers { .. } | Command::Facts | Command::Mark(_) => {
            None
        }
    }
}

/// Takes the ttl out of a reply, and makes all scores by the clock one.
fn blur(reply: &mut Reply) -> Option<u64> {
    let by_clock = |score: &mut Option<u64>| {
        if score.is_some_and(|score| score >= CLOCK_SCORE_MIN) {
            *score = Some(CLOCK_SCORE_MIN);
        }
    };
    match reply {
        Reply::Granted(grant) => {
            by_clock(&mut grant.score);
            None
        }
        Reply::Refused(refusal) => {
            by_clock(&mut refusal.score);
            refusal.ttl_ms.take()
        }
        Reply::View(view) => {
            let slots = view.slots.iter_mut().map(|slot| slot.ttl_ms.take());
            slots.flatten().max().or(view.ttl_ms.take())
        }
        Reply::Recalled(Some(left_ms)) => Some(std::mem::take(left_ms)),
        Reply::Marker(marker) => Some(std::mem::take(&mut marker.left_ms)),
        Reply::Sharers(sharers) => {
            let sum = sharers.held.iter().map(|sharer| sharer.ttl_ms).sum();
            for sharer in &mut sharers.held {
                sharer.ttl_ms = 0;
            }
            // Readers' times may be the same microsecond here and not there.
            sharers
                .held
                .sort_by(|one, other| one.owner.cmp(&other.owner));
            Some(sum)
        }
        _ => None,
    }
}

fn near(one: Option<u64>, other: Option<u64>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.abs_diff(other) <= TTL_SLACK_MS,
        (None, None) => true,
        _ => false,
    }
}
