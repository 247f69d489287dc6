//! A held lock as JavaScript holds it. Collected as garbage, it is released in the background.

use napi::{Either, Env};
use napi_derive::napi;
use quorlock::{FencingToken, Guard, span_from_ms};

use crate::answer::{Answer, Delivery};
use crate::bridge::Bridge;
use crate::failure::Failure;

/// A held lock.
#[napi]
pub struct NativeGuard {
    guard: Guard,
}

impl NativeGuard {
    pub(crate) fn new(guard: Guard) -> Self {
        NativeGuard { guard }
    }
}

#[napi]
impl NativeGuard {
    #[napi]
    pub fn resource(&self) -> String {
        self.guard.resource().to_owned()
    }

    #[napi]
    pub fn is_held(&self) -> bool {
        self.guard.is_held()
    }

    /// Milliseconds, a fraction included.
    #[napi]
    pub fn remaining_ms(&self) -> f64 {
        self.guard.remaining().as_secs_f64() * 1e3
    }

    /// A token is below 2^53, so a double holds it exactly.
    #[napi]
    pub fn fencing_token(&self) -> Option<f64> {
        self.guard.fencing_token().map(number_of)
    }

    #[napi]
    pub fn is_adopted(&self) -> bool {
        self.guard.is_adopted()
    }

    /// True where releasing it says that a job is done.
    #[napi]
    pub fn is_once(&self) -> bool {
        self.guard.is_once()
    }

    #[napi]
    pub fn resources(&self) -> Vec<String> {
        let resources = self.guard.resources().into_iter();
        resources.map(str::to_owned).collect()
    }

    #[napi]
    pub fn slots(&self) -> Vec<u32> {
        self.guard.slots().to_vec()
    }

    #[napi]
    pub fn reenter(&self) -> Either<NativeGuard, Failure> {
        match self.guard.reenter() {
            Ok(guard) => Either::A(NativeGuard::new(guard)),
            Err(error) => Either::B(Failure::from(&error)),
        }
    }

    /// Why it was lost, if it was.
    #[napi]
    pub fn loss(&self) -> Option<&'static str> {
        self.guard.loss().map(|loss| loss.name())
    }

    /// Why it may not be used now, if it may not.
    #[napi]
    pub fn check(&self) -> Option<Failure> {
        self.guard.check().err().map(|error| Failure::from(&error))
    }

    /// Delivers the loss, if there will be one, as news to the listener `id`.
    #[napi]
    pub fn watch(&self, bridge: &Bridge, id: i64) {
        let link = bridge.link.clone();
        self.guard
            .on_lost(move |loss| link.push(Delivery::news(id, Answer::Loss(loss))));
    }

    #[napi]
    pub fn extend(&self, env: Env, bridge: &Bridge, id: i64) {
        let pending = self.guard.start_extend();
        bridge.link.begin(&env, id, pending, |()| Answer::Nothing);
    }

    #[napi]
    pub fn release(&self, env: Env, bridge: &Bridge, id: i64) {
        let pending = self.guard.start_release();
        bridge.link.begin(&env, id, pending, Answer::Released);
    }

    #[napi]
    pub fn complete(&self, env: Env, bridge: &Bridge, id: i64) {
        let pending = self.guard.start_complete();
        bridge.link.begin(&env, id, pending, |()| Answer::Nothing);
    }

    #[napi]
    pub fn abandon(&self) {
        self.guard.abandon();
    }

    #[napi]
    pub fn detach(&self, env: Env, bridge: &Bridge, id: i64, ttl_ms: Option<f64>) {
        let ttl = ttl_ms.map(|ms| span_from_ms("detach.ttl_ms", ms));
        match ttl.transpose() {
            Ok(ttl) => {
                let pending = self.guard.start_detach(ttl);
                bridge.link.begin(&env, id, pending, Answer::Ticket);
            }
            Err(error) => bridge.link.refuse(&env, id, error),
        }
    }
}

/// A fencing token as JavaScript's number.
pub(crate) fn number_of(token: FencingToken) -> f64 {
    token.get() as f64
}
