//! Every call ends in time, and for a reason that the world gave it.

use std::time::Duration;

use quorlock::{Error, ErrorKind};

use crate::judge::{Judge, Oracle};
use crate::net::micros;

/// A call under way.
pub(crate) struct Call {
    pub(crate) client: usize,
    pub(crate) what: &'static str,
    /// How long its process may have run when it ends.
    run_limit: u64,
}

impl Judge {
    /// A call began that must end after `limit`, stops of its process not counted.
    pub(crate) fn begin(&mut self, client: usize, what: &'static str, limit: Duration) -> u64 {
        let number = self.number();
        let run_limit = self.processes[client].run_micros() + micros(limit);
        self.calls.insert(
            number,
            Call {
                client,
                what,
                run_limit,
            },
        );
        number
    }

    /// The call ended, with an error or without.
    pub(crate) fn end(&mut self, now: u64, number: u64, error: Option<&Error>) {
        let Some(call) = self.calls.remove(&number) else {
            return;
        };
        let numbers = [call.client as u64, number];
        let kind = error.map(Error::kind);
        self.trace.note(now, "end", &numbers, || match error {
            Some(error) => error.to_string(),
            None => call.what.to_owned(),
        });
        self.check(now, &call);
        use ErrorKind::{Closed, Contended, LeaseLost, NotHeld, QuorumUnavailable, Timeout};
        let is_honest = match call.what {
            "acquire" | "try_acquire" | "begin" => matches!(
                kind,
                None | Some(Timeout | Contended | QuorumUnavailable | Closed)
            ),
            "won" => matches!(kind, None | Some(Timeout | NotHeld | Closed)),
            "upgrade" => matches!(
                kind,
                None | Some(Timeout | Contended | QuorumUnavailable | Closed | LeaseLost | NotHeld)
            ),
            "adopt" => matches!(
                kind,
                None | Some(NotHeld | Contended | QuorumUnavailable | Closed)
            ),
            _ => matches!(
                kind,
                None | Some(NotHeld | LeaseLost | QuorumUnavailable | Closed)
            ),
        };
        if let (false, Some(error)) = (is_honest, error) {
            let what = format!("{} of client {} gave {error:?}", call.what, call.client);
            self.object(now, Oracle::Honesty, what);
        }
    }

    /// A call was dropped.
    pub(crate) fn cancelled(&mut self, number: u64) {
        self.calls.remove(&number);
    }

    pub(crate) fn look_at_calls(&mut self, now: u64) {
        for (number, call) in std::mem::take(&mut self.calls) {
            self.check(now, &call);
            self.calls.insert(number, call);
        }
        if let Some(client) = self.processes.iter().position(|process| process.spins()) {
            let what = format!("client {client} works without end");
            self.object(now, Oracle::CallEnds, what);
        }
    }

    fn check(&mut self, now: u64, call: &Call) {
        let over = self.processes[call.client]
            .run_micros()
            .saturating_sub(call.run_limit);
        if over > 0 {
            let what = format!(
                "{} of client {} is {over} µs over its time",
                call.what, call.client
            );
            self.object(now, Oracle::CallEnds, what);
        }
    }
}
