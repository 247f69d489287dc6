//! Commands about several keys held as one, and about slots of a semaphore, as words for a server.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::config::{COUNTERS, Keys};
use crate::protocol::command::{Claim, Command, Place, Release, Wake};
use crate::protocol::encode::{proposal, raised_to, waiter};
use crate::protocol::script;
use crate::protocol::speech::Speech;
use crate::protocol::wire::Abilities;

/// Says `command` where it is about several keys; false where it is not.
pub(super) fn say(speech: &mut Speech, command: &Command, can: &Abilities) -> bool {
    match command {
        Command::Acquire(claim) if claim.keys.is_several() => acquire(speech, claim, can),
        Command::Poll(claim, place) if claim.keys.is_pool() => {
            poll_slots(speech, claim, place, can)
        }
        Command::Poll(claim, place) if claim.keys.is_several() => poll(speech, claim, place, can),
        Command::Release(release) if release.keys.is_several() => give_back(speech, release, can),
        Command::Raise {
            keys,
            token,
            to,
            past,
        } if keys.is_several() => {
            let mut names = locks(keys);
            names.extend(fences(keys));
            speech.call(&script::RAISE_SEVERAL, names.iter());
            speech.word(token.as_bytes());
            speech.number(*to);
            speech.flag(*past);
            speech.number(keys.parts().len() as u64);
        }
        Command::Adopt {
            claim,
            from,
            ticket,
            seen_ms,
        } if claim.keys.is_several() => {
            let keys = &claim.keys;
            let mut names = vec![keys.tombstone(&claim.token), keys.spent(ticket)];
            names.extend(locks(keys));
            names.extend(fences(keys));
            speech.call(&script::ADOPT_SEVERAL, names.iter());
            speech.word(from.as_bytes());
            speech.word(claim.token.as_bytes());
            speech.number(claim.ttl.as_millis());
            proposal(speech, claim, can);
            speech.number(*seen_ms);
            speech.number(keys.parts().len() as u64);
        }
        Command::Unadopt {
            keys,
            from,
            to,
            ticket,
            tomb_ms,
        } if keys.is_several() => {
            let mut names = vec![keys.tombstone(to), keys.spent(ticket)];
            names.extend(locks(keys));
            speech.call(&script::UNADOPT_SEVERAL, names.iter());
            speech.word(from.as_bytes());
            speech.word(to.as_bytes());
            speech.number(*tomb_ms);
        }
        Command::Inspect { keys } if keys.is_pool() => {
            let names = [keys.stem().to_owned(), keys.queue()];
            speech.call(&script::INSPECT_SLOTS, names.iter());
            speech.number(keys.limit().into());
        }
        _ => return false,
    }
    true
}

fn acquire(speech: &mut Speech, claim: &Claim, can: &Abilities) {
    let keys = &claim.keys;
    let mut names = vec![keys.tombstone(&claim.token)];
    let (n, q) = with_queues(&mut names, keys);
    names.extend(fences(keys));
    speech.call(&script::ACQUIRE_SEVERAL, names.iter());
    owner(speech, claim, can);
    speech.flag(claim.heed_queue && can.queue);
    speech.word(keys.channels().as_bytes());
    speech.number(n);
    speech.number(q);
    speech.flag(can.queue);
}

fn poll(speech: &mut Speech, claim: &Claim, place: &Place, can: &Abilities) {
    let keys = &claim.keys;
    let mut names = vec![keys.tombstone(&claim.token)];
    let (n, q) = with_queues(&mut names, keys);
    names.extend(fences(keys));
    speech.call(&script::POLL_SEVERAL, names.iter());
    standing(speech, claim, place, can);
    speech.number(n);
    speech.number(q);
    speech.number(place.at as u64 + 1);
}

fn poll_slots(speech: &mut Speech, claim: &Claim, place: &Place, can: &Abilities) {
    let keys = &claim.keys;
    let names = [
        keys.tombstone(&claim.token),
        keys.stem().to_owned(),
        keys.queue(),
        keys.beats(),
        keys.passes(),
    ];
    speech.call(&script::POLL_SLOTS, names.iter());
    standing(speech, claim, place, can);
    speech.number(keys.limit().into());
    speech.number(keys.wanted().into());
    speech.number(place.at as u64);
    speech.word(keys.fences().as_bytes());
    speech.number(keys.hash() % COUNTERS);
    speech.number(COUNTERS);
}

fn give_back(speech: &mut Speech, release: &Release, can: &Abilities) {
    // Which slots an unanswered claim was granted is not known: any may be.
    let keys = match release.keys.is_undecided() {
        true => Cow::Owned(release.keys.with_slots(&every_slot(&release.keys))),
        false => Cow::Borrowed(&release.keys),
    };
    let spent = release.spent.as_ref();
    let mut names = vec![keys.tombstone(&release.token)];
    let (n, q) = with_queues(&mut names, &keys);
    if release.fence.is_some() {
        names.extend(fences(&keys));
    }
    names.push(spent.map_or_else(
        || keys.tombstone(&release.token),
        |spent| keys.spent(&spent.ticket),
    ));
    // Without a score it had no place: put back, it would stand before everybody.
    let place = release.put_back.as_ref();
    let place = place.filter(|place| can.queue && place.score.is_some());
    speech.call(&script::RELEASE_SEVERAL, names.iter());
    speech.word(release.token.as_bytes());
    speech.number(raised_to(release.fence, can));
    speech.number(release.tomb_ms);
    speech.flag(can.queue && (release.wake != Wake::Nobody || place.is_some()));
    speech.number(spent.map_or(0, |spent| spent.retention_ms));
    match place {
        Some(place) => {
            waiter(speech, &keys, &place.waiter, can);
            speech.number(place.score.unwrap_or(0));
            speech.number(place.beat_ms);
        }
        None => {
            speech.word(b"");
            speech.number(0);
            speech.number(0);
        }
    }
    speech.word(keys.channels().as_bytes());
    speech.word(spent.map_or(b"", |spent| spent.from.as_bytes()));
    speech.number(n);
    speech.number(q);
    // A semaphore has one queue, whatever its waiter looked at first.
    let at = place.map_or(0, |place| if keys.is_pool() { 0 } else { place.at });
    speech.number(at as u64 + 1);
}

/// What every claim begins with.
fn owner(speech: &mut Speech, claim: &Claim, can: &Abilities) {
    speech.word(claim.token.as_bytes());
    speech.number(claim.ttl.as_millis());
    proposal(speech, claim, can);
}

/// What every poll begins with.
fn standing(speech: &mut Speech, claim: &Claim, place: &Place, can: &Abilities) {
    owner(speech, claim, can);
    waiter(speech, &claim.keys, &place.waiter, can);
    speech.number(place.beat_ms);
    match place.score {
        Some(score) => speech.number(score),
        None => speech.word(b""),
    }
    speech.word(claim.keys.channels().as_bytes());
}

fn every_slot(keys: &Keys) -> Vec<u32> {
    (0..keys.limit()).collect()
}

fn locks(keys: &Keys) -> Vec<String> {
    let locks = keys.parts().iter().map(|part| part.lock().to_owned());
    locks.collect()
}

/// Adds the locks, the queues and the beats; how many locks and how many queues there are.
fn with_queues(names: &mut Vec<String>, keys: &Keys) -> (u64, u64) {
    names.extend(locks(keys));
    let queues = match keys.is_pool() {
        true => std::slice::from_ref(keys),
        false => keys.parts(),
    };
    names.extend(queues.iter().map(Keys::queue));
    names.extend(queues.iter().map(Keys::beats));
    (keys.parts().len() as u64, queues.len() as u64)
}

/// The counters, each once: two resources may share one.
fn fences(keys: &Keys) -> BTreeSet<String> {
    keys.parts().iter().map(Keys::fence).collect()
}
