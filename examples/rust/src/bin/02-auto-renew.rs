//! Work that takes longer than the lease: the engine renews it in the background.
//!
//! The ttl says how soon others may go on if this process dies, not how long the work may take. The
//! renewal has a thread of its own, so it goes on while this one is blocked, as it is here.

use std::time::Duration;

use quorlock::{AcquireOptions, Client, Released, Result};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let client = Client::connect(quorlock_examples::nodes())?;
    let ttl = Duration::from_millis(300);
    let options = AcquireOptions::new()
        .ttl(ttl)
        .wait(Duration::from_secs(10))
        // A process that hangs for ever shall not hold the lock for ever.
        .hold_max(Duration::from_secs(60));
    let guard = client.mutex("example:report").acquire(options).await?;
    guard.on_lost(|loss| eprintln!("stop working: {loss}"));

    for step in 1..=4 {
        // Blocks the whole runtime of this program on purpose.
        std::thread::sleep(ttl);
        guard.check()?;
        let left = guard.remaining();
        println!(
            "{} ms of work, valid for another {} ms",
            step * ttl.as_millis(),
            left.as_millis()
        );
    }
    let released = guard.release().await?;
    println!("held four times the ttl, then {released:?}");
    assert_eq!(released, Released::Released);
    Ok(())
}
