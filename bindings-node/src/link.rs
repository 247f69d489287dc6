//! What the engine's thread and one JavaScript environment share: a queue of answers, and how the
//! environment's loop is woken to fetch them.
//!
//! The loop is woken only when the queue was empty, so that many answers cost one dispatch. It is
//! kept alive while calls are pending and only then. Once the environment is gone, an answer that
//! comes is dropped here, and a lock that it brings is given back.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use napi::bindgen_prelude::Unknown;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status, sys};
use quorlock::{Canceller, Client, Error, Pending, Pulse};

use crate::answer::{Answer, Answers, Delivery};

/// Calls the environment's dispatcher with what has come. Weak: it does not keep the loop alive.
pub(crate) type Wake = ThreadsafeFunction<(), Unknown<'static>, Answers, Status, false, true, 0>;

/// One environment's link to the engine. Cloning shares it.
#[derive(Clone, Default)]
pub(crate) struct Link {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// `None` before the environment is ready, and once it is gone.
    wake: Option<Wake>,
    ready: Vec<Delivery>,
    pending: HashMap<i64, Option<Canceller>>,
    clients: HashMap<i64, Client>,
    pulse: Option<Pulse>,
}

impl Link {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The environment is ready: its loop is woken by `wake`.
    pub(crate) fn open(&self, wake: Wake) {
        self.state().wake = Some(wake);
    }

    /// The environment is gone: nothing is delivered any more, and what is pending is given up.
    pub(crate) fn cut(&self) {
        let gone = mem::take(&mut *self.state());
        for canceller in gone.pending.values().flatten() {
            canceller.cancel();
        }
    }

    /// The answer to `pending` will be delivered to the call `id`. Only on the environment's thread.
    pub(crate) fn begin<T: Send + 'static>(
        &self,
        env: &Env,
        id: i64,
        pending: Pending<T>,
        answer: fn(T) -> Answer,
    ) {
        let link = self.clone();
        let canceller = pending.deliver(move |done| {
            link.push(Delivery::call(id, done.map_or_else(Answer::failed, answer)));
        });
        self.state().expect(env, id, Some(canceller));
    }

    /// The call `id` is refused before it began, as if the engine had.
    pub(crate) fn refuse(&self, env: &Env, id: i64, error: Error) {
        self.answer(env, id, Answer::failed(error));
    }

    /// The call `id` is answered here and now; like any other, it is delivered by the loop.
    pub(crate) fn answer(&self, env: &Env, id: i64, answer: Answer) {
        self.state().expect(env, id, None);
        self.push(Delivery::call(id, answer));
    }

    /// Gives the call `id` up, unless it has ended.
    pub(crate) fn cancel(&self, id: i64) {
        let canceller = self.state().pending.get(&id).cloned();
        if let Some(Some(canceller)) = canceller {
            canceller.cancel();
        }
    }

    /// Queues `delivery` and wakes the loop if nothing else did. From any thread.
    pub(crate) fn push(&self, delivery: Delivery) {
        let mut state = self.state();
        if state.wake.is_none() {
            drop(state);
            // Outside the lock, because dropping a guard calls into the engine.
            drop(delivery);
            return;
        }
        state.ready.push(delivery);
        if state.ready.len() == 1 {
            state.ring();
        }
    }

    /// Takes what has come. Only on the environment's thread, which proves that its loop runs.
    pub(crate) fn take(&self, env: &Env) -> Answers {
        let mut state = self.state();
        let ready = mem::take(&mut state.ready);
        let before = state.pending.len();
        let ended: Vec<_> = ready
            .iter()
            .map(|delivery| state.pending.remove(&delivery.id()))
            .collect();
        if before > 0 && state.pending.is_empty() {
            state.keep_alive(env, false);
        }
        let pulse = state.pulse.clone();
        drop(state);
        drop(ended);
        if let Some(pulse) = pulse {
            pulse.beat();
        }
        Answers(ready)
    }

    /// The pulse of the environment's loop, felt by waking it.
    pub(crate) fn pulse(&self) -> Pulse {
        let weak = Arc::downgrade(&self.state);
        let made = || {
            Pulse::new(move || {
                if let Some(state) = weak.upgrade() {
                    // An empty queue is woken as well: the dispatch itself is the answer.
                    let state = state.lock().unwrap_or_else(PoisonError::into_inner);
                    state.ring();
                }
            })
        };
        self.state().pulse.get_or_insert_with(made).clone()
    }

    /// `client` is in use in this environment under `id`.
    pub(crate) fn add_client(&self, id: i64, client: Client) {
        self.state().clients.insert(id, client);
    }

    /// The client `id` is in use no more.
    pub(crate) fn forget_client(&self, id: i64) {
        let client = self.state().clients.remove(&id);
        drop(client);
    }

    /// Closes every client, and waits for `limit` at most.
    pub(crate) fn close_clients(&self, limit: Duration) {
        let clients = mem::take(&mut self.state().clients);
        let by = Instant::now() + limit;
        let closing: Vec<_> = clients
            .values()
            .map(|client| client.start_close(limit))
            .collect();
        for mut pending in closing {
            loop {
                let left = by.saturating_duration_since(Instant::now());
                if pending.wait_for(left).is_some() || left.is_zero() {
                    break;
                }
            }
        }
    }
}

impl State {
    /// The call `id` is under way.
    fn expect(&mut self, env: &Env, id: i64, canceller: Option<Canceller>) {
        self.pending.insert(id, canceller);
        if self.pending.len() == 1 {
            self.keep_alive(env, true);
        }
    }

    fn ring(&self) {
        if let Some(wake) = &self.wake {
            // Refused only where the environment is closing; then nobody waits for it.
            let _ = wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    /// Whether the loop must stay alive for this environment's pending calls.
    fn keep_alive(&self, env: &Env, keep: bool) {
        let Some(wake) = &self.wake else { return };
        // SAFETY: called on the environment's own thread with its env; the function is alive,
        // because `wake` holds it and the clean-up hook takes that away before it is freed.
        unsafe {
            if keep {
                sys::napi_ref_threadsafe_function(env.raw(), wake.raw());
            } else {
                sys::napi_unref_threadsafe_function(env.raw(), wake.raw());
            }
        }
    }
}
