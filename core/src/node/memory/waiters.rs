//! The queue of one resource.

use std::collections::{BTreeMap, BTreeSet};

/// Waiters by their place, each with the time until which it counts as alive.
///
/// A waiter stands under its name as servers have it, so that equal scores give the same order.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiters {
    places: BTreeMap<String, Standing>,
    order: BTreeSet<(u64, String)>,
}

#[derive(Debug, Clone)]
struct Standing {
    score: u64,
    alive_until_micros: u64,
    /// How often others behind it were served before it.
    passes: u32,
}

impl Waiters {
    /// Puts a waiter at a place, also one that stands elsewhere.
    pub(super) fn put(&mut self, name: String, score: u64, alive_until_micros: u64) {
        let passes = self.passes(&name);
        self.remove(&name);
        self.order.insert((score, name.clone()));
        self.places.insert(
            name,
            Standing {
                score,
                alive_until_micros,
                passes,
            },
        );
    }

    /// Removes a waiter; true if it was there.
    pub(super) fn remove(&mut self, name: &str) -> bool {
        let Some((name, standing)) = self.places.remove_entry(name) else {
            return false;
        };
        self.order.remove(&(standing.score, name))
    }

    /// A waiter's score.
    pub(super) fn score(&self, name: &str) -> Option<u64> {
        self.places.get(name).map(|standing| standing.score)
    }

    /// The score of the last waiter.
    pub(super) fn last_score(&self) -> Option<u64> {
        self.order.last().map(|(score, _)| *score)
    }

    /// How many stand before a waiter.
    pub(super) fn rank(&self, name: &str) -> Option<u64> {
        let score = self.score(name)?;
        Some(self.order.range(..(score, name.to_owned())).count() as u64)
    }

    /// The first waiter, alive or not.
    pub(super) fn head(&self) -> Option<&str> {
        self.order.first().map(|(_, name)| &**name)
    }

    /// The first waiter that is alive; the dead before it are removed.
    pub(super) fn live_head(&mut self, now_micros: u64) -> Option<&str> {
        while let Some((_, name)) = self.order.first() {
            let alive_until = self
                .places
                .get(name)
                .map(|standing| standing.alive_until_micros);
            if alive_until.is_some_and(|until| until >= now_micros) {
                break;
            }
            if let Some((_, name)) = self.order.pop_first() {
                self.places.remove(&name);
            }
        }
        self.head()
    }

    /// The first `most` waiters, alive or not.
    pub(super) fn first(&self, most: usize) -> Vec<String> {
        let names = self.order.iter().take(most).map(|(_, name)| name.clone());
        names.collect()
    }

    /// True where a waiter counts as alive.
    pub(super) fn is_alive(&self, name: &str, now_micros: u64) -> bool {
        let standing = self.places.get(name);
        standing.is_some_and(|standing| standing.alive_until_micros >= now_micros)
    }

    /// How often others behind a waiter were served before it.
    pub(super) fn passes(&self, name: &str) -> u32 {
        self.places.get(name).map_or(0, |standing| standing.passes)
    }

    /// Another behind it is served before it.
    pub(super) fn pass(&mut self, name: &str) {
        if let Some(standing) = self.places.get_mut(name) {
            standing.passes += 1;
        }
    }

    /// Every waiter by its place: its name, its score, and until when it counts as alive.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, u64, u64)> {
        let standing = |(score, name): &'_ (u64, String)| {
            let alive_until = self.places.get(name)?.alive_until_micros;
            Some((*score, alive_until))
        };
        self.order.iter().filter_map(move |place| {
            let (score, alive_until) = standing(place)?;
            Some((&*place.1, score, alive_until))
        })
    }

    /// How many stand here.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// True where nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_by_score_then_name() {
        let mut waiters = Waiters::default();
        waiters.put("c:9:s".into(), 5, 100);
        waiters.put("c:10:s".into(), 5, 100);
        waiters.put("a:1:s".into(), 7, 100);
        assert_eq!(waiters.head(), Some("c:10:s"));
        assert_eq!(
            (
                waiters.rank("c:10:s"),
                waiters.rank("c:9:s"),
                waiters.rank("a:1:s")
            ),
            (Some(0), Some(1), Some(2))
        );
        waiters.put("a:1:s".into(), 1, 100);
        assert_eq!(
            (waiters.head(), waiters.last_score(), waiters.len()),
            (Some("a:1:s"), Some(5), 3)
        );
        assert!(waiters.remove("a:1:s"));
        assert!(!waiters.remove("a:1:s"));
    }

    #[test]
    fn the_dead_before_the_first_live_one_are_removed() {
        let mut waiters = Waiters::default();
        waiters.put("a:1:s".into(), 1, 99);
        waiters.put("a:2:s".into(), 2, 100);
        waiters.put("a:3:s".into(), 3, 99);
        assert_eq!(waiters.live_head(100), Some("a:2:s"));
        assert_eq!(waiters.len(), 2);
        assert_eq!(waiters.live_head(101), None);
        assert!(waiters.is_empty());
    }
}
