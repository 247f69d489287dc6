//! Renewing by hand and handing over.

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use crate::client::lease::Lease;
use crate::client::locked;
use crate::config::{Ticket, TicketId, Ttl};
use crate::error::{Error, ErrorKind, NodeOutcome, Result};
use crate::quorum::{Extension, Held, Renewed, Standing, start_release};

/// Renews `lease` now.
pub(crate) async fn extend(lease: &Arc<Lease>) -> Result<()> {
    renew(lease, lease.terms.ttl, None, "extend").await
}

/// Renews `lease` on all nodes with `ttl`, ends it here, and gives the ticket to it.
pub(crate) async fn detach(lease: &Arc<Lease>, ttl: Ttl) -> Result<Ticket> {
    // A shorter one would end the keys before the deadline the guard counts on if this fails.
    let ttl = ttl.max(lease.terms.ttl);
    unshared(lease)?;
    if lease.terms.done_ms.is_some() {
        let error = Error::invalid("guard", "a job that runs once cannot be handed over");
        return Err(sign(lease, "detach", error, Vec::new()));
    }
    let fleet = &lease.engine.fleet;
    let id = TicketId::fresh(&*fleet.entropy);
    renew(lease, ttl, Some(id.clone()), "detach").await?;
    if !lease.hand_over() {
        unshared(lease)?;
        return Err(sign(lease, "detach", ended(lease), Vec::new()));
    }
    lease.held.void.set();
    if lease.held.ticket.is_some() {
        // The ticket this lease came by is used up as well, and no release of this lease will say so.
        // An owner that owns nothing gives nothing back and leaves the mark.
        let nobody = Held {
            token: fleet.fresh_token(),
            ..lease.holding().into_owned()
        };
        drop(start_release(fleet, &nobody));
    }
    lease.engine.events.detached(&lease.held.keys, id.as_str());
    Ok(
        Ticket::new(id, &lease.held.keys, &lease.held.token, ttl, lease.fence())
            .in_mode(lease.mode()),
    )
}

/// An error where other guards hold the lease as well: they would lose it without a word.
fn unshared(lease: &Lease) -> Result<()> {
    if !lease.is_shared() {
        return Ok(());
    }
    let message = "the lock was re-entered: release the other guards before it is handed over";
    let error = Error::invalid("guard", message);
    Err(sign(lease, "detach", error, Vec::new()))
}

async fn renew(
    lease: &Arc<Lease>,
    ttl: Ttl,
    fill_in: Option<TicketId>,
    operation: &'static str,
) -> Result<()> {
    let fleet = &lease.engine.fleet;
    let timeout = fleet.settings.node_timeout(lease.terms.ttl);
    let by = Instant::now() + timeout;
    let (turn, extension) = loop {
        // The background renewal is more patient than a caller.
        if timeout_at(by, lease.renewal_over()).await.is_err() {
            return Err(sign(lease, operation, unconfirmed(), Vec::new()));
        }
        // As in the background renewal: nothing of this lease is sent after its end.
        let _gate = locked(&lease.engine.renewal_gate);
        if lease.standing() != Standing::Held {
            return Err(sign(lease, operation, ended(lease), Vec::new()));
        }
        if let Some((turn, renewal)) = lease.begin_renewal(ttl) {
            break (
                turn.by_hand(),
                Extension::start(fleet, vec![renewal], fill_in.clone(), timeout),
            );
        }
    };
    let extended = extension.finish().await;
    let Some(votes) = extended.votes.first() else {
        return Ok(());
    };
    match turn.end(extended.sent, *votes) {
        Renewed::Yes => Ok(()),
        Renewed::Lost(_) | Renewed::Ended => {
            Err(sign(lease, operation, ended(lease), extended.outcomes))
        }
        Renewed::Unknown => Err(sign(lease, operation, unconfirmed(), extended.outcomes)),
    }
}

fn unconfirmed() -> Error {
    let message = "too few nodes confirmed in time; the lock is still held until its old deadline";
    Error::new(ErrorKind::QuorumUnavailable, message)
}

/// Why a lease cannot be used any more.
fn ended(lease: &Lease) -> Error {
    match lease.standing() {
        Standing::Lost(loss) => Error::new(ErrorKind::LeaseLost, loss.to_string()),
        _ => Error::new(ErrorKind::NotHeld, "it was released or handed over"),
    }
}

fn sign(lease: &Lease, operation: &'static str, error: Error, outcomes: Vec<NodeOutcome>) -> Error {
    error
        .with_operation(operation)
        .with_resource(lease.held.keys.name())
        .with_outcomes(outcomes)
}
