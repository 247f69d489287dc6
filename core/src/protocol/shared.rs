//! Commands about read/write locks as words, and what only they are answered with.

use crate::config::{Keys, Mode, OwnerToken, Stance, TicketId};
use crate::error::{Fault, FaultClass};
use crate::protocol::command::{Claim, Command, Place, Release, WaiterId, Wake};
use crate::protocol::encode::{proposal, raised_to};
use crate::protocol::reply::{Sharer, Sharers};
use crate::protocol::script::{self, Script};
use crate::protocol::speech::Speech;
use crate::protocol::wire::{Abilities, Raw};

/// What a waiter of a read/write lock waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaiterKind {
    /// To read.
    Reader,
    /// To read, with the right to write later.
    Upgradeable,
    /// To write.
    Writer,
    /// To write, which it has the right to.
    Upgrader,
}

impl WaiterKind {
    /// Whoever claims the lock in this stance. An operation behind the first is an upgrade.
    pub fn of(stance: Stance) -> Self {
        match stance.mode {
            Mode::Read => WaiterKind::Reader,
            Mode::Upgradeable => WaiterKind::Upgradeable,
            Mode::Write if stance.op > 1 => WaiterKind::Upgrader,
            Mode::Write => WaiterKind::Writer,
        }
    }

    const fn letter(self) -> char {
        match self {
            WaiterKind::Reader => 'r',
            WaiterKind::Upgradeable => 'u',
            WaiterKind::Writer => 'w',
            WaiterKind::Upgrader => 'x',
        }
    }
}

/// A waiter as it stands in a queue: what it waits for, and `s` where it listens, `p` where it polls.
pub fn shared_member(id: &WaiterId, kind: WaiterKind, listens: bool) -> String {
    let way = if listens { 's' } else { 'p' };
    format!("{}:{}:{}:{way}", id.client.0, id.number, kind.letter())
}

/// The words for a command about a read/write lock.
pub(super) fn encode(speech: &mut Speech, command: &Command, can: &Abilities) -> Result<(), Fault> {
    if !can.scripts || !can.queue {
        let why = "a read/write lock needs scripts with sorted sets, which the user may not run";
        return Err(Fault::refused(FaultClass::Permission, why));
    }
    match command {
        Command::Shared(stance, inner) => return encode_inner(speech, *stance, inner, can),
        Command::Intend {
            keys,
            waiter,
            upgrades,
            beat_ms,
        } => {
            let kind = if *upgrades {
                WaiterKind::Upgrader
            } else {
                WaiterKind::Writer
            };
            call(speech, &script::SHARED_INTEND, keys, []);
            speech.word(shared_member(waiter, kind, can.wake).as_bytes());
            speech.number(*beat_ms);
        }
        Command::Shift {
            keys,
            token,
            to,
            undo,
            wake,
        } => {
            call(speech, &script::SHARED_SHIFT, keys, []);
            owner(speech, token, *to);
            speech.flag(*undo);
            speech.flag(*wake);
            speech.word(keys.channels().as_bytes());
        }
        Command::Extend { leases, fill_in } => {
            let mut names = Vec::with_capacity(1 + 4 * leases.len());
            for lease in leases {
                let keys = &lease.keys;
                names.extend([keys.seat(), keys.readers(), keys.operations(), keys.fence()]);
            }
            let ticket = fill_in.iter().zip(leases.first());
            names.extend(ticket.map(|(ticket, lease)| lease.keys.spent(ticket)));
            speech.call(&script::SHARED_EXTEND, names.iter());
            for lease in leases {
                let stance = lease.stance.unwrap_or_else(|| Stance::first(Mode::Read));
                owner(speech, &lease.token, stance);
                speech.number(lease.ttl.as_millis());
                speech.number(raised_to(lease.fence, can));
            }
        }
        Command::Sharers { keys } => call(speech, &script::SHARED_INSPECT, keys, []),
        _ => return Err(foreign()),
    }
    Ok(())
}

fn encode_inner(
    speech: &mut Speech,
    stance: Stance,
    inner: &Command,
    can: &Abilities,
) -> Result<(), Fault> {
    match inner {
        Command::Acquire(claim) => ask(speech, stance, claim, None, can),
        Command::Poll(claim, place) => ask(speech, stance, claim, Some(place), can),
        Command::Leave { keys, waiter } => {
            call(speech, &script::SHARED_LEAVE, keys, []);
            let kind = WaiterKind::of(stance);
            speech.word(shared_member(waiter, kind, can.wake).as_bytes());
            speech.word(keys.channels().as_bytes());
        }
        Command::Release(release) => give_back(speech, stance, release, can),
        Command::Raise {
            keys,
            token,
            to,
            past,
        } => {
            call(speech, &script::SHARED_RAISE, keys, []);
            owner(speech, token, stance);
            speech.number(*to);
            speech.flag(*past);
        }
        Command::Adopt {
            claim,
            from,
            ticket,
            seen_ms,
        } => {
            let marks = marks(&claim.keys, &claim.token, ticket);
            call(speech, &script::SHARED_ADOPT, &claim.keys, marks);
            owner(speech, &claim.token, stance);
            speech.number(claim.ttl.as_millis());
            proposal(speech, claim, can);
            speech.word(from.as_bytes());
            speech.number(*seen_ms);
        }
        Command::Unadopt {
            keys,
            from,
            to,
            ticket,
            tomb_ms,
        } => {
            let marks = marks(keys, to, ticket);
            call(speech, &script::SHARED_UNADOPT, keys, marks);
            speech.word(from.as_bytes());
            speech.word(to.as_bytes());
            speech.number(*tomb_ms);
        }
        _ => return Err(foreign()),
    }
    Ok(())
}

fn ask(speech: &mut Speech, stance: Stance, claim: &Claim, place: Option<&Place>, can: &Abilities) {
    let keys = &claim.keys;
    call(
        speech,
        &script::SHARED_CLAIM,
        keys,
        [keys.tombstone(&claim.token)],
    );
    owner(speech, &claim.token, stance);
    speech.number(claim.ttl.as_millis());
    proposal(speech, claim, can);
    speech.flag(claim.heed_queue);
    waiting(speech, stance, place, can);
    speech.word(keys.channels().as_bytes());
}

fn give_back(speech: &mut Speech, stance: Stance, release: &Release, can: &Abilities) {
    let (keys, spent) = (&release.keys, release.spent.as_ref());
    let marks = [
        keys.tombstone(&release.token),
        // Without a ticket no mark is set, and any key that is declared already does.
        spent.map_or_else(|| keys.seat(), |spent| keys.spent(&spent.ticket)),
    ];
    call(speech, &script::SHARED_RELEASE, keys, marks);
    owner(speech, &release.token, stance);
    speech.number(raised_to(release.fence, can));
    speech.number(release.tomb_ms);
    speech.flag(release.wake != Wake::Nobody);
    // Without a score it had no place.
    let place = release.put_back.as_ref();
    waiting(
        speech,
        stance,
        place.filter(|place| place.score.is_some()),
        can,
    );
    speech.number(spent.map_or(0, |spent| spent.retention_ms));
    speech.word(spent.map_or(b"", |spent| spent.from.as_bytes()));
    speech.word(keys.channels().as_bytes());
}

/// A script about one lock, with the keys that all have, and `more`.
fn call<const MORE: usize>(
    speech: &mut Speech,
    script: &'static Script,
    keys: &Keys,
    more: [String; MORE],
) {
    let mut names = Vec::with_capacity(7 + MORE);
    names.extend([
        keys.seat(),
        keys.readers(),
        keys.operations(),
        keys.fence(),
        keys.reader_queue(),
        keys.writer_queue(),
        keys.shared_beats(),
    ]);
    names.extend(more);
    speech.call(script, names.iter());
}

fn marks(keys: &Keys, adopter: &OwnerToken, ticket: &TicketId) -> [String; 2] {
    [keys.tombstone(adopter), keys.spent(ticket)]
}

fn owner(speech: &mut Speech, token: &OwnerToken, stance: Stance) {
    speech.word(token.as_bytes());
    speech.word(stance.mode.letter().as_bytes());
    speech.number(stance.op);
}

/// A waiter, its beat and its old score; three empty words where nobody waits.
fn waiting(speech: &mut Speech, stance: Stance, place: Option<&Place>, can: &Abilities) {
    let Some(place) = place else {
        for _ in 0..3 {
            speech.word(b"");
        }
        return;
    };
    let kind = WaiterKind::of(stance);
    speech.word(shared_member(&place.waiter, kind, can.wake).as_bytes());
    speech.number(place.beat_ms);
    match place.score {
        Some(score) => speech.number(score),
        None => speech.word(b""),
    }
}

/// A command that no read/write lock knows: the caller's mistake, and nothing is sent.
fn foreign() -> Fault {
    let why = "a command that a read/write lock does not know";
    Fault::refused(FaultClass::Unsupported, why)
}

/// What `shared_inspect.lua` says.
pub(super) fn parse_sharers(list: &[Raw]) -> Option<Sharers> {
    let (first, rest) = list.split_first()?;
    let Raw::Int(waiters) = first else {
        return None;
    };
    let sharer = |words: &[Raw]| match words {
        [Raw::Bytes(mode), Raw::Bytes(owner), Raw::Int(left)] => Some(Sharer {
            mode: Mode::of_letter(mode)?,
            owner: owner.clone(),
            ttl_ms: u64::try_from(*left).ok()?,
        }),
        _ => None,
    };
    Some(Sharers {
        held: rest.chunks(3).map(sharer).collect::<Option<_>>()?,
        waiters: u64::try_from(*waiters).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{ClientId, waiter_number};

    #[test]
    fn a_member_tells_client_number_and_what_it_waits_for() {
        let waiter = WaiterId {
            client: ClientId("c".into()),
            number: 7,
        };
        let upgrade = Stance {
            mode: Mode::Write,
            op: 4,
        };
        let member = shared_member(&waiter, WaiterKind::of(upgrade), true);
        assert_eq!(member, "c:7:x:s");
        assert_eq!(waiter_number(member.as_bytes()), Some(7));
        let first = |mode| shared_member(&waiter, WaiterKind::of(Stance::first(mode)), false);
        assert_eq!(Mode::ALL.map(first), ["c:7:r:p", "c:7:u:p", "c:7:w:p"]);
    }

    #[test]
    fn holders_are_read_in_threes() {
        let bytes = |text: &str| Raw::Bytes(text.into());
        let list = [Raw::Int(2), bytes("u"), bytes("q1.x"), Raw::Int(9)];
        let sharers = parse_sharers(&list).expect("well formed");
        assert_eq!((sharers.waiters, sharers.held.len()), (2, 1));
        assert_eq!(sharers.held[0].mode, Mode::Upgradeable);
        assert!(parse_sharers(&list[..3]).is_none());
        assert!(parse_sharers(&[]).is_none());
        assert!(parse_sharers(&[Raw::Int(0), bytes("q"), bytes("o"), Raw::Int(1)]).is_none());
    }
}
