//! One connection's life: batches out in order, replies back, and the watch over a server that
//! falls silent.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use tokio::time::{Instant, sleep_until};

use crate::error::{Fault, FaultClass};
use crate::node::Submission;
use crate::node::redis::connection::{Batch, Connection, Sent};
use crate::node::redis::dial::Session;
use crate::node::redis::greeting::Greeting;
use crate::node::redis::owner::Owner;
use crate::protocol::{Abilities, Command, Line, Raw, Reply, parse};

/// However short the node timeout, a server is given this long before its connection is given up.
const GIVE_UP_MIN: Duration = Duration::from_secs(1);

/// A stall of no length would make the watch spin.
const STALL_MIN: Duration = Duration::from_millis(1);

/// A command that was sent or is to be sent again.
struct Entry {
    submission: Submission,
    /// Replies that belong to it.
    replies: usize,
    /// The abilities it was put into words for.
    can: Abilities,
    /// True where its script goes with its text once more, because the server had lost it.
    with_body: bool,
}

/// Commands that went out together and are not answered.
struct Flight {
    entries: Vec<Entry>,
    sent: Instant,
}

/// What is under way on one connection.
struct Pipe {
    connection: Connection,
    greeting: Greeting,
    /// Sent and not answered, oldest first, each with its future in `replies`.
    batches: VecDeque<Flight>,
    replies: FuturesOrdered<Sent>,
    /// Commands whose scripts were missing; they go before everything in the queue.
    again: VecDeque<Entry>,
    /// The scripts that were sent with their text on this connection. Only those may go by digest:
    /// a script the server does not know would run later than what was sent behind it.
    taught: Vec<&'static str>,
    last_reply: Instant,
    stalled: bool,
}

impl Owner {
    /// Serves until the connection ends, and says why; `None` where the node was closed.
    pub(super) async fn serve(&mut self, session: Session) -> Option<Fault> {
        let Session {
            connection,
            pump,
            greeting,
        } = session;
        let mut pump = Some(pump);
        let mut pipe = Pipe {
            connection,
            greeting,
            batches: VecDeque::new(),
            replies: FuturesOrdered::new(),
            again: VecDeque::new(),
            taught: Vec::new(),
            last_reply: Instant::now(),
            stalled: false,
        };
        let mut alarm = std::pin::pin!(sleep_until(Instant::now()));
        let end = loop {
            self.fill(&mut pipe).await;
            let idle = pipe.batches.is_empty();
            if idle && self.closing.is_some() {
                break None;
            }
            let Some(moving) = &mut pump else { break None };
            tokio::select! {
                biased;
                () = moving => {
                    pump = None;
                    break self.drain(&mut pipe).await;
                }
                Some(replies) = pipe.replies.next(), if !idle => {
                    if let Some(fault) = self.settle(&mut pipe, replies) {
                        break Some(fault);
                    }
                }
                () = &mut alarm, if !idle || self.closing.is_some() => {
                    if self.closing.is_some_and(|end| end <= Instant::now()) {
                        break None;
                    }
                    match self.watch(&mut pipe) {
                        Some(next) => alarm.as_mut().reset(next),
                        None => break Some(silent()),
                    }
                }
                fresh = self.arrivals(), if self.closing.is_none() => {
                    if pipe.stalled {
                        self.refuse_stalled(fresh);
                    }
                    if self.closing.is_some() {
                        alarm.as_mut().reset(Instant::now());
                    }
                }
            }
        };
        // The bytes stop here: what was sent and not answered is unresolved from now on.
        drop(pump);
        let fault = end.clone().unwrap_or_else(|| {
            Fault::unresolved(FaultClass::Closed, "the client was closed before the reply")
        });
        for entry in pipe.batches.drain(..).flat_map(|batch| batch.entries) {
            entry.submission.answer.give(Err(in_flight(&fault)));
        }
        // These were refused by the server, so the next connection may have them.
        for entry in pipe.again.drain(..).rev() {
            self.queue.push_front(entry.submission);
        }
        end
    }

    /// Sends what may be sent now.
    async fn fill(&mut self, pipe: &mut Pipe) {
        let pipeline = self.plan.pipeline;
        while pipe.batches.len() < pipeline.batches_max.max(1) {
            let (mut entries, mut batch) = (Vec::new(), Batch::default());
            while entries.len() < pipeline.batch_commands_max.max(1) {
                let again = pipe.again.pop_front();
                let fresh = || self.queue.pop_front().map(Entry::new);
                let Some(entry) = again.or_else(fresh) else {
                    break;
                };
                if let Some(entry) = prepare(pipe, entry, &mut batch) {
                    entries.push(entry);
                }
            }
            if entries.is_empty() {
                return;
            }
            let sent = Instant::now();
            let replies = pipe.connection.send(batch).await;
            pipe.replies.push_back(replies);
            pipe.batches.push_back(Flight { entries, sent });
        }
    }

    /// Answers the oldest batch; a fault where the connection is of no more use.
    fn settle(&mut self, pipe: &mut Pipe, replies: Result<Vec<Raw>, Fault>) -> Option<Fault> {
        pipe.last_reply = Instant::now();
        pipe.stalled = false;
        let batch = pipe.batches.pop_front()?;
        let mut words = match replies {
            Ok(words) => words.into_iter(),
            Err(fault) => {
                for entry in batch.entries {
                    entry.submission.answer.give(Err(in_flight(&fault)));
                }
                return Some(fault);
            }
        };
        let mut end = None;
        for entry in batch.entries {
            let words: Vec<Raw> = words.by_ref().take(entry.replies).collect();
            let lost = words
                .iter()
                .any(|word| matches!(word, Raw::Error(code, _) if code == "NOSCRIPT"));
            if lost && !entry.with_body {
                if is_given_up(&entry.submission) {
                    entry.submission.answer.give(Err(given_up()));
                } else {
                    pipe.again.push_back(Entry {
                        with_body: true,
                        ..entry
                    });
                }
                continue;
            }
            let command = &entry.submission.command;
            let result = told(parse(command, &entry.can, words), command, &pipe.greeting);
            match &result {
                Ok(_) => self.backoff.reset(),
                Err(fault) if ends_connection(fault) => end = Some(fault.clone()),
                Err(_) => {}
            }
            entry.submission.answer.give(result);
        }
        end
    }

    /// The connection ended by itself: what was answered before is answered, and why it ended.
    async fn drain(&mut self, pipe: &mut Pipe) -> Option<Fault> {
        let mut end = None;
        while let Some(replies) = pipe.replies.next().await {
            let fault = self.settle(pipe, replies);
            end = end.or(fault);
        }
        end.or_else(|| Some(pipe.connection.ended()))
    }

    /// Looks at the clock: when to look again, or nothing where the connection is to be given up.
    fn watch(&mut self, pipe: &mut Pipe) -> Option<Instant> {
        let now = Instant::now();
        let stall_after = self.plan.settings.stall_after.max(STALL_MIN);
        let Some(oldest) = pipe.batches.front() else {
            return Some(self.closing.unwrap_or(now + stall_after));
        };
        let quiet_since = oldest.sent.max(pipe.last_reply);
        let give_up = quiet_since + GIVE_UP_MIN.max(4 * stall_after);
        if give_up <= now {
            return None;
        }
        let stall = quiet_since + stall_after;
        if !pipe.stalled && stall <= now {
            pipe.stalled = true;
            self.refuse_stalled(self.queue.len());
        }
        // Never further than a stall ahead: a reply may lift the gate before this alarm.
        let next = if pipe.stalled {
            give_up.min(now + stall_after)
        } else {
            stall
        };
        Some(self.closing.map_or(next, |end| end.min(next)))
    }

    /// Answers those of the last `fresh` in the queue that must not come late.
    fn refuse_stalled(&mut self, fresh: usize) {
        let mut kept = self.queue.split_off(self.queue.len() - fresh);
        while let Some(submission) = kept.pop_front() {
            if submission.command.leaves_state() {
                submission.answer.give(Err(stalled()));
            } else {
                self.queue.push_back(submission);
            }
        }
    }
}

impl Entry {
    fn new(submission: Submission) -> Self {
        Entry {
            submission,
            replies: 0,
            can: Abilities::default(),
            with_body: false,
        }
    }
}

/// Puts what an entry says behind `says`; nothing where it is answered already and not sent.
fn prepare(pipe: &mut Pipe, mut entry: Entry, batch: &mut Batch) -> Option<Entry> {
    let submission = &entry.submission;
    let fault = if is_given_up(submission) {
        given_up()
    } else if pipe.stalled && submission.command.leaves_state() {
        stalled()
    } else {
        let can = pipe.greeting.abilities_for(&submission.command);
        let said = submission.command.spell(&can, |speech| {
            for index in 0..speech.count() {
                let line = speech.line(index);
                let with_text = entry.with_body || teaches(line, &mut pipe.taught);
                batch.say(line, with_text);
            }
            speech.count()
        });
        match said {
            Ok(replies) => {
                (entry.replies, entry.can) = (replies, can);
                return Some(entry);
            }
            Err(fault) => fault,
        }
    };
    let result = told(Err(fault), &submission.command, &pipe.greeting);
    entry.submission.answer.give(result);
    None
}

/// True the first time a connection hears of a script.
fn teaches(line: Line<'_>, taught: &mut Vec<&'static str>) -> bool {
    let Some(script) = line
        .script
        .filter(|script| !taught.contains(&script.name()))
    else {
        return false;
    };
    taught.push(script.name());
    true
}

/// The result as it is told: facts come from the greeting where the user may not ask for more.
fn told(
    result: Result<Reply, Fault>,
    command: &Command,
    greeting: &Greeting,
) -> Result<Reply, Fault> {
    match result {
        Err(Fault {
            class: FaultClass::Permission | FaultClass::Unsupported,
            ..
        }) if matches!(command, Command::Facts) => {
            Ok(Reply::Facts(Box::new(greeting.facts.clone())))
        }
        result => result,
    }
}

/// True where the caller gave up, so that running the command now would leave something behind.
fn is_given_up(submission: &Submission) -> bool {
    submission.void.is_set() && submission.command.leaves_state()
}

/// True where another connection may do better: the reply made no sense, or the name may stand for
/// another server by now.
fn ends_connection(fault: &Fault) -> bool {
    match fault.class {
        FaultClass::Protocol => true,
        FaultClass::Topology => fault.detail.starts_with("MOVED"),
        FaultClass::Operator => fault.detail.starts_with("READONLY"),
        _ => false,
    }
}

/// The fault of a command that was sent and not answered when the connection ended.
fn in_flight(end: &Fault) -> Fault {
    match end.class {
        FaultClass::Protocol | FaultClass::Closed => Fault {
            may_have_run: true,
            ..end.clone()
        },
        _ => Fault::unresolved(
            FaultClass::Disconnected,
            "the connection ended before the reply",
        ),
    }
}

fn given_up() -> Fault {
    Fault::refused(FaultClass::Timeout, "given up before it was sent")
}

fn stalled() -> Fault {
    Fault::refused(FaultClass::Stalled, "an older command is unanswered")
}

fn silent() -> Fault {
    Fault::unresolved(FaultClass::Timeout, "the server fell silent")
}
