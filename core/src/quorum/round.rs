//! One round: commands out to several nodes at once, answers in as they come.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::config::{Keys, Moment};
use crate::error::{Fault, FaultClass, NodeOutcome, NodeStatus};
use crate::node::{Answer, Answered, Listener, Mailbox, Submission, Void};
use crate::protocol::{RefusalKind, Reply, Request};
use crate::quorum::Fleet;

/// A round under way. Dropping it leaves the commands to run to their ends unheard.
pub struct Round<'a> {
    fleet: &'a Fleet,
    by: Instant,
    /// However many steps it takes, it ends here.
    latest: Instant,
    timer: Pin<Box<Sleep>>,
    void: Void,
    answers: Arc<Answers>,
    asked: Vec<Asked>,
    open: u32,
}

/// Where a round's answers arrive; also those that come when it is over.
#[derive(Default)]
struct Answers {
    mailbox: Mailbox,
    crowd: Option<(Arc<Fleet>, Keys)>,
    /// See [`Sent`]: also by answers that come when the round is over.
    refused: Arc<AtomicU32>,
}

impl Listener for Answers {
    fn answered(&self, answered: Answered) {
        if let (Some((fleet, keys)), Ok(Reply::Refused(refusal))) = (&self.crowd, &answered.result)
        {
            // The majority may have won without the home, which alone knows that others wait. Next
            // time they go first.
            if refusal.why == RefusalKind::Queued {
                fleet.crowd.note(keys);
            }
        }
        match &answered.result {
            Err(fault) if !fault.may_have_run => {
                self.refused.fetch_or(bit(answered.node), Ordering::AcqRel);
            }
            _ => {}
        }
        self.mailbox.answered(answered);
    }
}

/// What comes next in a round.
pub enum Next {
    /// A node's answer.
    Answer(Answered),
    /// The pause asked for is over.
    Pause,
    /// The time is up, or nothing more can come.
    Over,
}

/// Where a command went: enough to tell later whether it may still arrive.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The node.
    pub node: usize,
    /// The connection that was up when it was sent.
    epoch: Option<u64>,
    /// True once the node answered it.
    settled: bool,
    /// True where an earlier copy of it was lost with its connection, whatever became of this one.
    lost: bool,
    /// Which nodes have certainly not run what they were asked, one bit each.
    refused: Arc<AtomicU32>,
    /// True where the node's fencing counter need not be raised any more.
    pub raised: bool,
}

impl Sent {
    /// True where it certainly never left this process: its node was out of reach before and is so now.
    pub fn was_kept(&self, fleet: &Fleet) -> bool {
        let refused = self.refused.load(Ordering::Acquire) & bit(self.node) != 0;
        refused && self.epoch.is_none() && fleet.epoch(self.node).is_none()
    }

    /// True where the command was never answered and its connection is not the present one: it
    /// may still arrive, behind whatever is sent now.
    pub fn may_come_late(&self, fleet: &Fleet) -> bool {
        self.lost || !self.settled && (self.epoch.is_none() || self.epoch != fleet.epoch(self.node))
    }
}

/// What one node was asked, and what it said last.
#[derive(Clone)]
struct Asked {
    epoch: Option<u64>,
    settled: bool,
    lost: bool,
    sent: Option<Moment>,
    times: u32,
    /// Answers still to come.
    open: u32,
    last: Option<(NodeStatus, Duration)>,
}

impl<'a> Round<'a> {
    /// A round that waits for answers for `timeout` at most.
    pub fn new(fleet: &'a Fleet, timeout: Duration) -> Self {
        let now = Instant::now();
        let by = now + timeout;
        let blank = Asked {
            epoch: None,
            settled: false,
            lost: false,
            sent: None,
            times: 0,
            open: 0,
            last: None,
        };
        Round {
            fleet,
            by,
            latest: now + timeout * 2,
            timer: Box::pin(sleep_until(by)),
            void: Void::default(),
            answers: Arc::default(),
            asked: vec![blank; fleet.size()],
            open: 0,
        }
    }

    /// A round that also notices, however late, that others wait for `keys`.
    pub fn watching(fleet: &'a Arc<Fleet>, timeout: Duration, keys: &Keys) -> Self {
        let crowd = Some((Arc::clone(fleet), keys.subject()));
        let answers = Arc::new(Answers {
            crowd,
            ..Answers::default()
        });
        Round {
            answers,
            ..Round::new(fleet, timeout)
        }
    }

    /// The mark that tells the nodes that this round was given up.
    pub fn void(&self) -> Void {
        self.void.clone()
    }

    /// Sends `command` to `node`.
    pub fn ask(&mut self, node: usize, command: &Arc<Request>) {
        let epoch = self.fleet.epoch(node);
        let asked = &mut self.asked[node];
        asked.epoch = epoch;
        asked.settled = false;
        asked.sent = Some(self.fleet.clock.now());
        asked.times += 1;
        asked.open += 1;
        self.open += 1;
        self.fleet.nodes[node].submit(Submission {
            command: Arc::clone(command),
            connect_by: self.by,
            void: self.void.clone(),
            answer: Answer::new(node, Arc::clone(&self.answers) as Arc<dyn Listener>),
        });
    }

    /// How often `node` was asked.
    pub fn times(&self, node: usize) -> u32 {
        self.asked[node].times
    }

    /// Where commands went so far.
    pub fn sent(&self) -> Vec<Sent> {
        let asked = self
            .asked
            .iter()
            .enumerate()
            .filter(|(_, asked)| asked.times > 0);
        asked
            .map(|(node, asked)| Sent {
                node,
                epoch: asked.epoch,
                settled: asked.settled,
                lost: asked.lost,
                refused: if asked.times == 1 {
                    Arc::clone(&self.answers.refused)
                } else {
                    // One of several answers says nothing of the others.
                    Arc::default()
                },
                raised: true,
            })
            .collect()
    }

    /// Gives the round more time: a second step has begun. In all, it never takes longer than twice
    /// its timeout.
    pub fn prolong(&mut self, timeout: Duration) {
        self.by = self.by.max(Instant::now() + timeout).min(self.latest);
        self.timer.as_mut().reset(self.by);
    }

    /// The next answer; `None` once the time is up or every node has answered.
    pub async fn next(&mut self) -> Option<Answered> {
        match self.next_or(None).await {
            Next::Answer(answered) => Some(answered),
            Next::Pause | Next::Over => None,
        }
    }

    /// The next answer, or that `pause` has come first.
    pub async fn next_or(&mut self, pause: Option<Instant>) -> Next {
        if self.open == 0 && pause.is_none_or(|pause| pause >= self.by) {
            return Next::Over;
        }
        let answered = tokio::select! {
            biased;
            answered = self.answers.mailbox.next(), if self.open > 0 => answered,
            () = self.timer.as_mut() => return Next::Over,
            () = sleep_until(pause.unwrap_or(self.by)), if pause.is_some() => return Next::Pause,
        };
        let asked = &mut self.asked[answered.node];
        asked.open -= 1;
        asked.settled = !matches!(&answered.result, Err(fault) if fault.may_have_run);
        asked.lost |= !asked.settled;
        self.open -= 1;
        let elapsed = asked
            .sent
            .map_or(Duration::ZERO, |sent| self.fleet.clock.now().since(sent));
        asked.last = Some((status_of(&answered.result), elapsed));
        Next::Answer(answered)
    }

    /// One outcome per configured node.
    pub fn outcomes(&self) -> Vec<NodeOutcome> {
        let now = self.fleet.clock.now();
        let of = |(node, asked): (usize, &Asked)| {
            let (status, elapsed) = match (&asked.last, asked.sent) {
                (Some((status, elapsed)), _) if asked.open == 0 => (status.clone(), *elapsed),
                // Settled before its time was up: it was in no way late.
                (_, Some(sent)) if Instant::now() < self.by => {
                    (NodeStatus::Unheard, now.since(sent))
                }
                (_, Some(sent)) => {
                    let fault = Fault::unresolved(FaultClass::Timeout, "no answer in time");
                    (NodeStatus::Faulted(fault), now.since(sent))
                }
                _ => (NodeStatus::NotAsked, Duration::ZERO),
            };
            self.fleet.outcome(node, status, elapsed)
        };
        self.asked.iter().enumerate().map(of).collect()
    }
}

/// A node's bit; there are 31 nodes at most.
fn bit(node: usize) -> u32 {
    1 << node
}

/// What an answer means for the report of an operation.
fn status_of(result: &Result<Reply, Fault>) -> NodeStatus {
    match result {
        Err(fault) if fault.class == FaultClass::ForeignFormat => NodeStatus::HeldByAnother {
            ttl: None,
            foreign: true,
        },
        Err(fault) => NodeStatus::Faulted(fault.clone()),
        Ok(Reply::Refused(refusal)) => match refusal.why {
            RefusalKind::Held | RefusalKind::Foreign => NodeStatus::HeldByAnother {
                ttl: refusal.ttl_ms.map(Duration::from_millis),
                foreign: refusal.why == RefusalKind::Foreign,
            },
            RefusalKind::Queued | RefusalKind::Buried => NodeStatus::Queued,
            RefusalKind::Missing => NodeStatus::Missing,
            RefusalKind::Spent => NodeStatus::Spent,
        },
        Ok(_) => NodeStatus::Granted,
    }
}
