//! How often things happened, so that one sees that the runs do something.

macro_rules! counts {
    ($( $name:ident = $shown:literal, )*) => {
        /// What is counted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Count { $( #[doc = $shown] $name, )* }

        impl Count {
            /// All of them with their names.
            pub const ALL: &'static [(Count, &'static str)] = &[ $( (Count::$name, $shown), )* ];
        }
    };
}

counts! {
    Acquired = "acquisitions",
    Bundled = "several locks at once",
    Permitted = "permits taken",
    Passed = "hand-overs from holder to holder",
    TimedOut = "waits that timed out",
    Refused = "tries refused",
    Unavailable = "calls without a majority",
    Cancelled = "calls cancelled",
    Released = "releases",
    Dropped = "guards dropped",
    Lost = "leases lost",
    Extended = "extensions by hand",
    Upgraded = "upgrades",
    NotUpgraded = "upgrades that failed",
    Downgraded = "downgrades",
    Detached = "tickets made",
    Adopted = "tickets adopted",
    NotAdopted = "tickets refused",
    Written = "writes accepted",
    Rejected = "late writes rejected",
    Closed = "clients closed",
    Sent = "commands sent",
    Ran = "commands run by servers",
    Cut = "messages lost",
    Twice = "commands run twice",
    Late = "commands run after their connection",
    Broken = "connections broken",
    Woken = "wake-ups sent",
    WakeLost = "wake-ups lost",
    Hung = "servers hung",
    Crashed = "servers crashed",
    Frozen = "processes frozen",
    Died = "processes killed",
    Wiped = "servers wiped",
    Tailed = "servers that lost a tail",
    Guarded = "commands kept from guarded nodes",
    Probed = "locks free again after all faults",
    Elected = "tenures begun",
    AlreadyDone = "jobs found done",
}

/// One number per [`Count`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts(Vec<u64>);

impl Default for Counts {
    fn default() -> Self {
        Counts(vec![0; Count::ALL.len()])
    }
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, count: Count) {
        self.0[count as usize] += 1;
    }

    /// How often it happened.
    pub fn of(&self, count: Count) -> u64 {
        self.0[count as usize]
    }

    /// Adds another run's.
    pub fn merge(&mut self, other: &Counts) {
        for (sum, more) in self.0.iter_mut().zip(&other.0) {
            *sum += more;
        }
    }
}
