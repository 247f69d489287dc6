//! Drivers between two runs: starting an interpreter costs more than most scenarios.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::driver::{Driver, PATIENCE};
use crate::player::Player;
use crate::transcript::Transcript;

/// How many drivers of one player wait at most.
const IDLE_MAX: usize = 6;

/// Drivers that have nothing to do.
#[derive(Default)]
pub(crate) struct Troupe(Mutex<HashMap<String, Vec<Arc<Driver>>>>);

impl Troupe {
    /// A driver for `actor`: one that waits, or a new one.
    pub(crate) fn hire(
        &self,
        actor: &str,
        player: &Player,
        transcript: &Arc<Transcript>,
    ) -> Result<Arc<Driver>, String> {
        let idle = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_mut(&player.name)
            .and_then(Vec::pop);
        if let Some(driver) = idle {
            driver.recast(actor, transcript);
            return Ok(driver);
        }
        Driver::start(actor, player, transcript).map(Arc::new)
    }

    /// Takes a driver back that has closed its clients; ends it where there are enough of them.
    pub(crate) fn take_back(&self, driver: Arc<Driver>) -> Result<(), String> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle.entry(driver.player.name.clone()).or_default();
        if waiting.len() < IDLE_MAX {
            waiting.push(driver);
            return Ok(());
        }
        drop(idle);
        driver.hang_up();
        dismiss(&driver)
    }

    /// Ends all of them; a complaint for each that does not end as it should.
    pub(crate) fn dismiss_all(self) -> Vec<String> {
        let idle = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let drivers: Vec<Arc<Driver>> = idle.into_values().flatten().collect();
        drivers.iter().for_each(|driver| driver.hang_up());
        drivers
            .iter()
            .filter_map(|driver| dismiss(driver).err())
            .collect()
    }
}

/// A driver ends by itself, with 0, when its input does.
fn dismiss(driver: &Driver) -> Result<(), String> {
    let status = driver.end(PATIENCE)?;
    if status.success() {
        Ok(())
    } else {
        Err(format!(
            "a driver of {} ended with {status}",
            driver.player.name
        ))
    }
}
