//! Hand-overs: how often each ticket was adopted, and what its old owner can still do.

use std::collections::{BTreeMap, BTreeSet};

use quorlock::Fault;
use quorlock::testing::config::{OwnerToken, quorum};
use quorlock::testing::protocol::{Command, LeaseWord, ReleaseWord, Reply};

use crate::counts::Count;
use crate::judge::{Judge, Oracle};

/// One ticket.
#[derive(Debug, Default)]
pub(crate) struct TicketLog {
    resource: usize,
    adopters: Vec<usize>,
    /// True where one of its deliveries must be taken: nothing fails and all come soon.
    must_be_taken: bool,
}

impl Judge {
    /// A ticket was made.
    pub(crate) fn detached(&mut self, now: u64, ticket: &str, places: &[usize], must: bool) {
        self.count(Count::Detached);
        let resource = places.first().copied().unwrap_or(0);
        self.trace
            .note(now, "ticket", &[resource as u64], || ticket.to_owned());
        for &place in places {
            self.resources[place].had_ticket = true;
        }
        self.tickets.insert(
            ticket.to_owned(),
            TicketLog {
                resource,
                adopters: Vec::new(),
                must_be_taken: must,
            },
        );
    }

    /// A ticket was adopted.
    pub(crate) fn adopted(&mut self, now: u64, ticket: &str, client: usize) {
        self.count(Count::Adopted);
        let Some(log) = self.tickets.get_mut(ticket) else {
            return;
        };
        log.adopters.push(client);
        if log.adopters.len() > 1 {
            let what = format!(
                "{}: one ticket was adopted by clients {:?}",
                self.resources[log.resource].name, log.adopters
            );
            self.object(now, Oracle::Adoption, what);
        }
    }

    /// At the end: tickets that should have been taken were.
    pub(crate) fn look_at_tickets(&mut self, now: u64) {
        let stuck = self
            .tickets
            .iter()
            .find(|(_, log)| log.must_be_taken && log.adopters.is_empty());
        if let Some((ticket, _)) = stuck {
            let what = format!("nobody came through with ticket {ticket}, and nothing failed");
            self.object(now, Oracle::Adoption, what);
        }
    }
}

/// Owners that handed over: what servers still do for them.
pub(crate) struct OldOwners {
    nodes: usize,
    /// Who handed over with which ticket, learnt from the adoptions.
    givers: BTreeMap<String, OwnerToken>,
    /// Who was replaced for good, and the servers that obeyed it since.
    replaced: BTreeMap<OwnerToken, BTreeSet<usize>>,
    /// Set once a majority obeyed one of them.
    pub(crate) objection: Option<String>,
}

impl OldOwners {
    pub(crate) fn new(nodes: usize) -> Self {
        OldOwners {
            nodes,
            givers: BTreeMap::new(),
            replaced: BTreeMap::new(),
            objection: None,
        }
    }

    /// The ticket was adopted: from now on its old owner must find no majority.
    pub(crate) fn replace(&mut self, ticket: &str) {
        if let Some(giver) = self.givers.get(ticket) {
            self.replaced.entry(giver.clone()).or_default();
        }
    }

    /// A server ran a command.
    pub(crate) fn see(&mut self, node: usize, command: &Command, result: &Result<Reply, Fault>) {
        match (command, result) {
            (Command::Adopt { from, ticket, .. }, Ok(Reply::Granted(_))) => {
                let id = ticket.as_str();
                if !self.givers.contains_key(id) {
                    self.givers.insert(id.to_owned(), from.clone());
                }
            }
            (Command::Extend { leases, .. }, Ok(Reply::Extended(words)))
                if !self.replaced.is_empty() =>
            {
                for (lease, word) in leases.iter().zip(words) {
                    if *word == LeaseWord::Renewed {
                        self.obeyed(node, &lease.token);
                    }
                }
            }
            (Command::Release(release), Ok(Reply::Released(ReleaseWord::Done))) => {
                self.obeyed(node, &release.token);
            }
            _ => {}
        }
    }

    fn obeyed(&mut self, node: usize, owner: &OwnerToken) {
        let Some(nodes) = self.replaced.get_mut(owner) else {
            return;
        };
        nodes.insert(node);
        if nodes.len() >= quorum(self.nodes) {
            self.objection
                .get_or_insert_with(|| format!("nodes {nodes:?} obeyed an owner that handed over"));
        }
    }
}
