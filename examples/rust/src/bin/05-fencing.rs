//! The store has the last word: a holder that comes too late is refused by its token.
//!
//! No lock service can stop a process that sleeps between its last look at the lock and its write.
//! Tokens only grow, so a store that remembers the largest can tell who is late.

use std::time::Duration;

use quorlock::{AcquireOptions, Client, FencingToken, Result};

/// A store that remembers the largest token it has seen.
#[derive(Default)]
struct Store {
    last: Option<FencingToken>,
    text: String,
}

impl Store {
    /// Writes unless a later holder has written. A database does the same in one statement:
    /// `UPDATE … SET text = $1, token = $2 WHERE id = $3 AND token < $2`.
    fn write(&mut self, token: Option<FencingToken>, text: &str) -> bool {
        let newer = token > self.last;
        if newer {
            (self.last, self.text) = (token, text.to_owned());
        }
        newer
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let connect = || Client::connect(quorlock_examples::nodes());
    let (slow, quick) = (connect()?, connect()?);
    let wait = AcquireOptions::new().wait(Duration::from_secs(10));
    let mut store = Store::default();

    // Without renewal, as if the process were paused before the renewal could run.
    let short = wait.clone().ttl(Duration::from_millis(100)).renew(false);
    let late = slow.mutex("example:document").acquire(short).await?;
    let loss = late.lost().await;
    println!("slow: {loss}");

    let guard = quick.mutex("example:document").acquire(wait).await?;
    println!(
        "quick: written {}",
        store.write(guard.fencing_token(), "by quick")
    );
    guard.release().await?;

    // It did not look, or looked before the pause: the store knows better.
    println!(
        "slow: written {}",
        store.write(late.fencing_token(), "by slow")
    );
    println!("stored: {}", store.text);
    Ok(())
}
