//! Errors as data: napi cannot throw an error with a code from here, so TypeScript makes it.

use napi_derive::napi;
use quorlock::{Error, NodeOutcome, NodeStatus};

/// Everything of one error.
#[napi(object, use_nullable = true)]
pub struct Failure {
    pub code: String,
    pub is_retryable: bool,
    pub message: String,
    pub field: Option<String>,
    pub resource: Option<String>,
    pub operation: Option<String>,
    pub attempts: u32,
    pub elapsed_ms: f64,
    pub outcomes: Vec<OutcomeReport>,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Failure {
            code: error.code().to_owned(),
            is_retryable: error.kind().is_retryable(),
            message: error.to_string(),
            field: error.field().map(str::to_owned),
            resource: error.resource().map(str::to_owned),
            operation: error.operation().map(str::to_owned),
            attempts: error.attempts(),
            elapsed_ms: error.elapsed().as_secs_f64() * 1e3,
            outcomes: error.outcomes().iter().map(OutcomeReport::from).collect(),
        }
    }
}

/// What one node said.
#[napi(object, use_nullable = true)]
pub struct OutcomeReport {
    pub node: String,
    pub status: String,
    pub fault: Option<String>,
    pub detail: Option<String>,
    pub elapsed_ms: f64,
}

impl From<&NodeOutcome> for OutcomeReport {
    fn from(outcome: &NodeOutcome) -> Self {
        let fault = match &outcome.status {
            NodeStatus::Faulted(fault) => Some(fault),
            _ => None,
        };
        OutcomeReport {
            node: outcome.node.clone(),
            status: outcome.status.name().to_owned(),
            fault: fault.map(|fault| fault.class.name().to_owned()),
            detail: fault.map(|fault| fault.detail.clone().into_owned()),
            elapsed_ms: outcome.elapsed.as_secs_f64() * 1e3,
        }
    }
}
