//! Commands about several keys held as one: each does what the script of its name does.

use std::collections::BTreeSet;

use crate::config::{FencingToken, Keys, OwnerToken, TicketId};
use crate::error::Fault;
use crate::node::memory::call::{Call, SEEN, SPENT, until};
use crate::node::memory::claim::refused;
use crate::node::memory::fence::{Fence, token_of};
use crate::node::memory::keyspace::Value;
use crate::protocol::{
    Claim, Command, Counted, Grant, Place, Refusal, RefusalKind, Release, ReleaseWord, Reply, Wake,
    waiter_member,
};

/// What a look at all keys of a claim found.
enum Found {
    /// All are the caller's.
    Mine,
    /// All that are not the caller's are free.
    Free,
    /// Another owns the one at this index.
    Taken(usize, Vec<u8>),
}

impl Call<'_> {
    /// Runs `command` where it is about several keys.
    pub(super) fn several(&mut self, command: &Command) -> Option<Result<Reply, Fault>> {
        Some(match command {
            Command::Acquire(claim) if claim.keys.is_several() => self.acquire_several(claim),
            Command::Poll(claim, place) if claim.keys.is_pool() => self.poll_slots(claim, place),
            Command::Poll(claim, place) if claim.keys.is_several() => {
                self.poll_several(claim, place)
            }
            Command::Release(release) if release.keys.is_undecided() => {
                let every: Vec<u32> = (0..release.keys.limit()).collect();
                self.release_several(&Release {
                    keys: release.keys.with_slots(&every),
                    ..release.clone()
                })
            }
            Command::Release(release) if release.keys.is_several() => self.release_several(release),
            Command::Raise {
                keys,
                token,
                to,
                past,
            } if keys.is_several() => self.raise_several(keys, token, *to, *past),
            Command::Adopt {
                claim,
                from,
                ticket,
                seen_ms,
            } if claim.keys.is_several() => self.adopt_several(claim, from, (ticket, *seen_ms)),
            Command::Unadopt {
                keys,
                from,
                to,
                ticket,
                tomb_ms,
            } if keys.is_several() => self.unadopt_several(keys, from, to, (ticket, *tomb_ms)),
            Command::Inspect { keys } if keys.is_pool() => self.inspect_slots(keys),
            _ => return None,
        })
    }

    fn acquire_several(&mut self, claim: &Claim) -> Result<Reply, Fault> {
        let keys = &claim.keys;
        match self.look(claim, None)? {
            Found::Mine => return self.granted_several(claim, true, None),
            Found::Taken(at, owner) => return self.taken(keys, at, &owner),
            Found::Free => {}
        }
        if self.text(&keys.tombstone(&claim.token))?.is_some() {
            return refused(RefusalKind::Buried);
        }
        if claim.heed_queue {
            for (at, part) in queues(keys).iter().enumerate() {
                let now_micros = self.now.elapsed_micros;
                let waits =
                    |waiters: &mut super::waiters::Waiters| waiters.live_head(now_micros).is_some();
                if self.in_queue(part, waits)? == Some(true) {
                    self.wake(part)?;
                    return Ok(Reply::Refused(Refusal {
                        at,
                        ..Refusal::bare(RefusalKind::Queued)
                    }));
                }
            }
        }
        self.grant_several(claim, None)
    }

    fn poll_several(&mut self, claim: &Claim, place: &Place) -> Result<Reply, Fault> {
        let keys = &claim.keys;
        if self.text(&keys.tombstone(&claim.token))?.is_some() {
            return refused(RefusalKind::Buried);
        }
        let queue = keys.at(place.at);
        let me = waiter_member(keys, &place.waiter, true);
        let (score, first) = self.take_place(queue, place, &me)?;
        let found = self.look(claim, Some(place.at))?;
        let rank = |call: &mut Self| {
            let rank = call.in_queue(queue, |waiters| waiters.rank(&me))?;
            Ok::<_, Fault>(rank.flatten())
        };
        match found {
            Found::Mine => {
                let granted = self.granted_several(claim, true, Some(score))?;
                self.in_queue(queue, |waiters| waiters.remove(&me))?;
                Ok(granted)
            }
            Found::Taken(at, owner) if first || at == place.at => {
                let refusal = self.refusal(&keys.parts()[at], &owner);
                Ok(Reply::Refused(Refusal {
                    place: rank(self)?,
                    score: Some(score),
                    at,
                    ..refusal
                }))
            }
            _ if !first => {
                self.wake(queue)?;
                Ok(Reply::Refused(Refusal {
                    place: rank(self)?,
                    score: Some(score),
                    at: place.at,
                    ..Refusal::bare(RefusalKind::Queued)
                }))
            }
            _ => {
                let granted = self.grant_several(claim, Some(score))?;
                self.in_queue(queue, |waiters| waiters.remove(&me))?;
                Ok(granted)
            }
        }
    }

    fn release_several(&mut self, release: &Release) -> Result<Reply, Fault> {
        let keys = &release.keys;
        let (mut done, mut other) = (0, false);
        let (mut gone, mut free) = (Vec::new(), Vec::new());
        for part in keys.parts() {
            let mut found = self.found(part, &release.token)?;
            if found == ReleaseWord::Done {
                done += 1;
                gone.push(part);
            } else if let Some(spent) = &release.spent
                && found == ReleaseWord::Other
                && self.found(part, &spent.from)? == ReleaseWord::Done
            {
                gone.push(part);
                found = ReleaseWord::Missing;
            }
            free.push(found != ReleaseWord::Other);
            other |= found == ReleaseWord::Other;
        }
        for part in gone {
            self.keys.remove(part.lock());
        }
        self.mark(&keys.tombstone(&release.token), "1", release.tomb_ms);
        if let Some(to) = release.fence {
            for counter in fences(keys) {
                self.counter(&counter, |fence| fence.raise(to.get()))?;
            }
        }
        if let Some(spent) = &release.spent {
            self.mark(&keys.spent(&spent.ticket), SPENT, spent.retention_ms);
        }
        let mut back = None;
        if let Some(
            place @ Place {
                score: Some(score), ..
            },
        ) = &release.put_back
        {
            let at = if keys.is_pool() { 0 } else { place.at };
            let (until, me) = (
                until(self.now, place.beat_ms),
                waiter_member(keys, &place.waiter, true),
            );
            self.stand(&queues(keys)[at], place.beat_ms, |waiters| {
                waiters.put(me, *score, until);
            })?;
            back = Some(at);
        }
        if release.wake != Wake::Nobody || back.is_some() {
            for (at, queue) in queues(keys).iter().enumerate() {
                let is_free = queues(keys).len() < keys.parts().len() || free[at];
                if back != Some(at) && is_free {
                    self.wake(queue)?;
                }
            }
        }
        Ok(Reply::Released(word(done == keys.parts().len(), other)))
    }

    fn raise_several(
        &mut self,
        keys: &Keys,
        token: &OwnerToken,
        to: u64,
        past: bool,
    ) -> Result<Reply, Fault> {
        for part in keys.parts() {
            if self.found(part, token)? != ReleaseWord::Done {
                return Ok(Reply::Raised(None));
            }
        }
        let counter = match past {
            true => self.next_token(keys, to)?,
            false => {
                let target = self.highest(keys)?.max(to);
                self.lift(keys, target)?
            }
        };
        Ok(Reply::Raised(Some(token_of(counter)?)))
    }

    fn adopt_several(
        &mut self,
        claim: &Claim,
        from: &OwnerToken,
        (ticket, seen_ms): (&TicketId, u64),
    ) -> Result<Reply, Fault> {
        let keys = &claim.keys;
        if self.is_spent(keys, ticket)? {
            return refused(RefusalKind::Spent);
        }
        self.mark(&keys.spent(ticket), SEEN, seen_ms);
        let mut mine = 0;
        for (at, part) in keys.parts().iter().enumerate() {
            match self.text(part.lock())? {
                None => {
                    return Ok(Reply::Refused(Refusal {
                        at,
                        ..Refusal::bare(RefusalKind::Missing)
                    }));
                }
                Some(owner) if owner == claim.token.as_bytes() => mine += 1,
                Some(owner) if owner != from.as_bytes() => {
                    let refusal = self.refusal(part, &owner);
                    return Ok(Reply::Refused(Refusal {
                        owner: Some(owner),
                        at,
                        ..refusal
                    }));
                }
                Some(_) => {}
            }
        }
        if mine == keys.parts().len() {
            return self.granted_several(claim, true, None);
        }
        if self.text(&keys.tombstone(&claim.token))?.is_some() {
            return refused(RefusalKind::Buried);
        }
        self.grant_several(claim, None)
    }

    fn unadopt_several(
        &mut self,
        keys: &Keys,
        from: &OwnerToken,
        to: &OwnerToken,
        (ticket, tomb_ms): (&TicketId, u64),
    ) -> Result<Reply, Fault> {
        self.mark(&keys.tombstone(to), "1", tomb_ms);
        let spent = self.is_spent(keys, ticket)?;
        let (mut done, mut other) = (0, false);
        for part in keys.parts() {
            match self.found(part, to)? {
                ReleaseWord::Done => {
                    done += 1;
                    if spent {
                        self.keys.remove(part.lock());
                    } else if let Some(value) =
                        self.keys.get_mut(part.lock(), self.now.elapsed_micros)
                    {
                        *value = Value::Owner(from.as_bytes().to_vec());
                    }
                }
                ReleaseWord::Other => other = true,
                ReleaseWord::Missing => {}
            }
        }
        Ok(Reply::Released(word(done == keys.parts().len(), other)))
    }

    /// Looks at every key; the one at `first_told` is named before others that are taken.
    fn look(&self, claim: &Claim, first_told: Option<usize>) -> Result<Found, Fault> {
        let (mut mine, mut taken) = (0, None);
        for (at, part) in claim.keys.parts().iter().enumerate() {
            match self.text(part.lock())? {
                Some(owner) if owner == claim.token.as_bytes() => mine += 1,
                Some(owner) if taken.is_none() || first_told == Some(at) => {
                    if first_told.is_none() {
                        return Ok(Found::Taken(at, owner));
                    }
                    taken = Some((at, owner));
                }
                _ => {}
            }
        }
        Ok(match taken {
            Some((at, owner)) => Found::Taken(at, owner),
            None if mine == claim.keys.parts().len() => Found::Mine,
            None => Found::Free,
        })
    }

    fn taken(&self, keys: &Keys, at: usize, owner: &[u8]) -> Result<Reply, Fault> {
        let refusal = self.refusal(&keys.parts()[at], owner);
        Ok(Reply::Refused(Refusal { at, ..refusal }))
    }

    /// Sets every key, once all are counted.
    pub(super) fn grant_several(
        &mut self,
        claim: &Claim,
        score: Option<u64>,
    ) -> Result<Reply, Fault> {
        let granted = self.granted_several(claim, false, score)?;
        for part in claim.keys.parts() {
            self.own(part, &claim.token, claim.ttl.as_millis());
        }
        Ok(granted)
    }

    /// The answer that all keys are the caller's, counted now.
    pub(super) fn granted_several(
        &mut self,
        claim: &Claim,
        again: bool,
        score: Option<u64>,
    ) -> Result<Reply, Fault> {
        let counted = match claim.proposal {
            Some(micros) => Counted::At(token_of(self.next_token(&claim.keys, micros)?)?),
            None => Counted::No,
        };
        Ok(Reply::Granted(Grant {
            counted,
            again,
            score,
            slots: Vec::new(),
        }))
    }

    /// The next token of all keys: past every counter, and set in each.
    fn next_token(&mut self, keys: &Keys, proposal: u64) -> Result<u64, Fault> {
        let highest = self.highest(keys)?;
        let next = highest.saturating_add(1).min(FencingToken::LIMIT);
        let token = next.max(proposal.min(Fence::proposals_max(self.now)));
        self.lift(keys, token)
    }

    fn highest(&mut self, keys: &Keys) -> Result<u64, Fault> {
        let mut highest = 0;
        for counter in fences(keys) {
            let counter = self.counter(&counter, |fence| fence.counter())?;
            highest = highest.max(counter.unwrap_or(0));
        }
        Ok(highest)
    }

    fn lift(&mut self, keys: &Keys, to: u64) -> Result<u64, Fault> {
        for counter in fences(keys) {
            self.counter(&counter, |fence| fence.raise(to))?;
        }
        Ok(to)
    }
}

/// What a release or a roll-back found.
fn word(all: bool, other: bool) -> ReleaseWord {
    match (all, other) {
        (true, _) => ReleaseWord::Done,
        (false, true) => ReleaseWord::Other,
        (false, false) => ReleaseWord::Missing,
    }
}

/// The resources whose queues there are: a semaphore has one for all its slots.
fn queues(keys: &Keys) -> &[Keys] {
    match keys.is_pool() {
        true => std::slice::from_ref(keys),
        false => keys.parts(),
    }
}

/// The counters, each once: two resources may share one.
fn fences(keys: &Keys) -> BTreeSet<String> {
    keys.parts().iter().map(Keys::fence).collect()
}
