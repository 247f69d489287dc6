//! Clean-up that does not give up: a release or roll-back goes to every node that may hold
//! something, again after every reconnect, until the answer is definite or the key has expired.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};

use crate::config::Ttl;
use crate::error::{Fault, FaultClass};
use crate::node::{Answer, Answered, Link, Node, Submission, Void};
use crate::protocol::{Command, ReleaseWord, Reply};
use crate::quorum::{Fleet, Sent};

/// A clean-up under way: the first commands are already queued at their nodes, in order behind
/// whatever they undo. Dropping it leaves the rest to a task of the engine.
pub struct Sweep {
    fleet: Arc<Fleet>,
    work: Work,
    sink: mpsc::UnboundedSender<Answered>,
    answers: mpsc::UnboundedReceiver<Answered>,
    open: Vec<usize>,
    again: Vec<usize>,
}

/// What is cleaned up, and for how long that can matter.
#[derive(Clone)]
struct Work {
    /// The command where nothing suggests that what it undoes may still arrive.
    command: Arc<Command>,
    /// The command that remembers itself where it finds nothing.
    burying: Arc<Command>,
    until: Instant,
}

impl Sweep {
    /// Sends `command(0)` to each of `nodes`, and `command(tomb_ms)` where an earlier connection
    /// may still deliver what it undoes. It matters for as long as a key with `ttl` can live.
    pub fn start(
        fleet: &Arc<Fleet>,
        nodes: &[Sent],
        ttl: Ttl,
        command: impl Fn(u64) -> Command,
    ) -> Self {
        let (sink, answers) = mpsc::unbounded_channel();
        let work = Work {
            command: Arc::new(command(0)),
            burying: Arc::new(command(ttl.as_millis())),
            until: Instant::now() + ttl.as_duration(),
        };
        let fleet = Arc::clone(fleet);
        let mut sweep = Sweep {
            fleet,
            work,
            sink,
            answers,
            open: Vec::new(),
            again: Vec::new(),
        };
        for sent in nodes {
            let work = &sweep.work;
            let command = if sent.may_come_late(&sweep.fleet) {
                &work.burying
            } else {
                &work.command
            };
            sweep.open.push(sent.node);
            submit(
                &*sweep.fleet.nodes[sent.node],
                sent.node,
                Arc::clone(command),
                work.until,
                &sweep.sink,
            );
        }
        sweep
    }

    /// The next node's definite word, or that it is not known yet.
    pub async fn next(&mut self) -> Option<(usize, Result<ReleaseWord, Fault>)> {
        if self.open.is_empty() {
            return None;
        }
        let answered = self.answers.recv().await?;
        self.open.retain(|&node| node != answered.node);
        let word = definite(answered.result);
        if word.is_err() {
            self.again.push(answered.node);
        }
        Some((answered.node, word))
    }
}

impl Drop for Sweep {
    fn drop(&mut self) {
        if self.open.is_empty() && self.again.is_empty() {
            return;
        }
        let work = self.work.clone();
        let sink = self.sink.clone();
        let (_, blank) = mpsc::unbounded_channel();
        let mut answers = std::mem::replace(&mut self.answers, blank);
        let mut open = std::mem::take(&mut self.open);
        let again = std::mem::take(&mut self.again);
        let fleet = Arc::clone(&self.fleet);
        self.fleet.spawner.spawn(Box::pin(async move {
            let mut later: Vec<usize> = again;
            while !open.is_empty() {
                let Some(answered) = answers.recv().await else {
                    break;
                };
                open.retain(|&node| node != answered.node);
                if definite(answered.result).is_err() {
                    later.push(answered.node);
                }
            }
            drop(sink);
            join_all(later.into_iter().map(|node| insist(&fleet, node, &work))).await;
        }));
    }
}

/// Repeats the clean-up on one node until its word is definite or the key has expired.
async fn insist(fleet: &Fleet, index: usize, work: &Work) {
    let node = &fleet.nodes[index];
    let mut pause = Duration::from_millis(10) + fleet.jitter(Duration::from_millis(20));
    while Instant::now() < work.until {
        let mut link = node.link();
        let up = link.wait_for(|link| matches!(link, Link::Up { .. }));
        match timeout_at(work.until, up).await {
            Ok(Ok(_)) => {}
            // Out of time, or the client is closed.
            _ => return,
        }
        let (sink, mut answers) = mpsc::unbounded_channel();
        submit(&**node, index, Arc::clone(&work.burying), work.until, &sink);
        match answers.recv().await {
            Some(answered) => match definite(answered.result) {
                Ok(_) => return,
                Err(fault) if fault.class == FaultClass::Closed => return,
                Err(_) => {}
            },
            None => return,
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

fn submit(
    node: &dyn Node,
    index: usize,
    command: Arc<Command>,
    connect_by: Instant,
    sink: &mpsc::UnboundedSender<Answered>,
) {
    let answer = Answer::new(index, sink.clone());
    node.submit(Submission {
        command,
        connect_by,
        void: Void::default(),
        answer,
    });
}

/// A word that settles the matter; a key of a foreign type is certainly not ours.
fn definite(result: Result<Reply, Fault>) -> Result<ReleaseWord, Fault> {
    match result {
        Ok(Reply::Released(word)) => Ok(word),
        Ok(_) => Err(Fault::unresolved(
            FaultClass::Protocol,
            "the reply does not fit a release",
        )),
        Err(fault) if fault.class == FaultClass::ForeignFormat => Ok(ReleaseWord::Other),
        Err(fault) => Err(fault),
    }
}
