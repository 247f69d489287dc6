//! Errors: one table of kinds, and in every failed operation what each node said.

mod fault;
mod kind;
mod outcome;
mod words;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

pub use fault::{Fault, FaultClass};
pub use kind::ErrorKind;
pub use outcome::{NodeOutcome, NodeStatus};
pub(crate) use words::words;

/// A result with Quorlock's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation failed: its kind, the resource, and one outcome per node.
///
/// ```
/// # use quorlock::{blocking::Client, ErrorKind};
/// let error = Client::connect(["redis://"]).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Config);
/// assert_eq!(error.field(), Some("nodes[0]"));
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    field: Option<String>,
    resource: Option<String>,
    operation: Option<&'static str>,
    attempts: u32,
    elapsed: Duration,
    outcomes: Vec<NodeOutcome>,
}

impl Error {
    /// An error of `kind`, with a message that holds no secret and no server text.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Error(Box::new(Inner {
            kind,
            message: message.into(),
            field: None,
            resource: None,
            operation: None,
            attempts: 0,
            elapsed: Duration::ZERO,
            outcomes: Vec::new(),
        }))
    }

    /// `InvalidArgument` for a value outside its bounds, named by its path, such as `acquire.ttl_ms`.
    /// Bindings use it for what their language lets through and Rust would not.
    pub fn invalid(field: impl Into<String>, message: impl Into<Cow<'static, str>>) -> Self {
        let mut error = Error::new(ErrorKind::InvalidArgument, message);
        error.0.field = Some(field.into());
        error
    }

    /// A wrong setting, named by its path, such as `nodes[2]`.
    pub(crate) fn config(field: impl Into<String>, message: impl Into<Cow<'static, str>>) -> Self {
        let mut error = Error::new(ErrorKind::Config, message);
        error.0.field = Some(field.into());
        error
    }

    pub(crate) fn with_resource(mut self, resource: &str) -> Self {
        self.0.resource.get_or_insert_with(|| resource.to_owned());
        self
    }

    pub(crate) fn with_operation(mut self, operation: &'static str) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }

    pub(crate) fn with_outcomes(mut self, outcomes: Vec<NodeOutcome>) -> Self {
        self.0.outcomes = outcomes;
        self
    }

    pub(crate) fn with_effort(mut self, attempts: u32, elapsed: Duration) -> Self {
        self.0.attempts = attempts;
        self.0.elapsed = elapsed;
        self
    }

    /// The row of the error table.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The stable code, such as `QUORLOCK_TIMEOUT`.
    pub fn code(&self) -> &'static str {
        self.0.kind.code()
    }

    /// What went wrong, in words, without the outcomes.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The path of the argument or option that is wrong, if one is.
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// The resource the operation was about.
    pub fn resource(&self) -> Option<&str> {
        self.0.resource.as_deref()
    }

    /// The operation, such as `acquire`.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// How many rounds were tried.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// How long the operation ran.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed
    }

    /// What each node said in the last round; empty where no node was asked.
    pub fn outcomes(&self) -> &[NodeOutcome] {
        &self.0.outcomes
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = self.0.operation {
            write!(f, "{operation}")?;
            if let Some(resource) = &self.0.resource {
                write!(f, " {resource:?}")?;
            }
            write!(f, ": ")?;
        }
        if let Some(field) = &self.0.field {
            write!(f, "{field}: ")?;
        }
        write!(f, "{}", self.0.message)?;
        if self.0.attempts > 0 {
            let rounds = if self.0.attempts == 1 {
                "round"
            } else {
                "rounds"
            };
            let ms = self.0.elapsed.as_secs_f64() * 1e3;
            write!(f, " after {} {rounds}, {ms:.1} ms", self.0.attempts)?;
        }
        for (index, outcome) in self.0.outcomes.iter().enumerate() {
            write!(f, "{}{outcome}", if index == 0 { "; " } else { ", " })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({}: {self})", self.0.kind.name())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_codes_are_unique() {
        for (index, kind) in ErrorKind::ALL.iter().enumerate() {
            for other in &ErrorKind::ALL[index + 1..] {
                assert_ne!(kind.number(), other.number());
                assert_ne!(kind.code(), other.code());
            }
        }
    }

    #[test]
    fn display_names_operation_field_and_nodes() {
        let error = Error::new(
            ErrorKind::QuorumUnavailable,
            "2 of 3 nodes are needed, 1 answered",
        )
        .with_operation("acquire")
        .with_resource("invoice:42")
        .with_effort(1, Duration::from_millis(50))
        .with_outcomes(vec![NodeOutcome {
            node: "redis://a:1".into(),
            status: NodeStatus::Faulted(Fault::refused(FaultClass::Unreachable, "refused")),
            elapsed: Duration::from_millis(1),
        }]);
        assert_eq!(
            error.to_string(),
            "acquire \"invoice:42\": 2 of 3 nodes are needed, 1 answered after 1 round, 50.0 ms; \
             redis://a:1 unreachable: refused (1.0 ms)"
        );
    }
}
