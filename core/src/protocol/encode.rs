//! Commands as words for a server.

use crate::config::{FencingToken, Keys, TicketId};
use crate::error::{Fault, FaultClass};
use crate::protocol::command::{Claim, Command, Place, Release, Renewal, WaiterId, Wake};
use crate::protocol::marker::{Mark, MarkWord};
use crate::protocol::script::{self, Script};
use crate::protocol::several;
use crate::protocol::shared;
use crate::protocol::speech::Speech;
use crate::protocol::wire::{Abilities, CompareDelete};

/// The words for `command`; a fault where this server cannot serve it.
pub fn encode(command: &Command, can: &Abilities) -> Result<Speech, Fault> {
    let mut speech = Speech::new();
    match command {
        Command::Acquire(claim) if claim.is_plain(can) => plain_claim(&mut speech, claim, can),
        Command::Release(release) if release.is_plain(can) => {
            delete(&mut speech, release, can);
            if let Some(fence) = release.fence {
                speech.words(&["ZADD", &release.keys.fence(), "GT"]);
                speech.number(fence.get());
                speech.word(b"token");
            }
            if release.looks(can) {
                speech.words(&["EXISTS", &release.keys.queue()]);
            }
        }
        _ if command.is_shared() => shared::encode(&mut speech, command, can)?,
        _ if !can.scripts => without_scripts(&mut speech, command, can)?,
        Command::Poll(..) | Command::Leave { .. } | Command::Call { .. } if !can.queue => {
            let why = "the user's rights do not suffice for a queue";
            return Err(Fault::refused(FaultClass::Unsupported, why));
        }
        Command::Facts => speech.words(&["INFO"]),
        Command::Recall { keys } => speech.words(&["PTTL", &keys.spent(&TicketId::once())]),
        Command::Remember { keys, ms } => {
            let mark = keys.spent(&TicketId::once());
            speech.words(&["SET", &mark, "spent", "NX", "PX"]);
            speech.number(*ms);
        }
        Command::Mark(_) if !can.time => {
            let why = "the user may not read the server's clock";
            return Err(Fault::refused(FaultClass::Unsupported, why));
        }
        _ => by_script(&mut speech, command, can),
    }
    Ok(speech)
}

/// A claim in plain words: the key if it is free, then the counter. Alone they would not say that
/// the counter went up while the key was ours; in this order, on one connection, they do.
fn plain_claim(speech: &mut Speech, claim: &Claim, can: &Abilities) {
    set_if_free(speech, claim);
    if let Some(proposal) = claim.proposal.filter(|_| can.fencing) {
        speech.words(&["ZADD", &claim.keys.fence(), "GT", "CH"]);
        speech.number(proposal);
        speech.word(b"token");
    }
    if claim.heed_queue && can.queue {
        speech.words(&["EXISTS", &claim.keys.queue()]);
    }
}

fn set_if_free(speech: &mut Speech, claim: &Claim) {
    speech.words(&["SET", claim.keys.lock()]);
    speech.word(claim.token.as_bytes());
    for word in ["NX", "GET", "PX"] {
        speech.word(word.as_bytes());
    }
    speech.number(claim.ttl.as_millis());
}

fn delete(speech: &mut Speech, release: &Release, can: &Abilities) {
    let lock = release.keys.lock();
    match can.compare_delete {
        Some(CompareDelete::DelIfEq) => speech.words(&["DELIFEQ", lock]),
        Some(CompareDelete::DelEx) => speech.words(&["DELEX", lock, "IFEQ"]),
        None => speech.call(&script::DELETE, [lock].into_iter()),
    }
    speech.word(release.token.as_bytes());
}

fn by_script(speech: &mut Speech, command: &Command, can: &Abilities) {
    if several::say(speech, command, can) {
        return;
    }
    match command {
        Command::Acquire(claim) => {
            call_for(speech, &script::ACQUIRE, claim, can);
            speech.flag(claim.heed_queue && can.queue);
            speech.word(claim.keys.channels().as_bytes());
        }
        Command::Poll(claim, place) => {
            call_for(speech, &script::POLL, claim, can);
            waiter(speech, &claim.keys, &place.waiter, can);
            speech.number(place.beat_ms);
            match place.score {
                Some(score) => speech.number(score),
                None => speech.word(b""),
            }
            speech.word(claim.keys.channels().as_bytes());
        }
        Command::Leave { keys, waiter: id } => {
            let names = [keys.lock().to_owned(), keys.queue(), keys.beats()];
            speech.call(&script::LEAVE, names.iter());
            waiter(speech, keys, id, can);
            speech.word(keys.channels().as_bytes());
        }
        Command::Call { keys } => {
            let names = [keys.lock().to_owned(), keys.queue(), keys.beats()];
            speech.call(&script::LEAVE, names.iter());
            // Nobody leaves.
            speech.word(b"");
            speech.word(keys.channels().as_bytes());
        }
        Command::Release(release) => give_back(speech, release, can),
        Command::Extend { leases, fill_in } => {
            let mut names = Vec::with_capacity(1 + 2 * leases.len());
            for part in leases.iter().flat_map(|lease| lease.keys.parts()) {
                names.extend([part.lock().to_owned(), part.fence()]);
            }
            let ticket = fill_in.iter().zip(leases.first());
            names.extend(ticket.map(|(ticket, lease)| lease.keys.spent(ticket)));
            speech.call(&script::EXTEND, names.iter());
            for lease in leases {
                for _ in lease.keys.parts() {
                    speech.word(lease.token.as_bytes());
                    speech.number(lease.ttl.as_millis());
                    speech.number(raised_to(lease.fence, can));
                }
            }
        }
        Command::Raise {
            keys,
            token,
            to,
            past,
        } => {
            let names = [keys.lock().to_owned(), keys.fence()];
            speech.call(&script::RAISE, names.iter());
            speech.word(token.as_bytes());
            speech.number(*to);
            speech.flag(*past);
        }
        Command::Adopt {
            claim,
            from,
            ticket,
            seen_ms,
        } => {
            let keys = &claim.keys;
            let tomb = keys.tombstone(&claim.token);
            let names = [
                keys.lock().to_owned(),
                keys.fence(),
                tomb,
                keys.spent(ticket),
            ];
            speech.call(&script::ADOPT, names.iter());
            speech.word(from.as_bytes());
            speech.word(claim.token.as_bytes());
            speech.number(claim.ttl.as_millis());
            proposal(speech, claim, can);
            speech.number(*seen_ms);
        }
        Command::Unadopt {
            keys,
            from,
            to,
            ticket,
            tomb_ms,
        } => {
            let names = [
                keys.lock().to_owned(),
                keys.tombstone(to),
                keys.spent(ticket),
            ];
            speech.call(&script::UNADOPT, names.iter());
            speech.word(from.as_bytes());
            speech.word(to.as_bytes());
            speech.number(*tomb_ms);
        }
        Command::Inspect { keys } => {
            let names = [keys.lock().to_owned(), keys.fence(), keys.queue()];
            speech.call(&script::INSPECT, names.iter());
        }
        // No scripts.
        Command::Recall { .. } | Command::Remember { .. } | Command::Facts => {}
        Command::Mark(mark) => keep_marker(speech, mark),
        // A read/write lock's have words of their own.
        Command::Shared(..)
        | Command::Intend { .. }
        | Command::Shift { .. }
        | Command::Sharers { .. } => {}
    }
}

fn keep_marker(speech: &mut Speech, mark: &Mark) {
    let (word, id, rest) = match &mark.word {
        MarkWord::Look => ("look", "", String::new()),
        MarkWord::Open { id, with } => ("open", id.as_str(), Mark::joined(with)),
        MarkWord::Guard { id, in_use } => ("guard", id.as_str(), u8::from(*in_use).to_string()),
        MarkWord::Admit => ("admit", "", String::new()),
    };
    speech.call(&script::MARKER, [&*mark.key].into_iter());
    speech.word(word.as_bytes());
    speech.word(mark.run.as_deref().unwrap_or_default().as_bytes());
    match mark.keeps {
        Some(keeps) => speech.number(u64::from(keeps)),
        None => speech.word(b""),
    }
    speech.number(mark.ttl_max.as_millis());
    speech.word(mark.fresh_id.as_bytes());
    speech.word(id.as_bytes());
    speech.word(rest.as_bytes());
}

/// What `acquire` and `poll` begin with.
fn call_for(speech: &mut Speech, script: &'static Script, claim: &Claim, can: &Abilities) {
    let keys = &claim.keys;
    let names = [
        keys.lock().to_owned(),
        keys.fence(),
        keys.queue(),
        keys.beats(),
        keys.tombstone(&claim.token),
    ];
    speech.call(script, names.iter());
    speech.word(claim.token.as_bytes());
    speech.number(claim.ttl.as_millis());
    proposal(speech, claim, can);
}

fn give_back(speech: &mut Speech, release: &Release, can: &Abilities) {
    let (keys, spent) = (&release.keys, release.spent.as_ref());
    let names = [
        keys.lock().to_owned(),
        keys.fence(),
        keys.queue(),
        keys.beats(),
        keys.tombstone(&release.token),
        // Without a ticket no mark is set, and any key that is declared already does.
        spent.map_or_else(|| keys.queue(), |spent| keys.spent(&spent.ticket)),
    ];
    // Without a score it had no place: put back, it would stand before everybody.
    let place = release.put_back.as_ref();
    let place = place.filter(|place| can.queue && place.score.is_some());
    speech.call(&script::RELEASE, names.iter());
    speech.word(release.token.as_bytes());
    speech.number(raised_to(release.fence, can));
    speech.number(release.tomb_ms);
    speech.flag(can.queue && (release.wake != Wake::Nobody || place.is_some()));
    speech.number(spent.map_or(0, |spent| spent.retention_ms));
    match place {
        Some(Place {
            waiter: id,
            beat_ms,
            score,
            ..
        }) => {
            waiter(speech, keys, id, can);
            speech.number(score.unwrap_or(0));
            speech.number(*beat_ms);
        }
        None => {
            speech.word(b"");
            speech.number(0);
            speech.number(0);
        }
    }
    speech.word(keys.channels().as_bytes());
    speech.word(spent.map_or(b"", |spent| spent.from.as_bytes()));
}

/// The words of users that may not run scripts: no fencing, no queue, no hand-over, and the
/// compare-and-delete command of the server.
fn without_scripts(speech: &mut Speech, command: &Command, can: &Abilities) -> Result<(), Fault> {
    if can.compare_delete.is_none() {
        let why = "neither scripts nor a compare-and-delete command may be used";
        return Err(Fault::refused(FaultClass::Permission, why));
    }
    match command {
        Command::Acquire(claim) if !claim.keys.is_several() => set_if_free(speech, claim),
        Command::Release(release) if !release.keys.is_several() => delete(speech, release, can),
        Command::Extend {
            leases,
            fill_in: None,
        } => {
            for lease in leases {
                extend_if_own(speech, lease);
            }
        }
        Command::Inspect { keys } if !keys.is_pool() => {
            speech.words(&["GET", keys.lock()]);
            speech.words(&["PTTL", keys.lock()]);
        }
        Command::Facts => speech.words(&["INFO"]),
        _ => {
            let why = "needs scripts, which the user may not run";
            return Err(Fault::refused(FaultClass::Unsupported, why));
        }
    }
    Ok(())
}

fn extend_if_own(speech: &mut Speech, lease: &Renewal) {
    speech.words(&["SET", lease.keys.lock()]);
    speech.word(lease.token.as_bytes());
    speech.word(b"IFEQ");
    speech.word(lease.token.as_bytes());
    speech.word(b"PX");
    speech.number(lease.ttl.as_millis());
}

impl Claim {
    /// True where plain words do: they take one key.
    pub fn is_plain(&self, can: &Abilities) -> bool {
        can.plain && !self.keys.is_several()
    }
}

impl Release {
    /// True where its plain words also ask whether somebody waits.
    pub(crate) fn looks(&self, can: &Abilities) -> bool {
        self.wake == Wake::Look && can.queue
    }

    /// True where plain words do: nothing is to be remembered and nobody to be called.
    pub fn is_plain(&self, can: &Abilities) -> bool {
        can.scripts
            && !self.keys.is_several()
            && self.tomb_ms == 0
            && self.spent.is_none()
            && self.wake != Wake::First
            && self.put_back.is_none()
            && (self.fence.is_none() || can.plain)
    }
}

/// A waiter as it stands in the queue of `keys`: `s` listens, `p` polls; for a semaphore with how many
/// slots it wants.
pub fn waiter_member(keys: &Keys, id: &WaiterId, listens: bool) -> String {
    let (client, number) = (&id.client.0, id.number);
    let ear = if listens { 's' } else { 'p' };
    match keys.wanted() {
        0 => format!("{client}:{number}:{ear}"),
        wanted => format!("{client}:{number}:{wanted}:{ear}"),
    }
}

pub(super) fn waiter(speech: &mut Speech, keys: &Keys, id: &WaiterId, can: &Abilities) {
    speech.word(waiter_member(keys, id, can.wake).as_bytes());
}

/// The proposed token: none where the counter may not be used, 0 where the script cannot bound it
/// by the server's clock.
pub(super) fn proposal(speech: &mut Speech, claim: &Claim, can: &Abilities) {
    match claim.proposal.filter(|_| can.fencing) {
        Some(micros) => speech.number(if can.time { micros } else { 0 }),
        None => speech.word(b""),
    }
}

pub(super) fn raised_to(fence: Option<FencingToken>, can: &Abilities) -> u64 {
    fence.filter(|_| can.fencing).map_or(0, FencingToken::get)
}
