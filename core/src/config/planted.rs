//! Planted bugs: each breaks one safety rule on purpose, so that the simulation can prove it would
//! notice. They exist only with the `testing` feature.

/// Declares the bugs and their names from one list.
macro_rules! planted_bugs {
    ($( $(#[$doc:meta])* $bug:ident, )*) => {
        /// One safety rule broken on purpose.
        // Some are broken by the simulated server, and named there only.
        #[cfg_attr(not(feature = "testing"), expect(dead_code))]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum PlantedBug { $( $(#[$doc])* $bug, )* }

        #[cfg(feature = "testing")]
        impl PlantedBug {
            /// Every planted bug.
            pub const ALL: &'static [PlantedBug] = &[ $( PlantedBug::$bug, )* ];

            /// The bug's name, as the simulation's command line takes it.
            pub const fn name(self) -> &'static str {
                match self { $( PlantedBug::$bug => stringify!($bug), )* }
            }
        }
    };
}

planted_bugs! {
    /// A grant counts however late it came.
    NoValidityCheck,
    /// n/2 votes are taken for a majority.
    HalfQuorum,
    /// The clean-up of a failed attempt goes only to the nodes that granted.
    ReleaseOnlyWhereGranted,
    /// A failed or cancelled attempt is not cleaned up at all.
    NoCleanUp,
    /// One owner token for every attempt of a client.
    OneTokenPerClient,
    /// Validity is measured on the wall clock.
    WallClock,
    /// Release deletes the key without comparing.
    PlainDelete,
    /// An extension that came after the old deadline revives the lease.
    ExtendAfterExpiry,
    /// Extension sets the key again without comparing.
    ExtendBySet,
    /// Validity starts when the votes are in, not before they were asked for.
    StartAfterSend,
    /// The drift is left out of the validity.
    NoDrift,
    /// A node that is asked again after its answer was lost counts as two votes.
    CountVotesTwice,
    /// A renewal already due is sent after the release.
    RenewAfterRelease,
    /// The token is the largest of the grants and is not written back.
    FenceWithoutWriteBack,
    /// A counter that was at the proposal already counts as if it had gone up to it.
    UnchangedCounterCounts,
    /// A key that was not counted when it was set is not counted in the second round either.
    RaiseWithoutCounting,
    /// The counter goes up before the key is set, not after.
    CountBeforeSet,
    /// The counter is not raised by release and extend.
    FenceFromGrantsOnly,
    /// Adopt sets the new owner without comparing the old one.
    AdoptWithoutCompare,
    /// An adopter that lost the majority leaves its keys in place.
    AdoptWithoutRollBack,
    /// Every attempt to adopt uses the same new owner token.
    AdoptWithOneToken,
    /// An extension counts with any single node's answer.
    ExtendByOne,
    /// A lease whose majority is gone is still reported as held.
    LossNeverSignalled,
    /// The extension counts from when its answers came.
    ExtendFromReply,
    /// A candidate leads from when it was elected until it is told of the loss, whatever the clock says.
    LeaderByFlag,
    /// Who resigns gives the lock back though guards of the tenure go on.
    ResignLeavesGuards,
    /// Whether a job is done is asked before the lock is taken, and not again under it.
    OnceLooksTooEarly,
    /// One node that does not know of a job that is done is enough to do it.
    OnceAsksOneNode,
    /// A refusal whose holder is unknown counts as a grant.
    FaultCountsAsGrant,
    /// Each node picks slots of a semaphore by itself: a counting semaphore per node.
    SlotsPickedPerNode,
    /// A lost attempt at several locks leaves what it was granted.
    SeveralWithoutRollBack,
    /// A node that could grant the first of several locks counts as if it had granted all.
    SomeOfSeveralCount,
    /// The renewal of several locks renews the first.
    RenewFirstOfSeveral,
    /// The release of several locks deletes the first.
    ReleaseFirstOfSeveral,
    /// The fencing token of several locks is written back for the first.
    RaiseFirstOfSeveral,
    /// The adoption of several locks swaps the owner of the first.
    AdoptFirstOfSeveral,
    /// Answers of a guarded node count.
    GuardedAnswersCount,
    /// When a node's guard is over goes by a client's calendar.
    GuardByClientClock,
    /// A marker is trusted whatever run of the server shows it.
    MarkerOfAnyRun,
    /// A majority of blank nodes is taken for a new cluster.
    BlankByMajority,
    /// A node is guarded for the ttl of the client that finds it, not for the longest of all.
    GuardForOwnTtl,
    /// A place in a read/write lock ends by the client's clock, not by the server's.
    ClientClockForExpiry,
    /// The readers of a lock share one time, which the last to come or renew sets.
    OneTtlForAllReaders,
    /// An upgrade that found no majority is taken back by a release.
    UpgradeUndoneByRelease,
    /// New readers come in though a writer waits.
    WriterIntentIgnored,
    /// A node does what a message says, however old it is.
    OperationNumberIgnored,
    /// An upgrade does not look who reads.
    UpgradeBesideReaders,
}

/// Which bugs are planted in one client; none can be without the `testing` feature.
#[derive(Debug, Clone, Default)]
pub struct Planted {
    #[cfg(feature = "testing")]
    bug: Option<PlantedBug>,
}

impl Planted {
    /// One bug.
    #[cfg(feature = "testing")]
    pub fn one(bug: PlantedBug) -> Self {
        Planted { bug: Some(bug) }
    }

    /// True where `bug` is planted; a constant without the `testing` feature.
    #[inline]
    pub fn has(&self, bug: PlantedBug) -> bool {
        #[cfg(feature = "testing")]
        return self.bug == Some(bug);
        #[cfg(not(feature = "testing"))]
        {
            let _ = bug;
            false
        }
    }
}
