//! One actor: the process of a driver.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use serde_json::{Map, Value, json};

use crate::player::{Player, root};
use crate::transcript::Transcript;

/// Longer than any call takes unless it hangs, on a busy machine too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A running driver. It plays one actor after the other, and is killed with this value.
pub(crate) struct Driver {
    pub(crate) player: Player,
    role: Arc<Mutex<Role>>,
    child: Mutex<Child>,
    stdin: Mutex<Option<ChildStdin>>,
    heard: Arc<Heard>,
    next: AtomicU64,
    readers: Mutex<Vec<JoinHandle<()>>>,
}

/// Whom it plays now, and where that is written down.
struct Role {
    actor: String,
    transcript: Arc<Transcript>,
}

impl Role {
    fn note(&self, what: &str) {
        self.transcript.note(&self.actor, what);
    }
}

#[derive(Default)]
struct Heard {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    replies: HashMap<u64, (Value, Instant)>,
    /// Lines that are no reply.
    noise: Vec<String>,
    ended: bool,
}

/// A request under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub(crate) id: u64,
    pub(crate) sent: Instant,
}

/// What came back, and how long it took.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) result: Result<Value, Value>,
    pub(crate) took: Duration,
}

impl Driver {
    /// Starts the driver that plays `actor`.
    pub(crate) fn start(
        actor: &str,
        player: &Player,
        transcript: &Arc<Transcript>,
    ) -> Result<Driver, String> {
        let mut words = player
            .command
            .iter()
            .map(|word| word.replace("{bin}", &bin()));
        let mut command = Command::new(words.next().ok_or("a driver without a command")?);
        command.args(words).current_dir(root());
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let spawned = command.spawn();
        let mut child =
            spawned.map_err(|error| format!("{} does not start: {error}", player.name))?;
        let stdin = child.stdin.take();
        let (heard, role) = (
            Arc::new(Heard::default()),
            Arc::new(Mutex::new(Role {
                actor: actor.to_owned(),
                transcript: Arc::clone(transcript),
            })),
        );
        let mut readers = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            let (heard, role) = (Arc::clone(&heard), Arc::clone(&role));
            readers.push(std::thread::spawn(move || heard.listen(stdout, &role)));
        }
        if let Some(stderr) = child.stderr.take() {
            let role = Arc::clone(&role);
            readers.push(std::thread::spawn(move || {
                lines(stderr, |line| locked(&role).note(&format!("! {line}")));
            }));
        }
        let driver = Driver {
            player: player.clone(),
            role,
            child: Mutex::new(child),
            stdin: Mutex::new(stdin),
            heard,
            next: AtomicU64::new(1),
            readers: Mutex::new(readers),
        };
        driver.begin();
        Ok(driver)
    }

    /// From now on it plays `actor` of another run.
    pub(crate) fn recast(&self, actor: &str, transcript: &Arc<Transcript>) {
        *locked(&self.role) = Role {
            actor: actor.to_owned(),
            transcript: Arc::clone(transcript),
        };
        // Replies that nobody waited for.
        locked(&self.heard.state).replies.clear();
        self.begin();
    }

    fn begin(&self) {
        let (player, pid) = (&self.player.name, self.pid());
        locked(&self.role).note(&format!("is played by {player}, process {pid}"));
    }

    /// Whom it plays.
    pub(crate) fn actor(&self) -> String {
        locked(&self.role).actor.clone()
    }

    /// Sends a request.
    pub(crate) fn send(&self, call: &str, fields: Map<String, Value>) -> Result<Call, String> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut line = Map::new();
        line.insert("id".to_owned(), json!(id));
        line.insert("do".to_owned(), json!(call));
        line.extend(fields);
        let line = Value::Object(line).to_string();
        locked(&self.role).note(&format!("<- {line}"));
        let sent = Instant::now();
        let mut stdin = locked(&self.stdin);
        let stdin = stdin
            .as_mut()
            .ok_or_else(|| format!("{} does not run any more", self.actor()))?;
        let written = writeln!(stdin, "{line}").and_then(|()| stdin.flush());
        written.map_err(|error| format!("{} does not listen: {error}", self.actor()))?;
        Ok(Call { id, sent })
    }

    /// The reply to `call`, waited for until `limit` has passed.
    pub(crate) fn reply(&self, call: Call, limit: Duration) -> Result<Reply, String> {
        let state = locked(&self.heard.state);
        let waiting = |state: &mut State| !state.replies.contains_key(&call.id) && !state.ended;
        let waited = self.heard.changed.wait_timeout_while(state, limit, waiting);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if let Some((mut line, at)) = state.replies.remove(&call.id) {
            let took = at.saturating_duration_since(call.sent);
            let result = match line.get_mut("error") {
                Some(error) => Err(error.take()),
                None => Ok(line.get_mut("ok").map(Value::take).unwrap_or_default()),
            };
            return Ok(Reply { result, took });
        }
        if state.ended {
            return Err(format!("{} ended without a reply", self.actor()));
        }
        Err(format!("{} gave no reply within {limit:?}", self.actor()))
    }

    /// Whether the reply is there.
    pub(crate) fn has_answered(&self, call: Call) -> bool {
        locked(&self.heard.state).replies.contains_key(&call.id)
    }

    /// Sends a request and waits for its reply.
    pub(crate) fn ask(&self, call: &str, fields: Map<String, Value>) -> Result<Reply, String> {
        let sent = self.send(call, fields)?;
        self.reply(sent, PATIENCE)
    }

    /// SIGSTOP; returns when it has stopped.
    pub(crate) fn stop(&self) -> Result<(), String> {
        self.signal(Signal::SIGSTOP)?;
        match waitpid(self.pid(), Some(WaitPidFlag::WUNTRACED)) {
            Ok(WaitStatus::Stopped(..)) => Ok(()),
            other => Err(format!("{} does not stop: {other:?}", self.actor())),
        }
    }

    /// SIGCONT.
    pub(crate) fn go_on(&self) -> Result<(), String> {
        self.signal(Signal::SIGCONT)
    }

    /// SIGKILL.
    pub(crate) fn kill(&self) {
        locked(&self.stdin).take();
        let mut child = locked(&self.child);
        // It may have ended by itself, which is as good.
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Waits for the end of the process, and of what it had to say.
    pub(crate) fn end(&self, within: Duration) -> Result<ExitStatus, String> {
        let limit = Instant::now() + within;
        let status = loop {
            let ended = locked(&self.child).try_wait();
            match ended.map_err(|error| error.to_string())? {
                Some(status) => break status,
                None if Instant::now() >= limit => {
                    return Err(format!("{} did not end within {within:?}", self.actor()));
                }
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        self.hear_out();
        locked(&self.role).note(&format!("ended: {status}"));
        Ok(status)
    }

    /// Closes its standard input.
    pub(crate) fn hang_up(&self) {
        locked(&self.stdin).take();
    }

    /// Waits until both pipes are read to their end.
    pub(crate) fn hear_out(&self) {
        for reader in locked(&self.readers).drain(..) {
            // A reader does not panic; and if it did, the rest of the run still counts.
            let _ = reader.join();
        }
    }

    /// Lines on standard output that were no reply.
    pub(crate) fn noise(&self) -> Vec<String> {
        locked(&self.heard.state).noise.clone()
    }

    /// Its process.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(locked(&self.child).id()).unwrap_or(i32::MAX))
    }

    fn signal(&self, signal: Signal) -> Result<(), String> {
        kill(self.pid(), signal).map_err(|error| format!("{signal} for {}: {error}", self.actor()))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.kill();
        self.hear_out();
    }
}

impl Heard {
    fn listen(&self, stdout: impl Read, role: &Mutex<Role>) {
        lines(stdout, |line| {
            locked(role).note(&format!("-> {line}"));
            let mut state = locked(&self.state);
            match serde_json::from_str::<Value>(line) {
                Ok(reply)
                    if reply["id"].is_u64()
                        && reply.get("ok").is_some() != reply.get("error").is_some() =>
                {
                    let id = reply["id"].as_u64().unwrap_or_default();
                    state.replies.insert(id, (reply, Instant::now()));
                }
                _ => state.noise.push(line.to_owned()),
            }
            self.changed.notify_all();
        });
        locked(&self.state).ended = true;
        self.changed.notify_all();
    }
}

/// Each line; bytes that are no UTF-8 are replaced.
fn lines(from: impl Read, mut line: impl FnMut(&str)) {
    let mut from = BufReader::new(from);
    let mut bytes = Vec::new();
    while from
        .read_until(b'\n', &mut bytes)
        .is_ok_and(|count| count > 0)
    {
        line(String::from_utf8_lossy(&bytes).trim_end_matches('\n'));
        bytes.clear();
    }
}

/// Where this program lies, and the Rust driver beside it.
fn bin() -> String {
    let here = std::env::current_exe().ok();
    let folder = here.as_deref().and_then(|path| path.parent());
    folder
        .map(|folder| folder.display().to_string())
        .unwrap_or_default()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
