//! Every planted bug with the scenario that shows it.

use quorlock::testing::config::PlantedBug;

use crate::scenario::Scenario;

/// The scenario in which a bug shows soonest.
pub fn scenario_of(bug: PlantedBug) -> Scenario {
    use PlantedBug::*;
    match bug {
        StartAfterSend | ExtendFromReply => Scenario::slow(),
        HalfQuorum | OneTokenPerClient | PlainDelete => Scenario::crowd(),
        RenewAfterRelease => Scenario::lingering(),
        FenceWithoutWriteBack | UnchangedCounterCounts | RaiseWithoutCounting => {
            Scenario::disagreeing()
        }
        CountBeforeSet => Scenario::halting(),
        // Without tokens, whose absence would show it before two holders do.
        FaultCountsAsGrant => Scenario {
            unfenced: 1000,
            ..Scenario::crowd()
        },
        CountVotesTwice => Scenario {
            unfenced: 1000,
            ..Scenario::breaking()
        },
        ReleaseOnlyWhereGranted | NoCleanUp => Scenario::impatient(),
        WallClock => Scenario::stepping(),
        NoValidityCheck | ExtendAfterExpiry | ExtendBySet | LossNeverSignalled | ExtendByOne => {
            Scenario::frozen()
        }
        NoDrift => Scenario::drifting(),
        FenceFromGrantsOnly => Scenario::forgetful(),
        ClientClockForExpiry
        | OneTtlForAllReaders
        | UpgradeUndoneByRelease
        | UpgradeBesideReaders => Scenario::sharing(),
        OperationNumberIgnored => Scenario::hostile_sharing(),
        WriterIntentIgnored => Scenario::fair_sharing(),
        AdoptWithoutCompare => Scenario::hand_over(),
        AdoptWithoutRollBack => Scenario::calm_hand_over(),
        LeaderByFlag | ResignLeavesGuards => Scenario::leaders(),
        OnceLooksTooEarly => Scenario::jobs(),
        OnceAsksOneNode => Scenario::halved_jobs(),
        AdoptWithOneToken => Scenario::hostile_hand_over(),
        // Without tokens, whose order would show it before one holder more does.
        SlotsPickedPerNode => Scenario {
            unfenced: 1000,
            ..Scenario::permits()
        },
        SeveralWithoutRollBack => Scenario {
            semaphore: 0,
            ..Scenario::impatient_bundles()
        },
        SomeOfSeveralCount => Scenario::several(),
        RenewFirstOfSeveral => Scenario::frozen_bundles(),
        ReleaseFirstOfSeveral => Scenario::impatient_bundles(),
        RaiseFirstOfSeveral => Scenario::disagreeing_bundles(),
        AdoptFirstOfSeveral => Scenario::bundle_hand_over(),
        GuardedAnswersCount | MarkerOfAnyRun => Scenario::restarting(),
        GuardByClientClock => Scenario {
            wall_ms: 900,
            unfenced: 1000,
            ..Scenario::restarting()
        },
        BlankByMajority => Scenario {
            nodes: (3, 3),
            unfenced: 1000,
            twin_losses: 700,
            ..Scenario::restarting()
        },
        // Whoever has long leases is away when somebody with short ones finds the node.
        GuardForOwnTtl => Scenario {
            nodes: (3, 3),
            clients: (3, 5),
            unfenced: 1000,
            short_ttl: 800,
            ttl_ms: (400, 1500),
            hold_ms: (200, 1500),
            freezes: (5, 15),
            cuts: (4, 12),
            trouble_percent: (30, 150),
            ..Scenario::restarting()
        },
    }
}
