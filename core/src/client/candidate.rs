//! A candidate inside the engine: what its election reads and its campaign changes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use crate::client::Guard;
use crate::client::acquiring::acquire;
use crate::client::engine::Engine;
use crate::client::locked;
use crate::client::pending::Pending;
use crate::config::{FencingToken, Keys, PlantedBug, Terms};
use crate::error::{Error, ErrorKind, Result};
use crate::quorum::Released;

/// How long a candidate rests at most after a campaign that failed.
const REST_MAX: Duration = Duration::from_secs(1);

/// How often a loop that did not answer is asked whether it does.
const HOST_CHECK: Duration = Duration::from_millis(100);

/// What an election and its campaign share.
pub(super) struct Candidate {
    pub(super) engine: Arc<Engine>,
    pub(super) keys: Keys,
    terms: Terms,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// The present tenure.
    tenure: Option<Guard>,
    /// The campaign, for as long as it may go on.
    campaign: Option<Pending<()>>,
    /// Why there will be no tenure any more.
    over: Option<Error>,
    trouble: Option<Error>,
}

/// Campaigns, leads, and campaigns again, until the client is closed or the task is dropped.
pub(super) async fn campaign(candidate: Arc<Candidate>) -> Result<()> {
    let engine = &candidate.engine;
    let mut failed = 0;
    loop {
        // A dead-locked process that just lost its lead for that must not win again.
        while engine.host_is_silent(engine.fleet.now()) {
            engine.feel_pulse();
            rest(engine, HOST_CHECK).await;
            if engine.usable().is_err() {
                break;
            }
        }
        match acquire(Arc::clone(engine), candidate.keys.clone(), candidate.terms).await {
            Ok(lease) => {
                failed = 0;
                if !candidate.enter(Guard::new(Arc::clone(&lease))) {
                    return Ok(());
                }
                lease.ended().await;
                candidate.leave();
            }
            Err(error) if error.kind() == ErrorKind::Closed => {
                candidate.end(error);
                return Ok(());
            }
            // Somebody else leads.
            Err(error) if error.kind() == ErrorKind::Timeout => candidate.note(None),
            Err(error) => {
                candidate.note(Some(error));
                let most = (Duration::from_millis(50) * 2u32.saturating_pow(failed)).min(REST_MAX);
                failed = (failed + 1).min(10);
                rest(engine, most / 2 + engine.fleet.jitter(most / 2)).await;
            }
        }
    }
}

/// Rests, and no longer than the client is open.
async fn rest(engine: &Engine, span: Duration) {
    tokio::select! {
        () = sleep(span) => {}
        _ = engine.closed() => {}
    }
}

impl Candidate {
    pub(super) fn new(engine: Arc<Engine>, keys: Keys, terms: Terms) -> Arc<Self> {
        Arc::new(Candidate {
            engine,
            keys,
            terms,
            state: Mutex::default(),
            changed: Notify::new(),
        })
    }

    /// Its campaign has begun.
    pub(super) fn campaigns(&self, campaign: Pending<()>) {
        locked(&self.state).campaign = Some(campaign);
    }

    /// The fencing token of the present tenure.
    pub(super) fn fencing_token(&self) -> Option<FencingToken> {
        let state = locked(&self.state);
        let tenure = state.tenure.as_ref().filter(|tenure| tenure.is_held());
        tenure.and_then(Guard::fencing_token)
    }

    pub(super) fn is_leader(&self) -> bool {
        let by_flag = self.engine.fleet.planted.has(PlantedBug::LeaderByFlag);
        let state = locked(&self.state);
        let tenure = state.tenure.as_ref();
        tenure.is_some_and(|tenure| by_flag || tenure.is_held())
    }

    pub(super) fn trouble(&self) -> Option<Error> {
        locked(&self.state).trouble.clone()
    }

    /// A guard of the next tenure, or of the present one.
    pub(super) async fn won(&self) -> Result<Guard> {
        loop {
            let changed = self.changed.notified();
            {
                let state = locked(&self.state);
                if let Some(Ok(guard)) = state.tenure.as_ref().map(Guard::reenter) {
                    return Ok(guard);
                }
                if let Some(over) = &state.over {
                    return Err(over.clone());
                }
            }
            changed.await;
        }
    }

    /// Stops the campaign and gives back what it won.
    pub(super) fn resign(&self) -> Pending<Released> {
        let Some(tenure) = self.stop() else {
            return Pending::ready(Ok(Released::AlreadyExpired));
        };
        tenure.resign();
        // Dropped before it is released, the guard gives the lock back as well.
        self.engine.run(async move { tenure.release().await })
    }

    /// The same without waiting for what becomes of it.
    pub(super) fn resign_in_background(&self) {
        if let Some(tenure) = self.stop() {
            tenure.resign();
        }
    }

    pub(super) fn sign(&self, error: Error, operation: &'static str) -> Error {
        error
            .with_operation(operation)
            .with_resource(self.keys.name())
    }

    /// Ends the campaign; gives what it won.
    fn stop(&self) -> Option<Guard> {
        let mut state = locked(&self.state);
        let resigned = || Error::new(ErrorKind::NotHeld, "it was resigned");
        state.over.get_or_insert_with(resigned);
        let (campaign, tenure) = (state.campaign.take(), state.tenure.take());
        drop(state);
        drop(campaign);
        self.changed.notify_waiters();
        tenure
    }

    /// A tenure begins, unless the campaign was stopped meanwhile; then its guard is dropped.
    fn enter(&self, guard: Guard) -> bool {
        let mut state = locked(&self.state);
        if state.over.is_some() {
            drop(state);
            return false;
        }
        state.tenure = Some(guard);
        state.trouble = None;
        drop(state);
        self.changed.notify_waiters();
        true
    }

    /// The tenure is over: what is left of its lease on the nodes is given back.
    fn leave(&self) {
        let tenure = locked(&self.state).tenure.take();
        drop(tenure);
    }

    /// Why the last campaign failed, if it did.
    fn note(&self, trouble: Option<Error>) {
        locked(&self.state).trouble = trouble;
    }

    fn end(&self, why: Error) {
        locked(&self.state).over.get_or_insert(why);
        self.changed.notify_waiters();
    }
}
