//! A record of what a server has executed.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::connection::Socket;
use crate::{Reply, RespConnection, holds_within, lock};

/// Records every command that a server executes, by `MONITOR` on a connection of its own, until it is dropped.
///
/// Servers leave out what would show a password (`AUTH`, and the arguments of `HELLO`).
#[derive(Debug)]
pub struct Monitor {
    record: Arc<Mutex<Record>>,
    /// Sends the marks; see [`Monitor::lines`].
    marker: Mutex<RespConnection>,
    /// The socket of the recording thread.
    hang_up: Socket,
}

#[derive(Debug, Default)]
struct Record {
    lines: Vec<String>,
    marks: Vec<u64>,
}

/// Who sent a command.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A client over TCP, with its `address:port`: one connection.
    Tcp(String),
    /// A client over a Unix socket; [`crate::Server::command`] is one.
    Unix,
    /// A script.
    Script,
}

/// One executed command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Where it came from.
    pub source: Source,
    /// The command and its arguments; bytes that are no printable ASCII stay escaped as `\x00`.
    pub args: Vec<String>,
}

/// No command of a test; told apart by its number, as several monitors may look at one server.
const MARK: &str = "quorlock-monitor-mark";
static NEXT_MARK: AtomicU64 = AtomicU64::new(1);

impl Monitor {
    /// Both connections are to one server.
    pub(crate) fn start(
        mut connection: RespConnection,
        mut marker: RespConnection,
    ) -> io::Result<Monitor> {
        let answer = connection.command(&["MONITOR"])?;
        if !answer.is_ok() {
            return Err(io::Error::other(format!("{answer:?}")));
        }
        marker.set_timeout(Duration::from_secs(1))?;
        connection.wait_for_ever()?;
        let hang_up = connection.socket()?;
        let record = Arc::new(Mutex::new(Record::default()));
        let kept = Arc::clone(&record);
        thread::Builder::new()
            .name("monitor".to_owned())
            .spawn(move || keep_record(&mut connection, &kept))?;
        Ok(Monitor {
            record,
            marker: Mutex::new(marker),
            hang_up,
        })
    }

    /// All lines so far, as `MONITOR` writes them: `time [db source] "SET" "key" …`.
    ///
    /// What was executed before this call is in them: the server is sent a mark, and the record is read up to it. With a
    /// server that does not answer they are what has arrived.
    pub fn lines(&self) -> Vec<String> {
        let mark = NEXT_MARK.fetch_add(1, Ordering::Relaxed);
        let sent = lock(&self.marker).command(&["ECHO", &format!("{MARK} {mark}")]);
        if sent.is_ok() {
            holds_within(Duration::from_secs(1), || {
                lock(&self.record).marks.contains(&mark)
            });
        }
        lock(&self.record).lines.clone()
    }

    /// All commands so far, of clients and scripts alike.
    pub fn commands(&self) -> Vec<Observed> {
        self.lines()
            .iter()
            .filter_map(|line| Observed::parse(line))
            .collect()
    }

    /// The commands that came over TCP: those of the library under test, and neither the test's own nor those in scripts.
    pub fn tcp_commands(&self) -> Vec<Observed> {
        self.commands()
            .into_iter()
            .filter(|command| matches!(command.source, Source::Tcp(_)))
            .collect()
    }

    /// Forgets what was recorded so far.
    pub fn clear(&self) {
        self.lines();
        lock(&self.record).lines.clear();
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        // The thread's read fails, and it ends.
        self.hang_up.shutdown();
    }
}

impl Observed {
    /// The name in capitals, such as `SET`.
    pub fn name(&self) -> String {
        self.args
            .first()
            .map(|name| name.to_ascii_uppercase())
            .unwrap_or_default()
    }

    fn parse(line: &str) -> Option<Observed> {
        // 1700000000.123456 [0 127.0.0.1:5000] "SET" "key" "a \"quoted\" value"
        let (origin, args) = line.split_once(" [")?.1.split_once("] ")?;
        let source = match origin.split_once(' ')?.1 {
            "lua" => Source::Script,
            path if path.starts_with("unix:") => Source::Unix,
            addr => Source::Tcp(addr.to_owned()),
        };
        Some(Observed {
            source,
            args: split_args(args),
        })
    }
}

fn split_args(text: &str) -> Vec<String> {
    let mut args = Vec::new();
    let mut chars = text.chars();
    while chars.any(|c| c == '"') {
        let mut arg = String::new();
        while let Some(c) = chars.next() {
            match c {
                '"' => break,
                '\\' => match chars.next() {
                    Some(quoted @ ('"' | '\\')) => arg.push(quoted),
                    Some(other) => arg.extend(['\\', other]),
                    None => {}
                },
                plain => arg.push(plain),
            }
        }
        args.push(arg);
    }
    args
}

fn keep_record(connection: &mut RespConnection, record: &Mutex<Record>) {
    // Until the server is gone or the monitor is dropped.
    while let Ok(reply) = connection.read() {
        if let Reply::Simple(line) = reply {
            let mut record = lock(record);
            match mark_in(&line) {
                Some(mark) => record.marks.push(mark),
                None => record.lines.push(line),
            }
        }
    }
}

fn mark_in(line: &str) -> Option<u64> {
    let (_, number) = line.split_once(MARK)?;
    number.trim().trim_end_matches('"').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_monitor_writes() {
        let line = r#"1700000000.123456 [0 127.0.0.1:5000] "set" "k" "a \"b\" \\ \x00" """#;
        let observed = Observed::parse(line).expect("a line of MONITOR");
        assert_eq!(observed.source, Source::Tcp("127.0.0.1:5000".to_owned()));
        assert_eq!(observed.name(), "SET");
        assert_eq!(observed.args, ["set", "k", r#"a "b" \ \x00"#, ""]);

        let script = Observed::parse(r#"1.1 [0 lua] "get" "k""#).expect("a line of MONITOR");
        assert_eq!(script.source, Source::Script);
        let unix = Observed::parse(r#"1.1 [0 unix:/tmp/s] "get" "k""#).expect("a line of MONITOR");
        assert_eq!(unix.source, Source::Unix);
    }
}
