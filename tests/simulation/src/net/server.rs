//! One simulated server: the engine's own model of the scripts behind a clock that drifts.

use std::borrow::Cow;
use std::sync::Arc;

use quorlock::Fault;
use quorlock::testing::config::{OwnerToken, Planted, PlantedBug, Ttl};
use quorlock::testing::node::{ClaimLine, LiveLock, MemoryStore, ServerTime, Standing};
use quorlock::testing::protocol::{Claim, ClientId, Command, Mark, MarkWord, Raw, Release, Reply};

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

/// What a server has left when it comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// All of it.
    All,
    /// What it had when it last saved.
    Saved,
    /// Nothing.
    Nothing,
}

pub(crate) struct Server {
    pub(crate) pace: Arc<Pace>,
    pub(crate) health: Health,
    /// What arrived while it hung.
    pub(crate) inbox: Vec<Arrival>,
    store: MemoryStore,
    /// What was on its disk when it last saved.
    saved: MemoryStore,
    /// Counts its runs.
    run: u64,
    /// True where it keeps all that it acknowledged.
    keeps: bool,
    bug: Option<PlantedBug>,
}

impl Server {
    pub(crate) fn new(pace: Arc<Pace>, keeps: bool, bug: Option<PlantedBug>) -> Self {
        let planted = bug.map_or_else(Planted::default, Planted::one);
        Server {
            pace,
            health: Health::Up,
            inbox: Vec::new(),
            store: MemoryStore::planted(planted.clone()),
            saved: MemoryStore::planted(planted),
            run: 0,
            keeps,
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

    /// Writes its data to its disk.
    pub(crate) fn save(&mut self) {
        self.saved = self.store.clone();
    }

    /// Goes on as another run of the server, with what it kept.
    pub(crate) fn restart(&mut self, kept: Kept) {
        self.run += 1;
        match kept {
            Kept::All => {}
            Kept::Saved => self.store = self.saved.clone(),
            Kept::Nothing => {
                self.store.wipe();
                self.saved.wipe();
            }
        }
    }

    /// Keeps the marker for a client whose calendar shows `wall_micros`. Gives where the node stands.
    pub(crate) fn mark(&mut self, at: u64, mark: &Mark, wall_micros: u64) -> Standing {
        let run = self.run;
        let told = self.run_mark(at, mark, run, wall_micros);
        match told {
            Ok(Reply::Marker(marker)) => Standing::Marked(Arc::from(marker)),
            _ => Standing::Unasked,
        }
    }

    /// Runs a mark of a connection that was made to the run numbered `run`.
    pub(crate) fn run_mark(
        &mut self,
        at: u64,
        mark: &Mark,
        run: u64,
        wall_micros: u64,
    ) -> Result<Reply, Fault> {
        let mut now = self.pace.server_time(at);
        if self.bug == Some(PlantedBug::GuardByClientClock) {
            let ahead = i64::try_from(wall_micros).unwrap_or(0)
                - i64::try_from(now.wall_micros).unwrap_or(0);
            now.elapsed_micros = now.elapsed_micros.saturating_add_signed(ahead);
        }
        let knows = self.bug != Some(PlantedBug::MarkerOfAnyRun);
        let mark = Mark {
            run: knows.then(|| run.to_string().into()),
            keeps: Some(self.keeps),
            ..mark.clone()
        };
        self.store
            .apply(now, &Command::Mark(mark), &mut |_, _| true)
    }

    /// Which run of the server this is.
    pub(crate) fn run_number(&self) -> u64 {
        self.run
    }

    /// True where it remembers that the cluster was in use.
    pub(crate) fn remembers(&self, at: u64, key: &str) -> bool {
        let mut look = self.store.clone();
        let mark = Mark {
            key: key.into(),
            word: MarkWord::Look,
            ttl_max: Ttl::MIN,
            fresh_id: String::new(),
            run: None,
            keeps: None,
        };
        let told = look.apply(
            self.pace.server_time(at),
            &Command::Mark(mark),
            &mut |_, _| true,
        );
        matches!(told, Ok(Reply::Marker(marker)) if !marker.state.is_blank())
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
