//! One connection's life: commands out in order, replies back, and the watch over a server that
//! falls silent.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::error::{Fault, FaultClass};
use crate::node::Submission;
use crate::node::redis::connection::Connection;
use crate::node::redis::dial::Session;
use crate::node::redis::greeting::Greeting;
use crate::node::redis::guard::Watch;
use crate::node::redis::owner::Owner;
use crate::protocol::{Abilities, Command, Line, Raw, Reply, parse};

/// However short the node timeout, a server is given this long before its connection is given up.
const GIVE_UP_MIN: Duration = Duration::from_secs(1);

/// A stall of no length would make the watch spin.
const STALL_MIN: Duration = Duration::from_millis(1);

/// While so much waits for a slow server, commands stay in the queue, where they can still be refused.
const UNSENT_BYTES_MAX: usize = 256 * 1024;

/// A command that was sent or is to be sent again.
struct Entry {
    submission: Submission,
    /// Replies that belong to it.
    replies: usize,
    /// The abilities it was put into words for.
    can: Abilities,
    /// True where its script goes with its text once more, because the server had lost it.
    with_body: bool,
    /// When it was sent.
    at: Instant,
}

/// What is under way on one connection.
struct Pipe {
    connection: Connection,
    greeting: Greeting,
    /// Sent and not answered, oldest first.
    sent: VecDeque<Entry>,
    /// The replies to the oldest, as far as they have come.
    words: Vec<Raw>,
    /// Commands whose scripts were missing; they go before everything in the queue.
    again: VecDeque<Entry>,
    /// The scripts that were sent with their text on this connection. Only those may go by digest:
    /// a script the server does not know would run later than what was sent behind it.
    taught: Vec<&'static str>,
    last_reply: Instant,
    stalled: bool,
    watch: Watch,
}

/// What happens next to a connection.
enum Event {
    /// Replies or messages came.
    Replies,
    /// It ended.
    Ended(Fault),
    /// So many commands joined the queue.
    Arrivals(usize),
    /// It is time to look at the clock.
    Alarm,
}

impl Owner {
    /// Serves until the connection ends, and says why; `None` where the node was closed.
    pub(super) async fn serve(&mut self, session: Session) -> Option<Fault> {
        let Session {
            connection,
            greeting,
        } = session;
        let mut pipe = Pipe {
            connection,
            greeting,
            sent: VecDeque::new(),
            words: Vec::new(),
            again: VecDeque::new(),
            taught: Vec::new(),
            last_reply: Instant::now(),
            stalled: false,
            watch: Watch::new(),
        };
        let mut alarm = std::pin::pin!(sleep_until(Instant::now()));
        let end = loop {
            self.fill(&mut pipe);
            if pipe.sent.is_empty() && self.closing.is_some() {
                break None;
            }
            match self.next(&mut pipe, alarm.as_mut()).await {
                Event::Replies => {
                    if let Some(fault) = self.settle(&mut pipe) {
                        break Some(fault);
                    }
                }
                Event::Ended(fault) => break Some(fault),
                Event::Arrivals(fresh) => {
                    if pipe.stalled {
                        self.refuse_stalled(fresh);
                    }
                    if self.closing.is_some() {
                        alarm.as_mut().reset(Instant::now());
                    }
                }
                Event::Alarm => {
                    if self.closing.is_some_and(|end| end <= Instant::now()) {
                        break None;
                    }
                    match self.watch(&mut pipe) {
                        Some(next) => alarm.as_mut().reset(next),
                        None => break Some(silent()),
                    }
                }
            }
        };
        // The bytes stop here: what was sent and not answered is unresolved from now on.
        drop(pipe.connection);
        let fault = end.clone().unwrap_or_else(|| {
            Fault::unresolved(FaultClass::Closed, "the client was closed before the reply")
        });
        for entry in pipe.sent.drain(..) {
            entry.submission.answer.give(Err(in_flight(&fault)));
        }
        // These were refused by the server, so the next connection may have them.
        for entry in pipe.again.drain(..).rev() {
            self.queue.push_front(entry.submission);
        }
        end
    }

    /// Moves bytes until something happens. What was answered before the connection ended is told
    /// first.
    async fn next(&mut self, pipe: &mut Pipe, mut alarm: Pin<&mut Sleep>) -> Event {
        poll_fn(|cx| {
            if let Poll::Ready(replies) = pipe.connection.poll_replies(cx) {
                return Poll::Ready(match replies {
                    Ok(()) => Event::Replies,
                    Err(fault) => Event::Ended(fault),
                });
            }
            let idle = pipe.sent.is_empty();
            if (!idle || self.closing.is_some()) && alarm.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Event::Alarm);
            }
            if self.closing.is_none()
                && let Poll::Ready(fresh) = self.poll_arrivals(cx)
            {
                return Poll::Ready(Event::Arrivals(fresh));
            }
            Poll::Pending
        })
        .await
    }

    /// Puts into words what may be sent now.
    fn fill(&mut self, pipe: &mut Pipe) {
        let most = self.plan.pipeline.commands_max.max(1);
        let mut clock = None;
        while pipe.sent.len() < most && pipe.connection.unsent() < UNSENT_BYTES_MAX {
            if pipe.again.is_empty() && self.queue.is_empty() {
                return;
            }
            let at = *clock.get_or_insert_with(Instant::now);
            let again = pipe.again.pop_front().map(|entry| Entry { at, ..entry });
            let fresh = || self.queue.pop_front().map(|one| Entry::new(one, at));
            if let Some(entry) = again.or_else(fresh) {
                let command = &entry.submission.command;
                // Ahead of it, so that its answer is there first.
                if let Some(look) = self.due_look(&mut pipe.watch, &pipe.greeting, command, at)
                    && let Some(look) = prepare(pipe, Entry::new(look, at))
                {
                    pipe.sent.push_back(look);
                }
                if let Some(entry) = prepare(pipe, entry) {
                    pipe.sent.push_back(entry);
                }
            }
        }
    }

    /// Answers the commands whose replies have come; a fault where the connection is of no more use.
    fn settle(&mut self, pipe: &mut Pipe) -> Option<Fault> {
        pipe.last_reply = Instant::now();
        pipe.stalled = false;
        let mut end = None;
        while let Some(word) = pipe.connection.reply() {
            pipe.words.push(word);
            let oldest = pipe.sent.front().map(|entry| entry.replies);
            if oldest.is_some_and(|replies| pipe.words.len() >= replies) {
                let fault = self.answer(pipe);
                end = end.or(fault);
            }
        }
        end
    }

    /// Answers the oldest command, whose replies are complete.
    fn answer(&mut self, pipe: &mut Pipe) -> Option<Fault> {
        let entry = pipe.sent.pop_front()?;
        let lost = |word: &Raw| matches!(word, Raw::Error(code, _) if code == "NOSCRIPT");
        if !entry.with_body && pipe.words.iter().any(lost) {
            pipe.words.clear();
            if is_given_up(&entry.submission) {
                entry.submission.answer.give(Err(given_up()));
            } else {
                pipe.again.push_back(Entry {
                    with_body: true,
                    ..entry
                });
            }
            return None;
        }
        let command = &entry.submission.command;
        let result = parse(command, &entry.can, pipe.words.drain(..));
        let result = told(result, command, &pipe.greeting);
        self.hear(&mut pipe.greeting, command, &result);
        let result = pipe.greeting.standing.counted(command, result);
        let end = match &result {
            Ok(_) => {
                self.backoff.reset();
                None
            }
            Err(fault) => ends_connection(fault).then(|| fault.clone()),
        };
        entry.submission.answer.give(result);
        end
    }

    /// Looks at the clock: when to look again, or nothing where the connection is to be given up.
    fn watch(&mut self, pipe: &mut Pipe) -> Option<Instant> {
        let now = Instant::now();
        let stall_after = self.plan.settings.stall_after.max(STALL_MIN);
        let Some(oldest) = pipe.sent.front() else {
            return Some(self.closing.unwrap_or(now + stall_after));
        };
        let quiet_since = oldest.at.max(pipe.last_reply);
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
    fn new(submission: Submission, at: Instant) -> Self {
        Entry {
            submission,
            replies: 0,
            can: Abilities::default(),
            with_body: false,
            at,
        }
    }
}

/// Says what an entry says; nothing where it is answered already and not sent.
fn prepare(pipe: &mut Pipe, mut entry: Entry) -> Option<Entry> {
    let submission = &entry.submission;
    let fault = if is_given_up(submission) {
        given_up()
    } else if pipe.stalled && submission.command.leaves_state() {
        stalled()
    } else if let Some(fault) = pipe.greeting.standing.refusal(&submission.command) {
        fault
    } else {
        let can = pipe.greeting.abilities_for(&submission.command);
        let completed = pipe.greeting.run.completed(&submission.command);
        let request = completed.as_ref().unwrap_or(&submission.command);
        let said = request.spell(&can, |speech| {
            for line in speech.lines() {
                let with_text = entry.with_body || teaches(line, &mut pipe.taught);
                pipe.connection.say(speech, line, with_text);
            }
            speech.lines().len()
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
fn teaches(line: Line, taught: &mut Vec<&'static str>) -> bool {
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
