//! The words that come back, as replies.

use crate::config::{FencingToken, is_own_format};
use crate::error::{Fault, FaultClass};
use crate::protocol::classify;
use crate::protocol::command::{Claim, Command, Release, Renewal};
use crate::protocol::marker::{Mark, Marker, MarkerState};
use crate::protocol::reply::{
    Counted, Grant, LeaseWord, Refusal, RefusalKind, ReleaseWord, Reply, View,
};
use crate::protocol::shared;
use crate::protocol::shown::{parse_info, parse_slots, slot_of};
use crate::protocol::wire::{Abilities, Raw};

/// The reply to `command` in the server's words, of which there is one per line of [`encode`].
///
/// [`encode`]: crate::protocol::encode
pub fn parse(
    command: &Command,
    can: &Abilities,
    words: impl IntoIterator<Item = Raw>,
) -> Result<Reply, Fault> {
    let words = words.into_iter();
    match command {
        Command::Acquire(claim) if claim.is_plain(can) => {
            return parse_plain_claim(claim, can, words);
        }
        Command::Release(release) if release.is_plain(can) => {
            return parse_plain_release(release, can, words);
        }
        // Its replies have the form of the scripts'.
        Command::Shared(_, inner) => return parse_by_script(inner, words),
        _ if !can.scripts && !command.is_shared() => return parse_without_scripts(command, words),
        _ => {}
    }
    parse_by_script(command, words)
}

/// The one word that a script answers.
fn parse_by_script(
    command: &Command,
    mut words: impl Iterator<Item = Raw>,
) -> Result<Reply, Fault> {
    let word = match words.next() {
        Some(Raw::Error(code, text)) => return Err(classify(&code, &text)),
        Some(word) => word,
        None => return Err(nonsense()),
    };
    match (command, word) {
        (Command::Acquire(_) | Command::Poll(..) | Command::Adopt { .. }, Raw::List(list)) => {
            parse_claim(list, matches!(command, Command::Adopt { .. }))
        }
        (Command::Acquire(_), Raw::Bytes(token)) => {
            granted(counted_of(&token)?, false, None, Vec::new())
        }
        (
            Command::Release(_) | Command::Unadopt { .. } | Command::Shift { .. },
            Raw::Int(found),
        ) => match found {
            1 => Ok(Reply::Released(ReleaseWord::Done)),
            0 => Ok(Reply::Released(ReleaseWord::Missing)),
            2 => Ok(Reply::Released(ReleaseWord::Other)),
            _ => Err(nonsense()),
        },
        (Command::Leave { .. } | Command::Call { .. } | Command::Intend { .. }, Raw::Int(gone)) => {
            Ok(Reply::Left(gone == 1))
        }
        (Command::Extend { leases, .. }, Raw::List(list)) => {
            let words = list.into_iter().map(|word| match word {
                Raw::Int(1) => Ok(LeaseWord::Renewed),
                Raw::Int(0) => Ok(LeaseWord::Missing),
                Raw::Int(2) => Ok(LeaseWord::Other),
                Raw::Int(3) => Ok(LeaseWord::FilledIn),
                _ => Err(nonsense()),
            });
            per_lease(leases, words)
        }
        (Command::Raise { .. }, Raw::Bytes(bytes)) => fence_of(&bytes).map(Reply::Raised),
        (Command::Inspect { keys }, Raw::List(list)) if keys.is_pool() => parse_slots(&list),
        (Command::Inspect { .. }, Raw::List(list)) => parse_view(list),
        (Command::Recall { .. }, Raw::Int(ms)) => match ms {
            -2 => Ok(Reply::Recalled(None)),
            // Somebody else wrote it, for ever.
            -1 => Ok(Reply::Recalled(Some(u64::MAX))),
            ms => u64::try_from(ms)
                .map(|ms| Reply::Recalled(Some(ms)))
                .map_err(|_| nonsense()),
        },
        (Command::Remember { .. }, Raw::Okay | Raw::Nil) => Ok(Reply::Remembered),
        (Command::Mark(_), Raw::List(list)) => parse_marker(&list),
        (Command::Sharers { .. }, Raw::List(list)) => shared::parse_sharers(&list)
            .map(Reply::Sharers)
            .ok_or_else(nonsense),
        (Command::Facts, Raw::Bytes(bytes)) => Ok(Reply::Facts(Box::new(parse_info(&bytes)))),
        _ => Err(nonsense()),
    }
}

/// The answers to the lines of a claim in plain words.
fn parse_plain_claim(
    claim: &Claim,
    can: &Abilities,
    mut words: impl Iterator<Item = Raw>,
) -> Result<Reply, Fault> {
    let set = set_if_free(claim, words.next());
    let mut counted = Counted::No;
    if let Some(proposal) = claim.proposal.filter(|_| can.fencing) {
        counted = match words.next() {
            Some(Raw::Int(1)) => FencingToken::new(proposal)
                .map(Counted::At)
                .ok_or_else(nonsense)?,
            Some(Raw::Int(0)) => Counted::Behind,
            word => {
                // The key may be set all the same.
                let fault = fault_of(word);
                return set.and(Err(Fault {
                    may_have_run: true,
                    ..fault
                }));
            }
        };
    }
    let queue = (claim.heed_queue && can.queue).then(|| words.next());
    match set? {
        Ok(again) => match queue.flatten() {
            // Others wait: the key is given back.
            Some(Raw::Int(1)) => Ok(Reply::Refused(Refusal::bare(RefusalKind::Queued))),
            Some(Raw::Int(_)) | None => granted(counted, again, None, Vec::new()),
            word => Err(Fault {
                may_have_run: true,
                ..fault_of(word)
            }),
        },
        Err(refusal) => Ok(Reply::Refused(refusal)),
    }
}

/// The answers to the lines of a release in plain words.
fn parse_plain_release(
    release: &Release,
    can: &Abilities,
    mut words: impl Iterator<Item = Raw>,
) -> Result<Reply, Fault> {
    let found = match words.next() {
        Some(Raw::Int(1)) => ReleaseWord::Done,
        // The command answers 0 for a missing key and for another owner's alike.
        Some(Raw::Int(_)) => ReleaseWord::Missing,
        word => return Err(fault_of(word)),
    };
    let raised = release.fence.and_then(|_| words.next());
    // The key is gone all the same; a counter that could not be raised is another lock's concern.
    drop(raised);
    match words.next().filter(|_| release.looks(can)) {
        Some(Raw::Int(1)) => Ok(Reply::Awaited(found)),
        _ => Ok(Reply::Released(found)),
    }
}

/// Whether `SET … NX GET` found the key free, or found the claim's own token there; else who has it.
fn set_if_free(claim: &Claim, word: Option<Raw>) -> Result<Result<bool, Refusal>, Fault> {
    match word {
        Some(Raw::Nil | Raw::Okay) => Ok(Ok(false)),
        Some(Raw::Bytes(value)) if value == claim.token.as_bytes() => Ok(Ok(true)),
        Some(Raw::Bytes(value)) => {
            let own = is_own_format(&value);
            Ok(Err(Refusal::bare(if own {
                RefusalKind::Held
            } else {
                RefusalKind::Foreign
            })))
        }
        word => Err(fault_of(word)),
    }
}

fn parse_without_scripts(
    command: &Command,
    mut words: impl Iterator<Item = Raw>,
) -> Result<Reply, Fault> {
    match command {
        Command::Acquire(claim) => match set_if_free(claim, words.next())? {
            Ok(again) => granted(Counted::No, again, None, Vec::new()),
            Err(refusal) => Ok(Reply::Refused(refusal)),
        },
        Command::Release(_) => match words.next() {
            Some(Raw::Int(1)) => Ok(Reply::Released(ReleaseWord::Done)),
            // The command answers 0 for a missing key and for another owner's alike.
            Some(Raw::Int(_)) => Ok(Reply::Released(ReleaseWord::Missing)),
            word => Err(fault_of(word)),
        },
        Command::Extend { leases, .. } => {
            let words = words.map(|word| match word {
                Raw::Okay => Ok(LeaseWord::Renewed),
                // IFEQ tells neither a missing key nor another owner apart.
                Raw::Nil => Ok(LeaseWord::Other),
                word => Err(fault_of(Some(word))),
            });
            per_lease(leases, words)
        }
        Command::Inspect { .. } => {
            let value = match words.next() {
                Some(Raw::Bytes(bytes)) => Some(bytes),
                Some(Raw::Nil) => None,
                word => return Err(fault_of(word)),
            };
            let ttl_ms = match words.next() {
                Some(Raw::Int(ms)) => u64::try_from(ms).ok(),
                _ => None,
            };
            Ok(Reply::View(View {
                value,
                ttl_ms,
                ..View::default()
            }))
        }
        Command::Facts => match words.next() {
            Some(Raw::Bytes(bytes)) => Ok(Reply::Facts(Box::new(parse_info(&bytes)))),
            word => Err(fault_of(word)),
        },
        _ => Err(nonsense()),
    }
}

/// One word for each lease, of which there may be several for one that holds several keys: it is
/// renewed where all of them are.
fn per_lease(
    leases: &[Renewal],
    words: impl Iterator<Item = Result<LeaseWord, Fault>>,
) -> Result<Reply, Fault> {
    let mut words = words.collect::<Result<Vec<_>, _>>()?.into_iter();
    let mut said = Vec::with_capacity(leases.len());
    for lease in leases {
        let mut of_keys = words.by_ref().take(lease.keys.parts().len());
        let first = of_keys.next().ok_or_else(nonsense)?;
        said.push(of_keys.fold(first, LeaseWord::and));
    }
    match words.next() {
        Some(_) => Err(nonsense()),
        None => Ok(Reply::Extended(said)),
    }
}

fn granted(
    counted: Counted,
    again: bool,
    score: Option<u64>,
    slots: Vec<u32>,
) -> Result<Reply, Fault> {
    Ok(Reply::Granted(Grant {
        counted,
        again,
        score,
        slots,
    }))
}

/// The fault in a word that is no answer.
fn fault_of(word: Option<Raw>) -> Fault {
    match word {
        Some(Raw::Error(code, text)) => classify(&code, &text),
        _ => nonsense(),
    }
}

/// A refusal ends with the waiter's score, or with the owner where a lease was to be taken over.
fn parse_claim(list: Vec<Raw>, names_owner: bool) -> Result<Reply, Fault> {
    let text = |word: Option<&Raw>| match word {
        Some(Raw::Bytes(bytes)) => Ok(bytes.clone()),
        _ => Err(nonsense()),
    };
    let score = |word: Option<&Raw>| match word {
        Some(Raw::Bytes(bytes)) => Ok(std::str::from_utf8(bytes)
            .ok()
            .and_then(|text| text.parse().ok())),
        None => Ok(None),
        _ => Err(nonsense()),
    };
    let span = |word: Option<&Raw>| match word {
        Some(Raw::Int(number)) => Ok(u64::try_from(*number).ok()),
        _ => Err(nonsense()),
    };
    match list.first() {
        Some(Raw::Int(kind @ 1..=2)) => granted(
            counted_of(&text(list.get(1))?)?,
            *kind == 2,
            score(list.get(2))?,
            list.iter().skip(3).map(slot_of).collect::<Result<_, _>>()?,
        ),
        Some(Raw::Int(0)) => {
            let why = match &*text(list.get(1))? {
                b"held" => RefusalKind::Held,
                b"foreign" => RefusalKind::Foreign,
                b"queued" => RefusalKind::Queued,
                b"buried" => RefusalKind::Buried,
                b"missing" => RefusalKind::Missing,
                b"spent" => RefusalKind::Spent,
                _ => return Err(nonsense()),
            };
            let owner = names_owner
                .then(|| text(list.get(4)))
                .transpose()?
                .filter(|owner| !owner.is_empty());
            Ok(Reply::Refused(Refusal {
                why,
                ttl_ms: span(list.get(2))?,
                place: span(list.get(3))?,
                score: if names_owner {
                    None
                } else {
                    score(list.get(4))?
                },
                owner,
                at: match list.get(5) {
                    Some(Raw::Int(index)) => usize::try_from(*index).map_err(|_| nonsense())?,
                    Some(_) => return Err(nonsense()),
                    None => 0,
                },
            }))
        }
        _ => Err(nonsense()),
    }
}

fn parse_view(list: Vec<Raw>) -> Result<Reply, Fault> {
    let [
        Raw::Bytes(kind),
        Raw::Bytes(value),
        Raw::Int(left),
        Raw::Bytes(counter),
        Raw::Int(waiters),
    ] = &list[..]
    else {
        return Err(nonsense());
    };
    Ok(Reply::View(View {
        value: (kind == b"string").then(|| value.clone()),
        other_type: kind == b"other",
        ttl_ms: u64::try_from(*left).ok(),
        counter: fence_of(counter)?,
        waiters: u64::try_from(*waiters).ok(),
        slots: Vec::new(),
    }))
}

fn parse_marker(list: &[Raw]) -> Result<Reply, Fault> {
    let [
        Raw::Bytes(state),
        Raw::Bytes(id),
        Raw::Int(left),
        Raw::Int(ttl_max),
        Raw::Bytes(with),
    ] = list
    else {
        return Err(nonsense());
    };
    let text = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).map_err(|_| nonsense())?;
        Ok(text.to_owned())
    };
    Ok(Reply::Marker(Box::new(Marker {
        state: MarkerState::of_letter(state).ok_or_else(nonsense)?,
        id: text(id)?,
        left_ms: u64::try_from(*left).map_err(|_| nonsense())?,
        ttl_max_ms: u64::try_from(*ttl_max).map_err(|_| nonsense())?,
        with: Mark::split(&text(with)?),
    })))
}

fn counted_of(bytes: &[u8]) -> Result<Counted, Fault> {
    fence_of(bytes).map(|token| token.map_or(Counted::No, Counted::At))
}

fn fence_of(bytes: &[u8]) -> Result<Option<FencingToken>, Fault> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let number = std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| text.parse().ok());
    number
        .and_then(FencingToken::new)
        .map(Some)
        .ok_or_else(nonsense)
}

/// A reply that does not fit its command: nothing is known of what the server did.
pub(super) fn nonsense() -> Fault {
    Fault::unresolved(FaultClass::Protocol, "the reply does not fit the command")
}

/// The waiter's number in a wake-up message.
pub fn waiter_number(message: &[u8]) -> Option<u64> {
    std::str::from_utf8(message)
        .ok()?
        .split(':')
        .nth(1)?
        .parse()
        .ok()
}
