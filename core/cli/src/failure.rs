//! What ends the command early: a message that names the flag or the node, and an exit code.

use std::io;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use quorlock::{Error, ErrorKind};

use crate::exit;

/// Why the command ends, and how.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: Option<String>,
}

impl Failure {
    /// With a message for people.
    pub(crate) fn new(code: u8, message: impl Into<String>) -> Failure {
        Failure {
            code,
            message: Some(message.into()),
        }
    }

    /// Without one: there is nothing to say, or the user wants to hear nothing.
    pub(crate) fn silent(code: u8) -> Failure {
        Failure {
            code,
            message: None,
        }
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        self.code
    }

    /// The same without its message, unless an argument is wrong.
    pub(crate) fn hushed(self, quiet: bool) -> Failure {
        if quiet && self.code != exit::USAGE {
            Failure::silent(self.code)
        } else {
            self
        }
    }

    /// The operating system refused something. A reader that has gone away is no failure.
    pub(crate) fn system(error: io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure::silent(exit::OK);
        }
        Failure::new(exit::INTERNAL, error.to_string())
    }

    /// Says it, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        if let Some(message) = self.message {
            eprintln!("quorlock: {message}");
        }
        ExitCode::from(self.code)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let code = match error.kind() {
            ErrorKind::InvalidArgument | ErrorKind::Config => exit::USAGE,
            ErrorKind::QuorumUnavailable => exit::NO_QUORUM,
            ErrorKind::Contended | ErrorKind::Timeout => exit::NOT_ACQUIRED,
            ErrorKind::NotHeld => exit::TICKET_REFUSED,
            ErrorKind::LeaseLost => exit::LOST,
            _ => exit::INTERNAL,
        };
        match error.field() {
            Some(field) => Failure::new(code, format!("{}: {}", flag(field), error.message())),
            None => Failure::new(code, error.to_string()),
        }
    }
}

/// The flag that sets a field of the library.
fn flag(field: &str) -> String {
    if let Some(index) = field
        .strip_prefix("nodes[")
        .and_then(|rest| rest.strip_suffix(']'))
    {
        let number = index.parse::<usize>().map_or(0, |index| index + 1);
        return format!("--nodes, URL {number}");
    }
    let flag = match field.rsplit('.').next().unwrap_or(field) {
        "nodes" => "--nodes",
        "name" => "KEY",
        "ticket" => "--ticket",
        "ttl_ms" if field.starts_with("detach") => "--ticket-ttl",
        "ttl_ms" => "--ttl",
        "wait_ms" => "--wait",
        "hold_ms_max" => "--hold-max",
        "node_timeout_ms" => "--node-timeout",
        "key_prefix" => "--key-prefix",
        "tls_ca_pem" => "--ca-file",
        other => other,
    };
    flag.to_owned()
}

/// Help that was asked for, or what is wrong with the arguments.
///
/// A text that may hold a password or a ticket is not repeated, wherever it was misplaced.
pub(crate) fn usage(mut error: clap::Error) -> ExitCode {
    let suspect: Vec<ContextKind> = error
        .context()
        .filter(|(_, value)| match value {
            ContextValue::String(text) => may_be_secret(text),
            ContextValue::Strings(texts) => texts.iter().any(|text| may_be_secret(text)),
            _ => false,
        })
        .map(|(kind, _)| kind)
        .filter(|kind| {
            matches!(
                kind,
                ContextKind::InvalidArg
                    | ContextKind::InvalidValue
                    | ContextKind::InvalidSubcommand
            )
        })
        .collect();
    for kind in suspect {
        let hidden = ContextValue::String("(a URL or ticket, not shown)".to_owned());
        error.insert(kind, hidden);
        // Suggestions repeat what they correct.
        error.remove(ContextKind::Suggested);
    }
    let code = if error.use_stderr() {
        exit::USAGE
    } else {
        exit::OK
    };
    // A reader that has gone away wants no help.
    let _ = error.print();
    ExitCode::from(code)
}

fn may_be_secret(text: &str) -> bool {
    text.contains("://") || text.contains('@') || text.contains("qlt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_flags() {
        let cases = [
            ("nodes[0]", "--nodes, URL 1"),
            ("nodes", "--nodes"),
            ("acquire.ttl_ms", "--ttl"),
            ("ttl_ms", "--ttl"),
            ("detach.ttl_ms", "--ticket-ttl"),
            ("acquire.wait_ms", "--wait"),
            ("acquire.hold_ms_max", "--hold-max"),
            ("tls_ca_pem", "--ca-file"),
        ];
        for (field, expected) in cases {
            assert_eq!(flag(field), expected);
        }
    }
}
