//! The fencing tokens a client proposes.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::FencingToken;

/// Proposals of one client: unix time in microseconds, moved to the tokens that took a second round,
/// so that clients whose calendars differ agree in one round all the same.
#[derive(Debug, Default)]
pub struct Proposals {
    last: AtomicU64,
    ahead: AtomicU64,
}

impl Proposals {
    /// A proposal at this time by the client's calendar, larger than every earlier one.
    pub fn next(&self, wall_micros: u64) -> u64 {
        let at = wall_micros.saturating_add(self.ahead.load(Ordering::Relaxed));
        let later = |last: u64| Some(at.max(last.saturating_add(1)));
        match self
            .last
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, later)
        {
            Ok(last) | Err(last) => at.max(last.saturating_add(1)),
        }
    }

    /// The token that was agreed on in the end, at this time by the client's calendar, where the
    /// proposal was not.
    pub fn learn(&self, token: FencingToken, wall_micros: u64) {
        let ahead = token.get().saturating_sub(wall_micros);
        self.ahead.store(ahead, Ordering::Relaxed);
        // A proposal too far in the future was cut by the servers: later ones begin at the token.
        self.last.store(token.get(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proposals_grow_and_follow_the_tokens_seen() {
        let proposals = Proposals::default();
        let token = |number| FencingToken::new(number).expect("in range");
        assert_eq!(proposals.next(100), 100);
        assert_eq!(proposals.next(100), 101);
        assert_eq!(proposals.next(90), 102);
        proposals.learn(token(500), 110);
        assert_eq!(proposals.next(120), 510);
        proposals.learn(token(300), 290);
        assert_eq!(proposals.next(300), 310);
    }
}
