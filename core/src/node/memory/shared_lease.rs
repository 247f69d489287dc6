//! Commands about a read/write lock that is held or was handed over.

use crate::config::{Keys, Mode, OwnerToken, PlantedBug, Stance, TicketId};
use crate::error::Fault;
use crate::node::memory::call::{Call, SEEN, until};
use crate::node::memory::fence::token_of;
use crate::node::memory::shared::{excludes, refused};
use crate::node::memory::sharing::Place as Standing;
use crate::protocol::{
    Claim, LeaseWord, Refusal, RefusalKind, ReleaseWord, Renewal, Reply, Sharer, Sharers,
};

impl Call<'_> {
    pub(super) fn extend_shared(
        &mut self,
        leases: &[Renewal],
        fill_in: Option<&TicketId>,
    ) -> Result<Reply, Fault> {
        let ticket = fill_in.zip(leases.first());
        let now_micros = self.now.elapsed_micros;
        let fills_in = ticket.is_some_and(|(ticket, lease)| {
            let mark = lease.keys.spent(ticket);
            self.keys.get(&mark, now_micros).is_none()
        });
        let mut words = Vec::with_capacity(leases.len());
        for lease in leases {
            let stance = lease.stance.unwrap_or_else(|| Stance::first(Mode::Read));
            let until_micros = until(self.now, lease.ttl.as_millis());
            let place = |stance| Standing {
                stance,
                until_micros,
            };
            let word = self.in_sharing(&lease.keys, |sharing, call| {
                let token = &lease.token;
                let heeds_order = !call.planted.has(PlantedBug::OperationNumberIgnored);
                match sharing.standing(token) {
                    Some(mine) if mine.stance.op > stance.op && heeds_order => LeaseWord::Other,
                    // It missed the upgrade: what it has stays, and is no vote for more.
                    Some(mine) if mine.stance.mode < stance.mode => {
                        sharing.place(token, place(mine.stance));
                        LeaseWord::Missing
                    }
                    // It may have missed that the owner became weaker.
                    Some(_) => {
                        sharing.place(token, place(stance));
                        LeaseWord::Renewed
                    }
                    None if !fills_in => LeaseWord::Missing,
                    None => {
                        let others = stance.mode == Mode::Write && sharing.is_read();
                        let taken = sharing.taken();
                        if others || excludes(taken, stance.mode) {
                            return LeaseWord::Other;
                        }
                        sharing.place(token, place(stance));
                        LeaseWord::FilledIn
                    }
                }
            })?;
            if let Some(to) = lease.fence {
                self.fenced(&lease.keys, |fence| fence.raise(to.get()))?;
            }
            words.push(word);
        }
        Ok(Reply::Extended(words))
    }

    pub(super) fn shift(
        &mut self,
        keys: &Keys,
        (token, to): (&OwnerToken, Stance),
        undo: bool,
        wake: bool,
    ) -> Result<Reply, Fault> {
        let word = self.in_sharing(keys, |sharing, call| {
            let Some(mine) = sharing.standing(token) else {
                return ReleaseWord::Missing;
            };
            let heeds_order = !call.planted.has(PlantedBug::OperationNumberIgnored);
            if mine.stance.op > to.op && heeds_order || mine.stance.mode < to.mode {
                return ReleaseWord::Other;
            }
            let left_ms = mine.left_ms(call.now.elapsed_micros);
            let until_micros = until(call.now, left_ms);
            sharing.place(
                token,
                Standing {
                    stance: to,
                    until_micros,
                },
            );
            if undo {
                sharing.not_written();
            }
            let ended = sharing.turn_over(call.now.wall_micros);
            if wake {
                call.call_next(sharing, ended);
            }
            ReleaseWord::Done
        })?;
        Ok(Reply::Released(word))
    }

    pub(super) fn raise_shared(
        &mut self,
        keys: &Keys,
        (token, stance): (&OwnerToken, Stance),
        to: u64,
        past: bool,
    ) -> Result<Reply, Fault> {
        let standing = self.in_sharing(keys, |sharing, _| sharing.standing(token))?;
        if standing.is_none_or(|mine| mine.stance != stance) {
            return Ok(Reply::Raised(None));
        }
        let counter = self.fenced(keys, |fence| match past {
            true => fence.next(to),
            false => fence.raise(to),
        })?;
        Ok(Reply::Raised(Some(token_of(counter)?)))
    }

    pub(super) fn adopt_shared(
        &mut self,
        stance: Stance,
        claim: &Claim,
        from: &OwnerToken,
        (ticket, seen_ms): (&TicketId, u64),
    ) -> Result<Reply, Fault> {
        let keys = &claim.keys;
        if self.is_spent(keys, ticket)? {
            return Ok(refused(RefusalKind::Spent));
        }
        self.mark(&keys.spent(ticket), SEEN, seen_ms);
        let now = self.now;
        let buried = self.text(&keys.tombstone(&claim.token))?.is_some();
        self.in_sharing(keys, |sharing, call| {
            let mine = sharing.standing(&claim.token);
            if mine.is_some_and(|mine| mine.stance.mode == stance.mode) {
                return call.counted(claim, true, None);
            }
            let had = sharing.standing(from);
            if had.is_none_or(|had| had.stance.mode < stance.mode) {
                let sitter = sharing.sitting().filter(|(sitter, _)| *sitter != from);
                return Ok(match sitter {
                    Some((sitter, place)) if stance.mode != Mode::Read => Reply::Refused(Refusal {
                        ttl_ms: Some(place.left_ms(now.elapsed_micros)),
                        owner: Some(sitter.as_bytes().to_vec()),
                        ..Refusal::bare(RefusalKind::Held)
                    }),
                    _ => refused(RefusalKind::Missing),
                });
            }
            if buried {
                return Ok(refused(RefusalKind::Buried));
            }
            let granted = call.counted(claim, false, None)?;
            sharing.drop(from);
            let until_micros = until(now, claim.ttl.as_millis());
            sharing.place(
                &claim.token,
                Standing {
                    stance,
                    until_micros,
                },
            );
            Ok(granted)
        })?
    }

    pub(super) fn unadopt_shared(
        &mut self,
        keys: &Keys,
        (from, to): (&OwnerToken, &OwnerToken),
        (ticket, tomb_ms): (&TicketId, u64),
    ) -> Result<Reply, Fault> {
        self.mark(&keys.tombstone(to), "1", tomb_ms);
        let is_spent = self.is_spent(keys, ticket)?;
        let found = self.in_sharing(keys, |sharing, _| {
            let mine = sharing.drop(to)?;
            if !is_spent {
                sharing.place(from, mine);
            }
            Some(())
        })?;
        Ok(Reply::Released(match found {
            Some(()) => ReleaseWord::Done,
            None => ReleaseWord::Missing,
        }))
    }

    pub(super) fn sharers(&mut self, keys: &Keys) -> Result<Reply, Fault> {
        let now_micros = self.now.elapsed_micros;
        self.in_sharing(keys, |sharing, _| {
            let held = sharing.held(now_micros).into_iter();
            let held = held.map(|(owner, place)| Sharer {
                mode: place.stance.mode,
                owner: owner.as_bytes().to_vec(),
                ttl_ms: place.left_ms(now_micros),
            });
            let waiters = sharing.reader_queue.len() + sharing.writer_queue.len();
            Reply::Sharers(Sharers {
                held: held.collect(),
                waiters: waiters as u64,
            })
        })
    }
}
