//! Waiting for something to become true, instead of sleeping for a guess.

use std::thread;
use std::time::{Duration, Instant};

/// Short enough not to slow a test down, long enough to leave the processor to those who do the work.
const PAUSE: Duration = Duration::from_millis(2);

/// Waits until the condition holds; panics at the caller's line, saying `what`, if it does not `within` that time.
#[track_caller]
pub fn eventually(within: Duration, what: &str, condition: impl FnMut() -> bool) {
    assert!(
        holds_within(within, condition),
        "not within {within:?}: {what}"
    );
}

/// Whether the condition comes to hold within that time. It is asked at least once, and once more at the end.
pub fn holds_within(within: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + within;
    loop {
        let late = Instant::now() >= deadline;
        if condition() {
            return true;
        }
        if late {
            return false;
        }
        thread::sleep(PAUSE);
    }
}

/// [`eventually`] for a test on a tokio runtime, which goes on running its tasks meanwhile.
///
/// The limit is one of real time, also where tokio's time is paused.
pub async fn eventually_async(within: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + within;
    loop {
        let late = Instant::now() >= deadline;
        if condition() {
            return;
        }
        assert!(!late, "not within {within:?}: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_no_longer_than_needed() {
        let mut asked = 0;
        let began = Instant::now();
        eventually(Duration::from_secs(10), "third time", || {
            asked += 1;
            asked == 3
        });
        assert!(began.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn gives_up_at_the_limit() {
        let began = Instant::now();
        assert!(!holds_within(Duration::from_millis(20), || false));
        assert!(began.elapsed() >= Duration::from_millis(20));
    }

    #[test]
    #[should_panic(expected = "not within 0ns: the moon turns green")]
    fn says_what_was_waited_for() {
        eventually(Duration::ZERO, "the moon turns green", || false);
    }
}
