//! Which slots of a semaphore the nodes are asked for.

use std::sync::Arc;

use crate::config::Keys;
use crate::protocol::{Claim, ClientId, Command, Place, Request, WaiterId};

/// The home has picked the slots that `keys` say: the others are asked for exactly these, on the same
/// terms.
pub(crate) fn picked(claim: &Arc<Request>, keys: &Keys) -> Arc<Request> {
    let Command::Acquire(any) = &***claim else {
        return Arc::clone(claim);
    };
    let keys = keys.clone();
    Command::Acquire(Claim {
        keys,
        ..any.clone()
    })
    .into()
}

/// The planted bug: each node is asked for any slots, as a counting semaphore per node would be.
pub(crate) fn picked_per_node(claim: &Arc<Request>) -> Arc<Request> {
    let claim = match &***claim {
        Command::Acquire(claim) if claim.keys.is_pool() => claim,
        _ => return Arc::clone(claim),
    };
    let id = &claim.token.id()[..12];
    let place = Place {
        waiter: WaiterId {
            client: ClientId("planted".into()),
            number: u64::from_str_radix(id, 16).unwrap_or(0),
        },
        beat_ms: 0,
        score: None,
        at: 0,
    };
    let keys = claim.keys.with_slots(&[]);
    let any = Claim {
        keys,
        ..claim.clone()
    };
    Command::Poll(any, place).into()
}
