//! Upgrade and downgrade: a lease of a read/write lock becomes stronger or weaker while it is held.

use std::sync::Arc;

use tokio::time::Instant;

use crate::client::acquiring::Effort;
use crate::client::lease::Lease;
use crate::client::locked;
use crate::config::{Mode, Terms};
use crate::error::{Error, ErrorKind, Result};
use crate::quorum::{Approach, Bid, NotWon, Standing, Why, Won, claim, shift};

/// Makes a lease a writer's, waiting for its readers as long as the terms allow; a reader's is tried
/// once, because two that wait would wait for each other.
pub(crate) async fn upgrade(lease: Arc<Lease>, mut terms: Terms) -> Result<()> {
    match lease.mode() {
        _ if lease.standing() != Standing::Held => {
            return Err(sign(&lease, "upgrade", ended(&lease)));
        }
        None => return Err(sign(&lease, "upgrade", no_modes())),
        Some(Mode::Write) => return Ok(()),
        Some(Mode::Read) => terms.wait = std::time::Duration::ZERO,
        Some(Mode::Upgradeable) => {}
    }
    unshared(&lease, "upgrade")?;
    Effort::upgrading(lease, terms).upgrade().await
}

/// Makes a lease a reader's, at once.
pub(crate) async fn downgrade(lease: &Arc<Lease>) -> Result<()> {
    let Some(footing) = &lease.footing else {
        return Err(sign(lease, "downgrade", no_modes()));
    };
    unshared(lease, "downgrade")?;
    let to = loop {
        if lease.standing() != Standing::Held {
            return Err(sign(lease, "downgrade", ended(lease)));
        }
        if footing.stance().mode == Mode::Read {
            return Ok(());
        }
        match footing.sink() {
            Some(to) => break to,
            None => lease.renewal_over().await,
        }
    };
    shift(&lease.engine.fleet, &lease.held, to, false);
    Ok(())
}

/// One try to make `lease` a writer's. No renewal of it is under way meanwhile, so that no node hears
/// of the older stance behind the newer one.
pub(crate) async fn try_upgrade(
    lease: &Arc<Lease>,
    terms: &Terms,
    approach: Approach,
) -> Result<Won, NotWon> {
    let Some(footing) = &lease.footing else {
        return Err(over(no_modes()));
    };
    let (turn, rise) = loop {
        lease.renewal_over().await;
        let _gate = locked(&lease.engine.renewal_gate);
        if lease.standing() != Standing::Held {
            return Err(over(ended(lease)));
        }
        if let Some((turn, _)) = lease.begin_renewal(lease.terms.ttl) {
            break (turn.by_hand(), footing.rise());
        }
    };
    if rise.back.mode == Mode::Read && !terms.wait.is_zero() {
        let message = "it was downgraded while it waited to be upgraded";
        return Err(over(Error::new(ErrorKind::NotHeld, message)));
    }
    let bid = Bid {
        keys: &lease.held.keys,
        stance: Some(rise.to),
        upgrade: Some((&lease.held.token, rise.back)),
    };
    let terms = Terms {
        ttl: lease.terms.ttl,
        ..*terms
    };
    let won = claim(&lease.engine.fleet, bid, &terms, approach).await?;
    // Whatever ends the lease sees the one or the other.
    let gate = locked(&lease.engine.renewal_gate);
    if !lease.rise(won.deadline) {
        drop(gate);
        shift(&lease.engine.fleet, &won.held, rise.back, true);
        return Err(over(ended(lease)));
    }
    rise.won(&won);
    drop(gate);
    drop((rise, turn));
    Ok(won)
}

/// Why a lease cannot be used any more.
fn ended(lease: &Lease) -> Error {
    match lease.standing() {
        Standing::Lost(loss) => Error::new(ErrorKind::LeaseLost, loss.to_string()),
        _ => Error::new(ErrorKind::NotHeld, "it was released or handed over"),
    }
}

fn no_modes() -> Error {
    let message = "only a read/write lock can be upgraded or downgraded";
    Error::invalid("guard", message)
}

/// An error where other guards hold the lease as well: what they count on would change.
fn unshared(lease: &Lease, operation: &'static str) -> Result<()> {
    if !lease.is_shared() {
        return Ok(());
    }
    let message = "the lock was re-entered: release the other guards before its mode changes";
    Err(sign(lease, operation, Error::invalid("guard", message)))
}

fn sign(lease: &Lease, operation: &'static str, error: Error) -> Error {
    error
        .with_operation(operation)
        .with_resource(lease.held.keys.name())
}

fn over(error: Error) -> NotWon {
    NotWon {
        why: Why::Misconfigured(error),
        holder_left: None,
        foreign: false,
        place: None,
        score: None,
        at: 0,
        outcomes: Vec::new(),
    }
}

impl Effort {
    /// Upgrades: at once where nobody else reads, else as the first of the waiting writers.
    async fn upgrade(mut self) -> Result<()> {
        let seat = self.stand().map_err(|full| self.sign(full, Vec::new()))?;
        let not_won = match self.attempt(Approach::AllAtOnce).await {
            Ok(_) => return Ok(()),
            Err(not_won) => self.fatal(not_won)?,
        };
        if self.limit <= Instant::now() {
            return Err(self.gave_up(&not_won));
        }
        self.wait(&seat, Some(not_won)).await.map(|_| ())
    }
}
