//! The state of one read/write lock, as the shared part of its scripts keeps it.

use std::collections::BTreeMap;

use crate::config::{Mode, OwnerToken, Planted, PlantedBug, Stance};
use crate::node::memory::waiters::Waiters;

/// One read/write lock: who is inside, each until a time of its own, and who waits.
#[derive(Debug, Clone, Default)]
pub(super) struct Sharing {
    seat: Option<(OwnerToken, Place)>,
    readers: BTreeMap<OwnerToken, Place>,
    /// A writer has had the seat, and readers that it kept out have not had their turn yet.
    writing: bool,
    /// Readers that came until then go before the next writer.
    turn: Option<u64>,
    pub(super) reader_queue: Waiters,
    pub(super) writer_queue: Waiters,
    /// Until when anything here can matter.
    pub(super) until_micros: u64,
    planted: Planted,
}

/// What an owner has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) stance: Stance,
    pub(super) until_micros: u64,
}

impl Place {
    /// The time left, in whole milliseconds, rounded up.
    pub(super) fn left_ms(&self, now_micros: u64) -> u64 {
        self.until_micros.saturating_sub(now_micros).div_ceil(1000)
    }
}

impl Sharing {
    /// A lock that nobody holds, on a server with these rules broken.
    pub(super) fn planted(planted: Planted) -> Self {
        Sharing {
            planted,
            ..Sharing::default()
        }
    }

    /// Forgets whose time is over.
    pub(super) fn bury(&mut self, now_micros: u64) {
        self.readers
            .retain(|_, place| place.until_micros > now_micros);
        self.seat
            .take_if(|(_, place)| place.until_micros <= now_micros);
    }

    /// Who has the seat.
    pub(super) fn sitting(&self) -> Option<(&OwnerToken, Place)> {
        self.seat.as_ref().map(|(owner, place)| (owner, *place))
    }

    /// The mode of whoever has the seat.
    pub(super) fn taken(&self) -> Option<Mode> {
        self.sitting().map(|(_, place)| place.stance.mode)
    }

    /// What an owner has here.
    pub(super) fn standing(&self, owner: &OwnerToken) -> Option<Place> {
        match self.sitting() {
            Some((sitter, place)) if sitter == owner => Some(place),
            _ => self.readers.get(owner).copied(),
        }
    }

    /// The last reader to leave, `but` one.
    pub(super) fn last_reader(&self, but: &OwnerToken) -> Option<Place> {
        let others = self.readers.iter().filter(|(owner, _)| *owner != but);
        others
            .map(|(_, place)| *place)
            .max_by_key(|place| place.until_micros)
    }

    /// True where somebody reads.
    pub(super) fn is_read(&self) -> bool {
        !self.readers.is_empty()
    }

    /// Takes away what an owner has here.
    pub(super) fn drop(&mut self, owner: &OwnerToken) -> Option<Place> {
        if self
            .seat
            .as_ref()
            .is_some_and(|(sitter, _)| sitter == owner)
        {
            return self.seat.take().map(|(_, place)| place);
        }
        self.readers.remove(owner)
    }

    /// Gives an owner its place, whatever it had before.
    pub(super) fn place(&mut self, owner: &OwnerToken, place: Place) {
        self.drop(owner);
        self.keep(place.until_micros);
        if place.stance.mode == Mode::Read {
            self.readers.insert(owner.clone(), place);
            if self.planted.has(PlantedBug::OneTtlForAllReaders) {
                for reader in self.readers.values_mut() {
                    reader.until_micros = place.until_micros;
                }
            }
            return;
        }
        self.seat = Some((owner.clone(), place));
        self.writing |= place.stance.mode == Mode::Write;
    }

    /// What is here matters until then, and for a while longer.
    pub(super) fn keep(&mut self, until_micros: u64) {
        self.until_micros = self
            .until_micros
            .max(until_micros.saturating_add(1_000_000));
    }

    /// A try to write that failed was no writer's turn.
    pub(super) fn not_written(&mut self) {
        self.writing = false;
    }

    /// Once a writer is gone, however that came, readers that were refused go before the next one.
    /// True where that is so now.
    pub(super) fn turn_over(&mut self, wall_micros: u64) -> bool {
        if !self.writing || self.taken() == Some(Mode::Write) {
            return false;
        }
        self.writing = false;
        if let Some(last) = self.reader_queue.last_score() {
            self.turn = Some(wall_micros.max(last));
        }
        true
    }

    /// True where it is the turn of readers with this score before the next writer.
    pub(super) fn is_turn_of(&self, score: u64) -> bool {
        self.turn.is_some_and(|turn| score <= turn)
    }

    /// True where readers wait whose turn it is before the next writer.
    pub(super) fn reader_first(&mut self, now_micros: u64) -> bool {
        let head = self.reader_queue.live_head(now_micros).map(str::to_owned);
        let score = head.and_then(|head| self.reader_queue.score(&head));
        score.is_some_and(|score| self.is_turn_of(score))
    }

    /// True where somebody waits to write, which keeps new readers out.
    pub(super) fn writer_waits(&self, now_micros: u64) -> bool {
        let mut alive = self
            .writer_queue
            .iter()
            .filter(|(_, _, until)| *until >= now_micros);
        alive.any(|(waiter, ..)| kind_of(waiter) != Some('u'))
    }

    /// True where nothing is here any more.
    pub(super) fn is_empty(&self) -> bool {
        self.seat.is_none()
            && self.readers.is_empty()
            && !self.writing
            && self.turn.is_none()
            && self.reader_queue.is_empty()
            && self.writer_queue.is_empty()
    }

    /// Who holds it: the seat first, readers in the order in which their time ends.
    pub(super) fn held(&self, now_micros: u64) -> Vec<(&OwnerToken, Place)> {
        let mut readers: Vec<_> = self
            .readers
            .iter()
            .map(|(owner, place)| (owner, *place))
            .collect();
        readers.sort_by_key(|(owner, place)| (place.until_micros, *owner));
        let all = self.sitting().into_iter().chain(readers);
        all.filter(|(_, place)| place.until_micros > now_micros)
            .collect()
    }
}

/// What a waiter waits for, by its name in the queue.
pub(super) fn kind_of(waiter: &str) -> Option<char> {
    waiter.rsplit(':').nth(1)?.chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(number: u64) -> OwnerToken {
        OwnerToken::parse(&format!("q1.{number:040x}.test")).expect("well formed")
    }

    fn place(mode: Mode, until_micros: u64) -> Place {
        Place {
            stance: Stance::first(mode),
            until_micros,
        }
    }

    #[test]
    fn every_reader_has_a_time_of_its_own() {
        let mut sharing = Sharing::default();
        sharing.place(&owner(1), place(Mode::Read, 50));
        sharing.place(&owner(2), place(Mode::Read, 20));
        sharing.bury(20);
        assert!(sharing.standing(&owner(2)).is_none());
        assert_eq!(sharing.held(20).len(), 1);
        sharing.bury(50);
        assert!(!sharing.is_read() && sharing.is_empty());
    }

    #[test]
    fn readers_that_a_writer_kept_out_have_their_turn() {
        let mut sharing = Sharing::default();
        sharing.place(&owner(1), place(Mode::Write, 50));
        assert!(!sharing.turn_over(9), "it still writes");
        sharing.reader_queue.put("c:1:r:s".into(), 10, 100);
        sharing.writer_queue.put("c:2:w:s".into(), 5, 100);
        sharing.bury(50);
        assert!(sharing.turn_over(12) && !sharing.turn_over(13));
        assert!(sharing.reader_first(50) && sharing.is_turn_of(12) && !sharing.is_turn_of(13));
        assert!(sharing.writer_waits(100) && !sharing.writer_waits(101));
    }

    #[test]
    fn waiting_upgradeables_keep_no_reader_out() {
        let mut sharing = Sharing::default();
        sharing.writer_queue.put("c:1:u:s".into(), 5, 100);
        assert!(!sharing.writer_waits(10));
        sharing.writer_queue.put("c:2:x:p".into(), 0, 100);
        assert!(sharing.writer_waits(10));
    }
}
