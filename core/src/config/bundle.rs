//! Keys that stand for several locks held as one: the names of a multi-resource lock, or slots of a
//! semaphore.

use std::fmt;

use crate::config::Keys;
use crate::config::name::fnv_1a;
use crate::error::{Error, Result};

/// The most names of one multi-resource lock.
const NAMES_MAX: usize = 64;
/// The most permits of a semaphore: its home looks at every slot in one step.
pub const PERMITS_MAX: u32 = 1000;

/// What several locks held as one are.
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Bundle {
    name: String,
    /// The locks, each with a key and a fencing counter of its own.
    parts: Vec<Keys>,
    slots: Option<Slots>,
}

/// A semaphore's side of it.
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Slots {
    /// How many there are.
    limit: u32,
    /// How many are wanted.
    wanted: u32,
    /// Which; none while the home has not picked them.
    numbers: Vec<u32>,
}

impl Bundle {
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl Keys {
    /// The keys of several resources, in the order of their names; refuses no name, too many, one
    /// twice. Of one alone they are the same as [`Keys::new`] gives.
    pub fn several<S: AsRef<str>>(prefix: &str, names: &[S]) -> Result<Self> {
        if names.is_empty() {
            return Err(Error::invalid("names", "must hold at least one name"));
        }
        if names.len() > NAMES_MAX {
            let message = format!("must be at most {NAMES_MAX}, are {}", names.len());
            return Err(Error::invalid("names", message));
        }
        let mut parts = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            let keys = Keys::new(prefix, name.as_ref());
            let in_names = |error: Error| {
                Error::invalid(format!("names[{index}]"), error.message().to_owned())
            };
            parts.push(keys.map_err(in_names)?);
        }
        parts.sort_by(|one, other| one.stem().cmp(other.stem()));
        if let Some(twice) = parts.windows(2).find(|pair| pair[0] == pair[1]) {
            let message = format!("hold {:?} twice", twice[0].name());
            return Err(Error::invalid("names", message));
        }
        let first = parts[0].clone();
        if parts.len() == 1 {
            return Ok(first);
        }
        let names: Vec<&str> = parts.iter().map(Keys::name).collect();
        let bundle = Bundle {
            name: names.join(", "),
            slots: None,
            parts,
        };
        let stem = first.stem().to_owned();
        Ok(Keys::made(
            first.hash(),
            prefix.len(),
            stem,
            Some(Box::new(bundle)),
        ))
    }

    /// The keys of any `wanted` of the `limit` slots of the semaphore `name`, not picked yet.
    pub fn pool(prefix: &str, name: &str, limit: u32, wanted: u32) -> Result<Self> {
        if !(1..=PERMITS_MAX).contains(&limit) {
            let message = format!("must be from 1 to {PERMITS_MAX}, is {limit}");
            return Err(Error::invalid("permits", message));
        }
        if !(1..=limit).contains(&wanted) {
            let message = format!("must be from 1 to the semaphore's {limit}, is {wanted}");
            return Err(Error::invalid("permits", message));
        }
        let base = Keys::new(prefix, name)?;
        let slots = Slots {
            limit,
            wanted,
            numbers: Vec::new(),
        };
        let bundle = Bundle {
            name: name.to_owned(),
            parts: Vec::new(),
            slots: Some(slots),
        };
        let stem = base.companion("slots");
        Ok(Keys::made(
            fnv_1a(&stem),
            prefix.len(),
            stem,
            Some(Box::new(bundle)),
        ))
    }

    /// The same semaphore with these slots picked.
    pub fn with_slots(&self, numbers: &[u32]) -> Self {
        let Some(bundle) = self.bundle() else {
            return self.clone();
        };
        let (limit, wanted) = (self.limit(), self.wanted());
        let prefix_bytes = self.prefix().len();
        // Neighbours have counters of their own: holders of different slots do not disturb each other.
        let slot = |&number: &u32| {
            let hash = self.hash().wrapping_add(u64::from(number));
            Keys::made(
                hash,
                prefix_bytes,
                self.companion(&number.to_string()),
                None,
            )
        };
        let picked = Bundle {
            name: bundle.name.clone(),
            parts: numbers.iter().map(slot).collect(),
            slots: Some(Slots {
                limit,
                wanted,
                numbers: numbers.to_vec(),
            }),
        };
        let stem = self.stem().to_owned();
        Keys::made(self.hash(), prefix_bytes, stem, Some(Box::new(picked)))
    }

    /// Every lock that these keys stand for; none while the slots are not picked.
    pub fn parts(&self) -> &[Keys] {
        match self.bundle() {
            None => std::slice::from_ref(self),
            Some(bundle) => &bundle.parts,
        }
    }

    /// The first of them; the keys themselves while there is none.
    pub(super) fn first(&self) -> &Keys {
        match self.bundle() {
            None => self,
            Some(bundle) => bundle.parts.first().unwrap_or(self),
        }
    }

    /// The first of several alone where a planted bug says so; else all of them.
    pub(crate) fn first_if(&self, planted: bool) -> Keys {
        if planted { self.first() } else { self }.clone()
    }

    /// True where they stand for more than one lock, or for any of several.
    pub fn is_several(&self) -> bool {
        self.bundle().is_some_and(|bundle| bundle.parts.len() != 1)
    }

    /// True where they stand for slots of a semaphore.
    pub fn is_pool(&self) -> bool {
        self.bundle().is_some_and(|bundle| bundle.slots.is_some())
    }

    /// True where they stand for slots that are not picked yet.
    pub fn is_undecided(&self) -> bool {
        self.bundle().is_some_and(|bundle| bundle.parts.is_empty())
    }

    /// The numbers of the slots; empty for anything but a semaphore.
    pub fn slots(&self) -> &[u32] {
        self.pool_slots().map_or(&[], |slots| &slots.numbers)
    }

    /// How many slots the semaphore has; 0 for anything else.
    pub fn limit(&self) -> u32 {
        self.pool_slots().map_or(0, |slots| slots.limit)
    }

    /// How many slots of the semaphore are wanted; 0 for anything else.
    pub fn wanted(&self) -> u32 {
        self.pool_slots().map_or(0, |slots| slots.wanted)
    }

    /// What callers stand in line for: the semaphore as a whole, whatever slots they want of it.
    pub fn subject(&self) -> Keys {
        if self.is_pool() {
            Keys::made(
                self.hash(),
                self.prefix().len(),
                self.stem().to_owned(),
                None,
            )
        } else {
            self.clone()
        }
    }

    /// The keys whose queue is stood in: of several resources the one at `index`.
    pub fn at(&self, index: usize) -> &Keys {
        match self.bundle() {
            Some(bundle) if bundle.slots.is_none() => bundle.parts.get(index).unwrap_or(self),
            _ => self,
        }
    }

    fn pool_slots(&self) -> Option<&Slots> {
        self.bundle()?.slots.as_ref()
    }
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.slots {
            Some(slots) => write!(f, "{:?} of {}", slots.numbers, slots.limit),
            None => f.debug_list().entries(&self.parts[1..]).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_as_a_set() {
        let field = |names: &[&str]| {
            let error = Keys::several("", names).expect_err("refused");
            error.field().map(str::to_owned)
        };
        assert_eq!(field(&[]).as_deref(), Some("names"));
        assert_eq!(field(&["a", "b", "a"]).as_deref(), Some("names"));
        assert_eq!(field(&["a", ""]).as_deref(), Some("names[1]"));
        let many: Vec<String> = (0..65).map(|number| number.to_string()).collect();
        assert!(Keys::several("", &many[..64]).is_ok());
        assert_eq!(
            Keys::several("", &many).expect_err("65").field(),
            Some("names")
        );
    }

    #[test]
    fn several_names_stand_in_their_own_order() {
        let keys = Keys::several("p:", &["b", "a", "c"]).expect("valid");
        assert_eq!(keys.name(), "a, b, c");
        let locks: Vec<&str> = keys.parts().iter().map(Keys::lock).collect();
        assert_eq!(locks, ["p:a", "p:b", "p:c"]);
        assert_eq!(keys.at(1).queue(), "p:quorlock:{p:b}:queue");
        assert!(keys.is_several() && !keys.is_pool());
        let one = Keys::several("p:", &["a"]).expect("valid");
        assert!(one == Keys::new("p:", "a").expect("valid"));
    }

    #[test]
    fn slots_have_keys_of_their_own_and_one_queue() {
        let pool = Keys::pool("p:", "s", 3, 2).expect("valid");
        assert!(pool.is_undecided() && pool.parts().is_empty());
        let keys = pool.with_slots(&[2, 0]);
        let locks: Vec<&str> = keys.parts().iter().map(Keys::lock).collect();
        assert_eq!(
            locks,
            ["p:quorlock:{p:s}:slots:2", "p:quorlock:{p:s}:slots:0"]
        );
        assert_eq!(keys.queue(), "p:quorlock:{p:s}:slots:queue");
        assert_eq!(pool.queue(), keys.queue());
        assert_ne!(keys.parts()[0].fence(), keys.parts()[1].fence());
        assert_eq!(
            (keys.name(), keys.slots(), keys.limit()),
            ("s", &[2, 0][..], 3)
        );
        assert!(pool.subject() == keys.subject() && pool.hash() == keys.hash());
        assert!(!pool.with_slots(&[1]).is_several());
    }

    #[test]
    fn permits_are_bounded() {
        for (limit, wanted) in [(0, 1), (1001, 1), (3, 0), (3, 4)] {
            let error = Keys::pool("", "s", limit, wanted).expect_err("refused");
            assert_eq!(error.field(), Some("permits"));
        }
    }
}
