//! One run, drawn from a scenario by a seed.

use std::time::Duration;

use quorlock::testing::config::{PlantedBug, Settings, Ttl, marker_key};
use quorlock::testing::node::GuardTerms;
use quorlock::{Fencing, RestartGuard};

use crate::rng::Rng;
use crate::scenario::Scenario;

/// An assumption broken on purpose, which must cost mutual exclusion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breakage {
    /// Servers lose their data when they restart, and nothing guards against it.
    DataLoss,
    /// Servers' elapsed time jumps ahead.
    ClockStep,
    /// Clocks run apart by far more than the bound.
    Drift,
}

impl Breakage {
    /// All of them.
    pub const ALL: [Breakage; 3] = [Breakage::DataLoss, Breakage::ClockStep, Breakage::Drift];

    /// As the command line calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Breakage::DataLoss => "data-loss",
            Breakage::ClockStep => "clock-step",
            Breakage::Drift => "drift",
        }
    }

    /// A scenario in which it shows.
    pub fn scenario(self) -> Scenario {
        match self {
            Breakage::DataLoss => Scenario {
                unfenced: 1000,
                data_losses: (2, 8),
                unguarded: 1000,
                hold_ms: (100, 1000),
                ..Scenario::crowd()
            },
            Breakage::ClockStep => Scenario {
                unfenced: 1000,
                clock_jumps: (2, 8),
                hold_ms: (100, 1000),
                ..Scenario::crowd()
            },
            Breakage::Drift => Scenario {
                drift_ppm: 100_000,
                ..Scenario::drifting()
            },
        }
    }
}

/// What a run is made from.
#[derive(Debug, Clone)]
pub struct Order {
    /// The seed: the same order with the same seed gives the same run, bit for bit.
    pub seed: u64,
    /// What it draws from.
    pub scenario: Scenario,
    /// The bug planted in every client.
    pub bug: Option<PlantedBug>,
    /// True where every event is written out.
    pub verbose: bool,
}

/// The drawn facts of a run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Servers.
    pub nodes: usize,
    /// Clients, the one that looks after the run at the end not counted.
    pub clients: usize,
    /// Locks.
    pub resources: usize,
    /// Permits of the semaphore.
    pub permits: u32,
    /// How many each client believes there are: the same, mostly.
    pub limits: Vec<u32>,
    /// Calls of each user, and the user's client.
    pub users: Vec<(usize, u64)>,
    /// The ttl of every lease.
    pub ttl: Duration,
    /// How long a node may take to answer.
    pub node_timeout: Duration,
    /// No fault at all.
    pub calm: bool,
    /// Messages may be applied at any time, once, twice or never.
    pub hostile: bool,
    /// The locks are read/write locks.
    pub shared: bool,
    /// Messages in ten thousand that are lost.
    pub drop_per_myriad: u64,
    /// Commands in ten thousand before which the process freezes.
    pub freeze_at_send_per_myriad: u64,
    /// Whether leases carry fencing tokens.
    pub fencing: Fencing,
    /// When the faults stop.
    pub quiet_micros: u64,
    /// A client that closes in the middle, and when.
    pub closing: Option<(usize, u64)>,
    /// Servers keep all that they acknowledged.
    pub keeps: bool,
    /// Whether nodes that lost data are kept from voting.
    pub restart_guard: RestartGuard,
    /// The ttl of each client's leases, the one that looks after the run at its end included.
    pub ttls: Vec<Duration>,
    /// The rest is drawn as the run goes.
    pub scenario: Scenario,
}

/// The time a connection may take in every run.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(100);

impl Plan {
    /// Draws a run.
    pub fn draw(seed: u64, scenario: &Scenario) -> Self {
        let rng = &mut Rng::stream(seed, 1);
        let size = |rng: &mut Rng, span| usize::try_from(rng.within(span)).unwrap_or(1);
        let nodes = size(rng, scenario.nodes);
        let clients = size(rng, scenario.clients);
        let users = rng.within(scenario.users);
        let users: Vec<_> = (0..users)
            .map(|_| (rng.index(clients), rng.within(scenario.steps)))
            .collect();
        let ttl_ms = rng.within(scenario.ttl_ms);
        let calm = rng.chance(scenario.calm);
        let node_timeout_ms = if rng.chance(scenario.patient) && !calm {
            rng.within((ttl_ms / 4, ttl_ms))
        } else {
            (ttl_ms / 10).clamp(2, 50)
        };
        let steps = users.iter().map(|(_, steps)| *steps).max().unwrap_or(1);
        let quiet_ms = 100 + steps * rng.within((ttl_ms / 2, ttl_ms * 2)).min(1500);
        let closing = rng.chance(scenario.close) && !calm;
        let own = &mut Rng::stream(seed, 8);
        let permits = u32::try_from(own.within(scenario.permits)).unwrap_or(1);
        let limits = (0..=clients).map(|_| match own.chance(50) {
            true => permits.div_ceil(2),
            false => permits,
        });
        let limits = limits.collect();
        let apart = &mut Rng::stream(seed, 6);
        let unguarded = apart.chance(scenario.unguarded);
        let ttls = (0..=clients).map(|_| match apart.chance(scenario.short_ttl) {
            true => Duration::from_millis((ttl_ms / apart.within((2, 6))).max(20)),
            false => Duration::from_millis(ttl_ms),
        });
        let ttls = ttls.collect();
        Plan {
            nodes,
            clients,
            resources: size(rng, scenario.resources),
            permits,
            limits,
            users,
            ttl: Duration::from_millis(ttl_ms),
            node_timeout: Duration::from_millis(node_timeout_ms),
            calm,
            hostile: !calm && rng.chance(scenario.hostile),
            // A stream of its own: other runs stay what they are.
            shared: Rng::stream(seed, 9).chance(scenario.shared),
            drop_per_myriad: if calm {
                0
            } else {
                rng.within(scenario.drop_per_myriad)
            },
            freeze_at_send_per_myriad: if calm {
                0
            } else {
                rng.within(scenario.freeze_at_send_per_myriad)
            },
            fencing: if rng.chance(scenario.unfenced) {
                Fencing::Off
            } else {
                Fencing::Auto
            },
            quiet_micros: quiet_ms * 1000,
            closing: closing.then(|| (rng.index(clients), rng.below(quiet_ms * 1000))),
            keeps: scenario.data_losses.1 == 0 && scenario.tails.1 == 0,
            restart_guard: if unguarded {
                RestartGuard::Off
            } else {
                RestartGuard::Auto
            },
            ttls,
            scenario: scenario.clone(),
        }
    }

    /// What a client's connections begin with, where nodes are guarded.
    pub fn guard(&self, client: usize) -> Option<GuardTerms> {
        let is_on = self.restart_guard.is_on(self.nodes);
        // A ticket may be good for twice the ttl.
        let most = if self.scenario.hand_over > 0 {
            self.ttl * 2
        } else {
            self.ttls[client]
        };
        is_on.then(|| GuardTerms::new(marker_key(""), ttl_of(most)))
    }

    /// The settings of a client.
    pub fn settings(&self, client: usize) -> Settings {
        Settings {
            ttl: ttl_of(self.ttls[client]),
            restart_guard: self.restart_guard,
            node_timeout: Some(self.node_timeout),
            connect_timeout: CONNECT_TIMEOUT,
            fencing: self.fencing,
            ..Settings::default()
        }
    }

    /// How long a call may take beyond the time it was told to wait.
    pub fn call_slack(&self) -> Duration {
        // The clock's tick rounds every timer up.
        CONNECT_TIMEOUT + self.node_timeout * 2 + Duration::from_millis(5)
    }

    /// The longest anything may stay on a server after its last renewal: a ticket may be good for
    /// twice the ttl, and clocks drift.
    pub fn longest_life(&self) -> Duration {
        self.ttl * 2 + self.ttl / 5 + Duration::from_millis(5)
    }
}

fn ttl_of(span: Duration) -> Ttl {
    let ms = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    Ttl::from_millis(ms).unwrap_or(Ttl::MIN)
}
