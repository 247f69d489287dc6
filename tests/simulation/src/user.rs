//! What callers do: they take locks, work under them, give up, hand over, forget and overstay.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use quorlock::testing::quorum::Spawn;
use quorlock::{AcquireOptions, Client, Error, Guard, Mode, Released, Result, Ticket};
use tokio::time::{sleep, timeout};

use crate::counts::Count;
use crate::judge::Oracle;
use crate::process::ProcessSpawner;
use crate::rng::Rng;
use crate::wanted::{Wanted, places_of};
use crate::world::World;

/// How often one lock may be handed on.
const HAND_OVERS_MAX: u32 = 2;

/// Longer than any run, so that no job is ever begun twice.
const RETENTION: Duration = Duration::from_secs(24 * 3600);

/// The clients and the locks of a run.
pub(crate) struct Stage {
    pub(crate) world: Arc<World>,
    pub(crate) clients: Vec<Client>,
    pub(crate) names: Vec<String>,
}

/// One caller.
pub(crate) struct User {
    pub(crate) stage: Arc<Stage>,
    pub(crate) client: usize,
    pub(crate) rng: Rng,
}

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

impl User {
    /// Starts `work` of a user inside its client's process.
    fn start(self, work: impl FnOnce(User) -> Work + Send + 'static) {
        let world = Arc::clone(&self.stage.world);
        let (client, process) = (self.client, self.process());
        world.user_comes(client);
        process.spawn(Box::pin(async move {
            work(self).await;
            world.user_goes(client);
        }));
    }

    fn process(&self) -> ProcessSpawner {
        ProcessSpawner(Arc::clone(&self.stage.world.net().processes[self.client]))
    }

    /// Starts a user that makes so many calls.
    pub(crate) fn start_calls(self, steps: u64) {
        self.start(move |mut user| {
            Box::pin(async move {
                for _ in 0..steps {
                    user.think().await;
                    user.step().await;
                }
            })
        });
    }

    async fn think(&mut self) {
        let span = self.stage.world.plan.scenario.think_ms;
        sleep(self.some_ms(span)).await;
    }

    pub(crate) fn some_ms(&mut self, span: crate::rng::Span) -> Duration {
        Duration::from_millis(self.rng.within(span))
    }

    async fn step(&mut self) {
        let scenario = self.stage.world.plan.scenario.clone();
        let stage = Arc::clone(&self.stage);
        let client = &stage.clients[self.client];
        let plan = &stage.world.plan;
        if plan.shared {
            return self.share().await;
        }
        let wanted = Wanted::draw(&mut self.rng, plan, &stage.names, client, self.client);
        let wait = self.some_ms(scenario.wait_ms);
        let options = AcquireOptions::new()
            .wait(wait)
            .renew(self.rng.chance(scenario.renew));
        let patience = self
            .rng
            .chance(scenario.cancel)
            .then(|| Duration::from_millis(self.rng.below(100)));
        // Drawn only where it matters: the seeds of other scenarios stay what they are.
        if scenario.once > 0 && self.rng.chance(scenario.once) {
            let resource = self.rng.index(self.stage.names.len());
            return self.job(resource, (wait, patience), options).await;
        }
        if scenario.elect > 0 && self.rng.chance(scenario.elect) {
            let resource = self.rng.index(self.stage.names.len());
            return self.lead(resource, wait).await;
        }
        let guard = if self.rng.chance(scenario.try_share) {
            let spare = wanted.second_round(plan);
            let tried = self.call("try_acquire", spare, patience, async {
                wanted.try_acquire(options).await
            });
            tried.await.and_then(|tried| tried.ok().flatten())
        } else {
            let limit = wait + wanted.second_round(plan);
            let acquired = self.call("acquire", limit, patience, wanted.acquire(options));
            acquired.await.and_then(Result::ok)
        };
        if let Some(guard) = guard {
            if let Some(what) = wanted.objection(&guard) {
                let world = &self.stage.world;
                world.judge().object(world.now(), Oracle::Honesty, what);
            }
            let kind = match &wanted {
                Wanted::One(_) => None,
                Wanted::Several(_) => Some(Count::Bundled),
                Wanted::Permits(..) => Some(Count::Permitted),
            };
            if let Some(kind) = kind {
                self.stage.world.judge().count(kind);
            }
            self.work(guard, 0).await;
        }
    }

    /// Campaigns, leads for a while, and hands over.
    async fn lead(&mut self, resource: usize, wait: Duration) {
        let world = Arc::clone(&self.stage.world);
        let client = &self.stage.clients[self.client];
        let Ok(election) = client.elect(&self.stage.names[resource], ()) else {
            // The client was closed.
            return;
        };
        let election = Arc::new(election);
        let watched = (self.client, resource, Arc::downgrade(&election));
        world.judge().elections.push(watched);
        let won = self
            .call("won", wait, None, election.won_within(wait))
            .await;
        let Some(Ok(guard)) = won else {
            return;
        };
        let guard = Arc::new(guard);
        let number = {
            let mut judge = world.judge();
            judge.count(Count::Elected);
            judge.acquired(world.now(), (self.client, &[resource]), &guard)
        };
        let told = Arc::clone(&world);
        guard.on_lost(move |loss| told.judge().lost(told.now(), number, loss));
        self.write(number);
        sleep(self.some_ms(world.plan.scenario.hold_ms)).await;
        self.write(number);
        world.judge().giving_up(number, true);
        if self.rng.chance(500) {
            let _ = self
                .call("resign", Duration::ZERO, None, election.resign())
                .await;
        }
        drop(election);
        // Whoever still looks at the guard sees that it is over.
        sleep(self.some_ms(world.plan.scenario.linger_ms)).await;
        drop(guard);
    }

    /// Does a job unless it is done.
    async fn job(
        &mut self,
        resource: usize,
        (wait, patience): (Duration, Option<Duration>),
        options: AcquireOptions,
    ) {
        let world = Arc::clone(&self.stage.world);
        let job = self.stage.clients[self.client].once(&self.stage.names[resource], RETENTION);
        // The nodes are asked before and under the lock, in two steps each.
        let limit = wait + world.plan.node_timeout * 4 + world.plan.call_slack();
        let begun = self
            .call("begin", limit, patience, job.begin(options))
            .await;
        match begun {
            Some(Ok(Some(guard))) => {
                // A guard whose client is closing may have ended, and then says nothing.
                if guard.is_held() {
                    world.judge().job_begun(world.now(), self.client, resource);
                }
                self.work(guard, HAND_OVERS_MAX).await;
            }
            Some(Ok(None)) => {
                world.judge().count(Count::AlreadyDone);
                world
                    .judge()
                    .job_told_done(world.now(), self.client, resource);
            }
            _ => {}
        }
    }

    /// Makes a call that must end in time; `None` where it was given up.
    pub(crate) async fn call<T>(
        &self,
        what: &'static str,
        wait: Duration,
        patience: Option<Duration>,
        call: impl Future<Output = Result<T>>,
    ) -> Option<Result<T>> {
        let world = &self.stage.world;
        let limit = wait + world.plan.call_slack();
        let number = world.judge().begin(self.client, what, limit);
        let done = match patience {
            Some(patience) => timeout(patience, call).await.ok(),
            None => Some(call.await),
        };
        let now = world.now();
        let mut judge = world.judge();
        let Some(result) = &done else {
            judge.cancelled(number);
            judge.count(Count::Cancelled);
            return None;
        };
        judge.end(now, number, result.as_ref().err());
        if let Err(error) = result {
            judge.count(count_of(what, error));
            let unavailable = error.kind() == quorlock::ErrorKind::QuorumUnavailable;
            if unavailable && world.plan.calm {
                judge.object(now, Oracle::Honesty, format!("nothing failed, but {error}"));
            }
        }
        drop(judge);
        world.stop_if_violated();
        done
    }

    /// Works under a lock, and ends it one way or another.
    pub(crate) fn work(
        &mut self,
        guard: Guard,
        depth: u32,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            let (world, guard) = (Arc::clone(&self.stage.world), Arc::new(guard));
            let scenario = world.plan.scenario.clone();
            let places = places_of(&self.stage.names, &guard);
            let number = {
                let mut judge = world.judge();
                judge.count(Count::Acquired);
                judge.acquired(world.now(), (self.client, &places), &guard)
            };
            world.stop_if_violated();
            let told = Arc::clone(&world);
            guard.on_lost(move |loss| told.judge().lost(told.now(), number, loss));
            let hold = self.some_ms(scenario.hold_ms);
            let overstays = self.rng.chance(scenario.overstay);
            for _ in 0..3 {
                self.write(number);
                if self.rng.chance(scenario.extend / 3) {
                    world.judge().count(Count::Extended);
                    // Whatever it says, the guard tells the truth.
                    let _ = self
                        .call("extend", Duration::ZERO, None, guard.extend())
                        .await;
                }
                if guard.mode().is_some() {
                    let resource = places.first().copied().unwrap_or(0);
                    self.change_mode(resource, number, &guard).await;
                }
                sleep(hold / 3).await;
            }
            if overstays {
                // Until it is lost, or as long as renewals may reasonably be watched.
                let patience = world.plan.ttl + hold;
                let _ = timeout(patience, guard.lost()).await;
                self.write(number);
            }
            if depth < HAND_OVERS_MAX && self.rng.chance(scenario.hand_over) {
                self.hand_over(&places, number, &guard, depth).await;
            }
            let wrote = guard.mode() == Some(Mode::Write);
            let resource = places.first().copied().unwrap_or(0);
            // Readers may come in from the moment it is sent, and until it has arrived.
            if wrote {
                world.judge().written(world.now(), resource);
            }
            self.give_back(&places, number, guard).await;
            if wrote {
                world.judge().written(world.now(), resource);
            }
            // A process that was stopped, or an order sent long ago: a write that comes too late.
            if self.rng.chance(300) {
                let late = Duration::from_millis(self.rng.below(60));
                sleep(late).await;
                self.write(number);
            }
        })
    }

    fn write(&mut self, number: u64) {
        let world = &self.stage.world;
        world.judge().write(world.now(), number);
    }

    async fn give_back(&mut self, places: &[usize], number: u64, guard: Arc<Guard>) {
        let world = Arc::clone(&self.stage.world);
        let resource = places.first().copied().unwrap_or(0);
        world.judge().giving_up(number, true);
        if self.rng.chance(world.plan.scenario.forget) {
            world.judge().count(Count::Dropped);
        } else {
            world.judge().count(Count::Released);
            if guard.is_once() {
                world.judge().job_ending(resource);
            }
            let released = self
                .call("release", Duration::ZERO, None, guard.release())
                .await;
            if guard.is_once() && matches!(released, Some(Ok(Released::Released))) {
                world.judge().job_done(world.now(), self.client, resource);
            }
            let twice = self.rng.chance(100);
            if twice {
                let _ = self
                    .call("release", Duration::ZERO, None, guard.release())
                    .await;
            }
            if guard.is_held() {
                let what = format!("client {} holds what it released", self.client);
                world.judge().object(world.now(), Oracle::Loss, what);
            }
            // The variable may live on for a while.
            let scenario = &world.plan.scenario;
            if self.rng.chance(scenario.linger) {
                sleep(self.some_ms(scenario.linger_ms)).await;
            }
        }
        drop(guard);
    }

    /// Makes a ticket of a lock and sends it to several clients.
    async fn hand_over(&mut self, places: &[usize], number: u64, guard: &Arc<Guard>, depth: u32) {
        let world = Arc::clone(&self.stage.world);
        let plan = &world.plan;
        world.judge().giving_up(number, true);
        let detaching = async {
            if self.rng.clone().chance(300) {
                guard.detach_for(plan.ttl * 2).await
            } else {
                guard.detach().await
            }
        };
        let detached = self.call("detach", Duration::ZERO, None, detaching).await;
        let Some(Ok(ticket)) = detached else {
            world.judge().giving_up(number, false);
            return;
        };
        let must = plan.calm && plan.ttl >= Duration::from_millis(1000);
        world
            .judge()
            .detached(world.now(), ticket.id(), places, must);
        let text = ticket.encode();
        let together = self.rng.chance(plan.scenario.together);
        for _ in 0..self.rng.within(plan.scenario.deliveries) {
            let most = u64::try_from(plan.ttl.as_millis()).unwrap_or(0);
            let delay = self.rng.below(if together { 3 } else { most / 4 });
            let receiver = User {
                stage: Arc::clone(&self.stage),
                client: self.rng.index(plan.clients),
                rng: Rng::stream(self.rng.draw(), 7),
            };
            let text = text.clone();
            receiver.start(move |mut user| {
                Box::pin(async move {
                    sleep(Duration::from_millis(delay)).await;
                    user.adopt(&text, depth + 1).await;
                })
            });
        }
    }

    async fn adopt(&mut self, text: &str, depth: u32) {
        let world = Arc::clone(&self.stage.world);
        let Ok(ticket) = Ticket::decode(text) else {
            let what = "a ticket's own text is refused".to_owned();
            return world.judge().object(world.now(), Oracle::Honesty, what);
        };
        let wait = Duration::from_millis(2000);
        let options = AcquireOptions::new().wait(wait);
        // Several adopters sleep up to 160 ms between tries.
        let limit = wait + Duration::from_millis(200);
        let adopting = self.stage.clients[self.client].adopt_with(&ticket, options);
        if let Some(Ok(guard)) = self.call("adopt", limit, None, adopting).await {
            let now = world.now();
            world.net().old_owners.replace(ticket.id());
            world.judge().adopted(now, ticket.id(), self.client);
            self.work(guard, depth).await;
        }
    }
}

fn count_of(what: &str, error: &Error) -> Count {
    match (what, error.kind()) {
        ("adopt", _) => Count::NotAdopted,
        (_, quorlock::ErrorKind::QuorumUnavailable) => Count::Unavailable,
        (_, quorlock::ErrorKind::Timeout) => Count::TimedOut,
        _ => Count::Refused,
    }
}
