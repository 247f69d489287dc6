//! Deterministic simulation of the Quorlock engine with planted bugs.
