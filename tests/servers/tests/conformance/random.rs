//! Random steps from a seed.

use quorlock::testing::config::{FencingToken, Mode};
use quorlock::testing::protocol::{Claim, Command, Place, Release, Renewal, Spent, Wake};

use crate::step::*;

/// Names with and without a hash tag of their own, also as one lock, and a semaphore's slots.
const NAMES: [&str; 6] = [
    "door",
    "win{d}ow",
    "door+win{d}ow",
    "pool#3#1#1",
    "pool#3#2#2,0",
    "pool#3#2#0,1",
];
const OWNERS: u64 = 5;
const TOKEN_MAX: u64 = 3000;
const TICKETS: u64 = 3;

/// A source of steps.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed)
    }

    /// A few steps that belong together.
    pub(crate) fn steps(&mut self) -> Vec<Step> {
        let name = self.name();
        let (by, other) = (self.number(OWNERS), self.number(OWNERS));
        match self.below(100) {
            0..18 => vec![Step::Run(Command::Acquire(self.claim(name, by)))],
            18..42 => {
                let name = unpicked(name);
                vec![Step::Run(Command::Poll(self.claim(name, by), self.place()))]
            }
            42..46 => self.dying_waiter(unpicked(name)),
            46..49 => vec![leave(alone(unpicked(name)), self.place().waiter)],
            49..51 => vec![call(alone(unpicked(name)))],
            51..69 => vec![Step::Run(Command::Release(self.release(name, by)))],
            69..75 => {
                let leases = (0..self.number(3)).map(|_| self.renewal()).collect();
                let fill_in = self.one_in(2).then(|| self.ticket());
                vec![extend(leases, fill_in)]
            }
            75..80 => vec![Step::Run(Command::Raise {
                keys: keys(name),
                token: owner(by),
                to: self.number(TOKEN_MAX),
                past: self.one_in(2),
            })],
            80..86 => vec![Step::Run(Command::Adopt {
                claim: self.claim(name, by),
                from: owner(other),
                ticket: self.ticket(),
                seen_ms: LONG_MS,
            })],
            86..90 => vec![unadopt(name, by, other, self.mark_ms())],
            90..98 => vec![Step::Remove(self.key(name, by))],
            98 => {
                let (value, ttl_ms) =
                    [("uuid", None), ("41", None), ("q1.short", Some(LONG_MS))][self.below(3)];
                vec![Step::Set(self.key(name, by), value, ttl_ms)]
            }
            // Of several keys some are looked at before, and some are not.
            _ if keys(name).is_several() || keys(name).is_pool() => Vec::new(),
            _ => vec![Step::SetHash(self.key(name, by))],
        }
    }

    /// A step about a read/write lock.
    pub(crate) fn shared_step(&mut self) -> Step {
        let name = NAMES[self.below(2)];
        let (by, other) = (self.number(OWNERS), self.number(OWNERS));
        let mode = [Mode::Read, Mode::Read, Mode::Upgradeable, Mode::Write][self.below(4)];
        let op = if self.one_in(3) { self.number(4) } else { 1 };
        let step = match self.below(100) {
            0..22 => Step::Run(Command::Acquire(self.claim(name, by))),
            22..42 => Step::Run(Command::Poll(self.claim(name, by), self.place())),
            42..46 => leave(name, self.place().waiter),
            46..66 => Step::Run(Command::Release(self.release(name, by))),
            66..74 => {
                // Of one name each: a read/write lock is none of several.
                let leases = (0..self.number(3)).map(|_| Renewal {
                    ttl: self.ttl(),
                    fence: self.fence(),
                    ..renewal(NAMES[self.below(2)], self.number(OWNERS))
                });
                let leases = leases.collect();
                let fill_in = self.one_in(2).then(|| self.ticket());
                extend(leases, fill_in)
            }
            74..79 => {
                let beat_ms = if self.one_in(3) { 0 } else { LONG_MS };
                return intend(name, self.place().waiter, self.one_in(4), beat_ms);
            }
            79..86 => return shift(name, by, mode, op, self.one_in(2)),
            86..90 => raise(name, by, self.number(TOKEN_MAX)),
            90..95 => Step::Run(Command::Adopt {
                claim: self.claim(name, by),
                from: owner(other),
                ticket: self.ticket(),
                seen_ms: LONG_MS,
            }),
            95..98 => unadopt(name, by, other, self.mark_ms()),
            _ => return Step::Remove(keys(name).tombstone(&owner(by))),
        };
        shared(mode, op, step)
    }

    /// A waiter whose beat ends at once, and one behind whom nobody has to hurry: a queue is kept
    /// for a second after the last beat, which on a busy machine is not long.
    fn dying_waiter(&mut self, name: &str) -> Vec<Step> {
        let dying = Place {
            beat_ms: 0,
            ..self.place()
        };
        vec![
            poll(name, self.number(OWNERS), dying),
            poll(
                name,
                self.number(OWNERS),
                Place {
                    beat_ms: LONG_MS,
                    ..self.place()
                },
            ),
        ]
    }

    fn claim(&mut self, name: &str, by: u64) -> Claim {
        let proposal = match self.below(6) {
            0 => None,
            1 => Some(self.number(TOKEN_MAX)),
            _ => Some(1),
        };
        Claim {
            ttl: self.ttl(),
            proposal,
            heed_queue: !self.one_in(4),
            ..claim(name, by)
        }
    }

    fn place(&mut self) -> Place {
        let client = ["a", "b", "gone"][self.below(3)];
        let score = match self.below(6) {
            0 => Some(OWN_SCORE),
            1 => Some(self.number(3)),
            _ => None,
        };
        // 9 and 10: names are ordered as text.
        Place {
            score,
            at: self.below(2),
            ..place(client, 8 + self.number(2))
        }
    }

    fn release(&mut self, name: &'static str, by: u64) -> Release {
        Release {
            fence: self.fence(),
            tomb_ms: self.mark_ms(),
            spent: self.one_in(6).then(|| Spent {
                ticket: self.ticket(),
                from: owner(self.number(OWNERS)),
                retention_ms: self.mark_ms(),
            }),
            wake: [Wake::Nobody, Wake::First, Wake::Look][self.below(3)],
            put_back: self.one_in(4).then(|| self.place()),
            ..giving_back(if self.one_in(4) { unpicked(name) } else { name }, by)
        }
    }

    fn renewal(&mut self) -> Renewal {
        let name = self.name();
        Renewal {
            ttl: self.ttl(),
            fence: self.fence(),
            ..renewal(name, self.number(OWNERS))
        }
    }

    /// Any key of the resource.
    fn key(&mut self, name: &str, by: u64) -> String {
        let keys = keys(name);
        match self.below(7) {
            0 => keys.fence(),
            1 => keys.queue(),
            2 => keys.tombstone(&owner(by)),
            3 => keys.spent(&self.ticket()),
            _ => keys.lock().to_owned(),
        }
    }

    fn name(&mut self) -> &'static str {
        NAMES[self.below(NAMES.len())]
    }

    fn fence(&mut self) -> Option<FencingToken> {
        self.one_in(3).then(|| token(self.number(TOKEN_MAX)))
    }

    fn ticket(&mut self) -> quorlock::testing::config::TicketId {
        ticket(u8::try_from(self.number(TICKETS)).expect("few"))
    }

    fn ttl(&mut self) -> quorlock::testing::config::Ttl {
        // Far enough apart to show which one counts.
        ttl([LONG_MS, 2 * LONG_MS, 4 * LONG_MS][self.below(3)])
    }

    fn mark_ms(&mut self) -> u64 {
        if self.one_in(5) { LONG_MS } else { 0 }
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.number(chances) == 1
    }

    /// From 1 to `max`.
    fn number(&mut self, max: u64) -> u64 {
        1 + self.next() % max
    }

    fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
}

/// The semaphore before its home has picked slots; other names as they are.
fn unpicked(name: &'static str) -> &'static str {
    match name {
        "pool#3#1#1" => "pool#3#1",
        "pool#3#2#2,0" | "pool#3#2#0,1" => "pool#3#2",
        name => name,
    }
}

/// One of several names: a waiter stands in one queue at a time.
fn alone(name: &'static str) -> &'static str {
    if name == "door+win{d}ow" {
        "door"
    } else {
        name
    }
}
