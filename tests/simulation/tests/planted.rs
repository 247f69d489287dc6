//! Every planted bug is caught, by an oracle that the clean engine does not call up on the same
//! seeds.

use quorlock::testing::config::PlantedBug;
use quorlock_simulation::bugs::scenario_of;
use quorlock_simulation::campaign::{Campaign, cores};

/// No bug may need more.
const SEEDS_MAX: u64 = 3000;

#[test]
fn every_planted_bug_is_caught() {
    let mut missed = Vec::new();
    for bug in PlantedBug::ALL.iter().copied() {
        let planted = Campaign {
            from: 0,
            seeds: SEEDS_MAX,
            jobs: cores(),
            scenario: Some(scenario_of(bug)),
            bug: Some(bug),
        };
        let name = bug.name();
        let Some(caught) = planted.run(&|_| {}).caught else {
            missed.push(name);
            continue;
        };
        let violation = caught.violation.expect("it was caught");
        println!("{name:<24} seed {:>4}  {violation}", caught.seed);
        let clean = Campaign {
            seeds: caught.seed + 1,
            bug: None,
            ..planted
        };
        let summary = clean.run(&|_| {});
        if let Some(false_alarm) = summary.caught {
            panic!(
                "{name}: without it, seed {} gives {:?}",
                false_alarm.seed, false_alarm.violation
            );
        }
    }
    assert!(
        missed.is_empty(),
        "not caught within {SEEDS_MAX} seeds: {missed:?}"
    );
}
