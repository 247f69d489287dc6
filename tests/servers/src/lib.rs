//! Quorlock against real Valkey and Redis servers and injected faults.
