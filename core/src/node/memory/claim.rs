//! Commands that want to own a key: each does what the script of its name does.

use crate::config::{Keys, OwnerToken, TicketId};
use crate::error::Fault;
use crate::node::memory::call::{Call, until};
use crate::node::memory::fence::token_of;
use crate::protocol::{Claim, Grant, Place, Refusal, RefusalKind, Reply, waiter_member};

impl Call<'_> {
    pub(super) fn acquire(&mut self, claim: &Claim) -> Result<Reply, Fault> {
        let keys = &claim.keys;
        match self.text(keys.lock())? {
            Some(owner) if owner == claim.token.as_bytes() => {
                return self.granted_again(claim, None);
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

    pub(super) fn poll(&mut self, claim: &Claim, place: &Place) -> Result<Reply, Fault> {
        let (keys, now) = (&claim.keys, self.now);
        let me = waiter_member(&place.waiter, true);
        if self.text(&keys.tombstone(&claim.token))?.is_some() {
            return refused(RefusalKind::Buried);
        }
        let (score, first) = self.stand(keys, place.beat_ms, |waiters| {
            let behind_last = || {
                now.wall_micros.max(
                    waiters
                        .last_score()
                        .map_or(0, |last| last.saturating_add(1)),
                )
            };
            let score = waiters
                .score(&me)
                .or(place.score)
                .unwrap_or_else(behind_last);
            waiters.put(me.clone(), score, until(now, place.beat_ms));
            (score, waiters.live_head(now.elapsed_micros) == Some(&me))
        })?;
        let owner = self.text(keys.lock())?;
        if owner.as_deref() == Some(claim.token.as_bytes()) {
            self.in_queue(keys, |waiters| waiters.remove(&me))?;
            return self.granted_again(claim, Some(score));
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

    pub(super) fn adopt(
        &mut self,
        claim: &Claim,
        from: &OwnerToken,
        ticket: &TicketId,
    ) -> Result<Reply, Fault> {
        let keys = &claim.keys;
        if self.text(&keys.spent(ticket))?.is_some() {
            return refused(RefusalKind::Spent);
        }
        match self.text(keys.lock())? {
            None => return refused(RefusalKind::Missing),
            Some(owner) if owner == claim.token.as_bytes() => {
                return self.granted_again(claim, None);
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
        let (keys, proposal) = (&claim.keys, claim.proposal);
        let counter = proposal.map(|micros| self.fenced(keys, |fence| fence.next(micros)));
        let counter = counter.transpose()?;
        self.own(keys, &claim.token, claim.ttl.as_millis());
        granted(counter, false, score)
    }

    fn granted_again(&mut self, claim: &Claim, score: Option<u64>) -> Result<Reply, Fault> {
        let (keys, proposal) = (&claim.keys, claim.proposal);
        let counter = proposal.map(|micros| self.fenced(keys, |fence| fence.again(micros)));
        granted(counter.transpose()?, true, score)
    }

    /// Why `owner` keeps the caller out.
    fn refusal(&self, keys: &Keys, owner: &[u8]) -> Refusal {
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

fn granted(counter: Option<u64>, again: bool, score: Option<u64>) -> Result<Reply, Fault> {
    let fence = counter.map(token_of).transpose()?;
    Ok(Reply::Granted(Grant {
        fence,
        again,
        score,
    }))
}

fn refused(why: RefusalKind) -> Result<Reply, Fault> {
    Ok(Reply::Refused(Refusal::bare(why)))
}
