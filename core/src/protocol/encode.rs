//! Commands as words on the wire.

use crate::config::{FencingToken, Keys, OwnerToken};
use crate::error::{Fault, FaultClass};
use crate::protocol::command::{Claim, Command, WaiterId};
use crate::protocol::script;
use crate::protocol::wire::{Abilities, CompareDelete, Wire};

/// The words for `command`, in order; a fault where this server cannot serve it.
pub fn encode(command: &Command, can: &Abilities) -> Result<Vec<Wire>, Fault> {
    if is_plain(command, can) {
        return encode_plain(command, can);
    }
    let call = |script, keys, args| Ok(vec![Wire::Call { script, keys, args }]);
    match command {
        Command::Acquire(claim) => {
            let heed = flag(claim.heed_queue && can.queue);
            let args = vec![
                token(&claim.token),
                number(claim.ttl.as_millis()),
                proposal(claim, can),
                heed,
            ];
            call(&script::ACQUIRE, claim_keys(claim), args)
        }
        Command::Poll(claim, place) => {
            if !can.queue {
                return Err(Fault::refused(
                    FaultClass::Unsupported,
                    "the user's rights do not suffice for a queue",
                ));
            }
            let args = vec![
                token(&claim.token),
                number(claim.ttl.as_millis()),
                proposal(claim, can),
                waiter(&place.waiter, can),
                number(place.beat_ms),
                place.score.map_or_else(Vec::new, number),
            ];
            call(&script::POLL, claim_keys(claim), args)
        }
        Command::Leave { keys, waiter: id } => {
            if !can.queue {
                return Err(Fault::refused(
                    FaultClass::Unsupported,
                    "the user's rights do not suffice for a queue",
                ));
            }
            let names = vec![
                keys.lock().into(),
                keys.floor().into(),
                keys.queue().into(),
                keys.beats().into(),
            ];
            call(&script::LEAVE, names, vec![waiter(id, can)])
        }
        Command::Release(release) => {
            let keys = &release.keys;
            let mut names = lock_keys(keys, &release.token);
            names.push(
                release
                    .spent
                    .as_ref()
                    .map_or_else(|| keys.fence().to_owned(), |(ticket, _)| keys.spent(ticket)),
            );
            // Without a score it had no place: put back, it would stand before everybody.
            let place = release
                .put_back
                .as_ref()
                .filter(|place| can.queue && place.score.is_some());
            let args = vec![
                token(&release.token),
                number(release.fence.map_or(0, FencingToken::get)),
                number(release.tomb_ms),
                flag(can.queue),
                number(
                    release
                        .spent
                        .as_ref()
                        .map_or(0, |(_, retention_ms)| *retention_ms),
                ),
                place.map_or_else(Vec::new, |place| waiter(&place.waiter, can)),
                number(place.and_then(|place| place.score).unwrap_or(0)),
                number(place.map_or(0, |place| place.beat_ms)),
            ];
            call(&script::RELEASE, names, args)
        }
        Command::Extend { leases, fill_in } => {
            let mut names = Vec::with_capacity(1 + 2 * leases.len());
            let mut args = Vec::with_capacity(1 + 3 * leases.len());
            names.extend(leases.first().map(|lease| lease.keys.floor().to_owned()));
            args.push(flag(*fill_in));
            for lease in leases {
                names.extend([lease.keys.lock().to_owned(), lease.keys.fence().into()]);
                let fence = lease.fence.map_or(0, FencingToken::get);
                args.extend([
                    token(&lease.token),
                    number(lease.ttl.as_millis()),
                    number(fence),
                ]);
            }
            call(&script::EXTEND, names, args)
        }
        Command::Raise {
            keys,
            token: owner,
            to,
        } => {
            let names = vec![keys.lock().into(), keys.fence().into(), keys.floor().into()];
            call(&script::RAISE, names, vec![token(owner), number(to.get())])
        }
        Command::Adopt {
            claim,
            from,
            ticket,
        } => {
            let keys = &claim.keys;
            let names = vec![
                keys.lock().into(),
                keys.fence().into(),
                keys.floor().into(),
                keys.tombstone(&claim.token),
                keys.spent(ticket),
            ];
            let args = vec![
                token(from),
                token(&claim.token),
                number(claim.ttl.as_millis()),
                proposal(claim, can),
            ];
            call(&script::ADOPT, names, args)
        }
        Command::Unadopt {
            keys,
            from,
            to,
            tomb_ms,
        } => {
            let names = vec![keys.lock().into(), keys.tombstone(to)];
            call(
                &script::UNADOPT,
                names,
                vec![token(from), token(to), number(*tomb_ms)],
            )
        }
        Command::Inspect { keys } => call(
            &script::INSPECT,
            vec![keys.lock().into(), keys.fence().into(), keys.queue().into()],
            Vec::new(),
        ),
        Command::Facts => Ok(vec![Wire::Words(vec![b"INFO".to_vec()])]),
    }
}

/// True where `command` is said in plain words: scripts may not run, or a compare-and-delete is at
/// hand and the command asks for nothing that only a script can do.
pub(super) fn is_plain(command: &Command, can: &Abilities) -> bool {
    let suffices = match command {
        Command::Acquire(claim) => claim.proposal.is_none() && !claim.heed_queue,
        Command::Release(release) => {
            release.fence.is_none()
                && release.tomb_ms == 0
                && release.spent.is_none()
                && release.put_back.is_none()
        }
        _ => false,
    };
    !can.scripts || (suffices && can.compare_delete.is_some())
}

/// The plain dialect, for users that may not run scripts and claims that need none: no fencing and no queue, and the
/// compare-and-delete command of the server.
fn encode_plain(command: &Command, can: &Abilities) -> Result<Vec<Wire>, Fault> {
    let Some(compare_delete) = can.compare_delete else {
        let why = "neither scripts nor a compare-and-delete command may be used";
        return Err(Fault::refused(FaultClass::Permission, why));
    };
    let word = |text: &str| text.as_bytes().to_vec();
    match command {
        Command::Acquire(claim) => Ok(vec![Wire::Words(vec![
            word("SET"),
            word(claim.keys.lock()),
            token(&claim.token),
            word("NX"),
            word("GET"),
            word("PX"),
            number(claim.ttl.as_millis()),
        ])]),
        Command::Release(release) => {
            let mut words = vec![word("DELIFEQ"), word(release.keys.lock())];
            if compare_delete == CompareDelete::DelEx {
                words = vec![word("DELEX"), word(release.keys.lock()), word("IFEQ")];
            }
            words.push(token(&release.token));
            Ok(vec![Wire::Words(words)])
        }
        Command::Extend {
            leases,
            fill_in: false,
        } => Ok(leases
            .iter()
            .map(|lease| {
                Wire::Words(vec![
                    word("SET"),
                    word(lease.keys.lock()),
                    token(&lease.token),
                    word("IFEQ"),
                    token(&lease.token),
                    word("PX"),
                    number(lease.ttl.as_millis()),
                ])
            })
            .collect()),
        Command::Inspect { keys } => Ok(vec![
            Wire::Words(vec![word("GET"), word(keys.lock())]),
            Wire::Words(vec![word("PTTL"), word(keys.lock())]),
        ]),
        Command::Facts => Ok(vec![Wire::Words(vec![word("INFO")])]),
        _ => Err(Fault::refused(
            FaultClass::Unsupported,
            "needs scripts, which the user may not run",
        )),
    }
}

/// A waiter as it stands in the queue: `s` listens, `p` polls.
pub fn waiter_member(id: &WaiterId, listens: bool) -> String {
    format!(
        "{}:{}:{}",
        id.client.0,
        id.number,
        if listens { 's' } else { 'p' }
    )
}

fn waiter(id: &WaiterId, can: &Abilities) -> Vec<u8> {
    waiter_member(id, can.wake).into_bytes()
}

fn claim_keys(claim: &Claim) -> Vec<String> {
    lock_keys(&claim.keys, &claim.token)
}

fn lock_keys(keys: &Keys, owner: &OwnerToken) -> Vec<String> {
    vec![
        keys.lock().into(),
        keys.fence().into(),
        keys.floor().into(),
        keys.queue().into(),
        keys.beats().into(),
        keys.tombstone(owner),
    ]
}

/// The proposed token; 0 where the script cannot bound it by the server's clock.
fn proposal(claim: &Claim, can: &Abilities) -> Vec<u8> {
    claim
        .proposal
        .map_or_else(Vec::new, |micros| number(if can.time { micros } else { 0 }))
}

fn token(owner: &OwnerToken) -> Vec<u8> {
    owner.as_bytes().to_vec()
}

fn number(value: u64) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn flag(yes: bool) -> Vec<u8> {
    if yes { b"1".to_vec() } else { Vec::new() }
}
