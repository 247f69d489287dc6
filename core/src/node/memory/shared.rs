//! Commands about read/write locks: each does what the script of its name does.

use crate::config::{Keys, Mode, OwnerToken, PlantedBug, Stance};
use crate::error::Fault;
use crate::node::memory::call::{Call, SPENT, until};
use crate::node::memory::fence::token_of;
use crate::node::memory::keyspace::Value;
use crate::node::memory::sharing::{Place as Standing, Sharing, kind_of};
use crate::protocol::{
    Claim, ClientId, Command, Counted, Grant, Place, Refusal, RefusalKind, Release, ReleaseWord,
    Reply, WaiterId, WaiterKind, Wake, shared_member, waiter_number,
};

impl Call<'_> {
    /// Runs a command that belongs to a read/write lock, for an owner in this stance.
    pub(super) fn shared(&mut self, stance: Stance, inner: &Command) -> Result<Reply, Fault> {
        match inner {
            Command::Acquire(claim) => self.share(stance, claim, None),
            Command::Poll(claim, place) => self.share(stance, claim, Some(place)),
            Command::Leave { keys, waiter } => self.leave_shared(stance, keys, waiter),
            Command::Release(release) => self.release_shared(stance, release),
            Command::Raise {
                keys,
                token,
                to,
                past,
            } => self.raise_shared(keys, (token, stance), *to, *past),
            Command::Adopt {
                claim,
                from,
                ticket,
                seen_ms,
            } => self.adopt_shared(stance, claim, from, (ticket, *seen_ms)),
            Command::Unadopt {
                keys,
                from,
                to,
                ticket,
                tomb_ms,
            } => self.unadopt_shared(keys, (from, to), (ticket, *tomb_ms)),
            _ => Err(Fault::refused(
                crate::error::FaultClass::Unsupported,
                "a command that a read/write lock does not know",
            )),
        }
    }

    /// Works on a lock without whose time is over; what is empty then goes.
    pub(super) fn in_sharing<T>(
        &mut self,
        keys: &Keys,
        with: impl FnOnce(&mut Sharing, &mut Self) -> T,
    ) -> Result<T, Fault> {
        let (key, now_micros) = (keys.seat(), self.now.elapsed_micros);
        let mut sharing = match self.keys.take_sharing(&key, now_micros)? {
            Some(sharing) => sharing,
            None => Sharing::planted(self.planted.clone()),
        };
        sharing.bury(now_micros);
        let outcome = with(&mut sharing, self);
        if !sharing.is_empty() {
            let left = sharing.until_micros.saturating_sub(now_micros);
            let kept_ms = left.div_ceil(1000).max(1);
            let value = Value::Sharing(Box::new(sharing));
            self.keys.set(&key, value, Some(kept_ms), now_micros);
        }
        Ok(outcome)
    }

    fn share(
        &mut self,
        stance: Stance,
        claim: &Claim,
        place: Option<&Place>,
    ) -> Result<Reply, Fault> {
        let keys = &claim.keys;
        if self.text(&keys.tombstone(&claim.token))?.is_some() {
            return Ok(refused(RefusalKind::Buried));
        }
        self.in_sharing(keys, |sharing, call| {
            call.share_in(sharing, stance, claim, place)
        })?
    }

    fn share_in(
        &mut self,
        sharing: &mut Sharing,
        stance: Stance,
        claim: &Claim,
        place: Option<&Place>,
    ) -> Result<Reply, Fault> {
        let now = self.now;
        let ended = sharing.turn_over(now.wall_micros);
        let kind = WaiterKind::of(stance);
        let me = place.map(|place| shared_member(&place.waiter, kind, true));
        let heeds_order = !self.planted.has(PlantedBug::OperationNumberIgnored);
        match sharing.standing(&claim.token) {
            Some(mine) if mine.stance.op > stance.op && heeds_order => {
                return Ok(refused(RefusalKind::Buried));
            }
            Some(mine) if mine.stance.op == stance.op => {
                if let Some(me) = me.as_ref().filter(|_| stance.op == 1) {
                    unstand(sharing, stance.mode, me);
                }
                return self.counted(claim, true, None);
            }
            None if stance.op > 1 => return Ok(refused(RefusalKind::Missing)),
            _ => {}
        }
        let score = place.zip(me.as_ref()).map(|(place, me)| {
            let old = place.score;
            self.stand_shared(sharing, stance.mode, me, (old, place.beat_ms))
        });
        let kept_out = kept_out(sharing, stance.mode, &claim.token, now.elapsed_micros);
        let careless = stance.op > 1 && self.planted.has(PlantedBug::UpgradeBesideReaders);
        if let Some(left_ms) = kept_out.filter(|_| !careless) {
            let rank = |me: &String| match stance.mode {
                // Readers come in together.
                Mode::Read => Some(0),
                _ => sharing.writer_queue.rank(me),
            };
            return Ok(Reply::Refused(Refusal {
                ttl_ms: Some(left_ms),
                place: me.as_ref().and_then(rank),
                score,
                ..Refusal::bare(RefusalKind::Held)
            }));
        }
        let now_micros = now.elapsed_micros;
        let first = match (&me, score, stance.mode) {
            (Some(_), Some(score), Mode::Read) => {
                sharing.is_turn_of(score) || !sharing.writer_waits(now_micros)
            }
            (Some(me), _, mode) => {
                sharing.writer_queue.live_head(now_micros) == Some(me)
                    && (mode == Mode::Upgradeable || !sharing.reader_first(now_micros))
            }
            (None, ..) if !claim.heed_queue => true,
            (None, _, Mode::Read) => {
                !sharing.writer_waits(now_micros)
                    || self.planted.has(PlantedBug::WriterIntentIgnored)
            }
            (None, _, mode) => {
                (stance.op > 1 || sharing.writer_queue.live_head(now_micros).is_none())
                    && (mode == Mode::Upgradeable || !sharing.reader_first(now_micros))
            }
        };
        if !first {
            self.call_next(sharing, ended);
            let queue = queue_of(sharing, stance.mode);
            let place = me.map(|me| queue.rank(&me).unwrap_or(1).max(1));
            return Ok(Reply::Refused(Refusal {
                place,
                score,
                ..Refusal::bare(RefusalKind::Queued)
            }));
        }
        let granted = self.counted(claim, false, score)?;
        let by_client = claim
            .proposal
            .filter(|_| self.planted.has(PlantedBug::ClientClockForExpiry));
        let ahead = by_client.map_or(0, |micros| micros.saturating_sub(now.wall_micros));
        let behind = by_client.map_or(0, |micros| now.wall_micros.saturating_sub(micros));
        let until_micros = until(now, claim.ttl.as_millis())
            .saturating_add(ahead)
            .saturating_sub(behind);
        sharing.place(
            &claim.token,
            Standing {
                stance,
                until_micros,
            },
        );
        // An upgrade stands until it leaves: taken back, it has no place to be put back to.
        if let Some(me) = me.as_ref().filter(|_| stance.op == 1) {
            unstand(sharing, stance.mode, me);
        }
        if ended {
            self.call_next(sharing, true);
        }
        Ok(granted)
    }

    /// The answer that the place is the caller's, counted now.
    pub(super) fn counted(
        &mut self,
        claim: &Claim,
        again: bool,
        score: Option<u64>,
    ) -> Result<Reply, Fault> {
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

    /// Stands in a queue, or beats there; gives the score.
    fn stand_shared(
        &self,
        sharing: &mut Sharing,
        mode: Mode,
        me: &str,
        (old, beat_ms): (Option<u64>, u64),
    ) -> u64 {
        let alive = until(self.now, beat_ms);
        sharing.keep(alive);
        let wall_micros = self.now.wall_micros;
        let queue = queue_of(sharing, mode);
        let behind_last = || {
            let next = queue.last_score().map_or(0, |last| last.saturating_add(1));
            wall_micros.max(next)
        };
        let score = queue.score(me).or(old).unwrap_or_else(behind_last);
        queue.put(me.to_owned(), score, alive);
        score
    }

    fn release_shared(&mut self, stance: Stance, release: &Release) -> Result<Reply, Fault> {
        let keys = &release.keys;
        let spent = release.spent.as_ref();
        let found = self.in_sharing(keys, |sharing, call| {
            let found = sharing.drop(&release.token).is_some();
            if let Some(spent) = spent.filter(|_| !found) {
                sharing.drop(&spent.from);
            }
            match &release.put_back {
                Some(place) if release.wake != Wake::Nobody && place.score.is_some() => {
                    // It had the home and not the others: that was no writer's turn.
                    if found {
                        sharing.not_written();
                    }
                    let me = shared_member(&place.waiter, WaiterKind::of(stance), true);
                    unstand(sharing, stance.mode, &me);
                    call.stand_shared(sharing, stance.mode, &me, (place.score, place.beat_ms));
                }
                _ => {
                    let ended = sharing.turn_over(call.now.wall_micros);
                    if release.wake != Wake::Nobody {
                        call.call_next(sharing, ended);
                    }
                }
            }
            found
        })?;
        self.mark(&keys.tombstone(&release.token), "1", release.tomb_ms);
        if let Some(to) = release.fence {
            self.fenced(keys, |fence| fence.raise(to.get()))?;
        }
        if let Some(spent) = spent {
            self.mark(&keys.spent(&spent.ticket), SPENT, spent.retention_ms);
        }
        Ok(Reply::Released(if found {
            ReleaseWord::Done
        } else {
            ReleaseWord::Missing
        }))
    }

    pub(super) fn intend(
        &mut self,
        keys: &Keys,
        waiter: &WaiterId,
        upgrades: bool,
        beat_ms: u64,
    ) -> Result<Reply, Fault> {
        let (kind, first) = if upgrades {
            (WaiterKind::Upgrader, Some(0))
        } else {
            (WaiterKind::Writer, None)
        };
        let me = shared_member(waiter, kind, true);
        let before = self.in_sharing(keys, |sharing, call| {
            if beat_ms == 0 {
                return unstand(sharing, Mode::Write, &me);
            }
            let before = sharing.writer_queue.score(&me).is_some();
            call.stand_shared(sharing, Mode::Write, &me, (first, beat_ms));
            before
        })?;
        Ok(Reply::Left(before))
    }

    fn leave_shared(
        &mut self,
        stance: Stance,
        keys: &Keys,
        waiter: &WaiterId,
    ) -> Result<Reply, Fault> {
        let me = shared_member(waiter, WaiterKind::of(stance), true);
        let gone = self.in_sharing(keys, |sharing, call| {
            let gone = unstand(sharing, stance.mode, &me);
            let ended = sharing.turn_over(call.now.wall_micros);
            call.call_next(sharing, ended);
            gone
        })?;
        Ok(Reply::Left(gone))
    }

    /// Tells whoever may have the lock now. `ended`: a writer has just gone.
    pub(super) fn call_next(&mut self, sharing: &mut Sharing, ended: bool) {
        if sharing.taken() == Some(Mode::Write) {
            return;
        }
        let now_micros = self.now.elapsed_micros;
        let blocked = sharing.writer_waits(now_micros);
        let mut reading = false;
        let waiters: Vec<_> = sharing
            .reader_queue
            .iter()
            .filter(|(_, _, until)| *until >= now_micros)
            .map(|(waiter, score, _)| (waiter.to_owned(), score))
            .collect();
        for (waiter, score) in waiters {
            let first = sharing.is_turn_of(score);
            if !first && blocked {
                continue;
            }
            // Those whose turn it is were told when it began.
            let told = first && !ended && blocked;
            if told || self.tell(&waiter) {
                reading = true;
            } else {
                sharing.reader_queue.remove(&waiter);
            }
        }
        reading |= sharing.is_read();
        while let Some(head) = sharing
            .writer_queue
            .live_head(now_micros)
            .map(str::to_owned)
        {
            let free = sharing.taken().is_none();
            let may = match kind_of(&head) {
                Some('w') => free && !reading,
                Some('x') => !reading,
                _ => free,
            };
            if !may || self.tell(&head) {
                return;
            }
            sharing.writer_queue.remove(&head);
        }
    }

    /// False where the waiter's client is gone.
    fn tell(&mut self, waiter: &str) -> bool {
        let client = ClientId(waiter.split(':').next().unwrap_or_default().into());
        waiter_number(waiter.as_bytes()).is_some_and(|number| (self.listeners)(&client, number))
    }
}

fn queue_of(sharing: &mut Sharing, mode: Mode) -> &mut crate::node::memory::waiters::Waiters {
    match mode {
        Mode::Read => &mut sharing.reader_queue,
        Mode::Upgradeable | Mode::Write => &mut sharing.writer_queue,
    }
}

fn unstand(sharing: &mut Sharing, mode: Mode, me: &str) -> bool {
    queue_of(sharing, mode).remove(me)
}

/// True where whoever has the seat keeps a newcomer in this mode out.
pub(super) fn excludes(taken: Option<Mode>, mode: Mode) -> bool {
    match taken {
        None => false,
        Some(taken) => mode != Mode::Read || taken == Mode::Write,
    }
}

/// For how long others inside keep `token` out, if they do.
fn kept_out(sharing: &Sharing, mode: Mode, token: &OwnerToken, now_micros: u64) -> Option<u64> {
    let sitter = sharing.sitting().filter(|(sitter, _)| *sitter != token);
    let sitter = sitter
        .filter(|(_, place)| excludes(Some(place.stance.mode), mode))
        .map(|(_, place)| place);
    let reader = sharing.last_reader(token).filter(|_| mode == Mode::Write);
    let left = |place: Standing| place.left_ms(now_micros);
    sitter.map(left).max(reader.map(left))
}

pub(super) fn refused(why: RefusalKind) -> Reply {
    Reply::Refused(Refusal::bare(why))
}
