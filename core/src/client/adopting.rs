//! Adopting: a handed-over lock is taken by exactly one of those who got the ticket.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::client::engine::Engine;
use crate::client::lease::Lease;
use crate::config::{Keys, PlantedBug, Terms, Ticket};
use crate::error::{Error, ErrorKind, NodeOutcome, Result};
use crate::quorum::{NotAdopted, Rejection, adopt as try_once};

/// How long several adopters of one ticket go on splitting the votes at most.
const ADOPT_WAIT_MAX: Duration = Duration::from_secs(5);

/// Takes over the lock that `ticket` stands for.
pub(crate) async fn adopt(
    engine: Arc<Engine>,
    keys: Keys,
    ticket: Ticket,
    terms: Terms,
) -> Result<Arc<Lease>> {
    let fleet = &engine.fleet;
    let started = fleet.clock.now();
    let limit = Instant::now() + terms.wait.min(ADOPT_WAIT_MAX);
    fleet
        .connected(Instant::now() + fleet.settings.connect_timeout)
        .await;
    let sign = |error: Error, attempts, outcomes: Vec<NodeOutcome>| {
        let error = error
            .with_operation("adopt")
            .with_resource(keys.name())
            .with_effort(attempts, fleet.clock.now().since(started))
            .with_outcomes(outcomes);
        engine.events.failed(&keys, &error);
        error
    };
    let mut token = fleet.fresh_token();
    let mut attempts = 0;
    loop {
        attempts += 1;
        let NotAdopted { why, outcomes } =
            match try_once(fleet, &keys, &ticket, &terms, token.clone()).await {
                Ok(won) => {
                    let lease = Lease::begin(&engine, won, terms, None);
                    let waited = fleet.clock.now().since(started);
                    return match lease {
                        Ok(lease) => {
                            engine.events.adopted(&keys, waited, attempts);
                            Ok(lease)
                        }
                        Err(closed) => Err(sign(closed, attempts, Vec::new())),
                    };
                }
                Err(not_adopted) => not_adopted,
            };
        if let Err(closed) = engine.usable() {
            return Err(sign(closed, attempts, outcomes));
        }
        let again = matches!(
            why,
            Rejection::Split | Rejection::Unavailable | Rejection::Late
        );
        if !again || Instant::now() >= limit {
            return Err(sign(refusal(why), attempts, outcomes));
        }
        // The roll-back is on its way ahead of the next try; jitter lets one adopter come through.
        let most = Duration::from_millis(2) * 2u32.saturating_pow(attempts.min(6));
        sleep(most / 4 + fleet.jitter(most)).await;
        if !fleet.planted.has(PlantedBug::AdoptWithOneToken) {
            token = fleet.fresh_token();
        }
    }
}

fn refusal(why: Rejection) -> Error {
    let not_held = |message: &'static str| Error::new(ErrorKind::NotHeld, message);
    match why {
        Rejection::Spent => {
            not_held("the ticket was used and its work is done: a duplicate can stop")
        }
        Rejection::Adopted => not_held("another adopter of this ticket holds the lock"),
        Rejection::Expired => not_held(
            "the lease of this ticket has run out or was released: acquire the lock afresh",
        ),
        Rejection::Split => Error::new(
            ErrorKind::Contended,
            "several adopters of this ticket split the votes",
        ),
        Rejection::Unavailable => Error::new(
            ErrorKind::QuorumUnavailable,
            "too few nodes answered to adopt the ticket",
        ),
        Rejection::Late => Error::new(
            ErrorKind::QuorumUnavailable,
            "a majority agreed, but later than the ttl allows",
        ),
        Rejection::Misconfigured(error) => error,
    }
}
