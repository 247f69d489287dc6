//! Commands that want to own a key: each does what the script of its name does.

use crate::config::{Keys, OwnerToken, TicketId};
use crate::error::Fault;
use crate::node::memory::call::{Call, SEEN, until};
use crate::node::memory::fence::token_of;
#[cfg(any(test, feature = "testing"))]
use crate::protocol::Raw;
use crate::protocol::{Claim, Counted, Grant, Place, Refusal, RefusalKind, Reply, waiter_member};

impl Call<'_> {
    pub(super) fn acquire(&mut self, claim: &Claim) -> Result<Reply, Fault> {
        let keys = &claim.keys;
        match self.text(keys.lock())? {
            Some(owner) if owner == claim.token.as_bytes() => {
                return self.granted(claim, true, None);
            }
            Some(owner) => return Ok(Reply::Refused(self.refusal(keys, &owner))),
            None => {}
        }
        if self.text(&keys.tombstone(&claim.token))?.is_some() {
            return refused(RefusalKind::Buried);
        }
        let now_micros = self.now.elapsed_micros;
        if claim.heed_queue
            && self.in_queue(keys, |waiters| waiters.live_head(now_micros).is_some())? == Some(true)
        {
            self.wake(keys)?;
            return refused(RefusalKind::Queued);
        }
        self.grant(claim, None)
    }

    /// `SET … NX GET PX`: the value that keeps the caller out.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn set_if_free(&mut self, claim: &Claim) -> Result<Raw, Fault> {
        if let Some(owner) = self.text(claim.keys.lock())? {
            return Ok(Raw::Bytes(owner));
        }
        self.own(&claim.keys, &claim.token, claim.ttl.as_millis());
        Ok(Raw::Nil)
    }

    /// `ZADD … GT CH`: 1 where the counter was below the proposal.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn count(&mut self, claim: &Claim) -> Result<Raw, Fault> {
        let proposal = claim.proposal.unwrap_or(0);
        self.fenced(&claim.keys, |fence| {
            let before = fence.counter()?;
            fence.raise(proposal)?;
            Ok(Raw::Int(i64::from(
                before.is_none_or(|counter| counter < proposal),
            )))
        })
    }

    /// `EXISTS` of the queue.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn has_queue(&mut self, keys: &Keys) -> Result<Raw, Fault> {
        Ok(Raw::Int(self.queue_exists(keys).into()))
    }

    pub(super) fn queue_exists(&mut self, keys: &Keys) -> bool {
        let queue = self.keys.get(&keys.queue(), self.now.elapsed_micros);
        queue.is_some()
    }

    pub(super) fn poll(&mut self, claim: &Claim, place: &Place) -> Result<Reply, Fault> {
        let keys = &claim.keys;
        let me = waiter_member(keys, &place.waiter, true);
        if self.text(&keys.tombstone(&claim.token))?.is_some() {
            return refused(RefusalKind::Buried);
        }
        let (score, first) = self.take_place(keys, place, &me)?;
        let owner = self.text(keys.lock())?;
        if owner.as_deref() == Some(claim.token.as_bytes()) {
            self.in_queue(keys, |waiters| waiters.remove(&me))?;
            return self.granted(claim, true, Some(score));
        }
        if let Some(owner) = owner {
            let place = self.in_queue(keys, |waiters| waiters.rank(&me))?.flatten();
            return Ok(Reply::Refused(Refusal {
                place,
                score: Some(score),
                ..self.refusal(keys, &owner)
            }));
        }
        let standing = |why, place| Refusal {
            place,
            score: Some(score),
            ..Refusal::bare(why)
        };
        if !first {
            self.wake(keys)?;
            let place = self.in_queue(keys, |waiters| waiters.rank(&me))?.flatten();
            return Ok(Reply::Refused(standing(RefusalKind::Queued, place)));
        }
        let granted = self.grant(claim, Some(score))?;
        self.in_queue(keys, |waiters| waiters.remove(&me))?;
        Ok(granted)
    }

    /// Stands in the queue, or beats there: the place, and whether nobody alive stands before it.
    pub(super) fn take_place(
        &mut self,
        keys: &Keys,
        place: &Place,
        me: &str,
    ) -> Result<(u64, bool), Fault> {
        let now = self.now;
        self.stand(keys, place.beat_ms, |waiters| {
            let behind_last = || {
                now.wall_micros.max(
                    waiters
                        .last_score()
                        .map_or(0, |last| last.saturating_add(1)),
                )
            };
            let score = waiters
                .score(me)
                .or(place.score)
                .unwrap_or_else(behind_last);
            waiters.put(me.to_owned(), score, until(now, place.beat_ms));
            (score, waiters.live_head(now.elapsed_micros) == Some(me))
        })
    }

    pub(super) fn adopt(
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
        match self.text(keys.lock())? {
            None => return refused(RefusalKind::Missing),
            Some(owner) if owner == claim.token.as_bytes() => {
                return self.granted(claim, true, None);
            }
            Some(owner) if owner != from.as_bytes() => {
                let refusal = self.refusal(keys, &owner);
                return Ok(Reply::Refused(Refusal {
                    owner: Some(owner),
                    ..refusal
                }));
            }
            Some(_) => {}
        }
        if self.text(&keys.tombstone(&claim.token))?.is_some() {
            return refused(RefusalKind::Buried);
        }
        self.grant(claim, None)
    }

    fn grant(&mut self, claim: &Claim, score: Option<u64>) -> Result<Reply, Fault> {
        let granted = self.granted(claim, false, score)?;
        self.own(&claim.keys, &claim.token, claim.ttl.as_millis());
        Ok(granted)
    }

    /// The answer that the key is the caller's, counted now.
    fn granted(&mut self, claim: &Claim, again: bool, score: Option<u64>) -> Result<Reply, Fault> {
        let counted = match claim.proposal {
            Some(micros) => {
                let counter = self.fenced(&claim.keys, |fence| fence.next(micros))?;
                Counted::At(token_of(counter)?)
            }
            None => Counted::No,
        };
        Ok(Reply::Granted(Grant {
            counted,
            again,
            score,
            slots: Vec::new(),
        }))
    }

    /// Why `owner` keeps the caller out.
    pub(super) fn refusal(&self, keys: &Keys, owner: &[u8]) -> Refusal {
        let why = if owner.starts_with(b"q1.") {
            RefusalKind::Held
        } else {
            RefusalKind::Foreign
        };
        let ttl_ms = self.keys.remaining_ms(keys.lock(), self.now.elapsed_micros);
        Refusal {
            ttl_ms,
            ..Refusal::bare(why)
        }
    }
}

pub(super) fn refused(why: RefusalKind) -> Result<Reply, Fault> {
    Ok(Reply::Refused(Refusal::bare(why)))
}
