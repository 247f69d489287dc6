//! The engine keeps its promises over many seeds, runs replay bit for bit, and broken assumptions
//! are seen.

use quorlock_simulation::campaign::{Campaign, cores};
use quorlock_simulation::counts::Count;
use quorlock_simulation::plan::{Breakage, Order};
use quorlock_simulation::scenario::Scenario;
use quorlock_simulation::{Oracle, run};

/// How many seeds the clean engine must pass here; `make simulate` runs many more.
fn seeds() -> u64 {
    let asked = std::env::var("QUORLOCK_SEEDS").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(2000)
}

#[test]
fn no_oracle_objects_to_the_engine() {
    let campaign = Campaign {
        from: 0,
        seeds: seeds(),
        jobs: cores(),
        scenario: None,
        bug: None,
    };
    let summary = campaign.run(&|_| {});
    if let Some(caught) = &summary.caught {
        panic!(
            "seed {}: {}\nreplay: cargo run --release -p quorlock-simulation --bin simulate -- \
             --seed {} --trace",
            caught.seed,
            caught.violation.as_ref().expect("it was caught"),
            caught.seed
        );
    }
    assert_eq!(summary.runs, seeds());
    if seeds() >= 500 {
        for (count, name) in Count::ALL {
            assert!(summary.counts.of(*count) > 0, "no {name} in all runs");
        }
    }
}

#[test]
fn a_seed_gives_the_same_run_bit_for_bit() {
    for seed in 0..60 {
        let order = Order {
            seed,
            scenario: Scenario::of_seed(seed),
            bug: None,
            verbose: true,
        };
        let (first, second) = (run(&order), run(&order));
        assert!(first.events > 100, "seed {seed} does next to nothing");
        if first != second {
            let differs = first.lines.iter().zip(&second.lines).find(|(a, b)| a != b);
            panic!("seed {seed} gave two runs; first difference: {differs:#?}");
        }
    }
}

#[test]
fn broken_assumptions_cost_mutual_exclusion() {
    for breakage in Breakage::ALL {
        let campaign = Campaign {
            from: 0,
            seeds: 300,
            jobs: cores(),
            scenario: Some(breakage.scenario()),
            bug: None,
        };
        let name = breakage.name();
        let summary = campaign.run(&|_| {});
        let caught = summary.caught.expect(name);
        let violation = caught.violation.expect("it was caught");
        println!("{name:<12} seed {:>4}  {violation}", caught.seed);
        assert_eq!(violation.oracle, Oracle::Exclusion, "{name}: {violation}");
    }
}
