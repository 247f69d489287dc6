//! The life of one lease, as a state machine without clock or I/O: time is an argument.

use std::fmt;

use crate::config::{Moment, Ttl, deadline};
use crate::error::words;

/// Why a lease was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Loss {
    /// A majority of the nodes no longer has the key.
    Majority,
    /// The validity ran out before a majority confirmed a renewal.
    Expired,
    /// The longest time a lease may be held was reached.
    HoldLimit,
    /// The largest number of renewals was reached.
    RenewalLimit,
    /// The event loop that uses the lock has not answered for too long.
    HostSilent,
    /// The leader resigned.
    Resigned,
}

impl Loss {
    words! {
        /// The reason in one stable lower-case word, as logs and metrics show it.
        self;
        Loss::Majority => "majority",
        Loss::Expired => "expired",
        Loss::HoldLimit => "hold_limit",
        Loss::RenewalLimit => "renewal_limit",
        Loss::HostSilent => "host_silent",
        Loss::Resigned => "resigned",
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Loss::Majority => "a majority of the nodes no longer has the key",
            Loss::Expired => "the validity ran out before a majority confirmed a renewal",
            Loss::HoldLimit => "the longest time a lease may be held was reached",
            Loss::RenewalLimit => "the largest number of renewals was reached",
            Loss::HostSilent => "the event loop that uses it has not answered for too long",
            Loss::Resigned => "the leader resigned",
        })
    }
}

/// What one try to renew came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewed {
    /// A majority confirmed in time: the validity is extended.
    Yes,
    /// Too few answers: the old deadline stands.
    Unknown,
    /// It cannot be held any more.
    Lost(Loss),
    /// Its holder ended it meanwhile: the answers mean nothing any more.
    Ended,
}

/// Where a lease stands. There is no way back from `Lost` or `Ended`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Held until the deadline.
    Held,
    /// Lost, once and for good.
    Lost(Loss),
    /// Released, or handed over.
    Ended,
}

/// One lease.
#[derive(Debug, Clone)]
pub struct LeaseState {
    deadline: Moment,
    standing: Standing,
}

impl LeaseState {
    /// A lease held until `deadline`.
    pub fn held_until(deadline: Moment) -> Self {
        LeaseState {
            deadline,
            standing: Standing::Held,
        }
    }

    /// Where it stands, its deadline apart.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// The instant from which it may not be used, unless renewed before.
    pub fn deadline(&self) -> Moment {
        self.deadline
    }

    /// True where it may be used at `now`.
    pub fn is_held(&self, now: Moment) -> bool {
        self.standing == Standing::Held && now < self.deadline
    }

    /// A renewal with `ttl`, asked for at `sent` and counted at `now`: `renewed` nodes confirmed
    /// it, `gone` said that the key is no longer this lease's. On anything but a majority before
    /// the old deadline, the old deadline stands.
    pub fn renew(&mut self, sent: Moment, now: Moment, ttl: Ttl, votes: Votes) -> Renewed {
        match self.standing {
            Standing::Held => {}
            Standing::Lost(loss) => return Renewed::Lost(loss),
            Standing::Ended => return Renewed::Ended,
        }
        if let Some(loss) = self.expire(now) {
            return Renewed::Lost(loss);
        }
        if votes.renewed >= votes.quorum {
            self.deadline = self.deadline.max(deadline(sent, ttl));
            return Renewed::Yes;
        }
        // A key that is gone is not set again, so this majority can never come together.
        if votes.gone > votes.nodes - votes.quorum {
            self.standing = Standing::Lost(Loss::Majority);
            return Renewed::Lost(Loss::Majority);
        }
        Renewed::Unknown
    }

    /// Notices that the deadline has passed; says so once.
    pub fn expire(&mut self, now: Moment) -> Option<Loss> {
        (self.standing == Standing::Held && now >= self.deadline).then(|| self.lose(Loss::Expired))
    }

    /// A claim of the same owner was won at `now`, until `deadline`; false where the lease is over.
    pub fn win_again(&mut self, deadline: Moment, now: Moment) -> bool {
        let held = self.is_held(now) && now < deadline;
        if held {
            self.deadline = deadline;
        }
        held
    }

    /// Ends the lease as lost.
    pub fn lose(&mut self, loss: Loss) -> Loss {
        if self.standing == Standing::Held {
            self.standing = Standing::Lost(loss);
        }
        loss
    }

    /// Ends the lease by its holder's will; true where it was held until now.
    pub fn end(&mut self, now: Moment) -> bool {
        let held = self.is_held(now);
        if self.standing == Standing::Held {
            self.standing = Standing::Ended;
        }
        held
    }

    /// The planted bug: an extension counted after the deadline.
    pub fn revive(&mut self, until: Moment) {
        self.standing = Standing::Held;
        self.deadline = until;
    }
}

/// The answers to one renewal.
#[derive(Debug, Clone, Copy)]
pub struct Votes {
    /// Configured nodes.
    pub nodes: usize,
    /// How many make a majority.
    pub quorum: usize,
    /// Nodes that confirmed.
    pub renewed: usize,
    /// Nodes where the key is gone or another's.
    pub gone: usize,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(ms: u64) -> Moment {
        Moment::default() + Duration::from_millis(ms)
    }

    fn votes(renewed: usize, gone: usize) -> Votes {
        Votes {
            nodes: 5,
            quorum: 3,
            renewed,
            gone,
        }
    }

    fn ttl() -> Ttl {
        Ttl::from_millis(1000).expect("in bounds")
    }

    #[test]
    fn a_majority_in_time_extends() {
        let mut lease = LeaseState::held_until(at(988));
        assert_eq!(
            lease.renew(at(300), at(310), ttl(), votes(3, 0)),
            Renewed::Yes
        );
        assert_eq!(lease.deadline(), at(1288));
        assert!(lease.is_held(at(1287)));
        assert!(!lease.is_held(at(1288)));
    }

    #[test]
    fn a_majority_too_late_is_a_loss() {
        let mut lease = LeaseState::held_until(at(988));
        assert_eq!(
            lease.renew(at(900), at(988), ttl(), votes(5, 0)),
            Renewed::Lost(Loss::Expired)
        );
        assert_eq!(
            lease.renew(at(989), at(990), ttl(), votes(5, 0)),
            Renewed::Lost(Loss::Expired)
        );
        assert!(!lease.is_held(at(0)));
    }

    /// Found by the simulation: the answers to a renewal on its way when the lock was released.
    #[test]
    fn an_ended_lease_is_not_renewed() {
        let mut lease = LeaseState::held_until(at(988));
        assert!(lease.end(at(305)));
        assert_eq!(
            lease.renew(at(300), at(310), ttl(), votes(5, 0)),
            Renewed::Ended
        );
        assert_eq!(lease.deadline(), at(988));
    }

    #[test]
    fn too_few_answers_leave_the_deadline() {
        let mut lease = LeaseState::held_until(at(988));
        assert_eq!(
            lease.renew(at(300), at(350), ttl(), votes(2, 2)),
            Renewed::Unknown
        );
        assert_eq!(lease.deadline(), at(988));
        assert_eq!(
            lease.renew(at(400), at(450), ttl(), votes(2, 3)),
            Renewed::Lost(Loss::Majority)
        );
    }

    /// Every sequence of five events from every kind ends with what was lost staying lost.
    #[test]
    fn nothing_lost_is_ever_held_again() {
        let events = 6usize;
        for code in 0..events.pow(6) {
            let mut lease = LeaseState::held_until(at(988));
            let mut rest = code;
            let mut now = 0;
            let mut dead = false;
            for _ in 0..6 {
                match rest % events {
                    0 => now += 200,
                    1 => now += 990,
                    2 => drop(lease.renew(at(now), at(now + 5), ttl(), votes(3, 0))),
                    3 => drop(lease.renew(at(now), at(now + 5), ttl(), votes(0, 3))),
                    4 => drop(lease.renew(at(now), at(now + 2000), ttl(), votes(5, 0))),
                    _ => drop(lease.expire(at(now))),
                }
                let held = lease.is_held(at(now));
                assert!(!(dead && held), "revived by {code}");
                dead |= !held;
                rest /= events;
            }
        }
    }
}
