//! Commands about a key once owned or waited for: each does what the script of its name does.

use crate::config::{FencingToken, Keys, OwnerToken};
use crate::error::Fault;
use crate::node::memory::call::{Call, until};
use crate::node::memory::fence::token_of;
use crate::node::memory::keyspace::Value;
use crate::protocol::{
    LeaseWord, Place, Release, ReleaseWord, Renewal, Reply, View, WaiterId, waiter_member,
};

impl Call<'_> {
    pub(super) fn release(&mut self, release: &Release) -> Result<Reply, Fault> {
        let keys = &release.keys;
        let found = self.found(keys, &release.token)?;
        if found == ReleaseWord::Done {
            self.keys.remove(keys.lock());
        }
        self.mark(&keys.tombstone(&release.token), release.tomb_ms);
        if let Some(to) = release.fence {
            self.fenced(keys, |fence| fence.raise(to.get()))?;
        }
        if let Some((ticket, retention_ms)) = &release.spent {
            self.mark(&keys.spent(ticket), *retention_ms);
        }
        match &release.put_back {
            Some(Place {
                waiter,
                beat_ms,
                score: Some(score),
            }) => {
                let until = until(self.now, *beat_ms);
                self.stand(keys, *beat_ms, |waiters| {
                    waiters.put(waiter_member(waiter, true), *score, until)
                })?;
            }
            _ if found != ReleaseWord::Other => self.wake(keys)?,
            _ => {}
        }
        Ok(Reply::Released(found))
    }

    pub(super) fn leave(&mut self, keys: &Keys, waiter: &WaiterId) -> Result<Reply, Fault> {
        let me = waiter_member(waiter, true);
        let gone = self.in_queue(keys, |waiters| waiters.remove(&me))? == Some(true);
        if self
            .keys
            .get(keys.lock(), self.now.elapsed_micros)
            .is_none()
        {
            self.wake(keys)?;
        }
        Ok(Reply::Left(gone))
    }

    pub(super) fn extend(&mut self, leases: &[Renewal], fill_in: bool) -> Result<Reply, Fault> {
        let mut words = Vec::with_capacity(leases.len());
        for Renewal {
            keys,
            token,
            ttl,
            fence,
        } in leases
        {
            let (ttl_ms, now_micros) = (ttl.as_millis(), self.now.elapsed_micros);
            // A key of another type is another's.
            let word = match self.found(keys, token).unwrap_or(ReleaseWord::Other) {
                ReleaseWord::Done => {
                    self.keys.expire(keys.lock(), ttl_ms, now_micros);
                    LeaseWord::Renewed
                }
                ReleaseWord::Missing if fill_in && !self.had_since(keys, *fence)? => {
                    self.own(keys, token, ttl_ms);
                    LeaseWord::FilledIn
                }
                ReleaseWord::Missing => LeaseWord::Missing,
                ReleaseWord::Other => LeaseWord::Other,
            };
            if let Some(to) = fence {
                self.fenced(keys, |fence| fence.raise(to.get()))?;
            }
            words.push(word);
        }
        Ok(Reply::Extended(words))
    }

    /// True where the counter says that somebody had the lock after the lease with this token.
    fn had_since(&mut self, keys: &Keys, token: Option<FencingToken>) -> Result<bool, Fault> {
        let Some(token) = token else {
            return Ok(false);
        };
        Ok(self.fenced(keys, |fence| fence.counter())? > token.get())
    }

    pub(super) fn raise(
        &mut self,
        keys: &Keys,
        token: &OwnerToken,
        to: FencingToken,
    ) -> Result<Reply, Fault> {
        if self.found(keys, token)? != ReleaseWord::Done {
            return Ok(Reply::Raised(None));
        }
        let counter = self.fenced(keys, |fence| fence.raise(to.get()))?;
        Ok(Reply::Raised(Some(token_of(counter)?)))
    }

    pub(super) fn unadopt(
        &mut self,
        keys: &Keys,
        from: &OwnerToken,
        to: &OwnerToken,
        tomb_ms: u64,
    ) -> Result<Reply, Fault> {
        let found = self.found(keys, to)?;
        self.mark(&keys.tombstone(to), tomb_ms);
        if found != ReleaseWord::Done {
            return Ok(Reply::Released(found));
        }
        if let Some(value) = self.keys.get_mut(keys.lock(), self.now.elapsed_micros) {
            *value = Value::Owner(from.as_bytes().to_vec());
        }
        Ok(Reply::Released(found))
    }

    pub(super) fn inspect(&mut self, keys: &Keys) -> Result<Reply, Fault> {
        let (now_micros, fence) = (self.now.elapsed_micros, keys.fence());
        let value = self.text(keys.lock());
        let counter = self
            .text(fence)
            .unwrap_or(None)
            .filter(|counter| !counter.is_empty());
        let number = |text: Vec<u8>| {
            String::from_utf8(text)
                .ok()
                .and_then(|text| text.parse().ok())
                .unwrap_or(0)
        };
        let waiters = self.in_queue(keys, |waiters| waiters.len() as u64);
        Ok(Reply::View(View {
            other_type: value.is_err(),
            value: value.unwrap_or(None),
            ttl_ms: self.keys.remaining_ms(keys.lock(), now_micros),
            counter: counter.map(|text| token_of(number(text))).transpose()?,
            waiters: waiters.ok().map(Option::unwrap_or_default),
        }))
    }
}
