//! A candidate for a leadership as JavaScript holds it. Collected as garbage, it hands over.

use napi::Env;
use napi_derive::napi;
use quorlock::{Election, span_from_ms};

use crate::answer::Answer;
use crate::bridge::Bridge;
use crate::failure::Failure;
use crate::guard::number_of;

/// A candidate.
#[napi]
pub struct NativeElection {
    election: Election,
}

impl NativeElection {
    pub(crate) fn new(election: Election) -> Self {
        NativeElection { election }
    }
}

#[napi]
impl NativeElection {
    #[napi]
    pub fn is_leader(&self) -> bool {
        self.election.is_leader()
    }

    #[napi]
    pub fn fencing_token(&self) -> Option<f64> {
        self.election.fencing_token().map(number_of)
    }

    /// Why it could not be elected lately, if it could not.
    #[napi]
    pub fn trouble(&self) -> Option<Failure> {
        self.election.trouble().map(|error| Failure::from(&error))
    }

    #[napi]
    pub fn won(&self, env: Env, bridge: &Bridge, id: i64, limit_ms: Option<f64>) {
        let limit = limit_ms.map(|ms| span_from_ms("won.limit_ms", ms));
        match limit.transpose() {
            Ok(limit) => {
                let pending = self.election.start_won(limit);
                bridge.link.begin(&env, id, pending, Answer::Guard);
            }
            Err(error) => bridge.link.refuse(&env, id, error),
        }
    }

    #[napi]
    pub fn leader(&self, env: Env, bridge: &Bridge, id: i64) {
        let pending = self.election.start_leader();
        bridge.link.begin(&env, id, pending, Answer::Label);
    }

    #[napi]
    pub fn resign(&self, env: Env, bridge: &Bridge, id: i64) {
        let pending = self.election.start_resign();
        bridge.link.begin(&env, id, pending, Answer::Released);
    }
}
