//! Commands about a key once owned or waited for: each does what the script of its name does.

use crate::config::{Keys, OwnerToken, TicketId};
use crate::error::Fault;
use crate::node::memory::call::{Call, SPENT, until};
use crate::node::memory::fence::token_of;
use crate::node::memory::keyspace::Value;
use crate::node::memory::node::ABILITIES;
use crate::node::memory::waiters::Waiters;
use crate::protocol::{
    LeaseWord, Place, Release, ReleaseWord, Renewal, Reply, View, WaiterId, Wake, waiter_member,
};

impl Call<'_> {
    pub(super) fn release(&mut self, release: &Release) -> Result<Reply, Fault> {
        let keys = &release.keys;
        let mut found = self.found(keys, &release.token)?;
        if found == ReleaseWord::Done {
            self.keys.remove(keys.lock());
        }
        if release.is_plain(&ABILITIES) {
            // The commands for it do not tell who has the key.
            let found = match found {
                ReleaseWord::Other => ReleaseWord::Missing,
                found => found,
            };
            let awaited = release.looks(&ABILITIES) && self.queue_exists(keys);
            return Ok(if awaited {
                Reply::Awaited(found)
            } else {
                Reply::Released(found)
            });
        }
        if let Some(spent) = &release.spent
            && found == ReleaseWord::Other
            && self.found(keys, &spent.from)? == ReleaseWord::Done
        {
            self.keys.remove(keys.lock());
            found = ReleaseWord::Missing;
        }
        self.mark(&keys.tombstone(&release.token), "1", release.tomb_ms);
        if let Some(to) = release.fence {
            self.fenced(keys, |fence| fence.raise(to.get()))?;
        }
        if let Some(spent) = &release.spent {
            self.mark(&keys.spent(&spent.ticket), SPENT, spent.retention_ms);
        }
        match &release.put_back {
            Some(Place {
                waiter,
                beat_ms,
                score: Some(score),
                ..
            }) => {
                let until = until(self.now, *beat_ms);
                self.stand(keys, *beat_ms, |waiters| {
                    waiters.put(waiter_member(keys, waiter, true), *score, until)
                })?;
            }
            _ if release.wake != Wake::Nobody && found != ReleaseWord::Other => self.wake(keys)?,
            _ => {}
        }
        Ok(Reply::Released(found))
    }

    /// `None` leaves nobody out: the first waiter is called all the same.
    pub(super) fn leave(&mut self, keys: &Keys, waiter: Option<&WaiterId>) -> Result<Reply, Fault> {
        let me = waiter.map(|waiter| waiter_member(keys, waiter, true));
        let leave = |waiters: &mut Waiters| me.is_some_and(|me| waiters.remove(&me));
        let gone = self.in_queue(keys, leave)? == Some(true);
        if self
            .keys
            .get(keys.lock(), self.now.elapsed_micros)
            .is_none()
        {
            self.wake(keys)?;
        }
        Ok(Reply::Left(gone))
    }

    pub(super) fn extend(
        &mut self,
        leases: &[Renewal],
        fill_in: Option<&TicketId>,
    ) -> Result<Reply, Fault> {
        // Where the ticket was seen already, this came late, and another may have had the lock.
        let ticket = fill_in.zip(leases.first());
        let now_micros = self.now.elapsed_micros;
        let fills_in = ticket.is_some_and(|(ticket, lease)| {
            let mark = lease.keys.spent(ticket);
            self.keys.get(&mark, now_micros).is_none()
        });
        let mut words = Vec::with_capacity(leases.len());
        for Renewal {
            keys,
            token,
            ttl,
            fence,
            ..
        } in leases
        {
            let mut word = LeaseWord::Renewed;
            for part in keys.parts() {
                word = word.and(self.extend_one(part, token, ttl.as_millis(), fills_in));
                if let Some(to) = fence {
                    self.fenced(part, |fence| fence.raise(to.get()))?;
                }
            }
            words.push(word);
        }
        Ok(Reply::Extended(words))
    }

    fn extend_one(
        &mut self,
        keys: &Keys,
        token: &OwnerToken,
        ttl_ms: u64,
        fills_in: bool,
    ) -> LeaseWord {
        // A key of another type is another's.
        match self.found(keys, token).unwrap_or(ReleaseWord::Other) {
            ReleaseWord::Done => {
                let now_micros = self.now.elapsed_micros;
                self.keys.expire(keys.lock(), ttl_ms, now_micros);
                LeaseWord::Renewed
            }
            ReleaseWord::Missing if fills_in => {
                self.own(keys, token, ttl_ms);
                LeaseWord::FilledIn
            }
            ReleaseWord::Missing => LeaseWord::Missing,
            ReleaseWord::Other => LeaseWord::Other,
        }
    }

    pub(super) fn raise(
        &mut self,
        keys: &Keys,
        token: &OwnerToken,
        to: u64,
        past: bool,
    ) -> Result<Reply, Fault> {
        if self.found(keys, token)? != ReleaseWord::Done {
            return Ok(Reply::Raised(None));
        }
        let counter = self.fenced(keys, |fence| match past {
            true => fence.next(to),
            false => fence.raise(to),
        })?;
        Ok(Reply::Raised(Some(token_of(counter)?)))
    }

    pub(super) fn unadopt(
        &mut self,
        keys: &Keys,
        from: &OwnerToken,
        to: &OwnerToken,
        (ticket, tomb_ms): (&TicketId, u64),
    ) -> Result<Reply, Fault> {
        let found = self.found(keys, to)?;
        self.mark(&keys.tombstone(to), "1", tomb_ms);
        if found != ReleaseWord::Done {
            return Ok(Reply::Released(found));
        }
        if self.is_spent(keys, ticket)? {
            self.keys.remove(keys.lock());
            return Ok(Reply::Released(found));
        }
        if let Some(value) = self.keys.get_mut(keys.lock(), self.now.elapsed_micros) {
            *value = Value::Owner(from.as_bytes().to_vec());
        }
        Ok(Reply::Released(found))
    }

    pub(super) fn recall(&mut self, keys: &Keys) -> Result<Reply, Fault> {
        let (mark, now_micros) = (keys.spent(&TicketId::once()), self.now.elapsed_micros);
        let is_done = self.keys.get(&mark, now_micros).is_some();
        let left = || self.keys.remaining_ms(&mark, now_micros);
        Ok(Reply::Recalled(is_done.then(|| left().unwrap_or(u64::MAX))))
    }

    pub(super) fn remember(&mut self, keys: &Keys, ms: u64) -> Result<Reply, Fault> {
        let mark = keys.spent(&TicketId::once());
        if self.keys.get(&mark, self.now.elapsed_micros).is_none() {
            self.mark(&mark, SPENT, ms);
        }
        Ok(Reply::Remembered)
    }

    pub(super) fn inspect(&mut self, keys: &Keys) -> Result<Reply, Fault> {
        let now_micros = self.now.elapsed_micros;
        let value = self.text(keys.lock());
        let counter = self.fenced(keys, |fence| fence.counter()).unwrap_or(None);
        let waiters = self.in_queue(keys, |waiters| waiters.len() as u64);
        Ok(Reply::View(View {
            other_type: value.is_err(),
            value: value.unwrap_or(None),
            ttl_ms: self.keys.remaining_ms(keys.lock(), now_micros),
            counter: counter.map(token_of).transpose()?,
            waiters: waiters.ok().map(Option::unwrap_or_default),
            slots: Vec::new(),
        }))
    }
}
