//! Rust examples of Quorlock.
