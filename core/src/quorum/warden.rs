//! The warden: it decides, over all nodes, when one that was found without its data votes again. Each
//! node keeps its own time; what is decided here is only what no single node can know.
//!
//! * All nodes are there and all are blank: the cluster is new, and nobody waits.
//! * Else a node waits for the longest ttl that any node knows of, which is told to all of them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select_all;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::config::PlantedBug;
use crate::error::FaultClass;
use crate::node::{Answer, GuardTerms, Link, Listener, Mailbox, Submission, Void};
use crate::protocol::{Command, MarkWord, Marker, MarkerState, Reply};
use crate::quorum::Fleet;
use crate::quorum::admission::{Plan, Rules, View, Wish, decide, view};

/// How often a node that does not vote is looked at: others may have admitted it.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Between two tries at what did not change anything.
const AGAIN: Duration = Duration::from_millis(250);

/// A node begins or ends to be kept from voting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Its answers do not count for so long.
    Guarded(usize, Duration),
    /// They count again.
    Admitted(usize),
}

/// Watches over the nodes until the client is closed; tells what changes.
pub async fn watch(fleet: Arc<Fleet>, terms: GuardTerms, tell: impl Fn(Change) + Send) {
    let mut warden = Warden {
        told: vec![false; fleet.size()],
        due: vec![None; fleet.size()],
        in_use: false,
        last: Plan::Rest,
        fleet,
        terms,
    };
    while warden.step(&tell).await {}
}

struct Warden {
    fleet: Arc<Fleet>,
    terms: GuardTerms,
    /// Nodes whose guard was told.
    told: Vec<bool>,
    /// When a node that does not vote is to be looked at, and as what it was seen.
    due: Vec<Option<(Instant, View)>>,
    in_use: bool,
    /// What was done last: twice the same changes nothing.
    last: Plan,
}

impl Warden {
    /// Looks at all nodes once and does what is to be done; false where the client is closed.
    async fn step(&mut self, tell: &(impl Fn(Change) + Send)) -> bool {
        let mut links: Vec<_> = self.fleet.nodes.iter().map(|node| node.link()).collect();
        let seen: Vec<Link> = links
            .iter_mut()
            .map(|link| link.borrow_and_update().clone())
            .collect();
        let is_closed =
            |link: &Link| matches!(link, Link::Down(fault) if fault.class == FaultClass::Closed);
        if seen.iter().all(is_closed) {
            return false;
        }
        let views: Vec<View> = seen.iter().map(view).collect();
        self.tell_changes(&seen, tell);
        self.keep_time(&views);
        let plan = self.plan(&views);
        let repeats = plan == self.last;
        self.last = plan.clone();
        let now = Instant::now();
        let again = match &plan {
            Plan::Rest => None,
            _ if repeats => Some(now + AGAIN),
            Plan::Begin => {
                self.begin(&views).await;
                return true;
            }
            Plan::Do(wishes) => {
                self.carry_out(wishes).await;
                return true;
            }
        };
        let ends = self.due.iter().flatten().map(|(end, _)| *end);
        let next = ends.chain(again).min();
        let changes = links.iter_mut().map(|link| Box::pin(link.changed()));
        tokio::select! {
            biased;
            (changed, _, _) = select_all(changes) => {
                // The node is gone without a word: with all of them, nobody is left to watch.
                if changed.is_err() {
                    sleep(AGAIN).await;
                }
            }
            () = sleep_until(next.unwrap_or(now)), if next.is_some() => {
                self.last = Plan::Rest;
                self.look_at_due().await;
            }
        }
        true
    }

    fn plan(&self, views: &[View]) -> Plan {
        let size = self.fleet.size();
        let planted = &self.fleet.planted;
        let by_majority = planted.has(PlantedBug::BlankByMajority);
        let rules = Rules {
            quorum: self.fleet.quorum(),
            fresh: if by_majority {
                self.fleet.quorum()
            } else {
                size
            },
            assume_fresh: self.fleet.settings.assume_fresh,
            in_use: self.in_use && !by_majority,
            ttl_max: self.terms.ttl_max(),
            own_ttl_only: planted.has(PlantedBug::GuardForOwnTtl),
        };
        decide(views, rules)
    }

    fn tell_changes(&mut self, seen: &[Link], tell: &impl Fn(Change)) {
        for (node, link) in seen.iter().enumerate() {
            let Link::Up { standing, .. } = link else {
                continue;
            };
            let guarded = standing
                .marker()
                .filter(|_| !standing.votes() && !standing.is_unsettled());
            if let Some(marker) = guarded.filter(|_| !self.told[node]) {
                self.told[node] = true;
                tell(Change::Guarded(node, Duration::from_millis(marker.left_ms)));
            } else if standing.votes() && self.told[node] {
                self.told[node] = false;
                tell(Change::Admitted(node));
            }
            self.in_use |= standing
                .marker()
                .is_some_and(|marker| marker.state == MarkerState::Open);
        }
    }

    /// Notes when nodes that do not vote are to be looked at. Each counts its time itself.
    fn keep_time(&mut self, views: &[View]) {
        let now = Instant::now();
        for (due, view) in self.due.iter_mut().zip(views) {
            let left = match view {
                View::Marked(marker) => match marker.state {
                    MarkerState::Blank | MarkerState::Guarded => {
                        Some(Duration::from_millis(marker.left_ms + 1))
                    }
                    MarkerState::New | MarkerState::Lost | MarkerState::Open => None,
                },
                View::Unread => Some(LOOK_EVERY),
                View::Awaited | View::Away | View::Free => None,
            };
            let is_known = due.as_ref().is_some_and(|(_, known)| known == view);
            match left {
                None => *due = None,
                Some(left) if !is_known => {
                    *due = Some((now + left.min(LOOK_EVERY), view.clone()));
                }
                Some(_) => {}
            }
        }
    }

    /// Asks the nodes whose time should be over.
    async fn look_at_due(&mut self) {
        let now = Instant::now();
        let ttl_max = self.terms.ttl_max();
        let is_over =
            |due: &Option<(Instant, View)>| due.as_ref().is_some_and(|(end, _)| *end <= now);
        let over: Vec<usize> = (0..self.due.len())
            .filter(|&node| is_over(&self.due[node]))
            .collect();
        let wishes: Vec<Wish> = over
            .iter()
            .map(|&node| Wish {
                node,
                word: MarkWord::Look,
                ttl_max,
            })
            .collect();
        self.carry_out(&wishes).await;
        for node in over {
            // Where it was not over, or no answer came: again soon.
            if let Some((end, _)) = &mut self.due[node] {
                *end = Instant::now() + AGAIN;
            }
        }
    }

    /// Opens all nodes of a new cluster, once it was seen twice that all are blank: so there was a moment
    /// when all of them were, and not each at another.
    async fn begin(&self, views: &[View]) {
        let ids: Vec<(usize, &str)> = views
            .iter()
            .enumerate()
            .filter_map(|(node, view)| match view {
                View::Marked(marker) if marker.state.is_blank() => Some((node, marker.id.as_str())),
                _ => None,
            })
            .collect();
        let ttl_max = self.terms.ttl_max();
        let wishes = |word: &dyn Fn(&str) -> MarkWord| -> Vec<Wish> {
            let wish = |&(node, id): &(usize, &str)| Wish {
                node,
                word: word(id),
                ttl_max,
            };
            ids.iter().map(wish).collect()
        };
        let again = self.carry_out(&wishes(&|_| MarkWord::Look)).await;
        let still = |&(node, id): &(usize, &str)| {
            let same = |marker: &Marker| {
                marker.id == id && (marker.state.is_blank() || marker.state == MarkerState::Open)
            };
            again
                .iter()
                .any(|(other, marker)| *other == node && same(marker))
        };
        if !ids.iter().all(still) {
            return;
        }
        let with: Vec<String> = ids.iter().map(|(_, id)| (*id).to_owned()).collect();
        let open = |id: &str| MarkWord::Open {
            id: id.to_owned(),
            with: with.clone(),
        };
        self.carry_out(&wishes(&open)).await;
    }

    /// Sends what is wanted and waits for the answers, for as long as a connection may take.
    async fn carry_out(&self, wishes: &[Wish]) -> Vec<(usize, Marker)> {
        let fleet = &self.fleet;
        let by = Instant::now() + fleet.settings.connect_timeout;
        let mailbox = Mailbox::new();
        for wish in wishes {
            let mut mark = self.terms.mark(wish.word.clone(), &*fleet.entropy);
            mark.ttl_max = mark.ttl_max.max(wish.ttl_max);
            fleet.nodes[wish.node].submit(Submission {
                command: Command::Mark(mark).into(),
                connect_by: by,
                void: Void::default(),
                answer: Answer::new(wish.node, Arc::clone(&mailbox) as Arc<dyn Listener>),
            });
        }
        let mut markers = Vec::new();
        let limit = fleet.settings.connect_timeout;
        let gather = async {
            for _ in wishes {
                let answered = mailbox.next().await;
                if let Ok(Reply::Marker(marker)) = answered.result {
                    markers.push((answered.node, *marker));
                }
            }
        };
        // Who has not answered by then is asked again when its link changes.
        let _ = timeout(limit, gather).await;
        markers
    }
}
