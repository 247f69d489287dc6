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
        AdoptWithoutCompare => Scenario::hand_over(),
        AdoptWithoutRollBack => Scenario::calm_hand_over(),
        LeaderByFlag | ResignLeavesGuards => Scenario::leaders(),
        OnceLooksTooEarly => Scenario::jobs(),
        OnceAsksOneNode => Scenario::halved_jobs(),
        AdoptWithOneToken => Scenario::hostile_hand_over(),
        SlotsPickedPerNode => Scenario::permits(),
        SeveralWithoutRollBack => Scenario::impatient_bundles(),
        SomeOfSeveralCount => Scenario::several(),
        RenewFirstOfSeveral => Scenario::frozen_bundles(),
        ReleaseFirstOfSeveral => Scenario::impatient_bundles(),
        RaiseFirstOfSeveral => Scenario::disagreeing_bundles(),
        AdoptFirstOfSeveral => Scenario::bundle_hand_over(),
    }
}
