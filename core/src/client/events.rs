//! Events through `tracing` and numbers through the `metrics` facade. No I/O, and no secret: the
//! resource's name, timings, counts and words from fixed lists.

use std::time::Duration;

use metrics::{counter, histogram};
use tracing::{debug, info, warn};

use crate::config::Keys;
use crate::error::{Error, NodeStatus};
use crate::quorum::{Loss, Released};

/// A lock was won after `waited`, in the round numbered `attempts`.
pub(crate) fn acquired(keys: &Keys, waited: Duration, attempts: u32) {
    counter!("quorlock_acquire_total", "outcome" => "acquired").increment(1);
    histogram!("quorlock_acquire_seconds").record(waited.as_secs_f64());
    histogram!("quorlock_acquire_rounds").record(f64::from(attempts));
    debug!(target: "quorlock", resource = keys.name(), waited_us = micros(waited), attempts, "acquired");
}

/// A caller did not wait for a lock that somebody else has.
pub(crate) fn contended(keys: &Keys) {
    counter!("quorlock_acquire_total", "outcome" => "contended").increment(1);
    debug!(target: "quorlock", resource = keys.name(), "contended");
}

/// A call failed.
pub(crate) fn failed(keys: &Keys, error: &Error) {
    counter!("quorlock_acquire_total", "outcome" => error.kind().name()).increment(1);
    for outcome in error.outcomes() {
        if let NodeStatus::Faulted(fault) = &outcome.status {
            counter!("quorlock_node_fault_total", "class" => fault.class.name()).increment(1);
        }
    }
    info!(target: "quorlock", resource = keys.name(), code = error.code(), %error, "failed");
}

/// A lease was renewed with `margin` of its validity left.
pub(crate) fn renewed(keys: &Keys, margin: Duration) {
    counter!("quorlock_renew_total").increment(1);
    histogram!("quorlock_renew_margin_seconds").record(margin.as_secs_f64());
    tracing::trace!(target: "quorlock", resource = keys.name(), margin_us = micros(margin), "renewed");
}

/// A lease was lost.
pub(crate) fn lost(keys: &Keys, loss: Loss) {
    counter!("quorlock_lost_total", "reason" => loss.name()).increment(1);
    warn!(target: "quorlock", resource = keys.name(), reason = loss.name(), "lost");
}

/// A lock was given back after it was held for `held`.
pub(crate) fn released(keys: &Keys, released: &Released, took: Duration, held: Duration) {
    let outcome = match released {
        Released::Released => "released",
        Released::AlreadyExpired => "already_expired",
        Released::Unknown(_) => "unknown",
    };
    counter!("quorlock_release_total", "outcome" => outcome).increment(1);
    histogram!("quorlock_hold_seconds").record(held.as_secs_f64());
    debug!(
        target: "quorlock", resource = keys.name(), outcome,
        took_us = micros(took), held_us = micros(held), "released"
    );
}

/// A lock was handed over.
pub(crate) fn detached(keys: &Keys, ticket: &str) {
    counter!("quorlock_detach_total").increment(1);
    info!(target: "quorlock", resource = keys.name(), ticket, "detached");
}

/// A lock was taken over.
pub(crate) fn adopted(keys: &Keys, waited: Duration, attempts: u32) {
    counter!("quorlock_adopt_total").increment(1);
    info!(target: "quorlock", resource = keys.name(), waited_us = micros(waited), attempts, "adopted");
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
