//! Quorlock.
