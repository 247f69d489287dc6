//! Why a call failed, kept per thread in the form C reads it.

use std::cell::RefCell;
use std::ffi::CString;
use std::time::Duration;

use engine::{Error, ErrorKind, NodeOutcome, NodeStatus};

use crate::status::Status;
use crate::text::owned;

thread_local! {
    static LAST: RefCell<Option<Box<Report>>> = const { RefCell::new(None) };
}

/// An error as C reads it.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) status: Status,
    pub(crate) text: CString,
    pub(crate) message: CString,
    pub(crate) field: Option<CString>,
    pub(crate) resource: Option<CString>,
    pub(crate) operation: Option<CString>,
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
    pub(crate) outcomes: Vec<Outcome>,
}

/// What one node said, as C reads it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) node: CString,
    pub(crate) status: CString,
    pub(crate) fault: Option<CString>,
    pub(crate) detail: Option<CString>,
    pub(crate) elapsed: Duration,
}

impl Report {
    /// An error of `kind` that the engine did not see.
    pub(crate) fn new(kind: ErrorKind, message: &str) -> Box<Self> {
        Box::new(Report {
            status: Status::of(kind),
            text: owned(message),
            message: owned(message),
            field: None,
            resource: None,
            operation: None,
            attempts: 0,
            elapsed: Duration::ZERO,
            outcomes: Vec::new(),
        })
    }

    /// An argument that only C lets through.
    pub(crate) fn misuse(argument: impl Into<String>, message: &'static str) -> Box<Self> {
        Error::invalid(argument, message).into()
    }

    /// A handle of the parent of this forked process.
    pub(crate) fn forked() -> Box<Self> {
        let message = "belongs to the parent of this forked process; make a new one here";
        Report::new(ErrorKind::Forked, message)
    }

    /// Makes this the calling thread's last error.
    pub(crate) fn keep(self: Box<Self>) -> Status {
        let status = self.status;
        LAST.with_borrow_mut(|last| *last = Some(self));
        status
    }

    /// Reads the calling thread's last error, if it has one.
    pub(crate) fn last<T>(read: impl FnOnce(Option<&Report>) -> T) -> T {
        LAST.with_borrow(|last| read(last.as_deref()))
    }
}

impl From<Error> for Box<Report> {
    fn from(error: Error) -> Self {
        Box::new(Report {
            status: Status::of(error.kind()),
            text: owned(&error.to_string()),
            message: owned(error.message()),
            field: error.field().map(owned),
            resource: error.resource().map(owned),
            operation: error.operation().map(owned),
            attempts: error.attempts(),
            elapsed: error.elapsed(),
            outcomes: error.outcomes().iter().map(Outcome::from).collect(),
        })
    }
}

impl From<&NodeOutcome> for Outcome {
    fn from(outcome: &NodeOutcome) -> Self {
        let fault = match &outcome.status {
            NodeStatus::Faulted(fault) => Some(fault),
            _ => None,
        };
        Outcome {
            node: owned(&outcome.node),
            status: owned(outcome.status.name()),
            fault: fault.map(|fault| owned(fault.class.name())),
            detail: fault.map(|fault| owned(&fault.detail)),
            elapsed: outcome.elapsed,
        }
    }
}
