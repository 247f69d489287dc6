//! A semaphore's slots: who takes which, and whose turn it is; as the scripts of these names do it.

use crate::config::Keys;
use crate::error::Fault;
use crate::node::memory::call::Call;
use crate::node::memory::claim::refused;
use crate::protocol::{
    Claim, ClientId, Grant, Place, Refusal, RefusalKind, Reply, SlotView, View, waiter_member,
    waiter_number,
};

/// How often a waiter that wants more than there is may be passed.
const PASSES_MAX: u32 = 16;
/// How many waiters are looked at.
const LOOKED_AT: usize = 64;

impl Call<'_> {
    pub(super) fn poll_slots(&mut self, claim: &Claim, place: &Place) -> Result<Reply, Fault> {
        let keys = &claim.keys;
        if self.text(&keys.tombstone(&claim.token))?.is_some() {
            return refused(RefusalKind::Buried);
        }
        let me = waiter_member(keys, &place.waiter, true);
        let (score, _) = self.take_place(keys, place, &me)?;
        let (free, mine) = self.free_and_mine(claim, place.at)?;
        let wanted = usize::try_from(keys.wanted()).unwrap_or(usize::MAX);
        if mine.len() >= wanted {
            let picked = keys.with_slots(&mine);
            return self.take_slots(claim, &picked, true, (score, &me));
        }
        let serving = self.serve(keys, &me, free.len())?;
        if serving.me {
            let picked = keys.with_slots(&free[..wanted]);
            self.in_queue(keys, |waiters| {
                for other in &serving.passed {
                    waiters.pass(other);
                }
            })?;
            let granted = self.take_slots(claim, &picked, false, (score, &me))?;
            self.call(keys, &serving.others)?;
            return Ok(granted);
        }
        self.call(keys, &serving.others)?;
        let why = if free.is_empty() {
            RefusalKind::Held
        } else {
            RefusalKind::Queued
        };
        let place = self.in_queue(keys, |waiters| waiters.rank(&me))?.flatten();
        Ok(Reply::Refused(Refusal {
            place,
            score: Some(score),
            ..Refusal::bare(why)
        }))
    }

    pub(super) fn inspect_slots(&mut self, keys: &Keys) -> Result<Reply, Fault> {
        let every: Vec<u32> = (0..keys.limit()).collect();
        let all = keys.with_slots(&every);
        let mut slots = Vec::new();
        for (slot, part) in every.iter().zip(all.parts()) {
            if let Some(value) = self.text(part.lock())? {
                let ttl_ms = self.keys.remaining_ms(part.lock(), self.now.elapsed_micros);
                slots.push(SlotView {
                    slot: *slot,
                    value,
                    ttl_ms,
                });
            }
        }
        let waiters = self.in_queue(keys, |waiters| waiters.len() as u64)?;
        Ok(Reply::View(View {
            waiters: Some(waiters.unwrap_or_default()),
            slots,
            ..View::default()
        }))
    }

    /// The slots that are free, and those that are the caller's already, from the one at `first` on.
    fn free_and_mine(&self, claim: &Claim, first: usize) -> Result<(Vec<u32>, Vec<u32>), Fault> {
        let keys = &claim.keys;
        let (mut free, mut mine) = (Vec::new(), Vec::new());
        let first = u32::try_from(first).unwrap_or(0) % keys.limit();
        let numbers: Vec<u32> = (first..keys.limit()).chain(0..first).collect();
        for (slot, part) in numbers.iter().zip(keys.with_slots(&numbers).parts()) {
            match self.text(part.lock())? {
                None => free.push(*slot),
                Some(owner) if owner == claim.token.as_bytes() => mine.push(*slot),
                Some(_) => {}
            }
        }
        Ok((free, mine))
    }

    fn take_slots(
        &mut self,
        claim: &Claim,
        picked: &Keys,
        again: bool,
        (score, me): (u64, &str),
    ) -> Result<Reply, Fault> {
        let claim = Claim {
            keys: picked.clone(),
            ..claim.clone()
        };
        let granted = match again {
            true => self.granted_several(&claim, true, Some(score))?,
            false => self.grant_several(&claim, Some(score))?,
        };
        self.in_queue(picked, |waiters| waiters.remove(me))?;
        Ok(match granted {
            Reply::Granted(grant) => Reply::Granted(Grant {
                slots: picked.slots().to_vec(),
                ..grant
            }),
            other => other,
        })
    }

    /// Who is served with `free` slots, in the order of the queue.
    fn serve(&mut self, keys: &Keys, me: &str, free: usize) -> Result<Serving, Fault> {
        let mut serving = Serving::default();
        if free == 0 {
            return Ok(serving);
        }
        let now_micros = self.now.elapsed_micros;
        let mut left = free;
        self.in_queue(keys, |waiters| {
            for other in waiters.first(LOOKED_AT) {
                let wants = wants(&other).filter(|_| waiters.is_alive(&other, now_micros));
                match wants {
                    None => drop(waiters.remove(&other)),
                    Some(wants) if wants <= left => {
                        left -= wants;
                        if other == me {
                            serving.me = true;
                        } else {
                            serving.others.push(other);
                        }
                    }
                    Some(_) if serving.me || waiters.passes(&other) >= PASSES_MAX => break,
                    Some(_) => serving.passed.push(other),
                }
                if left == 0 {
                    break;
                }
            }
        })?;
        Ok(serving)
    }

    /// Calls waiters; those whose client is gone are dropped.
    fn call(&mut self, keys: &Keys, called: &[String]) -> Result<(), Fault> {
        for other in called {
            let client = ClientId(other.split(':').next().unwrap_or_default().into());
            let number = waiter_number(other.as_bytes());
            if !number.is_some_and(|number| (self.listeners)(&client, number)) {
                self.in_queue(keys, |waiters| waiters.remove(other))?;
            }
        }
        Ok(())
    }
}

/// What a look at the queue came to.
#[derive(Default)]
struct Serving {
    /// The caller is served.
    me: bool,
    /// So are these.
    others: Vec<String>,
    /// These are passed: they want more than there is.
    passed: Vec<String>,
}

/// How many slots a waiter wants.
fn wants(member: &str) -> Option<usize> {
    let mut fields = member.split(':').skip(2);
    let wants = fields.next()?.parse().ok()?;
    fields.next().map(|_| wants)
}
