//! A short run of the chaos campaign; `make chaos` is the long one.

use std::time::Duration;

use quorlock_server_tests::Worker;

#[test]
fn a_short_campaign_of_random_faults_finds_no_violation() {
    for seed in [1, 2] {
        let args = ["--seconds", "6", "--seed", &seed.to_string()].map(str::to_owned);
        let mut chaos = Worker::start(env!("CARGO_BIN_EXE_chaos"), &args);
        let status = chaos.finish(Duration::from_secs(120));
        println!("{}", chaos.heard().join("\n"));
        assert!(status.success(), "seed {seed}: {:?}", chaos.heard());
    }
}
