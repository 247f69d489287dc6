//! One simulated server: the engine's own model of the scripts behind a clock that drifts.

use std::borrow::Cow;
use std::sync::Arc;

use quorlock::Fault;
use quorlock::testing::config::{OwnerToken, PlantedBug};
use quorlock::testing::node::{ClaimLine, LiveLock, MemoryStore, ServerTime};
use quorlock::testing::protocol::{Claim, ClientId, Command, Raw, Release, Reply};

use crate::clock::Pace;
use crate::net::calendar::Arrival;

/// Whether a server serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// It serves.
    Up,
    /// It is stopped: what arrives waits.
    Hung,
    /// It is not there: what arrives is lost.
    Down,
}

pub(crate) struct Server {
    pub(crate) pace: Arc<Pace>,
    pub(crate) health: Health,
    /// What arrived while it hung.
    pub(crate) inbox: Vec<Arrival>,
    store: MemoryStore,
    bug: Option<PlantedBug>,
}

impl Server {
    pub(crate) fn new(pace: Arc<Pace>, bug: Option<PlantedBug>) -> Self {
        Server {
            pace,
            health: Health::Up,
            inbox: Vec::new(),
            store: MemoryStore::new(),
            bug,
        }
    }

    /// Runs a command at `at`; wake-ups go to `listeners`.
    pub(crate) fn run(
        &mut self,
        at: u64,
        command: &Command,
        listeners: &mut dyn FnMut(&ClientId, u64) -> bool,
    ) -> Result<Reply, Fault> {
        let now = self.pace.server_time(at);
        let command = self.corrupted(now, command);
        self.store.apply(now, &command, listeners)
    }

    /// Runs one line of a claim in plain words.
    pub(crate) fn run_line(&mut self, at: u64, claim: &Claim, line: ClaimLine) -> Raw {
        self.store.run_line(self.pace.server_time(at), claim, line)
    }

    /// What the calendar says.
    pub(crate) fn wall_micros(&self, at: u64) -> u64 {
        self.pace.server_time(at).wall_micros
    }

    /// Loses all data.
    pub(crate) fn wipe(&mut self) {
        self.store.wipe();
    }

    /// The lock keys that live.
    pub(crate) fn locks(&self, at: u64) -> Vec<LiveLock> {
        self.store.dump(self.pace.server_time(at))
    }

    /// The command as a client with one of the bugs that live in scripts would have sent it.
    fn corrupted<'a>(&mut self, now: ServerTime, command: &'a Command) -> Cow<'a, Command> {
        match (self.bug, command) {
            (Some(PlantedBug::PlainDelete), Command::Release(release)) => {
                match self.owner(now, command) {
                    Some(token) => Cow::Owned(Command::Release(Release {
                        token,
                        ..release.clone()
                    })),
                    None => Cow::Borrowed(command),
                }
            }
            (
                Some(PlantedBug::AdoptWithoutCompare),
                Command::Adopt {
                    claim,
                    from,
                    ticket,
                    seen_ms,
                },
            ) => Cow::Owned(Command::Adopt {
                claim: claim.clone(),
                from: self.owner(now, command).unwrap_or_else(|| from.clone()),
                ticket: ticket.clone(),
                seen_ms: *seen_ms,
            }),
            (Some(PlantedBug::ExtendBySet), Command::Extend { leases, .. }) => {
                for lease in leases {
                    let ttl_ms = Some(lease.ttl.as_millis());
                    self.store
                        .set_foreign(now, lease.keys.lock(), lease.token.as_bytes(), ttl_ms);
                }
                Cow::Borrowed(command)
            }
            _ => Cow::Borrowed(command),
        }
    }

    /// Who owns the key that `command` is about.
    fn owner(&mut self, now: ServerTime, command: &Command) -> Option<OwnerToken> {
        let keys = match command {
            Command::Release(release) => &release.keys,
            Command::Adopt { claim, .. } => &claim.keys,
            _ => return None,
        };
        let inspect = Command::Inspect { keys: keys.clone() };
        match self.store.apply(now, &inspect, &mut |_, _| true) {
            Ok(Reply::View(view)) => OwnerToken::parse(std::str::from_utf8(&view.value?).ok()?),
            _ => None,
        }
    }
}
