//! Counting votes: one per configured node, and a majority of them decides.

/// Where one node's vote stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vote {
    /// Not in yet.
    Open,
    /// The node did what was asked.
    For,
    /// It definitely did not.
    Against,
    /// It could not say.
    Faulted,
    /// It could not say, and will not until somebody changes its configuration.
    Permanent,
}

/// What the votes amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A majority can still come together.
    Open,
    /// A majority is for it.
    Won,
    /// A majority can no longer come together.
    Lost,
}

/// Why a round was not won, once it is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defeat {
    /// Somebody else has it, or several contenders split the votes: a majority did answer.
    Contended,
    /// Too few nodes answered.
    Unavailable,
    /// So many nodes refuse for good that no majority can answer.
    Permanent,
}

/// The votes of one round.
#[derive(Debug, Clone)]
pub struct Tally {
    quorum: usize,
    votes: Vec<Vote>,
    /// Votes counted beside the table; only a planted bug adds any.
    surplus: usize,
}

impl Tally {
    /// No vote in, of `nodes` configured nodes.
    pub fn new(nodes: usize, quorum: usize) -> Self {
        Tally {
            quorum,
            votes: vec![Vote::Open; nodes],
            surplus: 0,
        }
    }

    /// A node's vote, which replaces an earlier one of the same node.
    pub fn set(&mut self, node: usize, vote: Vote) {
        self.votes[node] = vote;
    }

    /// The planted bug: a second grant of one node is one more vote.
    pub fn count_again(&mut self) {
        self.surplus += 1;
    }

    /// Where one node's vote stands.
    pub fn vote(&self, node: usize) -> Vote {
        self.votes[node]
    }

    /// How many votes stand so.
    pub fn count(&self, vote: Vote) -> usize {
        let counted = self.votes.iter().filter(|&&one| one == vote).count();
        if vote == Vote::For {
            counted + self.surplus
        } else {
            counted
        }
    }

    /// What the votes amount to so far.
    pub fn verdict(&self) -> Verdict {
        let granted = self.count(Vote::For);
        if granted >= self.quorum {
            Verdict::Won
        } else if granted + self.count(Vote::Open) < self.quorum {
            Verdict::Lost
        } else {
            Verdict::Open
        }
    }

    /// The time is up: votes still open are faults. `refused` says of which nodes it is known that
    /// they answered before they were asked again.
    pub fn close(&mut self, refused: impl Fn(usize) -> bool) {
        for (node, vote) in self.votes.iter_mut().enumerate() {
            if *vote == Vote::Open {
                *vote = if refused(node) {
                    Vote::Against
                } else {
                    Vote::Faulted
                };
            }
        }
    }

    /// Why the round is lost. A vote still open, where the rest decided without it, is no fault.
    pub fn defeat(&self) -> Defeat {
        if self.count(Vote::Permanent) > self.votes.len() - self.quorum.min(self.votes.len()) {
            Defeat::Permanent
        } else if self.votes.len() - self.count(Vote::Faulted) - self.count(Vote::Permanent)
            >= self.quorum
        {
            Defeat::Contended
        } else {
            Defeat::Unavailable
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::quorum;

    /// Every combination of votes up to five nodes, against the definition written a second way.
    #[test]
    fn every_vote_table() {
        const KINDS: [Vote; 5] = [
            Vote::Open,
            Vote::For,
            Vote::Against,
            Vote::Faulted,
            Vote::Permanent,
        ];
        for nodes in 1..=5usize {
            for code in 0..KINDS.len().pow(nodes as u32) {
                let mut tally = Tally::new(nodes, quorum(nodes));
                let mut counts = [0usize; 5];
                let mut rest = code;
                for node in 0..nodes {
                    counts[rest % 5] += 1;
                    tally.set(node, KINDS[rest % 5]);
                    rest /= 5;
                }
                let [open, granted, against, _, permanent] = counts;
                // Twice the votes against all nodes: the majority without the quorum function.
                let won = 2 * granted > nodes;
                let possible = 2 * (granted + open) > nodes;
                let expected = match (won, possible) {
                    (true, _) => Verdict::Won,
                    (false, true) => Verdict::Open,
                    (false, false) => Verdict::Lost,
                };
                assert_eq!(tally.verdict(), expected, "{nodes} nodes, votes {counts:?}");
                if !won {
                    let defeat = if 2 * (nodes - permanent) <= nodes {
                        Defeat::Permanent
                    } else if 2 * (granted + against + open) > nodes {
                        Defeat::Contended
                    } else {
                        Defeat::Unavailable
                    };
                    assert_eq!(tally.defeat(), defeat, "{nodes} nodes, votes {counts:?}");
                }
            }
        }
    }

    #[test]
    fn a_node_votes_once() {
        let mut tally = Tally::new(3, 2);
        tally.set(0, Vote::For);
        tally.set(0, Vote::For);
        assert_eq!(tally.verdict(), Verdict::Open);
    }
}
