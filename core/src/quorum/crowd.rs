//! Which resources several clients want: they are asked for through the queue at once, instead of
//! at all nodes and in vain.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Keys;

/// How long a resource counts as wanted after it last showed.
const REMEMBERED: Duration = Duration::from_millis(300);
/// Above so many, those that no longer count are dropped.
const SWEPT_ABOVE: usize = 256;

/// What one client knows of others' wishes.
#[derive(Debug, Default)]
pub struct Crowd(Mutex<BTreeMap<Keys, Instant>>);

impl Crowd {
    /// Others want `keys` as well.
    pub fn note(&self, keys: &Keys) {
        let now = Instant::now();
        let mut wanted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if wanted.len() >= SWEPT_ABOVE {
            wanted.retain(|_, until| *until > now);
        }
        wanted.insert(keys.clone(), now + REMEMBERED);
    }

    /// True where others wanted `keys` lately.
    pub fn wants(&self, keys: &Keys) -> bool {
        let wanted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wanted
            .get(keys)
            .is_some_and(|until| *until > Instant::now())
    }
}
