//! What callers do with read/write locks: read, write, upgrade and downgrade.

use std::sync::Arc;
use std::time::Duration;

use quorlock::{AcquireOptions, ErrorKind, Guard, Mode, Result};

use crate::counts::Count;
use crate::judge::Oracle;
use crate::user::User;

/// A wait that nobody's turn takes, where nothing fails.
const LONG_WAIT: Duration = Duration::from_secs(60);

impl User {
    /// Takes a read/write lock in one mode or another, and works under it.
    pub(crate) async fn share(&mut self) {
        let world = Arc::clone(&self.stage.world);
        let resource = self.rng.index(self.stage.names.len());
        let scenario = world.plan.scenario.clone();
        let mode = match self.rng.below(100) {
            0..60 => Mode::Read,
            60..78 => Mode::Upgradeable,
            _ => Mode::Write,
        };
        let lock = self.stage.clients[self.client].rwlock(&self.stage.names[resource]);
        let lock = lock.in_mode(mode);
        let wait = self.some_ms(scenario.wait_ms);
        // Leases of unlike ttl: each reader has a time of its own.
        let share = 1 + u32::try_from(self.rng.below(4)).unwrap_or(0);
        let options = AcquireOptions::new()
            .ttl((world.plan.ttl * share / 4).max(Duration::from_millis(20)))
            .wait(wait)
            .renew(self.rng.chance(scenario.renew));
        let patience = self.patience();
        let guard = if self.rng.chance(scenario.try_share) {
            let trying = async { lock.try_acquire(options).await };
            let tried = self.call("try_acquire", Duration::ZERO, patience, trying);
            tried.await.and_then(|tried| tried.ok().flatten())
        } else {
            let want = world
                .judge()
                .wants(world.now(), (self.client, resource), mode);
            let acquiring = lock.acquire(options);
            let acquired = self.call("acquire", wait, patience, acquiring).await;
            self.had_turn(resource, want, wait, acquired.as_ref());
            acquired.and_then(Result::ok)
        };
        if let Some(guard) = guard {
            self.work(guard, 0).await;
        }
    }

    fn patience(&mut self) -> Option<Duration> {
        let cancels = self.rng.chance(self.stage.world.plan.scenario.cancel);
        cancels.then(|| Duration::from_millis(self.rng.below(100)))
    }

    /// A call that waited for a turn has ended.
    fn had_turn<T>(&self, resource: usize, want: u64, wait: Duration, done: Option<&Result<T>>) {
        let world = &self.stage.world;
        let (now, calm) = (world.now(), world.plan.calm);
        let mut judge = world.judge();
        judge.wanted(now, (resource, want), matches!(done, Some(Ok(_))), calm);
        let starved = matches!(done, Some(Err(error)) if error.kind() == ErrorKind::Timeout);
        if starved && calm && wait >= LONG_WAIT {
            let what = format!("client {} had no turn in {wait:?}", self.client);
            judge.object(now, Oracle::Turns, what);
        }
    }

    /// Upgrades or downgrades, or does not.
    pub(crate) async fn change_mode(&mut self, resource: usize, number: u64, guard: &Arc<Guard>) {
        let world = Arc::clone(&self.stage.world);
        match guard.mode() {
            Some(Mode::Upgradeable) if self.rng.chance(400) => {
                let wait = self.some_ms(world.plan.scenario.wait_ms);
                self.upgrade(resource, number, guard, wait).await;
            }
            Some(Mode::Read) if self.rng.chance(100) => {
                self.upgrade(resource, number, guard, Duration::ZERO).await;
            }
            Some(Mode::Write) if self.rng.chance(250) => {
                world.judge().count(Count::Downgraded);
                world.judge().written(world.now(), resource);
                let downgrading = guard.downgrade();
                // Whatever it says, the guard tells the truth.
                let _ = self
                    .call("downgrade", Duration::ZERO, None, downgrading)
                    .await;
                world.judge().written(world.now(), resource);
            }
            _ => {}
        }
    }

    async fn upgrade(&mut self, resource: usize, number: u64, guard: &Arc<Guard>, wait: Duration) {
        let world = Arc::clone(&self.stage.world);
        let patience = self.patience();
        let want = world
            .judge()
            .wants(world.now(), (self.client, resource), Mode::Write);
        let upgrading = guard.upgrade(AcquireOptions::new().wait(wait));
        let done = self.call("upgrade", wait, patience, upgrading).await;
        self.had_turn(resource, want, wait, done.as_ref());
        let mut judge = world.judge();
        if matches!(done, Some(Ok(()))) {
            judge.count(Count::Upgraded);
            judge.upgraded(world.now(), number);
        } else {
            judge.count(Count::NotUpgraded);
        }
        drop(judge);
        world.stop_if_violated();
    }
}
