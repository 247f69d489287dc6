//! Benchmarks of Quorlock as ratios to a raw redis-crate floor.
