//! What happens to locks, told four ways: to the client's observer, in its counters, through
//! `tracing`, and through the `metrics` facade. No I/O, and no secret: the resource's name, timings,
//! counts and words from fixed lists.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, histogram};
use tracing::{debug, info, warn};

use crate::client::shield::shielded;
use crate::client::stats::{Counts, Stats};
use crate::config::Keys;
use crate::error::{Error, NodeStatus, words};
use crate::quorum::{Change, Fleet, Loss, Released};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// A lock was won.
    Acquired,
    /// A caller did not wait for a lock that somebody else has.
    Contended,
    /// A call failed.
    Failed,
    /// A lease was renewed.
    Renewed,
    /// A lease was lost.
    Lost,
    /// A lock was given back.
    Released,
    /// A lock was handed over as a ticket.
    Detached,
    /// A lock was taken over by its ticket.
    Adopted,
    /// A node came back without its data and does not vote for a while.
    Guarded,
    /// A node that was guarded votes again.
    Admitted,
}

impl EventKind {
    words! {
        /// The kind in one stable lower-case word.
        self;
        EventKind::Acquired => "acquired",
        EventKind::Contended => "contended",
        EventKind::Failed => "failed",
        EventKind::Renewed => "renewed",
        EventKind::Lost => "lost",
        EventKind::Released => "released",
        EventKind::Detached => "detached",
        EventKind::Adopted => "adopted",
        EventKind::Guarded => "guarded",
        EventKind::Admitted => "admitted",
    }
}

/// One thing that happened to a lock of this client.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Event {
    /// What.
    pub kind: EventKind,
    /// The resource, as it was named; empty where it is about a node.
    pub resource: String,
    /// `Failed`: the error's code. `Lost`: the reason. `Released`: `released`, `already_expired` or
    /// `unknown`. `Detached`: the ticket's id. `Guarded`, `Admitted`: the node's address. Else empty.
    pub detail: Cow<'static, str>,
    /// `Acquired`, `Adopted`, `Failed`: time since the call. `Renewed`: validity that was left.
    /// `Released`: how long the lock was held. `Guarded`: until the node votes. Else zero.
    pub span: Duration,
    /// Rounds tried; 0 where there are none.
    pub attempts: u32,
}

/// Who is told of every event.
pub(crate) type Observer = Arc<dyn Fn(&Event) + Send + Sync>;

/// One client's events.
#[derive(Default)]
pub(crate) struct Events {
    observer: Option<Observer>,
    counts: Counts,
}

impl Events {
    pub(crate) fn new(observer: Option<Observer>) -> Self {
        Events {
            observer,
            counts: Counts::default(),
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        self.counts.snapshot()
    }

    /// A lock was won after `waited`, in the round numbered `attempts`.
    pub(crate) fn acquired(&self, keys: &Keys, waited: Duration, attempts: u32) {
        self.counts.acquired.add(1);
        self.counts.rounds.add(attempts.into());
        self.counts.waited_us.add(micros(waited));
        counter!("quorlock_acquire_total", "outcome" => "acquired").increment(1);
        histogram!("quorlock_acquire_seconds").record(waited.as_secs_f64());
        histogram!("quorlock_acquire_rounds").record(f64::from(attempts));
        debug!(target: "quorlock", resource = keys.name(), waited_us = micros(waited), attempts, "acquired");
        self.tell(EventKind::Acquired, keys, || {
            (Cow::Borrowed(""), waited, attempts)
        });
    }

    /// A caller did not wait for a lock that somebody else has.
    pub(crate) fn contended(&self, keys: &Keys) {
        self.counts.contended.add(1);
        counter!("quorlock_acquire_total", "outcome" => "contended").increment(1);
        debug!(target: "quorlock", resource = keys.name(), "contended");
        self.tell(EventKind::Contended, keys, || {
            (Cow::Borrowed(""), Duration::ZERO, 0)
        });
    }

    /// A call failed.
    pub(crate) fn failed(&self, keys: &Keys, error: &Error) {
        self.counts.failed.add(1);
        counter!("quorlock_acquire_total", "outcome" => error.kind().name()).increment(1);
        for outcome in error.outcomes() {
            if let NodeStatus::Faulted(fault) = &outcome.status {
                self.counts.node_faults.add(1);
                counter!("quorlock_node_fault_total", "class" => fault.class.name()).increment(1);
            }
        }
        info!(target: "quorlock", resource = keys.name(), code = error.code(), %error, "failed");
        self.tell(EventKind::Failed, keys, || {
            (
                Cow::Borrowed(error.code()),
                error.elapsed(),
                error.attempts(),
            )
        });
    }

    /// A lease was renewed with `margin` of its validity left.
    pub(crate) fn renewed(&self, keys: &Keys, margin: Duration) {
        self.counts.renewed.add(1);
        self.counts.margin(micros(margin));
        counter!("quorlock_renew_total").increment(1);
        histogram!("quorlock_renew_margin_seconds").record(margin.as_secs_f64());
        tracing::trace!(target: "quorlock", resource = keys.name(), margin_us = micros(margin), "renewed");
        self.tell(EventKind::Renewed, keys, || (Cow::Borrowed(""), margin, 0));
    }

    /// A lease was lost.
    pub(crate) fn lost(&self, keys: &Keys, loss: Loss) {
        self.counts.lost.add(1);
        counter!("quorlock_lost_total", "reason" => loss.name()).increment(1);
        warn!(target: "quorlock", resource = keys.name(), reason = loss.name(), "lost");
        self.tell(EventKind::Lost, keys, || {
            (Cow::Borrowed(loss.name()), Duration::ZERO, 0)
        });
    }

    /// A lock was given back after it was held for `held`.
    pub(crate) fn released(
        &self,
        keys: &Keys,
        released: &Released,
        took: Duration,
        held: Duration,
    ) {
        let outcome = released.name();
        self.counts.released.add(1);
        self.counts.held_us.add(micros(held));
        counter!("quorlock_release_total", "outcome" => outcome).increment(1);
        histogram!("quorlock_hold_seconds").record(held.as_secs_f64());
        debug!(
            target: "quorlock", resource = keys.name(), outcome,
            took_us = micros(took), held_us = micros(held), "released"
        );
        self.tell(EventKind::Released, keys, || {
            (Cow::Borrowed(outcome), held, 0)
        });
    }

    /// A lock was handed over.
    pub(crate) fn detached(&self, keys: &Keys, ticket: &str) {
        self.counts.detached.add(1);
        counter!("quorlock_detach_total").increment(1);
        info!(target: "quorlock", resource = keys.name(), ticket, "detached");
        self.tell(EventKind::Detached, keys, || {
            (Cow::Owned(ticket.to_owned()), Duration::ZERO, 0)
        });
    }

    /// A lock was taken over.
    pub(crate) fn adopted(&self, keys: &Keys, waited: Duration, attempts: u32) {
        self.counts.adopted.add(1);
        self.counts.rounds.add(attempts.into());
        counter!("quorlock_adopt_total").increment(1);
        info!(target: "quorlock", resource = keys.name(), waited_us = micros(waited), attempts, "adopted");
        self.tell(EventKind::Adopted, keys, || {
            (Cow::Borrowed(""), waited, attempts)
        });
    }

    /// A node begins or ends to be kept from voting.
    pub(crate) fn node_changed(&self, fleet: &Fleet, change: Change) {
        let (node, kind, span) = match change {
            Change::Guarded(node, left) => (node, EventKind::Guarded, left),
            Change::Admitted(node) => (node, EventKind::Admitted, Duration::ZERO),
        };
        let address = fleet.nodes[node].address().to_owned();
        counter!("quorlock_node_guard_total", "change" => kind.name()).increment(1);
        if kind == EventKind::Guarded {
            let left_ms = span.as_millis();
            warn!(target: "quorlock::node", node = address, left_ms, "guarded: it came back without its data");
        } else {
            info!(target: "quorlock::node", node = address, "admitted");
        }
        let detail = Cow::Owned(address);
        self.give(kind, String::new(), || (detail, span, 0));
    }

    fn tell(
        &self,
        kind: EventKind,
        keys: &Keys,
        rest: impl FnOnce() -> (Cow<'static, str>, Duration, u32),
    ) {
        if self.observer.is_some() {
            self.give(kind, keys.name().to_owned(), rest);
        }
    }

    fn give(
        &self,
        kind: EventKind,
        resource: String,
        rest: impl FnOnce() -> (Cow<'static, str>, Duration, u32),
    ) {
        let Some(observer) = &self.observer else {
            return;
        };
        let (detail, span, attempts) = rest();
        let event = Event {
            kind,
            resource,
            detail,
            span,
            attempts,
        };
        shielded(|| observer(&event));
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("is_observed", &self.observer.is_some())
            .field("counts", &self.counts)
            .finish()
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
