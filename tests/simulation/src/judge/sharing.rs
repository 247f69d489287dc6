//! Read/write locks: who may be inside together, the order of tokens by mode, and whose turn it is.

use std::collections::BTreeMap;

use quorlock::Mode;

use crate::judge::{Judge, Oracle};

/// A writer that has waited for so long has made its intent known on every node, where nothing
/// fails; and a reader that came so long after a writer left has seen it.
const KNOWN_MICROS: u64 = 100_000;

/// Writers that may come in before a reader that waits: the one that is inside, the one that kept it
/// out, and one upgrade between.
const PASSES_MAX: u32 = 3;

/// Readers that may come in though a writer's intent is known. Through the home nobody does; a home that
/// changes, because an upgrade is not known there, does not know the intent of others yet.
const READERS_MAX: u32 = 6;

/// One read/write lock, as the oracles know it.
#[derive(Default)]
pub(crate) struct Shared {
    /// The largest token of a holder in each mode so far.
    tokens: BTreeMap<Mode, u64>,
    /// Calls that wait for it.
    wants: BTreeMap<u64, Want>,
    /// When a writer was last seen to be done.
    written: u64,
}

struct Want {
    client: usize,
    mode: Mode,
    since: u64,
    /// Writers that came in meanwhile, where it waits to read; readers that came in though they came
    /// when its intent was known, where it waits to write.
    passes: u32,
}

/// True where two may hold the lock in these modes at the same time.
pub(crate) fn together(one: Mode, other: Mode) -> bool {
    matches!(
        (one, other),
        (Mode::Read, Mode::Read | Mode::Upgradeable) | (Mode::Upgradeable, Mode::Read)
    )
}

impl Shared {
    /// What is wrong with `token` in `mode`: later holders have larger ones, and readers hold at the
    /// same time as others that are no writers.
    pub(crate) fn object_to(&mut self, mode: Mode, token: u64) -> Option<u64> {
        let earlier = self
            .tokens
            .iter()
            .filter(|(other, _)| !together(mode, **other));
        let largest = earlier.map(|(_, token)| *token).max().unwrap_or(0);
        let last = self.tokens.entry(mode).or_default();
        *last = token.max(*last);
        (token <= largest).then_some(largest)
    }
}

impl Judge {
    /// A call of a client waits for a lock in `mode`.
    pub(crate) fn wants(
        &mut self,
        now: u64,
        (client, resource): (usize, usize),
        mode: Mode,
    ) -> u64 {
        let number = self.number();
        let want = Want {
            client,
            mode,
            since: now,
            passes: 0,
        };
        self.resources[resource].shared.wants.insert(number, want);
        number
    }

    /// The call has ended; `got` where it has the lock. `calm`: nothing fails, so that turns are kept.
    pub(crate) fn wanted(
        &mut self,
        now: u64,
        (resource, number): (usize, u64),
        got: bool,
        calm: bool,
    ) {
        let log = &mut self.resources[resource];
        let shared = &mut log.shared;
        let Some(want) = shared.wants.remove(&number) else {
            return;
        };
        if !got {
            return;
        }
        let mut objection = None;
        if want.mode == Mode::Write {
            for other in shared.wants.values_mut() {
                let waits = other.mode == Mode::Read && now > other.since + KNOWN_MICROS;
                other.passes += u32::from(waits);
            }
        } else if want.mode == Mode::Read {
            let came = want.since;
            let quiet = shared.written + KNOWN_MICROS <= came;
            // Of a client's writers and upgradeables one talks to the nodes, the others stand behind.
            let mut first: BTreeMap<usize, u64> = BTreeMap::new();
            for other in shared
                .wants
                .values()
                .filter(|other| other.mode != Mode::Read)
            {
                let since = first.entry(other.client).or_insert(other.since);
                *since = other.since.min(*since);
            }
            for other in shared.wants.values_mut() {
                let is_first = first.get(&other.client) == Some(&other.since);
                let is_known = is_first && other.since + KNOWN_MICROS <= came;
                if other.mode == Mode::Write && is_known && quiet {
                    other.passes += 1;
                    if other.passes > READERS_MAX {
                        let (passes, since) = (other.passes, other.since);
                        objection = Some(format!(
                            "{}: {passes} readers went before a writer of {since} µs",
                            log.name
                        ));
                    }
                }
            }
            if want.passes > PASSES_MAX {
                let passes = want.passes;
                objection = Some(format!(
                    "{}: {passes} writers went before a reader of {came} µs",
                    log.name
                ));
            }
        }
        if let Some(what) = objection.filter(|_| calm) {
            self.object(now, Oracle::Turns, what);
        }
    }

    /// A writer is done, or no writer any more.
    pub(crate) fn written(&mut self, now: u64, resource: usize) {
        self.resources[resource].shared.written = now;
    }
}
