//! Clean-up that does not give up: a release or roll-back goes to every node that may hold
//! something, again after every reconnect, until the answer is definite or the key has expired.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::config::{Keys, Ttl};
use crate::error::{Fault, FaultClass};
use crate::node::{Answer, Answered, Link, Listener, Mailbox, Submission, Void};
use crate::protocol::{Command, ReleaseWord, Reply, Request};
use crate::quorum::busy::Work;
use crate::quorum::{Fleet, Sent};

/// A timer that is so late was not late by itself.
const OVERSLEPT: Duration = Duration::from_millis(50);

/// A clean-up under way: the first commands are already queued at their nodes, in order behind
/// whatever they undo. Whether or not anybody listens, it goes on by itself.
pub struct Sweep {
    job: Arc<Job>,
    open: usize,
}

/// What is cleaned up, and for how long that can matter. Told a node's answer, it passes it on and
/// sees to the rest where that is not definite.
struct Job {
    fleet: Arc<Fleet>,
    command: Command,
    ttl: Ttl,
    /// Where the plain command was sent behind an unanswered one, which it must not overtake.
    behind: Vec<Sent>,
    /// Where what is cleaned up may come late.
    late: Vec<Sent>,
    until: Instant,
    mailbox: Mailbox,
    _work: Work,
}

impl Sweep {
    /// Sends `command` to each of `nodes`; one that remembers itself where it finds nothing goes
    /// where an earlier connection may still deliver what it undoes. It matters for as long as a key
    /// with `ttl` can live. What is for the queue alone goes to `home` alone.
    pub fn start(
        fleet: &Arc<Fleet>,
        nodes: &[Sent],
        ttl: Ttl,
        home: Option<usize>,
        command: Command,
    ) -> Self {
        // A node that is down and was never asked needs no cleaning up; insisting on it would keep a
        // client from closing for as long as a key could live there.
        let nodes = nodes.iter().filter(|sent| !sent.was_kept(fleet)).cloned();
        let (late, behind): (Vec<Sent>, Vec<Sent>) =
            nodes.partition(|sent| sent.may_come_late(fleet));
        let open = late.len() + behind.len();
        let job = Arc::new(Job {
            fleet: Arc::clone(fleet),
            command,
            ttl,
            behind,
            late,
            until: Instant::now() + ttl.as_duration(),
            mailbox: Mailbox::default(),
            _work: fleet.busy.begin(),
        });
        if !job.late.is_empty() {
            let burying = job.burying();
            for sent in &job.late {
                job.submit(sent.node, &burying, Arc::clone(&job) as Arc<dyn Listener>);
            }
        }
        // Made where they are needed, and once.
        let mut requests: [Option<Arc<Request>>; 4] = Default::default();
        for sent in &job.behind {
            let (is_home, raised) = (home == Some(sent.node), sent.raised);
            let request = requests[usize::from(is_home) * 2 + usize::from(raised)]
                .get_or_insert_with(|| job.command.reduced(is_home, raised).into());
            job.submit(sent.node, request, Arc::clone(&job) as Arc<dyn Listener>);
        }
        Sweep { job, open }
    }

    /// The next node's definite word, or that it is not known yet; `None` once each has answered.
    pub async fn next(&mut self) -> Option<(usize, Result<ReleaseWord, Fault>)> {
        if self.open == 0 {
            return None;
        }
        let answered = self.job.mailbox.next().await;
        self.open -= 1;
        Some((answered.node, definite(answered.result)))
    }
}

impl Listener for Job {
    fn answered(&self, answered: Answered) {
        let node = answered.node;
        // The connection may have ended between handing the command over and sending it: then it went
        // on the next one, ahead of what it was meant to follow.
        let mut behind = self.behind.iter();
        let overtook = behind.any(|sent| sent.node == node && sent.may_come_late(&self.fleet));
        // Whether a node that was out of reach was ever asked shows only now, by its answers in order.
        let mut sents = self.behind.iter().chain(&self.late);
        let kept = sents.any(|sent| sent.node == node && sent.was_kept(&self.fleet));
        let resolved = match &answered.result {
            Err(fault) if kept && !fault.may_have_run => true,
            Ok(Reply::Released(_) | Reply::Awaited(_)) => !overtook,
            Ok(_) => false,
            Err(fault) => matches!(fault.class, FaultClass::ForeignFormat | FaultClass::Closed),
        };
        if let (Ok(Reply::Awaited(_)), Command::Release(release)) =
            (&answered.result, &self.command)
        {
            self.call(node, &release.keys);
        }
        self.mailbox.answered(answered);
        if !resolved {
            let (fleet, burying) = (Arc::clone(&self.fleet), self.burying());
            let (until, ttl) = (self.until, self.ttl);
            self.fleet
                .spawn(async move { insist(&fleet, node, &burying, until, ttl).await });
        }
    }
}

impl Job {
    /// The command where an earlier one may still arrive: it remembers itself where it finds nothing.
    fn burying(&self) -> Arc<Request> {
        self.command.burying(self.ttl.as_millis()).into()
    }

    /// Somebody waits who was not called; the next release will be said so that it calls.
    fn call(&self, node: usize, keys: &Keys) {
        self.fleet.crowd.note(keys);
        let call = Command::Call { keys: keys.clone() }.into();
        self.submit(node, &call, Mailbox::new());
    }

    fn submit(&self, node: usize, command: &Arc<Request>, listener: Arc<dyn Listener>) {
        submit(&self.fleet, node, command, self.until, listener);
    }
}

/// Repeats the clean-up on one node until its word is definite or the key has expired.
async fn insist(fleet: &Fleet, index: usize, burying: &Arc<Request>, mut until: Instant, ttl: Ttl) {
    let node = &fleet.nodes[index];
    let mut pause = Duration::from_millis(10) + fleet.jitter(Duration::from_millis(20));
    loop {
        let now = Instant::now();
        if now > until + OVERSLEPT {
            // This process was stopped, and what it undoes may have arrived meanwhile.
            until = now + ttl.as_duration();
        } else if now >= until {
            return;
        }
        let mut link = node.link();
        let up = link.wait_for(|link| matches!(link, Link::Up { .. }));
        match timeout_at(until, up).await {
            Ok(Ok(_)) => {}
            Err(_) => continue,
            // The client is closed.
            Ok(Err(_)) => return,
        }
        let mailbox = Mailbox::new();
        submit(
            fleet,
            index,
            burying,
            until,
            Arc::clone(&mailbox) as Arc<dyn Listener>,
        );
        match definite(mailbox.next().await.result) {
            Ok(_) => return,
            Err(fault) if fault.class == FaultClass::Closed => return,
            Err(_) => {}
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

fn submit(
    fleet: &Fleet,
    node: usize,
    command: &Arc<Request>,
    connect_by: Instant,
    listener: Arc<dyn Listener>,
) {
    let answer = Answer::new(node, listener);
    let command = Arc::clone(command);
    fleet.nodes[node].submit(Submission {
        command,
        connect_by,
        void: Void::default(),
        answer,
    });
}

/// A word that settles the matter; a key of a foreign type is certainly not ours.
fn definite(result: Result<Reply, Fault>) -> Result<ReleaseWord, Fault> {
    match result {
        Ok(Reply::Released(word) | Reply::Awaited(word)) => Ok(word),
        Ok(_) => Err(Fault::unresolved(
            FaultClass::Protocol,
            "the reply does not fit a release",
        )),
        Err(fault) if fault.class == FaultClass::ForeignFormat => Ok(ReleaseWord::Other),
        Err(fault) => Err(fault),
    }
}
