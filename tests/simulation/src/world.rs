//! The world of one run: network, servers, processes and judges around one virtual time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quorlock::testing::node::Submission;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::judge::{Judge, Oracle};
use crate::net::calendar::Event;
use crate::net::{Net, faults, micros};
use crate::plan::{Order, Plan};
use crate::process::Process;
use crate::trace::Trace;

/// Everything that clients share in a run.
pub(crate) struct World {
    pub(crate) began: Instant,
    pub(crate) plan: Arc<Plan>,
    pub(crate) trace: Arc<Trace>,
    net: Mutex<Net>,
    judge: Mutex<Judge>,
    /// Something earlier than expected was entered in the calendar.
    changed: Notify,
    /// An oracle objected.
    pub(crate) stopped: Notify,
    /// Users at work, per client.
    users: Mutex<Vec<usize>>,
}

impl World {
    /// A world in which nothing has happened yet.
    pub(crate) fn new(order: &Order, plan: Plan, names: &[String]) -> Arc<Self> {
        let began = Instant::now();
        let plan = Arc::new(plan);
        let trace = Arc::new(Trace::new(order.verbose));
        let mut net = Net::new(&plan, order.seed, order.bug, &trace);
        net.processes = (0..=plan.clients).map(|_| Process::new(began)).collect();
        faults::enter_all(&mut net, &plan, order.seed);
        net.calendar.enter(0, Event::Look);
        let fenced = plan.fencing != quorlock::Fencing::Off;
        let judge = Judge::new(net.processes.clone(), names, &trace, fenced);
        Arc::new(World {
            began,
            users: Mutex::new(vec![0; plan.clients + 1]),
            plan,
            trace,
            net: Mutex::new(net),
            judge: Mutex::new(judge),
            changed: Notify::new(),
            stopped: Notify::new(),
        })
    }

    /// True time in microseconds since the run began.
    pub(crate) fn now(&self) -> u64 {
        micros(self.began.elapsed())
    }

    pub(crate) fn net(&self) -> MutexGuard<'_, Net> {
        self.net.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn judge(&self) -> MutexGuard<'_, Judge> {
        self.judge.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A client hands a command to one of its nodes.
    pub(crate) fn submit(&self, wire: usize, submission: Submission) {
        let now = self.now();
        let mut net = self.net();
        net.submit(now, wire, submission);
        self.tell(net);
    }

    /// A client closes one of its nodes.
    pub(crate) fn close(&self, wire: usize) {
        let now = self.now();
        let mut net = self.net();
        net.close_wire(now, wire);
        self.tell(net);
    }

    /// Wakes the pump where something is to happen before it looks, and gives the answers there are.
    fn tell(&self, mut net: MutexGuard<'_, Net>) {
        if net.calendar.next().is_some_and(|next| next < net.looks_at) {
            self.changed.notify_one();
        }
        let told = std::mem::take(&mut net.told);
        drop(net);
        for (answer, result) in told {
            answer.give(result);
        }
    }

    /// Lets things happen when their time comes, until the run ends.
    pub(crate) async fn pump(self: Arc<Self>) {
        loop {
            let now = self.now();
            let next = {
                let mut net = self.net();
                if net.is_over {
                    return;
                }
                let next = net.run_due(now).unwrap_or(now + 1000);
                net.looks_at = next;
                let objection = net.old_owners.objection.take();
                self.tell(net);
                let mut judge = self.judge();
                if let Some(what) = objection {
                    judge.object(now, Oracle::Adoption, what);
                }
                judge.look(now);
                next
            };
            self.stop_if_violated();
            let next = self.began + Duration::from_micros(next);
            tokio::select! {
                biased;
                () = self.changed.notified() => {}
                () = sleep_until(next) => {}
            }
        }
    }

    /// Ends the run where an oracle objected.
    pub(crate) fn stop_if_violated(&self) {
        if self.judge().violation.is_some() {
            self.stopped.notify_one();
        }
    }

    /// Counts a user in.
    pub(crate) fn user_comes(&self, client: usize) {
        self.users()[client] += 1;
    }

    /// Counts a user out.
    pub(crate) fn user_goes(&self, client: usize) {
        self.users()[client] -= 1;
    }

    /// True once every user of a client that lives has gone.
    pub(crate) fn is_idle(&self) -> bool {
        let processes = self.net().processes.clone();
        let users = self.users();
        users
            .iter()
            .zip(&processes)
            .all(|(&users, process)| users == 0 || process.is_dead())
    }

    fn users(&self) -> MutexGuard<'_, Vec<usize>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
