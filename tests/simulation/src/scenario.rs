//! What a run may be drawn from: ranges and chances. Presets weigh them towards one kind of trouble.

use crate::rng::Span;

/// Ranges and chances; a seed draws a [`crate::plan::Plan`] from them. Chances are in thousandths
/// of runs or of a user's steps unless their name says otherwise.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Servers.
    pub nodes: Span,
    /// Clients.
    pub clients: Span,
    /// Locks.
    pub resources: Span,
    /// Steps that want several locks at once, where there are several.
    pub several: u64,
    /// Steps that want permits of the semaphore.
    pub semaphore: u64,
    /// How many permits there are.
    pub permits: Span,
    /// How many permits a step wants.
    pub weights: Span,
    /// Users over all clients, each calling one thing after the other.
    pub users: Span,
    /// Calls of each user.
    pub steps: Span,
    /// Time to live of leases, drawn once per run.
    pub ttl_ms: Span,
    /// How long `acquire` waits.
    pub wait_ms: Span,
    /// How long a holder works.
    pub hold_ms: Span,
    /// Pause of a user between calls.
    pub think_ms: Span,
    /// One way through the network.
    pub delay_micros: Span,
    /// Runs whose node timeout is not the default but up to the ttl.
    pub patient: u64,
    /// Runs without any fault.
    pub calm: u64,
    /// Runs whose network may do anything to any message.
    pub hostile: u64,
    /// Messages in ten thousand that are lost, which breaks the connection.
    pub drop_per_myriad: Span,
    /// Commands in ten thousand before whose sending the process is frozen.
    pub freeze_at_send_per_myriad: Span,
    /// Wake-ups that are lost.
    pub wake_loss: u64,
    /// Connections that break.
    pub breaks: Span,
    /// Servers that hang.
    pub hangs: Span,
    /// Servers that crash and come back with their data.
    pub crashes: Span,
    /// Processes that are frozen.
    pub freezes: Span,
    /// Processes that end without a word.
    pub deaths: Span,
    /// Clients cut off from some servers for a while.
    pub cuts: Span,
    /// Steps of clients' calendars.
    pub wall_steps: Span,
    /// How far a calendar is off or steps, either way.
    pub wall_ms: u64,
    /// How long such a trouble lasts, in hundredths of the ttl.
    pub trouble_percent: Span,
    /// How far clocks run from true time, in millionths either way.
    pub drift_ppm: u64,
    /// Wipes of one server at a moment when nobody holds or wants anything, which costs counters
    /// only.
    pub idle_wipes: Span,
    /// Restarts without data: what the restart guard is for.
    pub data_losses: Span,
    /// Data losses that strike another server at nearly the same time.
    pub twin_losses: u64,
    /// Restarts with what was saved, which is older than what was acknowledged.
    pub tails: Span,
    /// When servers save, how often.
    pub saves: Span,
    /// Runs without the restart guard.
    pub unguarded: u64,
    /// Clients whose leases are shorter than those of the others.
    pub short_ttl: u64,
    /// Jumps of servers' elapsed time: a broken assumption.
    pub clock_jumps: Span,
    /// Acquisitions that are not waited for.
    pub try_share: u64,
    /// Calls given up by dropping them.
    pub cancel: u64,
    /// Leases that are renewed.
    pub renew: u64,
    /// Leases renewed by hand as well.
    pub extend: u64,
    /// Holders that hand over.
    pub hand_over: u64,
    /// Deliveries of one ticket.
    pub deliveries: Span,
    /// Deliveries that come at nearly the same time.
    pub together: u64,
    /// Holders that drop their guard instead of releasing it.
    pub forget: u64,
    /// Holders that keep their guard until it is lost.
    pub overstay: u64,
    /// Holders that keep the guard for a while after they released it.
    pub linger: u64,
    /// For how long.
    pub linger_ms: Span,
    /// Runs in which one client closes in the middle.
    pub close: u64,
    /// Runs without fencing.
    pub unfenced: u64,
    /// Runs whose locks are read/write locks.
    pub shared: u64,
    /// Locks taken for a job that is done once.
    pub once: u64,
    /// Locks that are a leadership.
    pub elect: u64,
}

impl Scenario {
    /// A bit of everything.
    pub fn mixed() -> Self {
        Scenario {
            nodes: (1, 7),
            clients: (2, 20),
            resources: (1, 3),
            several: 200,
            semaphore: 200,
            permits: (1, 4),
            weights: (1, 2),
            users: (3, 24),
            steps: (1, 4),
            ttl_ms: (60, 3000),
            wait_ms: (0, 1500),
            hold_ms: (0, 400),
            think_ms: (0, 150),
            delay_micros: (100, 4000),
            patient: 250,
            calm: 150,
            hostile: 300,
            drop_per_myriad: (0, 150),
            freeze_at_send_per_myriad: (0, 60),
            wake_loss: 150,
            breaks: (0, 6),
            hangs: (0, 3),
            crashes: (0, 2),
            freezes: (0, 4),
            deaths: (0, 1),
            cuts: (0, 3),
            wall_steps: (0, 3),
            wall_ms: 700,
            trouble_percent: (5, 160),
            drift_ppm: 5000,
            idle_wipes: (0, 0),
            data_losses: (0, 0),
            twin_losses: 0,
            tails: (0, 0),
            saves: (0, 0),
            unguarded: 150,
            short_ttl: 0,
            clock_jumps: (0, 0),
            try_share: 250,
            cancel: 150,
            renew: 700,
            extend: 150,
            hand_over: 150,
            deliveries: (1, 4),
            together: 500,
            forget: 250,
            overstay: 100,
            linger: 200,
            linger_ms: (0, 200),
            close: 100,
            unfenced: 80,
            shared: 0,
            once: 0,
            elect: 0,
        }
    }

    /// Jobs that are done once, by many who come at the same time.
    pub fn jobs() -> Self {
        Scenario {
            resources: (1, 3),
            once: 800,
            forget: 500,
            wait_ms: (200, 2000),
            try_share: 0,
            close: 100,
            ..Scenario::crowd()
        }
    }

    /// Candidates of one leadership, whose processes freeze.
    pub fn leaders() -> Self {
        Scenario {
            elect: 700,
            wait_ms: (200, 2000),
            linger_ms: (0, 400),
            overstay: 0,
            ..Scenario::frozen()
        }
    }

    /// The same where many a node does not answer.
    pub fn halved_jobs() -> Self {
        Scenario {
            nodes: (3, 5),
            drop_per_myriad: (200, 800),
            cuts: (4, 10),
            hangs: (1, 4),
            steps: (3, 6),
            forget: 100,
            ..Scenario::jobs()
        }
    }

    /// Nothing ever fails.
    pub fn peaceful() -> Self {
        Scenario {
            calm: 1000,
            hostile: 0,
            ..Scenario::mixed()
        }
    }

    /// Few nodes, many who want the one lock, little patience: votes split all the time.
    pub fn crowd() -> Self {
        Scenario {
            nodes: (2, 5),
            clients: (4, 10),
            resources: (1, 1),
            several: 0,
            semaphore: 0,
            users: (6, 16),
            steps: (2, 4),
            ttl_ms: (100, 800),
            hold_ms: (5, 200),
            think_ms: (0, 20),
            try_share: 500,
            calm: 0,
            hostile: 0,
            hand_over: 0,
            deaths: (0, 0),
            close: 0,
            ..Scenario::mixed()
        }
    }

    /// Processes freeze, above all between reading the clock and sending; timeouts are long.
    pub fn frozen() -> Self {
        Scenario {
            freezes: (3, 10),
            freeze_at_send_per_myriad: (50, 300),
            trouble_percent: (30, 150),
            patient: 700,
            ttl_ms: (60, 400),
            hold_ms: (50, 600),
            overstay: 300,
            ..Scenario::crowd()
        }
    }

    /// Servers answer late, within long node timeouts.
    pub fn slow() -> Self {
        Scenario {
            nodes: (1, 3),
            delay_micros: (1000, 40_000),
            patient: 1000,
            ttl_ms: (100, 300),
            hold_ms: (50, 600),
            wait_ms: (200, 2000),
            overstay: 400,
            ..Scenario::crowd()
        }
    }

    /// Connections break with answers on their way, and are made again at once.
    pub fn breaking() -> Self {
        Scenario {
            drop_per_myriad: (200, 800),
            breaks: (4, 20),
            ttl_ms: (400, 2000),
            cancel: 300,
            patient: 300,
            ..Scenario::crowd()
        }
    }

    /// Nothing fails but users give up; leases are long, so that whatever is left shows.
    pub fn impatient() -> Self {
        Scenario {
            ttl_ms: (2500, 6000),
            wait_ms: (0, 60),
            hold_ms: (0, 100),
            cancel: 500,
            drop_per_myriad: (0, 0),
            freeze_at_send_per_myriad: (0, 0),
            freezes: (0, 0),
            crashes: (0, 0),
            hangs: (0, 2),
            cuts: (0, 3),
            trouble_percent: (1, 6),
            ..Scenario::crowd()
        }
    }

    /// Guards are kept for long after they were released, and leases are long, so that a renewal
    /// behind the release shows.
    pub fn lingering() -> Self {
        Scenario {
            ttl_ms: (2400, 4000),
            linger: 1000,
            linger_ms: (500, 1500),
            hold_ms: (0, 1000),
            renew: 1000,
            ..Scenario::crowd()
        }
    }

    /// Calendars disagree and three nodes' votes split, so that their counters differ; and many a
    /// holder does not release, which would make them equal again.
    pub fn disagreeing() -> Self {
        Scenario {
            nodes: (3, 3),
            ttl_ms: (80, 250),
            wall_ms: 900,
            unfenced: 0,
            renew: 100,
            hold_ms: (50, 300),
            delay_micros: (100, 8000),
            freezes: (4, 12),
            trouble_percent: (80, 200),
            overstay: 500,
            steps: (3, 6),
            ..Scenario::crowd()
        }
    }

    /// Commands linger between the words that one claim is, within long node timeouts; leases are over
    /// at once.
    pub fn halting() -> Self {
        Scenario {
            nodes: (1, 1),
            hostile: 1000,
            patient: 1000,
            unfenced: 0,
            ttl_ms: (400, 2000),
            hold_ms: (0, 10),
            renew: 0,
            overstay: 0,
            extend: 0,
            freezes: (0, 0),
            freeze_at_send_per_myriad: (0, 0),
            steps: (4, 8),
            wall_ms: 900,
            ..Scenario::crowd()
        }
    }

    /// Read/write locks under faults: readers, writers, upgrades and downgrades.
    pub fn sharing() -> Self {
        Scenario {
            shared: 1000,
            unfenced: 0,
            hand_over: 100,
            steps: (3, 6),
            wall_ms: 900,
            ..Scenario::crowd()
        }
    }

    /// The same while any message may do anything.
    pub fn hostile_sharing() -> Self {
        Scenario {
            hostile: 1000,
            nodes: (1, 3),
            ttl_ms: (400, 1500),
            think_ms: (0, 5),
            ..Scenario::sharing()
        }
    }

    /// Read/write locks where nothing fails and nobody gives up: everybody has a turn.
    pub fn fair_sharing() -> Self {
        Scenario {
            calm: 1000,
            nodes: (1, 5),
            clients: (6, 12),
            users: (8, 16),
            steps: (6, 12),
            ttl_ms: (2000, 4000),
            wait_ms: (60_000, 60_000),
            hold_ms: (50, 150),
            think_ms: (0, 10),
            delay_micros: (100, 1000),
            try_share: 0,
            cancel: 0,
            renew: 1000,
            extend: 0,
            hand_over: 0,
            forget: 0,
            overstay: 0,
            linger: 0,
            ..Scenario::sharing()
        }
    }

    /// Any message may do anything, and tickets are delivered several times at once.
    pub fn hostile_hand_over() -> Self {
        Scenario {
            hostile: 1000,
            deliveries: (2, 4),
            together: 700,
            ..Scenario::hand_over()
        }
    }

    /// Locks go from hand to hand, each ticket to several at once.
    pub fn hand_over() -> Self {
        Scenario {
            hand_over: 900,
            deliveries: (2, 4),
            together: 800,
            users: (2, 8),
            ttl_ms: (300, 2500),
            wait_ms: (1000, 3000),
            ..Scenario::crowd()
        }
    }

    /// The same with nothing failing: exactly one adopter must come through.
    pub fn calm_hand_over() -> Self {
        Scenario {
            calm: 1000,
            deliveries: (3, 4),
            together: 1000,
            ttl_ms: (1500, 3000),
            ..Scenario::hand_over()
        }
    }

    /// Clocks at the bound of the drift, long leases, and somebody who waits for their end.
    pub fn drifting() -> Self {
        Scenario {
            nodes: (1, 3),
            clients: (2, 4),
            users: (2, 6),
            ttl_ms: (600, 2500),
            wait_ms: (2000, 4000),
            delay_micros: (50, 500),
            renew: 300,
            overstay: 800,
            try_share: 0,
            hangs: (0, 0),
            crashes: (0, 0),
            ..Scenario::crowd()
        }
    }

    /// Calendars step back and forth while leases are held.
    pub fn stepping() -> Self {
        Scenario {
            wall_steps: (5, 20),
            renew: 300,
            overstay: 600,
            ..Scenario::crowd()
        }
    }

    /// Counters are lost where nobody holds a lock, and calendars disagree.
    pub fn forgetful() -> Self {
        Scenario {
            nodes: (3, 3),
            idle_wipes: (2, 6),
            wall_ms: 900,
            wall_steps: (0, 0),
            unfenced: 0,
            drop_per_myriad: (0, 0),
            freeze_at_send_per_myriad: (0, 0),
            breaks: (0, 0),
            hangs: (0, 0),
            crashes: (0, 0),
            freezes: (0, 0),
            cuts: (0, 0),
            cancel: 0,
            think_ms: (0, 60),
            hold_ms: (0, 30),
            ..Scenario::crowd()
        }
    }

    /// Servers come back without their data, or with less than they had, one after the other and while
    /// others are out of reach; clients use leases of different length.
    pub fn restarting() -> Self {
        Scenario {
            nodes: (3, 5),
            data_losses: (1, 6),
            twin_losses: 200,
            tails: (0, 4),
            saves: (4, 16),
            unguarded: 0,
            short_ttl: 400,
            cuts: (0, 6),
            // Lost counters and calendars that disagree would cost the order of tokens.
            wall_ms: 0,
            wall_steps: (0, 0),
            unfenced: 500,
            hold_ms: (50, 800),
            overstay: 300,
            ..Scenario::crowd()
        }
    }

    /// Several locks at once by most, in any order and beside those who want one.
    pub fn several() -> Self {
        Scenario {
            resources: (2, 4),
            several: 700,
            ..Scenario::crowd()
        }
    }

    /// Permits of one semaphore, more wanted than there are.
    pub fn permits() -> Self {
        Scenario {
            semaphore: 1000,
            permits: (1, 4),
            weights: (1, 3),
            ..Scenario::crowd()
        }
    }

    /// The same with processes that freeze and leases that run out.
    pub fn frozen_bundles() -> Self {
        Scenario {
            resources: (2, 4),
            several: 500,
            semaphore: 300,
            ..Scenario::frozen()
        }
    }

    /// The same from hand to hand.
    pub fn bundle_hand_over() -> Self {
        Scenario {
            resources: (2, 3),
            several: 600,
            semaphore: 300,
            ..Scenario::hand_over()
        }
    }

    /// The same where users give up, and whatever is left shows.
    pub fn impatient_bundles() -> Self {
        Scenario {
            resources: (2, 4),
            several: 600,
            semaphore: 300,
            ..Scenario::impatient()
        }
    }

    /// Several locks at once where counters differ.
    pub fn disagreeing_bundles() -> Self {
        Scenario {
            resources: (2, 3),
            several: 600,
            ..Scenario::disagreeing()
        }
    }

    /// Every preset with its name.
    pub fn all() -> Vec<(&'static str, Scenario)> {
        vec![
            ("mixed", Scenario::mixed()),
            ("peaceful", Scenario::peaceful()),
            ("crowd", Scenario::crowd()),
            ("frozen", Scenario::frozen()),
            ("slow", Scenario::slow()),
            ("breaking", Scenario::breaking()),
            ("impatient", Scenario::impatient()),
            ("hand-over", Scenario::hand_over()),
            ("calm-hand-over", Scenario::calm_hand_over()),
            ("halting", Scenario::halting()),
            ("hostile-hand-over", Scenario::hostile_hand_over()),
            ("drifting", Scenario::drifting()),
            ("stepping", Scenario::stepping()),
            ("forgetful", Scenario::forgetful()),
            ("sharing", Scenario::sharing()),
            ("hostile-sharing", Scenario::hostile_sharing()),
            ("fair-sharing", Scenario::fair_sharing()),
            ("lingering", Scenario::lingering()),
            ("disagreeing", Scenario::disagreeing()),
            ("jobs", Scenario::jobs()),
            ("leaders", Scenario::leaders()),
            ("halved-jobs", Scenario::halved_jobs()),
            ("several", Scenario::several()),
            ("permits", Scenario::permits()),
            ("frozen-bundles", Scenario::frozen_bundles()),
            ("bundle-hand-over", Scenario::bundle_hand_over()),
            ("impatient-bundles", Scenario::impatient_bundles()),
            ("disagreeing-bundles", Scenario::disagreeing_bundles()),
            ("restarting", Scenario::restarting()),
        ]
    }
}

impl Scenario {
    /// The preset that a seed of a general campaign draws from: the general one half of the time.
    pub fn of_seed(seed: u64) -> Scenario {
        let all = Scenario::all();
        let count = all.len() as u64;
        let chosen = if seed.is_multiple_of(2) {
            0
        } else {
            seed / 2 % count
        };
        let chosen = usize::try_from(chosen).unwrap_or(0);
        all.into_iter()
            .nth(chosen)
            .map_or_else(Scenario::mixed, |(_, scenario)| scenario)
    }
}
